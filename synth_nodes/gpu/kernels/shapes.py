"""
Distances of a convex footprint, as `synth_nodes.world.collision` and `solids` have them.

No thread keeps the footprint's corners: whatever they are measured against is brought into
base_link, or they are placed one by one.
"""

import warp as wp

from synth_nodes.gpu.kernels.basics import INF, infinity, real, Row, Table
from synth_nodes.gpu.kernels.maps import Maps, to_cell

CONTACT = wp.constant(real(1e-3))
CLEARANCE_MAX = wp.constant(real(2.0))
HALF = wp.constant(real(0.5))


@wp.struct
class Body:
    """A convex footprint in base_link, counter-clockwise."""

    x: Row
    y: Row
    radius: real


@wp.struct
class Placed:
    """A footprint at a pose, in cells of a map: corner k is at column + c x - s y, ..."""

    column: real
    row: real
    c: real
    s: real
    cell: real


@wp.func
def corner_after(body: Body, k: int):
    """Next corner of the footprint."""
    e = k + 1
    if e == body.x.shape[0]:
        e = 0
    return e


@wp.func
def segment_square(x: real, y: real, ax: real, ay: real, bx: real, by: real):
    """Squared distance from a point to the segment a-b."""
    ux = bx - ax
    uy = by - ay
    t = wp.clamp(((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy), real(0.0), real(1.0))
    dx = x - ax - t * ux
    dy = y - ay - t * uy
    return dx * dx + dy * dy


@wp.func
def point_body(x: real, y: real, body: Body):
    """Squared distance [m^2] from a point in base_link to the footprint; 0 inside."""
    outside = bool(False)
    best = infinity()
    for k in range(body.x.shape[0]):
        e = corner_after(body, k)
        if ((body.x[e] - body.x[k]) * (y - body.y[k])
                - (body.y[e] - body.y[k]) * (x - body.x[k])) < real(0.0):
            outside = True
            best = wp.min(best, segment_square(x, y, body.x[k], body.y[k], body.x[e], body.y[e]))
    return wp.where(outside, best, real(0.0))


@wp.func
def disc_gap(body: Body, x: real, y: real, yaw: real, disc_x: real, disc_y: real, radius: real):
    """Distance [m] to a disc; negative where they overlap; beyond CLEARANCE_MAX a bound."""
    dx = disc_x - x
    dy = disc_y - y
    far = wp.sqrt(dx * dx + dy * dy) - body.radius - radius
    if far > CLEARANCE_MAX:
        return far
    c = wp.cos(yaw)
    s = wp.sin(yaw)
    return wp.sqrt(point_body(c * dx + s * dy, c * dy - s * dx, body)) - radius


@wp.func
def discs_gap(body: Body, x: real, y: real, yaw: real, discs: Table, ahead: real):
    """Distance [m] to the nearest disc, each moved on by `ahead` seconds."""
    best = infinity()
    for a in range(discs.shape[0]):
        best = wp.min(best, disc_gap(body, x, y, yaw, discs[a, 0] + ahead * discs[a, 2],
                                     discs[a, 1] + ahead * discs[a, 3], discs[a, 4]))
    return best


@wp.func
def placed(maps: Maps, m: int, x: real, y: real, yaw: real):
    """Place a footprint in map m."""
    at = Placed()
    column, row = to_cell(maps, m, x, y)
    at.column = column
    at.row = row
    c = wp.cos(yaw)
    s = wp.sin(yaw)
    at.cell = maps.frame[m, 4]
    at.c = (c * maps.frame[m, 2] + s * maps.frame[m, 3]) / at.cell
    at.s = (s * maps.frame[m, 2] - c * maps.frame[m, 3]) / at.cell
    return at


@wp.func
def corner_at(at: Placed, body: Body, k: int):
    """Column and row of a corner."""
    return (at.column + at.c * body.x[k] - at.s * body.y[k],
            at.row + at.s * body.x[k] + at.c * body.y[k])


@wp.func
def square_gap(at: Placed, body: Body, column: real, row: real):
    """Squared distance [cells^2] between the footprint and a cell square; 0 on overlap."""
    best = infinity()
    for k in range(body.x.shape[0]):
        px, py = corner_at(at, body, k)
        dx = wp.max(wp.abs(px - column - HALF) - HALF, real(0.0))
        dy = wp.max(wp.abs(py - row - HALF) - HALF, real(0.0))
        best = wp.min(best, dx * dx + dy * dy)
    area = at.cell * at.cell
    for corner in range(4):
        dx = column + real(corner % 2) - at.column
        dy = row + real(corner // 2) - at.row
        best = wp.min(best, point_body((at.c * dx + at.s * dy) * area,
                                       (at.c * dy - at.s * dx) * area, body) / area)
    return best


@wp.func
def probe(maps: Maps, m: int, at: Placed, body: Body, x: real, y: real, best: real):
    """Measure against the squares nearest to the four cell centres around a point [cells]."""
    width = maps.shape[m, 2]
    j = int(x - HALF)
    i = int(y - HALF)
    last = int(-1)
    least = real(best)
    for corner in range(4):
        which = maps.nearest[maps.shape[m, 0] + (i + corner // 2) * width + j + corner % 2]
        if which != last:
            least = wp.min(least, wp.sqrt(square_gap(
                at, body, real(which % width), real(which // width))))
            last = which
    return least


@wp.func
def wall_gap(maps: Maps, m: int, body: Body, x: real, y: real, yaw: real, cap: real):
    """Distance [m] from the footprint at a pose to the nearest solid cell, at most cap."""
    at = placed(maps, m, x, y, yaw)
    start = maps.shape[m, 0]
    width = maps.shape[m, 2]
    right = real(width) - real(1.0)
    top = real(maps.shape[m, 1]) - real(1.0)
    best = cap / at.cell
    for k in range(body.x.shape[0]):
        ax, ay = corner_at(at, body, k)
        ex, ey = corner_at(at, body, corner_after(body, k))
        ux = ex - ax
        uy = ey - ay
        length = wp.sqrt(ux * ux + uy * uy)
        t = real(0.0)
        while t < length and best > real(0.0):
            px = ax + ux * t / length
            py = ay + uy * t / length
            if px < real(1.0) or px >= right or py < real(1.0) or py >= top:
                best = real(0.0)
            else:
                j = int(px)
                i = int(py)
                off_x = px - real(j) - HALF
                off_y = py - real(i) - HALF
                least = (real(maps.distance[start + i * width + j])
                         - wp.sqrt(off_x * off_x + off_y * off_y))
                if least < best:
                    best = probe(maps, m, at, body, px, py, best)
                t += wp.max(least - best, real(0.75))
    return best * at.cell


@wp.func
def box_gap(body: Body, u: real, v: real, c: real, s: real, half_u: real, half_v: real):
    """Distance [m] to a box about the origin whose frame sees base_link at (u, v), turned."""
    best = infinity()
    low_u = infinity()
    high_u = real(-INF)
    low_v = infinity()
    high_v = real(-INF)
    for k in range(body.x.shape[0]):
        corner_u = u + c * body.x[k] - s * body.y[k]
        corner_v = v + s * body.x[k] + c * body.y[k]
        low_u = wp.min(low_u, corner_u)
        high_u = wp.max(high_u, corner_u)
        low_v = wp.min(low_v, corner_v)
        high_v = wp.max(high_v, corner_v)
        du = wp.max(wp.abs(corner_u) - half_u, real(0.0))
        dv = wp.max(wp.abs(corner_v) - half_v, real(0.0))
        best = wp.min(best, du * du + dv * dv)
    for k in range(4):
        du = wp.where(k % 2 == 1, half_u, -half_u) - u
        dv = wp.where(k // 2 == 1, half_v, -half_v) - v
        best = wp.min(best, point_body(c * du + s * dv, c * dv - s * du, body))
    if low_u > half_u or high_u < -half_u or low_v > half_v or high_v < -half_v:
        return wp.sqrt(best)
    if edge_parts(body, u, v, c, s, half_u, half_v):
        return wp.sqrt(best)
    return real(0.0)


@wp.func
def edge_parts(body: Body, u: real, v: real, c: real, s: real, half_u: real, half_v: real):
    """Tell whether some edge of the footprint has all of the box on its outer side."""
    parts = bool(False)
    to_u = -c * u - s * v
    to_v = s * u - c * v
    for k in range(body.x.shape[0]):
        e = corner_after(body, k)
        nx = body.y[e] - body.y[k]
        ny = body.x[k] - body.x[e]
        reach = wp.abs(c * nx - s * ny) * half_u + wp.abs(s * nx + c * ny) * half_v
        if (to_u - body.x[k]) * nx + (to_v - body.y[k]) * ny > reach:
            parts = True
    return parts


@wp.func
def solids_gap(maps: Maps, m: int, body: Body, x: real, y: real, yaw: real, cap: real):
    """Distance [m] from the footprint at a pose to the nearest box or disc of map m."""
    c = wp.cos(yaw)
    s = wp.sin(yaw)
    best = real(cap)
    for k in range(maps.first[m, 0], maps.first[m + 1, 0]):
        box = maps.boxes[k]
        dx = x - box[0]
        dy = y - box[1]
        u = box[2] * dx + box[3] * dy
        v = box[2] * dy - box[3] * dx
        far_u = wp.max(wp.abs(u) - box[4], real(0.0))
        far_v = wp.max(wp.abs(v) - box[5], real(0.0))
        room = best + body.radius
        if far_u * far_u + far_v * far_v < room * room:
            best = wp.min(best, box_gap(body, u, v, c * box[2] + s * box[3],
                                        s * box[2] - c * box[3], box[4], box[5]))
    for k in range(maps.first[m, 1], maps.first[m + 1, 1]):
        dx = maps.discs[k, 0] - x
        dy = maps.discs[k, 1] - y
        radius = maps.discs[k, 2]
        room = best + body.radius + radius
        if dx * dx + dy * dy < room * room:
            near = wp.sqrt(point_body(c * dx + s * dy, c * dy - s * dx, body))
            best = wp.min(best, wp.max(near - radius, real(0.0)))
    return best
