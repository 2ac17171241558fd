"""Recorded and synthetic data: logs in, maps and samples out."""
