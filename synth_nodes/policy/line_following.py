"""What the policies that follow a line by its pose take and give, in words for a contract."""

from collections.abc import Mapping
from typing import Any

from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.tasks.line_following import LineFollowingRules
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

TASK = 'line_following'


def line_following_contract(
    robot: RobotSpec, rules: LineFollowingRules, rate: float,
    provenance: Mapping[str, Any] | None = None, scores: Mapping[str, Any] | None = None,
) -> PolicyContract:
    """
    Describe a policy that follows a painted line whose place it is told.

    :param robot: the body and drive it is trained for.
    :param rules: what is seen of the line.
    :param rate: commands a second [Hz].
    :param provenance: data, seed, configuration and command that made it.
    :param scores: what it measured.
    """
    fastest = (robot.max_speed, 0.0, robot.max_turn_rate)
    places = ', '.join(f'{d:g}' for d in rules.ahead)
    inputs = (
        TensorSpec('line', ('batch', 2), 'm, rad', 'base_link', rate, (-2.0, -3.1416),
                   (2.0, 3.1416), 'distance from the line, left is positive, and angle to it'),
        TensorSpec('ahead', ('batch', len(rules.ahead), 2), 'm', 'base_link', rate, (-2.0,),
                   (2.0,), f'x, y of the points of the line {places} m ahead'),
        TensorSpec('velocity', ('batch', 3), 'm/s, m/s, rad/s', 'base_link', rate,
                   tuple(-v for v in fastest), fastest, 'measured vx, vy, wz'),
    )
    low, high = command_limits(robot)
    outputs = (TensorSpec('command', ('batch', 2), 'm/s, rad/s', 'base_link', rate, low, high,
                          'commanded forward speed and turn rate'),)
    return PolicyContract(TASK, inputs, outputs, robot, ObservationSpec(), LidarSpec(),
                          provenance or {}, scores or {})
