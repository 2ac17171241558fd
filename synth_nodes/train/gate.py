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
    reasons = []
    for name, better in GATED.items():
        was, now = getattr(before, name), getattr(after, name)
        if (was - now) * better > slack.get(name, 0.0) + 1e-9:
            reasons.append(f'{name} went from {was:.3f} to {now:.3f}')
    return reasons
