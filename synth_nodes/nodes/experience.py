"""What a robot has seen and was let do, as samples to learn from. No ROS."""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.monitor.drift import features
from synth_nodes.tasks.observation import ObservationBuilder, ObservationSpec
from synth_nodes.tasks.path import PathFollower
from synth_nodes.train.replay import KINDS, ReplayStore
from synth_nodes.train.samples import Samples
from synth_nodes.types import FloatArray, LidarSpec

LIMIT = 20000
"""Samples kept; the oldest go first."""
GROUP = 50
"""Samples that follow one another form a group: training and validation never share one."""
_UNSEEN = ('limits', 'command', 'velocity', 'source', 'override', 'off', 'latched')
"""Rules that bind for what an observation does not show: nothing to learn from."""
_TYPES: dict[str, type] = {'scan': np.float16, 'stamp': np.float64}
_ARRIVED = 0.3
"""Distance to the path's end [m] below which nothing is recorded."""


class Experience:
    """Pairs observations with the commands that answered them."""

    def __init__(self, spec: ObservationSpec, lidar: LidarSpec, period: float) -> None:
        """:param period: shortest time between samples [s]."""
        self._spec, self._period = spec, period
        self._builder = ObservationBuilder(spec, lidar)
        self._follower: PathFollower | None = None
        self._pose: NDArray[np.float64] | None = None
        self._velocity = np.zeros(3)
        self._pending: tuple[float, tuple[NDArray[np.float32], ...]] | None = None
        self._last = -np.inf
        self._kept: deque[tuple[NDArray[np.float32], ...]] = deque(maxlen=LIMIT)
        self.taken = 0
        """How many samples were taken so far."""
        self.interventions = 0
        """How many of them the safety monitor changed."""
        self.newest: FloatArray | None = None
        """Features of the newest observation, for drift; see `monitor.drift`."""
        self._verdict: tuple[str, str, float, FloatArray] = ('pass', '', np.inf, np.zeros(3))
        self._fresh: dict[str, deque[dict[str, Any]]] = {
            kind: deque(maxlen=LIMIT) for kind in KINDS}

    def take_odometry(self, pose: NDArray[np.float64], velocity: NDArray[np.float64]) -> None:
        """Take the newest pose (3,) in odom and velocity (3,) in base_link."""
        self._pose, self._velocity = pose, velocity

    def take_path(self, points: ArrayLike) -> None:
        """Take a path [m] in odom, shape (N, 2); nothing is recorded along one that is broken."""
        try:
            self._follower = PathFollower([points], self._spec)
        except InputError:
            self._follower = None

    def take_verdict(self, action: str, rule: str, contact: float, wanted: FloatArray) -> None:
        """
        Take the safety monitor's newest verdict, which holds for commands until the next.

        :param contact: time to contact if the wanted command were kept [s].
        :param wanted: vx, vy [m/s], wz [rad/s] before the monitor, shape (3,).
        """
        self._verdict = action, rule, contact, wanted

    def take_scan(self, ranges: ArrayLike, stamp: float) -> None:
        """
        Take a scan: ranges [m], shape (N,), and its stamp [s].

        :raises InputError: when it has another number of beams than the lidar.
        """
        self._builder.push(np.asarray(ranges)[None], stamp)
        self._pending = None
        if self._follower is None or self._pose is None or (
                abs(stamp - self._last) < self._period - 1e-6):
            return
        goal = self._follower.goal(self._pose)
        if goal[0, 2] > _ARRIVED and np.isfinite(self._velocity).all():
            seen = self._builder.build(goal, self._velocity[None])
            self.newest = features(seen['scan'], seen['goal'], seen['velocity'])[0]
            self._pending = (stamp, (seen['scan'][0], seen['goal'][0], seen['velocity'][0]))

    def take_command(self, command: NDArray[np.float64], stamp: float | None) -> None:
        """
        Take a command let through.

        :param command: vx, vy [m/s], wz [rad/s], shape (3,).
        :param stamp: of the scan it answers [s]; None where commands carry no stamp: then it
            answers the newest.
        """
        if self._pending is None:
            return
        if stamp is not None and abs(stamp - self._pending[0]) > 1e-6:
            return
        action, rule, _, _ = self._verdict
        if np.isfinite(command).all() and not (action == 'stop' and rule in _UNSEEN):
            self._keep(*self._pending, np.asarray(command, np.float32))
            self._last = self._pending[0]
            self.taken += 1
        self._pending = None

    def _keep(self, stamp: float, seen: tuple[NDArray[np.float32], ...],
              command: NDArray[np.float32]) -> None:
        scan, goal, velocity = seen
        action, rule, contact, wanted = self._verdict
        changed = action != 'pass' and rule not in _UNSEEN
        self.interventions += changed
        self._kept.append((scan, goal, velocity, command[[0, 2]]))
        self._fresh[KINDS[changed]].append({
            'scan': scan.astype(np.float16), 'goal': goal, 'velocity': velocity,
            'command': command[[0, 2]], 'wanted': wanted if changed else command,
            'contact': contact if changed else np.inf, 'stamp': stamp})

    def store(self, replay: ReplayStore, least: int) -> None:
        """
        Move what was recorded since the last call to disk.

        :param least: samples of a kind below which they wait.
        """
        for kind, rows in self._fresh.items():
            if rows and len(rows) >= least:
                replay.add(kind, {name: np.asarray([row[name] for row in rows], _TYPES.get(
                    name, np.float32)) for name in rows[0]})
                rows.clear()

    def samples(self) -> Samples | None:
        """Return a copy of what is kept; None where there is nothing."""
        if not self._kept:
            return None
        scan, goal, velocity, command = (np.stack(part) for part in zip(*self._kept, strict=True))
        first = self.taken - len(command)
        group = (first + np.arange(len(command))) // GROUP
        return Samples(scan.astype(np.float16), goal, velocity, command, group.astype(np.int32))
