"""
Goal reaching and lidar on a CUDA device through Warp, beside the numba back end in the same run.

    python benchmarks/gpu.py [--device cuda:0] [--batch 4096] [--threads 2] [--rounds 30]

Without a CUDA device it says so and ends with 1; --device warp measures Warp's CPU device instead.
"""

import argparse
import sys
import time

import numpy as np

from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.settings import GoalReachingSettings
from synth_nodes.errors import InputError
from synth_nodes.gpu.device import open_device
from synth_nodes.gpu.port import open_env
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.world.world import World

WARM_UP = 5


def median_time(work, wait, rounds):
    """Duration of one call [s], the median; `wait` returns when the device is done."""
    times = []
    for k in range(WARM_UP + rounds):
        start = time.perf_counter()
        work()
        wait()
        if k >= WARM_UP:
            times.append(time.perf_counter() - start)
    return float(np.median(times))


def scan_rates(task, device, batch, rounds):
    """Rays a second of the numba lidar (one thread) and of the device's, over the same poses."""
    import warp as wp

    from synth_nodes.gpu.lidar import DeviceLidar
    from synth_nodes.gpu.world import DeviceWorld
    settings = task.settings
    fleet = task.robots(np.arange(batch) % task.maps, 0).fleet
    world: World = fleet.world
    world.reset()
    host, there = Lidar(settings.lidar, world.atlas), DeviceWorld(world, device)
    lidar = DeviceLidar(host, device, there.scene.maps)
    out = np.empty((batch, settings.lidar.beams), np.float32)
    ranges = wp.zeros(out.shape, dtype=wp.float32, device=device)
    eye, state = wp.zeros((batch, 4), dtype=wp.float64, device=device), there.state
    numba = median_time(
        lambda: host.scan(world.pose, world.map_index, world.actors, out), lambda: None, rounds)
    warp = median_time(
        lambda: lidar.launch(state.pose, state.map_index, state.crowd.body, ranges,
                             state.domain.mount, eye),
        lambda: wp.synchronize_device(device), rounds)
    return out.size / numba, out.size / warp


def step_rate(env, action, wait, rounds):
    """Environment steps a second."""
    env.reset(0)
    rate = env.batch / median_time(lambda: env.step(action), wait, rounds)
    env.close()
    return rate


def run(options):
    if options.device == 'cpu':
        raise InputError("device = 'cpu' is the numba back end, which runs beside it anyway; "
                         "choose 'cuda:0', ... or 'warp'")
    device = open_device('cpu' if options.device == 'warp' else options.device)
    import warp as wp
    settings = GoalReachingSettings(errands=64)
    task = GoalReachingTask(settings)
    print(f'{options.batch} robots, {settings.lidar.beams} beams of '
          f'{settings.lidar.range_max:g} m, {settings.actors.count} people each, '
          f'layouts {", ".join(settings.layouts)}')
    print(f'Warp {wp.__version__} on {device.name} ({device}); numba with 1 thread for scans, '
          f'{options.threads} for steps')
    rays = scan_rates(task, device, options.batch, options.rounds)
    action = np.random.default_rng(0).uniform(
        (0.0, -0.5), (1.0, 0.5), (options.batch, 2)).astype(np.float32)
    on_device = wp.to_torch(wp.array(action, dtype=wp.float32, device=device))
    steps = (
        step_rate(open_env(task, options.batch, 'cpu', threads=options.threads), action,
                  lambda: None, options.rounds),
        step_rate(open_env(task, options.batch, options.device), on_device,
                  lambda: wp.synchronize_device(device), options.rounds))
    for name, unit, (numba, warp) in (('lidar', 'M rays/s', np.array(rays) / 1e6),
                                      ('environment', 'k steps/s', np.array(steps) / 1e3)):
        print(f'  {name:12s} numba {numba:9.1f}, Warp {warp:9.1f} {unit}, '
              f'ratio {warp / numba:.2f}')
    print(f'environment steps a second, Warp on {device} over numba: {steps[1] / steps[0]:.2f}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--device', default='cuda:0')
    parser.add_argument('--batch', type=int, default=4096)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=30)
    try:
        run(parser.parse_args())
    except InputError as error:
        print(f'not measured: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
