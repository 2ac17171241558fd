"""
Floor plans drawn by a learned generator, each accepted or refused by the checks of plan_grids.

    DIR/plans.onnx      standard normal numbers to chances that cells are solid
    DIR/plans.json      settings, scores, checksum

Made by ``synth-nodes train generator --of plans``. ONNX Runtime is imported when a plan is drawn.
"""

from collections import Counter
from functools import cache
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.files import read_json
from synth_nodes.resources import share
from synth_nodes.world.plan_grids import CELL, clean, COLUMNS, Grid, refusal, ROWS

GRAPH, CARD = 'plans.onnx', 'plans.json'
TRIES = 400
"""Plans drawn for one that is good, at most."""
PART = 8
"""Plans drawn at once."""
SHRINK = 0.8
"""Plans are scaled down no further than this; where less is asked for, they are cut."""
DOOR = 5
"""Cells of an opening between two plans: 1.25 m."""


class PlanSampler:
    """Draws plans from a learned generator."""

    def __init__(self, folder: Path) -> None:
        """
        Load.

        :param folder: with the generator's two files.
        :raises InputError: when one is missing, damaged, or they do not belong together.
        """
        import onnxruntime

        card = read_json(folder / CARD, 'plan generator')
        content = (folder / GRAPH).read_bytes() if (folder / GRAPH).is_file() else b''
        if hashlib.sha256(content).hexdigest() != card.get('sha256'):
            raise InputError(f'{folder / GRAPH}: is missing or not the file that {CARD} was '
                             'written for; train it again')
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self._session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
        self._latent = int(card['latent'])
        self._folder = folder
        self.refused: Counter[str] = Counter()
        """Plans refused since this was made, by reason."""
        self.accepted = 0
        """Plans that were good."""

    def raw(self, rng: np.random.Generator, count: int) -> Grid:
        """Draw plans as they come, shape (count, ROWS, COLUMNS)."""
        noise = rng.standard_normal((count, self._latent)).astype(np.float32)
        return np.asarray(self._session.run(None, {'noise': noise})[0]) > 0.5

    def draw(self, rng: np.random.Generator) -> Grid:
        """
        Draw a plan that passes the checks, cleaned, shape (ROWS, COLUMNS).

        :raises InputError: when none of 400 does.
        """
        for _ in range(TRIES // PART):
            for raw in self.raw(rng, PART):
                plan = clean(raw)
                reason = refusal(raw, plan)
                if not reason:
                    self.accepted += 1
                    return plan
                self.refused[reason] += 1
        raise InputError(f'plan generator {self._folder}: none of {TRIES} plans was good '
                         f'({dict(self.refused)}); train it longer')

    def floor(self, rng: np.random.Generator, width: float, height: float) -> Grid:
        """
        Make a floor of any size: plans side by side with doors between, scaled or cut to fit.

        :param width: along x [m]; height: along y [m].
        :return: True where solid; cells of about 0.25 m, shape (H, W).
        :raises InputError: when no good one comes.
        """
        counts, sizes = zip(*(_fitted(size, native * CELL) for size, native in (
            (height, ROWS), (width, COLUMNS))), strict=True)
        for _ in range(TRIES):
            whole = self._mosaic(rng, counts)
            cut = whole[:sizes[0] or whole.shape[0], :sizes[1] or whole.shape[1]]
            floor = clean(cut)
            reason = refusal(floor, floor)
            if not reason:
                return floor
            self.refused[reason] += 1
        raise InputError(f'plan generator {self._folder}: found no floor of {width} m x '
                         f'{height} m; choose another size or seed')

    def _mosaic(self, rng: np.random.Generator, counts: tuple[int, ...]) -> Grid:
        rows = [np.concatenate([self.draw(rng) for _ in range(counts[1])], axis=1)
                for _ in range(counts[0])]
        whole = np.concatenate(rows, axis=0)
        for i in range(counts[0]):
            for j in range(1, counts[1]):
                _open(whole[i * ROWS:(i + 1) * ROWS], j * COLUMNS, rng)
        for i in range(1, counts[0]):
            for j in range(counts[1]):
                _open(whole[:, j * COLUMNS:(j + 1) * COLUMNS].T, i * ROWS, rng)
        return whole


def _fitted(size: float, native: float) -> tuple[int, int]:
    """Say how many plans fill a length [m], and to how many cells to cut them; 0: not at all."""
    count = max(1, round(size / native))
    return count, 0 if size >= SHRINK * count * native else round(size / CELL)


def _open(pair: Grid, seam: int, rng: np.random.Generator) -> None:
    """Open the walls on both sides of a seam between columns once, where both rooms are free."""
    beside = ~pair[:, seam - 2] & ~pair[:, seam + 1]
    fits = np.flatnonzero(np.convolve(beside, np.ones(DOOR), 'valid') == DOOR)
    if len(fits):
        at = int(fits[rng.integers(len(fits))])
        pair[at:at + DOOR, seam - 1:seam + 1] = False


@cache
def plan_sampler(folder: str = '') -> PlanSampler:
    """
    Load a generator of plans once.

    :param folder: the shipped one where empty.
    :raises InputError: as :class:`PlanSampler`.
    """
    return PlanSampler(Path(folder) if folder else share('models', CARD).parent)


def to_cells(floor: Grid, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Scale a floor to the cells of a grid, shape (H, W)."""
    image: Any = cv2.resize(floor.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(image > 0)
