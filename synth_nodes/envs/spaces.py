"""Gymnasium's spaces for the batched environments."""

from gymnasium import spaces
import numpy as np

from synth_nodes.envs.task import Task


def observation_space(task: Task) -> spaces.Dict:
    """Make the space of one robot's observation."""
    return spaces.Dict({name: spaces.Box(low, high, dtype=np.float32)
                        for name, (low, high) in task.bounds().items()})


def action_space() -> spaces.Box:
    """Make the space of one robot's action: speed and turn as shares of the robot's limits."""
    return spaces.Box(-1.0, 1.0, (2,), np.float32)
