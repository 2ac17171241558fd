#!/usr/bin/env python3
"""
Does the safety monitor keep up with a fast scanner?

Starts `safety_monitor_node` as a process and plays a robot that drives through a room:
a scan of 1080 beams at 40 Hz, odometry at 40 Hz, commands at 50 Hz. As the rates differ, every
command meets a scan at another moment, the one that is just being taken in included. Measured is
the time from a command's publication to that of what the monitor made of it, transport to the
monitor included, and the gaps between the monitor's commands: one is late when it comes more than
half a period after its time.

    python benchmarks/safety_node.py [--seconds 60] [--beams 1080] [--zones] [--log DIR]
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import time

SCAN_RATE, COMMAND_RATE = 40.0, 50.0
SETTLE = 3.0
"""Time [s] at the beginning that is left out."""
ZONES = {
    'zones.near.shape': 'polygon', 'zones.near.action': 'slowdown',
    'zones.near.points': '[0.8, 0.5, -0.4, 0.5, -0.4, -0.5, 0.8, -0.5]',
    'zones.way.shape': 'footprint', 'zones.way.action': 'approach',
    'zones.round.shape': 'circle', 'zones.round.action': 'limit', 'zones.round.radius': '0.7',
    'zones.fast.shape': 'velocity_polygon', 'zones.fast.action': 'stop',
    'zones.fast.parts.on.points': '[0.5, 0.3, -0.3, 0.3, -0.3, -0.3, 0.5, -0.3]',
    'zones.fast.parts.on.linear_min': '-1.0', 'zones.fast.parts.on.linear_max': '1.0'}


def room(beams: int):
    """Ranges [m] of a room of 7 m x 5 m with pillars, shape (beams,), by the beams' angles."""
    import numpy as np

    angles = -np.pi + 2 * np.pi / beams * np.arange(beams)
    c, s = np.cos(angles), np.sin(angles)
    walls = np.minimum(3.5 / np.maximum(np.abs(c), 1e-9), 2.5 / np.maximum(np.abs(s), 1e-9))
    for x, y, radius in ((1.4, 0.3, 0.15), (0.8, -0.6, 0.1), (-0.9, 0.5, 0.2), (2.0, -1.0, 0.3)):
        along = x * c + y * s
        off = radius ** 2 - (x * s - y * c) ** 2
        hit = (off > 0.0) & (along > 0.0)
        walls = np.where(hit, np.minimum(walls, along - np.sqrt(np.maximum(off, 0.0))), walls)
    return walls


def play(seconds: float, beams: int) -> dict[str, object]:
    """Play the robot to a running monitor; return times of commands in and out [ns]."""
    from diagnostic_msgs.msg import DiagnosticArray
    from geometry_msgs.msg import TwistStamped
    from nav_msgs.msg import Odometry
    import numpy as np
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import LaserScan

    from synth_nodes.ros.conversions import fill_odometry, new_scan, set_ranges
    from synth_nodes.ros.qos import DRIVER
    from synth_nodes.ros.recorder import stamp_of
    from synth_nodes.types import LidarSpec

    rclpy.init()
    node = rclpy.create_node('safety_node_benchmark')
    scans = node.create_publisher(LaserScan, 'scan', DRIVER)
    odometry = node.create_publisher(Odometry, 'odom', DRIVER)
    commands = node.create_publisher(TwistStamped, 'cmd_vel_raw', DRIVER)
    scan, odom, command = new_scan(LidarSpec(beams=beams), 'laser'), Odometry(), TwistStamped()
    odom.header.frame_id, command.header.frame_id = 'odom', 'base_link'
    begun, ended, health = {}, {}, {}
    rng, walls = np.random.default_rng(0), room(beams)

    def answer(data: bytes, info: dict) -> None:
        ended.setdefault(stamp_of(data), info['source_timestamp'])

    def hear(message: DiagnosticArray) -> None:
        for status in message.status:
            health.update({v.key: v.value for v in status.values})

    def sense() -> None:
        stamp = node.get_clock().now().to_msg()
        odom.header.stamp = scan.header.stamp = stamp
        fill_odometry(odom, (0.0, 0.0, 0.0), (0.3, 0.0, 0.2))
        set_ranges(scan, walls + rng.normal(0.0, 0.01, beams))
        odometry.publish(odom)
        scans.publish(scan)

    def ask() -> None:
        now = node.get_clock().now()
        command.header.stamp = now.to_msg()
        command.twist.linear.x, command.twist.angular.z = 0.4, float(rng.uniform(-0.5, 0.5))
        begun[now.nanoseconds] = time.time_ns()
        commands.publish(command)

    node.create_subscription(TwistStamped, 'cmd_vel', answer, DRIVER, raw=True)
    node.create_subscription(DiagnosticArray, 'diagnostics', hear, 10)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    limit = time.monotonic() + 60.0
    while commands.get_subscription_count() == 0 and time.monotonic() < limit:
        executor.spin_once(timeout_sec=0.1)
    due = {sense: time.monotonic(), ask: time.monotonic() + 0.003}
    step = {sense: 1.0 / SCAN_RATE, ask: 1.0 / COMMAND_RATE}
    start = time.monotonic() + SETTLE
    first = None
    while time.monotonic() < start + seconds:
        first = first or (time.time_ns() if time.monotonic() >= start else None)
        act = min(due, key=due.get)
        wait = due[act] - time.monotonic()
        if wait > 0.0:
            executor.spin_once(timeout_sec=wait)
        else:
            act()
            due[act] += step[act]
    executor.spin_once(timeout_sec=0.3)
    kept = {stamp: t for stamp, t in begun.items() if t >= first}
    return {'begun': kept, 'ended': ended, 'health': health}


def report(found: dict, seconds: float, beams: int) -> float:
    """Print the figures; returns p99.9 of command in to command out [ms]."""
    import numpy as np

    begun, ended = found['begun'], found['ended']
    answered = [s for s in begun if s in ended]
    took = np.array([(ended[s] - begun[s]) / 1e6 for s in answered])
    gaps = np.diff(np.sort([ended[s] for s in answered])) / 1e6
    asked = np.diff(np.sort(list(begun.values()))) / 1e6
    period = 1e3 / COMMAND_RATE
    p50, p99, p999 = np.percentile(took, (50, 99, 99.9))
    print(f'{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, '
          f'{seconds:g} s, {beams} beams at {SCAN_RATE:g} Hz, commands at {COMMAND_RATE:g} Hz')
    print(f'commands answered: {len(answered)} of {len(begun)}')
    print(f"in the monitor alone: p50 {found['health'].get('latency_p50_ms')} ms, p99 "
          f"{found['health'].get('latency_p99_ms')} ms")
    for name, times in (('asked', asked), ('answered', gaps)):
        print(f'gaps between commands {name}: p50 {np.median(times):.2f} ms, max '
              f'{times.max():.2f} ms, on time {100 * (times <= 1.5 * period).mean():.2f} %')
    print(f'command in to command out: p50 {p50:.2f} ms, p99 {p99:.2f} ms, p99.9 {p999:.2f} ms')
    return float(p999)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--beams', type=int, default=1080)
    parser.add_argument('--zones', action='store_true', help='with four zones of a user')
    parser.add_argument('--log', default='', help='folder for a safety log; none by default')
    args = parser.parse_args()
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    words = [sys.executable, '-m', 'synth_nodes.nodes.safety_monitor_node', '--ros-args']
    for name, value in (ZONES if args.zones else {}).items():
        words += ['-p', f'{name}:={value}']
    if args.log:
        words += ['-p', f'log.folder:={args.log}']
    monitor = subprocess.Popen(words)
    try:
        found = play(args.seconds, args.beams)
    finally:
        monitor.send_signal(signal.SIGINT)
        monitor.wait(timeout=20)
    return 0 if report(found, args.seconds, args.beams) <= 20.0 else 1


if __name__ == '__main__':
    sys.exit(main())
