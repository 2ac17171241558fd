"""
Lidar casting beside its peers: one process, one thread, rounds in turn, medians of ratios.

Among boxes and cylinders; `benchmarks/recorded.py` does it in a recorded building.

    python benchmarks/lidar.py [--log intel.log.gz] [--rounds 7]

Peers that are not installed are said to be absent; `benchmarks/requirements.txt` lists those on
PyPI. The C++ peer is compiled here with g++ -O3 -march=native -ffast-math where there is one.
"""

import argparse
import ctypes
from pathlib import Path
import shutil
import subprocess
import tempfile
import time

import numba
import numpy as np

from synth_nodes.dataset.carmen import read_log
from synth_nodes.dataset.mapping import map_from_log
from synth_nodes.sensors.lidar import cast, Lidar
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.scene import Scene
from synth_nodes.world.world import World

REACH = 10.0
CALLS = 3
"""Of each in a round, so that none pays for what the one before left in the caches."""
CPP = r"""
#include <cmath>
#include <algorithm>
extern "C" void brute(const double* poses, int robots, const float* angle, int beams,
                      const float* box, int boxes, const float* disc, int discs, float reach,
                      float* out) {
  float* c = new float[2 * beams]; float* s = c + beams;
  for (int b = 0; b < robots; ++b) {
    const float x = poses[3 * b], y = poses[3 * b + 1], yaw = poses[3 * b + 2];
    float* row = out + (long)b * beams;
    for (int k = 0; k < beams; ++k) {
      c[k] = std::cos(angle[k] + yaw); s[k] = std::sin(angle[k] + yaw); row[k] = reach;
    }
    for (int p = 0; p < boxes; ++p) {
      const float* q = box + 6 * p; const float cb = q[2], sb = q[3], hu = q[4], hv = q[5];
      const float dx = x - q[0], dy = y - q[1], u = cb * dx + sb * dy, v = cb * dy - sb * dx;
      for (int k = 0; k < beams; ++k) {
        const float iu = 1 / (cb * c[k] + sb * s[k]), iv = 1 / (cb * s[k] - sb * c[k]);
        const float a = (-hu - u) * iu, d = (hu - u) * iu, e = (-hv - v) * iv, f = (hv - v) * iv;
        const float in = std::max(std::min(a, d), std::min(e, f));
        const float leave = std::min(std::max(a, d), std::max(e, f));
        const float hit = (in <= leave && in > 0) ? in : reach;
        row[k] = std::min(row[k], hit);
      }
    }
    for (int p = 0; p < discs; ++p) {
      const float dx = disc[3 * p] - x, dy = disc[3 * p + 1] - y, r2 = disc[3*p+2] * disc[3*p+2];
      for (int k = 0; k < beams; ++k) {
        const float along = dx * c[k] + dy * s[k], across = dy * c[k] - dx * s[k];
        const float inner = r2 - across * across, t = along - std::sqrt(std::max(inner, 0.0f));
        const float hit = (inner >= 0 && t > 0) ? t : reach;
        row[k] = std::min(row[k], hit);
      }
    }
  }
  delete[] c;
}
"""


def furnished(rng, count=64, spread=10.0):
    """Half boxes, half cylinders, in a field without walls."""
    n = count // 2
    grid = GridMap(np.zeros((500, 500), np.int8), 0.1, (-25.0, -25.0, 0.0))
    boxes = np.column_stack((rng.uniform(-spread, spread, (n, 2)), rng.uniform(-3, 3, n),
                             rng.uniform(0.3, 1.5, (n, 2)), np.ones(n), np.zeros(n)))
    cylinders = np.column_stack((rng.uniform(-spread, spread, (n, 2)), rng.uniform(0.1, 0.5, n),
                                 np.ones(n), np.zeros(n)))
    return Scene(grid, boxes=boxes, cylinders=cylinders)


def ours(scene, poses, angles):
    atlas = MapAtlas.build([scene])
    index, out = np.zeros(len(poses), np.int64), np.empty((len(poses), len(angles)), np.float32)
    return lambda: cast(atlas, index, poses, angles, REACH, None, out)


def cpp(scene, poses, angles):
    if shutil.which('g++') is None:
        raise ImportError('g++ is not installed')
    folder = Path(tempfile.mkdtemp())
    (folder / 'brute.cpp').write_text(CPP)
    subprocess.run(['g++', '-O3', '-march=native', '-ffast-math', '-shared', '-fPIC', '-o',
                    folder / 'brute.so', folder / 'brute.cpp'], check=True)
    call = ctypes.CDLL(str(folder / 'brute.so')).brute
    solids = MapAtlas.build([scene]).arrays.solids
    box, disc, angle = (np.ascontiguousarray(a, np.float32)
                        for a in (solids.boxes, solids.discs, angles))
    out = np.empty((len(poses), len(angles)), np.float32)
    pointer = [a.ctypes.data_as(ctypes.c_void_p) for a in (poses, angle, box, disc, out)]

    def run():
        call(pointer[0], len(poses), pointer[1], len(angle), pointer[2], len(box), pointer[3],
             len(disc), ctypes.c_float(REACH), pointer[4])
        return np.where(out < REACH, out, np.inf)
    return run


@numba.njit(fastmath=True, error_model='numpy')
def _brute(poses, angles, box, disc, reach, out):
    for b in range(poses.shape[0]):
        x, y, yaw = np.float32(poses[b, 0]), np.float32(poses[b, 1]), np.float32(poses[b, 2])
        c, s = np.cos(angles + yaw), np.sin(angles + yaw)
        row = out[b]
        row[:] = reach
        for p in range(box.shape[0]):
            cb, sb, hu, hv = box[p, 2], box[p, 3], box[p, 4], box[p, 5]
            dx, dy = x - box[p, 0], y - box[p, 1]
            u, v = cb * dx + sb * dy, cb * dy - sb * dx
            for k in range(angles.size):
                iu = np.float32(1) / (cb * c[k] + sb * s[k])
                iv = np.float32(1) / (cb * s[k] - sb * c[k])
                a, d, e, f = (-hu - u) * iu, (hu - u) * iu, (-hv - v) * iv, (hv - v) * iv
                enter, leave = max(min(a, d), min(e, f)), min(max(a, d), max(e, f))
                row[k] = enter if enter <= leave and 0 < enter < row[k] else row[k]
        for p in range(disc.shape[0]):
            dx, dy, square = disc[p, 0] - x, disc[p, 1] - y, disc[p, 2] * disc[p, 2]
            for k in range(angles.size):
                across = dy * c[k] - dx * s[k]
                inner = square - across * across
                t = dx * c[k] + dy * s[k] - np.sqrt(max(inner, np.float32(0)))
                row[k] = t if inner >= 0 and 0 < t < row[k] else row[k]


def numba_brute(scene, poses, angles):
    solids = MapAtlas.build([scene]).arrays.solids
    box, disc, angle = (a.astype(np.float32) for a in (solids.boxes, solids.discs, angles))
    out = np.empty((len(poses), len(angles)), np.float32)

    def run():
        _brute(poses, angle, box, disc, np.float32(REACH), out)
        return np.where(out < REACH, out, np.inf)
    return run


def numpy_brute(scene, poses, angles):
    solids = MapAtlas.build([scene]).arrays.solids
    box, disc = solids.boxes.astype(np.float32), solids.discs.astype(np.float32)

    def run():
        heading = (poses[:, 2:] + angles).astype(np.float32)
        c, s, best = np.cos(heading), np.sin(heading), np.full(heading.shape, REACH, np.float32)
        x, y = poses[:, :1].astype(np.float32), poses[:, 1:2].astype(np.float32)
        with np.errstate(divide='ignore', invalid='ignore'):
            for bx, by, cb, sb, hu, hv in box:
                u, v = cb * (x - bx) + sb * (y - by), cb * (y - by) - sb * (x - bx)
                iu, iv = 1 / (cb * c + sb * s), 1 / (cb * s - sb * c)
                a, d, e, f = (-hu - u) * iu, (hu - u) * iu, (-hv - v) * iv, (hv - v) * iv
                enter = np.maximum(np.minimum(a, d), np.minimum(e, f))
                leave = np.minimum(np.maximum(a, d), np.maximum(e, f))
                hit = (enter <= leave) & (enter > 0)
                np.minimum(best, enter, out=best, where=hit)
        for px, py, r in disc:
            across = (py - y) * c - (px - x) * s
            inner = r * r - across ** 2
            t = (px - x) * c + (py - y) * s - np.sqrt(np.maximum(inner, 0))
            np.minimum(best, t, out=best, where=(inner >= 0) & (t > 0))
        return np.where(best < REACH, best, np.inf)
    return run


def open3d(scene, poses, angles):
    import open3d as o3d
    raycaster = o3d.t.geometry.RaycastingScene()
    for x, y, yaw, length, width, height, _ in scene.boxes:
        mesh = o3d.geometry.TriangleMesh.create_box(length, width, height)
        mesh.translate((-length / 2, -width / 2, 0))
        mesh.rotate(mesh.get_rotation_matrix_from_xyz((0, 0, yaw)), (0, 0, 0))
        raycaster.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(mesh.translate((x, y, 0))))
    for x, y, radius, height, _ in scene.cylinders:
        mesh = o3d.geometry.TriangleMesh.create_cylinder(radius, height, 24, 1)
        raycaster.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(
            mesh.translate((x, y, height / 2))))
    heading = poses[:, 2:] + angles
    rays = np.empty((*heading.shape, 6), np.float32)
    rays[..., :2], rays[..., 2] = poses[:, None, :2], 0.5
    rays[..., 3], rays[..., 4], rays[..., 5] = np.cos(heading), np.sin(heading), 0.0
    tensor = o3d.core.Tensor(rays)

    def run():
        t = raycaster.cast_rays(tensor, nthreads=1)['t_hit'].numpy()
        return np.where(t <= REACH, t, np.inf)
    return run


def mujoco(scene, poses, angles):
    import mujoco as mj
    geoms = [f'<geom type="box" pos="{x} {y} {h / 2}" euler="0 0 {yaw}" '
             f'size="{length / 2} {width / 2} {h / 2}"/>'
             for x, y, yaw, length, width, h, _ in scene.boxes]
    geoms += [f'<geom type="cylinder" pos="{x} {y} {h / 2}" size="{r} {h / 2}"/>'
              for x, y, r, h, _ in scene.cylinders]
    model = mj.MjModel.from_xml_string(
        '<mujoco><compiler angle="radian"/><worldbody>' + ''.join(geoms)
        + '</worldbody></mujoco>')
    data = mj.MjData(model)
    mj.mj_forward(model, data)
    n = len(angles)
    out, which = np.empty((len(poses), n)), np.empty((n, 1), np.int32)
    ways = np.zeros((len(poses), n, 3))
    heading = poses[:, 2:] + angles
    ways[..., 0], ways[..., 1] = np.cos(heading), np.sin(heading)

    def run():
        for b, (x, y, _) in enumerate(poses):
            mj.mj_multiRay(model, data, np.array([[x], [y], [0.5]]), ways[b].reshape(-1, 1), None,
                           1, -1, which, out[b].reshape(-1, 1), None, n, REACH)
        return np.where(out >= 0, out, np.inf)
    return run


def warp(scene, poses, angles):
    from warp_rays import cast_rays, upright
    outlines = []
    for x, y, yaw, length, width in scene.boxes[:, :5]:
        c, s = np.cos(yaw) / 2, np.sin(yaw) / 2
        corners = [(x + c * length * u - s * width * v, y + s * length * u + c * width * v)
                   for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        outlines.append(np.array(corners))
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    outlines += [np.column_stack((x + r * np.cos(turn), y + r * np.sin(turn)))
                 for x, y, r in scene.cylinders[:, :3]]
    sides = np.concatenate([np.column_stack((o, np.roll(o, -1, axis=0))) for o in outlines])
    caster = cast_rays(upright(sides), poses, angles, REACH)

    def run():
        t = caster()
        return np.where(t < REACH, t, np.inf)
    return run


def paired(named, rays, rounds):
    """Run all in turn; print rays/s and the ratio of ours (the first) to each, of CPU time."""
    results = {name: run() for name, run in named}
    seconds = {name: [] for name, _ in named}
    for _ in range(rounds):
        for name, run in named:
            start = time.process_time()
            for _ in range(CALLS):
                run()
            seconds[name].append((time.process_time() - start) / CALLS)
    first = named[0][0]
    want, ratios = results[first], {}
    for name, _ in named:
        ratio = np.median(np.array(seconds[name]) / np.array(seconds[first]))
        both = np.isfinite(want) & np.isfinite(results[name])
        off = np.median(abs(results[name][both] - want[both]))
        ratios[name] = ratio
        print(f'  {name:42s} {rays / np.median(seconds[name]) / 1e6:8.2f} M rays/s   '
              f'ours is {ratio:7.1f} x   median difference {off * 1e3:.3f} mm')
    return ratios


def primitives(rounds):
    rng = np.random.default_rng(0)
    scene, angles = furnished(rng), LidarSpec().angles
    poses = np.column_stack((rng.uniform(-10, 10, (1024, 2)), rng.uniform(-3, 3, 1024)))
    print('64 primitives (32 boxes, 32 cylinders), 1,024 robots x 360 beams, 10 m:')
    named = []
    for name, make in (
            ('synth_nodes', ours), ('C++ brute force (g++ -O3, SIMD)', cpp),
            ('numba brute force (SIMD)', numba_brute), ('numpy brute force', numpy_brute),
            ('Open3D RaycastingScene (Embree)', open3d),
            ('MuJoCo mj_multiRay', mujoco), ('Warp mesh_query_ray', warp)):
        try:
            named.append((name, make(scene, poses, angles)))
        except ImportError as error:
            print(f'  {name:42s} absent: {error}')
    return paired(named, poses.shape[0] * angles.size, rounds)


def one_robot(atlas, pose, what, count=3000):
    lidar = Lidar(LidarSpec(beams=1080, range_max=REACH), atlas)
    index, times = np.zeros(1, np.int64), []
    for _ in range(count):
        start = time.perf_counter()
        lidar.scan(pose, index)
        times.append(time.perf_counter() - start)
    p50, p99 = np.percentile(times, (50, 99)) * 1e6
    print(f'one robot, 1080 beams, whole Lidar.scan, {what}: p50 {p50:.1f} us, p99 {p99:.1f} us')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--log', help='CARMEN log to build the recorded map from')
    parser.add_argument('--rounds', type=int, default=7)
    options = parser.parse_args()
    ratios = primitives(options.rounds)
    grid = map_from_log(read_log(options.log)) if options.log else generate_building(0)
    one_robot(MapAtlas.build([furnished(np.random.default_rng(0))]), np.zeros((1, 3)),
              '64 primitives')
    atlas = MapAtlas.build([grid])
    one_robot(atlas, World(atlas, RobotSpec(), ActorSettings(count=0)).pose, grid.name)
    print(f'ours / C++ brute force: {ratios.get("C++ brute force (g++ -O3, SIMD)", np.nan):.2f}')


if __name__ == '__main__':
    main()
