"""One executable ROS 2 node a file."""
