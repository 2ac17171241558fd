"""
Latency of one verdict, and throughput of thousands, on one core.

    python benchmarks/safety_core.py [--rounds 5]

Latency in a tight loop over made-up scans: open space, a corridor 1.2 m wide, and 25 poles within
3 m. Wall time and time on the processor, which leaves out what other processes took.
"""

import argparse
from collections.abc import Callable
import time

import numpy as np

from synth_nodes.safety.core import judge, judge_batch
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.types import RobotSpec

RULES, ROBOT = SafetyRules(), RobotSpec()
PLACES = ('open', 'corridor', 'clutter')
ROBOTS, POINTS = 4096, 16


def scan(place: str, beams: int, rng: np.random.Generator) -> np.ndarray:
    """Points of a scan, base_link [m], shape (N, 2)."""
    angles = np.linspace(-np.pi, np.pi, beams, endpoint=False)
    ranges = np.full(beams, 8.0)
    if place == 'corridor':
        ranges = np.minimum(0.6 / np.maximum(np.abs(np.sin(angles)), 1e-9), 10.0)
    if place == 'clutter':
        for _ in range(25):
            at, away = rng.uniform(-np.pi, np.pi), rng.uniform(0.5, 3.0)
            off = np.abs((angles - at + np.pi) % (2 * np.pi) - np.pi)
            hit = off < np.arctan2(0.1, away)
            ranges[hit] = np.minimum(ranges[hit], away)
    return np.stack((ranges * np.cos(angles), ranges * np.sin(angles)), axis=1)


def latencies(place: str, beams: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Wall and processor times [s] of verdicts."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(200):
        velocity = rng.uniform((0.0, 0.0, -0.5), (0.8, 0.0, 0.5))
        command = np.clip(velocity + rng.uniform((-0.2, 0.0, -0.6), (0.2, 0.0, 0.6)),
                          (0.05, 0.0, -1.5), (0.8, 0.0, 1.5))
        source = PointSource('scan', scan(place, beams, rng), 0.02, True)
        cases.append((RobotState(velocity, 0.0), source, command))
    out = []
    for k in range(rounds + 1):
        for state, source, command in cases:
            wall, busy = time.perf_counter(), time.thread_time()
            judge(RULES, ROBOT, state, [source], command)
            out.append((time.perf_counter() - wall, time.thread_time() - busy))
        if k == 0:
            out.clear()
    return tuple(np.array(out).T)


def throughput(rounds: int) -> tuple[float, float]:
    """Return the least wall and processor time [s] that a robot of a batch takes."""
    rng = np.random.default_rng(1)
    velocity = rng.uniform((-0.2, 0.0, -1.0), (0.8, 0.0, 1.0), (ROBOTS, 3))
    command = rng.uniform((-0.2, 0.0, -1.5), (0.8, 0.0, 1.5), (ROBOTS, 3))
    points, age = rng.uniform(-3, 3, (ROBOTS, POINTS, 2)), rng.uniform(0.0, 0.1, ROBOTS)

    def once(clock: Callable[[], float]) -> float:
        began = clock()
        judge_batch(RULES, ROBOT, velocity, points, age, command)
        return (clock() - began) / ROBOTS
    return (min(once(time.perf_counter) for _ in range(rounds)),
            min(once(time.thread_time) for _ in range(rounds)))


def main() -> None:
    """Measure and print a table."""
    arguments = argparse.ArgumentParser(description='Latency and throughput of the safety core.')
    arguments.add_argument('--rounds', type=int, default=5)
    rounds = arguments.parse_args().rounds
    worst = 0.0
    print('one verdict [ms]          wall p50    p99    processor p50    p99')
    for beams in (360, 1080):
        for place in PLACES:
            wall, busy = (np.percentile(t, (50, 99)) * 1e3 for t in latencies(place, beams,
                                                                              rounds))
            worst = max(worst, float(wall[1]))
            print(f'{beams:5d} beams, {place:9s} {wall[0]:12.2f} {wall[1]:6.2f} '
                  f'{busy[0]:16.2f} {busy[1]:6.2f}')
    wall_each, busy_each = throughput(rounds)
    print(f'{ROBOTS} robots x {POINTS} points: {wall_each * 1e6:.1f} us a robot (processor '
          f'{busy_each * 1e6:.1f} us)')
    print(f'p99 at 1080 beams or less, worst place: {worst:.2f} ms')


if __name__ == '__main__':
    main()
