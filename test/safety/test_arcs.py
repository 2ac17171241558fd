"""What points allow of the command's own arc: braking, stop zone, slowdown zone, escape."""

from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.safety.arcs import (
    along_arc,
    arcs_of,
    edge_levels,
    escaping,
    in_slowdown,
)
from synth_nodes.safety.body import body_of
from synth_nodes.safety.rows import Robots, Rows
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sweep import entry_times
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

ROBOT, RULES = RobotSpec(), SafetyRules()
WEDGE = (0.5, 0.0, -0.2, 0.3, -0.3, -0.1)
FRONT, SIDE = 0.21, 0.18
STILL = build(SafetyRules, {'braking.other_speed': 0.0})


def robots_of(commands, rules=RULES, robot=ROBOT, grown=0.0, age=0.0):
    commands = np.atleast_2d(np.array(commands, float))
    count = len(commands)
    return Robots(rules, robot, body_of(robot.footprint), commands, commands,
                  np.zeros((count, 0, 3)), np.full(count, age), np.zeros(count),
                  np.broadcast_to(grown, count) * 1.0)


def rows_at(*points, unseen=False, age=0.0, robot=0):
    points = np.array(points, float).reshape(-1, 2)
    count = len(points)
    return Rows(np.broadcast_to(robot, count), points[:, 0], points[:, 1], np.full(count, age),
                np.zeros(count, int), np.broadcast_to(unseen, count))


def judged(robots, rows):
    """Part allowed, time to contact, part of the slowdown zone and of an escape, of each point."""
    arcs, levels = arcs_of(robots), edge_levels(robots, rows)
    gauge = levels.max(axis=0)
    return *along_arc(arcs, rows, gauge), in_slowdown(arcs, rows, levels), escaping(
        arcs, rows, gauge)


def test_levels_of_edges_are_how_far_points_lie_beyond_them():
    levels = edge_levels(robots_of((0.4, 0.0, 0.0)), rows_at((0.5, 0.1), (0.0, -0.3)))
    assert sorted(levels[:, 0]) == pytest.approx([-0.71, -0.28, -0.08, 0.29])
    assert sorted(levels[:, 1]) == pytest.approx([-0.48, -0.21, -0.21, 0.12])


def test_at_creep_the_fastest_part_of_the_footprint_has_the_speed_of_escapes():
    commands = np.array(((0.6, 0.0, 0.0), (0.3, 0.0, 1.0), (0.0, 0.0, -1.5), (0.1, 0.0, 0.0),
                         (0.0, 0.0, 0.0)))
    with np.errstate(all='raise'):
        creep = arcs_of(robots_of(commands)).creep
    radius = np.hypot(FRONT, SIDE)
    fastest = (np.abs(commands[:, 0]) + np.abs(commands[:, 2]) * radius) * creep
    assert fastest[:3] == pytest.approx(np.full(3, RULES.escape.speed))
    assert creep[3:].tolist() == [1.0, 1.0]


@pytest.mark.parametrize('footprint', [ROBOT.footprint, WEDGE])
def test_radius_holds_the_footprint_at_each_level(footprint):
    robots = robots_of((0.4, 0.0, 0.0), robot=replace(ROBOT, footprint=footprint))
    arcs, body = arcs_of(robots), robots.body
    for level in (-0.05, 0.0, 0.1, 0.5):
        farthest = np.hypot(*body.level(level).T).max()
        assert farthest <= arcs.radius(level) + 1e-12
    assert arcs.radius(-0.05) == arcs.radius(0.0) == pytest.approx(
        np.hypot(*np.reshape(footprint, (-1, 2)).T).max())


@pytest.mark.parametrize('footprint', [ROBOT.footprint, WEDGE])
def test_points_are_met_by_a_level_when_its_polygon_meets_them(footprint):
    rng = np.random.default_rng(2)
    robots = robots_of(rng.uniform(-1, 1, (3, 3)), robot=replace(ROBOT, footprint=footprint))
    rows = rows_at(*rng.uniform(-1.5, 1.5, (60, 2)), robot=np.repeat((0, 1, 2), 20))
    levels = rng.uniform(0.0, 0.2, (2, 60))
    met = arcs_of(robots).entry(rows, levels)
    points = np.stack((rows.x, rows.y), axis=1)
    for out, level in zip(met, levels, strict=True):
        assert out == pytest.approx(entry_times(points, robots.command[rows.robot],
                                                robots.body.level(level)))
    assert np.isfinite(met).sum() > 20 and np.isinf(met).sum() > 20


@pytest.mark.parametrize('settings', [
    {'braking.other_speed': 1.0}, {'braking.other_speed': 1.0, 'braking.deceleration': 0.3},
    {'slowdown_zone.time': 8.0, 'slowdown_zone.margin': 0.5},
    {'braking.reaction_time': 1.5, 'braking.deceleration': 0.2, 'braking.other_speed': 0.0},
    {'braking.margin': 1.5, 'braking.other_speed': 0.0}, {'stop_zone.margin': 1.2},
    {'escape.distance': 2.0}, {}])
def test_no_point_beyond_reach_concerns_an_arc(settings):
    rng = np.random.default_rng(len(settings))
    rules = build(SafetyRules, settings)
    commands = rng.uniform((-0.2, -0.5, -1.5), (0.8, 0.5, 1.5), (12, 3))
    commands[:2, 2], commands[2:4, 0] = 0.0, 0.0
    commands[4:6] *= 0.05
    commands[6:8] = (0.0, 0.5, 0.0), (0.8, 0.0, 0.0)
    robots = robots_of(commands, rules, RobotSpec(drive='omnidirectional'),
                       grown=rng.choice((0.0, 0.3), 12), age=0.25)
    who = np.repeat(np.arange(12), 700)
    angle = np.arctan2(commands[who, 1], commands[who, 0]) + rng.normal(0, 0.6, len(who))
    far = rng.uniform(0.2, 8.0, len(who))
    rows = rows_at(*np.stack((far * np.cos(angle), far * np.sin(angle)), axis=1), age=0.25,
                   robot=who)
    allowed, contact, slow, escape = judged(robots, rows)
    arcs = arcs_of(robots)
    concerned = (allowed < 1.0) | np.isfinite(contact) | (slow < 1.0) | (
        escape < arcs.creep[who])
    assert concerned.sum() > 100
    assert (far <= arcs.reach()[who])[concerned].all()


@pytest.mark.parametrize(('command', 'point', 'inside'), [
    ((0.5, 0, 0), (FRONT + 0.3 + 0.119, 0.299), True), ((0.5, 0, 0), (FRONT + 0.421, 0.0), False),
    ((0.5, 0, 0), (0.0, 0.301), False), ((0.5, 0, 0), (-FRONT - 0.119, 0.0), True),
    ((0.5, 0, 0), (-FRONT - 0.121, 0.0), False), ((-0.2, 0, 0), (-FRONT - 0.239, -0.29), True),
    ((-0.2, 0, 0), (-FRONT - 0.241, 0.0), False), ((0, 0.5, 0), (0.0, SIDE + 0.419), True),
    ((0, 0.5, 0), (0.0, -SIDE - 0.121), False), ((0, 0, 1.0), (0.0, 0.299), True)])
def test_slowdown_zone_is_the_footprint_grown_and_drawn_out_along_the_way(command, point, inside):
    robots, rows = robots_of(command), rows_at(point)
    assert judged(robots, rows)[2][0] == (0.6 if inside else 1.0)
    assert judged(robots, rows_at(point, unseen=True))[2][0] == 1.0
    off = build(SafetyRules, {'slowdown_zone.ratio': 1.0})
    assert judged(robots_of(command, off), rows)[2].tolist() == [1.0]
    wider = judged(robots_of(command, grown=0.005), rows)[2][0]
    assert wider == 0.6


def test_contacts_are_told_up_to_the_horizon_and_those_of_unseen_space_never():
    at = [(FRONT + 0.4 * seconds, 0.0) for seconds in (0.5, 2.9, 3.1)]
    contact = judged(robots_of((0.4, 0.0, 0.0)), rows_at(*at))[1]
    assert contact == pytest.approx([0.5, 2.9, np.inf])
    hidden = judged(robots_of((0.4, 0.0, 0.0)), rows_at(*at, unseen=True))[1]
    assert np.isinf(hidden).all()


def test_margin_is_kept_to_obstacles_and_none_to_unseen_space():
    way = 0.4 * (0.17 + 0.1) + 0.4 ** 2 / (2 * 1.5)
    robots = robots_of((0.4, 0.0, 0.0), STILL, grown=0.03)
    short, enough = FRONT + way - 0.002, FRONT + way + 0.002
    seen = judged(robots, rows_at((short + 0.13, 0.0), (enough + 0.13, 0.0), age=0.1))[0]
    unseen = judged(robots, rows_at((short, 0.0), (enough, 0.0), age=0.1, unseen=True))[0]
    for allowed in (seen, unseen):
        assert 0.9 < allowed[0] < 1.0 and allowed[1] == 1.0


@pytest.mark.parametrize(('level', 'part'), [(0.079, 0.0), (0.081, 1.0)])
def test_stop_zone_grows_by_hysteresis_and_is_not_for_unseen_space(level, part):
    thin = build(SafetyRules, {'braking.other_speed': 0.0, 'braking.margin': 0.03})
    robots = robots_of((-0.2, 0.0, 0.0), thin, grown=0.03)
    assert judged(robots, rows_at((FRONT + level, 0.0)))[0].tolist() == [part]
    assert judged(robots, rows_at((FRONT + level, 0.0), unseen=True))[0].tolist() == [1.0]


def test_escape_leaves_the_clearance_free_for_its_distance():
    robots = robots_of((0.3, 0.0, 0.0), STILL)
    ahead = [(FRONT + 0.02 + room, 0.0) for room in (0.19, 0.201, 5.0)]
    beside = [(0.0, SIDE + 0.021), (0.0, SIDE + 0.019), (-FRONT - 0.005, 0.0)]
    parts = judged(robots, rows_at(*ahead, *beside))[3]
    assert parts == pytest.approx([0.0, 0.5, 0.5, 0.5, 0.5, 0.5])
    fast = build(SafetyRules, {'escape.speed': 1.0})
    late = judged(robots_of((0.8, 0.0, 0.0), fast), rows_at((FRONT + 0.02 + 0.201, 0.0), age=0.1))
    way = late[3][0] * 0.8
    assert way * 0.27 + way ** 2 / 3 == pytest.approx(0.201)


def test_what_lies_on_the_very_edge_of_a_zone():
    # Numbers that floats hold exactly: half a metre square, zones of a sixteenth.
    robot = replace(ROBOT, footprint=(0.25, 0.25, -0.25, 0.25, -0.25, -0.25, 0.25, -0.25))
    rules = build(SafetyRules, {
        'braking.margin': 0.0, 'braking.other_speed': 0.0, 'stop_zone.margin': 0.0625,
        'slowdown_zone.margin': 0.0625, 'slowdown_zone.time': 1.0, 'escape.distance': 0.25,
        'escape.clearance': 0.0})
    back = robots_of((-0.125, 0.0, 0.0), rules, robot)
    behind = rows_at((0.3125, 0.0), (-0.4375, 0.0))
    allowed, _, slow, _ = judged(back, behind)
    assert allowed[0] == 1.0, 'as far as the margin is not nearer'
    assert slow.tolist() == [0.6, 0.6], 'within a margin is as far as it'
    ahead = robots_of((0.5, 0.0, 0.0), rules, robot)
    _, contact, _, escape = judged(ahead, rows_at((0.25 + 1.5, 0.0), (0.5, 0.0)))
    assert contact[0] == 3.0 and escape[1] > 0.0
