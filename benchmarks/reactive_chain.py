#!/usr/bin/env python3
"""
Does the reactive chain keep its rate on this machine?

Starts the graph `demo` (the graph `sim` driving to goals) in real time, and for a minute listens
to its scans and velocity commands. A cycle is late when it comes more than 25 ms after its 50 ms
are over. Beside it: the time that policy and safety monitor take themselves, and the wall time
from a scan's publication to that of the command that answers it, transport included.

    python benchmarks/reactive_chain.py [--seconds 60] [--params-file FILE]
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
import os
from pathlib import Path
import platform
import signal
import subprocess
import sys
import tempfile
import time

PERIOD_MS = 50.0
LATE_MS = 25.0
SETTLE = 3.0
"""Wall time [s] from the first goal on that is left out."""


def listen(seconds: float) -> dict[str, object]:
    """Measure a running graph; to be called in its ROS domain."""
    from diagnostic_msgs.msg import DiagnosticArray
    from geometry_msgs.msg import PoseStamped, TwistStamped
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import LaserScan

    from synth_nodes.ros.qos import DRIVER, MAP, SENSOR
    from synth_nodes.ros.recorder import stamp_of
    from synth_nodes.tasks.mission_log import ChainLatency, Counters

    rclpy.init()
    node = rclpy.create_node('reactive_chain')
    times: dict[str, list[int]] = {'scan': [], 'cmd_vel': []}
    chain, counters, begun = ChainLatency(), Counters(), []

    def scan(data: bytes, info: dict) -> None:
        times['scan'].append(info['source_timestamp'])
        chain.scan(stamp_of(data), info['source_timestamp'])

    def command(data: bytes, info: dict) -> None:
        times['cmd_vel'].append(info['source_timestamp'])
        chain.command(stamp_of(data), info['source_timestamp'])

    def count(message: DiagnosticArray) -> None:
        for status in message.status:
            counters.add(status.name, {v.key: v.value for v in status.values})

    node.create_subscription(LaserScan, 'scan', scan, SENSOR, raw=True)
    node.create_subscription(TwistStamped, 'cmd_vel', command, DRIVER, raw=True)
    node.create_subscription(DiagnosticArray, 'diagnostics', count, 10)
    node.create_subscription(PoseStamped, 'goal_pose', lambda m: begun.append(time.time()), MAP)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    limit = time.time() + 60.0
    while not begun and time.time() < limit:
        executor.spin_once(timeout_sec=0.2)
    if not begun:
        raise SystemExit('the graph did not start within 60 s')
    start = begun[0] + SETTLE
    while time.time() < start + seconds:
        executor.spin_once(timeout_sec=0.2)
    window = (start * 1e9, (start + seconds) * 1e9)
    return {'times': {k: [t for t in v if window[0] <= t < window[1]] for k, v in times.items()},
            'chain': chain.samples_ms, 'nodes': counters.values}


def periods_ms(times_ns: Sequence[int]) -> list[float]:
    return [(b - a) / 1e6 for a, b in pairwise(times_ns)]


def row(name: str, times_ns: Sequence[int], seconds: float) -> tuple[str, float]:
    import numpy as np

    gaps = np.array(periods_ms(times_ns))
    late = float((gaps > PERIOD_MS + LATE_MS).mean())
    p50, p99 = np.percentile(gaps, (50, 99))
    return (f'{name:<10}{len(times_ns) / seconds:>8.2f}{p50:>9.2f}{p99:>9.2f}{gaps.max():>9.2f}'
            f'{100 * (1 - late):>12.2f} %'), late


def report(found: dict, seconds: float) -> float:
    """Print the table; returns the share of cycles in time, the worse of both topics."""
    import numpy as np

    print(f'{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, '
          f'{seconds:g} s')
    print(f"{'topic':<10}{'Hz':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'in time':>14}")
    late = []
    for name, times in found['times'].items():
        line, share = row(name, times, seconds)
        print(line)
        late.append(share)
    for name in ('policy_node', 'safety_monitor_node'):
        v = found['nodes'].get(name, {})
        print(f"{name}: p50 {v.get('latency_p50_ms')} ms, p99 {v.get('latency_p99_ms')} ms")
    p50, p99, p999 = np.percentile(found['chain'], (50, 99, 99.9))
    print(f'scan to command with transport: p50 {p50:.2f} ms, p99 {p99:.2f} ms, '
          f"p99.9 {p999:.2f} ms of {len(found['chain'])}")
    both = [found['nodes'][n]['latency_p99_ms'] for n in ('policy_node', 'safety_monitor_node')]
    print(f'policy + safety without transport, sum of p99: {sum(both):.2f} ms')
    return 1.0 - max(late)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--params-file', type=Path)
    args = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with tempfile.TemporaryDirectory() as out:
        words = [sys.executable, '-m', 'synth_nodes.cli', 'demo', '--goals', '100', '--rate', '1',
                 '--out', out]
        if args.params_file:
            words += ['--params-file', str(args.params_file)]
        with open(Path(out) / 'graph.log', 'w') as log:
            graph = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        try:
            found = listen(args.seconds)
        finally:
            graph.send_signal(signal.SIGINT)
            graph.wait(timeout=60)
    in_time = report(found, args.seconds)
    print(f'cycles in time: {100 * in_time:.2f} %')
    return 0 if in_time >= 0.99 else 1


if __name__ == '__main__':
    sys.exit(main())
