"""
Watch over commands: fresh, finite, in order; and the latched stop.

Transitions of a frozen state; all times come in as arguments, so that a log replays.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.rules import CommandRules, SourceRules

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Watch:
    """What the watchdog remembers."""

    stamp: float | None = None
    """Stamp [s] of the newest command accepted."""
    latched: str = ''
    """Cause of an emergency stop that holds until it is reset; empty when there is none."""
    override_until: float | None = None
    """Time [s] at which the override ends."""
    command: tuple[float, float, float] | None = None
    """Newest command taken in: vx, vy [m/s], w [rad/s]; None before any, and after a reset."""


def receive(rules: CommandRules, tolerance: SourceRules, watch: Watch, command: Array,
            stamp: float, now: float) -> tuple[Watch, str]:
    """
    Take a command in.

    :param command: vx [m/s], vy [m/s], w [rad/s], shape (3,).
    :param stamp: of the command [s]; the time of receipt where it carries none.
    :param now: present time on the same clock [s].
    :return: the next state, and why the command is refused (empty where it is accepted).
    """
    problem = command_problem(command)
    if not problem and not np.isfinite(stamp):
        problem = 'its stamp is not a finite number'
    if not problem and stamp - now > tolerance.future_tolerance:
        problem = f'it is stamped {stamp - now:.2f} s ahead of the clock'
    if not problem and now - stamp > rules.timeout:
        problem = f'it is {now - stamp:.2f} s old, more than {rules.timeout:.2f} s'
    if not problem and watch.stamp is not None and stamp < watch.stamp <= now:
        problem = f'it is {watch.stamp - stamp:.2f} s older than the one before'
    return (watch, problem) if problem else (replace(watch, stamp=stamp), '')


def before(rules: CommandRules, watch: Watch, now: float) -> Array:
    """Command, shape (3,), that a new one follows; zero where there was none, or none in time."""
    if watch.command is None or starved(rules, watch, now):
        return np.zeros(3)
    return np.array(watch.command, float)


def command_problem(command: Array) -> str:
    """Say what is wrong with a command in itself; empty where nothing is."""
    if np.shape(command) != (3,):
        return f'it has shape {np.shape(command)}, not (3,)'
    if not np.isfinite(command).all():
        return f'it is not finite: {[float(c) for c in command]}'
    return ''


def starved(rules: CommandRules, watch: Watch, now: float) -> str:
    """Say why there is no command to follow; empty where the newest is fresh enough."""
    if watch.stamp is None:
        return 'no command has come yet'
    age = now - watch.stamp
    if age > rules.timeout:
        return f'no command for {age:.2f} s, longer than {rules.timeout:.2f} s'
    return ''


def latch(watch: Watch, cause: str) -> Watch:
    """Stop for good: only :func:`reset` lifts it. The first cause is kept; overrides end."""
    return replace(watch, latched=watch.latched or cause, override_until=None)


def reset(watch: Watch) -> Watch:
    """Lift a latched stop; only a command that is received from now on moves the robot."""
    return replace(watch, stamp=None, latched='', override_until=None, command=None)


def override(rules: CommandRules, watch: Watch, now: float) -> tuple[Watch, str]:
    """Suspend the zones for `override_duration`, at `override_speed`; refused while latched."""
    if watch.latched:
        return watch, f'an emergency stop is latched: {watch.latched}; reset it first'
    return replace(watch, override_until=now + rules.override_duration), ''


def overridden(rules: CommandRules, watch: Watch, now: float) -> bool:
    """
    Whether an override holds at the time `now` [s].

    A clock that was set back does not lengthen it.
    """
    end = watch.override_until
    return end is not None and 0.0 < end - now <= rules.override_duration
