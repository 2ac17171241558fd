"""One scenario by itself: driven again, and written down cycle by cycle."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Answer, Batch, draw_batch, Judge, View
from synth_nodes.campaign.chunks import Plan
from synth_nodes.campaign.figures import Counts
from synth_nodes.campaign.pilots import PILOTS
from synth_nodes.campaign.setups import DT
from synth_nodes.campaign.simulate import Drivers, Results, STATUSES
from synth_nodes.safety.core import RULES
from synth_nodes.settings import flatten

Array = NDArray[np.float64]


@dataclass
class Trace:
    """What happened in a scenario."""

    batch: Batch
    """Of the one scenario."""
    results: Results
    cycles: list[Counts] = field(default_factory=list)
    """Of each cycle: time, pose, velocity, command, what was let through, rule, age, points."""


def scenario(plan: Plan, index: int) -> Batch:
    """
    Draw a scenario by itself, the same as in its chunk.

    :param index: its number in the campaign.
    """
    chunk, row = divmod(index, plan.size)
    batch = draw_batch(plan.seed, chunk, plan.size, breach=plan.breach, fixed=plan.fixed)
    return batch.take(np.array([row]))


def traced(batch: Batch, judge: Judge) -> Trace:
    """Drive a scenario and write down every cycle."""
    cycles: list[Counts] = []

    def recording(view: View) -> Answer:
        answer = judge(view)
        steps = sum(batch.spans[:len(cycles)].tolist())
        placed = drivers.way[0] + drivers.batch.scene.a[0]
        cycles.append({
            'time': steps * DT, 'pose': drivers.pose[0].tolist(),
            'velocity': view.velocity[0].tolist(), 'command': view.command[0].tolist(),
            'let_through': answer.command[0].tolist(), 'rule': RULES[int(answer.rule[0])],
            'age': float(view.age[0]), 'points': _present(view.carried[0]),
            'things': _present(placed)})
        return answer

    drivers = Drivers(batch, recording)
    return Trace(batch, drivers.run(), cycles)


def described(index: int, trace: Trace) -> Counts:
    """Say what a scenario was and how it went, as JSON holds it."""
    batch, results = trace.batch, trace.results
    setup, drives, sensors = batch.setup, batch.drives, batch.sensors
    return {
        'index': index, 'family': setup.family, 'pilot': PILOTS[int(batch.pilots.code[0])],
        'status': STATUSES[int(results.status[0])], 'impact': float(results.impact[0]),
        'nearest': float(results.nearest[0]), 'time': float(results.time[0]),
        'rules': flatten(setup.rules), 'robot': flatten(setup.robot),
        'noise': setup.noise, 'actuation': setup.actuation,
        'drive': {'dead_time': float(drives.dead[0]) * DT, 'blend': float(drives.blend[0, 0]),
                  'rise': drives.rise[0].tolist(), 'fall': drives.fall[0].tolist()},
        'sensor': {'period': float(sensors.period[0]) * DT, 'delay': float(sensors.delay[0]) * DT,
                   'jitter': float(sensors.jitter[0]) * DT, 'loss': float(sensors.loss[0])},
        'cycles': trace.cycles,
    }


def _present(points: Array) -> list[list[float]]:
    """List points, shape (N, 2), that are there."""
    return [[float(x), float(y)] for x, y in points if np.isfinite(x)]
