import numpy as np
import pytest
from shape_reference import discs_overlap_solid

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.world import World

ROBOT = RobotSpec()
DT = 0.05


@pytest.fixture(scope='module')
def atlas():
    return MapAtlas.build([generate_building(s) for s in (0, 1)])


def walk(world, seconds, command=(0.0, 0.0, 0.0)):
    commands = np.tile(command, (world.batch, 1))
    for _ in range(round(seconds / DT)):
        world.step(commands, DT)
        yield


@pytest.mark.parametrize(('give_way', 'how'), [
    (True, 'ways'), (False, 'ways'), (True, 'learned'), (False, 'learned')])
def test_people_never_enter_walls(atlas, give_way, how):
    settings = ActorSettings(count=6, speed=1.2, give_way=give_way, walk=how)
    world = World(atlas, ROBOT, settings, 16, 2)
    for k, _ in enumerate(walk(world, 60.0)):
        for m in (0, 1) if k % 3 == 0 else ():
            people = world.actors[world.map_index == m].reshape(-1, 5)
            assert not discs_overlap_solid(atlas.maps[m], people[:, :2], 0.25).any()


@pytest.mark.parametrize(('how', 'fastest'), [('ways', 0.6), ('learned', 0.9)])
def test_people_never_jump(atlas, how, fastest):
    world = World(atlas, ROBOT, ActorSettings(walk=how), 16, 2)
    before = world.actors.copy()
    for _ in walk(world, 20.0):
        step = np.hypot(*(world.actors - before)[..., :2].reshape(-1, 2).T)
        assert step.max() <= fastest * DT + 1e-9
        before = world.actors.copy()


@pytest.mark.parametrize('how', ('ways', 'learned'))
def test_people_get_about(atlas, how):
    world = World(atlas, ROBOT, ActorSettings(walk=how), 16, 3)
    start, moving, farthest = world.actors[..., :2].copy(), [], 0.0
    for _ in walk(world, 60.0):
        moving.append(np.hypot(*world.actors[..., 2:4].reshape(-1, 2).T) > 0.1)
        farthest = np.maximum(farthest, np.hypot(*np.moveaxis(world.actors[..., :2] - start,
                                                              -1, 0)))
    assert np.mean(moving) > 0.75
    assert (farthest > 3.0).mean() > 0.9


@pytest.mark.parametrize('how', ('ways', 'learned'))
def test_people_who_give_way_never_walk_into_a_robot_that_stands(atlas, how):
    world = World(atlas, ROBOT, ActorSettings(count=12, speed=1.5, walk=how), 48, 4)
    nearest = np.inf
    for _ in walk(world, 60.0):
        assert not world.collided.any()
        gap = np.hypot(*np.moveaxis(world.actors[..., :2] - world.pose[:, None, :2], -1, 0))
        nearest = min(nearest, gap.min() - 0.25)
    assert 0.18 < nearest < 0.9


def test_people_whom_a_standing_robot_cuts_off_turn_back():
    cells = np.full((24, 240), 0, np.int8)
    cells[[0, -1], :] = cells[:, [0, -1]] = 100
    corridor = MapAtlas.build([GridMap(cells, 0.05)])
    world = World(corridor, ROBOT, ActorSettings(count=2, pause=0.0), 32, 3)
    world.reset(np.arange(32), np.tile((6.0, 0.6, 0.0), (32, 1)))
    beyond, still, longest = world.actors[..., 0] > 6.0, np.zeros((32, 2)), 0.0
    for _ in walk(world, 60.0):
        speed = np.hypot(*np.moveaxis(world.actors[..., 2:4], -1, 0))
        still = np.where(speed < 0.05, still + DT, 0.0)
        longest = max(longest, still.max())
    assert np.array_equal(beyond, world.actors[..., 0] > 6.0), 'there is no way past the robot'
    assert ActorSettings().patience < longest < 2.5 * ActorSettings().patience


def test_people_who_do_not_give_way_bump_into_it_and_it_is_not_its_doing(atlas):
    world = World(atlas, ROBOT, ActorSettings(count=12, speed=1.5, give_way=False), 48, 4)
    bumps = 0
    for _ in walk(world, 60.0):
        assert np.array_equal(world.collided, world.blocked_by_actor)
        bumps += world.collided.sum()
        touching = world.clearance[world.collided]
        assert (touching > 0).all() and (touching < 5e-3).all()
    assert bumps > 5


def test_a_robot_that_drives_into_people_is_to_blame_and_never_inside_them(atlas):
    world = World(atlas, ROBOT, ActorSettings(count=20, give_way=False), 48, 5)
    blamed = 0
    for _ in walk(world, 20.0, (0.8, 0.0, 0.3)):
        assert (world.clearance > 0).all()
        blamed += (world.collided & ~world.blocked_by_actor).sum()
    assert blamed > 10


def test_people_do_not_appear_on_the_robot(atlas):
    world = World(atlas, ROBOT, ActorSettings(count=10), 200, 6)
    gap = np.hypot(*np.moveaxis(world.actors[..., :2] - world.pose[:, None, :2], -1, 0))
    assert gap.min() >= ROBOT.radius + 0.25 + 0.6


def test_a_map_too_small_for_people_is_refused():
    small = MapAtlas.build([GridMap(np.zeros((20, 20), np.int8), 0.05)])
    with pytest.raises(InputError, match=r'actors\.count'):
        World(small, ROBOT, ActorSettings(count=1))


def test_people_of_a_learned_gait_set_off_slowly_and_those_of_ways_at_once(atlas):
    share = {}
    for how in ('ways', 'learned'):
        world = World(atlas, ROBOT, ActorSettings(count=1, walk=how, pause=0.0), 32, 2)
        speeds = [np.hypot(*world.actors[:, 0, 2:4].T) for _ in walk(world, 4.0)]
        share[how] = np.array(speeds)[[0, 20, 60]] / world.parts.state.crowd.pace[:, 0]
    np.testing.assert_allclose(np.median(share['ways'], axis=1), 1.0)
    assert np.median(share['learned'][0]) < 0.5
    assert (np.median(share['learned'][1:], axis=1) > 0.75).all()


def test_the_same_seed_walks_the_same_by_a_learned_gait(atlas):
    ends = []
    for seed in (7, 7, 8):
        world = World(atlas, ROBOT, ActorSettings(walk='learned'), 8, seed)
        list(walk(world, 5.0))
        ends.append(world.actors.copy())
    assert np.array_equal(ends[0], ends[1]) and not np.array_equal(ends[0], ends[2])
