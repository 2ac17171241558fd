"""
The gate of promotion: no gated figure may get worse on the same test set, down to its last digit.

Both policies drive the same errands and see the same samples, so that chance enters only where
they decide differently; what is left of it costs a promotion now and then, never a worse policy.
"""

from collections.abc import Mapping
from typing import Any

from synth_nodes.train.evaluate import MapScore

GATED = {'loss': -1, 'f1': 1, 'success': 1, 'contact_rate': -1, 'efficiency': 1}
"""Figures that must not get worse: 1 where more is better, -1 where less is."""
_FORM = '.3f'
"""How figures are told; two that read the same are the same."""


def worse(before: MapScore, after: MapScore, slack: float = 0.0) -> list[str]:
    """
    List the gated figures of closed-loop errands that got worse, in words; see :func:`worsened`.

    :param before: of the policy that is in use, after: of the new one, on the same errands.
    """
    was, now = ({name: getattr(score, name) for name in GATED if hasattr(score, name)}
                for score in (before, after))
    return worsened(was, now, slack)


def worsened(before: Mapping[str, float], after: Mapping[str, float], slack: float = 0.0,
             ) -> list[str]:
    """
    List the gated figures that got worse, in words; nothing where the new policy may take over.

    :param before: figures by name; a gated one that is not here is left out.
    :param slack: how much worse a figure may be; the loss by that share of itself.
    """
    reasons = []
    for name, better in GATED.items():
        if name not in before:
            continue
        was, now = float(format(before[name], _FORM)), float(format(after[name], _FORM))
        allowed = slack * was if name == 'loss' else slack
        if (was - now) * better > allowed + 1e-9:
            reasons.append(f'{name} went from {was:{_FORM}} to {now:{_FORM}}')
    return reasons


def untested(classes: Mapping[str, Mapping[str, Any]], least: int) -> list[str]:
    """
    Say that the samples tested on are too few to tell anything; nothing where they do.

    :param classes: `samples` of each class, see `tune_scores.classification`.
    :param least: samples it takes.
    """
    count = sum(row['samples'] for row in classes.values())
    if count >= least:
        return []
    none = ', '.join(name for name, row in classes.items() if not row['samples'])
    return [f"{count} samples to test on{f' (none of {none})' if none else ''} are fewer than "
            f'the {least} it takes; record more']
