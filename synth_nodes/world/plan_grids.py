"""
Floor plans as small grids: how they are made of buildings and maps, mended, and checked.

A plan has 48 x 64 cells of 0.25 m, 12 m x 16 m; True is solid. Row 0 is the lowest y.
"""

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.floorplan import draw_plan, Plan, Style, WALL

CELL = 0.25
ROWS, COLUMNS = 48, 64
FINE = 5
"""Cells of the fine drawing along a side of a cell."""
SOLID_SHARE = 0.3
"""A cell is solid from this share of solid fine cells on: a wall of 0.15 m is one cell thick."""
OPENING = 3
"""Side in cells of the square that must get everywhere: 0.75 m, a narrow door."""
SQUARE = np.ones((OPENING, OPENING), np.uint8)
SPECK = 4
"""Solid parts of fewer cells that stand alone are dust."""
DOOR, THICKEST = 4, 3
"""Cells of a door, and of the thickest wall that one is opened in."""
LOST, OUTER, LEAST_FREE, LEAST_WALLS, MOST_WALLS = 0.08, 0.97, 0.35, 0.04, 0.5
MENDED = 0.06
"""Share of the cells that cleaning may change."""
SCRAP, SCRAPS, LOOSE = 6, 1, 5
"""Pieces of wall that hang on nothing: fewer cells than this are a scrap; how many scraps, and how
many such pieces at all, there may be."""
REFUSALS = ('open', 'dirty', 'parts', 'full', 'empty', 'broken')
"""Why a plan is refused; see :func:`refusal`."""
Grid = NDArray[np.bool_]


def drawn_plan(rng: np.random.Generator, tries: int = 100) -> Grid:
    """
    Draw the walls of a generated floor, without furniture, cleaned and flipped by chance.

    Corridors lie along x or y; rooms and walls are of many sizes, offices among them.

    :raises InputError: when none of that many is a plan by :func:`refusal`.
    """
    for _ in range(tries):
        turned = rng.random() < 0.5
        size = (ROWS * CELL, COLUMNS * CELL) if turned else (COLUMNS * CELL, ROWS * CELL)
        plan = Plan.empty(*size, CELL / FINE, 0.0)
        draw_plan(plan, rng, _style(rng, turned))
        solid = ~plan.free
        raw = coarse(solid.T if turned else solid)
        cleaned = clean(raw)
        if not refusal(raw, cleaned):
            return _flipped(cleaned, rng)
    raise InputError(f'drawing floor plans: none of {tries} was good')


def _style(rng: np.random.Generator, high: bool) -> Style:
    """Choose sizes; two corridors fit only where the plan is high, between thin walls."""
    two = high and rng.random() < 0.5
    wall = rng.uniform(WALL, 0.3 if two else 0.6)
    narrowest = rng.uniform(2.0, 4.0)
    return Style(wall, narrowest, narrowest * rng.uniform(2.0, 2.6) + wall, 8.0 if two else 16.0)


def cut_plan(grid: GridMap, rng: np.random.Generator, tries: int = 100) -> Grid | None:
    """
    Cut a plan out of a map, at any quarter turn, and close its border.

    :return: None where no cut of that many tries is a plan by :func:`refusal`.
    """
    solid = grid.solid()
    solid = np.asarray(solid if rng.random() < 0.5 else solid.T)
    size = tuple(round(n * CELL / grid.resolution) for n in (ROWS, COLUMNS))
    room = [max(solid.shape[k] - size[k], 0) for k in (0, 1)]
    for _ in range(tries):
        i, j = (int(rng.integers(room[k] + 1)) for k in (0, 1))
        piece = solid[i:i + size[0], j:j + size[1]]
        piece = np.pad(piece, [(0, size[k] - piece.shape[k]) for k in (0, 1)],
                       constant_values=True)
        plan = clean(coarse(piece))
        if not refusal(plan, plan):
            return _flipped(plan, rng)
    return None


def coarse(solid: Grid) -> Grid:
    """Make a plan of a finer drawing of the same area, shape (H, W)."""
    share = cv2.resize(solid.astype(np.float32), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(share >= SOLID_SHARE)


def clean(raw: Grid) -> Grid:
    """
    Tidy a plan up: close the border, remove dust, fill slits that no robot fits through.

    What is free but cut off from the largest free part is filled where all of it is small.
    """
    solid = _closed(raw)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), None,
                                                               None, None, 8)
    dust = np.flatnonzero(stats[:count, cv2.CC_STAT_AREA] < SPECK)
    solid &= ~np.isin(labels, dust)
    count, labels, stats = _stands(~solid)
    if count < 2:
        return np.ones_like(solid)
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = labels > 0
    if 1.0 - areas.max() / areas.sum() <= LOST:
        kept = labels == 1 + int(areas.argmax())
    return np.asarray(cv2.dilate(kept.astype(np.uint8), SQUARE) == 0)


def _stands(free: Grid) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    """Label where a square of `OPENING` cells can be moved about; as OpenCV's components."""
    stands = cv2.erode(free.astype(np.uint8), SQUARE, borderType=cv2.BORDER_CONSTANT,
                       borderValue=0)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(stands, None, None, None, 4)
    return count, np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def with_doors(raw: Grid, most: int = 20) -> Grid:
    """
    Close the border of a drawn plan, and open doors of 1 m to rooms that nothing leads into.

    A door goes through a wall of at most 0.75 m between two straight edges, the thinnest first.

    :param most: doors.
    """
    solid = _closed(raw)
    for _ in range(most):
        count, labels, stats = _stands(~solid)
        if count < 3:
            break
        main = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        inside, outside = (cv2.dilate(part.astype(np.uint8), SQUARE) > 0
                           for part in (labels == main, (labels > 0) & (labels != main)))
        if not _opened(solid, inside, outside):
            break
    return solid


def _opened(solid: Grid, a: Grid, b: Grid) -> bool:
    """Open one door between two parts of the floor, if there is a place for one."""
    for thick in range(1, THICKEST + 1):
        for turned in (False, True):
            walls, x, y = (grid.T if turned else grid for grid in (solid, a, b))
            x, y = (np.asarray(sliding_window_view(edge, DOOR, axis=0).all(-1)) for edge in (x, y))
            left, right = slice(None, -1 - thick), slice(1 + thick, None)
            places = np.argwhere(x[:, left] & y[:, right] | y[:, left] & x[:, right])
            if len(places):
                i, j = places[len(places) // 2]
                walls[i:i + DOOR, j + 1:j + 1 + thick] = False
                return True
    return False


def refusal(raw: Grid, cleaned: Grid) -> str:
    """
    Say why a plan is no good.

    :param raw: as it was drawn; cleaned: what :func:`clean` made of it.
    :return: one of `REFUSALS`: outer wall not closed, too much to clean, more than one part for
        a robot, too little floor, a hall without walls, walls in scraps; empty where it is good.
    """
    rim = np.ones_like(raw)
    rim[1:-1, 1:-1] = False
    if raw[rim].mean() < OUTER:
        return 'open'
    if (raw != cleaned).mean() > MENDED:
        return 'dirty'
    free = ~cleaned
    if _stands(free)[0] != 2:
        return 'parts' if free.any() else 'full'
    if free.mean() < LEAST_FREE:
        return 'full'
    inner = cleaned[2:-2, 2:-2].mean()
    if not LEAST_WALLS <= inner <= MOST_WALLS:
        return 'empty' if inner < LEAST_WALLS else 'full'
    return 'broken' if _in_scraps(cleaned) else ''


def _in_scraps(solid: Grid) -> bool:
    """Tell whether too many pieces of wall hang on nothing; doors on both sides leave some."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), None, None,
                                                               None, 8)
    rim = np.unique(np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1])))
    areas = stats[np.setdiff1d(np.arange(1, count), rim), cv2.CC_STAT_AREA]
    # Larger floors, of several plans, may have more of them.
    size = max(solid.size / (ROWS * COLUMNS), 1.0)
    return bool((areas < SCRAP).sum() > SCRAPS * size or len(areas) > LOOSE * size)


def _closed(solid: Grid) -> Grid:
    out = np.array(solid)
    out[[0, -1]] = True
    out[:, [0, -1]] = True
    return out


def _flipped(plan: Grid, rng: np.random.Generator) -> Grid:
    steps = rng.choice((1, -1), 2)
    return np.ascontiguousarray(plan[::steps[0], ::steps[1]])
