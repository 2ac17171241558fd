"""
Stepping of worlds: drive, people, exact contact, clearance, with and without lidar (CPU time).

    python benchmarks/world.py [--batch 1024] [--rounds 7]
"""

import argparse
import time

import numpy as np

from synth_nodes.sensors.lidar import Lidar
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.randomise import Randomisation
from synth_nodes.world.world import World


def rate(world, lidar, rounds, steps=5):
    """Steps a second, the median of rounds, each of so many steps of all worlds."""
    out = np.empty((world.batch, lidar.spec.beams), np.float32) if lidar else None
    rng, times = np.random.default_rng(0), []
    for _ in range(rounds + 1):
        command = rng.uniform((0, 0, -1), (0.8, 0, 1), (world.batch, 3))
        start = time.process_time()
        for _ in range(steps):
            world.step(command, 0.05)
            if lidar:
                lidar.scan(world.pose, world.map_index, world.actors, out)
        times.append(time.process_time() - start)
        world.reset(world.collided)
    return world.batch * steps / np.median(times[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--batch', type=int, default=1024)
    parser.add_argument('--rounds', type=int, default=7)
    options = parser.parse_args()
    office = MapAtlas.build([generate_building(0)])
    scenes = MapAtlas.build([generate_scene(name, 0) for name in ('warehouse', 'clutter')])
    spread = Randomisation(speed=(0.8, 1.2), lag=(0.5, 2.0), slip=(0.0, 0.05), people=(0.0, 1.0))
    people, alone = ActorSettings(count=4), ActorSettings(count=0)
    for what, atlas, robot, actors, randomisation in (
            ('office, nobody', office, RobotSpec(), alone, None),
            ('office, 4 people', office, RobotSpec(), people, None),
            ('office, 4 people, randomised', office, RobotSpec(), people, spread),
            ('warehouse and clutter, 4 people', scenes, RobotSpec(), people, None),
            ('office, 4 people, Ackermann', office, RobotSpec(drive='ackermann'), people, None)):
        results = []
        for spec in (None, LidarSpec(beams=360, range_max=10.0)):
            world = World(atlas, robot, actors, options.batch, randomisation=randomisation)
            results.append(rate(world, Lidar(spec, atlas) if spec else None, options.rounds))
        print(f'{what:36s} {results[0] / 1e3:7.1f} k steps/s, '
              f'with 360 beams {results[1] / 1e3:6.1f} k steps/s')


if __name__ == '__main__':
    main()
