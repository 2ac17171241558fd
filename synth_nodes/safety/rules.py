"""The rules of the safety core: flat settings, so that each is one ROS parameter."""

from dataclasses import dataclass

import numpy as np

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.settings import setting
from synth_nodes.types import LidarSpec, RobotSpec


@dataclass(frozen=True)
class BrakingRules:
    """What the drive is trusted to do, and the room it must keep."""

    deceleration: float = setting(
        1.5, 'Braking deceleration relied upon; the lower of this and robot.deceleration is used.',
        unit='m/s^2', low=0.05, high=20.0)
    reaction_time: float = setting(
        0.12, 'Computing, command latency and actuator lag; never taken as less than the '
        "robot's own lag and latency. The age of the data and the command period come on top.",
        unit='s', low=0.0, high=2.0)
    margin: float = setting(
        0.10, 'Room kept around the footprint along the whole way until standstill.',
        unit='m', low=0.0, high=2.0)
    other_speed: float = setting(
        0.3, 'Speed at which anything seen may be coming nearer; 0 for a world that stands still.',
        unit='m/s', low=0.0, high=5.0)


@dataclass(frozen=True)
class BrakeWatchRules:
    """What is made of a drive that brakes weaker or later than it is trusted to."""

    action: str = setting(
        'tighten', "'tighten' reports it and relies on what was measured until a reset, 'report' "
        "only reports it, 'off' does not look.", choices=('tighten', 'report', 'off'))
    speed_noise: float = setting(
        0.05, 'Error of a measured speed that is no breach.', unit='m/s', low=0.0, high=1.0)
    scale_noise: float = setting(
        0.05, 'Part by which odometry may read too fast, as with slip or worn wheels.',
        low=0.0, high=1.0)
    time_noise: float = setting(
        0.02, 'Error of the time between a command and a measurement.',
        unit='s', low=0.0, high=0.5)
    samples: int = setting(
        2, 'Measurements in a row beyond what the trusted drive can do that it takes.',
        low=1, high=100)


@dataclass(frozen=True)
class StopZoneRules:
    """The band around the footprint in which an obstacle stops the robot."""

    margin: float = setting(
        0.05, 'Width of the band around the footprint.', unit='m', low=0.0, high=2.0)


@dataclass(frozen=True)
class SlowdownZoneRules:
    """The area in the direction of travel in which an obstacle slows the robot down."""

    margin: float = setting(
        0.12, 'Width of the band around the footprint.', unit='m', low=0.0, high=2.0)
    time: float = setting(
        0.6, 'The zone reaches as far ahead as the command would take the robot in this time.',
        unit='s', low=0.0, high=10.0)
    ratio: float = setting(
        0.6, 'Part of the commanded speed that is let through; 1 switches the zone off.',
        low=0.01, high=1.0)


@dataclass(frozen=True)
class EscapeRules:
    """Slow motions past or away from what is already inside a margin."""

    speed: float = setting(
        0.15, 'Fastest speed of any part of the footprint; 0 forbids escapes.',
        unit='m/s', low=0.0, high=1.0)
    distance: float = setting(
        0.20, 'Travel for which an escape must stay clear of contact.',
        unit='m', low=0.02, high=5.0)
    clearance: float = setting(
        0.02, 'Least room to an obstacle during an escape, if there is as much to begin with.',
        unit='m', low=0.0, high=1.0)


@dataclass(frozen=True)
class SourceRules:
    """When a sensor source may be believed."""

    timeout: float = setting(
        0.3, 'Oldest data used, of sensors and of velocity.', unit='s', low=0.01, high=10.0)
    future_tolerance: float = setting(
        0.05, 'How far ahead of the clock a stamp may be.', unit='s', low=0.0, high=1.0)
    min_points: int = setting(
        1, 'Points of one source that it takes to bind. One: a thin pole gives no more.',
        low=1, high=100)
    max_invalid: float = setting(
        0.2, 'Largest part of invalid beams (NaN, -inf, too short) in a scan.', low=0.0, high=1.0)
    empty: str = setting(
        'refuse', "What a scan without a single return means: 'refuse' takes the sensor for dead, "
        "'free' takes it that nothing is there, as in the open.", choices=('refuse', 'free'))
    frozen_scans: int = setting(
        5, 'Scans in a row, the same to the bit while odometry says that the robot moves, from '
        'which a sensor counts as frozen; 0 switches the test off.', low=0, high=1000)
    frozen_travel: float = setting(
        0.05, 'Way of the fastest part of the footprint during those scans.',
        unit='m', low=0.001, high=10.0)
    max_invalid_angle: float = setting(
        0.35, 'Widest run of neighbouring invalid beams in a scan.',
        unit='rad', low=0.0, high=6.3)
    smallest_obstacle: float = setting(
        0.05, 'Width of the smallest obstacle that the scan is relied on to show.',
        unit='m', low=0.001, high=1.0)
    unseen: str = setting(
        'creep', "What a scan has not seen: 'creep' lets the robot into it at escape.speed, "
        "'stop' not at all, 'free' takes it for free.", choices=('creep', 'stop', 'free'))


@dataclass(frozen=True)
class RiskRules:
    """How a learned probability of collision lowers the speed; it never raises it."""

    low: float = setting(
        0.2, 'Probability up to which the speed is left as it is.', low=0.0, high=1.0)
    high: float = setting(
        0.8, 'Probability from which only `least` of the command is left; linear in between.',
        low=0.0, high=1.0)
    least: float = setting(
        0.25, 'Least part of the command that a learned risk leaves; 0 lets it stop the robot.',
        low=0.0, high=1.0)


@dataclass(frozen=True)
class CommandRules:
    """When a command may be believed."""

    period: float = setting(
        0.05, 'Longest time between two commands in normal running.',
        unit='s', low=0.001, high=1.0)
    timeout: float = setting(
        0.3, 'Oldest command followed.', unit='s', low=0.01, high=5.0)
    jump_time: float = setting(
        2.0, 'Largest step from one command to the next, as the time the drive takes for it at '
        'its acceleration limits; slowing down is free. 0 sets no limit.',
        unit='s', low=0.0, high=60.0)
    jump_action: str = setting(
        'refuse', "What becomes of a larger step: 'refuse' stops once and takes the next command "
        "as it comes, 'limit' lets through the part of the step that is within the limit.",
        choices=('refuse', 'limit'))
    publishers: str = setting(
        'one', "Whether a second publisher of commands, before or behind the monitor, stops the "
        "robot: 'one' or 'any'.",
        choices=('one', 'any'))
    override_duration: float = setting(
        10.0, 'How long an override lasts.', unit='s', low=0.1, high=120.0)
    override_speed: float = setting(
        0.1, 'Fastest speed of any part of the footprint under an override.',
        unit='m/s', low=0.0, high=1.0)


@dataclass(frozen=True)
class SafetyRules:
    """All rules of the safety core."""

    braking: BrakingRules = BrakingRules()
    stop_zone: StopZoneRules = StopZoneRules()
    slowdown_zone: SlowdownZoneRules = SlowdownZoneRules()
    escape: EscapeRules = EscapeRules()
    source: SourceRules = SourceRules()
    command: CommandRules = CommandRules()
    risk: RiskRules = RiskRules()
    brakes: BrakeWatchRules = BrakeWatchRules()
    hysteresis: float = setting(
        0.02, 'How much all margins grow while a zone or the braking rule binds.',
        unit='m', low=0.0, high=0.5)
    standstill: float = setting(
        0.02, 'Speed of the footprint below which the robot counts as standing.',
        unit='m/s', low=0.001, high=0.2)


def check_rules(rules: SafetyRules, robot: RobotSpec, lidar: LidarSpec | None = None) -> None:
    """
    Refuse rules that contradict each other, the robot or its lidar; nodes call this at start-up.

    :param lidar: what the rules rely on to see; None checks the rules and the robot alone.
    :raises InputError: naming the inequality that fails, the parameter, its value and the value
        that would do.
    """
    body_of(robot.footprint)
    clearance, margin = rules.escape.clearance, rules.braking.margin
    if clearance > margin:
        raise InputError(f"safety rules: 'escape.clearance' = {clearance} m is above "
                         f"'braking.margin' = {margin} m; make it {margin} or less")
    tau = reaction_time(rules, robot) + rules.source.timeout
    need = stopping_distance(rules, robot, rules.escape.speed, tau)
    if need > rules.escape.distance:
        raise InputError(f"safety rules: 'escape.distance' = {rules.escape.distance} m is less "
                         f'than the {need:.3f} m it takes to stop from escape.speed; '
                         f'make it {np.ceil(need * 1000) / 1000:.3f} or more')
    if lidar is not None:
        _check_sight(rules, robot, lidar)


def _check_sight(rules: SafetyRules, robot: RobotSpec, lidar: LidarSpec) -> None:
    """Refuse a lidar by which the robot cannot stop in time at its highest speed."""
    source, period = rules.source, 1.0 / lidar.rate
    if period > source.timeout:
        raise InputError(f"safety rules: a scan each {period:.3f} s is slower than "
                         f"'source.timeout' = {source.timeout} s; make 'rate' "
                         f'{np.ceil(100 / source.timeout) / 100:.2f} Hz or more')
    need = sight_distance(rules, robot, lidar)
    if need > lidar.range_max:
        raise InputError(
            f"safety rules: 'range_max' = {lidar.range_max} m is less than the {need:.2f} m "
            f"(reach of the footprint + margin + v*tau + v^2/(2b) + V*t) that 'max_speed' = "
            f"{robot.max_speed} m/s takes; make 'range_max' {need:.2f} or more, or lower "
            "'max_speed' or 'braking.other_speed'")
    width, step = source.smallest_obstacle, lidar.angle_increment
    beams = int(2 * np.arcsin(min(width / (2 * need), 1.0)) / step)
    if beams < source.min_points:
        least = 2 * need * np.sin(min(source.min_points * step / 2, np.pi / 2))
        fine = int(np.ceil(lidar.field_of_view * source.min_points
                           / (2 * np.arcsin(min(width / (2 * need), 1.0))))) + 1
        raise InputError(
            f"safety rules: 'source.smallest_obstacle' = {width} m is sure to be met by {beams} "
            f"beams at the {need:.2f} m that 'max_speed' = {robot.max_speed} m/s takes, fewer "
            f"than 'source.min_points' = {source.min_points}; make 'beams' {fine} or more, "
            f"'source.smallest_obstacle' {np.ceil(least * 1000) / 1000:.3f} or more, or lower "
            "'max_speed'")
    near = _room_within(robot, lidar.mount) + rules.braking.margin
    if lidar.range_min > near:
        raise InputError(
            f"safety rules: 'range_min' = {lidar.range_min} m is more than the {near:.3f} m from "
            "the laser to the edge of the footprint + braking.margin, so that what stands "
            f"there reads as invalid; make 'range_min' {max(near, 0.0):.3f} or less")


def _room_within(robot: RobotSpec, mount: tuple[float, ...]) -> float:
    """Distance [m] from the laser to the nearest edge of the footprint; negative outside."""
    return -float(body_of(robot.footprint).gauge(np.array([mount[:2]]))[0])


def stopping_distance(rules: SafetyRules, robot: RobotSpec, speed: float, tau: float) -> float:
    """Way [m] to standstill from a speed [m/s] with a reaction time [s]: v*tau + v^2/(2b)."""
    return speed * tau + speed ** 2 / (2 * min(rules.braking.deceleration, robot.deceleration))


def sight_distance(rules: SafetyRules, robot: RobotSpec, lidar: LidarSpec) -> float:
    """
    Distance from the laser [m] up to which the robot must see at its highest speed.

    Reach of the footprint, seen from the laser, margin, the way during one scan period and to
    standstill, and what comes nearer with V meanwhile (ISO 13855:2010, clause 5: S = K*T + C).
    """
    return room_to_stop(rules, robot, lidar.mount, 1.0 / lidar.rate)


def room_to_stop(rules: SafetyRules, robot: RobotSpec, eye: tuple[float, ...] = (0.0, 0.0),
                 period: float = 0.0) -> float:
    """
    Distance [m] up to which a robot must see; see :func:`sight_distance`.

    :param eye: from where, x, y [m] in base_link; period: between two looks [s].
    """
    speed = max(robot.max_speed, robot.max_reverse_speed)
    tau = reaction_time(rules, robot) + period
    brake = min(rules.braking.deceleration, robot.deceleration)
    far = float(np.hypot(*(robot.polygon - np.asarray(eye[:2])).T).max())
    return (far + rules.braking.margin + stopping_distance(rules, robot, speed, tau)
            + speed * period + rules.braking.other_speed * (tau + speed / brake))


def unseen_reach(rules: SafetyRules, robot: RobotSpec, oldest: float = 0.0) -> float:
    """
    Distance from base_link [m] beyond which unseen space cannot matter, any usable age.

    :param oldest: oldest data [s] that a timeout of a source's own lets through.
    """
    speed = max(robot.max_speed, robot.max_reverse_speed)
    tau = reaction_time(rules, robot) + max(rules.source.timeout, oldest)
    brake = min(rules.braking.deceleration, robot.deceleration)
    return (2 * robot.radius + rules.braking.margin + rules.hysteresis
            + stopping_distance(rules, robot, speed, tau)
            + rules.braking.other_speed * (tau + speed / brake))


def reaction_time(rules: SafetyRules, robot: RobotSpec) -> float:
    """
    Time [s] from a judgement until the next one can take effect, age of data not counted.

    One command period, then computing, latency and lag: a first-order lag with time constant T
    lengthens the way to standstill by exactly v*T, as a dead time T does.
    """
    actuation = max(rules.braking.reaction_time, robot.actuator_lag + robot.command_latency)
    return actuation + rules.command.period
