"""
What the physical effects of the lidar cost, beside the plain scan, on one thread.

    python benchmarks/lidar_effects.py

Robots at random free places of a generated building, four people each; medians of rounds.
"""

import argparse
import statistics
import time

import numpy as np

from synth_nodes.sensors.layers import LayerLidar
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import PointsSpec, ScanEffects
from synth_nodes.types import LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building

SPEC = LidarSpec()
BEAM = ScanEffects(divergence=0.005)
CASES = {
    'plain': None,
    'motion': ScanEffects(motion=True),
    'width, 5 rays a beam': BEAM,
    'motion, width, surfaces (config/sim.yaml)': ScanEffects(
        motion=True, divergence=0.005, surfaces=True, power_noise=0.01)}


def median_time(call, rounds):
    """Median processor seconds of a call, after one that compiles."""
    call()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main():
    """Measure and print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--robots', type=int, default=64)
    parser.add_argument('--rounds', type=int, default=15)
    options = parser.parse_args()
    grid, rng, batch = generate_building(1), np.random.default_rng(1), options.robots
    free = np.argwhere(~grid.solid())
    poses = np.column_stack((
        grid.to_map(free[rng.integers(len(free), size=batch)][:, ::-1] + 0.5),
        rng.uniform(-np.pi, np.pi, batch)))
    people = np.zeros((batch, 4, 5))
    people[..., :2] = poses[:, None, :2] + rng.uniform(-4, 4, (batch, 4, 2))
    people[..., 4] = 0.25
    atlas, index = MapAtlas.build([grid]), np.zeros(batch, np.int64)
    velocity = np.tile((0.5, 0.0, 0.5), (batch, 1))
    lidars = [(name, Lidar(SPEC, atlas, 1, effects)) for name, effects in CASES.items()]
    print(f'{SPEC.beams} beams, {batch} robots; microseconds of processor time a scan')
    for name, lidar in lidars:
        def scan(lidar=lidar):
            lidar.scan(poses, index, people, velocity=velocity)
        print(f'{median_time(scan, options.rounds) / batch * 1e6:9.1f}  {name}')
    layers = LayerLidar(SPEC, PointsSpec(layers=16), atlas, 1)
    took = median_time(lambda: layers.scan(poses, index, people), options.rounds)
    print(f'{took / batch * 1e6:9.1f}  16 layers of {SPEC.beams} beams, no effects')


if __name__ == '__main__':
    main()
