"""
What may be asked of a learned floor plan: numbers that any plan, drawn or cut out, can tell.

    walls       share of the cells within the outer wall that are solid
    clearance   mean distance of the floor to the nearest wall [m]
    along       share of the floor from where one sees farther along x than along y

A generator learns its plans given these (`synth_nodes.generators.plans`), and its card says which
values it knows. Who asks for none, or not for all, gets the rest as the plans it learned from had
it: a row of the card's table, of those nearest to what was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.world.plan_grids import CELL, Grid

CONDITIONS: dict[str, str] = {
    'walls': 'share of the cells within the outer wall that are solid',
    'clearance': 'mean distance of the floor to the nearest wall [m]',
    'along': 'share of the floor from where one sees farther along x than along y'}
"""Meaning of each, in the order in which networks take them."""
COLUMN = {name: k for k, name in enumerate(CONDITIONS)}
"""Place of each in that order."""
OUTER_WALL = 2
"""Cells at the border that do not count as walls."""
TAIL = 0.01
"""Share of the plans learned from that lie below and above the range that may be asked for."""
TABLE = 512
"""Rows of the card's table, at most."""
NEAREST = 16
"""Rows that may complete what was asked for."""
APART = 1.0
"""How far in standard deviations what was asked for together may be from the nearest row."""
Wishes = Mapping[str, float]
"""Values asked for, by the name of a condition; possibly none."""
NO_WISHES: Wishes = MappingProxyType({})


def measure(plans: Grid) -> NDArray[np.float64]:
    """
    Measure the conditions of plans.

    :param plans: cleaned, shape (N, R, C), True where solid.
    :return: shape (N, 3), in the order of `CONDITIONS`.
    """
    return np.array([_measured(plan) for plan in plans]).reshape(-1, len(CONDITIONS))


def _measured(plan: Grid) -> tuple[float, float, float]:
    free = ~plan
    if not free.any():
        return 1.0, 0.0, 0.0
    inner = plan[OUTER_WALL:-OUTER_WALL, OUTER_WALL:-OUTER_WALL]
    room = cv2.distanceTransform(free.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return (float(inner.mean()), float(room[free].mean()) * CELL,
            float((_views(free) > _views(free.T).T)[free].mean()))


def _views(free: Grid) -> NDArray[np.int64]:
    """Count the cells of the straight free run along a row that each free cell is in."""
    walls = np.pad(~free, ((0, 0), (1, 1)), constant_values=True)
    at = np.arange(walls.shape[1])
    left = np.maximum.accumulate(np.where(walls, at, 0), axis=1)
    right = np.minimum.accumulate(np.where(walls, at, at[-1])[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((right - left - 1)[:, 1:-1])


def wishes_of(text: str) -> dict[str, float]:
    """
    Read wishes such as ``walls=0.15,clearance=0.7``.

    :raises InputError: when it is not that, or names what is no condition.
    """
    out: dict[str, float] = {}
    for part in text.split(','):
        name, _, value = part.partition('=')
        try:
            out[name] = float(value)
        except ValueError:
            raise InputError(f"floor plan: '{part}' must be NAME=NUMBER with a name of "
                             f'{", ".join(CONDITIONS)}') from None
    check_names(out)
    return out


def check_names(wishes: Wishes) -> None:
    """
    Refuse wishes for what is no condition.

    :raises InputError: naming it.
    """
    for name in wishes:
        if name not in CONDITIONS:
            raise InputError(f"floor plan: '{name}' cannot be asked for; what can is "
                             f'{", ".join(CONDITIONS)}')


@dataclass(frozen=True)
class Known:
    """Which conditions a generator has learned."""

    low: NDArray[np.float64]
    """Lowest that may be asked for, shape (3,)."""
    high: NDArray[np.float64]
    """Highest."""
    table: NDArray[np.float64]
    """Those of plans learned from, shape (M, 3)."""

    @classmethod
    def of(cls, measured: NDArray[np.float64]) -> 'Known':
        """Sum up what was measured of plans learned from, shape (N, 3), in any order."""
        low, high = np.quantile(measured, (TAIL, 1.0 - TAIL), axis=0).round(4)
        return cls(low, high, measured[:TABLE].round(4))

    def card(self) -> dict[str, Any]:
        """Say it for a card."""
        return {
            'names': [
                {'name': name, 'meaning': meaning, 'low': low, 'high': high}
                for (name, meaning), low, high in zip(
                    CONDITIONS.items(), self.low.tolist(), self.high.tolist(), strict=True)],
            'table': {name: ' '.join(f'{v:.4g}' for v in column)
                      for name, column in zip(CONDITIONS, self.table.T, strict=True)}}

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> 'Known':
        """
        Read what :meth:`card` has said.

        :raises InputError: when it is of other conditions.
        """
        names = [entry['name'] for entry in card['names']]
        if names != list(CONDITIONS):
            raise InputError(f'has learned plans given {", ".join(names)}, not '
                             f'{", ".join(CONDITIONS)}; train it again')
        table = np.array([card['table'][name].split() for name in names], np.float64).T
        low, high = (np.array([entry[end] for entry in card['names']]) for end in ('low', 'high'))
        return cls(low, high, table)

    def check(self, wishes: Wishes) -> None:
        """
        Refuse what was not learned.

        :raises InputError: naming it and the range, or the nearest that was learned.
        """
        check_names(wishes)
        for k, name in enumerate(CONDITIONS):
            value = wishes.get(name, self.low[k])
            if not (math.isfinite(value) and self.low[k] <= value <= self.high[k]):
                raise InputError(f'floor plan: {name} = {value:g} is outside '
                                 f'[{self.low[k]:g}, {self.high[k]:g}], what was learned '
                                 f'({CONDITIONS[name]})')
        far, rows = self._nearest(wishes)
        if wishes and far > APART:
            near = ', '.join(f'{name}={self.table[rows[0], COLUMN[name]]:.3g}'
                             for name in wishes)
            raise InputError(
                'floor plan: ' + ', '.join(f'{n}={v:g}' for n, v in wishes.items())
                + f' do not go together in the plans learned from; the nearest is {near}')

    def draw(self, rng: np.random.Generator, count: int,
             wishes: Wishes) -> NDArray[np.float32]:
        """
        Draw conditions as plans learned from have them, with what was asked for put in.

        :param wishes: checked before.
        :return: shape (count, 3).
        """
        rows = self._nearest(wishes)[1][:NEAREST] if wishes else np.arange(len(self.table))
        out = self.table[rows[rng.integers(len(rows), size=count)]]
        for name, value in wishes.items():
            out[:, COLUMN[name]] = value
        return out.astype(np.float32)

    def nearest(self, plans: Grid, wishes: Wishes) -> Grid:
        """Choose of some plans, shape (N, R, C), the one that is the nearest to the wishes."""
        if not wishes:
            return np.asarray(plans[0])
        far = self._far(measure(plans), wishes)
        return np.asarray(plans[int(far.argmin())])

    def _far(self, measured: NDArray[np.float64], wishes: Wishes) -> NDArray[np.float64]:
        """Give how far measured conditions (N, 3) are from wishes [standard deviations]."""
        columns: Sequence[int] = [COLUMN[name] for name in wishes]
        scale = np.maximum(self.table.std(axis=0), 1e-9)[columns]
        off = (measured[:, columns] - np.array(list(wishes.values()))) / scale
        return np.asarray(np.sqrt((off ** 2).sum(axis=1)))

    def _nearest(self, wishes: Wishes) -> tuple[float, NDArray[np.int64]]:
        """Give the distance of the nearest row [standard deviations], and rows by distance."""
        far = self._far(self.table, wishes)
        rows = np.argsort(far, kind='stable')
        return float(far[rows[0]]), rows
