"""A hand-written policy: steer for the point ahead, at a fixed speed."""

from pathlib import Path

from linear import write_linear
import numpy as np

from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec


def write_carrot(folder: Path, speed=0.5, turn=2.0):
    """Write policy.onnx and policy.json; vx = speed * x, w = turn * y of the point."""
    contract = goal_reaching_contract(RobotSpec(), ObservationSpec(), LidarSpec())
    return write_linear(folder, contract, 'goal', np.array([[speed, 0], [0, turn], [0, 0]]))
