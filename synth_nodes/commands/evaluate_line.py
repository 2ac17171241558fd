"""`synth-nodes evaluate` of policies that follow painted lines."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from synth_nodes.commands.common import Stages
from synth_nodes.commands.evaluate_answer import answer
from synth_nodes.commands.evaluate_driver import driver
from synth_nodes.commands.inputs import robot_and_lidar
from synth_nodes.errors import InputError

if TYPE_CHECKING:
    from synth_nodes.train.evaluate_line import Settings

CAMERA = 'line_camera'
"""Following lines by what a camera shows."""
TASKS = (CAMERA, 'line_following')


def run(args: argparse.Namespace, task: str) -> int:
    """
    Follow lines on generated tracks.

    :param task: one of `TASKS`.
    :raises InputError: when an option is for other tasks, or the policy does not fit.
    """
    from synth_nodes.envs.line_camera import flawless
    from synth_nodes.sensors.image_chance import ChanceFlaws
    from synth_nodes.train.evaluate_line import score_lines
    from synth_nodes.world.solids import draw_scene

    for name, given in (('--map', args.map), ('--log', args.log), ('--monitor', args.monitor),
                        ('--rules', args.rules), ('--detours', args.detours)):
        if given:
            raise InputError(f'{name} is not for following lines, which lie on generated tracks; '
                             'leave it out')
    if args.driver == 'policy' and not args.model and task != CAMERA:
        raise InputError('no policy that follows lines by pose ships; give one that synth-nodes '
                         'train line-pose made')
    settings = _settings(args, task)
    policy, _ = driver(args, *robot_and_lidar(args.params_file), task, 'line')
    flaws = ChanceFlaws(args.seed) if task == CAMERA else flawless
    with Stages() as stages:
        result, failed = score_lines(policy, settings, args.episodes, args.seed, flaws,
                                     stages.report)
    return answer(args, result, [draw_scene(scene) for scene in failed])


def _settings(args: argparse.Namespace, task: str) -> 'Settings':
    """Take the robot of the parameter file, and the camera that the policy learned with."""
    from synth_nodes.envs.settings import LineCameraSettings, LineFollowingSettings

    robot = robot_and_lidar(args.params_file)[0]
    if task != CAMERA:
        return replace(LineFollowingSettings(), robot=robot)
    settings = LineCameraSettings()
    settings = replace(settings, line=replace(settings.line, robot=robot))
    if args.driver != 'policy':
        return settings
    from synth_nodes.infer.locate import locate_policy
    from synth_nodes.policy.contract import read_contract

    camera = read_contract(locate_policy(args.model or 'line')[1]).camera
    return settings if camera is None else replace(settings, camera=camera)
