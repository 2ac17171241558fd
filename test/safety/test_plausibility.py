"""Commands that may follow one another, and those that may not."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.plausibility import (
    EXCESS,
    NOISE,
    plausible,
    step_time,
    velocity_problem,
)
from synth_nodes.safety.rules import CommandRules
from synth_nodes.types import RobotSpec

ROBOT = RobotSpec(acceleration=1.0, turn_acceleration=4.0)
COMMANDS = st.tuples(*[st.floats(-5, 5)] * 3).map(np.array)


def rules(action='refuse', time=1.0):
    return CommandRules(jump_time=time, jump_action=action)


@pytest.mark.parametrize(('before', 'command', 'refused'), [
    ((0.0, 0.0, 0.0), (0.8, 0.0, 0.0), False), ((0.0, 0.0, 0.0), (1.1, 0.0, 0.0), True),
    ((0.0, 0.0, 0.0), (0.0, 0.0, 3.9), False), ((0.0, 0.0, 0.0), (0.0, 0.0, 4.1), True),
    ((0.8, 0.0, 0.0), (-0.3, 0.0, 0.0), True), ((9.0, 0.0, 9.0), (0.0, 0.0, 0.0), False),
    ((9.0, 0.0, 0.0), (3.0, 0.0, 0.0), False), ((9.0, 0.0, 0.0), (3.0, 0.0, 5.0), True)])
def test_step_beyond_the_limit_is_refused_and_slowing_down_never(before, command, refused):
    out, problem = plausible(rules(), ROBOT, np.array(before), np.array(command))
    assert bool(problem) == refused and tuple(out) == command
    assert not plausible(rules(time=0.0), ROBOT, np.array(before), np.array(command))[1]


@given(COMMANDS, COMMANDS, st.floats(0.1, 3.0))
def test_limited_step_lies_on_the_way_and_takes_no_longer_than_allowed(before, command, time):
    out, problem = plausible(rules('limit', time), ROBOT, before, command)
    assert not problem and step_time(ROBOT, before, out) <= time + 1e-9
    whole, part = command - before, out - before
    assert np.allclose(np.cross(whole, part), 0.0, atol=1e-6)
    assert -1e-9 <= float(whole @ part) <= float(whole @ whole) + 1e-9


@given(COMMANDS, st.floats(0, 1))
def test_less_of_the_same_is_no_step(before, share):
    assert step_time(ROBOT, before, before * share) == 0.0


@pytest.mark.parametrize(('velocity', 'possible'), [
    ((0.8, 0.0, 1.5), True), ((1.4, 0.0, 2.7), True), ((1.6, 0.0, 0.0), False),
    ((1.2, 1.2, 0.0), False), ((0.0, 0.0, -2.8), False), ((-9.0, 0.0, 0.0), False)])
def test_velocity_beyond_what_the_robot_can_be_driven_to_is_no_measurement(velocity, possible):
    problem = velocity_problem(RobotSpec(), np.array(velocity))
    assert (problem == '') == possible and ('1.50 m/s, 2.75 rad/s' in problem) != possible


def test_velocity_of_a_robot_that_goes_faster_backwards_or_sideways_is_one():
    back = RobotSpec(max_speed=0.5, max_reverse_speed=1.0)
    assert velocity_problem(back, np.array((-1.79, 0.0, 0.0))) == ''
    assert '1.80 m/s' in velocity_problem(back, np.array((-1.81, 0.0, 0.0)))
    aside = RobotSpec(max_speed=0.5, max_reverse_speed=0.0, max_lateral_speed=1.0)
    assert velocity_problem(aside, np.array((0.0, 1.06, 0.0)))
    holonomic = RobotSpec(max_speed=0.5, max_lateral_speed=1.0, drive='omnidirectional')
    assert velocity_problem(holonomic, np.array((0.0, 1.79, 0.0))) == ''
    assert velocity_problem(holonomic, np.array((0.0, 1.81, 0.0)))


@pytest.mark.parametrize('velocity', [(9.0, 0.0), (9.0, np.nan, 0.0), (0.0, 0.0, np.inf)])
def test_velocity_that_is_none_is_left_to_the_core(velocity):
    assert velocity_problem(RobotSpec(), np.array(velocity)) == ''


def test_time_of_a_step_is_that_of_the_slower_axis():
    before = np.array((0.1, 0.2, 0.5))
    assert step_time(ROBOT, before, np.array((0.4, 0.6, 0.7))) == pytest.approx(0.5)
    assert step_time(ROBOT, before, np.array((0.1, 0.3, -3.5))) == pytest.approx(1.0)
    assert step_time(ROBOT, before, before) == 0.0


def test_refused_step_says_from_where_to_where_and_how_long_it_takes():
    _, problem = plausible(rules(), ROBOT, np.array((0.1, 0.2, 0.5)), np.array((2.1, 0.3, -0.5)))
    assert problem == ('it jumps from (0.10 m/s, 0.20 m/s, 0.50 rad/s) to (2.10 m/s, 0.30 m/s, '
                       '-0.50 rad/s), for which the drive takes 2.00 s, more than 1.00 s')


def test_step_of_just_the_allowed_time_is_let_through_whole():
    command = np.array((1.0, 0.0, 0.0))
    for action in ('refuse', 'limit'):
        out, problem = plausible(rules(action), ROBOT, np.zeros(3), command)
        assert out is command and not problem


def test_velocity_of_just_the_bound_is_one():
    top, turn = EXCESS * np.array((ROBOT.max_speed, ROBOT.max_turn_rate)) + NOISE
    assert velocity_problem(ROBOT, np.array((top, 0.0, turn))) == ''
    assert velocity_problem(ROBOT, np.array((top + 1e-9, 0.0, 0.0)))
    words = velocity_problem(ROBOT, np.array((1.0, 2.0, 3.0)))
    assert words.startswith('the measured velocity (1.00 m/s, 2.00 m/s, 3.00 rad/s) is faster')
