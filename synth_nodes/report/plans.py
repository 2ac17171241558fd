"""A picture of floor plans: some that were learned from, and some that were drawn."""

from pathlib import Path

import numpy as np

from synth_nodes.files import write_picture
from synth_nodes.world.plan_grids import Grid

ACROSS = 8
"""Plans in a row."""


def draw_plans(real: Grid, drawn: Grid, path: Path) -> None:
    """
    Draw plans above each other, at most two rows of each kind.

    :param real: shape (N, R, C), True where solid; drawn: the same.
    :param path: PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.7), layout='constrained')
    parts = figure.subplots(2, 1)
    for axes, plans, title in zip(parts, (real, drawn), (
            'held back: what buildings and maps look like', 'drawn by the generator'),
            strict=True):
        axes.imshow(_sheet(plans[:2 * ACROSS]), cmap='gray', vmin=0, vmax=1,
                    interpolation='nearest')
        axes.set_title(title, fontsize=9)
        axes.axis('off')
    write_picture(figure, path, dpi=110)


def _sheet(plans: Grid) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Lay plans out in rows, y up, with gaps between."""
    tiles = [np.pad(1.0 - plan[::-1], 3, constant_values=0.75) for plan in plans]
    if not tiles:
        return np.full((10, 10), 0.75)
    tiles += [np.full_like(tiles[0], 0.75)] * (-len(tiles) % ACROSS)
    rows = [np.concatenate(tiles[k:k + ACROSS], axis=1) for k in range(0, len(tiles), ACROSS)]
    return np.concatenate(rows, axis=0)
