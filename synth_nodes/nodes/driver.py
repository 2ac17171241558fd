"""
The control loop of the policy, from the newest data to one command a scan. No ROS.

Fails closed: whatever is missing, old, from the future or not a number, the command is zero and
the reason says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import Observation, ObservationBuilder, ObservationSpec
from synth_nodes.tasks.path import PathFollower
from synth_nodes.types import LidarSpec

FUTURE_TOLERANCE = 0.1
"""How far ahead of the clock a stamp may be [s]; messages overtake the clock's own topic."""


class Policy(Protocol):
    """What decides: see `synth_nodes.infer.session.PolicySession`."""

    def act(self, observation: Observation) -> NDArray[np.float32]:
        """Return vx [m/s], wz [rad/s], shape (1, 2)."""


@dataclass(frozen=True)
class Decision:
    """One command and what led to it."""

    command: NDArray[np.float64]
    """vx, vy [m/s], wz [rad/s] in base_link, shape (3,)."""
    state: str
    """'driving', 'waiting', 'arrived' or 'stopped' (by a fault)."""
    reason: str
    """One sentence for people."""
    sensors: Mapping[str, str] = field(default_factory=dict)
    """'used' or 'missing: why' by name, from drivers that do without some of their sensors."""


def stop(reason: str, state: str = 'stopped') -> Decision:
    """Decide for standstill."""
    return Decision(np.zeros(3), state, reason)


def drive_by(policy: Policy, observation: Observation, reason: str) -> Decision:
    """Let a policy decide on observations of one robot; stop where it gives no command."""
    output = policy.act(observation)
    if output.shape != (1, 2) or not np.isfinite(output).all():
        return stop(f'the policy gave {output.tolist()}, not one finite command')
    return Decision(np.array((float(output[0, 0]), 0.0, float(output[0, 1]))), 'driving', reason)


class Driver:
    """Drives one robot along a path with a policy."""

    def __init__(self, policy: Policy, observation: ObservationSpec, lidar: LidarSpec,
                 goal_tolerance: float, scan_timeout: float, odom_timeout: float) -> None:
        """
        Begin without a path: the robot stands.

        :param policy: what decides; see :meth:`swap`.
        :param observation: layout that it takes.
        :param goal_tolerance: distance to the path's end that counts as arrived [m].
        :param scan_timeout: oldest scan used [s]; `odom_timeout` likewise.
        :raises InputError: when the lidar's mount makes no sense.
        """
        self._lidar = lidar
        self._spec: ObservationSpec | None = None
        self._path: NDArray[np.float64] | None = None
        self._follower: PathFollower | None = None
        self.swap(policy, observation)
        self._tolerance = goal_tolerance
        self._timeouts = {'scan': scan_timeout, 'odometry': odom_timeout}
        self._end: NDArray[np.float64] | None = None
        self._arrived = False
        self._refusal = 'no path yet'
        self._pose: NDArray[np.float64] | None = None
        self._velocity = np.zeros(3)
        self._odom_stamp = -np.inf

    def swap(self, policy: Policy, observation: ObservationSpec) -> None:
        """
        Decide with another policy from now on; the path is kept.

        :param observation: layout that the policy takes. Where it is the same as before, so is
            the memory of past scans.
        """
        if self._spec != observation:
            self._builder = ObservationBuilder(observation, self._lidar)
            self._spec = observation
            if self._path is not None:
                self._follower = PathFollower([self._path], observation)
        self._policy = policy

    def take_odometry(self, pose: NDArray[np.float64],
                      velocity: NDArray[np.float64], stamp: float) -> None:
        """Take the newest pose (3,) in odom, velocity (3,) in base_link, stamp [s]."""
        self._pose, self._velocity, self._odom_stamp = pose, velocity, stamp

    def take_path(self, points: ArrayLike) -> None:
        """
        Follow a new path; an empty one, or one with a NaN, stops the robot.

        :param points: [m], shape (N, 2), in the frame of the odometry; a single one is a goal to
            be driven to straight from here.
        """
        path = np.asarray(points, float).reshape(-1, 2)
        if not len(path):
            self.refuse_path('the path is empty: there is no way to the goal')
            return
        if len(path) == 1 and self._pose is not None:
            path = np.concatenate((self._pose[None, :2], path))
        try:
            self._follower, self._path = PathFollower([path], self._spec), path
        except InputError as error:
            self.refuse_path(str(error))
            return
        end = path[-1]
        moved = self._end is None or np.hypot(*(end - self._end)) > self._tolerance
        if moved:
            self._arrived, self._end = False, end

    def refuse_path(self, reason: str) -> None:
        """Have no path, and stand still for that reason."""
        self._follower = self._path = self._end = None
        self._refusal = reason

    def decide(self, ranges: ArrayLike, stamp: float, now: float) -> Decision:
        """
        Decide on a command, once a scan.

        :param ranges: [m], shape (N,), REP-117 values.
        :param stamp: of the scan [s].
        :param now: present time on the same clock [s].
        """
        fault = self._age_fault('scan', stamp, now)
        if fault:
            return stop(fault)
        try:
            # Also while standing, so that the history is there when a path comes.
            self._builder.push(np.asarray(ranges)[None], stamp)
        except InputError as error:
            return stop(str(error))
        fault = self._odometry_fault(now)
        if fault:
            return stop(fault)
        if self._follower is None:
            return stop(self._refusal, 'waiting')
        return self._drive(self._follower, self._pose)

    def _drive(self, follower: PathFollower, pose: NDArray[np.float64] | None) -> Decision:
        assert pose is not None
        goal = follower.goal(pose)
        left = float(goal[0, 2])
        if self._arrived or left <= self._tolerance:
            self._arrived = True
            return stop(f'arrived, {left:.2f} m from the goal', 'arrived')
        return drive_by(self._policy, self._builder.build(goal, self._velocity[None]),
                        f'driving, {left:.1f} m to go')

    def _odometry_fault(self, now: float) -> str:
        if self._pose is None:
            return 'no odometry yet'
        fault = self._age_fault('odometry', self._odom_stamp, now)
        if not fault and not (np.isfinite(self._pose).all()
                              and np.isfinite(self._velocity).all()):
            fault = 'odometry is not finite'
        return fault

    def _age_fault(self, what: str, stamp: float, now: float) -> str:
        return age_fault(what, stamp, now, self._timeouts[what])


def age_fault(what: str, stamp: float, now: float, limit: float) -> str:
    """Say why data of some age [s] must not be used; nothing where it may."""
    age = now - stamp
    if not age <= limit:
        return f'the {what} is {age:.2f} s old, more than {limit:.2f} s'
    if age < -FUTURE_TOLERANCE:
        return f'the {what} is stamped {-age:.2f} s ahead of the clock'
    return ''


def rehearse(policy: Policy, observation: ObservationSpec, lidar: LidarSpec) -> None:
    """
    Decide a few times on made-up data, so that the first real decision is as fast as any.

    :raises InputError: when the lidar's mount makes no sense.
    """
    driver = Driver(policy, observation, lidar, 0.1, 1.0, 1.0)
    for stamp in np.arange(5) * 0.05:
        driver.take_odometry(np.zeros(3), np.zeros(3), stamp)
        driver.take_path(np.array(((0.0, 0.0), (2.0, 0.0), (2.0, 2.0))))
        driver.decide(np.full(lidar.beams, 3.0, np.float32), stamp, stamp)
