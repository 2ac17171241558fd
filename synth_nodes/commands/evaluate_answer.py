"""What `synth-nodes evaluate` answers, whatever the task was."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synth_nodes.commands.common import columns, print_json
from synth_nodes.types import GridMap

if TYPE_CHECKING:
    from synth_nodes.train.evaluate import Evaluation, MapScore


def answer(args: argparse.Namespace, result: 'Evaluation', maps: Sequence[GridMap]) -> int:
    """
    Draw what failed, where pictures are asked for, and say how the driver did.

    :param maps: as they were driven in, in the order of the scores.
    :return: exit code: 0 where enough succeeded.
    """
    from synth_nodes.report.failures import draw_failures

    drawn = args.pictures is not None and draw_failures(result.failures, maps, args.pictures)
    success = result.total.success >= args.min_success
    if args.json:
        print_json({'scores': result.to_dict(), 'success': success})
    else:
        print(_table(result.scores))
        if drawn:
            print(f'wrote {args.pictures}')
    return 0 if success else 1


def _table(scores: 'Sequence[MapScore]') -> str:
    """Lay out scores for a terminal, one map or kind of track a row."""
    from synth_nodes.train.evaluate_line import LineScore

    head: tuple[str, ...] = ('map', 'errands', 'arrived', 'contacts', 'timeouts',
                             'success (95 %)', 'contacts (95 %)', 'efficiency', 'time [s]',
                             'unsteadiness')
    if isinstance(scores[-1], LineScore):
        head = ('track', *head[1:], 'line lost (95 %)', 'off the line [cm]')
    return columns([head, *(
        (s.name, str(s.episodes), str(s.arrived), str(s.contacts), str(s.timeouts),
         f'{s.success:.3f} ({s.success_low:.3f} to {s.success_high:.3f})',
         f'{s.contact_rate:.3f} ({s.contact_low:.3f} to {s.contact_high:.3f})',
         f'{s.efficiency:.3f} ± {s.efficiency_half:.3f}',
         f'{s.duration:.1f} ± {s.duration_half:.1f}',
         f'{s.unsteadiness:.3f} ± {s.unsteadiness_half:.3f}',
         *((f'{s.lost} ({s.lost_low:.3f} to {s.lost_high:.3f})',
            f'{100 * s.error:.2f} ± {100 * s.error_half:.2f}')
           if isinstance(s, LineScore) else ())) for s in scores)])
