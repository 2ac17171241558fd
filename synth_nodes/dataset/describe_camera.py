"""Figures of the images in a data set, and a few of them as a picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.reader import DataSet

FRAMES, SHOWN = 500, 4
"""How many frames, spread over all records, are looked at, and drawn."""
COLOURS = ((0, 0, 0), (214, 193, 160), (46, 125, 50), (200, 40, 60), (240, 150, 30),
           (120, 60, 160), (110, 120, 130), (250, 225, 60), (190, 225, 240))
"""Of the classes in :data:`synth_nodes.dataset.pixel_labels.PIXEL_SURFACES`, as drawn."""


def has_camera(data: DataSet) -> bool:
    """Say whether there are images."""
    return 'camera' in data.schema.sensor and len(data) > 0


def camera_figures(data: DataSet) -> dict[str, Any] | None:
    """
    Sum up what the camera saw, by frames spread over all records.

    :return: `width`, `height` [px], `frames` looked at, mean `brightness` of 255, median `depth`
        [m] (None where none was measured) and the share of each class of `pixels`; None where
        there are no images.
    """
    if not has_camera(data):
        return None
    part = _frames(data, FRAMES)
    depth, names = part['depth'], data.schema.sensor['surfaces']
    measured = depth[np.isfinite(depth)]
    counts = np.bincount(part['pixel_surface'].ravel(), minlength=len(names))
    return {
        'width': depth.shape[2], 'height': depth.shape[1], 'frames': len(depth),
        'brightness': float(part['image'].mean()),
        'depth': float(np.median(measured)) if len(measured) else None,
        'pixels': dict(zip(names, (counts / counts.sum()).tolist(), strict=True))}


def camera_lines(figures: dict[str, Any]) -> list[str]:
    """Put :func:`camera_figures` into lines for people."""
    f = figures
    depth = 'no depth' if f['depth'] is None else f"depth {f['depth']:.2f} m in the median"
    return [f"camera: {f['width']} x {f['height']}, mean brightness {f['brightness']:.0f} of 255, "
            f"{depth} ({f['frames']} frames)",
            'pixels: ' + ', '.join(f'{k} {v:.1%}' for k, v in f['pixels'].items())]


def draw_frames(figure: Any, data: DataSet) -> None:
    """Draw a few frames into a part of a figure: colours, depth, classes of the pixels."""
    from matplotlib.patches import Patch

    part, names = _frames(data, SHOWN), data.schema.sensor['surfaces']
    table = np.array(COLOURS, np.uint8)
    axes = figure.subplots(len(part['depth']), 3, squeeze=False)
    for row, image, depth, surface in zip(axes, part['image'], part['depth'],
                                          part['pixel_surface'], strict=True):
        row[0].imshow(image)
        drawn = row[1].imshow(np.where(np.isfinite(depth), depth, np.nan), cmap='viridis')
        figure.colorbar(drawn, ax=row[1], label='depth [m]')
        row[2].imshow(table[surface % len(table)])
        for axis in row:
            axis.set(xticks=[], yticks=[])
    seen = np.unique(part['pixel_surface'])
    figure.legend(handles=[Patch(color=table[k] / 255, label=names[k]) for k in seen],
                  loc='outside lower center', ncols=len(seen))


def _frames(data: DataSet, count: int) -> dict[str, NDArray[Any]]:
    rows = np.unique(np.linspace(0, len(data) - 1, count).round().astype(np.int64))
    return data.take(rows, ('image', 'depth', 'pixel_surface'))
