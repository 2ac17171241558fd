"""A picture of floor plans: learned from, drawn, and drawn as they were asked for."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from synth_nodes.files import write_picture
from synth_nodes.world.plan_grids import Grid

ACROSS = 10
"""Plans in a row."""


def draw_plans(real: Grid, drawn: Grid, asked: Mapping[str, Grid], path: Path) -> None:
    """
    Draw plans above each other: two rows real and two drawn, and one for each condition.

    :param real: shape (N, R, C), True where solid; drawn: the same.
    :param asked: by condition, plans that were asked for at rising values of it.
    :param path: PNG to write.
    """
    from matplotlib.figure import Figure

    sheets = {'held back: what buildings and maps look like': real[:2 * ACROSS],
              'drawn by the generator': drawn[:2 * ACROSS],
              **{f'drawn with {name} asked for, from little to much': plans[:ACROSS]
                 for name, plans in asked.items()}}
    figure = Figure(figsize=(12.0, 2.0 * 2 + 1.15 * len(asked)), layout='constrained')
    parts = figure.subplots(len(sheets), 1, height_ratios=[2, 2] + [1] * len(asked))
    for axes, (title, plans) in zip(parts, sheets.items(), strict=True):
        axes.imshow(_sheet(plans), cmap='gray', vmin=0, vmax=1, interpolation='nearest')
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
