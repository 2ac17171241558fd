import numpy as np
import pytest

from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.gait import Gait, PARTS
from synth_nodes.world.stroll import course_of, play, samples_of
from synth_nodes.world.tracks import Tracks

PERIOD = 0.2


@pytest.fixture(scope='module')
def tracks():
    """Two people who cross a field, one after standing; a third stands all the time."""
    at = np.full((60, 3, 2), np.nan)
    at[:50, 0, 0], at[:50, 0, 1] = 2.0 + 0.2 * np.arange(50), 5.0
    at[10:, 1, 1] = 2.0 + 0.1 * np.clip(np.arange(50) - 5, 0, None)
    at[10:, 1, 0] = 12.0
    at[:, 2] = 8.0, 8.0
    field = MapAtlas.build([GridMap(np.zeros((160, 160), np.int8), 0.1, name='field')])
    return Tracks(at, PERIOD, field, 'field')


def test_goals_and_paces_are_those_of_whoever_walks(tracks):
    course = course_of(tracks)
    np.testing.assert_allclose(course.pace, (1.0, 0.5), rtol=1e-6)
    assert course.tracks.at.shape[1] == 2
    assert not course.walking[:14, 1].any() and course.walking[16:58, 1].all()


def test_what_is_learned_of_an_even_walk_is_to_go_on(tracks):
    samples = samples_of(course_of(tracks))
    np.testing.assert_allclose(samples.seen[:, 2][samples.seen[:, 4] > 0.9], 1.0, atol=0.01)
    went_on = samples.seen[:, 0] > 0.4
    assert went_on.sum() > 60
    np.testing.assert_allclose(samples.change[went_on], 0.0, atol=1e-5)
    first = samples.change[~went_on]
    assert len(first) and np.allclose(first, (0.5, 0.0), atol=0.02), 'the first step from rest'


def steady(push):
    """Make a gait that adds to the velocity along the way and halves that across it."""
    gait = Gait.off()._replace(on=True, period=PERIOD)
    gait.last_bias[PARTS:3 * PARTS:2], gait.last_bias[3 * PARTS:] = push, -5.0
    gait.first[1, 0], gait.second[0, 0] = 0.01, 1.0
    gait.last[0, PARTS + 1:3 * PARTS:2] = -50.0
    return gait


@pytest.mark.parametrize(('gait', 'speed'), [
    (Gait.off(), 1.0), (steady(0.0), 1.0), (steady(0.1), 1.5)])
def test_people_walk_from_where_they_began_to_their_goals_and_leave(tracks, gait, speed):
    drawn = play(course_of(tracks), gait, 1)
    np.testing.assert_allclose(drawn.at[:3, 0], tracks.at[:3, 0])
    there = np.flatnonzero(drawn.there[:, 0])
    end = drawn.at[there[-1], 0]
    assert np.hypot(*(end - tracks.at[49, 0])) < 0.8
    walked = np.hypot(*np.diff(drawn.at[there[10:], 0], axis=0).T) / PERIOD
    assert np.median(walked) == pytest.approx(speed, abs=0.08)
    assert not drawn.there[:10, 1].any(), 'the other one comes later'


def test_nobody_walks_faster_than_half_beyond_its_pace(tracks):
    drawn = play(course_of(tracks), steady(5.0), 1)
    speed = np.hypot(*np.moveaxis(np.diff(drawn.at, axis=0), -1, 0)) / PERIOD
    assert np.nanmax(speed[:, 0]) <= 1.5 + 1e-6


def test_seeds_repeat(tracks):
    gait = steady(0.0)._replace(last_bias=np.full_like(Gait.off().last_bias, -1.0))
    course = course_of(tracks)
    np.testing.assert_array_equal(play(course, gait, 1).at, play(course, gait, 1).at)
    assert not np.array_equal(play(course, gait, 1).at, play(course, gait, 2).at)
