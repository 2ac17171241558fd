"""Gymnasium's spaces for the batched environments."""

from gymnasium import spaces
import numpy as np

from synth_nodes.envs.task import Task


def observation_space(task: Task) -> spaces.Dict:
    """Make the space of one robot's observation, of 8 bits where it is an image."""
    return spaces.Dict({name: spaces.Box(low, high, dtype=kind_of(name))
                        for name, (low, high) in task.bounds().items()})


def kind_of(name: str) -> type[np.float32] | type[np.uint8]:
    """Say what a part of an observation is made of: images of 8 bits, all else of float32."""
    return np.uint8 if name == 'image' else np.float32


def action_space() -> spaces.Box:
    """Make the space of one robot's action: speed and turn as shares of the robot's limits."""
    return spaces.Box(-1.0, 1.0, (2,), np.float32)
