"""Sensors of the simulated world: lidar, IMU, odometry, and their noise."""
