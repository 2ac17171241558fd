"""Environments for reinforcement learning over the batched world."""
