"""What drives for a policy, and the topics that it listens to: one pilot for each task."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry, Path
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image, LaserScan

from synth_nodes.errors import InputError
from synth_nodes.infer.session import PolicySession
from synth_nodes.nodes.dock_driver import DockDriver
from synth_nodes.nodes.driver import Decision, Driver, rehearse, stop
from synth_nodes.nodes.image_driver import ImageDriver
from synth_nodes.nodes.parameters import PolicyParameters
from synth_nodes.nodes.senses_driver import SensesDriver
from synth_nodes.policy.docking import TASK as DOCKING
from synth_nodes.policy.docking_senses import TASK as SENSES_TASK
from synth_nodes.policy.goal_reaching import TASK as GOAL_REACHING
from synth_nodes.policy.line_camera import TASK as LINE_CAMERA
from synth_nodes.ros.clocks import now, to_seconds
from synth_nodes.ros.conversions import path_from_message, pose_of, ranges_of, velocity_of
from synth_nodes.ros.images import pixels_of
from synth_nodes.ros.qos import DRIVER, Report, SENSOR, subscribe
from synth_nodes.ros.tf import Listener

Drive = Callable[[Callable[[], Decision], Time], None]
"""Asks for a decision, which answers to a stamp, and sends it; or does not, while inactive."""
_GOALS = {'path': (Path, path_from_message),
          'goal_pose': (PoseStamped, lambda m: pose_of(m.pose)[None, :2])}
"""Message of each source of goals, and how to take points (N, 2) out of it."""


class Ears:
    """What a pilot needs of its node: topics, transforms, the clock."""

    def __init__(self, node: Node, settings: PolicyParameters, report: Report) -> None:
        """:param report: takes a line about publishers that cannot be heard."""
        self.node, self.settings = node, settings
        self.transforms = Listener(node)
        self._report = report
        self._open: list[Any] = []

    def hear(self, kind: type, topic: str, take: Callable[[Any], None],
             qos: QoSProfile = SENSOR) -> None:
        """Listen to a topic."""
        self._open.append(subscribe(self.node, kind, topic, take, qos, self._report))

    def now(self) -> float:
        """Present time of the node [s]."""
        return now(self.node)

    def close(self) -> None:
        """Listen to nothing any more."""
        while self._open:
            self.node.destroy_subscription(self._open.pop())


@dataclass(frozen=True)
class Pilot:
    """What drives, and what it decides where nothing comes in."""

    driver: Driver | DockDriver | ImageDriver | SensesDriver
    timeout: float
    """Wall time without a decision after which nothing comes in [s]."""
    silence: Callable[[], Decision]


def make_pilot(session: PolicySession, ears: Ears, drive: Drive) -> Pilot:
    """
    Make what drives by a policy, and let it listen to its topics.

    :raises InputError: when no pilot is for its task, or the lidar's mount makes no sense.
    """
    contract = session.contract
    if contract.task not in _MAKERS:
        raise InputError(
            f"{session.path} is a policy for the task '{contract.task}', but this node runs those "
            f'for {", ".join(_MAKERS)}; give one of them')
    return _MAKERS[contract.task](session, ears, drive)


def exchange(old: PolicySession, new: PolicySession, pilot: Pilot,
             ) -> PolicySession | Exception:
    """Drive with a new policy from now on; one for another task is refused with an error."""
    try:
        new.contract.check_task(old.contract.task, str(new.path))
        pilot.driver.swap(new, new.contract.observation)
    except InputError as error:
        return error
    return new


def _path_pilot(session: PolicySession, ears: Ears, drive: Drive) -> Pilot:
    s, spec = ears.settings, session.contract.observation
    rehearse(session, spec, s.lidar)
    driver = Driver(session, spec, s.lidar, s.goal_tolerance, s.scan_timeout, s.odom_timeout)
    kind, points = _GOALS[s.goal_source]

    def follow(message: Any) -> None:
        moved, problem = ears.transforms.carry(
            points(message), message.header.frame_id, s.odom_frame)
        if moved is None:
            driver.refuse_path(f'the path is refused: {problem}')
        else:
            driver.take_path(moved)

    _hear_odometry(ears, driver)
    ears.hear(kind, s.goal_source, follow, DRIVER)
    ears.hear(LaserScan, 'scan', lambda m: drive(
        lambda: driver.decide(ranges_of(m), _stamp(m), ears.now()), m.header.stamp))
    return Pilot(driver, s.scan_timeout, partial(stop, 'no scan comes in'))


def _dock_pilot(session: PolicySession, ears: Ears, drive: Drive) -> Pilot:
    s = ears.settings
    driver = DockDriver(session, s.dock, s.lidar, s.scan_timeout, s.odom_timeout)
    _hear_odometry(ears, driver)
    _hear_dock(ears, driver)
    ears.hear(LaserScan, 'scan', lambda m: drive(
        lambda: driver.decide(_echoes(m), _stamp(m), ears.now()), m.header.stamp))
    return Pilot(driver, s.scan_timeout, partial(stop, 'no scan comes in'))


def _image_pilot(session: PolicySession, ears: Ears, drive: Drive) -> Pilot:
    s, camera = ears.settings, session.contract.camera
    assert camera is not None
    driver = ImageDriver(session, camera, s.image_timeout)
    ears.hear(Image, 'camera/image_raw', lambda m: drive(
        lambda: driver.decide(pixels_of(m), _stamp(m), ears.now()), m.header.stamp))
    return Pilot(driver, s.image_timeout, partial(stop, 'no image comes in'))


def _senses_pilot(session: PolicySession, ears: Ears, drive: Drive) -> Pilot:
    s, contract = ears.settings, session.contract
    assert contract.camera is not None
    timeouts = {'camera': s.image_timeout, 'lidar': s.scan_timeout, 'odometry': s.odom_timeout}
    driver = SensesDriver(session, contract.observation, contract.camera, s.dock, s.lidar,
                          timeouts, 1.0 / contract.outputs[0].rate)

    def hear(sensor: str, kind: type, topic: str, take: Callable[[Any], None]) -> None:
        def heard(message: Any) -> None:
            take(message)
            moment = ears.now()
            if driver.due(sensor, moment):
                drive(lambda: driver.decide(moment), message.header.stamp)

        ears.hear(kind, topic, heard)

    def take_image(message: Image) -> None:
        try:
            driver.take_image(pixels_of(message), _stamp(message))
        except InputError as error:
            driver.refuse_image(str(error))

    hear('camera', Image, 'camera/image_raw', take_image)
    hear('lidar', LaserScan, 'scan', lambda m: driver.take_scan(_echoes(m), _stamp(m)))
    hear('odometry', Odometry, 'odom', lambda m: _take_odometry(driver, m))
    _hear_dock(ears, driver)
    return Pilot(driver, max(timeouts.values()), driver.silence)


_MAKERS = {GOAL_REACHING: _path_pilot, DOCKING: _dock_pilot, LINE_CAMERA: _image_pilot,
           SENSES_TASK: _senses_pilot}


def _hear_odometry(ears: Ears, driver: Driver | DockDriver) -> None:
    ears.hear(Odometry, 'odom', lambda m: _take_odometry(driver, m))


def _take_odometry(driver: Driver | DockDriver | SensesDriver, message: Odometry) -> None:
    driver.take_odometry(pose_of(message.pose.pose), velocity_of(message.twist.twist),
                         _stamp(message))


def _hear_dock(ears: Ears, driver: DockDriver | SensesDriver) -> None:
    def go(message: PoseStamped) -> None:
        moved, problem = ears.transforms.carry_pose(
            pose_of(message.pose), message.header.frame_id, ears.settings.odom_frame)
        if moved is None:
            driver.refuse(f'the dock is refused: {problem}')
        else:
            driver.take_dock(moved)

    ears.hear(PoseStamped, 'dock_pose', go, DRIVER)


def _echoes(message: LaserScan) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ranges [m] and intensities, each of shape (N,)."""
    return ranges_of(message), np.frombuffer(message.intensities, np.float32)


def _stamp(message: Any) -> float:
    return to_seconds(message.header.stamp)
