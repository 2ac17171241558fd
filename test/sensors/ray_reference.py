"""Slow and independent: every ray against every cell square and every disc."""

import numpy as np


def random_grid(rng, rows=24, columns=31, share=0.06):
    """Occupancy with scattered solid and unknown cells."""
    draw = rng.random((rows, columns))
    return np.where(draw < share, 100, np.where(draw < 1.5 * share, -1, 0)).astype(np.int8)


def solid_squares(grid):
    """Columns and rows of all solid cells, and a ring around the map."""
    rows, columns = np.nonzero(np.pad(grid.solid(), 1, constant_values=True))
    return columns - 1, rows - 1


def ray_ranges(grid, pose, angles, range_max, grow=0.0):
    """Slab method, squares grown by `grow` cells on all sides; inf where nothing is hit."""
    columns, rows = solid_squares(grid)
    x, y = grid.to_cells(np.asarray(pose[:2]))
    headings = pose[2] + angles - grid.origin[2]
    out = np.full(len(angles), np.inf)
    for k, heading in enumerate(headings):
        dx, dy = np.cos(heading), np.sin(heading)
        with np.errstate(divide='ignore', invalid='ignore'):
            tx = np.sort(np.stack(((columns - grow - x) / dx, (columns + 1 + grow - x) / dx)), 0)
            ty = np.sort(np.stack(((rows - grow - y) / dy, (rows + 1 + grow - y) / dy)), 0)
        enter, leave = np.maximum(tx[0], ty[0]), np.minimum(tx[1], ty[1])
        hit = (enter <= leave) & (leave >= 0)
        if hit.any():
            out[k] = max(enter[hit].min(), 0.0) * grid.resolution
    out[out > range_max] = np.inf
    return out


def disc_ranges(pose, angles, discs):
    """Quadratic equation for every ray and disc."""
    out = np.full(len(angles), np.inf)
    for k, angle in enumerate(angles):
        u = np.array([np.cos(pose[2] + angle), np.sin(pose[2] + angle)])
        for x, y, _, _, radius in discs:
            d = np.array([x, y]) - pose[:2]
            along, square = d @ u, d @ d
            inner = radius ** 2 - (square - along ** 2)
            if square <= radius ** 2:
                out[k] = 0.0
            elif inner >= 0 and along > 0:
                out[k] = min(out[k], along - np.sqrt(inner))
    return out
