"""`synth-nodes train line-camera` and `line-pose`: learn to follow painted lines."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import add_verb, indent, Stages, Subparsers, until_interrupted
from synth_nodes.commands.inputs import (
    add_robot,
    add_settings,
    describe_settings,
    robot_and_lidar,
)
from synth_nodes.commands.train_clone import add_clone, clone_settings, finish_clone

if TYPE_CHECKING:
    from synth_nodes.train.clone import CloneSettings
    from synth_nodes.train.line_camera import LineResult
    from synth_nodes.train.ppo_run import RlResult
    from synth_nodes.train.progress import Cancelled, Report

Train = Callable[..., Any]
"""Takes arguments, settings, tracks to score on, `report` and `cancelled`; see `_camera`."""
EXAMPLE = """synth-nodes train line-camera --out run
synth-nodes train line-camera --quick --out trial
synth-nodes train line-camera --set rounds=8 --tracks 50 --out run"""
POSE_EXAMPLE = """synth-nodes train line-pose --out run
synth-nodes train line-pose --quick --out trial"""


def add(verbs: Subparsers) -> None:
    """Add the verbs."""
    for name, sense, example, train in (
            ('line-camera', 'by camera', EXAMPLE, _camera),
            ('line-pose', 'from where they are told to be', POSE_EXAMPLE, _pose)):
        parser = add_verb(verbs, name, f'Learn to follow painted lines {sense} (behaviour cloning '
                          'with DAgger).', example, partial(_learn, train=train), resumes=True)
        add_clone(parser)
        parser.add_argument('--tracks', type=int, default=200,
                            help='runs on tracks never trained on that score the policy')
        add_settings(parser)
        add_robot(parser)


def _learn(args: argparse.Namespace, train: Train) -> int:
    from synth_nodes.errors import InputError
    from synth_nodes.train.clone import CloneSettings

    if args.settings:
        print(indent(describe_settings(CloneSettings)))
        return 0
    if args.tracks < 1:
        raise InputError(f'--tracks {args.tracks} must be 1 or more')
    settings = clone_settings(args, {})
    tracks = min(args.tracks, 4) if args.quick else args.tracks
    with Stages() as stages, until_interrupted() as cancelled:
        result = train(args, settings, tracks, stages.report, cancelled)
    return finish_clone(args, result)


def _camera(args: argparse.Namespace, settings: 'CloneSettings', tracks: int, report: 'Report',
            cancelled: 'Cancelled') -> 'LineResult':
    from dataclasses import replace

    from synth_nodes.envs.settings import LineCameraSettings
    from synth_nodes.train.line_camera import train_line_camera

    task = LineCameraSettings()
    task = replace(task, line=replace(task.line, robot=robot_and_lidar(args.params_file)[0]))
    return train_line_camera(settings, task, 4 if args.quick else 24, tracks, report, cancelled,
                             args.command_line, args.out, args.track)


def _pose(args: argparse.Namespace, settings: 'CloneSettings', tracks: int, report: 'Report',
          cancelled: 'Cancelled') -> 'RlResult':
    from dataclasses import replace

    from synth_nodes.envs.settings import LineFollowingSettings
    from synth_nodes.train.line_pose import train_line_pose

    where = replace(LineFollowingSettings(), robot=robot_and_lidar(args.params_file)[0])
    return train_line_pose(settings, where, tracks, report, cancelled, args.command_line,
                           args.out, args.track)
