from dataclasses import replace
import warnings

import gymnasium
from gymnasium.utils.env_checker import check_env
import numpy as np
import pytest

from synth_nodes.envs.docking import DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.envs.registration import DOCKING
from synth_nodes.errors import InputError
from synth_nodes.infer.session import load_policy
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.tasks.docking import DockingRules, expert, gained, is_docked, lane, skew
from synth_nodes.train.evaluate_docking import dock_all
from synth_nodes.types import RobotSpec

SETTINGS = DockingSettings(layouts=('rooms',), scenes=1)
STILL = np.zeros((1, 3))


def test_docked_means_near_straight_and_at_rest():
    rules = DockingRules()
    assert is_docked(np.array([[0.02, -0.02, 0.04]]), STILL, rules).all()
    for dock, velocity in (((0.03, 0.02, 0.0), 0.0), ((0.0, 0.0, 0.06), 0.0),
                           ((0.0, 0.0, 0.0), 0.05)):
        assert not is_docked(np.array([dock]), STILL + velocity, rules).any()


def test_terms_of_the_reward_have_their_natural_size():
    near, far = np.array([[0.5, 0.0, 0.0]]), np.array([[0.6, 0.0, 0.0]])
    assert gained(far, near, 1.0) == pytest.approx(0.1)
    assert gained(far, near, 0.02) == pytest.approx(0.02)
    half = float(lane(np.array([0.5]), np.array([False]))[0])
    for aside, cost in ((half, 0.0), (1.5 * half, 0.5), (3 * half, 1.0)):
        assert skew(np.array([[0.5, aside, 0.0]])) == pytest.approx(cost)


def test_the_expert_drives_straight_in_stops_there_and_backs_off_from_beside():
    robot = RobotSpec()
    docks = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.1, 0.2, 0.0], [-0.03, 0.0, 0.0]])
    speed, turn = expert(docks, np.zeros((4, 3)), 0.3, robot).T
    assert speed[0] == pytest.approx(0.3) and turn[0] == pytest.approx(0.0)
    assert speed[1] == turn[1] == 0.0
    assert speed[2] < 0.0 and speed[3] < 0.0
    left, right = expert(np.array([[1.0, 0.2, 0.3], [1.0, -0.2, -0.3]]), np.zeros((2, 3)), 0.3,
                         robot)
    assert left[0] == pytest.approx(right[0]) and left[1] == pytest.approx(-right[1])


def test_the_expert_docks_in_the_batched_world_and_standing_still_does_not():
    task = DockingTask(replace(SETTINGS, rules=replace(DockingRules(), time=20.0)))
    trial = dock_all(None, task, 12)
    assert trial.arrived.all() and not trial.contact.any()
    assert (trial.error[:, 0] <= 0.03).all() and (trial.error[:, 1] <= 0.05).all()
    assert (trial.efficiency > 0.9).all() and trial.failures() == ()
    lazy = dock_all(lambda seen: np.zeros((len(seen['dock']), 2)),
                    DockingTask(replace(SETTINGS, rules=replace(DockingRules(), time=1.0))), 2)
    assert not lazy.arrived.any() and [f.kind for f in lazy.failures()] == ['timeout'] * 2


def test_the_shipped_policy_docks_by_what_its_lidar_shows():
    session = load_policy('dock', RobotSpec(), lidar=SETTINGS.lidar)
    trial = dock_all(session.act, DockingTask(replace(SETTINGS, scene_seed=77)), 8)
    assert trial.arrived.sum() >= 7 and not trial.contact.any()


def test_what_is_seen_is_where_the_dock_is_but_for_noise():
    task = DockingTask(SETTINGS)
    robots = task.robots(np.zeros(8, np.int64), 0)
    seen = {name: np.zeros((8, *low.shape), np.float32)
            for name, (low, _) in task.bounds().items()}
    robots.begin(np.arange(8))
    for _ in range(6):
        robots.observe(seen)
        robots.step(np.tile([0.1, 0.0], (8, 1)))
    assert np.abs(seen['dock'][:, :2] - robots.dock[:, :2]).max() < 0.04
    assert np.abs(seen['dock'][:, 2] - np.sin(robots.dock[:, 2])).max() < 0.08
    assert (seen['dock'][:, 4] < 0.5).all()
    blind = DockingTask(replace(SETTINGS, blind=1.0)).robots(np.zeros(8, np.int64), 0)
    blind.begin(np.arange(8))
    blind.observe(seen)
    assert (seen['dock'][:, 4] == 2.0).all()


def test_gymnasiums_checker_accepts_docking():
    env = gymnasium.make(DOCKING, settings=SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_env(env.unwrapped)


def test_a_lidar_without_intensities_is_refused():
    with pytest.raises(InputError, match=r'effects\.surfaces'):
        DockingTask(replace(SETTINGS, effects=ScanEffects()))
