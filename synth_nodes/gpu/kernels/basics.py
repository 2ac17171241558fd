"""Numbers of the kernels: their type, and chance as `synth_nodes.world.chance` has it."""

import math

import warp as wp

real = wp.float64
"""
Double, as the numba kernels compute: both back ends then take the same decisions at edges.

Warp takes a bare literal for a single: write real(0.5).
"""
Row = wp.array(dtype=real)
Table = wp.array2d(dtype=real)
Whole = wp.array(dtype=wp.int32)
Wholes = wp.array2d(dtype=wp.int32)
Streams = wp.array(dtype=wp.uint64)

INF = wp.constant(real(math.inf))
PI = wp.constant(real(math.pi))
TWO_PI = wp.constant(real(2.0 * math.pi))
GOLDEN = wp.constant(wp.uint64(0x9E3779B97F4A7C15))
MIX_1 = wp.constant(wp.uint64(0xBF58476D1CE4E5B9))
MIX_2 = wp.constant(wp.uint64(0x94D049BB133111EB))
PER_53_BITS = wp.constant(real(1.0 / 9007199254740992.0))
OPTIONS = {'enable_backward': False, 'max_unroll': 0, 'cpu_compiler_flags': '-march=native'}
"""Of every module with kernels: nothing is differentiated, and compiling stays quick."""


@wp.func
def infinity():
    """
    Start a minimum: what a variable that changes begins with.

    real(INF) must not: Warp 1.19 makes the constant itself the variable, for the whole function.
    """
    return INF


@wp.func
def mixed(state: wp.uint64):
    """Scramble a counter (SplitMix64's mixer)."""
    z = (state ^ (state >> wp.uint64(30))) * MIX_1
    z = (z ^ (z >> wp.uint64(27))) * MIX_2
    return z ^ (z >> wp.uint64(31))


@wp.func
def uniform(streams: Streams, b: int):
    """Draw from [0, 1) from stream b, which moves on."""
    state = streams[b] + GOLDEN
    streams[b] = state
    return real(mixed(state) >> wp.uint64(11)) * PER_53_BITS
