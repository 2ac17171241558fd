"""
What a collision predictor takes and gives: `collision.onnx` and `collision.json`.

A contract like a policy's (:class:`synth_nodes.policy.contract.PolicyContract`) with task
'collision':

- input `scan_history` (batch, history, sectors) [m], newest first, laid out by `observation`;
- input `command` (batch, 3): vx, vy [m/s], wz [rad/s] in base_link, as the policy asks for it;
- output `probability` (batch, 1) that the robot, keeping to the command, touches something
  within the horizon, which `provenance` holds as `horizon` [s].
"""

from dataclasses import replace
from typing import Any

import numpy as np

from synth_nodes.errors import InputError
from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import FloatArray, LidarSpec, RobotSpec

MODEL_FILE, CONTRACT_FILE = 'collision.onnx', 'collision.json'


def collision_contract(robot: RobotSpec, observation: ObservationSpec, lidar: LidarSpec,
                       horizon: float, **provenance: Any) -> PolicyContract:
    """
    Make the contract of a collision predictor.

    :param observation: layout of the scans: sectors, history, period, range.
    :param horizon: time [s] within which a collision counts.
    :param provenance: data, seed and whatever else made the model.
    """
    rate = lidar.rate
    reach = (robot.max_speed, robot.max_lateral_speed, robot.max_turn_rate)
    inputs = (
        TensorSpec('scan_history', ('batch', observation.history, observation.sectors), 'm',
                   'base_link', rate, (0.0,), (observation.range_max,),
                   'nearest obstacle in each sector, newest scan first'),
        TensorSpec('command', ('batch', 3), 'm/s, m/s, rad/s', 'base_link', rate,
                   tuple(-r for r in reach), reach, 'vx, vy, wz asked for'))
    outputs = (TensorSpec('probability', ('batch', 1), '', '', rate, (0.0,), (1.0,),
                          f'of touching something within {horizon:g} s'),)
    return PolicyContract('collision', inputs, outputs, robot, observation, lidar,
                          {'horizon': horizon, **provenance})


def lidar_of(lidar: LidarSpec, angles: FloatArray) -> LidarSpec:
    """
    Describe the lidar that beams come from; what the angles do not say is kept.

    :param angles: of the beams in the laser frame [rad], evenly spaced, increasing, shape (N,).
    :raises InputError: on angles that are not so.
    """
    steps = np.diff(np.asarray(angles, float))
    if len(angles) < 2 or not steps.min() > 0.0 or np.ptp(steps) > 1e-3 * steps.max() + 1e-6:
        raise InputError('its beams do not turn counter-clockwise in even steps')
    span = float(angles[-1] - angles[0])
    full = span + float(steps.mean()) > 2 * np.pi - 1e-3
    field = 2 * np.pi if full else span
    x, y, yaw = lidar.mount
    return replace(lidar, beams=len(angles), field_of_view=field,
                   mount=(x, y, yaw + float(angles[0]) + field / 2))
