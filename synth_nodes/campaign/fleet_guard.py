"""The safety core in the loop of a fleet: every command is judged on the robot's own scan."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.batch import FREE, judge_batch
from synth_nodes.safety.rules import reaction_time, SafetyRules, unseen_reach
from synth_nodes.safety.sources import scan_source
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.types import LidarSpec, RobotSpec

Array = NDArray[np.float64]


class FleetGuard:
    """
    Lowers the commands of B robots as the safety monitor does on one.

    Scans are fresh, velocities measured, and commands of the last reaction time still under way:
    what :func:`synth_nodes.safety.core.judge` is given on a robot that loses no message.
    """

    def __init__(self, rules: SafetyRules, robot: RobotSpec, lidar: LidarSpec) -> None:
        """
        Prepare for robots that stand.

        :param rules: of the safety monitor.
        :param lidar: what it sees with; a command is judged for each scan.
        """
        self._rules, self._robot, self._lidar = rules, robot, lidar
        self._reach = unseen_reach(rules, robot)
        self._memory = int(np.ceil(reaction_time(rules, robot) * lidar.rate))
        self._sent: list[Array] = []
        self._grown: NDArray[np.bool_] | None = None
        self.lowered = 0
        """Commands that were not let through whole."""

    def __call__(self, fleet: Fleet, command: Array, active: NDArray[np.bool_]) -> Array:
        """
        Judge.

        :param fleet: robots at their last observation.
        :param command: vx [m/s], wz [rad/s], shape (B, 2).
        :param active: robots that still drive, shape (B,); the others get zeros.
        :return: commands let through, shape (B, 2).
        """
        rows = np.flatnonzero(active)
        points, unseen, age = self._seen(fleet.ranges[rows])
        full = np.zeros((len(command), 3))
        full[:, ::2] = command
        grown = None if self._grown is None else self._grown[rows]
        pending = np.stack([sent[rows] for sent in self._sent], axis=1) if self._sent else None
        verdict = judge_batch(self._rules, self._robot, fleet.world.velocity[rows], points,
                              age, full[rows], grown, unseen, pending=pending)
        out = np.zeros_like(full)
        out[rows] = verdict.command
        self._grown = np.zeros(len(full), bool)
        self._grown[rows] = verdict.rule != FREE
        self._sent = [*self._sent, out][-self._memory:]
        self.lowered += int(self._grown.sum())
        return out[:, ::2]

    def _seen(self, ranges: NDArray[np.float32]) -> tuple[Array, Array, Array]:
        """
        Points of scans and of what they leave unseen, filled up with NaN, (B, N, 2) each.

        And ages [s], shape (B,): infinite for a scan that must not be believed.
        """
        lidar, rules = self._lidar, self._rules.source
        mount = (lidar.mount[0], lidar.mount[1], lidar.mount[2])
        sources = [scan_source(rules, 'scan', row.astype(float), lidar.angles, lidar.range_min,
                               lidar.range_max, mount, 0.0, footprint=self._robot.footprint,
                               reach=self._reach) for row in ranges]
        return (_padded([self._near(s.points_base) for s in sources]),
                _padded([self._near(s.unseen_base) for s in sources]),
                np.array([0.0 if s.valid else np.inf for s in sources]))

    def _near(self, points: Array) -> Array:
        """Leave out what no command could reach before the next scan."""
        return points[np.hypot(points[:, 0], points[:, 1]) < self._reach]


def _padded(parts: list[Array]) -> Array:
    """Stack point sets of several sizes, filled up with NaN."""
    most = max((len(p) for p in parts), default=0)
    out = np.full((len(parts), most, 2), np.nan)
    for k, part in enumerate(parts):
        out[k, :len(part)] = part
    return out
