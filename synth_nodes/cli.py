"""The command `synth-nodes`."""

import argparse
from collections.abc import Sequence
import os
import sys
import time

from synth_nodes import __version__
from synth_nodes.commands import (
    attack,
    campaign,
    check,
    dataset,
    demo,
    evaluate,
    export,
    generate,
    launch,
    metrics,
    models,
    replay,
    train,
    tune,
)
from synth_nodes.commands.common import what_stays
from synth_nodes.errors import InputError
from synth_nodes.train.progress import WorkCancelled

EPILOG = """exit codes: 0 done, 1 no (a goal was missed, a check failed), 2 the input is wrong

example:
  synth-nodes demo --goals 5 --out out"""


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    top = argparse.ArgumentParser(
        prog='synth-nodes', description='From no data to a policy that drives a robot safely.',
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument('--version', action='version', version=f'synth-nodes {__version__}')
    verbs = top.add_subparsers(title='verbs', required=True, metavar='VERB')
    for module in (demo, launch, generate, dataset, metrics, train, evaluate, attack, export,
                   models, check, replay, campaign, tune):
        module.add(verbs)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """
    Run the command.

    :param words: command line without the program's name.
    :return: exit code: 0 done, 1 the answer is no, 2 the input is wrong.
    """
    args = parser().parse_args(words)
    args.words = list(sys.argv[1:] if words is None else words)
    args.command_line = ' '.join(['synth-nodes', *args.words])
    begun = time.monotonic()
    try:
        return int(args.run(args))
    except InputError as error:
        print(f"synth-nodes: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except WorkCancelled as error:
        kept = args.out if args.resumes else None
        print(f'synth-nodes: {str(error) or what_stays(kept, time.monotonic() - begun)}',
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('synth-nodes: interrupted', file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone; keep the interpreter from complaining at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == '__main__':
    sys.exit(main())
