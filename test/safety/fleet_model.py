"""Many robots at once in a closed loop with the safety core, among points that rest or chase."""

from dataclasses import dataclass

import numpy as np

from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge_batch
from synth_nodes.safety.rules import reaction_time, SafetyRules
from synth_nodes.types import RobotSpec

DT = 0.01


@dataclass
class Tally:
    """What came of many runs."""

    contacts: int = 0
    """Runs in which the footprint touched a point while it moved faster than is forgiven."""
    fastest: float = 0.0
    """Highest speed of the footprint in contact [m/s]."""
    nearest: float = np.inf
    travel: float = 0.0
    """Mean way of the fastest part of the footprint [m]."""


class Drives:
    """Dead time, a ramp on each axis, a first-order lag; steering for Ackermann drives."""

    def __init__(self, robot: RobotSpec, brakes: np.ndarray) -> None:
        """Stand still; brakes: decelerations of each robot, shape (B,)."""
        count = len(brakes)
        self.robot, self.brakes = robot, brakes
        self.pipe = [np.zeros((count, 3))] * round(robot.command_latency / DT)
        self.ramp, self.velocity = np.zeros((count, 3)), np.zeros((count, 3))
        self.pose = np.zeros((count, 3))
        self.blend = 1.0 if robot.actuator_lag == 0 else 1 - np.exp(-DT / robot.actuator_lag)

    def step(self, command: np.ndarray) -> None:
        """Follow the commands, shape (B, 3), for DT."""
        r = self.robot
        self.pipe = [*self.pipe, command]
        target, self.pipe = self.pipe[0], self.pipe[1:]
        steered = r.drive == 'ackermann'
        if steered:
            moving = np.abs(target[:, 0]) > 0.05
            steer = np.arctan(r.wheel_base * target[:, 2] / np.where(moving, target[:, 0], 1.0))
            target = np.stack((target[:, 0], target[:, 1] * 0, np.where(
                moving, np.clip(steer, -r.max_steer, r.max_steer), self.ramp[:, 2])), axis=1)
        braking = np.abs(target[:, 0]) < np.abs(self.ramp[:, 0])
        rate = np.stack((np.where(braking, self.brakes, r.acceleration),
                         np.full(len(target), r.lateral_acceleration),
                         np.full(len(target), r.steer_rate if steered else r.turn_acceleration)),
                        axis=1) * DT
        self.ramp = self.ramp + np.clip(target - self.ramp, -rate, rate)
        self.velocity = self.velocity + self.blend * (self.ramp - self.velocity)
        vx, vy, w = self.twist().T
        yaw, chord = self.pose[:, 2] + w * DT / 2, DT * np.sinc(w * DT / 2 / np.pi)
        self.pose = self.pose + np.stack((chord * (vx * np.cos(yaw) - vy * np.sin(yaw)),
                                          chord * (vx * np.sin(yaw) + vy * np.cos(yaw)), w * DT),
                                         axis=1)

    def twist(self) -> np.ndarray:
        """Return vx, vy [m/s], w [rad/s], shape (B, 3)."""
        if self.robot.drive != 'ackermann':
            return self.velocity
        out = self.velocity.copy()
        out[:, 2] = out[:, 0] * np.tan(out[:, 2]) / self.robot.wheel_base
        return out


def in_base(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Points (B, N, 2) in the frames of poses (B, 3)."""
    c, s = np.cos(pose[:, 2:]), np.sin(pose[:, 2:])
    x, y = points[..., 0] - pose[:, :1], points[..., 1] - pose[:, 1:2]
    return np.stack((x * c + y * s, y * c - x * s), axis=2)


def harm(rng: np.random.Generator, robot: RobotSpec, count: int, cycles: int) -> np.ndarray:
    """Commands that mean harm, shape (cycles, B, 3): held, jittering, swinging full to full."""
    side = robot.max_lateral_speed if robot.drive == 'omnidirectional' else 0.0
    top = np.array([robot.max_speed, side, robot.max_turn_rate])
    low = np.array([-robot.max_reverse_speed, -side, -robot.max_turn_rate])
    out = rng.uniform(low, top, (cycles, count, 3))
    for b in range(count):
        kind = b % 3
        if kind == 0:
            hold = rng.integers(4, 30)
            out[:, b] = np.repeat(out[::hold, b], hold, axis=0)[:cycles]
        elif kind == 1:
            swing = np.sign(np.sin(np.arange(cycles) * 0.05 * rng.uniform(1.0, 12.0)
                                   + rng.uniform(0, 6)))
            out[:, b, 0] = robot.max_speed * rng.uniform(0.5, 1.0)
            out[:, b, 1:] = np.outer(swing, top[1:])
    return out


def drive_fleet(robot: RobotSpec, rules: SafetyRules, seed: int, count: int = 200,
                seconds: float = 4.0, points: int = 24, guard: bool = True) -> Tally:
    """Drive robots among poles, each of which chases its robot at up to other_speed."""
    rng = np.random.default_rng(seed)
    body, period = body_of(robot.footprint), rules.command.period
    drives = Drives(robot, rng.uniform(1.0, 1.5, count) * robot.deceleration)
    poles = rng.uniform(-3.5, 3.5, (count, points, 2))
    poles[body.gauge(poles.reshape(-1, 2)).reshape(count, points) < 0.4] = 50.0
    pace = rules.braking.other_speed * rng.uniform(0, 1, (count, points)) ** 0.3
    every = round(period / DT)
    cycles = round(seconds / period)
    wishes = harm(rng, robot, count, cycles)
    back = rng.integers(0, 8, count)
    waiting = int(np.ceil(reaction_time(rules, robot) / period)) + 1
    sent = np.zeros((count, waiting, 3))
    seen, touched = [], np.zeros(count, bool)
    grown, tally = np.zeros(count, bool), Tally()
    forgiven = rules.standstill if rules.braking.other_speed == 0 else rules.escape.speed + 0.03
    for k in range(cycles * every):
        seen = [*seen[-7:], in_base(poles, drives.pose)]
        if k % every == 0:
            lag = np.minimum(back, len(seen) - 1)
            scans = np.stack(seen)[len(seen) - 1 - lag, np.arange(count)]
            verdict = judge_batch(rules, robot, drives.twist(), scans, lag * DT,
                                  wishes[k // every], grown, pending=sent)
            grown = (verdict.rule >= 2) & (verdict.rule <= 4)
            command = verdict.command if guard else wishes[k // every]
            sent = np.concatenate((sent[:, 1:], command[:, None]), axis=1)
        drives.step(command)
        way = drives.pose[:, None, :2] - poles
        far = np.hypot(*way.transpose(2, 0, 1))[..., None]
        twist = drives.twist()
        speed = np.hypot(twist[:, 0], twist[:, 1]) + np.abs(twist[:, 2]) * body.radius
        chase = (speed > forgiven)[:, None, None] & (far < 40.0)
        poles = poles + np.where(chase, pace[..., None] * DT * way / far, 0.0)
        gap = body.gauge(in_base(poles, drives.pose).reshape(-1, 2)).reshape(
            count, points).min(axis=1)
        hit = (gap < 0.0) & (speed > forgiven)
        touched |= hit
        tally.fastest = max(tally.fastest, float(speed[hit].max(initial=0.0)))
        tally.nearest = min(tally.nearest, float(gap.min()))
        tally.travel += float(speed.mean()) * DT
    tally.contacts = int(touched.sum())
    return tally
