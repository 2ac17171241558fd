"""`synth-nodes train dqn`: learn what a few commands are worth."""

import argparse

from synth_nodes.commands.common import add_verb, Stages, Subparsers, until_interrupted
from synth_nodes.commands.inputs import settings_from_words
from synth_nodes.commands.train_ppo import add_options, environment, finish, list_settings

EXAMPLE = """synth-nodes train dqn --task line --out follower
synth-nodes train dqn --set steps=3000000 --out run
synth-nodes train dqn --quick --out trial"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    add_options(add_verb(verbs, 'dqn', 'Learn by trial and error what a few commands are worth '
                         '(deep Q-learning).', EXAMPLE, _train, resumes=True))


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.train.dqn_settings import DqnSettings

    if list_settings(args, DqnSettings):
        return 0
    fixed = {} if args.seed is None else {'seed': args.seed}
    settings = settings_from_words(DqnSettings, args.set, fixed)
    settings = settings.quick() if args.quick else settings
    where = environment(args)

    from synth_nodes.train.dqn import train_dqn

    with Stages() as stages, until_interrupted() as cancelled:
        result = train_dqn(settings, where, args.out, stages.report, cancelled,
                           args.command_line, 16 if args.quick else 200, args.track)
    return finish(args, result)
