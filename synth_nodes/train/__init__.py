"""Learning algorithms that turn samples into policies."""
