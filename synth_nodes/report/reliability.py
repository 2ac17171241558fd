"""Reliability diagrams: what was foretold beside what happened."""

from collections.abc import Mapping
from pathlib import Path

from synth_nodes.files import write_picture
from synth_nodes.metrics.probability import Reliability


def draw_reliability(curves: Mapping[str, Reliability], path: Path) -> None:
    """
    Draw a curve for each, and how often each probability was given.

    :param curves: by name.
    :param path: PNG file to write; whole or not there.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, (upper, lower) = pyplot.subplots(
        2, 1, figsize=(7.0, 8.0), sharex=True, height_ratios=(3, 1), layout='constrained')
    upper.plot((0, 1), (0, 1), color='0.7', linestyle='--')
    for name, curve in curves.items():
        there = curve.count > 0
        upper.plot(curve.predicted[there], curve.observed[there], marker='o', markersize=4,
                   label=f'{name} (ECE {curve.ece:.3f})')
        lower.plot(curve.predicted[there], curve.count[there], marker='o', markersize=4)
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel='share that collided')
    upper.legend(loc='upper left', frameon=False)
    lower.set(yscale='log', xlabel='probability of a collision', ylabel='samples')
    write_picture(figure, path, dpi=100)
    pyplot.close(figure)
