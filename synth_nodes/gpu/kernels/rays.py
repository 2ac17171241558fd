"""Lidar rays, one thread each: the grid in leaps, boxes and discs one by one, then noise."""

import math

import warp as wp

from synth_nodes.gpu.kernels.basics import (
    GOLDEN,
    INF,
    infinity,
    mixed,
    OPTIONS,
    real,
    Row,
    Streams,
    Table,
    Whole,
)
from synth_nodes.gpu.kernels.maps import inside, Maps, to_cell

wp.set_module_options(OPTIONS)
Scan = wp.array2d(dtype=wp.float32)
NOTHING = wp.constant(wp.float32(math.inf))


@wp.struct
class Optics:
    """A lidar: its beams, and `Flaws` of `synth_nodes.sensors.range_noise`."""

    cos: Row
    sin: Row
    ahead: real
    left: real
    turn: real
    range_max: real
    std: wp.float32
    slope: wp.float32
    low: wp.float32
    high: wp.float32
    dropout: wp.uint64
    quantiles: wp.array(dtype=wp.float32)


@wp.func
def wall_range(maps: Maps, m: int, column: real, row: real, dx: real, dy: real, reach: real):
    """
    Leap from free square to free square to the first solid one.

    As `march` of `synth_nodes.sensors.marching`: mirrored so that the ray heads to +column, +row.
    All lengths are in cells.

    :return: range; what is beyond reach may be anything beyond it.
    """
    j0 = int(column)
    i0 = int(row)
    width = maps.shape[m, 2]
    base = maps.shape[m, 0] + i0 * width + j0
    x = column - real(j0)
    y = row - real(i0)
    step_j = int(1)
    step_i = int(width)
    plane = int(0)
    if dx < real(0.0):
        x = real(1.0) - x
        step_j = -1
        plane += 1
    if dy < real(0.0):
        y = real(1.0) - y
        step_i = -width
        plane += 2
    along = wp.abs(dx)
    across = wp.abs(dy)
    per_x = real(1.0) / wp.max(along, real(1e-30))
    per_y = real(1.0) / wp.max(across, real(1e-30))
    j = int(0)
    i = int(0)
    t = real(0.0)
    while t <= reach:
        side = int(maps.jump[plane, base + step_i * i + step_j * j])
        if side == 0:
            break
        t_x = (real(j + side) - x) * per_x
        t_y = (real(i + side) - y) * per_y
        if t_x < t_y:
            t = t_x
            i = wp.clamp(int(y + t * across), i, i + side - 1)
            j = j + side
        else:
            t = t_y
            j = wp.clamp(int(x + t * along), j, j + side - 1)
            i = i + side
    return t


@wp.func
def box_range(box: Row, x: real, y: real, dx: real, dy: real):
    """
    Range [m] to a box by its slabs (Kay, Kajiya 1986): 0 from inside, inf where it is missed.

    :param x: of the sensor in `map` [m]; y: the same; dx, dy: direction of the ray.
    """
    from_x = x - box[0]
    from_y = y - box[1]
    # Most boxes end here: the ray's line keeps off the circle around the box.
    across = from_x * dy - from_y * dx
    if across * across > (box[4] * box[4] + box[5] * box[5]) * real(1.000001):
        return INF
    u = box[2] * from_x + box[3] * from_y
    v = box[2] * from_y - box[3] * from_x
    du = box[2] * dx + box[3] * dy
    dv = box[2] * dy - box[3] * dx
    near_u = wp.abs(u) - box[4]
    near_v = wp.abs(v) - box[5]
    if near_u <= real(0.0) and near_v <= real(0.0):
        return real(0.0)
    if near_u > real(0.0) and u * du >= real(0.0):
        return INF
    if near_v > real(0.0) and v * dv >= real(0.0):
        return INF
    t_u = -INF
    t_v = -INF
    if near_u > real(0.0):
        t_u = near_u / wp.abs(du)
    if near_v > real(0.0):
        t_v = near_v / wp.abs(dv)
    if t_u >= t_v:
        return wp.where(wp.abs(v + dv * t_u) <= box[5], t_u, INF)
    return wp.where(wp.abs(u + du * t_v) <= box[4], t_v, INF)


@wp.func
def disc_range(to_x: real, to_y: real, radius: real, dx: real, dy: real):
    """Range [m] to a disc whose centre is (to_x, to_y) from the sensor; 0 from inside."""
    tangent = to_x * to_x + to_y * to_y - radius * radius
    if tangent <= real(0.0):
        return real(0.0)
    along = to_x * dx + to_y * dy
    across = to_y * dx - to_x * dy
    inner = radius * radius - across * across
    if along <= real(0.0) or inner < real(0.0):
        return INF
    return tangent / (along + wp.sqrt(inner))


@wp.func
def solid_range(maps: Maps, m: int, discs: Table, x: real, y: real, dx: real, dy: real):
    """Range [m] to the nearest box or disc of map m, or moving disc."""
    best = infinity()
    for k in range(maps.first[m, 0], maps.first[m + 1, 0]):
        best = wp.min(best, box_range(maps.boxes[k], x, y, dx, dy))
    for k in range(maps.first[m, 1], maps.first[m + 1, 1]):
        best = wp.min(best, disc_range(maps.discs[k, 0] - x, maps.discs[k, 1] - y,
                                       maps.discs[k, 2], dx, dy))
    for k in range(discs.shape[0]):
        best = wp.min(best, disc_range(discs[k, 0] - x, discs[k, 1] - y, discs[k, 4], dx, dy))
    return best


@wp.func
def spoiled(ideal: wp.float32, optics: Optics, z: wp.uint64):
    """Turn an ideal range into a measured one, as `spoil` of `range_noise` does."""
    cell = int(z >> wp.uint64(53))
    share = wp.float32(int((z >> wp.uint64(29)) & wp.uint64(0xFFFFFF))) * wp.float32(
        1.0 / 16777216.0)
    a = optics.quantiles[cell]
    normal = a + share * (optics.quantiles[cell + 1] - a)
    measured = ideal
    if ideal < NOTHING:
        measured = ideal + (optics.std + optics.slope * ideal) * normal
    if ideal < optics.low or measured < optics.low:
        return -NOTHING
    if (z & wp.uint64(0xFFFFFF)) < optics.dropout or measured > optics.high:
        return NOTHING
    return measured


@wp.kernel
def aim(optics: Optics, pose: Table, offset: Table, eye: Table, key: Streams):
    """Find x, y, cos, sin of yaw of every sensor in `map`, and move the key of the noise on."""
    b = wp.tid()
    if b == 0:
        key[0] = key[0] + GOLDEN
    ahead = optics.ahead + offset[b, 0]
    left = optics.left + offset[b, 1]
    c = wp.cos(pose[b, 2])
    s = wp.sin(pose[b, 2])
    yaw = pose[b, 2] + optics.turn + offset[b, 2]
    eye[b, 0] = pose[b, 0] + c * ahead - s * left
    eye[b, 1] = pose[b, 1] + s * ahead + c * left
    eye[b, 2] = wp.cos(yaw)
    eye[b, 3] = wp.sin(yaw)


@wp.kernel
def scan(maps: Maps, optics: Optics, map_index: Whole, eye: Table, actors: wp.array3d(dtype=real),
         key: Streams, out: Scan):
    """Measure one beam k of one robot b, after `aim`."""
    b, k = wp.tid()
    m = map_index[b]
    x = eye[b, 0]
    y = eye[b, 1]
    column, row = to_cell(maps, m, x, y)
    reach = optics.range_max
    best = real(0.0)
    if inside(maps, m, column, row):
        dx = eye[b, 2] * optics.cos[k] - eye[b, 3] * optics.sin[k]
        dy = eye[b, 3] * optics.cos[k] + eye[b, 2] * optics.sin[k]
        best = solid_range(maps, m, actors[b], x, y, dx, dy)
        cell = maps.frame[m, 4]
        c = maps.frame[m, 2]
        s = maps.frame[m, 3]
        leaps = wall_range(maps, m, column, row, c * dx + s * dy, c * dy - s * dx,
                           wp.min(best, reach) / cell)
        # Single in between, as the numba kernel keeps it: both then end alike at range_max.
        best = wp.min(best, cell * real(wp.float32(leaps)))
        if best > reach:
            best = INF
    z = mixed(mixed(mixed(key[0]) + wp.uint64(b)) + wp.uint64(k) * GOLDEN)
    out[b, k] = spoiled(wp.float32(best), optics, z)
