"""Compiled loops answer as the core does with numpy alone, to the last bit."""

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.campaign.batch import Answer, draw_batch
from synth_nodes.campaign.chunks import Plan, run_chunk
from synth_nodes.campaign.figures import count_differences
from synth_nodes.campaign.judges import strict
from synth_nodes.campaign.simulate import Drivers, Results
from synth_nodes.campaign.swift import SWIFT
from synth_nodes.safety.arcs import arcs_of
from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge_batch
from synth_nodes.safety.ladder import NUMPY
from synth_nodes.safety.rows import Robots
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.tube import CRAWL, limits_of
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec


def answers(*inputs, **more):
    verdicts = [judge_batch(*inputs, **more, loops=loops) for loops in (NUMPY, SWIFT)]
    return [[getattr(v, f.name).tobytes() for f in fields(v)] for v in verdicts]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2 ** 31), st.sampled_from(['differential', 'ackermann', 'omnidirectional']),
       st.integers(1, 3), st.sampled_from([0.0, 0.3]), st.sampled_from(['creep', 'stop', 'free']),
       st.integers(1, 40))
def test_verdicts_are_the_same_bits(seed, drive, min_points, other_speed, unseen, count):
    rng = np.random.default_rng(seed)
    rules = build(SafetyRules, {'source.min_points': min_points, 'source.unseen': unseen,
                                'braking.other_speed': other_speed})
    most = np.array([0.8, 0.4 * (drive == 'omnidirectional'), 1.8])
    velocity, command = most * rng.uniform(-1, 1, (2, count, 3))
    points = rng.uniform(-1.5, 1.5, (count, 12, 2))
    points[rng.random((count, 12)) < 0.3] = np.nan
    plain, swift = answers(
        rules, RobotSpec(drive=drive), velocity, points, rng.uniform(0, 0.2, count), command,
        rng.random(count) < 0.3, rng.uniform(-1.5, 1.5, (count, 3, 2)),
        pending=most * rng.uniform(-1, 1, (count, 2, 3)), velocity_age=rng.uniform(0, 0.1, count))
    assert plain == swift


@pytest.mark.parametrize('drive', ['differential', 'ackermann', 'omnidirectional'])
@pytest.mark.parametrize('footprint', [RobotSpec().footprint, (0.5, 0, -0.2, 0.3, -0.3, -0.1)])
def test_tubes_are_the_same_bits(drive, footprint):
    rng, count = np.random.default_rng(len(footprint)), 40
    robot = RobotSpec(drive=drive, footprint=footprint, actuator_lag=0.15, acceleration=2.5)
    most = np.array([0.8, 0.4 * (drive == 'omnidirectional'), 1.8])
    velocity, command = most * rng.uniform(-1, 1, (2, count, 3))
    velocity[::5], command[::7] = 0.0, 0.0
    velocity[1::5, 0], velocity[2::5, 0] = 0.03, CRAWL
    pending = most * rng.uniform(-1, 1, (count, 2, 3))
    pending[::2] = 0.0
    robots = Robots(SafetyRules(), robot, body_of(footprint), velocity, command, pending,
                    rng.uniform(0, 0.3, count), rng.uniform(0, 0.1, count), np.zeros(count))
    arcs, limits = arcs_of(robots), limits_of(SafetyRules(), robot)
    plain, swift = (loops.ladder(arcs, limits).tubes(np.arange(count), np.arange(count) / count)
                    for loops in (NUMPY, SWIFT))
    for name in ('normal_x', 'normal_y', 'offset', 'times', 'box'):
        assert (getattr(plain, name) == getattr(swift, name)).all(), name


def test_drives_are_the_same_and_binding():
    bound = 0

    def both(view):
        nonlocal bound
        plain, swift = answers(view.setup.rules, view.setup.robot, view.velocity, view.points,
                               view.age, view.command, view.grown, pending=view.pending)
        assert plain == swift
        answer = strict(view)
        bound += answer.obstacle.sum()
        return Answer(answer.command, answer.obstacle, answer.rule)
    for chunk in range(6):
        Drivers(draw_batch(9, chunk, 24), both).run()
    assert bound > 100


def test_campaign_counts_scenarios_that_go_another_way():
    assert run_chunk(Plan(9, 16), 0)['numpy'] == {'scenarios': 16, 'differing': 0}
    one, other = Results.empty(5), Results.empty(5)
    other.impact[3] = 1e-300
    assert count_differences(one, other) == {'scenarios': 5, 'differing': 1}
