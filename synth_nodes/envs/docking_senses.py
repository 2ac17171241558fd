"""Robots that dock by camera, lidar and odometry, of which any may be missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.docking import DockingRobots, DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.envs.line_camera import flawless, Flaws
from synth_nodes.envs.task import Bounds, Outcome
from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.settings import setting
from synth_nodes.tasks.dock_marker import MarkerFinder
from synth_nodes.tasks.dock_scenes import DockScene
from synth_nodes.tasks.dock_senses import MEMORY, SENSES, spelled
from synth_nodes.tasks.docking import DockingRules
from synth_nodes.tasks.observation import Observation, ObservationSpec, SectorPooling
from synth_nodes.types import FloatArray, GridMap, RobotSpec
from synth_nodes.world.scene import Scene
from synth_nodes.world.world import World

SUBSETS = tuple(p for p in product((1.0, 0.0), repeat=len(SENSES)) if any(p))
"""All that can be present: with all of them first."""
DOCK_CAMERA = CameraSpec(width=64, height=64, horizontal_fov=1.3, pitch=0.5, rate=20.0)
"""A small camera that sees a dock from afar, and its top when it stands before it."""
DOCK_OBSERVATION = ObservationSpec(history=1, range_max=4.0)
"""The newest scan by itself, near things only."""


@dataclass(frozen=True)
class SensesSettings:
    """Docking by several sensors at once."""

    docking: DockingSettings = setting(  # noqa: RUF009
        DockingSettings(rules=DockingRules(swing=0.35)),
        'The task; at the start the camera sees at least half of the dock.')
    camera: CameraSpec = setting(DOCK_CAMERA, 'The camera.')  # noqa: RUF009
    observation: ObservationSpec = setting(  # noqa: RUF009
        DOCK_OBSERVATION, 'Layout of the scan; one of them.')
    bias_distance: float = setting(
        0.01, 'Standard deviation along x and y of what localisation is off in an episode.',
        unit='m', low=0.0, high=1.0)
    bias_angle: float = setting(
        0.01, 'The same of its direction.', unit='rad', low=0.0, high=1.0)
    jitter_distance: float = setting(
        0.005, 'The same from one moment to the next.', unit='m', low=0.0, high=1.0)
    jitter_angle: float = setting(
        0.005, 'The same of its direction.', unit='rad', low=0.0, high=1.0)


@dataclass
class _Known:
    """What each robot has been told of its dock."""

    marker: NDArray[np.float64]
    """Where it was when its marker was last seen, in base_link of then, shape (B, 3)."""
    age: NDArray[np.float64]
    bias: NDArray[np.float64]
    """Of localisation, shape (B, 3)."""
    present: NDArray[np.float32]


class SensesTask:
    """
    Dock with what sensors there are; each episode has some of them, and at least one.

    `camera` shows an image; `lidar` the newest scan, and where its marker was when last seen (not
    carried on, for that takes odometry); `odometry` velocity and, by localisation, where the dock
    is. What is missing is still observed, for learning; the mask `present` says that it does not
    count.
    """

    def __init__(self, settings: SensesSettings,
                 maps: Sequence[GridMap | Scene | DockScene] | None = None,
                 flaws: Flaws = flawless, present: tuple[float, ...] | None = None) -> None:
        """
        Prepare the scenes.

        :param maps: see `DockingTask`.
        :param flaws: what the camera makes of true images.
        :param present: 1 for each of `SENSES` that is there, always, and then what is missing
            shows nothing; drawn anew for every episode where None.
        :raises InputError: as `DockingTask` and `Camera` do.
        """
        self.settings = settings.docking
        self.senses = settings
        self.docking = DockingTask(settings.docking, maps)
        """The same task by marker and odometry."""
        self.camera = Camera(settings.camera, [d.scene for d in self.docking.docks])
        self.flaws: Flaws = flaws
        self.present = present
        """Counts from the next episodes on."""

    @property
    def robot(self) -> RobotSpec:
        """The robot."""
        return self.docking.robot

    @property
    def maps(self) -> int:
        """How many scenes there are."""
        return self.docking.maps

    @property
    def docks(self) -> list[DockScene]:
        """The scenes."""
        return self.docking.docks

    def bounds(self) -> Bounds:
        """
        Give the layout of an observation.

        `image` (H, W, 3), `scan` (1, sectors), `marker` (5,) as `dock` of `DockingTask` is,
        `goal` (4,): x, y, sine and cosine of the yaw of the dock, `velocity` (3,), `present` (3,).
        """
        camera, spec = self.senses.camera, self.senses.observation
        image = np.full((camera.height, camera.width, 3), 255.0, np.float32)
        scan = np.full((spec.history, spec.sectors), spec.range_max, np.float32)
        inner = self.docking.bounds()
        low, high = inner['dock']
        return {'image': (0 * image, image), 'scan': (0 * scan, scan), 'marker': (low, high),
                'goal': (low[:4], high[:4]), 'velocity': inner['velocity'],
                'present': (np.zeros(3, np.float32), np.ones(3, np.float32))}

    def robots(self, map_index: NDArray[np.int64], seed: int) -> 'SensesRobots':
        """Place robots in scenes."""
        return SensesRobots(self, self.docking.robots(map_index, seed), seed)


class SensesRobots:
    """Robots before docks, each with a camera, a lidar and odometry, or some of them."""

    def __init__(self, task: SensesTask, inner: DockingRobots, seed: int) -> None:
        settings, batch = task.settings, len(inner.dock)
        self._task, self.inner = task, inner
        self._finder = MarkerFinder(settings.dock, settings.lidar)
        self._pool = SectorPooling(task.senses.observation, settings.lidar)
        self._rng = np.random.default_rng([8, seed])
        self._seen = {name: np.zeros((batch, *low.shape), np.float32)
                      for name, (low, _) in task.docking.bounds().items()}
        self._known = _Known(np.zeros((batch, 3)), np.full(batch, MEMORY), np.zeros((batch, 3)),
                             np.ones((batch, 3), np.float32))

    @property
    def world(self) -> World:
        """Where the robots are."""
        return self.inner.world

    @property
    def dock(self) -> NDArray[np.float64]:
        """Where the docks truly are, in base_link, shape (B, 3)."""
        return self.inner.dock

    @property
    def place(self) -> NDArray[np.float64]:
        """The same in `map`."""
        return self.inner.place

    @property
    def blocked(self) -> NDArray[np.bool_]:
        """Whether a person walked into the standing robot, shape (B,)."""
        return self.inner.blocked

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Put some robots before docks, and say what sensors they have."""
        if not len(rows):
            return
        self.inner.begin(rows)
        senses, known = self._task.senses, self._known
        known.marker[rows] = self.inner.thought[rows]
        known.age[rows] = MEMORY
        known.bias[rows] = self._rng.normal(size=(len(rows), 3)) * (
            senses.bias_distance, senses.bias_distance, senses.bias_angle)
        chosen = self._rng.integers(len(SUBSETS), size=len(rows))
        known.present[rows] = (np.array(SUBSETS)[chosen] if self._task.present is None
                               else self._task.present)

    def observe(self, out: Observation) -> None:
        """Take an image, scan, and say where the docks are by marker and by localisation."""
        self.inner.observe(self._seen)
        world, known, task = self.world, self._known, self._task
        self._look()
        out['image'][:] = task.flaws(task.camera.render(
            world.pose, world.map_index, world.actors, world.velocity).rgb)
        out['scan'][:, 0] = self._pool(self.inner.ranges)
        out['marker'][:] = np.column_stack((spelled(known.marker), known.age))
        senses = task.senses
        jitter = self._rng.normal(size=known.bias.shape) * (
            senses.jitter_distance, senses.jitter_distance, senses.jitter_angle)
        out['goal'][:] = spelled(self.dock + known.bias + jitter)
        out['velocity'][:] = world.velocity
        out['present'][:] = known.present
        if task.present is not None:
            hide(out)

    def _look(self) -> None:
        """Look for the markers anew, near where they were seen last; no odometry helps."""
        inner, known = self.inner, self._known
        found = self._finder.find(inner.ranges, inner.powers, known.marker)
        # Hidden as it is from the robot's other eye.
        seen = found.seen & ~inner.hidden
        known.marker[seen] = found.pose[seen]
        known.age[:] = np.where(seen, 0.0, np.minimum(
            known.age + 1.0 / self._task.settings.lidar.rate, MEMORY))

    def step(self, command: FloatArray) -> None:
        """Drive for one period."""
        self.inner.step(command)

    def judge(self) -> Outcome:
        """Say what the last step came to."""
        return self.inner.judge()

    def expert(self) -> NDArray[np.float64]:
        """Ask the expert, which knows where docks truly are."""
        return self.inner.expert()


def hide(seen: Observation) -> None:
    """Blank what is not `present` in observations."""
    for k, names in enumerate(SENSES.values()):
        for name in names:
            seen[name][seen['present'][:, k] < 0.5] = 0.0
