import dataclasses

import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from shape_reference import contains, outline, placed

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.collision import Body
from synth_nodes.world.scene import Scene
from synth_nodes.world.solids import draw_scene, solids_gap
from synth_nodes.world.world import World

OPEN = GridMap(np.zeros((240, 240), np.int8), 0.05, (-6.0, -6.0, 0.2))
ALONE = ActorSettings(count=0)
SHAPES = ((0.21, 0.18, -0.21, 0.18, -0.21, -0.18, 0.21, -0.18),
          (0.5, 0.0, -0.1, 0.1, -0.1, -0.1), (0.3, 0.05, -0.02, 0.2, -0.3, 0.0, 0.0, -0.3))
QUICK = RobotSpec(actuator_lag=0.0, command_latency=0.0, acceleration=20.0, deceleration=20.0,
                  turn_acceleration=50.0, max_speed=3.0, max_turn_rate=4.0)


def corners_of(box):
    half = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (box[3] / 2, box[4] / 2)
    return placed(half, box[:3])


def dense_gap(polygon, boxes, cylinders):
    """Distance of two outlines sampled every 2 mm; 0 where one holds points of the other."""
    points = outline(polygon)
    best = np.inf
    for box in boxes:
        other = outline(corners_of(box))
        if contains(polygon, other).any() or contains(corners_of(box), points).any():
            return 0.0
        best = min(best, min(np.hypot(*(other - p).T).min() for p in points[::5]))
    for x, y, radius, *_ in cylinders:
        if contains(polygon, np.array([[x, y]]))[0]:
            return 0.0
        best = min(best, max(np.hypot(*(points - (x, y)).T).min() - radius, 0.0))
    return best


def furnished(seed, boxes=3, cylinders=3):
    rng = np.random.default_rng(seed)
    return Scene(OPEN, boxes=np.column_stack((
        rng.uniform(-2, 2, (boxes, 2)), rng.uniform(-3, 3, boxes),
        rng.uniform(0.05, 1.5, (boxes, 2)), np.ones(boxes), np.zeros(boxes))),
        cylinders=np.column_stack((rng.uniform(-2, 2, (cylinders, 2)),
                                   rng.uniform(0.02, 0.4, cylinders), np.ones(cylinders),
                                   np.zeros(cylinders))))


@given(seed=st.integers(0, 100_000), shape=st.sampled_from(SHAPES))
@hypothesis.settings(max_examples=60, deadline=None)
def test_gap_to_solids_equals_dense_sampling(seed, shape):
    scene, robot = furnished(seed, 2, 2), RobotSpec(footprint=shape)
    rng = np.random.default_rng(seed + 1)
    pose = np.array([*rng.uniform(-2, 2, 2), rng.uniform(-3, 3)])
    body = Body.of(robot)
    got = solids_gap(MapAtlas.build([scene]).arrays.solids, 0, body.x, body.y, body.radius,
                     *pose, 50.0)
    want = dense_gap(placed(robot.polygon, pose), scene.boxes, scene.cylinders)
    assert got == pytest.approx(want, abs=6e-3)
    assert (got > 0.0) == (want > 0.0) or want < 6e-3


def test_a_thin_box_right_through_the_robot_counts_as_contact():
    scene = Scene(OPEN, boxes=np.array([[0, 0, 0.1, 4.0, 0.01, 1, 0.0]]))
    body = Body.of(RobotSpec())
    solids = MapAtlas.build([scene]).arrays.solids
    assert solids_gap(solids, 0, body.x, body.y, body.radius, 0.0, 0.05, 0.7, 2.0) == 0.0


@given(seed=st.integers(0, 100_000), shape=st.sampled_from(SHAPES), dt=st.floats(0.02, 0.2))
@hypothesis.settings(max_examples=15, deadline=None)
def test_no_motion_leads_into_a_solid_and_contact_is_where_they_touch(seed, shape, dt):
    scene = furnished(seed)
    robot = dataclasses.replace(QUICK, footprint=shape, drive='omnidirectional',
                                max_lateral_speed=3.0, lateral_acceleration=20.0)
    world = World(MapAtlas.build([scene]), robot, ALONE, 4, seed)
    rng = np.random.default_rng(seed)
    command = np.column_stack((rng.uniform(-0.2, 3, 4), rng.uniform(-2, 2, 4),
                               rng.uniform(-4, 4, 4)))
    for _ in range(8):
        world.step(command, dt)
        for b in np.flatnonzero(world.clearance < 0.5):
            gap = dense_gap(placed(robot.polygon, world.pose[b]), scene.boxes, scene.cylinders)
            assert gap > 0.0
            assert world.clearance[b] <= gap + 6e-3


def test_a_thin_box_is_not_jumped_over_in_one_long_step():
    scene = Scene(OPEN, boxes=np.array([[2.0, 0.0, 0.0, 0.002, 1.0, 1, 0.0]]))
    world = World(MapAtlas.build([scene]), QUICK, ALONE)
    world.reset(pose=np.array([0.0, 0.0, 0.0]))
    for _ in range(8):
        world.step(np.array([[3.0, 0.0, 0.0]]), 0.2)
    assert world.collided[0]
    assert world.pose[0, 0] == pytest.approx(2.0 - 0.001 - 0.21, abs=3e-3)


def test_a_pose_in_a_box_is_refused():
    world = World(MapAtlas.build([Scene(OPEN, boxes=np.array([[0, 0, 0, 3, 3, 1, 0.0]]))]),
                  RobotSpec(), ALONE)
    with pytest.raises(InputError, match='pose x='):
        world.reset(pose=np.zeros(3))


def test_robots_start_and_people_walk_clear_of_solids():
    scene = furnished(4, 6, 6)
    world = World(MapAtlas.build([scene]), RobotSpec(), ActorSettings(count=3), 12)
    assert (world.clearance > 0.05).all()
    for _ in range(150):
        world.step(np.zeros((12, 3)), 0.1)
        for b in range(12):
            for x, y, _, _, radius in world.actors[b]:
                disc = np.column_stack((np.cos(a := np.linspace(0, 6.28, 40)), np.sin(a)))
                assert dense_gap(disc * radius + (x, y), scene.boxes[:1], []) > 0.0
        if world.time[0] > 3:
            break


@given(seed=st.integers(0, 100_000))
@hypothesis.settings(max_examples=20, deadline=None)
def test_drawing_marks_the_cells_that_are_covered_and_no_others(seed):
    scene = furnished(seed, 2, 2)
    drawn = draw_scene(scene).occupancy > 0
    rows, columns = np.meshgrid(np.arange(240), np.arange(240), indexing='ij')
    share = np.linspace(0.02, 0.98, 7)
    covered = np.zeros(drawn.shape, bool)
    for u in share:
        for v in share:
            points = OPEN.to_map(np.stack((columns + u, rows + v), -1)).reshape(-1, 2)
            inside = np.zeros(len(points), bool)
            for box in scene.boxes:
                inside |= contains(corners_of(box), points)
            for x, y, radius, *_ in scene.cylinders:
                inside |= np.hypot(*(points - (x, y)).T) < radius
            covered |= inside.reshape(drawn.shape)
    assert not (covered & ~drawn).any()
    # Samples miss slivers of cells: what is drawn beyond them lies beside what is covered.
    beside = np.pad(covered, 1)
    grown = sum(np.roll(np.roll(beside, a, 0), b, 1) for a in (-1, 0, 1) for b in (-1, 0, 1))
    assert not (drawn & ~(grown[1:-1, 1:-1] > 0)).any() or covered.sum() < 5
