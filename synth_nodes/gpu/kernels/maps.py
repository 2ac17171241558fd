"""Maps on a device, as `synth_nodes.world.atlas` packs them."""

import warp as wp

from synth_nodes.gpu.kernels.basics import real, Table, Whole, Wholes


@wp.struct
class Maps:
    """`AtlasArrays` and its `Solids`, which say what each array holds."""

    jump: wp.array2d(dtype=wp.uint8)
    distance: wp.array(dtype=wp.float32)
    nearest: Whole
    shape: Wholes
    frame: Table
    first: Wholes
    boxes: Table
    discs: Table


@wp.func
def to_cell(maps: Maps, m: int, x: real, y: real):
    """Turn a point in `map` [m] into continuous (column, row) of padded map m."""
    dx = x - maps.frame[m, 0]
    dy = y - maps.frame[m, 1]
    c = maps.frame[m, 2]
    s = maps.frame[m, 3]
    scale = real(1.0) / maps.frame[m, 4]
    return (c * dx + s * dy) * scale, (c * dy - s * dx) * scale


@wp.func
def to_point(maps: Maps, m: int, column: real, row: real):
    """Turn continuous (column, row) of padded map m into a point in `map` [m]."""
    u = column * maps.frame[m, 4]
    v = row * maps.frame[m, 4]
    c = maps.frame[m, 2]
    s = maps.frame[m, 3]
    return maps.frame[m, 0] + c * u - s * v, maps.frame[m, 1] + s * u + c * v


@wp.func
def inside(maps: Maps, m: int, column: real, row: real) -> bool:
    """Tell whether a continuous (column, row) lies within map m, its solid ring left out."""
    return (column >= real(1.0) and row >= real(1.0)
            and column < real(maps.shape[m, 2]) - real(1.0)
            and row < real(maps.shape[m, 1]) - real(1.0))
