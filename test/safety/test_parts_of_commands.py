"""The part of a command that is let through is the one that is found by trying every part."""

import numpy as np
import pytest

from synth_nodes.safety.arcs import along_arc, arcs_of, edge_levels, escaping, in_slowdown
from synth_nodes.safety.batch import CREEP, limit, RULES
from synth_nodes.safety.body import body_of
from synth_nodes.safety.ladder import Ladder
from synth_nodes.safety.rows import Robots, Rows
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.tube import clearances, limits_of
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

TUBE = {'braking.margin': 0.02, 'stop_zone.margin': 0.02, 'slowdown_zone.ratio': 1.0,
        'braking.other_speed': 0.0}
"""Rules under which a robot's tube binds it more often than its commanded arc."""


def scene(seed, rules, drive, count=16, points=4):
    """Robots in mid swing or at rest, points all around them, some near enough to be escaped."""
    rng, robot = np.random.default_rng(seed), RobotSpec(drive=drive)
    top = np.array((0.8, 0.4 * (drive == 'omnidirectional'), 1.5))
    low = -top * (0.25, 1.0, 1.0)
    command = rng.uniform(low, top, (count, 3))
    command[0] = 0.0
    velocity = rng.uniform(low, top, (count, 3)) * rng.choice([0.0, 0.5], (count, 1))
    velocity[1:4] = command[1:4] / abs(command[1:4]).max(axis=1, keepdims=True)
    body, near = body_of(robot.footprint), rng.uniform(0.25, 1.2, (count, points))
    near[count // 2:] = rng.uniform(0.2, 0.5, (count - count // 2, points))
    angle = rng.uniform(-np.pi, np.pi, near.shape)
    pending = rng.uniform(low, top, (count, 2, 3)) * rng.choice([0.0, 0.0, 1.0], (count, 1, 1))
    robots = Robots(rules, robot, body, velocity, command, pending,
                    rng.uniform(0.0, 0.2, count), rng.uniform(0.0, 0.1, count),
                    rng.choice([0.0, 0.02], count))
    who = np.repeat(np.arange(count), points)
    return robots, Rows(who, (near * np.cos(angle)).ravel(), (near * np.sin(angle)).ravel(),
                        robots.age[who], np.zeros(len(who), int), rng.random(len(who)) < 0.2)


def by_itself(robots, rows, b):
    """One robot and its points."""
    alone = Robots(robots.rules, robots.robot, robots.body, *(getattr(robots, name)[b:b + 1] for (
        name) in ('velocity', 'command', 'pending', 'age', 'delay', 'grown')))
    mine = rows.take(np.flatnonzero(rows.robot == b))
    return alone, Rows(mine.robot * 0, mine.x, mine.y, mine.age, mine.source, mine.unseen)


def every_part(ladder, rows):
    """Of each point the largest eighth at which it is outside, and the largest 64th above it."""
    speed, least = ladder.asked(rows)
    tube = ladder.tubes(np.zeros(64, int), np.arange(1, 65) / 64)
    free = np.array([clearances(tube, np.full(len(rows.x), k), rows.x, rows.y, speed) >= least
                     for k in range(64)])
    eighth, fine = np.zeros((2, len(rows.x)), int)
    for m in range(len(eighth)):
        eighth[m] = max((k for k in range(8, 65, 8) if free[k - 1, m]), default=0)
        fine[m] = max((k for k in range(eighth[m] + 1, min(eighth[m] + 8, 64))
                       if free[k - 1, m]), default=eighth[m])
    return eighth / 64, fine / 64


def by_hand(robots, rows):
    """Part, rule and contact of one robot, with nothing left out and every part tried."""
    rules, arcs = robots.rules, arcs_of(robots)
    if arcs.speed[0] == 0.0:
        return 1.0, '', np.inf
    ladder, levels = Ladder(arcs, limits_of(rules, robots.robot)), edge_levels(robots, rows)
    gauge = levels.max(axis=0)
    allowed, contact = along_arc(arcs, rows, gauge)
    slow = in_slowdown(arcs, rows, levels)
    eighth, fine = every_part(ladder, rows)
    creep = ladder.tubes(np.zeros(1, int), arcs.creep)
    keeps = ladder.keeps(creep, np.zeros(len(rows.x), int), rows, gauge)
    floor = np.where(keeps & ~rows.unseen, escaping(arcs, rows, gauge), 0.0)
    if rules.escape.speed == 0.0:
        floor[:] = 0.0
    if rules.source.unseen == 'creep':
        floor[rows.unseen] = arcs.creep[0]
    rough, sure = (np.maximum(np.minimum(allowed, np.maximum(part, ladder.braking()[0])), floor)
                   for part in (eighth, fine))
    base = np.where(rough == eighth, sure, rough)
    values = np.minimum(base, slow)
    at = values.argmin()
    if values[at] == 1.0:
        return 1.0, '', contact.min()
    zone = gauge[at] < rules.stop_zone.margin + robots.grown[0]
    rule = 'slowdown_zone' if slow[at] <= base[at] else 'unseen' if rows.unseen[at] else (
        'stop_zone' if zone else 'braking')
    return values[at] * (values[at] * arcs.speed[0] >= CREEP), rule, contact.min()


@pytest.mark.parametrize('drive', ['differential', 'ackermann', 'omnidirectional'])
@pytest.mark.parametrize('settings', [
    {}, {'source.unseen': 'stop', 'braking.other_speed': 0.05, 'slowdown_zone.ratio': 0.9},
    TUBE, {**TUBE, 'escape.speed': 0.0}])
def test_largest_part_is_the_one_that_trying_every_part_finds(drive, settings):
    robots, rows = scene(4 + len(settings), build(SafetyRules, settings), drive)
    together = limit(robots, rows)
    for b in range(len(robots.command)):
        alone, mine = by_itself(robots, rows, b)
        scale, rule, contact = by_hand(alone, mine)
        for bound, k in ((together, b), (limit(alone, mine), 0)):
            assert bound.scale[k] == pytest.approx(scale, abs=1e-12)
            assert RULES[bound.rule[k]] == rule
            assert bound.gap_time[k] == pytest.approx(contact)
            assert (bound.row[k] >= 0) == (rule != '')


@pytest.mark.parametrize('min_points', [2, 3])
def test_robots_are_bound_together_as_alone_by_several_points(min_points):
    for seed, drive in enumerate(('differential', 'ackermann', 'omnidirectional')):
        rules = build(SafetyRules, {**TUBE, 'source.min_points': min_points, 'escape.speed': 0.0})
        robots, rows = scene(20 + seed, rules, drive, points=12)
        together = limit(robots, rows)
        alone = [limit(*by_itself(robots, rows, b)) for b in range(len(robots.command))]
        assert together.scale == pytest.approx([float(a.scale[0]) for a in alone], abs=1e-12)
        assert together.rule.tolist() == [int(a.rule[0]) for a in alone]


@pytest.mark.parametrize(('drive', 'points'), [('omnidirectional', 4), ('ackermann', 8)])
def test_many_robots_at_once_get_what_each_gets_alone(drive, points):
    rules = build(SafetyRules, {**TUBE, 'escape.speed': 0.0})
    robots, rows = scene(20, rules, drive, count=200, points=points)
    together = limit(robots, rows)
    alone = [limit(*by_itself(robots, rows, b)) for b in range(len(robots.command))]
    assert together.scale == pytest.approx([float(a.scale[0]) for a in alone], abs=1e-12)
    assert ((together.scale > 0.0) & (together.scale < 1.0)).sum() > 10


@pytest.mark.parametrize(('level', 'rule'), [(0.0624, 'stop_zone'), (0.0625, 'braking')])
def test_stop_zone_is_named_for_what_is_nearer_than_its_margin(level, rule):
    # Numbers that floats hold exactly: half a metre square, a margin of a sixteenth.
    robot = RobotSpec(footprint=(0.25, 0.25, -0.25, 0.25, -0.25, -0.25, 0.25, -0.25))
    rules = build(SafetyRules, {'stop_zone.margin': 0.0625, 'slowdown_zone.ratio': 1.0})
    robots = Robots(rules, robot, body_of(robot.footprint), np.zeros((1, 3)),
                    np.array([[0.5, 0.0, 0.0]]), np.zeros((1, 0, 3)), *np.zeros((3, 1)))
    bound = limit(robots, Rows(np.zeros(1, int), np.array([0.25 + level]), *np.zeros((2, 1)),
                               np.zeros(1, int), np.zeros(1, bool)))
    assert RULES[bound.rule[0]] == rule


@pytest.mark.parametrize('speed', [0.8, -0.8])
def test_what_a_robot_runs_into_as_it_brakes_counts_though_its_command_leads_elsewhere(speed):
    rules = build(SafetyRules, {'braking.deceleration': 0.4, 'braking.other_speed': 0.0,
                                'slowdown_zone.ratio': 1.0, 'escape.speed': 0.0})
    for way, rule in ((0.8, 'braking'), (1.2, '')):
        x = np.sign(speed) * (0.21 + way)
        robots = Robots(rules, RobotSpec(), body_of(RobotSpec().footprint),
                        np.array([[speed, 0.0, 0.0]]), np.array([[0.0, 0.0, 0.1]]),
                        np.zeros((1, 0, 3)), np.zeros(1), np.zeros(1), np.zeros(1))
        bound = limit(robots, Rows(np.zeros(1, int), np.array([x]), np.zeros(1), np.zeros(1),
                                   np.zeros(1, int), np.zeros(1, bool)))
        assert RULES[bound.rule[0]] == rule
