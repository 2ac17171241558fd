"""Proof of the safety monitor by millions of random scenarios, and by injected faults."""
