"""Parts of a command are tried the same way for one robot as for many, few points as for many."""

import numpy as np
import pytest

from synth_nodes.safety.arcs import arcs_of
from synth_nodes.safety.body import body_of
from synth_nodes.safety.ladder import FEW, Ladder, RUNGS
from synth_nodes.safety.rows import Robots, Rows
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.tube import clearances, limits_of
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

RULES, ROBOT = SafetyRules(), RobotSpec()
COMMANDS = np.array(((0.8, 0.0, 0.6), (0.4, 0.0, -0.3)))


def ladder_of(commands, robot=ROBOT, velocity=None):
    count = len(commands)
    robots = Robots(RULES, robot, body_of(robot.footprint),
                    commands / 2 if velocity is None else velocity, commands,
                    np.zeros((count, 1, 3)), np.full(count, 0.05), np.full(count, 0.01),
                    np.zeros(count))
    return Ladder(arcs_of(robots), limits_of(RULES, robot))


def points(rng, count):
    return Rows(np.zeros(count, np.intp), rng.uniform(-0.3, 1.2, count),
                rng.uniform(-0.5, 0.6, count), np.full(count, 0.05), np.zeros(count, np.intp),
                rng.random(count) < 0.2)


def assert_same(one, other):
    for name in ('normal_x', 'normal_y', 'offset', 'times', 'box'):
        a, b = getattr(one, name), getattr(other, name)
        assert a.shape == b.shape
        assert a == pytest.approx(b, rel=1e-14, abs=1e-14)


def test_single_robot_starts_with_all_tubes_that_many_get_one_after_the_other():
    one, many = ladder_of(COMMANDS[:1]), ladder_of(COMMANDS)
    full, ready = one.start()
    assert_same(full, one.tubes(np.zeros(1, int), np.ones(1)))
    robot = np.zeros(1, int)
    for tube, expected in zip(ready, one.first(robot, robot), strict=True):
        assert_same(tube, expected)
    assert ready[1].times.shape[1:] == (RUNGS - 1, 1)
    both, later = many.start()
    assert later is None
    assert_same(both.some(slice(1)), full)


def test_many_points_get_the_parts_that_each_gets_among_few():
    ladder, robot = ladder_of(COMMANDS[:1]), np.zeros(1, int)
    ways = ladder.ways(ladder.start()[1][1], robot, ladder.rungs(np.zeros(1), 1 / RUNGS))
    rows = points(np.random.default_rng(0), 8 * FEW)
    found = ways.highest(rows)
    alone = [ways.highest(rows.take(np.arange(k, k + FEW))) for k in range(0, 8 * FEW, FEW)]
    assert found.tolist() == np.concatenate(alone).tolist()
    assert len(set(found)) > 3 and found.min() == 0.0 and found.max() == 1 - 1 / RUNGS


def test_finer_rungs_begin_at_what_is_known_of_each_robot():
    ladder = ladder_of(COMMANDS)
    rows = Rows(np.array((0, 0, 1)), np.array((0.32, 9.0, 0.32)), np.zeros(3), np.zeros(3),
                np.zeros(3, int), np.zeros(3, bool))
    found = ladder.refine(rows, np.array((0.25, 0.25, 0.5)), 1 / RUNGS ** 2)
    assert found[1] == 0.25 + 7 / RUNGS ** 2
    assert 0.25 <= found[0] < found[1] and 0.5 <= found[2]


def test_least_level_is_the_clearance_and_what_may_have_come_nearer_since():
    ladder = ladder_of(COMMANDS[:1])
    speed, least = ladder.asked(Rows(np.zeros(3, int), np.zeros(3), np.zeros(3),
                                     np.array((0.0, 0.1, 0.1)), np.zeros(3, int),
                                     np.array((False, False, True))))
    assert speed.tolist() == [0.3, 0.3, 0.0]
    assert least == pytest.approx([0.02, 0.05, 0.0])


def test_escape_keeps_half_the_clearance_or_as_much_less_as_there_is():
    assert ladder_of(COMMANDS[:1]).kept(np.array((1.0, 0.021, 0.015, -0.01))) == pytest.approx(
        [0.01, 0.01, 0.004, -0.021])


@pytest.mark.parametrize(('velocity', 'command', 'part'), [
    ((0.8, 0.0, 0.0), (0.8, 0.0, 0.0), 0.395 / 0.8),
    ((-0.8, 0.0, 0.0), (-0.8, 0.0, 0.0), 0.395 / 0.8), ((0.8, 0.0, 0.0), (0.2, 0.0, 0.0), 1.0),
    ((0.8, 0.0, 0.0), (-0.8, 0.0, 0.0), 0.0), ((0.4, 0.0, 0.0), (0.8, 0.0, 0.0), 0.0),
    ((0.8, 0.0, 1.0), (0.8, 0.0, 1.0), 0.28), ((0.8, 0.0, -1.5), (0.4, 0.0, -1.5), 0.52),
    ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0)])
def test_part_up_to_which_brakes_work_as_for_a_stop_is_reached_no_sooner_than_another_verdict(
        velocity, command, part):
    # Until a next verdict is in effect, 0.12 + 0.05 + 0.01 s, the drive loses at most
    # 1.5 * 1.5 m/s^2 of travel and 4 rad/s^2 of turning: 0.405 m/s and 0.72 rad/s.
    for drive, expected in (('differential', part), ('ackermann', 0.0)):
        robot = RobotSpec(drive=drive)
        ladder = ladder_of(np.array([command]), robot, np.array([velocity]))
        with np.errstate(all='raise'):
            assert ladder.braking() == pytest.approx([expected])


@pytest.mark.parametrize(('bound', 'part'), [
    (0.0, 0.125), (0.2, 0.25), (0.25, 0.375), (0.75, 0.875), (0.875, 0.0), (1.0, 0.0)])
def test_first_part_above_a_bound_is_told_of_what_is_outside_at_it(bound, part):
    ladder, robot = ladder_of(COMMANDS[:1]), np.zeros(1, int)
    ways = ladder.ways(ladder.start()[1][1], robot, ladder.rungs(np.zeros(1), 1 / RUNGS))
    rows = Rows(np.zeros(2, int), np.array((5.0, 0.215)), np.zeros(2), np.zeros(2),
                np.zeros(2, int), np.zeros(2, bool))
    assert ways.above(rows, np.full(2, bound)).tolist() == [part, 0.0]


@pytest.mark.parametrize('count', [FEW, 40 * FEW])
def test_no_point_that_binds_is_left_out_for_being_far(count):
    robot = RobotSpec(footprint=(0.5, 0.0, -0.2, 0.3, -0.3, -0.1))
    ladder = ladder_of(COMMANDS[:1] * (1, 0, 0), robot)
    tube, _ = ladder.start()
    slack = ladder.slack(tube, np.zeros(1, int))
    rng, nose = np.random.default_rng(count), tube.box[2, 0]
    ahead, angle = slack[0] * rng.uniform(0.0, 1.2, count), rng.uniform(-0.16, -0.12, count)
    rows = Rows(np.zeros(count, int), nose + ahead * np.cos(angle), ahead * np.sin(angle),
                np.full(count, 0.05), np.zeros(count, int), np.zeros(count, bool))
    speed, least = ladder.asked(rows)
    free = clearances(tube, rows.robot, rows.x, rows.y, speed) >= least
    assert ladder.free(tube, rows.robot, rows, slack).tolist() == free.tolist()
    assert not free[ahead > 0.9 * slack].all(), 'some bind that are nearly as far as any may'


@pytest.mark.parametrize('count', [2, FEW + 2])
def test_points_just_as_far_as_they_must_be_are_far_enough(count):
    # Numbers that floats hold exactly: half a metre square at rest, a clearance of a sixteenth.
    rules = build(SafetyRules, {'escape.clearance': 0.0625, 'braking.other_speed': 0.0})
    robot = RobotSpec(footprint=(0.25, 0.25, -0.25, 0.25, -0.25, -0.25, 0.25, -0.25))
    rest = np.zeros((1, 3))
    robots = Robots(rules, robot, body_of(robot.footprint), rest, rest, np.zeros((1, 0, 3)),
                    np.zeros(1), np.zeros(1), np.zeros(1))
    ladder = Ladder(arcs_of(robots), limits_of(rules, robot))
    tube, index = ladder.tubes(np.zeros(1, int), np.ones(1)), np.zeros(count, int)

    def at(*levels):
        x = np.full(count, 9.0)
        x[:2] = 0.25 + np.array(levels)
        return Rows(index, x, 0.0 * x, 0.0 * x, index, index > 0)
    assert ladder.free(tube, index, at(0.0625, 0.0624), np.ones(1))[:2].tolist() == [True, False]
    near = at(0.03125, 0.0312)
    assert ladder.keeps(tube, index, near, np.ones(count))[:2].tolist() == [True, False]
