"""Errands that failed, each drawn on its map."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.files import write_picture
from synth_nodes.report.picture import draw_map, MISSED, UNKNOWN_GREY
from synth_nodes.train.trial import Failure
from synth_nodes.types import GridMap

_MOST = 9
_AROUND = 4.0
"""Map shown around the end of each drive [m]."""


def draw_failures(failures: Sequence[Failure], maps: Sequence[GridMap], path: Path) -> bool:
    """
    Draw failed errands: the planned way, the way driven, and the people at its end.

    Contacts come first, and maps take turns.

    :param failures: of an evaluation.
    :param maps: that it was run in, in its order.
    :param path: PNG file to write; none is where nothing failed.
    :return: whether there was anything to draw.
    """
    shown = _chosen(failures)
    if not shown:
        return False
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, panels = pyplot.subplots(rows, columns, squeeze=False, layout='constrained',
                                     figsize=(3.6 * columns, 3.8 * rows))
    for axes in panels.flat[len(shown):]:
        axes.set_axis_off()
    for axes, failure in zip(panels.flat, shown, strict=False):
        _draw(axes, failure, maps[failure.map_index])
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=4, frameon=False)
    write_picture(figure, path, dpi=80)
    pyplot.close(figure)
    return True


def _chosen(failures: Sequence[Failure]) -> list[Failure]:
    """Pick what to show: of every map in turn its next failure, contacts before timeouts."""
    turn: dict[tuple[str, int], int] = {}
    order = []
    for k, failure in enumerate(failures):
        key = failure.kind, failure.map_index
        turn[key] = turn.get(key, 0) + 1
        order.append((failure.kind != 'contact', turn[key], failure.map_index, k))
    return [failures[entry[-1]] for entry in sorted(order)[:_MOST]]


def _draw(axes: Any, failure: Failure, grid: GridMap) -> None:
    draw_map(axes, grid)
    end: NDArray[np.float64] = failure.track[-1]
    axes.plot(*failure.way.T, color='0.6', linestyle='--', label='planned')
    axes.plot(*failure.track.T, color='#1f77b4', label='driven')
    axes.plot(*end, 'x', color=MISSED, markersize=10, markeredgewidth=2.5, label='its end')
    axes.plot(*failure.people.T, 'o', color='#ff7f0e', label='people')
    axes.set(xlim=(end[0] - _AROUND, end[0] + _AROUND), ylim=(end[1] - _AROUND, end[1] + _AROUND),
             aspect='equal', facecolor=UNKNOWN_GREY, xticks=[], yticks=[],
             title=f'{failure.map_name}: {failure.kind}')
