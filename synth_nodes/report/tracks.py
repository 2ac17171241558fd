"""A picture of tracks in one place: of the source, drawn, and of people who walk straight."""

from pathlib import Path
from typing import Any

import numpy as np

from synth_nodes.files import write_picture
from synth_nodes.world.tracks import Tracks

SECONDS = 30.0
"""Time of tracks that are drawn [s]."""
TITLES = ('source, held back', 'drawn by the learned gait', 'straight along ways')


def draw_tracks(parts: tuple[Tracks, Tracks, Tracks], path: Path) -> None:
    """
    Draw tracks beside each other, a dot each second.

    :param parts: source, drawn, straight; all in one place.
    :param path: PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 4.2), layout='constrained')
    first = _busiest(parts[0])
    for axes, tracks, title in zip(figure.subplots(1, 3), parts, TITLES, strict=True):
        _draw(axes, tracks, first)
        axes.set_title(title, fontsize=9)
    write_picture(figure, path, dpi=110)


def _busiest(tracks: Tracks) -> int:
    """Find the frame from which most people walk."""
    span = round(SECONDS / tracks.period)
    count = np.append(0, np.cumsum(tracks.there.sum(axis=1)))
    return int((count[span:] - count[:-span]).argmax()) if len(count) > span else 0


def _draw(axes: Any, tracks: Tracks, first: int) -> None:
    grid = tracks.atlas.drawn.maps[0]
    rows, columns = grid.occupancy.shape
    corners = grid.to_map(np.array([[0.0, 0.0], [columns, rows]]))
    turned = abs(grid.origin[2]) > 1e-6
    if not turned:
        axes.imshow(grid.solid(), cmap='Greys', vmax=1.6, origin='lower', interpolation='nearest',
                    extent=(corners[0, 0], corners[1, 0], corners[0, 1], corners[1, 1]))
    last, second = first + round(SECONDS / tracks.period), max(1, round(1.0 / tracks.period))
    for k in range(tracks.at.shape[1]):
        at = tracks.at[first:last, k]
        lines = axes.plot(*at.T, lw=1.0, alpha=0.9)
        axes.plot(*at[::second].T, '.', ms=3.5, color=lines[0].get_color())
    axes.set_aspect('equal')
    axes.set_xticks([])
    axes.set_yticks([])
