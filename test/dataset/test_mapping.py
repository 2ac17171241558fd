from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.dataset.carmen import beam_angles, CarmenLog, read_log
from synth_nodes.dataset.mapping import describe, drivable_area, map_from_log
from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import load_map, save_map

HALF = np.array([3.0, 2.0])
"""Half width and half depth [m] of the synthetic room about (0, 0)."""


def room_ranges(poses: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Exact ranges inside the room, shape (N, M): the nearest of four walls."""
    heading = poses[:, 2:3] + angles
    direction = np.stack((np.cos(heading), np.sin(heading)), axis=-1)
    with np.errstate(divide='ignore'):
        reach = (np.copysign(1.0, direction) * HALF - poses[:, None, :2]) / direction
    return reach.min(axis=-1)


def make_log(poses: np.ndarray, ranges: np.ndarray) -> CarmenLog:
    return CarmenLog(
        name='room', ranges=ranges.astype(np.float32), angles=beam_angles(ranges.shape[1]),
        poses=poses, odom=poses, stamps=np.arange(len(poses), dtype=float), max_range=50.0,
        laser_offset=0.0, lines=len(poses), skipped={})


def room_log(scans: int = 40, seed: int = 0, beams: int = 181) -> CarmenLog:
    rng = np.random.default_rng(seed)
    poses = np.column_stack((rng.uniform(-1.5, 1.5, scans), rng.uniform(-1.0, 1.0, scans),
                             np.linspace(0, 4 * np.pi, scans)))
    return make_log(poses, room_ranges(poses, beam_angles(beams)))


def at(grid: GridMap, *point: float) -> int:
    column, row = grid.to_cells(np.array(point)).astype(int)
    return int(grid.occupancy[row, column])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), resolution=st.sampled_from((0.04, 0.05, 0.1)))
def test_room_is_recovered_from_its_scans(seed, resolution):
    grid = map_from_log(room_log(seed=seed), resolution)
    rows, columns = np.indices(grid.occupancy.shape)
    centres = grid.to_map(np.stack((columns, rows), axis=-1) + 0.5)
    inside = (HALF - np.abs(centres)).min(axis=-1)
    assert (grid.occupancy[inside > 1.5 * resolution] == 0).mean() > 0.995
    assert not (grid.occupancy[inside > 1.5 * resolution] == 100).any()
    assert (grid.occupancy[inside < -1.5 * resolution] == -1).all()
    wall = np.abs(inside) <= 1.5 * resolution
    assert (grid.occupancy[wall] == 100).sum() * resolution > 0.9 * 2 * (6 + 4)


def test_no_way_out_through_a_wall():
    grid = map_from_log(room_log())
    rows, columns = np.nonzero(grid.occupancy == 0)
    assert (np.abs(grid.to_map(np.column_stack((columns, rows)) + 0.5)) < HALF + 0.05).all()


def test_passer_by_leaves_no_ghost():
    log = room_log(scans=60)
    ranges = log.ranges.copy()
    for k in (10, 11, 12):
        ranges[k, 80:100] = 0.8
    grid = map_from_log(replace(log, ranges=ranges))
    inner = map_from_log(log)
    interior = (inner.occupancy == 0).sum()
    assert (grid.occupancy == 0).sum() > 0.999 * interior


@settings(max_examples=20, deadline=None)
@given(x=st.floats(1.7, 2.7), y=st.floats(-1.7, 1.7))
def test_post_of_10_cm_stays(x, y):
    log, radius = room_log(scans=80), 0.05
    heading = log.poses[:, 2:3] + log.angles
    delta = np.array([x, y]) - log.poses[:, None, :2]
    along = (delta * np.stack((np.cos(heading), np.sin(heading)), axis=-1)).sum(axis=-1)
    aside = np.sqrt(np.maximum((delta ** 2).sum(axis=-1) - along ** 2, 0.0))
    met = (along > 0) & (aside < radius)
    ahead = along - np.sqrt(np.maximum(radius ** 2 - aside ** 2, 0.0))
    grid = map_from_log(replace(log, ranges=np.where(met, ahead, log.ranges)))
    assert any(at(grid, x + dx, y + dy) == 100
               for dx in (-0.05, 0, 0.05) for dy in (-0.05, 0, 0.05))


def test_doorway_of_90_cm_stays_open():
    log = room_log(scans=80)
    heading = log.poses[:, 2:3] + log.angles
    hit_y = log.poses[:, 1:2] + log.ranges * np.sin(heading)
    hit_x = log.poses[:, 0:1] + log.ranges * np.cos(heading)
    through = (hit_x > 2.99) & (np.abs(hit_y) < 0.45)
    ranges = np.where(through, (5.0 - log.poses[:, 0:1]) / np.cos(heading), log.ranges)
    grid = map_from_log(replace(log, ranges=ranges))
    assert all(at(grid, 3.0, y) == 0 for y in np.arange(-0.35, 0.4, 0.05))
    assert drivable_area(grid, 0.3) > drivable_area(map_from_log(log), 0.3) + 0.5


def test_beams_without_return_tell_nothing():
    log = room_log()
    ranges = log.ranges.copy()
    ranges[:, ::7] = np.inf
    ranges[:, 3::7] = np.nan
    grid = map_from_log(replace(log, ranges=ranges))
    rows, columns = np.nonzero(grid.occupancy == 0)
    assert (np.abs(grid.to_map(np.column_stack((columns, rows)) + 0.5)) < HALF + 0.05).all()


def test_progress_ends_at_the_last_scan():
    calls = []
    map_from_log(room_log(scans=230), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(100, 230), (200, 230), (230, 230)]


def test_same_log_gives_the_same_map():
    np.testing.assert_array_equal(
        map_from_log(room_log()).occupancy, map_from_log(room_log()).occupancy)


@pytest.mark.parametrize('resolution', [0.0, -1.0, 0.001, 5.0, float('nan')])
def test_resolution_out_of_range_is_refused(resolution):
    with pytest.raises(InputError, match='resolution'):
        map_from_log(room_log(), resolution)


def test_log_that_shows_nothing_or_spans_too_much_is_refused():
    log = room_log()
    with pytest.raises(InputError, match='too little is seen'):
        map_from_log(replace(log, ranges=np.full_like(log.ranges, np.inf)))
    far = log.poses.copy()
    far[0, 0] = 1e6
    with pytest.raises(InputError, match='coarser resolution'):
        map_from_log(replace(log, poses=far))


def test_figures_of_the_room():
    log = room_log()
    figures = describe(log, map_from_log(log), robot_radius=0.3)
    assert figures.scans == 40
    assert figures.free_area == pytest.approx(24.0, rel=0.06)
    assert figures.drivable_area == pytest.approx((6 - 0.6) * (4 - 0.6), rel=0.06)
    assert '40 scans' in figures.lines()[0]


def test_drivable_area_is_the_largest_part_and_zero_where_nothing_fits():
    cells = np.full((40, 100), 100, np.int8)
    cells[1:39, 1:39] = 0
    cells[1:39, 45:99] = 0
    grid = GridMap(cells, 0.1)
    assert drivable_area(grid, 0.3) == pytest.approx((5.4 - 0.6) * (3.8 - 0.6), rel=0.1)
    assert drivable_area(grid, 3.0) == 0.0


@pytest.mark.parametrize(('name', 'drivable'), [
    ('intel', 280), ('aces', 440), ('csail', 430), ('freiburg-079', 185)])
def test_recorded_logs_become_drivable_maps(shared_data, tmp_path, name, drivable):
    log = read_log(shared_data / 'carmen' / f'{name}-corrected.log.gz')
    grid = map_from_log(log)
    columns, rows = grid.to_cells(log.poses[:, :2]).astype(int).T
    assert (grid.occupancy[rows, columns] == 0).mean() > 0.99
    assert drivable_area(grid, 0.3) > drivable
    back = load_map(save_map(grid, tmp_path, name))
    np.testing.assert_array_equal(back.occupancy, grid.occupancy)
