"""
The control loop of a policy that docks by camera, lidar and odometry, or by what is left. No ROS.

A sensor counts while its newest data is fresh and sound; a policy is told by a mask which do. With
none the robot stands, and so it does where the policy or the order to dock is at fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.dock_driver import LOST, Scan
from synth_nodes.nodes.driver import age_fault, Decision, drive_by, Policy, stop
from synth_nodes.nodes.image_driver import image_fault
from synth_nodes.nodes.planar import compose
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.dock_marker import DockSpec, DockTracker, MarkerFinder, seen_from, Sighting
from synth_nodes.tasks.dock_senses import MEMORY, SENSES, spelled
from synth_nodes.tasks.docking import DockingRules, is_docked
from synth_nodes.tasks.observation import Observation, ObservationSpec, SectorPooling
from synth_nodes.types import LidarSpec

FARTHEST = 3.0
"""Distance of a dock from which docking does not begin [m]; what such policies are made for."""
USED = 'used'
_LEADS = ('lidar', 'camera', 'odometry')
"""Whose data a decision waits for, the first of them that is used."""
_WORDS = {'camera': 'image', 'lidar': 'scan', 'odometry': 'odometry'}
"""What each sensor gives."""
_RULES = DockingRules()
_HERE, _NOWHERE = np.zeros((1, 3)), np.full(3, np.nan)


@dataclass
class _Newest:
    """The newest data of one sensor."""

    data: Any = None
    stamp: float = -np.inf
    fault: str = 'nothing came in yet'
    """Why it cannot be used whatever its age; empty where it can."""


class SensesDriver:
    """Drives one robot into a dock by whichever of its sensors can be used."""

    def __init__(self, policy: Policy, observation: ObservationSpec, camera: CameraSpec,
                 dock: DockSpec, lidar: LidarSpec, timeouts: Mapping[str, float],
                 period: float = 0.05) -> None:
        """
        Begin without a dock: the robot stands.

        :param policy: what decides; see :meth:`swap`.
        :param observation: layout of the scans that it takes; camera: size of its images.
        :param dock: what its marker is like, and where a robot stands at it.
        :param timeouts: for each of `SENSES`, oldest data used [s].
        :param period: time between decisions [s]; see :meth:`due`.
        :raises InputError: when the lidar's mount makes no sense, or as `swap` does.
        """
        self._lidar, self._period = lidar, period
        self._shape = (camera.height, camera.width, 3)
        self.swap(policy, observation)
        self._finder = MarkerFinder(dock, lidar)
        self._timeouts = timeouts
        self._newest = {name: _Newest() for name in SENSES}
        # In the frame of the odometry, where a dock stands still.
        self._tracker = DockTracker(1, memory=MEMORY)
        self._lead, self._decided = '', -np.inf
        self.refuse('no dock to go to yet')

    def swap(self, policy: Policy, observation: ObservationSpec) -> None:
        """
        Decide with another policy from now on; the dock is kept.

        :raises InputError: when it takes more than the newest scan.
        """
        if observation.history != 1:
            raise InputError(f'the policy takes {observation.history} scans at once, but docking '
                             'gives it the newest alone; train it with observation.history=1')
        self._policy, self._pool = policy, SectorPooling(observation, self._lidar)
        sizes = {'image': self._shape, 'scan': (1, observation.sectors), 'marker': (5,),
                 'goal': (4,), 'velocity': (3,)}
        self._blank = {n: np.zeros((1, *size), np.float32) for n, size in sizes.items()}

    def take_image(self, image: NDArray[np.generic], stamp: float) -> None:
        """Take the newest image, shape (H, W, 3), red first, 8 bits, and its stamp [s]."""
        self._newest['camera'] = _Newest(image, stamp, image_fault(image, self._shape))

    def take_scan(self, scan: Scan, stamp: float) -> None:
        """Take the newest ranges, as REP-117 has them, and intensities, and their stamp [s]."""
        ranges, powers = scan
        fault, beams = '', self._lidar.beams
        if not len(ranges) == len(powers) == beams:
            fault = (f'the scan has {len(ranges)} ranges and {len(powers)} intensities, but '
                     f'lidar.beams = {beams}; docking needs both')
        elif np.isnan(ranges).all():
            fault = 'no beam of the scan is valid'
        self._newest['lidar'] = _Newest(scan, stamp, fault)

    def take_odometry(self, pose: NDArray[np.float64], velocity: NDArray[np.float64],
                      stamp: float) -> None:
        """Take the newest pose (3,) in odom, velocity (3,) in base_link, stamp [s]."""
        sound = np.isfinite(pose).all() and np.isfinite(velocity).all()
        self._newest['odometry'] = _Newest(
            (pose, velocity), stamp, '' if sound else 'odometry is not finite')

    def refuse_image(self, reason: str) -> None:
        """Take note of an image that cannot be read."""
        self._newest['camera'] = _Newest(fault=reason)

    def take_dock(self, pose: ArrayLike) -> None:
        """
        Go to a dock; one that is not finite stops the robot.

        :param pose: where base_link is to stand in it, x, y [m], yaw [rad] in the frame of the
            odometry. Sightings of the marker, looked for within 1 m and 0.8 rad of that, correct
            it; as long as the lidar shows none, it is believed.
        """
        goal = np.asarray(pose, float)
        if goal.shape != (3,) or not np.isfinite(goal).all():
            self.refuse(f'the pose of the dock is {goal.tolist()}, not finite x, y, yaw')
            return
        self.refuse('')
        self._tracker.begin(np.array([0]), goal[None])

    def refuse(self, reason: str) -> None:
        """Have no dock to go to, and stand still for that reason."""
        self._refusal, self._docked = reason, False
        self._marker: NDArray[np.float64] | None = None
        self._seen = self._looked = -np.inf
        self._said = np.zeros((1, 3))

    def decide(self, now: float) -> Decision:
        """
        Decide on a command.

        :param now: present time on the clock of the stamps [s].
        :return: its `sensors` says of each whether it was used, and if not, why.
        """
        missing = {name: self._fault(name, now) for name in SENSES}
        if not self._refusal and not missing['lidar']:
            self._look(bool(missing['odometry']))
            missing['lidar'] = self._unseen()
        decision = self._act(missing)
        self._said, self._decided = decision.command[None], now
        self._lead = next((name for name in _LEADS if not missing[name]), '')
        return replace(decision, sensors={
            name: f'missing: {why}' if why else USED for name, why in missing.items()})

    def due(self, sensor: str, now: float) -> bool:
        """
        Whether to decide now that a sensor gave something.

        The lidar leads, or else the camera, or else odometry; others step in where it is late.
        """
        return sensor == self._lead or not 0.0 <= now - self._decided < 1.5 * self._period

    def silence(self) -> Decision:
        """Decide for standstill, where nothing comes in any more."""
        self._said = np.zeros((1, 3))
        return replace(stop(f'no {", ".join(_WORDS.values())} comes in'), sensors={
            name: f'missing: no {word} comes in' for name, word in _WORDS.items()})

    def _fault(self, name: str, now: float) -> str:
        new = self._newest[name]
        return new.fault or age_fault(_WORDS[name], new.stamp, now, self._timeouts[name])

    def _look(self, lost: bool) -> None:
        """
        Look for the marker in the newest scan.

        :param lost: whether it is not known where the robot is.
        """
        (ranges, powers), stamp = self._newest['lidar'].data, self._newest['lidar'].stamp
        if stamp == self._looked:
            return
        if stamp < self._looked:  # the clock was set back
            self._marker, self._seen = None, -np.inf
        pose = _NOWHERE if lost else self._newest['odometry'].data[0]
        # Where neither odometry nor a sighting says where the dock should be, any will do.
        guess, limits = _HERE, (FARTHEST, np.pi)
        if not lost:
            guess, limits = seen_from(pose[None], self._tracker.pose), (1.0, 0.8)
        elif self._marker is not None:
            guess, limits = self._marker, (1.0, 0.8)
        found = self._finder.find(ranges[None], powers[None], guess, *limits)
        if found.seen[0]:
            self._marker, self._seen = found.pose, stamp
        if not lost:
            self._tracker.carry(_HERE, min(max(stamp - self._looked, 0.0), MEMORY))
            self._tracker.take(Sighting(compose(pose, found.pose[0])[None], found.seen))
        self._looked = stamp

    def _unseen(self) -> str:
        """Say why the lidar cannot be used for docking; nothing where it can."""
        age = self._looked - self._seen
        if self._marker is None:
            return 'the marker was not seen yet'
        return f'the marker was not seen for {age:.1f} s' if age > LOST else ''

    def _act(self, missing: Mapping[str, str]) -> Decision:
        if self._refusal:
            return stop(self._refusal, 'waiting')
        if all(missing.values()):
            return stop('no sensor can be used: ' + '; '.join(missing.values()))
        dock, velocity, sure = self._known(missing)
        self._docked |= sure and bool(is_docked(dock, velocity, _RULES)[0])
        if self._docked:
            return stop('docked', 'arrived')
        left = float(np.hypot(*dock[0, :2]))
        if left > FARTHEST:
            return stop(f'the dock is {left:.1f} m away; docking begins within {FARTHEST:g} m of '
                        'it', 'waiting')
        used = ' + '.join(name for name, why in missing.items() if not why)
        way = 'an unknown way' if np.isnan(left) else f'{left:.2f} m'
        return drive_by(self._policy, self._inputs(missing), f'docking by {used}, {way} to go')

    def _known(self, missing: Mapping[str, str],
               ) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
        """
        Say where the dock is thought to be, NaN where nothing tells, and how the robot moves.

        Without odometry it moves as it was last told to.

        :return: dock and velocity in base_link, each of shape (1, 3); whether that is new enough
            to tell that the robot is docked.
        """
        if not missing['odometry']:
            pose, velocity = self._newest['odometry'].data
            return seen_from(pose[None], self._tracker.pose), velocity[None], True
        if not missing['lidar'] and self._marker is not None:
            return self._marker, self._said, self._seen == self._looked
        return np.full((1, 3), np.nan), self._said, False

    def _inputs(self, missing: Mapping[str, str]) -> Observation:
        """Make the policy's inputs, with zeros for what is missing."""
        out = {**self._blank, 'present': np.array(
            [[0.0 if why else 1.0 for why in missing.values()]], np.float32)}
        if not missing['camera']:
            out['image'] = self._newest['camera'].data[None].astype(np.float32)
        if not missing['lidar'] and self._marker is not None:
            out['scan'] = self._pool(self._newest['lidar'].data[0])[:, None]
            out['marker'] = np.column_stack((spelled(self._marker), min(
                self._looked - self._seen, MEMORY))).astype(np.float32)
        if not missing['odometry']:
            dock, velocity, _ = self._known(missing)
            out['goal'] = spelled(dock).astype(np.float32)
            out['velocity'] = velocity.astype(np.float32)
        return out
