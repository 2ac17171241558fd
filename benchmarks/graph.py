#!/usr/bin/env python3
"""
Does the whole graph keep its rates on this machine, with all sensors on?

Starts the graph `demo` in real time with a lidar of 1080 beams at 20 Hz, an RGB-D camera of
640x480 at 30 Hz, an IMU at 200 Hz, policy, safety monitor and planner, driving to goals. For a
minute it listens to the streams and reads from /proc what every process takes. Jitter is how far
the time between two publications is from the period; `missing` counts stamps that never came.

    python benchmarks/graph.py [--seconds 60] [--no-camera] [--imu-rate 200] [--map layout:clutter]
"""

import argparse
from collections.abc import Mapping
import os
from pathlib import Path
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

SETTLE = 4.0
"""Wall time [s] from the first goal on that is left out."""
TICK = os.sysconf('SC_CLK_TCK')
NODE = re.compile(r'synth_nodes\.nodes\.(\w+)')
PARAMETERS = """
/**:
  ros__parameters:
    lidar: {{beams: 1080, rate: 20.0}}
    camera: {{width: 640, height: 480, rate: 30.0}}
    imu: {{rate: {imu}}}
/**/mission_node:
  ros__parameters: {{record: false}}
"""


def start(folder: Path, args: argparse.Namespace) -> subprocess.Popen:
    """Start the graph as a process group of its own."""
    file = folder / 'graph.yaml'
    file.write_text(PARAMETERS.format(imu=args.imu_rate))
    words = {'goals': 30, 'rate': 1.0, 'seed': 1, 'params_file': file, 'out': folder / 'out',
             'safety_log': folder / 'safety', 'camera': str(not args.no_camera).lower(),
             'map': args.map}
    program = ('import os, sys; from synth_nodes.bringup import plan, run; '
               'from synth_nodes.graphs import GRAPHS; '
               'words = dict(w.split("=", 1) for w in sys.argv[1:]); '
               'run(plan(GRAPHS["demo"], words, os.environ))')
    with open(folder / 'graph.log', 'w') as log:
        return subprocess.Popen(
            [sys.executable, '-c', program, *(f'{k}={v}' for k, v in words.items() if v != '')],
            stdout=log, stderr=subprocess.STDOUT)


def processes(parent: int) -> dict[str, int]:
    """Find the nodes that a process has started: name and id."""
    found = {}
    for entry in Path('/proc').iterdir():
        try:
            if not entry.name.isdigit() or _parent(entry) != parent:
                continue
            match = NODE.search((entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode())
        except OSError:
            continue
        if match:
            found[match[1]] = int(entry.name)
    return found


def _parent(entry: Path) -> int:
    return int((entry / 'stat').read_text().rsplit(')', 1)[1].split()[1])


def seconds_used(pids: Mapping[str, int]) -> dict[str, float]:
    """Read the processor time [s] of processes, all their threads together."""
    out = {}
    for name, pid in pids.items():
        fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
        out[name] = (int(fields[11]) + int(fields[12])) / TICK
    return out


def busy() -> float:
    """Read the processor time [s] that the whole machine has been busy."""
    user, nice, system, _, _, irq, soft, *_ = map(
        int, Path('/proc/stat').read_text().split('\n', 1)[0].split()[1:])
    return (user + nice + system + irq + soft) / TICK


class Listener:
    """Subscribes to streams; keeps when each message was published, and its stamp."""

    def __init__(self, camera: bool) -> None:
        from geometry_msgs.msg import PoseStamped, TwistStamped
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import Image, Imu, LaserScan

        from synth_nodes.ros.qos import DRIVER, FAST, MAP
        from synth_nodes.ros.recorder import stamp_of

        rclpy.init()
        self.node = rclpy.create_node('graph_benchmark')
        self.times: dict[str, list[tuple[int, int]]] = {}
        self.begun = False
        streams = [('scan', LaserScan, FAST), ('imu/data', Imu, FAST),
                   ('cmd_vel', TwistStamped, DRIVER)]
        if camera:
            streams += [('camera/image_raw', Image, FAST),
                        ('camera/depth/image_raw', Image, FAST)]

        def begin(message: PoseStamped) -> None:
            self.begun = True

        def keep(topic: str):
            kept = self.times.setdefault(topic, [])
            return lambda data, info: kept.append((info['source_timestamp'], stamp_of(data)))

        for topic, kind, qos in streams:
            self.node.create_subscription(kind, topic, keep(topic), qos, raw=True)
        self.node.create_subscription(PoseStamped, 'goal_pose', begin, MAP)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def spin(self, seconds: float, until=lambda: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.executor.spin_once(timeout_sec=0.1)
        return until()


def table(times: Mapping[str, list[tuple[int, int]]], rates: Mapping[str, float],
          window: tuple[int, int]) -> float:
    """Print a line a stream; returns the smallest share of its rate that one has reached."""
    import numpy as np

    seconds, worst, pace = (window[1] - window[0]) * 1e-9, 1.0, float('nan')
    print(f'{"stream":<24}{"asked Hz":>9}{"Hz":>8}{"missing":>9}{"jitter p50 ms":>15}{"p99":>8}'
          f'{"max":>8}')
    for topic, rate in rates.items():
        kept = np.array([t for t in times[topic] if window[0] <= t[0] < window[1]]).reshape(-1, 2)
        if len(kept) < 3:
            print(f'{topic:<24}{rate:>9.0f}  only {len(kept)} messages')
            worst = 0.0
            continue
        sent, stamps = kept[np.argsort(kept[:, 0])].T
        jitter = np.abs(np.diff(sent) * 1e-6 - 1e3 / rate)
        simulated = (stamps.max() - stamps.min()) * 1e-9
        missing = max(round(simulated * rate) + 1 - len(np.unique(stamps)), 0)
        p50, p99 = np.percentile(jitter, (50, 99))
        print(f'{topic:<24}{rate:>9.0f}{len(kept) / seconds:>8.2f}{missing:>9}{p50:>15.2f}'
              f'{p99:>8.2f}{jitter.max():>8.1f}')
        worst = min(worst, len(kept) / seconds / rate)
        pace = simulated / ((sent.max() - sent.min()) * 1e-9)
    print(f'simulated time against real time: {pace:.3f}')
    return worst


def usage(before: Mapping[str, float], after: Mapping[str, float], seconds: float,
          machine: float, own: float) -> None:
    """Print what each process took of one core, and what was left to others."""
    own = own / seconds
    print(f'\n{"process":<24}{"CPU %":>8}')
    shares = {name: 100 * (after[name] - before[name]) / seconds for name in before}
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        print(f'{name:<24}{share:>8.1f}')
    total = sum(shares.values())
    print(f'{"the graph":<24}{total:>8.1f}   of {100 * os.cpu_count()} %')
    print(f'{"this listener":<24}{100 * own:>8.1f}')
    other = 100 * machine / seconds - total - 100 * own
    print(f'{"everything else":<24}{max(other, 0.0):>8.1f}   on this machine meanwhile')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--no-camera', action='store_true')
    parser.add_argument('--imu-rate', type=float, default=200.0)
    parser.add_argument('--map', default='')
    args = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    from synth_nodes import resources

    os.environ.setdefault('FASTDDS_DEFAULT_PROFILES_FILE',
                          str(resources.share('config', 'fastdds.xml')))
    with tempfile.TemporaryDirectory() as out:
        graph = start(Path(out), args)
        try:
            listener = Listener(not args.no_camera)
            if not listener.spin(90.0, lambda: listener.begun):
                raise SystemExit('the graph did not start:\n'
                                 + (Path(out) / 'graph.log').read_text()[-2000:])
            listener.spin(SETTLE)
            pids = processes(graph.pid)
            before, machine, own = seconds_used(pids), busy(), time.process_time()
            begin = time.time_ns()
            listener.spin(args.seconds)
            window = (begin, time.time_ns())
            after, machine = seconds_used(pids), busy() - machine
            own = time.process_time() - own
        finally:
            graph.send_signal(signal.SIGINT)
            graph.wait(timeout=60)
    print(f'{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, '
          f'{args.seconds:g} s, load {os.getloadavg()[0]:.1f}')
    rates = {'scan': 20.0, 'imu/data': args.imu_rate, 'cmd_vel': 20.0}
    if not args.no_camera:
        rates |= {'camera/image_raw': 30.0, 'camera/depth/image_raw': 30.0}
    worst = table(listener.times, rates, window)
    usage(before, after, (window[1] - window[0]) * 1e-9, machine, own)
    print(f'\nworst share of a rate: {100 * worst:.2f} %')
    return 0 if worst >= 0.99 else 1


if __name__ == '__main__':
    sys.exit(main())
