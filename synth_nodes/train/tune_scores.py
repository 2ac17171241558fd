"""What a policy is worth before and after fine-tuning, on the same samples and errands."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import FloatArray

CLASSES = ('stop', 'left', 'straight', 'right')
_STANDING, _TURNING = 0.05, 0.15
"""Shares of the fastest speed and turn below which a command stands still, or goes straight."""


def classes_of(command: FloatArray, max_speed: float, max_turn: float) -> NDArray[np.int64]:
    """
    Sort commands into :data:`CLASSES`.

    :param command: vx [m/s], wz [rad/s], shape (N, 2).
    :return: shape (N,).
    """
    turn = np.asarray(command[:, 1]) / max_turn
    still = (np.abs(command[:, 0]) < _STANDING * max_speed) & (np.abs(turn) < _TURNING)
    sides = np.where(turn > _TURNING, 1, np.where(turn < -_TURNING, 3, 2))
    return np.where(still, 0, sides)


def classification(given: NDArray[np.int64], right: NDArray[np.int64]) -> dict[str, Any]:
    """
    Tell precision, recall and F1 of each class, and the mean F1 of classes there are (`f1`).

    :param given: classes of the policy's commands, shape (N,).
    :param right: those of the right commands.
    """
    rows: dict[str, Any] = {}
    for k, name in enumerate(CLASSES):
        hits = float(((given == k) & (right == k)).sum())
        precision = hits / max(float((given == k).sum()), 1.0)
        recall = hits / max(float((right == k).sum()), 1.0)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        rows[name] = {'precision': precision, 'recall': recall, 'f1': f1,
                      'samples': int((right == k).sum())}
    present = [r['f1'] for r in rows.values() if r['samples']]
    return {'classes': rows, 'f1': float(np.mean(present)) if present else 0.0}
