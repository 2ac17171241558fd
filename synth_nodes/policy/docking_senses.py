"""What the docking policies of several sensors take and give, in words for a contract."""

from collections.abc import Mapping
from typing import Any

from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.policy.docking import dock_tensor
from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.dock_senses import SENSES
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

TASK = 'docking_senses'


def senses_contract(
    robot: RobotSpec, lidar: LidarSpec, camera: CameraSpec, spec: ObservationSpec,
    provenance: Mapping[str, Any] | None = None, scores: Mapping[str, Any] | None = None,
) -> PolicyContract:
    """
    Describe a policy that docks by camera, lidar and odometry, or some of them.

    :param robot: the body and drive it is trained for.
    :param lidar: the lidar it is trained with, which gives intensities; camera: likewise.
    :param spec: layout of the scan.
    :param provenance: data, seed, configuration and command that made it.
    :param scores: what it measured.
    """
    rate = lidar.rate
    fastest = (robot.max_speed, 0.0, robot.max_turn_rate)
    dock = dock_tensor(rate)
    inputs = (
        TensorSpec('image', ('batch', camera.height, camera.width, 3), '1', 'camera_optical',
                   camera.rate, (0.0,), (255.0,),
                   'newest image: rows from the top, columns from the left, red first'),
        TensorSpec('scan', ('batch', spec.history, spec.sectors), 'm', 'base_link', rate, (0.0,),
                   (spec.range_max,), 'nearest distance in each sector, counter-clockwise from '
                   'straight behind'),
        TensorSpec('marker', dock.shape, dock.unit, dock.frame, rate, dock.low, dock.high,
                   'pose to stand in as of when the marker was last seen, not carried on: '
                   'x, y, sine and cosine of its yaw; time since then, at most 2 s'),
        TensorSpec('goal', ('batch', 4), 'm, m, 1, 1', 'base_link', rate, dock.low[:4],
                   dock.high[:4], 'the same pose by localisation'),
        TensorSpec('velocity', ('batch', 3), 'm/s, m/s, rad/s', 'base_link', rate,
                   tuple(-v for v in fastest), fastest, 'measured vx, vy, wz'),
        TensorSpec('present', ('batch', len(SENSES)), '1', 'base_link', rate, (0.0,), (1.0,),
                   f"above 0.5 where {', '.join(SENSES)} (goal and velocity) can be used"),
    )
    low, high = command_limits(robot)
    outputs = (TensorSpec('command', ('batch', 2), 'm/s, rad/s', 'base_link', rate, low, high,
                          'commanded forward speed and turn rate; 0 with no sensor'),)
    return PolicyContract(TASK, inputs, outputs, robot, spec, lidar, provenance or {},
                          scores or {}, camera=camera)
