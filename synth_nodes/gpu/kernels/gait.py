"""How people walk by a learned model: `synth_nodes.world.gait`, which explains each part."""

import warp as wp

from synth_nodes.gpu.kernels.basics import infinity, real, Row, Streams, Table, TWO_PI, uniform
from synth_nodes.gpu.kernels.maps import Maps, to_cell, to_point
from synth_nodes.gpu.kernels.paths import ahead, ARRIVED, coarse_cell, NOWHERE, passable, Ways
from synth_nodes.world import gait

ARRIVAL = wp.constant(gait.ARRIVAL)
SIGHT = wp.constant(gait.SIGHT[0])
OFF = wp.constant(real(gait.OFF))
NEIGHBOURS = wp.constant(gait.NEIGHBOURS)
REACH = wp.constant(real(gait.REACH))
BEHIND = wp.constant(real(gait.BEHIND))
ROOM = wp.constant(real(gait.ROOM))
OWN = wp.constant(gait.OWN)
EACH = wp.constant(gait.EACH)
SEEN = wp.constant(gait.SEEN)
WIDTH = wp.constant(gait.WIDTH)
PARTS = wp.constant(gait.PARTS)
OUTPUTS = wp.constant(gait.OUTPUTS)
LEAST = wp.constant(real(gait.LEAST))
MOST = wp.constant(real(gait.MOST))
FASTEST = wp.constant(real(gait.FASTEST))
NEW = wp.constant(real(gait.NEW))
HERE = wp.constant(gait.HERE)
BEFORE = wp.constant(gait.BEFORE)
WISH = wp.constant(gait.WISH)
PASSED = wp.constant(gait.PASSED)
Seen = wp.types.vector(length=gait.SEEN, dtype=real)
Hidden = wp.types.vector(length=gait.WIDTH, dtype=real)
Out = wp.types.vector(length=gait.OUTPUTS, dtype=real)
Rank = wp.types.vector(length=gait.NEIGHBOURS, dtype=real)
Other = wp.types.vector(length=5, dtype=real)
Walker = wp.types.vector(length=6, dtype=real)


@wp.struct
class Gait:
    """A learned model; see `world.gait.Gait`."""

    on: bool
    period: real
    first: Table
    first_bias: Row
    second: Table
    second_bias: Row
    last: Table
    last_bias: Row


@wp.func
def next_sight(steps: int):
    """Coarse cells to the next nearer point that is looked for; see `gait.SIGHT`."""
    return wp.where(steps == 24, 12, wp.where(steps == 12, 5, 1))


@wp.func
def look_along(maps: Maps, ways: Ways, m: int, goal: int, x: real, y: real):
    """Find the unit vector in `map` to the farthest point of a way in sight, or an arrival."""
    column, row = to_cell(maps, m, x, y)
    cell = coarse_cell(ways, m, column, row)
    first = ways.shape[m, 0]
    if cell < 0:
        return real(0.0), real(0.0), True
    if int(ways.flow[goal, first + cell]) == NOWHERE:
        return real(0.0), real(0.0), True
    if int(ways.flow[goal, first + ahead(ways, m, goal, cell, ARRIVAL)]) == ARRIVED:
        return real(0.0), real(0.0), True
    width = ways.shape[m, 2]
    factor = real(ways.shape[m, 3])
    to_column = real(column)
    to_row = real(row)
    steps = int(SIGHT)
    looking = bool(True)
    while looking:
        target = ahead(ways, m, goal, cell, steps)
        to_column = (real(target % width) + real(0.5)) * factor
        to_row = (real(target // width) + real(0.5)) * factor
        clear = bool(True)
        for k in range(1, steps):
            share = (real(k) - OFF) / real(steps)
            if clear:
                clear = passable(ways, m, column + share * (to_column - column),
                                 row + share * (to_row - row))
        if clear or steps == 1:
            looking = False
        else:
            steps = next_sight(steps)
    tx, ty = to_point(maps, m, to_column, to_row)
    dx = tx - x
    dy = ty - y
    away = wp.sqrt(dx * dx + dy * dy) + real(1e-12)
    return dx / away, dy / away, False


@wp.func
def room(ways: Ways, m: int, row: int, column: int):
    """Room [m] around a coarse cell, at most `ROOM`; that of the rim beyond it."""
    i = wp.clamp(row, 0, ways.shape[m, 1] - 1)
    j = wp.clamp(column, 0, ways.shape[m, 2] - 1)
    return wp.min(real(ways.room[ways.shape[m, 0] + i * ways.shape[m, 2] + j]), ROOM)


@wp.func
def look_at_self_and_walls(maps: Maps, ways: Ways, m: int, state: Walker, pace: real, ux: real,
                           uy: real):
    """Begin what a walker sees: its velocities and pace, and the room to walls."""
    seen = Seen()
    seen[0] = state[2] * ux + state[3] * uy
    seen[1] = state[3] * ux - state[2] * uy
    seen[2] = state[4] * ux + state[5] * uy
    seen[3] = state[5] * ux - state[4] * uy
    seen[4] = pace
    column, row = to_cell(maps, m, state[0], state[1])
    i = int(wp.floor(row / real(ways.shape[m, 3])))
    j = int(wp.floor(column / real(ways.shape[m, 3])))
    right = real(5.0) * (room(ways, m, i, j + 1) - room(ways, m, i, j - 1))
    up = real(5.0) * (room(ways, m, i + 1, j) - room(ways, m, i - 1, j))
    gx = maps.frame[m, 2] * right - maps.frame[m, 3] * up
    gy = maps.frame[m, 3] * right + maps.frame[m, 2] * up
    seen[5] = room(ways, m, i, j)
    seen[6] = gx * ux + gy * uy
    seen[7] = gy * ux - gx * uy
    return seen


@wp.func
def place_of(rank: Rank, order: real):
    """Find where another comes among the nearest; `NEIGHBOURS` for nowhere."""
    place = int(NEIGHBOURS)
    for n in range(NEIGHBOURS):
        back = NEIGHBOURS - 1 - n
        if place == back + 1:
            if order < rank[back]:
                place = back
    return place


@wp.func
def with_order(rank: Rank, place: int, order: real):
    """Put another's order among those of the nearest."""
    for n in range(NEIGHBOURS):
        later = NEIGHBOURS - 1 - n
        if later > place:
            rank[later] = rank[later - 1]
    rank[place] = order
    return rank


@wp.func
def with_other(seen: Seen, place: int, state: Walker, other: Other, touch: real, ux: real,
               uy: real):
    """Put what is seen of another among the nearest."""
    for n in range(NEIGHBOURS):
        later = NEIGHBOURS - 1 - n
        if later > place:
            for e in range(EACH):
                seen[OWN + EACH * later + e] = seen[OWN + EACH * (later - 1) + e]
    dx = other[0] - state[0]
    dy = other[1] - state[1]
    away = wp.sqrt(dx * dx + dy * dy)
    near = real(1.0) - wp.max(away - touch, real(0.0)) / REACH
    scale = near / (away + real(1e-12))
    wx = other[2] - state[2]
    wy = other[3] - state[3]
    at = OWN + EACH * place
    seen[at] = near * near
    seen[at + 1] = scale * (dx * ux + dy * uy)
    seen[at + 2] = scale * (dy * ux - dx * uy)
    seen[at + 3] = near * (wx * ux + wy * uy)
    seen[at + 4] = near * (wy * ux - wx * uy)
    return seen


@wp.func
def describe(maps: Maps, ways: Ways, m: int, others: Table, a: int, state: Walker, pace: real,
             ux: real, uy: real, robot: Other):
    """Tell what a walker sees."""
    seen = look_at_self_and_walls(maps, ways, m, state, pace, ux, uy)
    rank = Rank()
    for k in range(NEIGHBOURS):
        rank[k] = infinity()
    count = others.shape[0]
    for k in range(count + 1):
        other = Other(robot[0], robot[1], robot[2], robot[3], robot[4])
        if k < count:
            for e in range(5):
                other[e] = others[k, e]
        dx = other[0] - state[0]
        dy = other[1] - state[1]
        touch = others[a, 4] + other[4]
        gap = wp.sqrt(dx * dx + dy * dy) - touch
        if k != a and other[4] >= real(0.0) and gap < REACH:
            order = gap
            if dx * ux + dy * uy <= real(0.0):
                order = gap + BEHIND
            place = place_of(rank, order)
            if place < NEIGHBOURS:
                rank = with_order(rank, place, order)
                seen = with_other(seen, place, state, other, touch, ux, uy)
    return seen


@wp.func
def foretell(model: Gait, seen: Seen):
    """Run the network on what is seen."""
    hidden = Hidden()
    deep = Hidden()
    out = Out()
    for j in range(WIDTH):
        total = model.first_bias[j]
        for i in range(SEEN):
            total = total + seen[i] * model.first[i, j]
        hidden[j] = wp.tanh(total)
    for j in range(WIDTH):
        total = model.second_bias[j]
        for i in range(WIDTH):
            total = total + hidden[i] * model.second[i, j]
        deep[j] = wp.tanh(total)
    for j in range(OUTPUTS):
        total = model.last_bias[j]
        for i in range(WIDTH):
            total = total + deep[i] * model.last[i, j]
        out[j] = total
    return out


@wp.func
def draw_change(out: Out, streams: Streams, b: int):
    """Draw a change of velocity along the way and across [m/s]."""
    most = out[0]
    for k in range(1, PARTS):
        most = wp.max(most, out[k])
    total = real(0.0)
    for k in range(PARTS):
        total += wp.exp(out[k] - most)
    left = uniform(streams, b) * total
    part = int(0)
    for k in range(PARTS - 1):
        share = wp.exp(out[k] - most)
        if part == k and left >= share:
            left -= share
            part += 1
    size = wp.sqrt(real(-2.0) * wp.log(real(1.0) - uniform(streams, b)))
    turn = TWO_PI * uniform(streams, b)
    mean = PARTS + 2 * part
    deviation = 3 * PARTS + 2 * part
    return (out[mean] + wp.exp(wp.clamp(out[deviation], LEAST, MOST)) * size * wp.cos(turn),
            out[mean + 1] + wp.exp(wp.clamp(out[deviation + 1], LEAST, MOST)) * size
            * wp.sin(turn))


@wp.func
def draw_wish(maps: Maps, ways: Ways, model: Gait, others: Table, recall: Row, streams: Streams,
              robot: Other, pace: real, ux: real, uy: real, b: int, m: int, a: int):
    """Draw the velocity that walker a wants next, and note what it does now."""
    x = others[a, 0]
    y = others[a, 1]
    passed = recall[PASSED]
    vx = (x - recall[HERE]) / passed
    vy = (y - recall[HERE + 1]) / passed
    if passed > real(0.5) * NEW:
        vx = real(0.0)
        vy = real(0.0)
        recall[BEFORE] = real(0.0)
        recall[BEFORE + 1] = real(0.0)
    seen = describe(maps, ways, m, others, a,
                    Walker(x, y, vx, vy, recall[BEFORE], recall[BEFORE + 1]), pace, ux, uy, robot)
    along, across = draw_change(foretell(model, seen), streams, b)
    wx = vx + along * ux - across * uy
    wy = vy + along * uy + across * ux
    scale = wp.min(real(1.0), FASTEST * pace / (wp.sqrt(wx * wx + wy * wy) + real(1e-12)))
    recall[HERE] = x
    recall[HERE + 1] = y
    recall[BEFORE] = vx
    recall[BEFORE + 1] = vy
    recall[WISH] = scale * wx
    recall[WISH + 1] = scale * wy
    recall[PASSED] = real(0.0)
