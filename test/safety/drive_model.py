"""A robot's drive with dead time, ramps and lag, and a closed loop of it with the safety core."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.types import RobotSpec

DT = 0.005


@dataclass
class Drive:
    """Exact arcs at DT; the command passes dead time, then ramps, then a first-order lag."""

    robot: RobotSpec
    pose: np.ndarray = field(default_factory=lambda: np.zeros(3))
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def __post_init__(self):
        self.ramp = np.zeros(3)
        self.pipe = deque([np.zeros(3)] * round(self.robot.command_latency / DT))

    def step(self, command):
        self.pipe.append(np.asarray(command, float))
        target = self.pipe.popleft()
        r = self.robot
        braking = np.abs(target[:2]) < np.abs(self.ramp[:2])
        rate = np.append(np.where(braking, r.deceleration, r.acceleration), r.turn_acceleration)
        self.ramp = self.ramp + np.clip(target - self.ramp, -rate * DT, rate * DT)
        blend = 1.0 if r.actuator_lag == 0 else 1 - np.exp(-DT / r.actuator_lag)
        self.velocity = self.velocity + blend * (self.ramp - self.velocity)
        vx, vy, w = self.velocity
        yaw = self.pose[2] + w * DT / 2
        chord = DT * np.sinc(w * DT / 2 / np.pi)
        self.pose += np.array([chord * (vx * np.cos(yaw) - vy * np.sin(yaw)),
                               chord * (vx * np.sin(yaw) + vy * np.cos(yaw)), w * DT])


def in_base(points, pose):
    c, s = np.cos(pose[2]), np.sin(pose[2])
    return (points - pose[:2]) @ np.array([[c, -s], [s, c]])


@dataclass
class Outcome:
    """What came of a closed-loop run."""

    contacts: int = 0
    nearest: float = np.inf
    travel: float = 0.0
    verdicts: list = field(default_factory=list)
    pose: np.ndarray | None = None


def run(robot, rules, points, pilot, seconds, *, age=0.03, movers=None, guard=True, noise=None):
    """
    Drive among points and count the steps in which the robot moves while in contact.

    :param pilot: (time, points_base, velocity) -> command, 20 times a second.
    :param age: of every scan when it is judged [s].
    :param movers: velocities of the points [m/s], shape (N, 2), or None; they halt when 3 cm near.
    :param noise: shape -> what is added to the points that the core sees, or None.
    """
    body, drive, out = body_of(robot.footprint), Drive(robot), Outcome()
    back, every = round(age / DT), round(rules.command.period / DT)
    seen = deque(maxlen=back + 1)
    command, verdict = np.zeros(3), None
    for k in range(round(seconds / DT)):
        if movers is not None:
            points = points + movers * DT
        now = in_base(points, drive.pose)
        seen.append(now)
        if k % every == 0:
            wish = pilot(k * DT, now, drive.velocity)
            points_seen = seen[0] if noise is None else seen[0] + noise(seen[0].shape)
            source = PointSource('scan', points_seen, (len(seen) - 1) * DT, True)
            verdict = judge(rules, robot, RobotState(drive.velocity.copy(), 0.0), [source], wish,
                            previous=verdict)
            out.verdicts.append(verdict)
            command = np.array(verdict.command if guard else wish)
        drive.step(command)
        gap = float(body.gauge(in_base(points, drive.pose)).min())
        speed = np.hypot(*drive.velocity[:2]) + abs(drive.velocity[2]) * body.radius
        out.contacts += gap <= 0.0 and speed > 0.01
        if gap < 0.03:
            movers = None
        out.nearest = min(out.nearest, gap)
        out.travel += speed * DT
    out.pose = drive.pose
    return out


def random_poles(rng, robot, count=40, room=0.25, spread=3.0):
    points = rng.uniform(-spread, spread, (4 * count, 2))
    return points[body_of(robot.footprint).gauge(points) > room][:count]


def wild_pilot(rng, robot, kind):
    """Pilots that mean harm: 'random', 'jitter', 'chase', 'spin', 'swerve'."""
    top = np.array([robot.max_speed, 0.0, robot.max_turn_rate])
    low = np.array([-robot.max_reverse_speed, 0.0, -robot.max_turn_rate])
    held = {'until': 0.0, 'command': np.zeros(3)}

    def pilot(time, points, velocity):
        if kind == 'chase':
            near = points[np.argmin((points ** 2).sum(axis=1) + 10 * (points[:, 0] < 0))]
            return np.clip((0.8, 0.0, 4 * np.arctan2(near[1], near[0])), low, top)
        if kind == 'spin':
            return np.array([0.3 * np.sin(time), 0.0, top[2] * np.sign(np.sin(0.5 * time))])
        if kind == 'swerve':
            return np.array([top[0], 0.0, top[2] * np.sign(np.sin(3 * time))])
        if time >= held['until']:
            held['until'] = time + (0.05 if kind == 'jitter' else rng.uniform(0.2, 1.5))
            held['command'] = rng.uniform(low, top)
        return held['command']
    return pilot
