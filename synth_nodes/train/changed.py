"""A robot that is not as its driver believes: simulated recordings of it, and errands with it."""

from dataclasses import replace

import numpy as np

from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.train.evaluate import evaluate, Evaluation, Policy
from synth_nodes.train.progress import Cancelled, Report
from synth_nodes.train.rollout import Gatherer, Round
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import FloatArray, LidarSpec, RobotSpec
from synth_nodes.world.building import generate_building

SUITE = (9101, 9102, 9103, 9104)
"""Seeds of the buildings of the errands; nothing is recorded in them."""
_ROBOTS = 20


def recordings(settings: TuneSettings, robot: RobotSpec, lidar: LidarSpec, spec: ObservationSpec,
               policy: Policy, report: Report, cancelled: Cancelled) -> Samples:
    """
    Simulate recordings: the expert drives a fifth of the robots, the policy the others.

    :param robot: as it is.
    :param lidar: as it is mounted.
    :param spec: layout of observations.
    :param policy: what shall be fine-tuned.
    :return: samples with the expert's commands, in the terms of the robot's driver; one building
        a group.
    :raises WorkCancelled: when told to stop.
    """
    course = Course([generate_building(70_000 + 1000 * settings.seed + k)
                     for k in range(settings.buildings)], robot)
    count = settings.buildings * -(-_ROBOTS // settings.buildings)
    fleet = Fleet(course, lidar, spec, settings.actors, np.arange(count) % settings.buildings,
                  settings.seed)
    gatherer = Gatherer(course, fleet, replace(BcSettings(), noise=0.2), 1.0 / lidar.rate,
                        settings.seed)
    steps = max(1, round(60.0 * settings.minutes * lidar.rate / count))
    driven = gatherer.drive(Round(believing(policy, settings.turn_gain), steps, 'recording'),
                            report, cancelled)
    return _as_believed(driven, robot, settings.turn_gain)


def drive_errands(policy: Policy, settings: TuneSettings, robot: RobotSpec, lidar: LidarSpec,
                  spec: ObservationSpec, report: Report, cancelled: Cancelled) -> Evaluation:
    """Let a policy drive the changed robot on errands, without a safety monitor."""
    return evaluate(believing(policy, settings.turn_gain),
                    [generate_building(seed) for seed in SUITE], robot, lidar, spec,
                    settings.evaluation, report, cancelled)


def believing(policy: Policy, gain: float) -> Policy:
    """Let a policy measure and command turns as a driver does that is wrong about the track."""

    def act(observation: Observation) -> FloatArray:
        velocity = observation['velocity'].copy()
        velocity[:, 2] /= gain
        command = np.array(policy({**observation, 'velocity': velocity}))
        command[:, 1] *= gain
        return command

    return act


def _as_believed(samples: Samples, robot: RobotSpec, gain: float) -> Samples:
    velocity, command = samples.velocity.copy(), samples.command.copy()
    velocity[:, 2] /= gain
    command[:, 1] = np.clip(command[:, 1] / gain, -robot.max_turn_rate, robot.max_turn_rate)
    return replace(samples, velocity=velocity, command=command)
