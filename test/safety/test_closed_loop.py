"""The safety core in a loop with a drive that has dead time, ramps and lag."""

from drive_model import random_poles, run, wild_pilot
import numpy as np
import pytest

from synth_nodes.safety.rules import SafetyRules
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

ROBOT, RULES = RobotSpec(), SafetyRules()
WEDGE = (0.35, 0.0, -0.2, 0.25, -0.25, -0.15)


@pytest.mark.parametrize('kind', ['random', 'jitter', 'chase', 'spin', 'swerve'])
@pytest.mark.parametrize('other_speed', [0.0, 0.3])
def test_wild_commands_never_end_in_contact(kind, other_speed):
    rules = build(SafetyRules, {'braking.other_speed': other_speed})
    for seed in range(6):
        rng = np.random.default_rng(seed)
        out = run(ROBOT, rules, random_poles(rng, ROBOT), wild_pilot(rng, ROBOT, kind), 5.0,
                  age=float(rng.uniform(0, 0.1)))
        assert out.contacts == 0, f'seed {seed}'
        assert out.nearest > 0.0


@pytest.mark.parametrize('footprint', [ROBOT.footprint, WEDGE])
def test_fast_sluggish_robot_stops_too(footprint):
    robot = RobotSpec(footprint=footprint, max_speed=1.5, max_turn_rate=2.0, actuator_lag=0.15,
                      command_latency=0.1, deceleration=1.0)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        pilot = wild_pilot(rng, robot, ('chase', 'random')[seed % 2])
        out = run(robot, RULES, random_poles(rng, robot, 30, 0.4, 4.0), pilot, 5.0, age=0.08)
        assert out.contacts == 0, f'seed {seed}'


def test_without_the_core_the_same_commands_do_end_in_contact():
    hits = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        pilot = wild_pilot(rng, ROBOT, 'chase')
        hits += run(ROBOT, RULES, random_poles(rng, ROBOT), pilot, 5.0, guard=False).contacts > 0
    assert hits >= 8


def test_oncoming_people_within_the_stated_speed_are_not_run_into():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        side = rng.uniform(-0.1, 0.1)
        a = np.linspace(-np.pi, np.pi, 60)
        person = np.stack((3.0 + 0.25 * np.cos(a), side + 0.25 * np.sin(a)), axis=1)
        movers = np.tile((-0.3, 0.0), (60, 1))
        out = run(ROBOT, RULES, person, lambda t, p, v: np.array([0.8, 0.0, 0.0]), 6.0,
                  movers=movers)
        assert out.contacts == 0


def test_approach_to_a_wall_ends_near_it_without_flicker():
    wall = np.stack((np.full(201, 2.0), np.linspace(-2, 2, 201)), axis=1)
    rules = build(SafetyRules, {'braking.other_speed': 0.0})
    out = run(ROBOT, rules, wall, lambda t, p, v: np.array([0.8, 0.0, 0.0]), 8.0)
    gap = 2.0 - 0.21 - out.pose[0]
    assert rules.braking.margin - 0.02 < gap < rules.braking.margin + 0.06
    stops = [v.action == 'stop' for v in out.verdicts]
    assert np.abs(np.diff(np.array(stops, int))).sum() <= 1


def test_noisy_scan_of_a_wall_does_not_make_a_stopped_robot_flicker():
    rng = np.random.default_rng(0)
    wall = np.stack((np.full(201, 0.5), np.linspace(-1, 1, 201)), axis=1)
    out = run(ROBOT, RULES, wall, lambda t, p, v: np.array([0.8, 0.0, 0.0]), 6.0,
              noise=lambda shape: rng.normal(0, 0.01, shape))
    assert max(v.command[0] for v in out.verdicts[60:]) < 0.03


def test_boxed_in_robot_gets_free_by_backing_out_and_turning():
    front = np.stack((np.full(61, 0.26), np.linspace(-0.6, 0.6, 61)), axis=1)
    sides = np.concatenate([np.stack((np.linspace(-0.3, 0.26, 41), np.full(41, y)), axis=1)
                            for y in (0.32, -0.32)])

    def pilot(t, points, velocity):
        if t < 6.0:
            return np.array([-0.2, 0.0, 0.0])
        return np.array([0.0, 0.0, 1.0]) if t < 14.0 else np.array([0.4, 0.0, 0.0])
    out = run(ROBOT, RULES, np.concatenate((front, sides)), pilot, 18.0)
    assert out.contacts == 0
    assert np.hypot(*out.pose[:2]) > 0.8
