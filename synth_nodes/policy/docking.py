"""What the docking policies take and give, in words that a contract can carry."""

from collections.abc import Mapping
from typing import Any

from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

TASK = 'docking'


def docking_contract(
    robot: RobotSpec, lidar: LidarSpec, provenance: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
) -> PolicyContract:
    """
    Describe a policy that drives into a dock whose marker a lidar sees.

    :param robot: the body and drive it is trained for.
    :param lidar: the lidar it is trained with; it must give intensities.
    :param provenance: data, seed, configuration and command that made it.
    :param scores: what it measured.
    """
    rate, fastest = lidar.rate, (robot.max_speed, 0.0, robot.max_turn_rate)
    inputs = (dock_tensor(rate), TensorSpec(
        'velocity', ('batch', 3), 'm/s, m/s, rad/s', 'base_link', rate,
        tuple(-v for v in fastest), fastest, 'measured vx, vy, wz'))
    low, high = command_limits(robot)
    outputs = (TensorSpec('command', ('batch', 2), 'm/s, rad/s', 'base_link', rate, low, high,
                          'commanded forward speed and turn rate'),)
    return PolicyContract(TASK, inputs, outputs, robot, ObservationSpec(), lidar,
                          provenance or {}, scores or {})


def dock_tensor(rate: float) -> TensorSpec:
    """Describe where a dock is thought to be: see `DockTracker`."""
    return TensorSpec('dock', ('batch', 5), 'm, m, 1, 1, s', 'base_link', rate,
                      (-3.0, -3.0, -1.0, -1.0, 0.0), (3.0, 3.0, 1.0, 1.0, 2.0),
                      'pose to stand in: x, y, sine and cosine of its yaw; time since its marker '
                      'was last seen, at most 2 s')
