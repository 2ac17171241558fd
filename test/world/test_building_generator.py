import cv2
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import FREE, UNKNOWN
from synth_nodes.world.building import generate_building, reachable_parts

SEEDS = range(12)


@pytest.mark.parametrize('seed', SEEDS)
def test_a_robot_of_30_cm_gets_everywhere(seed):
    grid = generate_building(seed)
    for radius in (0.3, 0.34, 0.38):
        assert reachable_parts(grid.occupancy == FREE, grid.resolution, radius).max() == 1


@pytest.mark.parametrize('size', ((10.0, 9.0), (17.0, 11.0), (40.0, 30.0)))
def test_other_sizes_are_connected_too(size):
    grid = generate_building(3, *size, resolution=0.1)
    assert reachable_parts(grid.occupancy == FREE, grid.resolution, 0.3).max() == 1
    assert (grid.occupancy == FREE).sum() * 0.01 > 0.5 * size[0] * size[1]


@pytest.mark.parametrize('seed', SEEDS)
def test_it_has_rooms_of_different_size_behind_doors_and_clutter(seed):
    grid = generate_building(seed)
    # A disc wider than every door stays in its room.
    rooms = reachable_parts(grid.occupancy == FREE, grid.resolution, 0.7)
    areas = np.bincount(rooms.ravel())[1:] * grid.resolution ** 2
    areas = areas[areas > 1.0]
    assert len(areas) >= 5
    assert areas.max() / areas.min() > 2.0
    solid = (grid.occupancy == 100).astype(np.uint8)
    pieces, *_ = cv2.connectedComponentsWithStats(solid)
    assert pieces > 8


def test_the_outside_is_unknown_and_the_corner_is_at_the_origin():
    grid = generate_building(1)
    assert (grid.occupancy[0] == UNKNOWN).all() and (grid.occupancy[:, -1] == UNKNOWN).all()
    column, row = grid.to_cells(np.array([0.01, 0.01])).astype(int)
    assert grid.occupancy[row, column] == 100
    assert grid.occupancy[row - 1, column - 1] == UNKNOWN


def test_the_same_seed_gives_the_same_building_and_another_does_not():
    a, b, c = (generate_building(s).occupancy for s in (5, 5, 6))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize('wrong', ({'width': 2.0}, {'height': float('nan')}, {'resolution': 1.0}))
def test_sizes_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        generate_building(0, **wrong)
    with pytest.raises(InputError, match='seed'):
        generate_building(-1)
