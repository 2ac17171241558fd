from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.labels import (
    base_from_laser,
    clearance,
    draw_commands,
    fan,
    straightness,
    time_to_contact,
)
from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.collision import CONTACT
from synth_nodes.world.scene import Scene

ROBOT = RobotSpec()


@pytest.fixture(scope='module')
def hall() -> MapAtlas:
    """A hall of 10 m x 10 m with its walls at 0 and 10, and a pillar of 0.2 m at (7, 5)."""
    cells = np.full((220, 220), 100, np.int8)
    cells[10:210, 10:210] = 0
    cells[108:112, 148:152] = 100
    return MapAtlas.build([GridMap(cells, 0.05, (-0.5, -0.5, 0.0), 'hall')])


@pytest.fixture(scope='module')
def posts() -> MapAtlas:
    """A wide hall with thin posts 0.24 m and more around its middle."""
    cells = np.full((400, 400), 0, np.int8)
    ring = [(5.0 + r * np.cos(a), 5.0 + r * np.sin(a), 0.01, 1.0, 0.0)
            for r, a in ((0.24, 1.6), (0.262, -0.8), (0.5, 0.2), (0.9, 3.0), (1.4, -2.0))]
    return MapAtlas.build([Scene(GridMap(cells, 0.05, (-5.0, -5.0, 0.0), 'posts'),
                                 cylinders=np.array(ring))])


def contact(atlas, pose, command, horizon=20.0, actors=None):
    return float(time_to_contact(atlas, ROBOT, np.zeros(1, int), np.array([pose], float),
                                 np.array([[command]], float), horizon, actors)[0, 0])


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 9.0), st.floats(0.1, 1.5))
def test_straight_drive_touches_the_wall_when_the_front_is_there(hall, y, speed):
    """Closed form: the front is 0.21 m ahead of base_link, the wall at x = 0."""
    time = contact(hall, (3.0, y, np.pi), (speed, 0.0, 0.0), 100.0)
    assert time == pytest.approx((3.0 - 0.21) / speed, abs=2e-3 / speed + 1e-4)


def test_turning_in_free_space_never_touches(hall):
    assert contact(hall, (3.0, 3.0, 0.3), (0.0, 0.0, 1.5)) == np.inf
    assert contact(hall, (3.0, 3.0, 0.3), (0.0, 0.0, 0.0)) == np.inf


def test_turning_beside_a_wall_touches_with_the_corner(hall):
    """Closed form: the corner at radius 0.2766 m meets a wall 0.25 m away."""
    radius, corner = np.hypot(0.21, 0.18), np.arctan2(0.18, 0.21)
    time = contact(hall, (0.25, 5.0, np.pi / 2), (0.0, 0.0, 1.0))
    # The front left corner starts at pi/2 + corner and has to reach pi - acos(0.25 / radius).
    angle = np.pi - np.arccos((0.25 - CONTACT) / radius) - (np.pi / 2 + corner)
    assert time == pytest.approx(angle, abs=5e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.6, 9.4), st.floats(0.6, 9.4), st.floats(-3.1, 3.1), st.floats(0.05, 0.8),
       st.floats(-1.5, 1.5))
def test_contact_agrees_with_fine_stepping(hall, x, y, yaw, v, w):
    pose = np.array([[x, y, yaw]])
    if clearance(hall, ROBOT, np.zeros(1, int), pose)[0] < 0.02:
        return
    time = contact(hall, (x, y, yaw), (v, 0.0, w), 6.0)
    t = np.linspace(0.0, min(time, 6.0), 4000)
    turn = yaw + w * t
    if abs(w) > 1e-6:
        px = x + v / w * (np.sin(turn) - np.sin(yaw))
        py = y - v / w * (np.cos(turn) - np.cos(yaw))
    else:
        px, py = x + v * t * np.cos(yaw), y + v * t * np.sin(yaw)
    gaps = clearance(hall, ROBOT, np.zeros(len(t), int), np.stack((px, py, turn), axis=1))
    assert gaps[:-8].min() > 0.0
    assert not np.isfinite(time) or gaps[-1] < 3e-3


def test_contacts_are_those_that_the_slow_way_finds():
    """Whole footprints on every millisecond of the way, among the furniture of an office."""
    grid = generate_building(3, 12.0, 10.0)
    office, here, rng = MapAtlas.build([grid]), np.zeros(1, int), np.random.default_rng(5)
    rows = np.argwhere(~grid.solid())
    poses = np.column_stack((grid.to_map(rows[rng.integers(len(rows), size=300)][:, ::-1] + 0.5),
                             rng.uniform(-np.pi, np.pi, 300)))
    poses = poses[clearance(office, ROBOT, np.zeros(300, int), poses) > 0.02]
    t = np.arange(0.0, 3.0, 1e-3)
    off = []
    for pose, (v, _, w) in zip(poses, draw_commands(ROBOT, rng, (len(poses),)), strict=True):
        turn = pose[2] + w * t
        span = t * np.sinc(w * t / (2 * np.pi))
        way = np.stack((pose[0] + v * span * np.cos(pose[2] + w * t / 2),
                        pose[1] + v * span * np.sin(pose[2] + w * t / 2), turn), axis=1)
        gaps = clearance(office, ROBOT, np.repeat(here, len(t)), way)
        found = min(contact(office, pose, (v, 0.0, w), 3.0), 3.0)
        assert (gaps[t < found - 1e-3] > 0.4 * CONTACT).all()
        if found < 2.999:
            assert gaps[t >= found][0] <= CONTACT + 1e-3 * (abs(v) + abs(w) * ROBOT.radius)
        off.append(found - np.append(t[gaps <= CONTACT], 3.0)[0])
    assert len(off) > 50 and np.isfinite(off).all()
    # A wall that is only grazed, never by less than 0.4 mm, may be missed.
    assert (np.abs(off) < 4e-3).mean() > 0.98


def test_people_are_met_where_they_walk(hall):
    actors = np.array([[[5.0, 3.0, -0.5, 0.0, 0.25]]])
    time = contact(hall, (2.0, 3.0, 0.0), (0.5, 0.0, 0.0), 10.0, actors)
    assert time == pytest.approx((3.0 - 0.21 - 0.25) / 1.0, abs=5e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.8, 0.8), st.floats(-3.1, 3.1), st.floats(0.0, 0.8), st.floats(-1.5, 1.5))
def test_contact_with_exact_solids_agrees_with_fine_stepping(posts, y, yaw, v, w):
    """A thin post beside a turning robot is met by the corner that swings, far from any wall."""
    pose = np.array([[5.0, 5.0 + y, yaw]])
    if clearance(posts, ROBOT, np.zeros(1, int), pose)[0] < 0.005:
        return
    time = contact(posts, pose[0], (v, 0.0, w), 6.0)
    t = np.linspace(0.0, min(time, 6.0), 4000)
    turn = yaw + w * t
    span = np.where(np.abs(w) > 1e-6, 2.0 * np.sin(w * t / 2) / (w if abs(w) > 1e-6 else 1.0), t)
    poses = np.stack((5.0 + v * span * np.cos(yaw + w * t / 2),
                      5.0 + y + v * span * np.sin(yaw + w * t / 2), turn), axis=1)
    gaps = clearance(posts, ROBOT, np.zeros(len(t), int), poses)
    assert gaps[:-8].min() > 0.0
    assert not np.isfinite(time) or gaps[-1] < 3e-3


def test_shapes_and_values_that_do_not_fit_are_refused(hall):
    with pytest.raises(InputError, match='shape'):
        time_to_contact(hall, ROBOT, np.zeros(1, int), np.zeros((1, 3)), np.zeros((1, 3)), 1.0)
    with pytest.raises(InputError, match='finite'):
        contact(hall, (np.nan, 0.0, 0.0), (0.1, 0.0, 0.0))


def test_fan_covers_the_limits():
    commands = fan(ROBOT)
    assert commands.shape == (10, 3)
    assert commands[:, 0].max() == ROBOT.max_speed
    assert np.abs(commands[:, 2]).max() == ROBOT.max_turn_rate


@pytest.mark.parametrize(('way', 'held', 'deviation'), [
    ([(0, 0), (1, 0.05), (2, 0)], True, 0.05), ([(0, 0), (1, 0.3), (2, 0)], False, 0.3),
    ([(0, 0), (1, 0)], False, 0.0)])
def test_a_straight_run_holds_its_line_and_arrives(way, held, deviation):
    run = straightness(np.array(way, float), np.zeros(2), np.array([2.0, 0.0]))
    assert run.held is held and run.deviation == pytest.approx(deviation)


def test_mount_is_undone():
    mount = (0.1, -0.05, 0.4)
    base = np.array([[1.0, 2.0, 0.7]])
    c, s = np.cos(0.7), np.sin(0.7)
    laser = base + np.array([[c * 0.1 + s * 0.05, s * 0.1 - c * 0.05, 0.4]])
    np.testing.assert_allclose(base_from_laser(laser, mount), base, atol=1e-12)


@pytest.fixture(scope='module')
def driven(hall, tmp_path_factory):
    folder = tmp_path_factory.mktemp('driven') / 'set'
    settings_ = GenerateSettings(records=300, robots=10, errands=4, seed=3,
                                 actors=ActorSettings(count=1))
    generate(settings_, hall.maps, ROBOT, LidarSpec(beams=36), folder, splits={'hall': 'test'})
    return settings_, folder, DataSet(folder)


def test_generated_labels_agree_with_the_map(driven, hall):
    _, _, data = driven
    assert len(data) == 300 and data.schema.places[0].split == 'test'
    pose, command = data.read('pose'), data.read('command')
    alone = time_to_contact(hall, ROBOT, np.zeros(300, int), pose, command[:, None], 3.0)[:, 0]
    label = data.read('contact')
    assert (label <= alone + 1e-6).all()  # people can only make it sooner
    assert (label == alone).mean() > 0.7
    np.testing.assert_array_equal(data.read('clearance'),
                                  clearance(hall, ROBOT, np.zeros(300, int), pose))
    assert np.isfinite(data.read('expert')).all() and data.read('arc_contact').shape == (300, 10)


def test_drawn_commands_are_within_limits_and_their_labels_agree_with_the_map(driven, hall):
    _, _, data = driven
    drawn, label = data.read('drawn'), data.read('drawn_contact')
    assert drawn.shape == (300, 4, 3) and label.shape == (300, 4)
    low, high = drawn.reshape(-1, 3).min(axis=0), drawn.reshape(-1, 3).max(axis=0)
    assert (low >= [-0.2, 0.0, -1.5]).all() and (high <= [0.8, 0.0, 1.5]).all()
    assert (high - low > [0.9, -0.1, 2.8]).all() and (drawn[..., 0] == 0.0).mean() > 0.1
    alone = time_to_contact(hall, ROBOT, np.zeros(300, int), data.read('pose'), drawn, 3.0)
    # A sweep stops short of a contact by its tolerance at most, which takes a slow robot long.
    speed = np.hypot(drawn[..., 0], drawn[..., 2] * ROBOT.radius)
    later = np.minimum(label, 3.0) - np.minimum(alone, 3.0)  # people can only make it sooner
    assert (later * speed <= 2 * CONTACT).all() and (np.abs(later) < 0.05).mean() > 0.7


def test_a_drive_moves_as_its_commands_say(driven):
    _, _, data = driven
    longest = max((rows for _, rows in data.sequences()), key=len)
    pose = data.take(longest, ['pose'])['pose']
    assert np.hypot(*np.diff(pose[:, :2], axis=0).T).max() < 0.8 * 0.2 + 0.02


def test_the_same_seed_gives_the_same_bytes(driven, hall, tmp_path):
    settings_, folder, _ = driven
    generate(settings_, hall.maps, ROBOT, LidarSpec(beams=36), tmp_path / 'set',
             splits={'hall': 'test'})
    for file in sorted(folder.rglob('*.npy')):
        assert file.read_bytes() == (tmp_path / 'set' / file.relative_to(folder)).read_bytes()
