import numpy as np
import pytest
from shape_reference import overlaps

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.map_io import load_map
from synth_nodes.world.world import World

ROBOT = RobotSpec()
ALONE = ActorSettings(count=0)


@pytest.fixture(scope='module')
def atlas():
    return MapAtlas.build([generate_building(0), generate_building(1, resolution=0.1)])


@pytest.fixture(scope='module')
def hall():
    return MapAtlas.build([GridMap(np.zeros((400, 400), np.int8), 0.05)])


def run(world, steps=80, dt=0.05, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        command = rng.uniform((0, 0, -1), (0.8, 0, 1), (world.batch, 3))
        world.step(command, dt)
    return world


def test_the_same_seed_gives_the_same_bytes(atlas):
    a, b = (run(World(atlas, ROBOT, ActorSettings(), 8, 3)) for _ in range(2))
    for name in ('pose', 'velocity', 'actors', 'clearance', 'collided'):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    assert not np.array_equal(a.pose, run(World(atlas, ROBOT, ActorSettings(), 8, 4)).pose)


def test_a_world_does_not_depend_on_its_neighbours(atlas):
    few = World(atlas, ROBOT, ActorSettings(), 2, 3)
    many = World(atlas, ROBOT, ActorSettings(), 6, 3)
    for _ in range(100):
        few.step(np.tile([0.3, 0.0, 0.2], (2, 1)), 0.05)
        many.step(np.tile([0.3, 0.0, 0.2], (6, 1)), 0.05)
    assert np.array_equal(few.pose, many.pose[:2])
    assert np.array_equal(few.actors, many.actors[:2])


def test_steady_driving_follows_the_circle(hall):
    world = World(hall, ROBOT, ALONE)
    world.reset(pose=np.array([10.0, 10.0, 0.0]))
    command = np.array([[0.5, 0.0, 0.4]])
    for _ in range(60):
        world.step(command, 0.05)
    x, y, yaw = world.pose[0]
    for _ in range(100):
        world.step(command, 0.05)
    turned = yaw + 2.0
    want = (x + 1.25 * (np.sin(turned) - np.sin(yaw)), y - 1.25 * (np.cos(turned) - np.cos(yaw)))
    assert world.pose[0, :2] == pytest.approx(want, abs=1e-4)
    assert world.velocity[0] == pytest.approx([0.5, 0.0, 0.4], abs=1e-4)
    assert world.time[0] == pytest.approx(8.0)


def test_stopping_distance_is_that_of_latency_lag_and_braking(hall):
    world = World(hall, ROBOT, ALONE)
    world.reset(pose=np.array([3.0, 10.0, 0.0]))
    for _ in range(80):
        world.step(np.array([[0.8, 0.0, 0.0]]), 0.05)
    start = world.pose[0, 0]
    for _ in range(80):
        world.step(np.zeros((1, 3)), 0.05)
    ramp = ROBOT.deceleration * ROBOT.actuator_lag
    want = (0.8 * ROBOT.command_latency + (0.8 ** 2 - ramp ** 2) / (2 * ROBOT.deceleration)
            + ramp * ROBOT.actuator_lag)
    assert world.pose[0, 0] - start == pytest.approx(want, abs=1e-3)


def test_the_path_does_not_depend_on_the_step_while_the_command_stays(hall):
    ends = []
    for dt in (0.01, 0.025, 0.05):
        world = World(hall, ROBOT, ALONE)
        world.reset(pose=np.array([10.0, 10.0, 0.0]))
        for _ in range(round(2.0 / dt)):
            world.step(np.array([[0.7, 0.0, 0.8]]), dt)
        ends.append(world.pose[0].copy())
    assert ends[0] == pytest.approx(ends[2], abs=2e-3)
    assert ends[0] == pytest.approx(ends[1], abs=2e-3)


def test_limits_hold_whatever_is_commanded(atlas):
    world = World(atlas, ROBOT, ALONE, 8)
    before = world.velocity.copy()
    rng = np.random.default_rng(1)
    for _ in range(100):
        world.step(rng.uniform(-9, 9, (8, 3)), 0.05)
        v, w = world.velocity[:, 0], world.velocity[:, 2]
        assert v.max() <= 0.8 + 1e-9 and v.min() >= -0.2 - 1e-9 and abs(w).max() <= 1.5 + 1e-9
        assert not world.velocity[:, 1].any()
        free = ~world.collided
        change = world.velocity[free] - before[free]
        assert abs(change[:, 0]).max(initial=0) <= 1.5 * 0.05 + 1e-9
        assert abs(change[:, 2]).max(initial=0) <= 4.0 * 0.05 + 1e-9
        before = world.velocity.copy()


def test_free_poses_and_resets_are_clear_of_walls(atlas):
    world = World(atlas, ROBOT, ALONE, 60, 1)
    rng = np.random.default_rng(0)
    for b in range(60):
        assert not overlaps(atlas.maps[world.map_index[b]], ROBOT.polygon, world.pose[b], 0.0)
        m = b % 2
        pose = world.free_pose(m, rng)
        assert world.fits(m, pose)
        assert not overlaps(atlas.maps[m], ROBOT.polygon, pose, 0.0)


def test_reset_touches_only_the_worlds_named(atlas):
    world = run(World(atlas, ROBOT, ActorSettings(), 5, 1))
    pose, actors = world.pose.copy(), world.actors.copy()
    world.reset(np.array([1, 3]))
    assert np.array_equal(world.pose[[0, 2, 4]], pose[[0, 2, 4]])
    assert np.array_equal(world.actors[[0, 2, 4]], actors[[0, 2, 4]])
    assert not np.array_equal(world.pose[[1, 3]], pose[[1, 3]])
    assert not world.velocity[[1, 3]].any() and not world.time[[1, 3]].any()
    world.reset(np.array([False, False, True, False, False]), pose[2])
    assert np.array_equal(world.pose[2], pose[2])


def test_a_command_from_before_the_reset_has_no_effect(hall):
    world = World(hall, RobotSpec(command_latency=0.5), ALONE)
    world.step(np.array([[0.8, 0.0, 0.0]]), 0.1)
    world.reset(pose=np.array([10.0, 10.0, 0.0]))
    for _ in range(20):
        world.step(np.zeros((1, 3)), 0.1)
    assert world.pose[0, :2] == pytest.approx([10.0, 10.0])


@pytest.mark.parametrize('pose', ([-0.2, 3.0, 0.0], [0.05, 0.05, 0.0], [np.nan, 1.0, 0.0],
                                  [900.0, 0.0, 0.0]))
def test_a_pose_in_a_wall_or_outside_is_refused_and_nothing_changes(atlas, pose):
    world = World(atlas, ROBOT, ALONE, 1, 1)
    before = world.pose.copy()
    with pytest.raises(InputError, match='pose x='):
        world.reset(pose=np.array(pose))
    assert np.array_equal(world.pose, before)


def test_what_does_not_fit_is_refused(atlas):
    world = World(atlas, ROBOT, ALONE, 2)
    with pytest.raises(InputError, match='command has shape'):
        world.step(np.zeros((1, 3)), 0.05)
    with pytest.raises(InputError, match='NaN'):
        world.step(np.full((2, 3), np.nan), 0.05)
    for dt in (0.0, 0.5, float('nan')):
        with pytest.raises(InputError, match='dt'):
            world.step(np.zeros((2, 3)), dt)
    with pytest.raises(InputError, match='reset index'):
        world.reset(np.array([7]))
    with pytest.raises(InputError, match='batch'):
        World(atlas, ROBOT, ALONE, 0)
    big = RobotSpec(footprint=(3.0, 3.0, -3.0, 3.0, -3.0, -3.0, 3.0, -3.0))
    with pytest.raises(InputError, match='no room for a robot'):
        World(MapAtlas.build([GridMap(np.zeros((30, 30), np.int8), 0.05)]), big, ALONE)


@pytest.mark.parametrize('name', ('depot', 'warehouse', 'tb3_sandbox'))
def test_robots_and_people_move_in_known_maps(shared_data, name):
    atlas = MapAtlas.build([load_map(shared_data / 'maps' / f'{name}.yaml')])
    world = World(atlas, ROBOT, ActorSettings(count=3, places=4), 8)
    start = world.pose.copy()
    run(world, 60)
    assert (np.hypot(*(world.pose - start)[:, :2].T) > 0.3).any()
    assert (world.clearance > 0).all()
    for b in range(8):
        assert not overlaps(atlas.maps[0], ROBOT.polygon, world.pose[b])
