"""Starting worlds anew: `synth_nodes.world.spawn` and `randomise`, which explain each part."""

import warp as wp

from synth_nodes.gpu.kernels.basics import (
    INF,
    infinity,
    PI,
    real,
    Row,
    Streams,
    Table,
    uniform,
    Whole,
)
from synth_nodes.gpu.kernels.crowd import new_goal
from synth_nodes.gpu.kernels.gait import NEW, PASSED
from synth_nodes.gpu.kernels.maps import Maps, to_point
from synth_nodes.gpu.kernels.paths import point_at, Rails
from synth_nodes.gpu.kernels.shapes import Body
from synth_nodes.gpu.kernels.state import Crowd, GIVE_WAY, RADIUS, Scene, SPACE, SPEED, State

APART = wp.constant(real(0.6))
TRIES = wp.constant(200)
ELSEWHERE = wp.constant(real(1e6))
RANGE_GIVE_WAY = wp.constant(10)
RANGE_SHIFT = wp.constant(11)
RANGE_TURN = wp.constant(12)
Draws = wp.types.vector(length=13, dtype=real)


@wp.struct
class Ranges:
    """What worlds draw from at a reset; see `world.randomise.pack_ranges`."""

    on: bool
    span: Table
    drive: Row
    manner: Row
    people: int
    maps: int


@wp.struct
class Starts:
    """Cells where a robot may start; see `world.spawn.Starts`."""

    cells: Whole
    first: Whole


@wp.func
def draw_domain(ranges: Ranges, state: State, b: int, any_map: bool):
    """Draw robot, people, mount and perhaps the map of world b anew."""
    streams = state.streams
    draw = Draws()
    for r in range(13):
        draw[r] = ranges.span[r, 0] + (
            ranges.span[r, 1] - ranges.span[r, 0]) * uniform(streams, b)
    drive = state.domain.drives[b]
    for k in range(17):
        drive[k] = ranges.drive[k]
    drive[0] = drive[0] * draw[0]
    drive[1] = drive[1] * draw[0]
    drive[12] = drive[12] * draw[0]
    drive[2] = drive[2] * draw[1]
    drive[3] = drive[3] * draw[2]
    drive[5] = drive[5] * draw[2]
    drive[13] = drive[13] * draw[2]
    drive[4] = drive[4] * draw[3]
    drive[6] = drive[6] * draw[4]
    drive[7] = drive[7] * draw[5]
    drive[14] = drive[14] + draw[6]
    drive[15] = drive[15] + draw[6]
    manner = state.domain.manners[b]
    for k in range(6):
        manner[k] = ranges.manner[k]
    manner[SPEED] = manner[SPEED] * draw[8]
    manner[SPACE] = manner[SPACE] * draw[9]
    if uniform(streams, b) >= ranges.span[RANGE_GIVE_WAY, 1]:
        manner[GIVE_WAY] = real(0.0)
    state.domain.people[b] = int(wp.floor(draw[7] * real(ranges.people) + real(0.5)))
    low = ranges.span[RANGE_SHIFT, 0]
    state.domain.mount[b, 0] = draw[RANGE_SHIFT]
    state.domain.mount[b, 1] = low + (ranges.span[RANGE_SHIFT, 1] - low) * uniform(streams, b)
    state.domain.mount[b, 2] = draw[RANGE_TURN]
    if any_map:
        state.map_index[b] = int(uniform(streams, b) * real(ranges.maps))


@wp.func
def draw_pose(maps: Maps, starts: Starts, streams: Streams, b: int, m: int, pose: Row):
    """Write a random free pose into pose."""
    first = starts.first[m]
    count = starts.first[m + 1] - first
    cell = starts.cells[first + int(uniform(streams, b) * real(count))]
    width = maps.shape[m, 2]
    column = real(cell % width) + uniform(streams, b)
    row = real(cell // width) + uniform(streams, b)
    x, y = to_point(maps, m, column, row)
    pose[0] = x
    pose[1] = y
    pose[2] = (real(2.0) * uniform(streams, b) - real(1.0)) * PI


@wp.func
def to_others(bodies: Table, a: int, x: real, y: real):
    """Room between a place for actor a and those placed before it, less than 0 where too near."""
    room = real(0.0)
    for other in range(a):
        dx = x - bodies[other, 0]
        dy = y - bodies[other, 1]
        touch = bodies[a, 4] + bodies[other, 4] + real(0.1)
        room = wp.min(room, wp.sqrt(dx * dx + dy * dy) - touch)
    return room


@wp.func
def robot_room(pose: Row, x: real, y: real, both: real):
    """Gap between the robot's circle and a disc at a place; both: sum of the radii."""
    dx = x - pose[0]
    dy = y - pose[1]
    return wp.sqrt(dx * dx + dy * dy) - both


@wp.func
def place_cart(rails: Rails, crowd: Crowd, body: Body, streams: Streams, b: int, m: int, a: int,
               pose: Row):
    """Put a cart somewhere on one of the map's tracks; return its gap to the robot."""
    crowd.pace[b, a] = rails.speed * (real(0.6) + real(0.4) * uniform(streams, b))
    crowd.sense[b, a] = wp.where(uniform(streams, b) < real(0.5), real(1.0), real(-1.0))
    first = rails.of_map[m]
    count = real(rails.of_map[m + 1] - first)
    cart = crowd.body[b, a]
    cart[2] = real(0.0)
    cart[3] = real(0.0)
    cart[4] = rails.radius
    best = real(-INF)
    robot_gap = real(-INF)
    tries = int(0)
    while tries < TRIES and best < real(0.0):
        track = first + int(uniform(streams, b) * count)
        along = uniform(streams, b) * rails.points[rails.first[track + 1] - 1, 2]
        x, y, _low = point_at(rails, track, along)
        to_robot = robot_room(pose, x, y, body.radius + rails.radius)
        room = wp.min(to_robot - APART, to_others(crowd.body[b], a, x, y))
        if room > best:
            best = room
            robot_gap = to_robot
            cart[0] = x
            cart[1] = y
            crowd.track[b, a] = track
            crowd.along[b, a] = along
        tries += 1
    return robot_gap


@wp.func
def place_person(scene: Scene, state: State, b: int, m: int, a: int, radius: real):
    """Take the first place with room enough, else the farthest; return the gap to the robot."""
    ways = scene.ways
    first = ways.shape[m, 4]
    count = real(ways.shape[m + 1, 4] - first)
    width = ways.shape[m, 2]
    factor = real(ways.shape[m, 3])
    person = state.crowd.body[b, a]
    person[2] = real(0.0)
    person[3] = real(0.0)
    person[4] = radius
    best = real(-INF)
    robot_gap = real(-INF)
    tries = int(0)
    while tries < TRIES and best < real(0.0):
        cell = ways.spawn[first + int(uniform(state.streams, b) * count)]
        x, y = to_point(scene.maps, m, (real(cell % width) + real(0.5)) * factor,
                        (real(cell // width) + real(0.5)) * factor)
        to_robot = robot_room(state.pose[b], x, y, scene.body.radius + radius)
        room = wp.min(to_robot - APART, to_others(state.crowd.body[b], a, x, y))
        if room > best:
            best = room
            robot_gap = to_robot
            person[0] = x
            person[1] = y
        tries += 1
    return robot_gap


@wp.func
def spawn_crowd(scene: Scene, state: State, b: int):
    """Place people and carts of world b; return the least gap of one to the robot [m]."""
    crowd = state.crowd
    manner = state.domain.manners[b]
    m = state.map_index[b]
    walkers = int(0)
    least = infinity()
    for a in range(crowd.body.shape[1]):
        crowd.rest[b, a] = real(0.0)
        crowd.recall[b, a, PASSED] = NEW
        gap = infinity()
        if crowd.track[b, a] >= 0:
            gap = place_cart(scene.rails, crowd, scene.body, state.streams, b, m, a,
                             state.pose[b])
        elif walkers < state.domain.people[b]:
            walkers += 1
            crowd.pace[b, a] = manner[SPEED] * (
                real(0.6) + real(0.4) * uniform(state.streams, b))
            new_goal(crowd, scene.ways, state.streams, b, a)
            gap = place_person(scene, state, b, m, a, manner[RADIUS])
        else:
            crowd.rest[b, a] = INF
            crowd.body[b, a, 0] = ELSEWHERE
            crowd.body[b, a, 1] = ELSEWHERE + real(10.0) * real(a)
            crowd.body[b, a, 2] = real(0.0)
            crowd.body[b, a, 3] = real(0.0)
            crowd.body[b, a, 4] = manner[RADIUS]
        least = wp.min(least, gap)
    return least


@wp.func
def set_to_rest(state: State, b: int):
    """Forget velocities, waiting commands, time and contacts of world b."""
    for k in range(3):
        state.velocity[b, k] = real(0.0)
        state.queue.target[b, k] = real(0.0)
    for k in range(4):
        state.wheels[b, k] = real(0.0)
    for k in range(2):
        state.slip[b, k] = real(0.0)
        state.queue.ends[b, k] = 0
    state.time[b] = real(0.0)
    state.collided[b] = False
    state.blocked_by_actor[b] = False
    for a in range(state.crowd.blocked.shape[1]):
        state.crowd.blocked[b, a] = real(0.0)
