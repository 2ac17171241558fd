"""Kernels of the world: step all, reset some. One thread a world."""

import warp as wp

from synth_nodes.gpu.kernels.basics import OPTIONS, real, Table, Whole
from synth_nodes.gpu.kernels.spawn import (
    draw_domain,
    draw_pose,
    Ranges,
    set_to_rest,
    spawn_crowd,
    Starts,
)
from synth_nodes.gpu.kernels.state import Flags, Scene, State
from synth_nodes.gpu.kernels.stepping import measure_one, step_one

wp.set_module_options(OPTIONS)
ROBOT_ROOM = wp.constant(real(0.05))
CROWDED = wp.constant(0)
BROKEN = wp.constant(1)


@wp.kernel
def step(scene: Scene, state: State, command: Table, dt: real, faults: Whole):
    """
    Advance every world by dt seconds under its command vx, vy, wz.

    :param faults: shape (2,), of which BROKEN is set to 1 by a command that is not finite; it
        counts as none.
    """
    b = wp.tid()
    v = command[b, 0]
    vy = command[b, 1]
    w = command[b, 2]
    if not wp.isfinite(v + vy + w):
        faults[BROKEN] = 1
        v = real(0.0)
        vy = real(0.0)
        w = real(0.0)
    step_one(scene, state, b, v, vy, w, dt)


@wp.kernel
def reset(scene: Scene, state: State, starts: Starts, ranges: Ranges, mask: Flags, poses: Table,
          faults: Whole):
    """
    Start the worlds of a mask anew.

    :param poses: shape (B, 3), or (0, 3) to draw them.
    :param faults: shape (2,), of which CROWDED is set to 1 by somebody put too near a robot.
    """
    b = wp.tid()
    if mask[b]:
        drawn = poses.shape[0] == 0
        if ranges.on:
            draw_domain(ranges, state, b, drawn and ranges.maps > 0)
        if drawn:
            draw_pose(scene.maps, starts, state.streams, b, state.map_index[b], state.pose[b])
        else:
            for k in range(3):
                state.pose[b, k] = poses[b, k]
        set_to_rest(state, b)
        if spawn_crowd(scene, state, b) < ROBOT_ROOM:
            faults[CROWDED] = 1
        measure_one(scene, state, b)
