"""The policy that ships for docking by several sensors, in closed loop without the graph."""

from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.envs.docking_senses import DOCK_CAMERA, SensesSettings, SensesTask
from synth_nodes.infer.session import load_policy
from synth_nodes.nodes.senses_driver import SensesDriver, USED
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.tasks.dock_marker import seen_from
from synth_nodes.tasks.dock_senses import SENSES
from synth_nodes.tasks.docking import is_docked
from synth_nodes.types import LidarSpec, RobotSpec

DOCKING = replace(SensesSettings().docking, layouts=('rooms',), scenes=1, scene_seed=5)
SIM = ScanEffects(motion=True, divergence=0.005, surfaces=True, power_noise=0.01)
"""As config/sim.yaml has them."""


@pytest.fixture(scope='module')
def task():
    return SensesTask(SensesSettings(DOCKING))


@pytest.mark.parametrize('lost', [(), ('camera', 'lidar'), ('camera', 'odometry')])
def test_the_shipped_policy_docks_with_what_is_left_on_the_way(task, lost):
    session = load_policy('dock_senses', RobotSpec(), lidar=LidarSpec(), camera=DOCK_CAMERA)
    robots = task.robots(np.zeros(1, np.int64), 3)
    robots.begin(np.arange(1))
    world, lidar = robots.world, Lidar(DOCKING.lidar, task.docking.atlas, 1, SIM)
    powers = np.zeros((1, DOCKING.lidar.beams), np.float32)
    driver = SensesDriver(session, session.contract.observation, DOCK_CAMERA, DOCKING.dock,
                          DOCKING.lidar, dict.fromkeys(SENSES, 0.3))
    driver.take_dock(robots.place[0] + (0.05, -0.05, 0.05))
    for k in range(600):
        now = 2.0 + 0.05 * k
        there = [name for name in SENSES if k < 20 or name not in lost]
        around = world.pose, world.map_index, world.actors
        if 'camera' in there:
            driver.take_image(task.camera.render(*around, world.velocity).rgb[0].copy(), now)
        if 'lidar' in there:
            ranges = lidar.scan(*around, velocity=world.velocity, intensities=powers)
            driver.take_scan((ranges[0], powers[0].copy()), now)
        if 'odometry' in there:
            driver.take_odometry(world.pose[0].copy(), world.velocity[0].copy(), now)
        decision = driver.decide(now)
        if decision.state == 'arrived':
            break
        world.step(decision.command[None], 0.05)
        assert not world.collided.any()
    assert decision.state == 'arrived'
    assert [n for n, verdict in decision.sensors.items() if verdict != USED] == list(lost)
    rules = replace(DOCKING.rules, distance=0.04, angle=0.07)
    assert is_docked(seen_from(world.pose, robots.place), 0 * world.velocity, rules).all()
