"""The rules of the safety core: flat settings, so that each is one ROS parameter."""

from dataclasses import dataclass

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.settings import setting
from synth_nodes.types import RobotSpec


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
    frozen_scans: int = setting(
        5, 'Scans in a row, the same to the bit while odometry says that the robot moves, from '
        'which a sensor counts as frozen; 0 switches the test off.', low=0, high=1000)
    frozen_travel: float = setting(
        0.05, 'Way of the fastest part of the footprint during those scans.',
        unit='m', low=0.001, high=10.0)
    max_invalid_angle: float = setting(
        0.35, 'Widest run of neighbouring invalid beams in a scan.',
        unit='rad', low=0.0, high=6.3)
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
        'one', "Whether a second publisher of commands stops the robot: 'one' or 'any'.",
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
    hysteresis: float = setting(
        0.02, 'How much all margins grow while a zone or the braking rule binds.',
        unit='m', low=0.0, high=0.5)
    standstill: float = setting(
        0.02, 'Speed of the footprint below which the robot counts as standing.',
        unit='m/s', low=0.001, high=0.2)


def check_rules(rules: SafetyRules, robot: RobotSpec) -> None:
    """
    Refuse rules that contradict each other or the robot; nodes call this once at start-up.

    :raises InputError: naming the parameter, its value and the value that would do.
    """
    body_of(robot.footprint)
    clearance, margin = rules.escape.clearance, rules.braking.margin
    if clearance > margin:
        raise InputError(f"safety rules: 'escape.clearance' = {clearance} m is above "
                         f"'braking.margin' = {margin} m; make it {margin} or less")
    brake = min(rules.braking.deceleration, robot.deceleration)
    tau = reaction_time(rules, robot) + rules.source.timeout
    need = rules.escape.speed * tau + rules.escape.speed ** 2 / (2 * brake)
    if need > rules.escape.distance:
        raise InputError(f"safety rules: 'escape.distance' = {rules.escape.distance} m is less "
                         f'than the {need:.3f} m it takes to stop from escape.speed; '
                         f'make it {need:.3f} or more')


def reaction_time(rules: SafetyRules, robot: RobotSpec) -> float:
    """
    Time [s] from a judgement until the next one can take effect, age of data not counted.

    One command period, then computing, latency and lag: a first-order lag with time constant T
    lengthens the way to standstill by exactly v*T, as a dead time T does.
    """
    actuation = max(rules.braking.reaction_time, robot.actuator_lag + robot.command_latency)
    return actuation + rules.command.period
