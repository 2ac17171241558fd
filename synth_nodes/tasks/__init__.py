"""What a robot is asked to do: goals, paths, observations, and the expert that shows how."""
