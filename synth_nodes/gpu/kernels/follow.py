"""Following planned paths: `PathFollower` of `synth_nodes.tasks.path`, which explains it."""

import warp as wp

from synth_nodes.gpu.kernels.basics import infinity, real, Row, Table, Whole

SPACING = wp.constant(real(0.1))
BACK = wp.constant(5)
AHEAD = wp.constant(25)
RETURN = wp.constant(real(5.0))
LOST = wp.constant(real(1.0))
ON_PATH = wp.constant(real(0.06))


@wp.struct
class Errands:
    """All errands of all maps, one map after the other; points `SPACING` apart."""

    points: Table
    first: Whole
    length: Row
    start: Table
    size: int


@wp.struct
class Follower:
    """Where B robots are on their paths, and how far to look ahead."""

    errand: Whole
    progress: Whole
    deviation: Row
    goal: Table
    reach: int
    nearest: int
    bulge: real


@wp.func
def number_at(errands: Errands, follower: Follower, b: int, offset: int):
    """Row of `points` that lies some points from where robot b is, its path's ends at most."""
    e = follower.errand[b]
    first = errands.first[e]
    last = errands.first[e + 1] - first - 1
    return first + wp.clamp(follower.progress[b] + offset, 0, last)


@wp.func
def away(errands: Errands, k: int, x: real, y: real):
    """Distance [m] of a point of a path."""
    dx = errands.points[k, 0] - x
    dy = errands.points[k, 1] - y
    return wp.sqrt(dx * dx + dy * dy)


@wp.func
def locate(errands: Errands, follower: Follower, b: int, x: real, y: real):
    """Move to the nearest point close ahead; search the whole path only when lost."""
    e = follower.errand[b]
    first = errands.first[e]
    last = errands.first[e + 1] - first - 1
    least = infinity()
    for offset in range(-BACK, AHEAD + 1):
        least = wp.min(least, away(errands, number_at(errands, follower, b, offset), x, y))
    best = int(-BACK)
    while away(errands, number_at(errands, follower, b, best), x, y) > least + real(1e-9):
        best += 1
    deviation = away(errands, number_at(errands, follower, b, best), x, y)
    progress = wp.clamp(follower.progress[b] + best, 0, last)
    if deviation > LOST:
        nearest = infinity()
        at = int(0)
        for k in range(last + 1):
            distance = away(errands, first + k, x, y)
            if distance < nearest:
                nearest = distance
                at = k
        if nearest < deviation - real(0.5):
            progress = at
            deviation = nearest
    follower.progress[b] = progress
    follower.deviation[b] = deviation


@wp.func
def remaining(errands: Errands, follower: Follower, b: int, x: real, y: real):
    """Distance left to the end [m]: along the path, never less than direct."""
    e = follower.errand[b]
    count = errands.first[e + 1] - errands.first[e]
    here = number_at(errands, follower, b, 0)
    beyond = number_at(errands, follower, b, 1)
    dx = errands.points[beyond, 0] - errands.points[here, 0]
    dy = errands.points[beyond, 1] - errands.points[here, 1]
    size = wp.max(wp.sqrt(dx * dx + dy * dy), real(1e-9))
    done = ((x - errands.points[here, 0]) * dx + (y - errands.points[here, 1]) * dy) / size
    spacing = errands.length[e] / real(wp.max(count - 1, 1))
    along = real(count - 1 - follower.progress[b]) * spacing - wp.clamp(done, -SPACING, SPACING)
    direct = away(errands, errands.first[e + 1] - 1, x, y)
    return wp.max(wp.max(along, real(0.0)), direct)


@wp.func
def bulges(errands: Errands, follower: Follower, b: int, j: int, x: real, y: real):
    """Distance [m] that the path keeps at most from the chord to its point j, robot's beyond."""
    end = number_at(errands, follower, b, j)
    to_x = errands.points[end, 0] - x
    to_y = errands.points[end, 1] - y
    length = wp.max(wp.sqrt(to_x * to_x + to_y * to_y), real(1e-9))
    ux = to_x / length
    uy = to_y / length
    own = real(0.0)
    most = real(0.0)
    for i in range(j):
        k = number_at(errands, follower, b, i)
        off = wp.abs(ux * (errands.points[k, 1] - y) - uy * (errands.points[k, 0] - x))
        if i == 0:
            own = off
        most = wp.max(most, off - own)
    return most


@wp.func
def farthest(errands: Errands, follower: Follower, b: int, x: real, y: real):
    """Offset of the farthest point whose chord the path follows closely."""
    wanted = (real(follower.reach)
              - RETURN * wp.max(follower.deviation[b] - ON_PATH, real(0.0)) / SPACING)
    taken = wp.min(follower.nearest, follower.reach)
    going = bool(True)
    while going and taken < follower.reach:
        j = taken + 1
        going = real(j) <= wanted
        if going:
            going = bulges(errands, follower, b, j, x, y) <= follower.bulge
        if going:
            taken = j
    return taken


@wp.func
def follow_path(errands: Errands, follower: Follower, b: int, pose: Row):
    """Advance along the path of robot b; write where to steer, and the distance left."""
    x = pose[0]
    y = pose[1]
    locate(errands, follower, b, x, y)
    k = number_at(errands, follower, b, farthest(errands, follower, b, x, y))
    dx = errands.points[k, 0] - x
    dy = errands.points[k, 1] - y
    c = wp.cos(pose[2])
    s = wp.sin(pose[2])
    follower.goal[b, 0] = c * dx + s * dy
    follower.goal[b, 1] = c * dy - s * dx
    follower.goal[b, 2] = remaining(errands, follower, b, x, y)
