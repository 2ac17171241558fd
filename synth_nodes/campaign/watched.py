"""The safety core under a watch over the brakes, in batch: what the monitor is on a robot."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Answer, Batch, View
from synth_nodes.campaign.drive import advance, Wheels
from synth_nodes.campaign.judges import strict
from synth_nodes.campaign.setups import DT, Setup
from synth_nodes.campaign.swift import SWIFT
from synth_nodes.safety.brakes import Brakes, BrakeWatch, tightened, top_speed
from synth_nodes.safety.core import judge_batch
from synth_nodes.safety.rules import reaction_time

Array = NDArray[np.float64]


class Watched:
    """Asks the core, with the brakes that measurements leave to be relied upon."""

    def __init__(self, batch: Batch, warm: bool = False) -> None:
        """
        Begin before a batch is driven.

        :param warm: whether the watch has seen each robot stop once from full speed before.
        """
        self._setup, self._rows = batch.setup, np.arange(len(batch))
        self._watch = BrakeWatch(batch.setup.rules, batch.setup.robot, len(batch))
        self._sent: list[tuple[float, Array]] = []
        self.reported = np.zeros(len(batch), bool)
        """Whether the watch reported each robot, shape (B,)."""
        if warm:
            stop_once(batch, self._watch)
            self.reported |= self._watch.level > 0

    def __call__(self, view: View) -> Answer:
        """Judge."""
        stay = np.searchsorted(self._rows, view.rows)
        self._rows = view.rows
        self._watch.take(stay)
        self._sent = [(time, command[stay]) for time, command in self._sent]
        if not self._sent:
            self._watch.sent(view.time, view.velocity, known=True)
            self._sent.append((view.time, view.velocity))
        self._watch.look(view.velocity, view.time)
        answer = strict(view)
        for level in np.unique(self._watch.level[self._watch.level > 0]):
            who = np.flatnonzero(self._watch.level == level)
            answer = self._tighter(view, answer, who, self._watch.grid[level])
        self.reported[view.rows] |= self._watch.level > 0
        self._watch.sent(view.time, answer.command)
        self._sent.append((view.time, answer.command))
        return answer

    def _tighter(self, view: View, answer: Answer, who: NDArray[np.intp],
                 brakes: Brakes) -> Answer:
        """Let robots do what both the stated and the measured brakes allow."""
        setup = view.setup
        rules = tightened(setup.rules, setup.robot, brakes)
        command = view.command[who]
        top = top_speed(setup.rules, setup.robot, brakes)
        speed = np.maximum(np.hypot(command[:, 0], command[:, 1]), 1e-9)
        command = command * np.minimum(top / speed, 1.0)[:, None]
        begin = view.time - reaction_time(rules, setup.robot)
        times = [time for time, _ in self._sent]
        first = max(int(np.searchsorted(times, begin, side='right')) - 1, 0)
        pending = np.stack([c[who] for _, c in self._sent[first:]], axis=1)
        verdict = judge_batch(
            rules, setup.robot, view.velocity[who], view.points[who], view.age[who], command,
            view.grown[who], pending=pending, loops=SWIFT)
        out, obstacle = answer.command.copy(), answer.obstacle.copy()
        lower = (verdict.command ** 2).sum(axis=1) < (out[who] ** 2).sum(axis=1)
        out[who[lower]] = verdict.command[lower]
        obstacle[who[lower]] |= np.abs(verdict.command - command).max(axis=1)[lower] > 0
        return replace(answer, command=out, obstacle=obstacle)


def stop_once(batch: Batch, watch: BrakeWatch) -> None:
    """Let each robot of a batch go up to its full speed and stop, where nothing is in the way."""
    setup, count = batch.setup, len(batch)
    stop = round((setup.robot.max_speed / batch.drives.rise[:, 0].min() + 1.0) / DT)
    over = stop + round((setup.robot.max_speed / batch.drives.fall[:, 0].min() + 1.5) / DT)
    full = np.zeros((count, 3))
    full[:, 0] = setup.robot.max_speed
    wheels = Wheels(np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count))
    pose, cycle = np.zeros((count, 3)), _cycle(setup)
    for k in range(over):
        if k % cycle == 0:
            watch.look(wheels.velocity, k * DT)
            watch.sent(k * DT, full if k < stop else 0.0 * full, known=k == 0)
        going = (k - batch.drives.dead < stop) & (k >= batch.drives.dead)
        wheels, pose = advance(batch.drives, wheels, pose, full * going[:, None])


def _cycle(setup: Setup) -> int:
    return max(round(setup.rules.command.period / DT), 1)
