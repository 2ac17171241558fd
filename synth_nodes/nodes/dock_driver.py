"""
The control loop of a policy that docks: from the newest scan to one command. No ROS.

Fails closed as :mod:`synth_nodes.nodes.driver` does; also where a marker was not seen lately.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.nodes.driver import age_fault, Decision, drive_by, Policy, stop
from synth_nodes.tasks.dock_marker import DockSpec, DockTracker, MarkerFinder, seen_from
from synth_nodes.tasks.dock_senses import spelled
from synth_nodes.tasks.docking import DockingRules, is_docked
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec

LOST = 1.5
"""Time without sight of the marker after which the robot stands still [s]."""
_RULES = DockingRules()
Scan = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Ranges [m] and intensities, each of shape (N,)."""


class DockDriver:
    """Drives one robot into a dock whose marker its lidar sees."""

    def __init__(self, policy: Policy, dock: DockSpec, lidar: LidarSpec, scan_timeout: float,
                 odom_timeout: float) -> None:
        """
        Begin without a dock: the robot stands.

        :param policy: what decides; see :meth:`swap`.
        :param dock: what its marker is like, and where a robot stands at it.
        :param scan_timeout: oldest scan used [s]; `odom_timeout` likewise.
        """
        self._policy = policy
        self._finder, self._tracker = MarkerFinder(dock, lidar), DockTracker(1)
        self._beams = lidar.beams
        self._timeouts = {'scan': scan_timeout, 'odometry': odom_timeout}
        self._goal: NDArray[np.float64] | None = None
        self._refusal = 'no dock to go to yet'
        self._pose, self._velocity = np.full(3, np.nan), np.zeros(3)
        self._odom_stamp = -np.inf
        self._last: tuple[NDArray[np.float64], float] | None = None
        self._docked = False

    def swap(self, policy: Policy, observation: ObservationSpec) -> None:
        """Decide with another policy from now on; layouts of observations don't matter here."""
        self._policy = policy

    def take_odometry(self, pose: NDArray[np.float64], velocity: NDArray[np.float64],
                      stamp: float) -> None:
        """Take the newest pose (3,) in odom, velocity (3,) in base_link, stamp [s]."""
        self._pose, self._velocity, self._odom_stamp = pose, velocity, stamp

    def take_dock(self, pose: ArrayLike) -> None:
        """
        Go to a dock; one that is not finite stops the robot.

        :param pose: about where base_link is to stand in it, x, y [m], yaw [rad] in the frame of
            the odometry; the marker is looked for within 1 m and 0.8 rad of that.
        """
        goal = np.asarray(pose, float)
        if goal.shape != (3,) or not np.isfinite(goal).all():
            self.refuse(f'the pose of the dock is {goal.tolist()}, not finite x, y, yaw')
            return
        self._goal, self._last, self._docked = goal, None, False

    def refuse(self, reason: str) -> None:
        """Have no dock to go to, and stand still for that reason."""
        self._goal, self._refusal = None, reason

    def decide(self, scan: Scan, stamp: float, now: float) -> Decision:
        """
        Decide on a command, once a scan.

        :param scan: ranges as REP-117 has them, and intensities.
        :param stamp: of the scan [s].
        :param now: present time on the same clock [s].
        """
        ranges, powers = scan
        fault = age_fault('scan', stamp, now, self._timeouts['scan']) or age_fault(
            'odometry', self._odom_stamp, now, self._timeouts['odometry'])
        if not fault and not (np.isfinite(self._pose).all() and np.isfinite(
                self._velocity).all()):
            fault = 'odometry is not finite'
        if not fault and not len(ranges) == len(powers) == self._beams:
            fault = (f'the scan has {len(ranges)} ranges and {len(powers)} intensities, but '
                     f'lidar.beams = {self._beams}; docking needs a lidar that gives both')
        if fault:
            self._last = None
            return stop(fault)
        if self._goal is None:
            return stop(self._refusal, 'waiting')
        self._look(ranges, powers, stamp)
        return self._drive()

    def _look(self, ranges: NDArray[np.float32], powers: NDArray[np.float32],
              stamp: float) -> None:
        """Carry the dock on by odometry, and look for its marker."""
        assert self._goal is not None
        here = self._pose[None]
        if self._last is None or stamp < self._last[1]:
            self._tracker.begin(np.array([0]), seen_from(here, self._goal[None]))
        else:
            before, then = self._last
            self._tracker.carry(seen_from(before[None], here), stamp - then)
        self._last = self._pose.copy(), stamp
        self._tracker.take(self._finder.find(ranges[None], powers[None], self._tracker.pose))

    def _drive(self) -> Decision:
        dock, age = self._tracker.pose, self._tracker.age
        if self._docked or is_docked(dock, self._velocity[None], _RULES)[0]:
            self._docked = True
            return stop('docked', 'arrived')
        if age[0] > LOST:
            return stop(f'the marker was not seen for {age[0]:.1f} s or more', 'waiting')
        return drive_by(self._policy, {
            'dock': np.column_stack((spelled(dock), age)).astype(np.float32),
            'velocity': self._velocity[None].astype(np.float32)},
            f'docking, {np.hypot(*dock[0, :2]):.2f} m to go')
