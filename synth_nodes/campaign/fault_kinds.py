"""The kinds of faults, each with the time in which it must be found and what must come of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from synth_nodes.campaign.rig import Command, Fault, Kind, Odometry, Scan, stamped
from synth_nodes.nodes.guard import Guard
from synth_nodes.safety.rules import SafetyRules

Rules = SafetyRules


def at_once(rules: Rules) -> float:
    """Find it in the message itself."""
    return 0.0


def data_timeout(rules: Rules) -> float:
    """Find it when the data have become too old."""
    return rules.source.timeout


def command_timeout(rules: Rules) -> float:
    """Find it when the command has become too old."""
    return rules.command.timeout


def next_command(rules: Rules) -> float:
    """Find it with the command after the first."""
    return rules.command.period


def frozen(rules: Rules) -> float:
    """Find it after so many scans (of 0.1 s at most) and so long a way at 0.3 m/s."""
    return 0.1 * (rules.source.frozen_scans + 1) + rules.source.frozen_travel / 0.3


def _filled(value: float) -> Callable[[Scan, Fault], list[Scan]]:
    return lambda scan, fault: [replace(scan, ranges=np.full_like(scan.ranges, value))]


def _scaled(factor: float) -> Callable[[Scan, Fault], list[Scan]]:
    return lambda scan, fault: [replace(scan, ranges=scan.ranges * factor)]


def _sector(scan: Scan, fault: Fault) -> list[Scan]:
    """Blind a run of beams, wider than allowed, anywhere."""
    count = len(scan.ranges)
    step = 2 * np.pi / count
    wide = fault.between(fault.rules.source.max_invalid_angle, 3.0)
    first = fault.memory.setdefault('first', int(fault.rng.integers(count)))
    hidden = (np.arange(count) - first) % count <= np.ceil(wide / step) + 1
    return [replace(scan, ranges=np.where(hidden, np.nan, scan.ranges))]


def _sparse(scan: Scan, fault: Fault) -> list[Scan]:
    """Lose more beams than allowed, here and there."""
    share = fault.between(fault.rules.source.max_invalid + 0.05, 0.9)
    lost = fault.rng.permutation(len(scan.ranges)) < np.ceil(share * len(scan.ranges))
    return [replace(scan, ranges=np.where(lost, np.nan, scan.ranges))]


def _repeat(keep_stamp: bool) -> Callable[[Scan, Fault], list[Scan]]:
    def repeat(scan: Scan, fault: Fault) -> list[Scan]:
        first: Scan = fault.memory.setdefault('first', scan)
        return [first if keep_stamp else replace(first, stamp=scan.stamp)]
    return repeat


def _rain(scan: Scan, fault: Fault) -> list[Scan]:
    """Put false returns at the footprint into a part of the beams."""
    hit = fault.rng.random(len(scan.ranges)) < fault.between(0.2, 0.6)
    near = fault.rng.uniform(0.19, 0.22, len(scan.ranges))
    return [replace(scan, ranges=np.where(hit, near, scan.ranges))]


def _older(scan: Scan, fault: Fault) -> list[Scan]:
    """Let each scan come after the next one."""
    held = fault.memory.get('held')
    fault.memory['held'] = scan
    return [scan] if held is None else [scan, held]


def _lost(message: Any, fault: Fault) -> list[Any]:
    return []


def _twice(message: Any, fault: Fault) -> list[Any]:
    return [message, message]


def _late_data(message: Any, fault: Fault) -> list[Any]:
    return stamped(message, -fault.rules.source.timeout - fault.between(0.01, 2.0))


def _past(message: Any, fault: Fault) -> list[Any]:
    return stamped(message, -fault.between(60.0, 1e9))


def _future(message: Any, fault: Fault) -> list[Any]:
    ahead = fault.rules.source.future_tolerance + 0.07
    return stamped(message, ahead + fault.between(0.0, 1e6))


def _held_stamp(message: Any, fault: Fault) -> list[Any]:
    return [replace(message, stamp=fault.memory.setdefault('stamp', message.stamp))]


def _late_command(message: Command, fault: Fault) -> list[Command]:
    return stamped(message, -fault.rules.command.timeout - fault.between(0.01, 2.0))


def _velocity(value: float, every: bool = False) -> Callable[[Odometry, Fault], list[Odometry]]:
    def change(odometry: Odometry, fault: Fault) -> list[Odometry]:
        velocity = odometry.velocity.copy()
        velocity[slice(None) if every else int(3 * fault.amount * 0.999)] = value
        return [replace(odometry, velocity=velocity)]
    return change


def _jump(odometry: Odometry, fault: Fault) -> list[Odometry]:
    """Report a velocity that the drive cannot have, now and then with the other sign."""
    sign = fault.rng.choice([-1.0, 1.0])
    speed = fault.between(3.0, 20.0) * fault.robot.max_speed
    return [replace(odometry, velocity=np.array([sign * speed, 0.0, 0.0]))]


def _twist(value: float) -> Callable[[Command, Fault], list[Command]]:
    def change(command: Command, fault: Fault) -> list[Command]:
        twist = command.twist.copy()
        twist[int(3 * fault.amount * 0.999)] = value
        return [replace(command, twist=twist)]
    return change


def _beyond(command: Command, fault: Fault) -> list[Command]:
    return [replace(command, twist=command.twist * fault.between(4.0, 1e6))]


def _shape(command: Command, fault: Fault) -> list[Command]:
    size = (0, 1, 2, 4, 6)[int(5 * fault.amount * 0.999)]
    return [replace(command, twist=np.full(size, 0.1))]


def _in_frame(command: Command, fault: Fault) -> list[Command]:
    return [replace(command, problem="its frame is 'map', not 'base_link'")]


def _backward(command: Command, fault: Fault) -> list[Command]:
    """Stamp each command before the one before it."""
    stamp = fault.memory.get('stamp', command.stamp) - 0.01
    fault.memory['stamp'] = stamp
    return [replace(command, stamp=stamp)]


def _rivals(guard: Guard, now: float, fault: Fault) -> None:
    guard.take_publishers(('policy_node', 'teleop'), now)


def _latch(guard: Guard, now: float, fault: Fault) -> None:
    guard.latch(now)


def _clock_back(now: float, fault: Fault) -> float:
    return now - float(fault.memory.setdefault('jump', fault.between(1.0, 50.0)))


def _clock_forth(now: float, fault: Fault) -> float:
    return now + float(fault.memory.setdefault('jump', fault.between(1.0, 50.0)))


KINDS = (
    Kind('scan_nan', 'every range is NaN', at_once, scan=_filled(np.nan)),
    Kind('scan_all_max', 'every beam returns nothing', at_once, scan=_filled(np.inf)),
    Kind('scan_all_min', 'every range is below range_min', at_once, scan=_filled(0.01)),
    Kind('scan_zero', 'every range is 0', at_once, scan=_filled(0.0)),
    Kind('scan_minus_inf', 'every range is -inf', at_once, scan=_filled(-np.inf)),
    Kind('scan_negative', 'every range has the wrong sign', at_once, scan=_scaled(-1.0)),
    Kind('scan_millimetres', 'ranges in millimetres', at_once, scan=_scaled(1000.0)),
    Kind('scan_kilometres', 'ranges in kilometres', at_once, scan=_scaled(0.001)),
    Kind('scan_blind_sector', 'a run of beams is NaN', at_once, scan=_sector),
    Kind('scan_sparse', 'many beams are NaN, here and there', at_once, scan=_sparse),
    Kind('scan_rain', 'false returns at the footprint', at_once, scan=_rain),
    Kind('scan_empty', 'a scan without beams', at_once,
         scan=lambda s, f: [replace(s, ranges=s.ranges[:0], angles=s.angles[:0])]),
    Kind('scan_wrong_size', 'more angles than ranges', at_once,
         scan=lambda s, f: [replace(s, ranges=s.ranges[:-1 - int(90 * f.amount)])]),
    Kind('scan_wrong_frame', 'the frame of another sensor', at_once,
         scan=lambda s, f: [replace(s, frame='camera')]),
    Kind('scan_mirrored', 'beams counted the other way round', at_once,
         scan=lambda s, f: [replace(s, angles=-s.angles)]),
    Kind('scan_silent', 'no scan comes any more', data_timeout, scan=_lost),
    Kind('scan_frozen', 'the same scan again and again, with fresh stamps', frozen,
         scan=_repeat(False)),
    Kind('scan_frozen_stamp', 'the same scan again and again', data_timeout, scan=_repeat(True)),
    Kind('scan_stamp_stands', 'new scans with an old stamp', data_timeout, scan=_held_stamp),
    Kind('scan_late', 'stamps older than the timeout', at_once, scan=_late_data),
    Kind('scan_past', 'stamps of long ago', at_once, scan=_past),
    Kind('scan_future', 'stamps ahead of the clock', at_once, scan=_future),
    Kind('scan_twice', 'every scan comes twice', at_once, 'pass', scan=_twice),
    Kind('scan_out_of_order', 'every scan comes once more after the next', at_once, 'pass',
         scan=_older),
    Kind('odometry_nan', 'a component is NaN', at_once, odometry=_velocity(np.nan)),
    Kind('odometry_inf', 'all components are infinite', at_once,
         odometry=_velocity(np.inf, True)),
    Kind('odometry_silent', 'no odometry any more', data_timeout, odometry=_lost),
    Kind('odometry_late', 'stamps older than the timeout', at_once, odometry=_late_data),
    Kind('odometry_future', 'stamps ahead of the clock', at_once, odometry=_future),
    Kind('odometry_stamp_stands', 'stamps that stand still', data_timeout,
         odometry=_held_stamp),
    Kind('odometry_jump', 'velocities that the drive cannot have', at_once, odometry=_jump),
    Kind('odometry_twice', 'every message comes twice', at_once, 'pass', odometry=_twice),
    Kind('command_nan', 'a component is NaN', at_once, command=_twist(np.nan)),
    Kind('command_inf', 'a component is infinite', at_once, command=_twist(np.inf)),
    Kind('command_silent', 'the policy has crashed', command_timeout, command=_lost),
    Kind('command_late', 'stamps older than the timeout', at_once, command=_late_command),
    Kind('command_past', 'stamps of long ago', at_once, command=_past),
    Kind('command_future', 'stamps ahead of the clock', at_once, command=_future),
    Kind('command_stamp_stands', 'the same stamp again and again', command_timeout,
         command=_held_stamp),
    Kind('command_backward', 'each stamp before the last', next_command, command=_backward),
    Kind('command_wrong_size', 'not three numbers', at_once, command=_shape),
    Kind('command_wrong_frame', 'another frame', at_once, command=_in_frame),
    Kind('command_beyond_limits', 'faster than the robot', at_once, 'limits', command=_beyond),
    Kind('command_two_publishers', 'a second node commands', at_once, begin=_rivals),
    Kind('clock_back', 'the clock jumps back, stamps do not', at_once, clock=_clock_back,
         scan=lambda s, f: stamped(s, f.memory.get('jump', 0.0)),
         odometry=lambda o, f: stamped(o, f.memory.get('jump', 0.0)),
         command=lambda c, f: stamped(c, f.memory.get('jump', 0.0))),
    Kind('clock_forth', 'the clock jumps ahead, stamps do not', at_once,
         clock=_clock_forth,
         scan=lambda s, f: stamped(s, -f.memory.get('jump', 0.0)),
         odometry=lambda o, f: stamped(o, -f.memory.get('jump', 0.0)),
         command=lambda c, f: stamped(c, -f.memory.get('jump', 0.0))),
    Kind('latched', 'an emergency stop, never reset', at_once, begin=_latch),
    Kind('all_silent', 'sensors and policy have crashed', command_timeout, scan=_lost,
         odometry=_lost, command=_lost),
)
"""Every kind of fault."""
