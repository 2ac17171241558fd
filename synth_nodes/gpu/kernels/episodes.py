"""Kernels of the goal-reaching task: drive, begin and follow, judge. One thread a robot."""

import warp as wp

from synth_nodes.gpu.kernels.basics import OPTIONS, real, Row, Streams, Table, uniform, Whole
from synth_nodes.gpu.kernels.follow import away, Errands, follow_path, Follower
from synth_nodes.gpu.kernels.spawn import draw_domain, Ranges, set_to_rest, spawn_crowd
from synth_nodes.gpu.kernels.state import Flags, Scene, State
from synth_nodes.gpu.kernels.stepping import measure_one, step_one
from synth_nodes.gpu.kernels.worlds import BROKEN, CROWDED, ROBOT_ROOM

wp.set_module_options(OPTIONS)
GRACE = wp.constant(real(20.0))
Single = wp.array(dtype=wp.float32)
Singles = wp.array2d(dtype=wp.float32)


@wp.struct
class Rules:
    """`GoalReachingRules`, limits of the robot, and time."""

    tolerance: real
    patience: real
    arrival: real
    contact: real
    progress: real
    nearness: real
    comfort: real
    duration: real
    unsteadiness: real
    max_speed: real
    max_reverse_speed: real
    max_turn_rate: real
    goal_range: real
    period: real
    substeps: int


@wp.struct
class Episodes:
    """State of B episodes beside their worlds."""

    command: Table
    previous: Table
    left_before: Row
    allowed: Row
    contact: Flags
    fresh: Flags
    streams: Streams
    turn: Whole


@wp.struct
class Outcome:
    """What a learner reads; see `BatchEnv`."""

    goal: Singles
    velocity: Singles
    reward: Single
    terminated: Flags
    truncated: Flags
    success: Flags
    begun: Flags


@wp.kernel
def drive(scene: Scene, state: State, rules: Rules, follower: Follower, episodes: Episodes,
          outcome: Outcome, action: Singles, faults: Whole):
    """Turn actions into commands, and drive for one period; who begins anew gets none."""
    b = wp.tid()
    outcome.begun[b] = outcome.terminated[b] or outcome.truncated[b]
    speed = wp.clamp(real(action[b, 0]), real(-1.0), real(1.0))
    turn = wp.clamp(real(action[b, 1]), real(-1.0), real(1.0))
    if wp.isnan(action[b, 0]) or wp.isnan(action[b, 1]):
        faults[BROKEN] = 1
        speed = real(0.0)
        turn = real(0.0)
    if outcome.begun[b]:
        speed = real(0.0)
        turn = real(0.0)
    v = speed * wp.where(speed < real(0.0), rules.max_reverse_speed, rules.max_speed)
    w = turn * rules.max_turn_rate
    episodes.left_before[b] = follower.goal[b, 2]
    for k in range(2):
        episodes.previous[b, k] = episodes.command[b, k]
    episodes.command[b, 0] = v
    episodes.command[b, 1] = w
    episodes.contact[b] = False
    dt = rules.period / real(rules.substeps)
    for _ in range(rules.substeps):
        step_one(scene, state, b, v, real(0.0), w, dt)
        if state.collided[b] and not state.blocked_by_actor[b]:
            episodes.contact[b] = True


@wp.kernel
def begin(scene: Scene, state: State, ranges: Ranges, rules: Rules, errands: Errands,
          follower: Follower, episodes: Episodes, mask: Flags, faults: Whole):
    """Send the robots of a mask on new errands; then find where each robot is to steer."""
    b = wp.tid()
    if mask[b]:
        number = int(uniform(episodes.streams, b) * real(errands.size))
        e = state.map_index[b] * errands.size + number
        follower.errand[b] = e
        follower.progress[b] = 0
        if ranges.on:
            draw_domain(ranges, state, b, False)
        for k in range(3):
            state.pose[b, k] = errands.start[e, k]
        set_to_rest(state, b)
        if spawn_crowd(scene, state, b) < ROBOT_ROOM:
            faults[CROWDED] = 1
        measure_one(scene, state, b)
        episodes.allowed[b] = GRACE + rules.patience * errands.length[e] / rules.max_speed
        episodes.command[b, 0] = real(0.0)
        episodes.command[b, 1] = real(0.0)
        episodes.contact[b] = False
        episodes.fresh[b] = True
    follow_path(errands, follower, b, state.pose[b])


@wp.func
def worth(rules: Rules, episodes: Episodes, b: int, left: real, clearance: real, arrived: bool):
    """Weigh one step: `reward` of `synth_nodes.tasks.goal_reaching`."""
    most = real(1.5) * rules.max_speed * rules.period
    gained = wp.clamp(episodes.left_before[b] - left, -most, most)
    near = wp.clamp(real(1.0) - clearance / rules.comfort, real(0.0), real(1.0))
    speed = (episodes.command[b, 0] - episodes.previous[b, 0]) / rules.max_speed
    turn = (episodes.command[b, 1] - episodes.previous[b, 1]) / rules.max_turn_rate
    total = (rules.progress * gained - rules.nearness * rules.period * near
             - rules.unsteadiness * real(0.5) * (speed * speed + turn * turn)
             - rules.duration * rules.period)
    if arrived:
        total += rules.arrival
    if episodes.contact[b]:
        total -= rules.contact
    return total


@wp.kernel
def judge(state: State, rules: Rules, errands: Errands, follower: Follower, episodes: Episodes,
          outcome: Outcome):
    """Say what the last step came to, at its observation."""
    b = wp.tid()
    left = follower.goal[b, 2]
    end = errands.first[follower.errand[b] + 1] - 1
    contact = episodes.contact[b]
    arrived = (not contact) and away(
        errands, end, state.pose[b, 0], state.pose[b, 1]) <= rules.tolerance
    driven = not outcome.begun[b]
    reward = worth(rules, episodes, b, left, state.clearance[b], arrived)
    outcome.reward[b] = wp.where(driven, wp.float32(reward), wp.float32(0.0))
    ended = driven and (arrived or contact)
    outcome.success[b] = driven and arrived
    outcome.terminated[b] = ended
    outcome.truncated[b] = driven and (not ended) and state.time[b] > episodes.allowed[b]


@wp.kernel
def show(state: State, rules: Rules, follower: Follower, episodes: Episodes, outcome: Outcome):
    """Write goal and velocity into the observation, and count the scan."""
    b = wp.tid()
    outcome.goal[b, 0] = wp.float32(follower.goal[b, 0])
    outcome.goal[b, 1] = wp.float32(follower.goal[b, 1])
    outcome.goal[b, 2] = wp.float32(wp.clamp(follower.goal[b, 2], real(0.0), rules.goal_range))
    for k in range(3):
        outcome.velocity[b, k] = wp.float32(state.velocity[b, k])
    episodes.fresh[b] = False
    if b == 0:
        episodes.turn[0] = episodes.turn[0] + 1
