"""What the line-following policies take and give, in words that a contract can carry."""

from collections.abc import Mapping
from typing import Any

from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.types import RobotSpec

TASK = 'line_camera'


def line_camera_contract(
    robot: RobotSpec, camera: CameraSpec, provenance: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
) -> PolicyContract:
    """
    Describe a policy that follows a painted line by what a camera shows.

    :param robot: the body and drive it is trained for.
    :param camera: the camera it is trained with: size, optics and mount.
    :param provenance: data, seed, configuration and command that made it.
    :param scores: what it measured.
    """
    low, high = command_limits(robot)
    image = TensorSpec(
        'image', ('batch', camera.height, camera.width, 3), '1', 'camera_optical', camera.rate,
        (0.0,), (255.0,), 'newest image: rows from the top, columns from the left, red first')
    command = TensorSpec(
        'command', ('batch', 2), 'm/s, rad/s', 'base_link', camera.rate, low, high,
        'commanded forward speed and turn rate')
    return PolicyContract(TASK, (image,), (command,), robot, provenance=provenance or {},
                          scores=scores or {}, camera=camera)
