"""
The quality gate of a learned sensor: its outcome in the card, and who is refused by it. No torch.

`synth-nodes metrics` writes the outcome under the key `quality`; training writes a card without.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.files import read_json, write_json

QUALITY = 'quality'


def note_outcome(card_file: Path, outcome: Mapping[str, Any]) -> None:
    """
    Write the outcome of a gate into a card.

    :param outcome: `passed`, `problems`, figures and what they were measured against.
    :raises InputError: when there is no card.
    """
    card = read_json(card_file, 'learned sensor')
    write_json(card_file, {**card, QUALITY: dict(outcome)})


def refuse_failed(card: Mapping[str, Any], where: Path, ungated: bool, otherwise: str) -> None:
    """
    Refuse a learned sensor that failed its gate; one that was never judged will do.

    :param where: its folder.
    :param ungated: whether one that failed will do as well.
    :param otherwise: what to give or set to use it nevertheless.
    :raises InputError: when it failed, with the reasons.
    """
    outcome = card.get(QUALITY) or {}
    if ungated or outcome.get('passed', True):
        return
    raise InputError(f"learned sensor {where} failed its quality gate: "
                     f"{'; '.join(outcome['problems'])}; train it better, or {otherwise}")
