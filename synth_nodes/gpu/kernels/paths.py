"""Ways of people and tracks of carts: `synth_nodes.world.ways` and `rails`."""

import warp as wp

from synth_nodes.gpu.kernels.basics import real, Table, Whole, Wholes

NOWHERE = wp.constant(255)
ARRIVED = wp.constant(8)
SHARP = wp.constant(real(0.87))


@wp.struct
class Ways:
    """Flow fields of all maps; see `world.ways.Ways`."""

    flow: wp.array2d(dtype=wp.uint8)
    spawn: Whole
    shape: Wholes
    room: wp.array(dtype=wp.float32)


@wp.struct
class Rails:
    """Tracks of all maps; see `world.rails.Rails`."""

    points: Table
    first: Whole
    closed: wp.array(dtype=wp.bool)
    of_map: Whole
    radius: real
    speed: real
    stops: bool
    gap: real
    patience: real


@wp.func
def coarse_cell(ways: Ways, m: int, column: real, row: real):
    """Index within map m of the coarse cell at a continuous (column, row); -1 outside."""
    factor = real(ways.shape[m, 3])
    j = int(wp.floor(column / factor))
    i = int(wp.floor(row / factor))
    if j < 0 or i < 0 or j >= ways.shape[m, 2] or i >= ways.shape[m, 1]:
        return -1
    return i * ways.shape[m, 2] + j


@wp.func
def passable(ways: Ways, m: int, column: real, row: real) -> bool:
    """Tell whether a disc may stand at a continuous (column, row)."""
    cell = coarse_cell(ways, m, column, row)
    if cell < 0:
        return False
    return int(ways.flow[0, ways.shape[m, 0] + cell]) != NOWHERE


@wp.func
def ahead(ways: Ways, m: int, goal: int, cell: int, steps: int):
    """Follow the flow to a goal for some coarse cells, and return where that leads."""
    width = ways.shape[m, 2]
    at = int(cell)
    for _ in range(steps):
        way = int(ways.flow[goal, ways.shape[m, 0] + at])
        if way >= ARRIVED:
            break
        if way == 0 or way == 1 or way == 7:
            at += 1
        if way >= 3 and way <= 5:
            at -= 1
        if way >= 1 and way <= 3:
            at += width
        if way >= 5:
            at -= width
    return at


@wp.func
def point_at(rails: Rails, track: int, along: real):
    """Find the point [m] in `map` at some way along a track, and the corner before it."""
    low = int(rails.first[track])
    high = int(rails.first[track + 1] - 2)
    while low < high:
        middle = (low + high + 1) // 2
        if rails.points[middle, 2] <= along:
            low = middle
        else:
            high = middle - 1
    a = rails.points[low]
    b = rails.points[low + 1]
    share = wp.clamp((along - a[2]) / (b[2] - a[2]), real(0.0), real(1.0))
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), low


@wp.func
def bends_sharply(rails: Rails, k: int) -> bool:
    """Tell whether a track turns at a corner by more than a cart takes within a step."""
    ux = rails.points[k, 0] - rails.points[k - 1, 0]
    uy = rails.points[k, 1] - rails.points[k - 1, 1]
    vx = rails.points[k + 1, 0] - rails.points[k, 0]
    vy = rails.points[k + 1, 1] - rails.points[k, 1]
    return ux * vx + uy * vy < SHARP * wp.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy))


@wp.func
def advance(rails: Rails, track: int, along: real, way: real):
    """Go on along a track, not past a sharp bend or an open end; whether an end is reached."""
    first = rails.first[track]
    last = rails.first[track + 1] - 1
    length = rails.points[last, 2]
    sense = int(-1)
    if way > real(0.0):
        sense = 1
    _x, _y, low = point_at(rails, track, along)
    k = int(low)
    if sense > 0:
        k = low + 1
        if along >= rails.points[k, 2] - real(1e-9):
            k += 1
    elif along <= rails.points[k, 2] + real(1e-9):
        k -= 1
    end = along + way
    looking = bool(True)
    while looking and first < k and k < last:
        if real(sense) * (end - rails.points[k, 2]) <= real(0.0):
            looking = False
        elif bends_sharply(rails, k):
            return rails.points[k, 2], False
        else:
            k += sense
    if not rails.closed[track]:
        return wp.clamp(end, real(0.0), length), end <= real(0.0) or end >= length
    if end >= length:
        return real(0.0), False
    if end <= real(0.0):
        return length, False
    return end, False
