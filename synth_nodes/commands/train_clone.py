"""What the verbs that clone an expert have in common."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import add_track
from synth_nodes.commands.inputs import settings_from_words
from synth_nodes.commands.train_ppo import finish

if TYPE_CHECKING:
    from synth_nodes.train.clone import CloneSettings
    from synth_nodes.train.line_camera import LineResult
    from synth_nodes.train.ppo_run import RlResult


def add_clone(parser: argparse.ArgumentParser) -> None:
    """Add the folder, the seed and the trial run."""
    parser.add_argument('--out', type=Path, default=Path('run'),
                        help='folder for policy.onnx, policy.json and the journal; a checkpoint '
                        'in it is continued')
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    parser.add_argument('--quick', action='store_true',
                        help='try the whole chain in seconds; the policy will not be good')
    add_track(parser)


def clone_settings(args: argparse.Namespace, defaults: Mapping[str, Any]) -> 'CloneSettings':
    """Read how to learn: what `--set` and `--seed` say over the defaults, or a trial's share."""
    from synth_nodes.train.clone import CloneSettings

    fixed = {**defaults, **({} if args.seed is None else {'seed': args.seed})}
    settings = settings_from_words(CloneSettings, args.set, fixed)
    return settings.quick() if args.quick else settings


def finish_clone(args: argparse.Namespace, result: 'RlResult | LineResult') -> int:
    """Export; once the policy is written its checkpoint is no longer needed."""
    from synth_nodes.train.clone_keeper import forget

    code = finish(args, result)
    if code == 0:
        forget(args.out)
    return code
