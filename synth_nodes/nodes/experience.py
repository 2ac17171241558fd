"""What a robot has seen and was let do, as samples to learn from. No ROS."""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationBuilder, ObservationSpec
from synth_nodes.tasks.path import PathFollower
from synth_nodes.train.samples import Samples
from synth_nodes.types import LidarSpec

LIMIT = 20000
"""Samples kept; the oldest go first."""
GROUP = 50
"""Samples that follow one another form a group: training and validation never share one."""
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

    def take_odometry(self, pose: NDArray[np.float64], velocity: NDArray[np.float64]) -> None:
        """Take the newest pose (3,) in odom and velocity (3,) in base_link."""
        self._pose, self._velocity = pose, velocity

    def take_path(self, points: ArrayLike) -> None:
        """Take a path [m] in odom, shape (N, 2); nothing is recorded along one that is broken."""
        try:
            self._follower = PathFollower([points], self._spec)
        except InputError:
            self._follower = None

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
        if np.isfinite(command).all():
            label = command[[0, 2]].astype(np.float32)
            self._kept.append((*self._pending[1], label))
            self._last = self._pending[0]
            self.taken += 1
        self._pending = None

    def samples(self) -> Samples | None:
        """Return a copy of what is kept; None where there is nothing."""
        if not self._kept:
            return None
        scan, goal, velocity, command = (np.stack(part) for part in zip(*self._kept, strict=True))
        first = self.taken - len(command)
        group = (first + np.arange(len(command))) // GROUP
        return Samples(scan.astype(np.float16), goal, velocity, command, group.astype(np.int32))
