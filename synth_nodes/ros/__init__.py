"""The only room, with nodes/, that imports rclpy: parameters, conversions, QoS, diagnostics."""
