"""The worlds of both back ends, side by side: same seed, same commands, same world."""

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.gpu.device import open_device
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings, CartSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.randomise import Randomisation
from synth_nodes.world.scene import FloorLine, Scene
from synth_nodes.world.world import World

wp = pytest.importorskip('warp', reason='needs the extra gpu-sim (NVIDIA Warp)')
pytest.importorskip('torch', reason='needs torch')
BATCH = 48
PEOPLE = ActorSettings(count=5)
NAMES = ('pose', 'velocity', 'wheel_velocity', 'steer', 'actors', 'clearance', 'time',
         'mount_offset')
CROWD = ('goal', 'pace', 'rest', 'blocked', 'track', 'along', 'sense', 'recall')
FLAGS = ('collided', 'blocked_by_actor', 'map_index')
ROBOTS = {
    'differential': RobotSpec(slip=0.05, turn_slip=0.03),
    'ackermann': RobotSpec(drive='ackermann', command_latency=0.13),
    'omnidirectional': RobotSpec(drive='omnidirectional', actuator_lag=0.0),
}


@pytest.fixture(scope='module')
def device():
    return open_device('cpu')


@pytest.fixture(scope='module')
def atlas():
    rng = np.random.default_rng(4)
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    hall = GridMap(np.zeros((240, 240), np.int8), 0.05, (*turn @ (-6.0, -6.0), 0.4))
    boxes = np.column_stack((
        rng.uniform(-1.5, 1.5, (3, 2)), rng.uniform(-3, 3, 3), rng.uniform(0.2, 0.8, (3, 2)),
        np.ones(3), np.zeros(3)))
    posts = np.column_stack((rng.uniform(-2, 2, (3, 2)), np.full(3, 0.1), np.ones((3, 2))))
    loop = np.array([[-3.0, -3], [3, -3], [3, 3], [-3, 3], [-3, -3]])
    return MapAtlas.build([
        Scene(hall, boxes=boxes, cylinders=posts, lines=(FloorLine(loop @ turn.T),)),
        generate_scene('track_curved', 1)])


def both(atlas, device, robot, actors=PEOPLE, **extra):
    from synth_nodes.gpu.world import DeviceWorld
    world = World(atlas, robot, actors, BATCH, 3, **extra)
    return world, DeviceWorld(world, device)


def assert_same(host, other):
    for name in NAMES:
        np.testing.assert_allclose(np.asarray(getattr(other, name)), getattr(host, name),
                                   rtol=0.0, atol=1e-9, err_msg=name)
    for name in CROWD:
        np.testing.assert_allclose(getattr(other.state.crowd, name).numpy(),
                                   getattr(host.parts.state.crowd, name),
                                   rtol=0.0, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(other.state.streams.numpy(), host.parts.state.streams)
    for name in FLAGS:
        np.testing.assert_array_equal(np.asarray(getattr(other, name)), getattr(host, name),
                                      err_msg=name)


def roll_out(host, other, steps=160, dt=0.05):
    """Drive both by the same random commands; return how often robots touched something."""
    rng = np.random.default_rng(1)
    contacts = 0
    for k in range(steps):
        if k % 12 == 0:
            command = rng.uniform((-0.4, -0.6, -1.5), (0.9, 0.6, 1.5), (BATCH, 3))
        host.step(command, dt)
        other.step(command, dt)
        contacts += host.collided.sum()
        if k % 20 == 0:
            assert_same(host, other)
    assert_same(host, other)
    return contacts


@pytest.mark.parametrize('drive', ROBOTS)
def test_roll_outs_among_people_and_carts_are_those_of_the_numba_world(atlas, device, drive):
    host, other = both(atlas, device, ROBOTS[drive],
                       carts=CartSettings(count=1, radius=0.3))
    start = host.pose.copy()
    assert roll_out(host, other) > 100
    assert np.hypot(*(host.pose - start)[:, :2].T).mean() > 0.3
    assert (np.abs(host.actors[..., 2:4]).max(axis=(1, 2)) > 0.1).any()


@pytest.mark.parametrize('give_way', (True, False))
def test_people_of_a_learned_gait_walk_alike(atlas, device, give_way):
    host, other = both(atlas, device, RobotSpec(), ActorSettings(
        count=5, speed=1.2, walk='learned', give_way=give_way),
        carts=CartSettings(count=1, radius=0.3))
    roll_out(host, other, 120)
    speed = np.hypot(*np.moveaxis(host.actors[:, :5, 2:4], -1, 0))
    assert len(np.unique(speed.round(6))) > 100, 'each at its own speed'


def test_people_who_are_blocked_step_aside_and_turn_back_alike(atlas, device):
    host, other = both(atlas, device, RobotSpec(), ActorSettings(count=8, patience=0.2))
    crowd, turned = host.parts.state.crowd, 0
    for _ in range(200):
        goal, rest = crowd.goal.copy(), crowd.rest.copy()
        host.step(np.zeros((BATCH, 3)), 0.1)
        other.step(np.zeros((BATCH, 3)), 0.1)
        turned += ((crowd.goal != goal) & (rest <= 0.0) & (crowd.rest <= 0.0)).sum()
    assert turned > 50
    assert_same(host, other)


def test_people_who_do_not_give_way_touch_robots_alike(atlas, device):
    host, other = both(atlas, device, RobotSpec(), ActorSettings(count=8, give_way=False))
    touched = 0
    for _ in range(300):
        host.step(np.zeros((BATCH, 3)), 0.1)
        other.step(np.zeros((BATCH, 3)), 0.1)
        touched += host.blocked_by_actor.sum()
    assert touched > 10
    assert_same(host, other)


def test_resets_draw_the_same_worlds(atlas, device):
    chance = Randomisation(
        speed=(0.5, 1.5), latency=(0.5, 3.0), slip=(0.0, 0.1), people=(0.2, 1.0), give_way=0.5,
        mount_shift=0.05, mount_turn=0.1, any_map=True)
    host, other = both(atlas, device, RobotSpec(), randomisation=chance,
                       carts=CartSettings(count=1, radius=0.3))
    before = host.map_index.copy()
    roll_out(host, other, 20)
    host.reset()
    other.reset()
    assert_same(host, other)
    assert (host.map_index != before).any()
    mask = np.arange(BATCH) % 3 == 0
    host.reset(mask)
    other.reset(mask)
    roll_out(host, other, 60)
    pose = host.pose[mask].copy()
    full = host.pose.copy()
    host.reset(mask, pose)
    other.reset(mask, full)
    roll_out(host, other, 20)


def test_a_world_without_people_steps(atlas, device):
    host, other = both(atlas, device, RobotSpec(), ActorSettings(count=0))
    roll_out(host, other, 40)


def test_views_share_the_memory_of_the_world(atlas, device):
    _, other = both(atlas, device, RobotSpec())
    view, before = other.pose, other.pose.clone()
    other.step(np.tile([0.5, 0.0, 0.0], (BATCH, 1)), 0.1)
    assert view.data_ptr() == other.state.pose.ptr
    assert (view != before).any()


def test_a_command_that_is_not_finite_is_none_and_is_said(atlas, device):
    host, other = both(atlas, device, RobotSpec())
    command = np.tile([0.5, 0.0, 0.2], (BATCH, 1))
    wrong = command.copy()
    wrong[3, 2], command[3] = np.nan, 0.0
    for _ in range(5):
        host.step(command, 0.05)
        other.step(wrong, 0.05)
    assert_same(host, other)
    with pytest.raises(InputError, match='NaN or infinity'):
        other.check()
    other.check()


def test_wrong_shapes_and_steps_are_refused(atlas, device):
    _, other = both(atlas, device, RobotSpec())
    with pytest.raises(InputError, match=r'command is float64 of shape \(2, 3\)'):
        other.step(np.zeros((2, 3)), 0.1)
    with pytest.raises(InputError, match=r'dt = 0\.5 s'):
        other.step(np.zeros((BATCH, 3)), 0.5)
