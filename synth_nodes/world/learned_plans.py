"""
Floor plans drawn by a learned generator, each accepted or refused by the checks of plan_grids.

    DIR/plans.onnx      standard normal numbers and conditions to chances that cells are solid
    DIR/plans.json      settings, scores, checksum, and which conditions may be asked for

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
from synth_nodes.world.plan_conditions import Known, NO_WISHES, Wishes
from synth_nodes.world.plan_grids import CELL, clean, COLUMNS, Grid, refusal, ROWS, with_doors

GRAPH, CARD = 'plans.onnx', 'plans.json'
TRIES = 400
"""Plans drawn for one that is good, at most."""
PART = 8
"""Plans drawn at once."""
SHRINK = 0.8
"""Plans are scaled down no further than this; where less is asked for, they are cut."""
GATE = 5
"""Cells of an opening between two plans: 1.25 m."""


class PlanSampler:
    """Draws plans from a learned generator."""

    def __init__(self, folder: Path) -> None:
        """
        Load.

        :param folder: with the generator's two files.
        :raises InputError: when one is missing, damaged, older than conditions, or they do not
            belong together.
        """
        import onnxruntime

        card = read_json(folder / CARD, 'plan generator')
        content = (folder / GRAPH).read_bytes() if (folder / GRAPH).is_file() else b''
        if hashlib.sha256(content).hexdigest() != card.get('sha256'):
            raise InputError(f'{folder / GRAPH}: is missing or not the file that {CARD} was '
                             'written for; train it again')
        if 'conditions' not in card:
            raise InputError(f'{folder / CARD}: is of a generator that nothing can be asked of, '
                             'from before plans had conditions; train it again: synth-nodes train '
                             f'generator --of plans --out {folder}')
        try:
            self.known = Known.of_card(card['conditions'])
        except InputError as error:
            raise InputError(f'{folder / CARD}: {error}') from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self._session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
        self._noise = int(card['noise'])
        self.folder = folder
        """Where it was loaded from."""
        self.refused: Counter[str] = Counter()
        """Plans refused since this was made, by reason."""
        self.accepted = 0
        """Plans that were good."""

    def raw(self, rng: np.random.Generator, count: int, wishes: Wishes = NO_WISHES) -> Grid:
        """Draw plans as they come, shape (count, ROWS, COLUMNS)."""
        condition = self.known.draw(rng, count, wishes)
        noise = rng.standard_normal((count, self._noise)).astype(np.float32)
        return np.asarray(self._session.run(
            None, {'noise': noise, 'condition': condition})[0]) > 0.5

    def draw(self, rng: np.random.Generator, wishes: Wishes = NO_WISHES) -> Grid:
        """
        Draw a plan that passes the checks, mended, shape (ROWS, COLUMNS).

        :param wishes: see `synth_nodes.world.plan_conditions`; of the good ones among eight
            plans it gives the one that is nearest to them, and without wishes the first.
        :raises InputError: when none of 400 does, or a wish is not among what was learned.
        """
        self.known.check(wishes)
        for _ in range(TRIES // PART):
            good: list[Grid] = []
            for raw in self.raw(rng, PART, wishes):
                plan = clean(with_doors(raw))
                reason = refusal(raw, plan)
                if reason:
                    self.refused[reason] += 1
                    continue
                self.accepted += 1
                good.append(plan)
                if not wishes:
                    break
            if good:
                return self.known.nearest(np.stack(good), wishes)
        raise InputError(f'plan generator {self.folder}: none of {TRIES} plans was good '
                         f'({dict(self.refused)}); train it longer'
                         + (', or ask for something else' if wishes else ''))

    def floor(self, rng: np.random.Generator, width: float, height: float,
              wishes: Wishes = NO_WISHES) -> Grid:
        """
        Make a floor of any size: plans side by side with doors between, scaled or cut to fit.

        :param width: along x [m]; height: along y [m].
        :param wishes: of each of the plans.
        :return: True where solid; cells of about 0.25 m, shape (H, W).
        :raises InputError: when no good one comes, or a wish is not among what was learned.
        """
        counts, sizes = zip(*(_fitted(size, native * CELL) for size, native in (
            (height, ROWS), (width, COLUMNS))), strict=True)
        for _ in range(TRIES):
            whole = self._mosaic(rng, counts, wishes)
            cut = whole[:sizes[0] or whole.shape[0], :sizes[1] or whole.shape[1]]
            floor = clean(with_doors(cut))
            reason = refusal(floor, floor)
            if not reason:
                return floor
            self.refused[reason] += 1
        raise InputError(f'plan generator {self.folder}: found no floor of {width} m x '
                         f'{height} m; choose another size or seed')

    def _mosaic(self, rng: np.random.Generator, counts: tuple[int, ...], wishes: Wishes) -> Grid:
        rows = [np.concatenate([self.draw(rng, wishes) for _ in range(counts[1])], axis=1)
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
    fits = np.flatnonzero(np.convolve(beside, np.ones(GATE), 'valid') == GATE)
    if len(fits):
        at = int(fits[rng.integers(len(fits))])
        pair[at:at + GATE, seam - 1:seam + 1] = False


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
