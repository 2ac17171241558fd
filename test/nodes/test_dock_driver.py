from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.envs.docking import DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.infer.session import load_policy
from synth_nodes.nodes.dock_driver import DockDriver
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.tasks.dock_marker import DockSpec
from synth_nodes.tasks.docking import is_docked
from synth_nodes.types import LidarSpec, RobotSpec

SETTINGS = DockingSettings(layouts=('rooms',), scenes=1)
SIM = ScanEffects(motion=True, divergence=0.005, surfaces=True, power_noise=0.01)
"""As config/sim.yaml has them."""
GOAL, FREE = np.array([1.0, 0.0, 0.0]), np.full(360, 5.0, np.float32)
DULL = np.full(360, 0.01, np.float32)


class Ahead:
    """A policy that drives on."""

    def act(self, observation):
        return np.array([[0.2, 0.0]], np.float32)


def driver(policy=None):
    made = DockDriver(policy or Ahead(), DockSpec(), LidarSpec(), 0.3, 0.3)
    made.take_odometry(np.zeros(3), np.zeros(3), 1.0)
    return made


def test_the_shipped_policy_docks_by_scans_as_the_simulated_graph_has_them():
    task = DockingTask(replace(SETTINGS, scene_seed=5))
    robots = task.robots(np.zeros(1, np.int64), 3)
    robots.begin(np.arange(1))
    world = robots.world
    lidar = Lidar(SETTINGS.lidar, task.atlas, 1, SIM)
    powers = np.zeros((1, SETTINGS.lidar.beams), np.float32)
    pilot = driver(load_policy('dock', RobotSpec(), lidar=SETTINGS.lidar))
    pilot.take_dock(robots.place[0] + np.array([0.1, -0.1, 0.1]))
    decision = None
    for k in range(600):
        now = 2.0 + 0.05 * k
        pilot.take_odometry(world.pose[0].copy(), world.velocity[0].copy(), now)
        ranges = lidar.scan(world.pose, world.map_index, velocity=world.velocity,
                            intensities=powers)
        decision = pilot.decide((ranges[0], powers[0]), now, now)
        if decision.state == 'arrived':
            break
        world.step(decision.command[None], 0.05)
        assert not world.collided.any()
    assert decision.state == 'arrived' and not decision.command.any()
    robots.observe({n: np.zeros((1, *low.shape), np.float32)
                    for n, (low, _) in task.bounds().items()})
    rules = replace(SETTINGS.rules, distance=0.04, angle=0.07)
    assert is_docked(robots.dock, world.velocity, rules).all()


def test_without_a_dock_or_a_marker_the_robot_waits():
    pilot = driver()
    assert pilot.decide((FREE, DULL), 1.0, 1.0).state == 'waiting'
    pilot.take_dock(GOAL)
    unseen = pilot.decide((FREE, DULL), 1.0, 1.0)
    assert unseen.state == 'waiting' and 'marker' in unseen.reason and not unseen.command.any()
    pilot.take_dock([np.nan, 0.0, 0.0])
    assert 'finite' in pilot.decide((FREE, DULL), 1.0, 1.0).reason


@pytest.mark.parametrize(('ranges', 'powers', 'stamp', 'word'), [
    (FREE, DULL, 0.5, 'old'), (FREE, DULL, 1.5, 'ahead'), (FREE[:90], DULL, 1.0, '90 ranges'),
    (FREE, DULL[:0], 1.0, '0 intensities')])
def test_what_is_late_or_has_no_intensities_stops(ranges, powers, stamp, word):
    pilot = driver()
    pilot.take_dock(GOAL)
    decision = pilot.decide((ranges, powers), stamp, 1.0)
    assert decision.state == 'stopped' and word in decision.reason and not decision.command.any()


def test_odometry_that_is_old_or_not_finite_stops():
    pilot = driver()
    pilot.take_dock(GOAL)
    assert 'odometry' in pilot.decide((FREE, DULL), 2.0, 2.0).reason
    pilot.take_odometry(np.full(3, np.nan), np.zeros(3), 2.0)
    assert 'not finite' in pilot.decide((FREE, DULL), 2.0, 2.0).reason
