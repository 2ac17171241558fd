"""
Lidar in a recorded building beside its peers: speed, and error against an exact walk over cells.

    python benchmarks/recorded.py --log intel.log.gz [--rounds 5] [--range-libc CHECKOUT]

One process, one thread each, in rounds in turn; ratios are medians over rounds, of CPU time.
f1tenth_gym (package `f110_gym`) and Warp are measured where they can be imported, range_libc where
its checkout is given (its C++ is compiled here: g++ -O3 -march=native).
"""

import argparse
import ctypes
from pathlib import Path
import subprocess
import tempfile
import time

import numba
import numpy as np

from synth_nodes.dataset.carmen import read_log
from synth_nodes.dataset.mapping import map_from_log
from synth_nodes.sensors.lidar import cast
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.world import World

REACH = 10.0
RANGE_LIBC = r"""
#include "includes/RangeLib.h"
using namespace ranges;
template <class T> void scan(T& caster, const double* poses, int robots, const double* angles,
                             int beams, float* out) {
  for (int b = 0; b < robots; ++b)
    for (int k = 0; k < beams; ++k)
      out[(long)b * beams + k] = caster.calc_range(poses[3 * b], poses[3 * b + 1],
                                                   poses[3 * b + 2] + angles[k]);
}
static OMap* omap; static RayMarching* marching; static GiantLUTCast* table;
extern "C" void prepare(const unsigned char* solid, int width, int height, float reach, int tall) {
  omap = new OMap(width, height);
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) omap->grid[j][i] = solid[(long)i * width + j];
  if (tall) table = new GiantLUTCast(*omap, reach, tall);
  else marching = new RayMarching(*omap, reach);
}
extern "C" void march(const double* p, int r, const double* a, int n, float* o) {
  scan(*marching, p, r, a, n, o); }
extern "C" void look_up(const double* p, int r, const double* a, int n, float* o) {
  scan(*table, p, r, a, n, o); }
"""


@numba.njit(error_model='numpy')
def exact(solid, cells, angles, reach, out):
    """Walk every ray from cell to cell (Amanatides, Woo 1987), in float64: the reference."""
    for b in range(cells.shape[0]):
        for k in range(angles.size):
            dx, dy = np.cos(cells[b, 2] + angles[k]), np.sin(cells[b, 2] + angles[k])
            j, i = int(np.floor(cells[b, 0])), int(np.floor(cells[b, 1]))
            next_x = ((j + (dx > 0)) - cells[b, 0]) / dx
            next_y = ((i + (dy > 0)) - cells[b, 1]) / dy
            t = 0.0
            while t <= reach and not solid[i, j]:
                if next_x < next_y:
                    t = next_x
                    j += 1 if dx > 0 else -1
                    next_x += abs(1 / dx)
                else:
                    t = next_y
                    i += 1 if dy > 0 else -1
                    next_y += abs(1 / dy)
            out[b, k] = t


class Building:
    """A recorded map with robots in it, in the units that each peer wants."""

    def __init__(self, grid):
        self.grid, self.atlas = grid, MapAtlas.build([grid])
        world = World(self.atlas, RobotSpec(), ActorSettings(count=4, places=4), 256, 0)
        self.pose, self.index, self.people = world.pose.copy(), world.map_index, world.actors
        self.angles = LidarSpec().angles
        # A ring of solid cells, so that no peer needs to check where the map ends.
        self.solid = np.pad(grid.solid(), 1, constant_values=True)
        corner = grid.to_cells(self.pose[:, :2]) + 1.0
        self.cells = np.column_stack((corner, self.pose[:, 2] - grid.origin[2]))
        self.reach = REACH / grid.resolution
        self.out = np.empty((len(self.pose), self.angles.size), np.float32)


def ours(at):
    return lambda: cast(at.atlas, at.index, at.pose, at.angles, REACH, None, at.out)


def f1tenth(at, steps=2000):
    from f110_gym.envs.laser_models import ScanSimulator2D
    from PIL import Image
    folder = Path(tempfile.mkdtemp())
    # It reads a picture from the top, and scans about the middle of its field of view.
    Image.fromarray(np.where(at.solid, 0, 255).astype(np.uint8)[::-1]).save(folder / 'map.png')
    (folder / 'map.yaml').write_text('resolution: 1.0\norigin: [0.0, 0.0, 0.0]\n')
    step = at.angles[1] - at.angles[0]
    view = step * (at.angles.size - 1)
    lidar = ScanSimulator2D(at.angles.size, view, theta_dis=steps, max_range=at.reach)
    lidar.set_map(str(folder / 'map.yaml'), '.png')
    poses = at.cells + np.array([0.0, 0.0, at.angles[0] + view / 2])

    def run():
        for b, pose in enumerate(poses):
            at.out[b] = lidar.scan(pose, None)
        return at.out * np.float32(at.grid.resolution)
    return run


def range_libc(at, folder, name, headings):
    if folder is None:
        raise ImportError('give its checkout with --range-libc')
    build = Path(tempfile.mkdtemp())
    (build / 'shim.cpp').write_text(RANGE_LIBC)
    subprocess.run(['g++', '-O3', '-march=native', '-ffast-math', '-std=c++11', '-w', '-shared',
                    '-fPIC', '-DNDEBUG', f'-I{folder}', '-o', build / 'shim.so',
                    build / 'shim.cpp', Path(folder) / 'vendor/lodepng/lodepng.cpp'], check=True)
    library = ctypes.CDLL(str(build / 'shim.so'))
    solid = np.ascontiguousarray(at.solid, np.uint8)
    start = time.process_time()
    library.prepare(solid.ctypes.data_as(ctypes.c_void_p), solid.shape[1], solid.shape[0],
                    ctypes.c_float(at.reach), headings)
    print(f'  range_libc, {name}: {time.process_time() - start:.1f} s to prepare')
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (at.cells, at.angles, at.out)]

    def run():
        getattr(library, name)(pointers[0], len(at.cells), pointers[1], at.angles.size,
                               pointers[2])
        return at.out * np.float32(at.grid.resolution)
    return run


def warp(at):
    import warp as wp
    from warp_rays import cast_rays, upright
    lines = []
    for step, axis in ((np.diff(at.solid, axis=1), 1), (np.diff(at.solid, axis=0), 0)):
        for i, j in np.argwhere(step):
            lines.append((j + 1, i, j + 1, i + 1) if axis == 1 else (j, i + 1, j + 1, i + 1))
    caster = cast_rays(upright(np.array(lines, float)), at.cells, at.angles, at.reach)
    print(f'  Warp {wp.__version__}: {2 * len(lines)} triangles')

    def run():
        return caster() * np.float32(at.grid.resolution)
    return run


def table(at, named, rounds):
    """Run all in turn and print the rows; the first is ours."""
    want = np.empty(at.out.shape)
    exact(at.solid, at.cells, at.angles, at.reach, want)
    want *= at.grid.resolution
    seconds, results = {name: [] for name, _ in named}, {}
    for name, run in named:
        results[name] = np.array(run(), np.float64)
    for _ in range(rounds):
        for name, run in named:
            start = time.process_time()
            for _ in range(3):
                run()
            seconds[name].append((time.process_time() - start) / 3)
    first = np.array(seconds[named[0][0]])
    near = want < REACH - 0.1
    print(f'  {"":34s} M rays/s  ours is  error: median   95 %  over 1 cm')
    for name, _ in named:
        off = abs(np.minimum(results[name], REACH) - want)[near] * 1e3
        print(f'  {name:34s} {at.out.size / np.median(seconds[name]) / 1e6:8.2f} '
              f'{np.median(np.array(seconds[name]) / first):7.1f} x {np.median(off):9.3f} mm '
              f'{np.percentile(off, 95):6.1f} mm {100 * np.mean(off > 10.0):5.1f} %')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--log', help='CARMEN log to build the map from')
    parser.add_argument('--range-libc', help='checkout of github.com/kctess5/range_libc')
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    at = Building(map_from_log(read_log(options.log)) if options.log else generate_building(0))
    print(f"map '{at.grid.name}', {at.solid.shape[1]} x {at.solid.shape[0]} cells of "
          f'{at.grid.resolution} m, 256 robots x 360 beams, {REACH:g} m, one thread:')
    named, source = [], options.range_libc
    for name, make in (
            ('synth_nodes', lambda: ours(at)), ('f1tenth_gym', lambda: f1tenth(at)),
            ('f1tenth_gym, 20 times the headings', lambda: f1tenth(at, 40000)),
            ('range_libc, ray marching', lambda: range_libc(at, source, 'march', 0)),
            ('range_libc, giant table', lambda: range_libc(at, source, 'look_up', 360)),
            ('Warp, mesh of the walls', lambda: warp(at))):
        try:
            named.append((name, make()))
        except ImportError as error:
            print(f'  {name:34s} absent: {error}')
    table(at, named, options.rounds)
    start = time.process_time()
    for _ in range(5):
        cast(at.atlas, at.index, at.pose, at.angles, REACH, at.people, at.out)
    seconds = (time.process_time() - start) / 5
    print(f'  with 4 people in each world: {at.out.size / seconds / 1e6:.2f} M rays/s')


if __name__ == '__main__':
    main()
