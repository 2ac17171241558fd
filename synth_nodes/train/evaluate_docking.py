"""Closed-loop evaluation of docking: how often, how well, and what was touched."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.docking import DockingRobots, DockingTask
from synth_nodes.envs.docking_senses import SensesRobots, SensesTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.tasks.dock_scenes import DockScene, with_docks
from synth_nodes.tasks.rewards import unsteadiness
from synth_nodes.train.evaluate import Evaluation, map_score, Policy
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent
from synth_nodes.train.trial import Failure
from synth_nodes.types import GridMap
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.scene import Scene

SUITE = (('rooms', 9001), ('warehouse', 9002), ('clutter', 9003), ('rooms', 9004))
"""Layouts and seeds of the scenes of the standard suite; training uses none of them."""
DOCKS = 5
"""Docks in each map of the suite, where there is room."""
Task = DockingTask | SensesTask
_NOTED = 4
"""Steps between the places that are noted of a drive."""


def suite() -> list[Scene]:
    """Generate the scenes of the standard suite."""
    return [generate_scene(layout, seed) for layout, seed in SUITE]


class DockingTrial:
    """Keeps the books while robots dock, one dock a robot."""

    def __init__(self, task: Task, robots: DockingRobots | SensesRobots) -> None:
        """Open them for robots that have begun."""
        batch = len(robots.dock)
        self._task, self.robots = task, robots
        self._seen = {name: np.zeros((batch, *low.shape), np.float32)
                      for name, (low, _) in task.bounds().items()}
        self._start = robots.world.pose[:, :2].copy()
        self._command, self._changes = np.zeros((batch, 2)), np.zeros(batch)
        self._places = [self._start.astype(np.float32)]
        self.done, self.arrived, self.contact, self.bumped = np.zeros((4, batch), bool)
        self.time, self.driven = np.zeros((2, batch))
        self.clearance = np.full(batch, np.inf)
        self.error = np.full((batch, 2), np.nan)
        """Distance [m] and angle [rad] off the place to stand of those who docked, (B, 2)."""
        robots.observe(self._seen)

    def advance(self, policy: Policy | None) -> None:
        """Drive one step; robots that are done stand still."""
        robots, task, active = self.robots, self._task, ~self.done
        before = robots.world.pose[:, :2].copy()
        wanted = robots.expert() if policy is None else np.asarray(policy(self._seen), float)
        command = np.where(active[:, None], wanted, 0.0)
        robots.step(command)
        robots.observe(self._seen)
        outcome = robots.judge()
        moved = np.hypot(*(robots.world.pose[:, :2] - before).T)
        self.driven += np.where(active, moved, 0.0)
        self.time += np.where(active, 1.0 / task.settings.lidar.rate, 0.0)
        self._changes += np.where(active, unsteadiness(command, self._command, task.robot), 0.0)
        self._command = command
        near = np.minimum(self.clearance, robots.world.clearance)
        self.clearance = np.where(active, near, self.clearance)
        self.contact |= active & outcome.failure
        self.bumped |= active & robots.blocked
        won = active & outcome.success
        self.error[won] = np.column_stack((
            np.hypot(robots.dock[won, 0], robots.dock[won, 1]), np.abs(robots.dock[won, 2])))
        self.arrived |= won
        self.done |= outcome.success | outcome.failure | outcome.late
        if round(float(self.time.max()) * task.settings.lidar.rate) % _NOTED == 0:
            self._places.append(robots.world.pose[:, :2].astype(np.float32))

    @property
    def efficiency(self) -> NDArray[np.float64]:
        """Straight way to the dock over the way driven, at most 1, shape (B,)."""
        driven = np.maximum(self.driven, 1e-6)
        straight = np.hypot(*(self.robots.place[:, :2] - self._start).T)
        return np.asarray(np.minimum(straight, driven) / driven)

    @property
    def unsteadiness(self) -> NDArray[np.float64]:
        """Root mean square change from one command to the next, shape (B,)."""
        steps = np.maximum(self.time * self._task.settings.lidar.rate, 1.0)
        return np.asarray(np.sqrt(self._changes / steps))

    def track(self, row: int) -> NDArray[np.float64]:
        """Places of a robot in `map` [m], shape (M, 2)."""
        steps = 1 + int(self.time[row] * self._task.settings.lidar.rate / _NOTED)
        places = np.stack([p[row] for p in self._places[:steps]])
        return np.vstack((places, self.robots.world.pose[row, :2])).astype(float)

    def failures(self) -> tuple[Failure, ...]:
        """List what did not dock."""
        out = []
        for row in np.flatnonzero(self.done & ~self.arrived):
            m = int(self.robots.world.map_index[row])
            out.append(Failure(
                self._task.docks[m].scene.name, m,
                'contact' if self.contact[row] else 'timeout',
                np.stack((self._start[row], self.robots.place[row, :2])), self.track(int(row)),
                self.robots.world.actors[row, :, :2].copy()))
        return tuple(out)


def furnish(maps: Sequence[GridMap | Scene], settings: DockingSettings) -> list[DockScene]:
    """
    Stand the docks of the suite in maps.

    :raises InputError: when one has no room for any.
    """
    return [with_docks(m, settings.dock, DOCKS, SUITE[0][1]) for m in maps]


def dock_all(policy: Policy | None, task: Task, episodes: int, seed: int = 1000,
             report: Report = silent, cancelled: Cancelled = never) -> DockingTrial:
    """
    Dock `episodes` times in each scene, all at once.

    :param policy: what drives, such as `PolicySession.act`; the expert where None.
    :return: the books; the same arguments give the same.
    :raises WorkCancelled: when told to stop.
    """
    map_index = np.repeat(np.arange(task.maps, dtype=np.int64), episodes)
    robots = task.robots(map_index, seed)
    robots.begin(np.arange(len(map_index)))
    trial = DockingTrial(task, robots)
    while not trial.done.all():
        check(cancelled)
        trial.advance(policy)
        report(Progress('docking', int(trial.done.sum()), len(trial.done)))
    return trial


def evaluate_docking(
    policy: Policy | None, maps: Sequence[GridMap | Scene], settings: DockingSettings,
    episodes: int, seed: int = 1000, report: Report = silent, cancelled: Cancelled = never,
) -> Evaluation:
    """
    Score a policy by docks in every map.

    :param maps: docks are stood in them, as many as there is room for up to `DOCKS`.
    :return: as of goal reaching; `efficiency` is against the straight way to the dock.
    :raises InputError: when a map has no room for a dock.
    """
    docks = furnish(maps, settings)
    trial = dock_all(policy, DockingTask(settings, docks), episodes, seed, report, cancelled)
    index = trial.robots.world.map_index
    rows = [map_score(trial, index == k, d.scene.name) for k, d in enumerate(docks)]
    return Evaluation((*rows, map_score(trial, index >= 0, 'all')), trial.failures())
