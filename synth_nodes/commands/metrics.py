"""`synth-nodes metrics`: how good synthetic data or a learned sensor is, and its gate."""

import argparse
from pathlib import Path
import sys
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import add_verb, columns, indent, print_json, Subparsers
from synth_nodes.commands.inputs import add_settings, describe_settings, settings_from_words

if TYPE_CHECKING:
    from synth_nodes.metrics.judge import GateSettings

EXAMPLE = """synth-nodes metrics real synthetic
synth-nodes metrics real generated --train real_train --set max_auc=0.7 --json
synth-nodes metrics real sensor --train real_train
synth-nodes metrics camera"""
CAMERA_STEPS = 100
"""Steps of each network where cameras are judged and none are told: frames are many numbers."""
UNSEEN = 77_003
"""Seed of the scenes and cameras that a learned camera is judged on; training uses others."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'metrics', 'Measure a synthetic data set or a learned lidar against '
                      'a real data set, or a learned camera against renders.', EXAMPLE, _metrics)
    parser.add_argument('real', type=Path, nargs='?', metavar='REAL',
                        help='data set of recorded drives; none to judge a camera')
    parser.add_argument('judged', type=Path, nargs='?', metavar='JUDGED',
                        help="data set, or folder of 'train generator'")
    parser.add_argument('--train', type=Path,
                        help='what the generator learned from, for the copying test')
    add_settings(parser, 'a limit or setting')


def _metrics(args: argparse.Namespace) -> int:
    from synth_nodes.errors import InputError
    from synth_nodes.generators.camera_card import CARD as CAMERA
    from synth_nodes.infer.learned_lidar import CARD
    from synth_nodes.metrics.judge import GateSettings

    if args.settings:
        print(indent(describe_settings(GateSettings)))
        return 0
    if args.real is not None and args.judged is None and (args.real / CAMERA).is_file():
        gate = settings_from_words(GateSettings, args.set, {'steps': CAMERA_STEPS})
        outcome = _judge_camera(args.real, gate)
    elif args.real is None or args.judged is None:
        raise InputError('name two: REAL and a data set or learned lidar; or the folder of a '
                         'learned camera alone')
    else:
        gate = settings_from_words(GateSettings, args.set, {})
        lidar = (args.judged / CARD).is_file()
        outcome = (_judge_lidar if lidar else _judge_set)(args, gate)
    if args.json:
        print_json(outcome)
    else:
        print(columns(_rows(outcome['quality'])))
        print('\n'.join(f'gate: {p}' for p in outcome['problems']) or 'gate: passed')
    return 0 if outcome['passed'] else 1


def _say(what: str) -> None:
    print(f'{what} ...', file=sys.stderr, flush=True)


def _judge_set(args: argparse.Namespace, gate: 'GateSettings') -> dict[str, Any]:
    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.metrics.judge import judge_sets

    return judge_sets(DataSet(args.real), DataSet(args.judged), gate,
                      DataSet(args.train) if args.train else None, _say)


def _judge_lidar(args: argparse.Namespace, gate: 'GateSettings') -> dict[str, Any]:
    """Draw scans from the poses of recorded ones, told in steps of their scanner, and judge."""
    import numpy as np
    import torch

    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.generators.coding import resolution_of
    from synth_nodes.generators.gate import note_outcome
    from synth_nodes.infer.learned_lidar import CARD, load_sampler
    from synth_nodes.metrics.judge_sensor import judge_lidar, pairs_to_judge

    real, folder = DataSet(args.real), args.judged
    reach = load_sampler(folder, ungated=True).reach
    _say('building a map of each place')
    pairs = pairs_to_judge(real, gate, reach)
    _say('drawing scans')
    drawn = np.empty_like(pairs.real)
    for place in np.unique(pairs.place):
        mine = pairs.place == place
        steps = resolution_of(torch.from_numpy(pairs.real[mine]))
        sampler = load_sampler(folder, gate.seed + int(place), steps, ungated=True)
        drawn[mine] = sampler.scan(pairs.ideal[mine])
    train = DataSet(args.train).read('scan') if args.train else None
    outcome = judge_lidar(pairs, drawn, gate, reach, train, _say)
    outcome['real'] = {'name': real.schema.name, 'digest': real.digest(),
                       'places': [place.name for place in real.schema.places]}
    note_outcome(folder / CARD, outcome)
    return outcome


def _judge_camera(folder: Path, gate: 'GateSettings') -> dict[str, Any]:
    """Draw frames of scenes and for cameras that were not learned from, and judge."""
    from dataclasses import asdict, replace

    from synth_nodes.dataset.frames import frame_pairs, FrameSettings
    from synth_nodes.generators.camera import load_camera
    from synth_nodes.generators.camera_card import CARD, read_card
    from synth_nodes.generators.gate import note_outcome
    from synth_nodes.metrics.judge_sensor import judge_camera
    from synth_nodes.settings import build

    own = build(FrameSettings, read_card(folder).settings['frames'], str(folder / CARD))
    unseen = replace(own, seed=UNSEEN, scenes=8, cameras=64, frames=6)
    camera = load_camera(folder, gate.seed, ungated=True)
    _say('drawing frames')
    outcome = judge_camera(frame_pairs(unseen), camera.frames, gate, frame_pairs(own).real, _say)
    outcome['real'] = asdict(unseen)
    note_outcome(folder / CARD, outcome)
    return outcome


def _rows(quality: dict[str, Any]) -> list[tuple[str, str]]:
    out = []
    for name, value in quality.items():
        if isinstance(value, dict) and 'low' not in value:
            text = ', '.join(f'{k} {_figure(v)}' for k, v in value.items())
        else:
            text = 'not known' if value is None else _figure(value)
        out.append((name.replace('_', ' '), text))
    return out


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['value']:.4g}  [{value['low']:.4g}, {value['high']:.4g}]"
    return f'{value:.4g}'
