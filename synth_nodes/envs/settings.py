"""Settings of the environments."""

from dataclasses import dataclass

from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.settings import setting
from synth_nodes.tasks.goal_reaching import GoalReachingRules
from synth_nodes.tasks.line_following import LineFollowingRules
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.layouts import LAYOUTS
from synth_nodes.world.people import ActorSettings
from synth_nodes.world.randomise import Randomisation

_LIDAR = LidarSpec(range_max=ObservationSpec().range_max)
"""A lidar that sees as far as the observation goes."""
_NAMES = tuple(LAYOUTS)


@dataclass(frozen=True)
class GoalReachingSettings:
    """Reaching goals by lidar among people."""

    layouts: tuple[str, ...] = setting(
        ('rooms', 'warehouse', 'clutter'), 'Scenes to generate where no maps are given.',
        choices=_NAMES)
    scenes: int = setting(2, 'How many of each layout.', low=1, high=1000)
    scene_seed: int = setting(0, 'Seed of the first scene of each.', low=0, high=2**31 - 1)
    errands: int = setting(
        256, 'Starts and goals in each map, planned when first drawn.', low=1, high=100000)
    min_length: float = setting(2.0, 'Shortest way.', unit='m', low=0.5, high=1000.0)
    max_length: float = setting(12.0, 'Longest way.', unit='m', low=0.5, high=1000.0)
    physics_step: float = setting(
        0.05, 'Longest step of the simulated world.', unit='s', low=0.005, high=0.2)
    robot: RobotSpec = setting(RobotSpec(), 'The robot.')  # noqa: RUF009
    lidar: LidarSpec = setting(  # noqa: RUF009
        _LIDAR, 'Its lidar; an action is taken for each scan.')
    observation: ObservationSpec = setting(  # noqa: RUF009
        ObservationSpec(), 'What is seen of it.')
    actors: ActorSettings = setting(ActorSettings(), 'The people.')  # noqa: RUF009
    randomisation: Randomisation = setting(  # noqa: RUF009
        Randomisation(), 'What each robot and its world draw anew with every episode.')
    rules: GoalReachingRules = setting(  # noqa: RUF009
        GoalReachingRules(), 'Success, time and reward.')


@dataclass(frozen=True)
class LineFollowingSettings:
    """Following lines that are painted on the floor."""

    layouts: tuple[str, ...] = setting(
        ('track_straight', 'track_curved'), 'Scenes to generate where none are given.',
        choices=_NAMES)
    scenes: int = setting(4, 'How many of each layout.', low=1, high=1000)
    scene_seed: int = setting(0, 'Seed of the first scene of each.', low=0, high=2**31 - 1)
    rate: float = setting(20.0, 'Actions a second.', unit='Hz', low=1.0, high=200.0)
    physics_step: float = setting(
        0.05, 'Longest step of the simulated world.', unit='s', low=0.005, high=0.2)
    robot: RobotSpec = setting(RobotSpec(), 'The robot.')  # noqa: RUF009
    actors: ActorSettings = setting(ActorSettings(count=0), 'The people.')  # noqa: RUF009
    randomisation: Randomisation = setting(  # noqa: RUF009
        Randomisation(), 'What each robot and its world draw anew with every episode.')
    rules: LineFollowingRules = setting(  # noqa: RUF009
        LineFollowingRules(), 'Success, time and reward.')


LINE_CAMERA = CameraSpec(width=64, height=64, horizontal_fov=1.3, pitch=0.7, rate=20.0)
"""A small camera that looks down at the floor, from 0.26 m to a few metres ahead of base_link."""


@dataclass(frozen=True)
class LineCameraSettings:
    """Following painted lines by what a camera sees of them."""

    line: LineFollowingSettings = setting(  # noqa: RUF009
        LineFollowingSettings(rules=LineFollowingRules(tolerance=0.4)),
        'Scenes, robot, and when a run ends.')
    camera: CameraSpec = setting(LINE_CAMERA, 'The camera.')  # noqa: RUF009
    cruise: float = setting(0.5, 'Speed of the expert.', unit='m/s', low=0.05, high=5.0)
    lookahead: float = setting(
        0.35, 'Distance along the line of the point the expert steers for.', unit='m',
        low=0.1, high=3.0)
