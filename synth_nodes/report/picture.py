"""A mission drawn on its map."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.files import write_picture
from synth_nodes.types import GridMap, SOLID_THRESHOLD

FLOOR, UNKNOWN_GREY, WALL = (1.0, 1.0, 1.0), (0.88, 0.89, 0.91), (0.20, 0.23, 0.28)
REACHED, MISSED = '#1a7f4e', '#c0392b'
STOP_COLOURS = ('#d62728', '#ff7f0e', '#9467bd', '#8c564b', '#e377c2', '#17becf')
ZOOM_MARGIN = 5.0
"""Map shown around the way driven [m] when the map is much larger than that."""
FONT_SIZE = 14
LONG_SIDE = 11.0
"""Longer side of the picture, in inches."""


def draw_mission(mission: Mapping[str, Any], grid: GridMap, path: Path) -> None:
    """
    Draw the map, the way driven coloured by speed, goals, stops and start.

    :param mission: content of a `mission.json`.
    :param grid: the map that was driven in.
    :param path: PNG file to write; whole or not there.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    track = np.asarray(mission['track'], float).reshape(-1, 5)
    left, right, bottom, top = _window(grid, track, mission['goals'])
    width, height = right - left, top - bottom
    scale = LONG_SIDE / max(width, height)
    size = (max(width * scale, 5.0) + 1.6, max(height * scale, 3.6) + 1.2)
    pyplot.rcParams.update({'font.size': FONT_SIZE})
    figure, axes = pyplot.subplots(figsize=size, layout='constrained')
    draw_map(axes, grid)
    lines = _draw_track(axes, track)
    figure.colorbar(lines, ax=axes, label='speed [m/s]', shrink=0.7, pad=0.015)
    _draw_stops(axes, mission['stops'])
    _draw_goals(axes, mission['start'], mission['goals'])
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect='equal', xlabel='x [m]',
             ylabel='y [m]', facecolor=UNKNOWN_GREY)
    figure.legend(loc='outside lower center', ncols=3, frameon=False)
    for side in axes.spines.values():
        side.set_visible(False)
    write_picture(figure, path, dpi=110, bbox_inches='tight', pad_inches=0.15)
    pyplot.close(figure)


def _window(grid: GridMap, track: NDArray[np.float64],
            goals: list[dict[str, Any]]) -> tuple[float, float, float, float]:
    """Left, right, bottom, top [m] of what is worth showing."""
    rows, columns = np.nonzero(grid.occupancy >= 0)
    if len(rows) == 0:
        rows, columns = np.array((0, grid.occupancy.shape[0])), np.array(
            (0, grid.occupancy.shape[1]))
    ends = np.array([(c, r) for c in (columns.min(), columns.max() + 1)
                     for r in (rows.min(), rows.max() + 1)], float)
    corners = grid.to_map(ends)
    low, high = corners.min(axis=0) - 0.5, corners.max(axis=0) + 0.5
    places = np.vstack((track[:, 1:3], np.array([(g['x'], g['y']) for g in goals]).reshape(-1, 2)))
    if len(places):
        near, far = places.min(axis=0) - ZOOM_MARGIN, places.max(axis=0) + ZOOM_MARGIN
        if np.hypot(*(far - near)) < 0.7 * np.hypot(*(high - low)):
            low, high = np.maximum(low, near), np.minimum(high, far)
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def draw_map(axes: Any, grid: GridMap) -> None:
    """Draw walls and unknown space into axes in metres of the frame `map`."""
    from matplotlib.transforms import Affine2D

    image = np.empty((*grid.occupancy.shape, 3))
    image[:] = FLOOR
    image[grid.occupancy < 0] = UNKNOWN_GREY
    image[grid.occupancy >= SOLID_THRESHOLD] = WALL
    height, width = grid.occupancy.shape
    x, y, yaw = grid.origin
    place = Affine2D().scale(grid.resolution).rotate(yaw).translate(x, y) + axes.transData
    axes.imshow(image, origin='lower', extent=(0, width, 0, height), transform=place,
                interpolation='antialiased' if yaw else 'nearest', zorder=0)


def _draw_track(axes: Any, track: NDArray[np.float64]) -> Any:
    from matplotlib.collections import LineCollection

    points = track[:, 1:3]
    pieces: Any = np.stack((points[:-1], points[1:]), axis=1)
    lines = LineCollection(pieces, cmap='viridis',
                           linewidth=3.0, capstyle='round', zorder=2)
    lines.set_array(track[1:, 4])
    lines.set_clim(0.0, max(0.1, float(track[:, 4].max(initial=0.0))))
    axes.add_collection(lines)
    return lines


def _draw_goals(axes: Any, start: list[float], goals: list[dict[str, Any]]) -> None:
    axes.plot(start[0], start[1], marker='s', markersize=13, color='#1f5fbf', linestyle='',
              markeredgecolor='white', label='start', zorder=4)
    for kind, colour, reached in (('goal reached', REACHED, True), ('goal missed', MISSED, False)):
        places = [(g['x'], g['y']) for g in goals if g['reached'] == reached]
        if places:
            axes.plot(*np.array(places).T, marker='o', markersize=20, color=colour, linestyle='',
                      markeredgecolor='white', label=kind, zorder=4)
    for number, goal in enumerate(goals, 1):
        axes.annotate(str(number), (goal['x'], goal['y']), color='white', ha='center',
                      va='center_baseline', fontsize=13, fontweight='bold', zorder=5)


def _draw_stops(axes: Any, stops: list[dict[str, Any]]) -> None:
    for index, (rule, count) in enumerate(Counter(s['rule'] for s in stops).most_common()):
        places = np.array([(s['x'], s['y']) for s in stops if s['rule'] == rule])
        axes.plot(*places.T, marker='X', markersize=12, linestyle='',
                  color=STOP_COLOURS[index % len(STOP_COLOURS)], markeredgecolor='white',
                  label=f'stop: {rule} ({count})', zorder=3)
