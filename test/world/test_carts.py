from itertools import pairwise

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings, CartSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.scene import FloorLine, Scene
from synth_nodes.world.world import World

ALONE = ActorSettings(count=0)
HALL = GridMap(np.zeros((240, 240), np.int8), 0.05, (-6.0, -6.0, 0.0))
LOOP = np.array([[-4.0, -4], [4, -4], [4, 4], [-4, 4], [-4, -4]])


def off_line(line, points):
    """Distance of points, shape (N, 2), from a polyline."""
    best = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        t = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        best = np.minimum(best, np.hypot(*(points - a - t[:, None] * (b - a)).T))
    return best


def parked(line, carts, batch=1, pose=(0.0, 0.0, 0.0), seed=0, actors=ALONE):
    world = World(MapAtlas.build([Scene(HALL, lines=(FloorLine(line),))]), RobotSpec(), actors,
                  batch, seed, carts=carts)
    world.reset(pose=np.array(pose))
    return world


@pytest.mark.parametrize('line', (LOOP, LOOP[:4], LOOP[:2]))
@pytest.mark.parametrize('dt', (0.02, 0.2))
def test_carts_stay_on_their_track_at_their_speed(line, dt):
    world = parked(line, CartSettings(count=1, speed=1.0), 8)
    for _ in range(round(30 / dt)):
        before = world.actors[:, 0, :2].copy()
        world.step(np.zeros((8, 3)), dt)
        assert off_line(line, world.actors[:, 0, :2]).max() < 1e-6
        moved = np.hypot(*(world.actors[:, 0, :2] - before).T)
        assert (moved <= dt + 1e-9).all()
        assert np.hypot(*world.actors[:, 0, 2:4].T).max() <= 1.0 + 1e-9
    assert not world.collided.any()


def test_a_cart_runs_round_a_closed_track_and_to_and_fro_on_an_open_one():
    for line, quadrants in ((LOOP, 4), (LOOP[:2], 2)):
        world = parked(line, CartSettings(count=1, speed=2.0))
        seen = set()
        for _ in range(600):
            world.step(np.zeros((1, 3)), 0.1)
            x, y = world.actors[0, 0, :2]
            seen.add((x > 0, y > 0))
        assert len(seen) == quadrants


def test_smooth_tracks_are_followed_closely():
    scene = generate_scene('track_curved', 5)
    world = World(MapAtlas.build([scene]), RobotSpec(), ALONE, 4,
                  carts=CartSettings(count=2, radius=0.3, speed=1.5))
    for _ in range(100):
        world.step(np.zeros((4, 3)), 0.1)
        for a in range(2):
            assert off_line(scene.lines[0].points, world.actors[:, a, :2]).max() < 0.05


def test_a_cart_that_stops_keeps_its_gap_and_then_turns_back():
    carts = CartSettings(count=1, gap=0.6, speed=1.0, patience=3.0)
    world = parked(LOOP[:2], carts, pose=(0.0, -4.0, 0.0))
    gaps, x = [], []
    for _ in range(600):
        world.step(np.zeros((1, 3)), 0.05)
        assert not world.collided.any()
        gaps.append(world.clearance[0])
        x.append(world.actors[0, 0, 0])
    assert min(gaps) > 0.55
    assert np.ptp(x) > 1.0


def test_a_cart_that_does_not_stop_touches_a_robot_that_stands():
    carts = CartSettings(count=1, stops=False, speed=1.0)
    world = parked(LOOP[:2], carts, pose=(0.0, -4.0, 0.0))
    touched = False
    for _ in range(600):
        world.step(np.zeros((1, 3)), 0.05)
        touched |= bool(world.blocked_by_actor[0])
        assert world.clearance[0] >= 0.0
        assert off_line(LOOP[:2], world.actors[0, :, :2]).max() < 1e-6
    assert touched


def test_people_and_carts_share_a_world():
    world = parked(LOOP, CartSettings(count=2), 4, actors=ActorSettings(count=3))
    assert world.actors.shape == (4, 5, 5)
    assert (world.actors[:, :3, 4] == 0.25).all() and (world.actors[:, 3:, 4] == 0.4).all()
    start = world.actors.copy()
    for _ in range(100):
        world.step(np.zeros((4, 3)), 0.1)
    assert (np.hypot(*np.moveaxis(world.actors - start, -1, 0)[:2]) > 0.2).mean() > 0.7


def test_carts_without_a_line_or_without_room_are_refused():
    with pytest.raises(InputError, match='no painted line'):
        World(MapAtlas.build([HALL]), RobotSpec(), ALONE, carts=CartSettings(count=1))
    near = Scene(HALL, lines=(FloorLine(np.array([[-5.8, 0.0], [5.0, 0.0]])),))
    with pytest.raises(InputError, match=r'carts\.radius'):
        World(MapAtlas.build([near]), RobotSpec(), ALONE, carts=CartSettings(count=1))
