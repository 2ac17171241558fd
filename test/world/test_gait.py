import json

import numba
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.chance import streams
from synth_nodes.world.gait import (
    describe,
    draw_change,
    EACH,
    Gait,
    look_along,
    NEIGHBOURS,
    OUTPUTS,
    OWN,
    PARTS,
    SEEN,
)
from synth_nodes.world.learned_gait import CARD, gait_of, load_gait, plain
from synth_nodes.world.ways import ways_to

NO_ROBOT = (0.0, 0.0, 0.0, 0.0, -1.0)
look = numba.njit(lambda maps, ways, x, y: look_along(maps, ways, 0, 0, x, y))


def place(yaw=0.0):
    """Make a hall of 16 m x 12 m about the origin with a way to (6, 0) in its own frame."""
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    hall = GridMap(np.zeros((120, 160), np.int8), 0.1, (*turn @ (-8.0, -6.0), yaw))
    atlas = MapAtlas.build([hall])
    ways, _ = ways_to(atlas, 0.25, (turn @ (6.0, 0.0))[None])
    return atlas.arrays, ways, turn


def seen_by(turn, maps, ways, people, velocity=(1.0, 0.2), robot=NO_ROBOT):
    """Tell what the first of some people sees; all is given as before the turn."""
    others = np.array(people, float)
    others[:, :2] = others[:, :2] @ turn.T
    others[:, 2:4] = others[:, 2:4] @ turn.T
    v, before, (ux, uy) = turn @ velocity, turn @ (0.9, 0.1), turn @ (1.0, 0.0)
    seen = np.empty(SEEN)
    describe(maps, ways, 0, others, 0, (*others[0, :2], *v, *before), 1.2, ux, uy, robot, seen)
    return seen


PEOPLE = [(1.0, 5.0, 0, 0, 0.25), (2.0, 4.6, -1.0, 0, 0.25), (-0.2, 4.9, 0, 0, 0.25),
          (2.6, 5.0, 0, 0.5, 0.25), (0.0, 0.0, 0, 0, 0.25)]


def test_what_is_seen_does_not_depend_on_how_the_map_lies():
    maps, ways, turn = place()
    turned = place(0.7)
    np.testing.assert_allclose(seen_by(turned[2], *turned[:2], PEOPLE),
                               seen_by(turn, maps, ways, PEOPLE), atol=1e-6)


def test_a_walker_sees_itself_the_wall_and_its_neighbours():
    maps, ways, turn = place()
    seen = seen_by(turn, maps, ways, PEOPLE)
    np.testing.assert_allclose(seen[:5], (1.0, 0.2, 0.9, 0.1, 1.2))
    assert seen[5] == pytest.approx(0.9, abs=0.11), 'room to the wall at y = 6 m'
    assert seen[7] == pytest.approx(-1.0, abs=0.05), 'the wall is on its left'
    first = seen[OWN:OWN + EACH]
    gap = np.hypot(1.0, 0.4) - 0.5
    near = 1.0 - gap / 3.0
    np.testing.assert_allclose(first, (
        near ** 2, near / np.hypot(1.0, 0.4), -0.4 * near / np.hypot(1.0, 0.4), -2.0 * near,
        -0.2 * near), atol=1e-9)
    # The one behind is nearer than the third ahead, but counts as 1 m farther off.
    assert seen[OWN + EACH + 1] > 0.0 > seen[OWN + 2 * EACH + 1]


def test_a_robot_to_give_way_to_is_seen_as_a_neighbour():
    maps, ways, turn = place()
    alone = seen_by(turn, maps, ways, PEOPLE[:1])
    assert not alone[OWN:].any()
    robot = seen_by(turn, maps, ways, PEOPLE[:1], robot=(2.0, 4.6, -1.0, 0.0, 0.25))
    np.testing.assert_allclose(robot, seen_by(turn, maps, ways, PEOPLE[:2]))


def test_the_way_leads_to_what_is_in_sight_and_ends_at_the_goal():
    maps, ways, _ = place()
    ux, uy, arrived = look(maps, ways, 0.0, 3.0)
    assert ux > 0.7 and uy < -0.2 and not arrived
    assert look(maps, ways, 5.9, 0.1)[2]
    assert look(maps, ways, 20.0, 0.0)[2], 'outside the map'


def test_changes_are_drawn_from_the_mixture():
    out = np.zeros(OUTPUTS)
    out[:PARTS] = np.log((0.2, 0.5, 0.3))
    out[PARTS:3 * PARTS] = (1.0, 0.0, -1.0, 2.0, 0.0, 0.0)
    out[3 * PARTS:] = np.log(0.1)
    chance = streams(3, 1)
    draw = numba.njit(lambda out, chance: draw_change(out, chance, 0))
    drawn = np.array([draw(out, chance) for _ in range(20_000)])
    part = np.abs(drawn[:, None] - out[PARTS:3 * PARTS].reshape(PARTS, 2)).sum(-1).argmin(1)
    np.testing.assert_allclose(np.bincount(part) / len(part), (0.2, 0.5, 0.3), atol=0.015)
    np.testing.assert_allclose(drawn[part == 1].std(axis=0), 0.1, rtol=0.05)
    np.testing.assert_allclose(drawn[part == 1].mean(axis=0), (-1.0, 2.0), atol=0.01)


def test_a_gait_comes_back_from_its_file(tmp_path):
    rng = np.random.default_rng(0)
    gait = Gait(True, 0.2, *(rng.normal(size=a.shape) for a in Gait.off()[2:]))
    (tmp_path / CARD).write_text(json.dumps(plain(gait)))
    back = load_gait(str(tmp_path))
    assert back.on and back.period == 0.2
    for a, b in zip(gait[2:], back[2:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize(('change', 'says'), [
    ({'period': 7.0}, 'period = 7.0 s is outside'),
    ({'weights': {}}, "no learned gait \\('first'\\)"),
    ({'weights': {**plain(Gait.off())['weights'], 'last_bias': [0.0]}}, 'last_bias has shape'),
])
def test_a_damaged_file_is_refused(tmp_path, change, says):
    (tmp_path / CARD).write_text(json.dumps({**plain(Gait.off()), **change}))
    with pytest.raises(InputError, match=says):
        load_gait(str(tmp_path))


def test_a_gait_that_is_not_there_is_refused_and_none_is_needed_without_people(tmp_path):
    settings = ActorSettings(walk='learned', walk_model=str(tmp_path))
    with pytest.raises(InputError, match='learned gait'):
        gait_of(settings)
    assert not gait_of(ActorSettings(count=0, walk='learned', walk_model=str(tmp_path))).on
    assert not gait_of(ActorSettings()).on
    assert gait_of(ActorSettings(walk='learned')).on, 'one ships with the package'


def test_neighbours_fill_what_is_seen():
    assert SEEN == OWN + EACH * NEIGHBOURS == len(Gait.off().first)
