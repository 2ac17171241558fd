"""Generative models: what a real sensor makes of an ideal scan."""
