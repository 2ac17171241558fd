import numpy as np
import pytest

from synth_nodes.types import GridMap, OCCUPIED
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.social_forces import draw_paces, Forces, simulate

HALL = np.zeros((100, 140), np.int8)
HALL[:40, 68:70] = HALL[54:, 68:70] = OCCUPIED


@pytest.fixture(scope='module')
def hall():
    return MapAtlas.build([GridMap(HALL, 0.1, (2.0, -1.0, 0.5), 'hall')])


def walked(hall, **forces):
    return simulate(hall, 10, 30.0, 0.2, np.random.default_rng(1), Forces(**forces))


def nearest(tracks):
    apart = np.hypot(*np.moveaxis(tracks.at[:, :, None] - tracks.at[:, None], -1, 0))
    apart[:, np.arange(apart.shape[1]), np.arange(apart.shape[1])] = np.nan
    return apart[np.isfinite(apart)]


def test_people_keep_off_one_another_and_go_through_each_other_without_the_force(hall):
    assert np.quantile(nearest(walked(hall)), 0.001) > 0.35
    assert nearest(walked(hall, potential=0.0)).min() < 0.15


def test_people_keep_off_walls(hall):
    tracks, grid = walked(hall), hall.maps[0]
    cells = np.floor(grid.to_cells(tracks.at[tracks.there])).astype(int)
    assert not grid.solid()[cells[:, 1], cells[:, 0]].any()


def test_who_has_nobody_about_comes_to_the_pace_it_likes():
    field = MapAtlas.build([GridMap(np.zeros((300, 300), np.int8), 0.1, name='field')])
    tracks = simulate(field, 1, 30.0, 0.2, np.random.default_rng(2),
                      Forces(noise=0.0, speed=1.2, speed_deviation=0.0, slow_share=0.0))
    speed = np.hypot(*np.diff(tracks.at[:, 0], axis=0).T) / 0.2
    assert np.nanmax(speed) == pytest.approx(1.2, abs=0.01)
    assert speed[0] == 0.0, 'it begins at rest'
    # Relaxation: after 0.5 s at rest it lacks 1/e of the pace, 0.2 s of means smooth it.
    begun = speed[np.flatnonzero(speed > 0)[0]:]
    assert 0.5 < begun[2] / 1.2 < 0.8


def test_the_same_seed_walks_the_same(hall):
    np.testing.assert_array_equal(walked(hall).at, walked(hall).at)


def test_paces_are_those_of_the_paper_and_slow_ones():
    paces = draw_paces(np.random.default_rng(0), 20_000, Forces(slow_share=0.0))
    assert paces.mean() == pytest.approx(1.34, abs=0.01)
    assert paces.std() == pytest.approx(0.26, abs=0.01)
    slow = draw_paces(np.random.default_rng(0), 20_000)
    assert (slow < 0.8).mean() == pytest.approx(0.5 * 5 / 7 + 0.5 * 0.0189, abs=0.02)
