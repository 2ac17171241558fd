"""Settings of docking."""

from dataclasses import dataclass

from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.settings import setting
from synth_nodes.tasks.dock_marker import DockSpec
from synth_nodes.tasks.docking import DockingRules
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.layouts import LAYOUTS
from synth_nodes.world.people import ActorSettings
from synth_nodes.world.randomise import Randomisation


@dataclass(frozen=True)
class DockingSettings:
    """Docking by a marker that a lidar sees."""

    layouts: tuple[str, ...] = setting(
        ('rooms', 'warehouse', 'clutter'), 'Scenes to generate where no maps are given.',
        choices=tuple(LAYOUTS))
    scenes: int = setting(4, 'How many of each layout.', low=1, high=1000)
    docks: int = setting(4, 'Docks in each scene, where there is room.', low=1, high=100)
    scene_seed: int = setting(0, 'Seed of the first scene of each.', low=0, high=2**31 - 1)
    cruise: float = setting(0.3, 'Speed of the expert.', unit='m/s', low=0.05, high=5.0)
    guess_distance: float = setting(
        0.1, 'Standard deviation along x and y of where the dock is said to be at the start.',
        unit='m', low=0.0, high=1.0)
    guess_angle: float = setting(
        0.1, 'The same of its direction.', unit='rad', low=0.0, high=1.0)
    blind: float = setting(
        0.1, 'Share of scans in which the marker is not looked for, as where it is hidden.',
        low=0.0, high=1.0)
    physics_step: float = setting(
        0.05, 'Longest step of the simulated world.', unit='s', low=0.005, high=0.2)
    dock: DockSpec = setting(DockSpec(), 'The docks.')  # noqa: RUF009
    robot: RobotSpec = setting(RobotSpec(), 'The robot.')  # noqa: RUF009
    lidar: LidarSpec = setting(  # noqa: RUF009
        LidarSpec(), 'Its lidar; an action is taken for each scan.')
    effects: ScanEffects = setting(  # noqa: RUF009
        ScanEffects(surfaces=True), 'Physical effects on it; without surfaces no marker is seen.')
    actors: ActorSettings = setting(ActorSettings(count=0), 'The people.')  # noqa: RUF009
    randomisation: Randomisation = setting(  # noqa: RUF009
        Randomisation(), 'What each robot and its world draw anew with every episode.')
    rules: DockingRules = setting(DockingRules(), 'Success, time and reward.')  # noqa: RUF009
