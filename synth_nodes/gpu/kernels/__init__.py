"""Kernels in Warp's language: the same source runs on its CPU device and on CUDA."""
