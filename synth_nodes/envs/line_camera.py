"""Robots that follow painted lines by what a camera shows of them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.line_following import LineFollowingRobots, LineFollowingTask
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.envs.task import Bounds, Outcome
from synth_nodes.sensors.camera import Camera
from synth_nodes.tasks.observation import Observation
from synth_nodes.types import FloatArray, RobotSpec
from synth_nodes.world.scene import Scene

Images = NDArray[np.uint8]
Flaws = Callable[[Images], Images]
"""What a sensor makes of true images (B, H, W, 3)."""


def flawless(images: Images) -> Images:
    """Leave true images as they are."""
    return images


class LineCameraTask:
    """Follow a stretch of a painted line to its end, seen by a camera alone."""

    def __init__(self, settings: LineCameraSettings, maps: Sequence[Scene] | None = None,
                 flaws: Flaws = flawless) -> None:
        """
        Prepare the scenes.

        :param maps: scenes with painted lines; generated as the settings say where None.
        :param flaws: what the sensor makes of true images.
        :raises InputError: as `LineFollowingTask` and `Camera` do.
        """
        self.settings = settings
        self.line = LineFollowingTask(settings.line, maps)
        """The same task, seen from the true pose."""
        self.camera = Camera(settings.camera, self.line.scenes)
        self.flaws = flaws

    @property
    def robot(self) -> RobotSpec:
        """The robot."""
        return self.line.robot

    @property
    def maps(self) -> int:
        """How many scenes there are."""
        return self.line.maps

    def bounds(self) -> Bounds:
        """Give the layout of an observation: `image`, shape (H, W, 3), 0 to 255, red first."""
        shape = self.settings.camera.height, self.settings.camera.width, 3
        return {'image': (np.zeros(shape, np.float32), np.full(shape, 255.0, np.float32))}

    def robots(self, map_index: NDArray[np.int64], seed: int) -> 'LineCameraRobots':
        """Place robots in scenes."""
        return LineCameraRobots(self, self.line.robots(map_index, seed))


class LineCameraRobots:
    """Robots on lines, each with a camera."""

    def __init__(self, task: LineCameraTask, line: LineFollowingRobots) -> None:
        self._task = task
        self.line = line
        """The same robots, seen from their true poses."""
        self._seen = {name: np.zeros((len(line.world.pose), *low.shape), np.float32)
                      for name, (low, _) in task.line.bounds().items()}

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Put some robots at the beginning of new stretches."""
        self.line.begin(rows)

    def observe(self, out: Observation) -> None:
        """Find every robot on its line and take an image."""
        self.line.observe(self._seen)
        world = self.line.world
        frames = self._task.camera.render(
            world.pose, world.map_index, world.actors, world.velocity)
        out['image'][:] = self._task.flaws(frames.rgb)

    def step(self, command: FloatArray) -> None:
        """Drive for one period."""
        self.line.step(command)

    def judge(self) -> Outcome:
        """Say what the last step came to."""
        return self.line.judge()

    def expert(self) -> NDArray[np.float64]:
        """Ask the expert, which knows where the robots are on their lines."""
        s = self._task.settings
        return self.line.steer(s.cruise, s.lookahead)
