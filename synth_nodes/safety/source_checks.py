"""Whether rules can be kept with the sources that are relied on, by timeouts of their own."""

from collections.abc import Mapping
import math

from synth_nodes.errors import InputError
from synth_nodes.safety.rules import (
    check_rules,
    reaction_time,
    room_to_stop,
    SafetyRules,
    stopping_distance,
)
from synth_nodes.safety.zone_settings import SourceSettings
from synth_nodes.types import RobotSpec


def oldest_data(rules: SafetyRules, sources: Mapping[str, SourceSettings]) -> float:
    """Largest timeout in force [s], of sources that are switched off as well."""
    return max([rules.source.timeout, *(s.timeout for s in sources.values())])


def check_sources(rules: SafetyRules, robot: RobotSpec, sources: Mapping[str, SourceSettings],
                  rate: float = 0.0) -> None:
    """
    Refuse sources with which the rules cannot be kept, and rules that contradict the robot.

    Sources that are switched off count: they may be switched on while running. Without a scanner
    and what is refused of it by :func:`synth_nodes.safety.rules.check_rules`, point clouds must
    reach as far as the robot needs to see; how often they come is not known.

    :param rate: of the first scanner [Hz]; 0 where it is not known.
    :raises InputError: naming the inequality that fails, the parameters, their values and those
        that would do.
    """
    check_rules(rules, robot)
    _check_escape(rules, robot, sources)
    scanner = next((n for n, s in sources.items() if s.kind == 'scan'), None)
    if scanner is None:
        _check_reach(rules, robot, sources)
    elif rate and sources[scanner].timeout:
        timeout = sources[scanner].timeout
        if 1.0 / rate > timeout:
            raise InputError(
                f"safety rules: a scan each {1.0 / rate:.3f} s is slower than "
                f"'sources.{scanner}.timeout' = {timeout} s (1/rate <= timeout); make it "
                f"{_up(1.0 / rate)} or more, or 'rate' {_up(1.0 / timeout)} Hz or more")


def _check_escape(rules: SafetyRules, robot: RobotSpec,
                  sources: Mapping[str, SourceSettings]) -> None:
    """Refuse data so old that an escape could not be stopped in its own distance."""
    oldest = oldest_data(rules, sources)
    speed, distance = rules.escape.speed, rules.escape.distance
    react = reaction_time(rules, robot)
    need = stopping_distance(rules, robot, speed, react + oldest)
    if need <= distance or oldest <= rules.source.timeout:
        return
    name = next(n for n, s in sources.items() if s.timeout == oldest)
    fresh = (distance - stopping_distance(rules, robot, speed, react)) / speed
    raise InputError(
        f"safety rules: 'escape.distance' = {distance} m is less than the {need:.3f} m "
        f'(v_e*tau + v_e^2/(2b)) it takes to stop from escape.speed with data as old as '
        f"'sources.{name}.timeout' = {oldest} s; make that {math.floor(fresh * 1000) / 1000:.3f} "
        f"or less, or 'escape.distance' {_up(need)} or more")


def _check_reach(rules: SafetyRules, robot: RobotSpec,
                 sources: Mapping[str, SourceSettings]) -> None:
    """Refuse point clouds, the only sources, that end before the robot can stop."""
    if not sources or any(s.kind != 'pointcloud' for s in sources.values()):
        return  # How far the others see, only their messages say.
    name, far = max(((n, s.max_range) for n, s in sources.items()), key=lambda pair: pair[1])
    need = room_to_stop(rules, robot)
    if need > far:
        raise InputError(
            f"safety rules: 'sources.{name}.max_range' = {far} m is less than the {need:.2f} m "
            f"(reach of the footprint + margin + v*tau + v^2/(2b) + V*t) that 'max_speed' = "
            f"{robot.max_speed} m/s takes; make it {_up(need)} or more, or lower 'max_speed' or "
            "'braking.other_speed'")


def _up(value: float) -> str:
    """Write a value, rounded up to thousandths."""
    return f'{math.ceil(value * 1000 - 1e-9) / 1000:.3f}'
