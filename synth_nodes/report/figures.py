"""The figures of a mission that people ask for first."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable
from synth_nodes.tasks.mission_report import FORMAT


def read_mission(path: Path) -> dict[str, Any]:
    """
    Read a `mission.json`.

    :raises InputError: when it cannot be read or is none.
    """
    try:
        mission = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError as error:
        raise InputError(f'{path}: is not JSON: {error}') from None
    if not isinstance(mission, dict) or mission.get('format') != FORMAT:
        raise InputError(f"{path}: is not a mission of format '{FORMAT}'")
    return mission


def summary(mission: Mapping[str, Any]) -> dict[str, Any]:
    """
    Sum a mission up.

    :param mission: content of a `mission.json`.
    :return: figures by name, None for what was not measured; times in seconds and, where the name
        says so, in milliseconds.
    """
    policy, safety, world = (
        mission['nodes'].get(n, {}) for n in ('policy_node', 'safety_monitor_node', 'world_node'))
    before = mission['nodes_at_start'].get('safety_monitor_node', {})
    goals = mission['goals']
    reached = sum(g['reached'] for g in goals)
    collisions = _count(world.get('collisions'))
    chain = mission['chain_latency_ms']
    return {
        'goals': len(goals), 'reached': reached, 'collisions': collisions,
        'clearance_min': world.get('clearance_min'),
        **{name: _grown(safety, before, name)
           for name in ('checked', 'limited', 'slowed', 'stopped')},
        'compute_p50_ms': _sum(policy, safety, 'latency_p50_ms'),
        'compute_p99_ms': _sum(policy, safety, 'latency_p99_ms'),
        'chain_p50_ms': chain['p50'], 'chain_p99_ms': chain['p99'],
        'driven': sum(g['driven'] for g in goals),
        'sim_time': mission['sim_time'], 'wall_time': mission['wall_time'],
        'real_time_factor': mission['real_time_factor'],
        'success': reached == len(goals) and collisions == 0,
    }


def rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Put the figures of :func:`summary` into words: pairs of a name and a value."""
    counts = ' / '.join(_whole(figures[k]) for k in ('checked', 'limited', 'slowed', 'stopped'))
    return [
        ('Goals reached', f"{figures['reached']} of {figures['goals']}"),
        ('Collisions', _whole(figures['collisions'])),
        ('Minimum clearance', _number(figures['clearance_min'], '.2f', ' m')),
        ('Commands checked / limited / slowed / stopped', counts),
        ('Scan to command, policy + safety (sums), p50 / p99', _pair(figures, 'compute')),
        ('Scan to command, with transport, p50 / p99', _pair(figures, 'chain')),
        ('Distance driven', _number(figures['driven'], '.1f', ' m')),
        ('Simulated time', _number(figures['sim_time'], '.1f', ' s')),
        ('Wall time', _number(figures['wall_time'], '.1f', ' s')),
        ('Real-time factor', _number(figures['real_time_factor'], '.2f', '')),
    ]


def table(pairs: list[tuple[str, str]]) -> str:
    """Lay rows out for a terminal."""
    left = max(len(name) for name, _ in pairs)
    right = max(len(value) for _, value in pairs)
    return '\n'.join(f'  {name:<{left}}  {value:>{right}}' for name, value in pairs)


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _grown(after: Mapping[str, Any], before: Mapping[str, Any], key: str) -> int | None:
    return int(after[key] - before.get(key, 0)) if key in after else None


def _sum(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> float | None:
    if key not in one or key not in other:
        return None
    return float(one[key]) + float(other[key])


def _whole(value: int | None) -> str:
    return 'not measured' if value is None else f'{value:d}'


def _number(value: float | None, form: str, unit: str) -> str:
    return 'not measured' if value is None else f'{value:{form}}{unit}'


def _pair(figures: Mapping[str, Any], name: str) -> str:
    p50, p99 = figures[f'{name}_p50_ms'], figures[f'{name}_p99_ms']
    if p50 is None or p99 is None:
        return 'not measured'
    return f'{p50:.2f} / {p99:.2f} ms'
