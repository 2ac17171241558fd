"""What the goal-reaching policies take and give, in words that a contract can carry."""

from collections.abc import Mapping
from typing import Any

from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

TASK = 'goal_reaching'
NETWORKS = ('conv', 'mlp', 'gru', 'transformer')
"""Families of networks, see `families.py`."""


def goal_reaching_contract(
    robot: RobotSpec,
    observation: ObservationSpec,
    lidar: LidarSpec,
    provenance: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
) -> PolicyContract:
    """
    Describe a policy that drives along a path by lidar.

    :param robot: the body and drive it is trained for.
    :param observation: layout of its input.
    :param lidar: the lidar it is trained with.
    :param provenance: data, seed, configuration and command that made it.
    :param scores: what it measured.
    """
    spec, rate = observation, lidar.rate
    fastest = (robot.max_speed, 0.0, robot.max_turn_rate)
    inputs = (
        TensorSpec('scan', ('batch', spec.history, spec.sectors), 'm', 'base_link', rate,
                   (0.0,), (spec.range_max,),
                   f'nearest distance in each sector, {spec.history} scans '
                   f'{spec.history_period:g} s apart, newest first; sectors counter-clockwise '
                   'from straight behind'),
        TensorSpec('goal', ('batch', 3), 'm', 'base_link', rate,
                   (-100.0, -100.0, 0.0), (100.0, 100.0, spec.goal_range),
                   'x, y of the point to steer for on the path, and distance left to its end'),
        TensorSpec('velocity', ('batch', 3), 'm/s, m/s, rad/s', 'base_link', rate,
                   tuple(-v for v in fastest), fastest, 'measured vx, vy, wz'),
    )
    low, high = command_limits(robot)
    outputs = (
        TensorSpec('command', ('batch', 2), 'm/s, rad/s', 'base_link', rate, low, high,
                   'commanded forward speed and turn rate'),
    )
    return PolicyContract(TASK, inputs, outputs, robot, observation, lidar,
                          provenance or {}, scores or {})


def command_limits(robot: RobotSpec) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lowest and highest (vx [m/s], wz [rad/s]) that a policy for this robot commands."""
    return ((-robot.max_reverse_speed, -robot.max_turn_rate),
            (robot.max_speed, robot.max_turn_rate))
