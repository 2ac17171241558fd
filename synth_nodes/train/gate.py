"""The gate of promotion: no gated figure may get worse on the same closed-loop test set."""

from collections.abc import Mapping

from synth_nodes.train.evaluate import MapScore

GATED = {'success': 1, 'contact_rate': -1, 'efficiency': 1}
"""Figures of a closed-loop evaluation: 1 where more is better, -1 where less is."""


def worse(before: MapScore, after: MapScore, slack: Mapping[str, float]) -> list[str]:
    """
    List the figures that got worse, in words; nothing where the new policy may take over.

    :param before: of the policy that is in use, after: of the new one, on the same errands.
    :param slack: how much worse a figure may be by its name, for chance; 0 where not given.
    """
    was, now = ({name: getattr(score, name) for name in GATED} for score in (before, after))
    return fallen(was, now, GATED, slack, '.3f')


def fallen(before: Mapping[str, float], after: Mapping[str, float], gated: Mapping[str, int],
           slack: Mapping[str, float], form: str) -> list[str]:
    """
    List the figures that got worse by more than their slack, in words.

    :param gated: 1 where more is better, -1 where less is; what was not measured before is left
        out.
    :param slack: by name; 0 where not given.
    :param form: in which numbers are told.
    """
    return [f'{name} went from {before[name]:{form}} to {after[name]:{form}}'
            for name, better in gated.items() if name in before
            and (before[name] - after[name]) * better > slack.get(name, 0.0) + 1e-9]
