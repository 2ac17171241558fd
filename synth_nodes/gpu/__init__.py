"""The batched world on a GPU (and on the CPU for tests), with NVIDIA Warp."""
