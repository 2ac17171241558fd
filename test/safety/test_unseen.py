"""Space that nobody has seen is bounded by points, and entered at escape speed at most."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge
from synth_nodes.safety.rules import SafetyRules, unseen_reach
from synth_nodes.safety.sources import RobotState, scan_source
from synth_nodes.safety.unseen import SPACING, STRIP, unseen_points
from synth_nodes.settings import build
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, RULES = RobotSpec(max_reverse_speed=0.6), SafetyRules()
BODY = body_of(ROBOT.footprint)
REACH = unseen_reach(RULES, ROBOT)


def source_of(lidar, ranges, rules=RULES):
    return scan_source(rules.source, 'scan', ranges, lidar.angles, lidar.range_min,
                       lidar.range_max, lidar.mount, 0.02, footprint=ROBOT.footprint, reach=REACH)


def let_through(source, command, rules=RULES, velocity=(0.0, 0.0, 0.0)):
    return judge(rules, ROBOT, RobotState(np.array(velocity), 0.0), [source],
                 np.array(command, float))


def free(lidar):
    return np.full(lidar.beams, np.inf)


def test_full_circle_over_free_ground_leaves_nothing_unseen():
    lidar = LidarSpec(beams=360)
    assert len(source_of(lidar, free(lidar)).unseen_base) == 0
    wall = scan_source(RULES.source, 'scan', free(lidar), lidar.angles, 0.05, 12.0, (0, 0, 0), 0.0)
    assert len(wall.unseen_base) == 0


@pytest.mark.parametrize('degrees', [180, 270])
def test_robot_with_a_blind_back_drives_ahead_and_turns_but_only_creeps_back(degrees):
    lidar = LidarSpec(field_of_view=np.radians(degrees), beams=degrees)
    source = source_of(lidar, free(lidar))
    for command in ((0.8, 0.0, 0.0), (0.8, 0.0, 1.0), (0.4, 0.0, -1.2)):
        verdict = let_through(source, command, velocity=command)
        assert verdict.action == 'pass', verdict.reason
    back = let_through(source, (-0.6, 0.0, 0.0))
    assert back.rule == 'unseen' and 'nobody sees' in back.reason
    assert -0.3 < back.command[0] <= -RULES.escape.speed


@pytest.mark.parametrize(('policy', 'speed'), [('creep', -0.15), ('stop', 0.0), ('free', -0.6)])
def test_policy_says_what_becomes_of_unseen_space(policy, speed):
    rules = build(SafetyRules, {'source.unseen': policy})
    lidar = LidarSpec(field_of_view=np.pi, beams=180)
    source = source_of(lidar, free(lidar), rules)
    near = replace(source, unseen_base=source.unseen_base + np.array((0.1, 0.0)))
    verdict = let_through(near, (-0.6, 0.0, 0.0), rules, (-0.15, 0.0, 0.0))
    assert verdict.command[0] == pytest.approx(speed)


@pytest.mark.parametrize('fov', [np.pi, 1.5 * np.pi])
def test_blind_sector_cannot_be_entered_between_its_points(fov):
    lidar = LidarSpec(field_of_view=fov, beams=180)
    points = source_of(lidar, free(lidar)).unseen_base
    away = np.abs(np.arctan2(points[:, 1], points[:, 0]))
    assert (away >= fov / 2 - 1e-6).all()
    assert BODY.gauge(points).min() >= STRIP - 1e-6
    near = points[BODY.gauge(points) < STRIP + 1e-6]
    bearing = np.sort(np.arctan2(near[:, 1], near[:, 0]) % (2 * np.pi))
    assert np.diff(bearing).max() * 0.6 < SPACING


def test_invalid_beams_ahead_hide_what_fits_between_their_neighbours():
    lidar = LidarSpec(beams=360)
    for width, nearest in ((2, 0.05 / np.radians(3)), (10, 0.05 / np.radians(11))):
        ranges = free(lidar)
        ranges[180 - width // 2:180 + width // 2] = np.nan
        points = source_of(lidar, ranges).unseen_base
        assert np.hypot(*points.T).min() == pytest.approx(max(nearest, 0.21 + STRIP), abs=0.01)
    slow = let_through(source_of(lidar, ranges), (0.8, 0.0, 0.0))
    assert slow.rule == 'unseen'
    assert RULES.escape.speed - 1e-9 <= slow.command[0] < 0.3


def test_short_range_bounds_the_speed():
    lidar = LidarSpec(beams=720, range_max=0.7)
    verdict = let_through(source_of(lidar, free(lidar)), (0.8, 0.0, 0.0), velocity=(0.8, 0, 0))
    assert verdict.rule == 'unseen' and 0.3 < verdict.command[0] < 0.8


def test_shadow_behind_an_obstacle_is_bounded_at_its_edges():
    lidar = LidarSpec(beams=360)
    ranges = np.full(360, 5.0)
    ranges[220:232] = 0.6
    points = source_of(lidar, ranges).unseen_base
    bearing = np.arctan2(points[:, 1], points[:, 0])
    assert {round(b, 2) for b in np.unique(bearing)} == {
        round(float(lidar.angles[220]), 2), round(float(lidar.angles[231]), 2)}
    assert np.hypot(*points.T).min() == pytest.approx(0.6 + SPACING)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 ** 31), st.floats(1.0, 2 * np.pi), st.booleans())
def test_points_bound_only_what_no_valid_beam_passed(seed, fov, mounted_aside):
    rng = np.random.default_rng(seed)
    mount = (0.1, -0.05, 0.4) if mounted_aside else (0.0, 0.0, 0.0)
    lidar = LidarSpec(field_of_view=fov, beams=200, mount=mount)
    ranges = np.repeat(rng.uniform(0.3, 8.0, 20), 10)
    ranges[rng.random(200) < 0.1] = np.nan
    source = source_of(lidar, ranges)
    points = source.unseen_base
    assert np.isfinite(points).all()
    if not len(points):
        return
    delta = points - mount[:2]
    angle = (np.arctan2(delta[:, 1], delta[:, 0]) - mount[2] + np.pi) % (2 * np.pi) - np.pi
    beam = np.abs(angle[:, None] - lidar.angles).argmin(axis=1)
    inside = np.abs(angle - lidar.angles[beam]) < 0.2 * lidar.angle_increment
    valid = np.isfinite(ranges)
    hidden = ~(valid & np.roll(valid, 1) & np.roll(valid, -1))
    hidden[[0, -1]] = True
    seen_through = inside & ~hidden[beam]
    assert (np.hypot(*delta[seen_through].T) >= ranges[beam[seen_through]]).all()
    assert BODY.gauge(points).min() >= STRIP - 1e-6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 ** 31))
def test_unseen_space_never_raises_the_speed(seed):
    rng = np.random.default_rng(seed)
    lidar = LidarSpec(field_of_view=float(rng.uniform(2.0, 6.2)), beams=180)
    ranges = np.repeat(rng.uniform(0.3, 4.0, 18), 10)
    command = rng.uniform((-0.2, 0.0, -1.5), (0.8, 0.0, 1.5))
    velocity = rng.uniform((-0.2, 0.0, -1.5), (0.8, 0.0, 1.5))
    open_rules = build(SafetyRules, {'source.unseen': 'free'})
    source = source_of(lidar, ranges)
    some, none = (let_through(source, command, r, velocity) for r in (RULES, open_rules))
    assert np.abs(some.command).sum() <= np.abs(none.command).sum() + 1e-9


@pytest.mark.parametrize('usable', [0, 1])
def test_where_no_two_beams_say_anything_all_around_the_strip_is_unseen(usable):
    flags = np.arange(10) < usable
    points = unseen_points(np.full(10, 1.0), np.linspace(-1, 1, 10), flags, 12.0, (0, 0, 0), BODY,
                           5.0, 0.05)
    assert BODY.gauge(points) == pytest.approx(STRIP)
    turns = np.sort(np.arctan2(points[:, 1], points[:, 0]))
    assert np.diff(turns, append=turns[0] + 2 * np.pi).max() < 0.2
