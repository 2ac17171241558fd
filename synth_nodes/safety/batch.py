"""
The inside of the safety core, for one robot or for thousands at once.

Each point is judged by itself: every test gives the part of the command (a scale in [0, 1] along
the commanded curvature) that this one point allows. The smallest wins. So another point can only
lower the speed, and an escape from one obstacle is never a licence to hit the next.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.arcs import along_arc, arcs_of, edge_levels, escaping, in_slowdown
from synth_nodes.safety.body import body_of
from synth_nodes.safety.ladder import Ladder, Loops, NUMPY, RUNGS
from synth_nodes.safety.rows import Index, nearest, Robots, robots_of, Rows, strictest
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import carried
from synth_nodes.safety.tube import limits_of, Tube
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
ACTIONS = ('pass', 'limit', 'slowdown', 'stop')
"""Names of the codes of actions."""
RULES = ('', 'limits', 'slowdown_zone', 'braking', 'stop_zone', 'unseen', 'command', 'velocity',
         'source')
"""Names of the codes of rules."""
PASS, LIMIT, SLOWDOWN, STOP = range(4)
FREE, LIMITS, SLOWDOWN_ZONE, BRAKING, STOP_ZONE, UNSEEN, COMMAND, VELOCITY, SOURCE = range(9)
CREEP = 0.005
"""Speeds [m/s] of the footprint below which a limited command becomes a stop."""
NOTHING = 1e-6
"""Speeds [m/s] of the footprint below which a command means standing still."""
CHUNK = 2048
"""Robots that are judged at once, so that their points stay in the caches."""


@dataclass(frozen=True)
class BatchVerdict:
    """Verdicts on the commands of B robots."""

    command: Array
    """Commands let through: vx, vy [m/s], w [rad/s], shape (B, 3)."""
    action: NDArray[np.uint8]
    """Index in ACTIONS, shape (B,)."""
    rule: NDArray[np.uint8]
    """Index in RULES, shape (B,)."""
    margin: Array
    """Gap [m] ahead of the footprint along the commanded arc, shape (B,); inf when clear."""
    time_to_collision: Array
    """Time [s] until contact if the command were kept, shape (B,); inf when none is seen."""


@dataclass(frozen=True)
class Bound:
    """What binds B commands."""

    scale: Array
    """Part of each that is let through, shape (B,)."""
    rule: NDArray[np.uint8]
    """Index in RULES, shape (B,)."""
    row: Index
    """Row that binds each, shape (B,); -1 for none."""
    speed: Array
    """Of the fastest part of the footprint at full command [m/s], shape (B,)."""
    gap_time: Array
    """Time [s] until the footprint meets a point at full command, shape (B,)."""


def judge_batch(rules: SafetyRules, robot: RobotSpec, velocity: Array, points: Array, age: Array,
                command: Array, grown: NDArray[np.bool_] | None = None,
                unseen: Array | None = None, *, pending: Array | None = None,
                velocity_age: Array | None = None,
                loops: Loops = NUMPY) -> BatchVerdict:
    """
    Judge the commands of B robots of one kind, each with one sound source of points.

    The same code as :func:`synth_nodes.safety.core.judge`, which says what it does. A velocity or
    command that is not finite and an age beyond the limits are a stop here as well.

    :param velocity: measured vx, vy [m/s], w [rad/s] in base_link, shape (B, 3).
    :param points: base_link at the time of measurement [m], shape (B, N, 2), filled up with NaN.
    :param age: of the points [s], shape (B,).
    :param command: vx, vy [m/s], w [rad/s], shape (B, 3).
    :param grown: whether hysteresis grows the margins, because obstacles bound the verdict
        before, shape (B,).
    :param unseen: points that bound unseen space, shape (B, M, 2), filled up with NaN.
    :param pending: commands sent during the last reaction time, shape (B, C, 3); zeros fill up.
    :param velocity_age: [s], shape (B,); 0 if left out.
    :param loops: as for :func:`limit`.
    """
    count = len(command)
    none = np.zeros(count)
    late = none if velocity_age is None else np.asarray(velocity_age, float)
    held = np.zeros((count, 0, 3)) if pending is None else np.asarray(pending, float)
    hidden = np.zeros((count, 0, 2)) if unseen is None else np.asarray(unseen, float)
    more = none if grown is None else np.where(grown, rules.hysteresis, 0.0)
    parts = [
        _judge_chunk(loops, rules, robot, *(np.asarray(a, float)[k:k + CHUNK] for a in (
            velocity, points, age, command, more, hidden, held, late)))
        for k in range(0, max(count, 1), CHUNK)]
    return BatchVerdict(*(np.concatenate(p) for p in zip(*parts, strict=True)))


def _judge_chunk(loops: Loops, rules: SafetyRules, robot: RobotSpec, velocity: Array,
                 points: Array, age: Array, command: Array, grown: Array, unseen: Array,
                 pending: Array, delay: Array) -> tuple[Array, ...]:
    problem = _problems(rules, velocity, age, command, delay)
    sound = problem == FREE
    command = np.where(sound[:, None], command, 0.0)
    velocity = np.where(sound[:, None], velocity, 0.0)
    age, delay = (np.where(sound, np.maximum(a, 0.0), 0.0) for a in (age, delay))
    wanted, clipped = within_limits(robot, command)
    robots = Robots(rules, robot, body_of(robot.footprint), velocity, wanted, pending, age, delay,
                    grown)
    bound = limit(robots, _rows(rules, velocity, points, unseen, age), loops)
    out = wanted * bound.scale[:, None]
    rule = np.where(sound, np.where((bound.rule == FREE) & clipped, LIMITS, bound.rule), problem)
    stopped = ~sound | (rule != FREE) & (bound.scale * bound.speed < NOTHING)
    action = np.where(stopped, STOP, np.where(rule == FREE, PASS, np.where(
        rule == SLOWDOWN_ZONE, SLOWDOWN, LIMIT)))
    gap = np.where(sound, bound.gap_time, 0.0)
    margin = np.where(np.isinf(gap), np.inf, bound.speed * np.where(np.isinf(gap), 0.0, gap))
    return out, action.astype(np.uint8), rule.astype(np.uint8), margin, gap


def _problems(rules: SafetyRules, velocity: Array, age: Array, command: Array,
              delay: Array) -> NDArray[np.intp]:
    """Index in RULES of what makes the input of each robot unusable, shape (B,)."""
    source = rules.source

    def fresh(a: Array) -> NDArray[np.bool_]:
        return (a <= source.timeout) & (a >= -source.future_tolerance)
    moving = np.isfinite(velocity).all(axis=1) & fresh(delay)
    return np.where(~np.isfinite(command).all(axis=1), COMMAND, np.where(
        ~moving, VELOCITY, np.where(~fresh(age), SOURCE, FREE)))


def _rows(rules: SafetyRules, velocity: Array, points: Array, unseen: Array,
          age: Array) -> Rows:
    """Flatten points, carried to the present."""
    if rules.source.unseen == 'free':
        unseen = unseen[:, :0]
    both = np.concatenate((points, unseen), axis=1)
    x, y = carried(both[..., 0], both[..., 1], velocity.T[..., None], age[:, None])
    robot, column = np.nonzero(~np.isnan(x + y))
    return Rows(robot, x[robot, column], y[robot, column], age[robot],
                np.zeros(len(robot), np.intp), column >= points.shape[1])


def within_limits(robot: RobotSpec, command: Array) -> tuple[Array, NDArray[np.bool_]]:
    """
    Scale commands, shape (B, 3), into the robot's limits, their curvature kept.

    :return: commands (B, 3), and which were beyond (B,).
    """
    vx, vy, w = command.T
    pairs = [(np.hypot(vx, vy), robot.max_speed), (-vx, robot.max_reverse_speed),
             (np.abs(w), robot.max_turn_rate)]
    if robot.drive == 'omnidirectional':
        pairs.append((np.abs(vy), robot.max_lateral_speed))
    over = np.ones(len(command))
    for value, top in pairs:
        share = value / top if top > 0 else np.where(value > 0, np.inf, 0.0)
        over = np.maximum(over, share)
    beyond = over > 1 + 1e-6
    return np.where(beyond[:, None], command / over[:, None], command), beyond


def limit(robots: Robots, rows: Rows, loops: Loops = NUMPY) -> Bound:
    """
    Say what part of each command may be followed, and what binds it.

    :param robots: their commands are within the limits of the robot.
    :param rows: all points, at the present.
    :param loops: who does the arithmetic.
    """
    rules, count = robots.rules, len(robots.command)
    arcs = arcs_of(robots, loops.arcs)
    ladder = loops.ladder(arcs, limits_of(rules, robots.robot))
    tube, ready = ladder.start()
    slack = ladder.slack(tube, np.arange(count))
    edges = np.abs(tube.box).reshape(2, 2, count).max(axis=0) + slack
    reach = np.maximum(arcs.reach(), np.hypot(edges[0], edges[1]))
    reach = np.where(arcs.speed < NOTHING, -1.0, reach)
    near = (rows.x * rows.x + rows.y * rows.y <= rows.each(
        np.square(reach) * np.sign(reach))).nonzero()[0]
    bound = Bound(np.ones(count), np.zeros(count, np.uint8), np.full(count, -1), arcs.speed,
                  np.full(count, np.inf))
    if len(near) == 0:
        return bound
    some = rows.take(near)
    levels = edge_levels(robots, some)
    gauge = levels.max(axis=0)
    allowed, contact = along_arc(arcs, some, gauge)
    outside = ladder.free(tube, some.robot, some, slack)
    slow = in_slowdown(arcs, some, levels)
    base = _lowered(ladder, some, gauge, allowed, outside, ready)
    values = np.minimum(slow, base)
    worst = strictest(some, values, 1.0, rules.source.min_points, count)
    first = strictest(some, contact, np.inf, rules.source.min_points, count)
    who = (worst >= 0).nonzero()[0]
    at = worst[who]
    zone = gauge[at] < rules.stop_zone.margin + robots.grown[who]
    bound.scale[who] = np.where(values[at] * arcs.speed[who] < CREEP, 0.0, values[at])
    bound.rule[who] = np.where(slow[at] <= base[at], SLOWDOWN_ZONE, np.where(
        some.unseen[at], UNSEEN, np.where(zone, STOP_ZONE, BRAKING)))
    bound.row[who] = near[at]
    who = (first >= 0).nonzero()[0]
    bound.gap_time[who] = contact[first[who]]
    return bound


def _lowered(ladder: Ladder, rows: Rows, gauge: Array, allowed: Array,
             outside: NDArray[np.bool_], ready: tuple[Tube, Tube] | None) -> Array:
    """
    Part of the command that each point allows, slowdown zone aside, shape (M,).

    :param allowed: by braking rule and stop zone.
    :param outside: whether the point is outside the tube of the full command.
    :param ready: tubes at creep speed and on the first rungs, where they have been made.
    """
    arcs, rules = ladder.arcs, ladder.arcs.robots.rules
    if outside.all() and (allowed == 1.0).all():
        return allowed
    part = np.where(outside, 1.0, 0.0)
    tight = _tight(ladder, rows, np.minimum(allowed, part))
    slow, fast = (robots_of(rows, k) for k in (tight, ~outside & (allowed > 0.0)))
    crawling, first = ready or ladder.first(slow, fast)
    floor = _floors(ladder, rows, gauge, tight, (slow, crawling))
    inside = (~outside & (allowed > floor)).nonzero()[0]
    if len(inside) == 0:
        return np.maximum(np.minimum(allowed, part), floor)
    least = rows.each(ladder.braking())

    def together() -> Array:
        return np.maximum(np.minimum(allowed, np.maximum(part, least)), floor)
    ways = ladder.ways(first, fast, ladder.rungs(np.zeros(len(fast)), 1 / RUNGS))
    k = rules.source.min_points
    if k == 1 and len(fast) > 1:
        # One point of each robot bounds its part; of the others count those that are lower. The
        # same comes out; for one robot the calls would cost more than the points they save.
        scout = inside[nearest(rows.robot[inside], gauge[inside])]
        part[scout] = ways.highest(rows.take(scout))
        bound = np.zeros(len(arcs.speed))
        bound[rows.robot[scout]] = together()[scout]
        part[inside] = np.maximum(part[inside], ways.above(
            rows.take(inside), bound[rows.robot[inside]]))
        left = inside[part[inside] == 0.0]
        part[left] = ways.highest(rows.take(left))
    else:
        part[inside] = ways.highest(rows.take(inside))
    values = together()
    worst = strictest(rows, values, 1.0, k, len(arcs.speed))
    rung = np.where(worst >= 0, np.append(part, -1.0)[worst], -1.0)
    rung = np.where(rung == np.append(values, 0.0)[worst], rung, -1.0)
    finer = inside[part[inside] == rung[rows.robot[inside]]]
    if len(finer):
        part[finer] = ladder.refine(rows.take(finer), part[finer], 1 / RUNGS ** 2)
    return together()


def _tight(ladder: Ladder, rows: Rows, base: Array) -> Index:
    """Points that may allow an escape faster than all else does."""
    if ladder.arcs.robots.rules.escape.speed == 0.0:
        return np.zeros(0, np.intp)
    return ((base < rows.each(ladder.arcs.creep)) & ~rows.unseen).nonzero()[0]


def _floors(ladder: Ladder, rows: Rows, gauge: Array, tight: Index,
            tubes: tuple[Index, Tube]) -> Array:
    """
    Part of the command that each point allows in any case, shape (M,): at escape speed.

    :param tubes: robots of the tight points and their tubes at that speed.
    """
    arcs, unseen = ladder.arcs, ladder.arcs.robots.rules.source.unseen
    floor = np.where(rows.unseen & (unseen == 'creep'), rows.each(arcs.creep), 0.0)
    if len(tight):
        (who, tube), some = tubes, rows.take(tight)
        keeps = ladder.keeps(tube, np.searchsorted(who, some.robot), some, gauge[tight])
        may = tight[keeps]
        if len(may):
            floor[may] = escaping(arcs, rows.take(may), gauge[may])
    return floor
