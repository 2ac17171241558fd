"""Slow and independent: footprints as dense points against every nearby cell square."""

import numpy as np


def outline(polygon, spacing=0.002):
    """Points along the edges of a polygon."""
    parts = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        count = int(np.ceil(np.hypot(*(b - a)) / spacing)) + 1
        parts.append(a + np.linspace(0, 1, count)[:, None] * (b - a))
    return np.concatenate(parts)


def placed(polygon, pose):
    """Polygon moved to a pose."""
    c, s = np.cos(pose[2]), np.sin(pose[2])
    return polygon @ np.array([[c, s], [-s, c]]) + pose[:2]


def contains(polygon, points, shrink=0.0):
    """Which points lie inside a convex counter-clockwise polygon, by more than `shrink`."""
    inside = np.ones(len(points), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        ex, ey = b - a
        side = ex * (points[:, 1] - a[1]) - ey * (points[:, 0] - a[0])
        inside &= side > shrink * np.hypot(ex, ey)
    return inside


def squares_near(grid, points, reach):
    """Columns and rows of solid cells (and of a ring around the map) near points in cells."""
    rows, columns = np.nonzero(np.pad(grid.solid(), 1, constant_values=True))
    columns, rows = columns - 1, rows - 1
    low, high = points.min(axis=0) - reach - 1, points.max(axis=0) + reach
    near = ((columns >= low[0]) & (columns <= high[0]) & (rows >= low[1]) & (rows <= high[1]))
    return columns[near], rows[near]


def wall_distance(grid, polygon, pose, reach=1.0):
    """Distance [m] from a footprint at a pose to the nearest solid square, to 1 mm."""
    points = grid.to_cells(outline(placed(polygon, pose)))
    columns, rows = squares_near(grid, points, reach / grid.resolution)
    if not columns.size:
        return reach
    dx = np.maximum(abs(points[:, :1] - columns - 0.5) - 0.5, 0)
    dy = np.maximum(abs(points[:, 1:] - rows - 0.5) - 0.5, 0)
    return min(np.hypot(dx, dy).min() * grid.resolution, reach)


def overlaps(grid, polygon, pose, shrink=1e-4):
    """Whether a footprint, shrunk by `shrink` [m], covers part of a solid square."""
    corners = placed(polygon, pose)
    points = grid.to_cells(outline(corners, 0.004))
    columns, rows = squares_near(grid, points, 0.0)
    slack = shrink / grid.resolution
    within = ((points[:, :1] > columns + slack) & (points[:, :1] < columns + 1 - slack)
              & (points[:, 1:] > rows + slack) & (points[:, 1:] < rows + 1 - slack))
    squares = np.concatenate([np.c_[columns + a, rows + b] for a in (0, 1) for b in (0, 1)])
    return bool(within.any() or contains(grid.to_cells(corners), squares, slack).any())


def discs_overlap_solid(grid, centres, radius):
    """Which discs, shape (N, 2), cover part of a solid square."""
    solid = np.pad(grid.solid(), 20, constant_values=True)
    cells = grid.to_cells(centres) + 20
    reach = int(np.ceil(radius / grid.resolution)) + 1
    base = np.floor(cells).astype(int)
    hit = np.zeros(len(centres), bool)
    for dj in range(-reach, reach + 1):
        for di in range(-reach, reach + 1):
            j, i = base[:, 0] + dj, base[:, 1] + di
            dx = np.maximum(abs(cells[:, 0] - j - 0.5) - 0.5, 0)
            dy = np.maximum(abs(cells[:, 1] - i - 0.5) - 0.5, 0)
            hit |= solid[i, j] & (np.hypot(dx, dy) * grid.resolution < radius)
    return hit
