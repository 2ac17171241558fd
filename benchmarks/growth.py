"""
What a scan costs as robots, beams and the building grow; one thread, CPU time, noise included.

    python benchmarks/growth.py [--picture growth.png]

The building is halls of 10 m with doors, tile after tile: a robot sees as much in any of them, so
its scans should cost the same in a hall as in a town.
"""

import argparse
import time

import matplotlib
import numpy as np

from synth_nodes.sensors.lidar import Lidar
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.world import World

HALL = 10.0
CELL = 0.05
ROBOTS = 256


def halls(side):
    """Make a building of side x side halls with a door in each wall, and a table in each."""
    n = round(HALL / CELL)
    hall = np.zeros((n, n), np.int8)
    hall[:2], hall[:, :2] = 100, 100
    hall[n // 2 - 12:n // 2 + 12, :2] = 0
    hall[:2, n // 2 - 12:n // 2 + 12] = 0
    hall[n // 4:n // 4 + 16, n // 4:n // 4 + 30] = 100
    grid = np.tile(hall, (side, side))
    grid[-2:], grid[:, -2:], grid[:2], grid[:, :2] = 100, 100, 100, 100
    return GridMap(grid, CELL, name=f'{side * side} halls')


def scan_time(atlas, robots, beams, rounds=9):
    """CPU time of a scan of all robots [s], the median."""
    world = World(atlas, RobotSpec(), ActorSettings(count=0), robots)
    lidar = Lidar(LidarSpec(beams=beams, range_max=10.0), atlas)
    out = np.empty((robots, beams), np.float32)
    times = []
    for _ in range(rounds + 1):
        start = time.process_time()
        lidar.scan(world.pose, world.map_index, None, out)
        times.append(time.process_time() - start)
    return float(np.median(times[1:]))


def measure():
    """Three curves: name and unit of what grows, its values, and the time of a scan [us]."""
    block = MapAtlas.build([halls(4)])
    robots, beams = np.array([16, 64, 256, 1024, 4096]), np.array([45, 90, 180, 360, 720, 1440])
    sides = np.array([1, 2, 4, 8, 16, 32])
    return (
        ('robots', robots, [scan_time(block, n, 360) * 1e6 for n in robots]),
        ('beams, 256 robots', beams, [scan_time(block, ROBOTS, n) * 1e6 for n in beams]),
        ('area of the building [m^2]', (sides * HALL) ** 2,
         [scan_time(MapAtlas.build([halls(s)]), ROBOTS, 360) * 1e6 for s in sides]))


def draw(curves, path):
    """Plot the curves with straight proportions beside them."""
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout='constrained')
    for axis, (what, values, times) in zip(axes, curves, strict=True):
        axis.loglog(values, np.array(times) / 1e3, 'o-', label='measured')
        line = (times[-1] * np.array(values) / values[-1] if 'area' not in what
                else np.full(len(values), np.median(times)))
        axis.loglog(values, line / 1e3, '--', color='grey',
                    label='proportional' if 'area' not in what else 'constant')
        axis.set(xlabel=what, ylabel='time of a scan of all [ms]')
        low, high = np.min(times) / 1e3, np.max(times) / 1e3
        axis.set_ylim(min(low, line.min() / 1e3) / 1.5, high * 1.5 if high > 3 * low else high * 5)
        axis.grid(True, which='both', alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--picture', help='where to draw the curves, as PNG')
    options = parser.parse_args()
    curves = measure()
    for what, values, times in curves:
        print(f'{what}:')
        for value, spent in zip(values, times, strict=True):
            each = '' if 'area' in what else f', {spent / value * 1e3:8.1f} ns for each more'
            print(f'  {value:9.0f}: {spent:10.1f} us{each}')
    if options.picture:
        draw(curves, options.picture)
    spent = np.array(curves[2][2])
    print(f'a scan in {curves[2][1][-1]:.0f} m^2 costs {spent[-1] / spent[2]:.2f} times one in '
          f'{curves[2][1][2]:.0f} m^2')


if __name__ == '__main__':
    main()
