#!/usr/bin/env python3
"""
Does every image arrive?

One process sends RGB images of 640x480 at 30 Hz, another one receives them: with the package's
Fast DDS profile (16 MB of shared memory) and with the defaults, reliable and best-effort. An
image counts as received when a subscription's callback has it; latency is from before `publish`
to the callback.

    python benchmarks/delivery.py [--frames 300] [--profile ours|default|both] [--json]
"""

import argparse
from itertools import product
import json
import os
import subprocess
import sys
import time

from synth_nodes import resources

WIDTH, HEIGHT, RATE = 640, 480, 30.0
DEPTH = 5
READY_S, REST_S = 30.0, 1.0
PROFILE = 'FASTDDS_DEFAULT_PROFILES_FILE'


def profile_of(mode: str):
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    policies = {'reliable': ReliabilityPolicy.RELIABLE,
                'best-effort': ReliabilityPolicy.BEST_EFFORT}
    return QoSProfile(depth=DEPTH, reliability=policies[mode])


def send(frames: int, mode: str) -> None:
    """Send numbered images once somebody listens."""
    import numpy as np
    import rclpy
    from sensor_msgs.msg import Image

    from synth_nodes.ros.clocks import to_stamp
    from synth_nodes.ros.images import new_image, set_pixels
    from synth_nodes.sensors.camera_spec import CameraSpec

    rclpy.init()
    node = rclpy.create_node('sender')
    publisher = node.create_publisher(Image, 'image', profile_of(mode))
    message = new_image(CameraSpec(width=WIDTH, height=HEIGHT), 'rgb8', '')
    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    end = time.monotonic() + READY_S
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > end:
            raise SystemExit('nobody listens')
        time.sleep(0.01)
    time.sleep(0.5)  # the other end has to know us as well
    start = time.monotonic()
    for k in range(frames):
        time.sleep(max(0.0, start + k / RATE - time.monotonic()))
        set_pixels(message, pixels)
        message.header.frame_id = str(k)
        message.header.stamp = to_stamp(time.time_ns())
        publisher.publish(message)
    time.sleep(REST_S)


def receive(frames: int, mode: str) -> None:
    """Print, as JSON, the numbers of the images that came and how long each was under way."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from sensor_msgs.msg import Image

    from synth_nodes.ros.clocks import to_ns

    rclpy.init()
    node = rclpy.create_node('receiver')
    came: dict[int, float] = {}

    def take(message: Image) -> None:
        delay = (time.time_ns() - to_ns(message.header.stamp)) * 1e-6
        if len(message.data) == 3 * WIDTH * HEIGHT:
            came[int(message.header.frame_id)] = delay

    node.create_subscription(Image, 'image', take, profile_of(mode))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    # All are sent by then; nothing ends earlier, for the last image may be one of the lost.
    end = time.monotonic() + READY_S + frames / RATE
    while time.monotonic() < end and frames - 1 not in came:
        executor.spin_once(timeout_sec=0.2)
        if len(came) == 1:
            end = min(end, time.monotonic() + frames / RATE + 2 * REST_S)
    print(json.dumps(sorted(came.items())))


def trial(frames: int, profile: str, mode: str) -> dict[str, float | str]:
    """Run both processes; the receiver's answer in figures."""
    import numpy as np

    environment = {k: v for k, v in os.environ.items() if k != PROFILE}
    environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    environment['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
    if profile == 'ours':
        environment[PROFILE] = str(resources.share('config', 'fastdds.xml'))
    words = [sys.executable, __file__, '--frames', str(frames), '--mode', mode, '--role']
    receiver = subprocess.Popen([*words, 'receive'], env=environment, stdout=subprocess.PIPE,
                                text=True)
    try:
        subprocess.run([*words, 'send'], env=environment, check=True)
        out, _ = receiver.communicate(timeout=READY_S + frames / RATE)
    finally:
        receiver.kill()
    came = dict(json.loads(out))
    delays = np.array(list(came.values())) if came else np.full(1, np.nan)
    p50, p99 = np.percentile(delays, (50, 99))
    return {'profile': profile, 'mode': mode, 'sent': frames, 'received': len(came),
            'p50_ms': float(p50), 'p99_ms': float(p99)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--frames', type=int, default=300)
    parser.add_argument('--profile', choices=('ours', 'default', 'both'), default='both')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON')
    parser.add_argument('--role', choices=('send', 'receive'), help=argparse.SUPPRESS)
    parser.add_argument('--mode', choices=('reliable', 'best-effort'), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.role:
        {'send': send, 'receive': receive}[args.role](args.frames, args.mode)
        return 0
    profiles = ('ours', 'default') if args.profile == 'both' else (args.profile,)
    rows = [trial(args.frames, p, m) for p, m in product(profiles, ('reliable', 'best-effort'))]
    if args.json:
        print(json.dumps(rows))
    else:
        print(f'{"profile":<10}{"mode":<14}{"sent":>6}{"received":>10}{"p50 ms":>9}{"p99 ms":>9}')
        for row in rows:
            print('{profile:<10}{mode:<14}{sent:>6}{received:>10}{p50_ms:>9.2f}{p99_ms:>9.2f}'
                  .format(**row))
    lost = max(r['sent'] - r['received'] for r in rows if r['profile'] == profiles[0])
    if not args.json:
        print(f'images lost with the profile {profiles[0]!r}: {lost}')
    return 0 if lost == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
