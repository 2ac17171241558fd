"""What `synth-nodes campaign` prints for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from synth_nodes.commands.common import columns


def campaign_table(result: Mapping[str, Any]) -> str:
    """Lay out the figures of random scenarios."""
    head = ('monitor', 'scenarios', 'collisions', 'share', 'mean impact', 'largest',
            'run into, creeping', 'standing', 'speed let through')
    rows = [head, *((
        name, str(m['scenarios']), str(m['collisions']), _percent(m['collision_share'], 4),
        _number(m['mean_impact'], ' m/s'), _number(m['max_impact'], ' m/s'),
        str(m['met_creeping']), str(m['met_standing']),
        _percent(m['speed_let_through'], 1)) for name, m in result['monitors'].items())]
    holding = {'strict': result, **result['peers']}
    lines = [columns(rows), '', _held_table(holding), '', columns([
        ('the same by numpy alone', '{} of {} scenarios, to the last bit'.format(
            result['numpy']['scenarios'] - result['numpy']['differing'],
            result['numpy']['scenarios'])),
        ('processor time', f'{result["core_seconds"]:.0f} s')])]
    lines += [f'{name}: weaker or later brakes reported in {m["reported"]} of {m["scenarios"]}, '
              f'in {m["collisions_reported"]} of {m["collisions"]} that collided'
              for name, m in result['monitors'].items() if 'reported' in m]
    failing = result['monitors']['strict']['failing']
    if failing:
        lines.append(f'collisions: scenarios {", ".join(map(str, failing))}; drive one again by '
                     f'--only INDEX --seed {result["seed"]} --chunk {result["chunk"]}')
    return '\n'.join(lines)


def _held_table(holding: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out whom monitors stop where no collision threatens, and where they hold robots."""
    head = ('monitor', 'held without need', 'share', 'where nothing could come near',
            'a stop verdict without need', 'gap beyond margin: still world', 'moving world')
    rows: list[tuple[str, ...]] = [head]
    for name, of in holding.items():
        stops, gap = of['false_stops'], of['gap_beyond_margin']
        rows.append((
            name, f'{stops["stopped"]} of {stops["unthreatened"]}', _percent(stops['share'], 2),
            f'{_percent(stops["share_out_of_reach"], 2)} of {stops["out_of_reach"]}',
            _percent(stops['share_with_a_stop_verdict'], 2), *(
                f'{_number(gap[world], " m")} of {gap[f"held_in_{world}"]}'
                for world in ('still_world', 'moving_world'))))
    return columns(rows)


def fault_table(kinds: Sequence[Mapping[str, Any]]) -> str:
    """Lay out what became of injected faults, kind by kind."""
    head = ('fault', 'must be', 'met', 'slowest', 'bound', 'what goes wrong')
    return columns([head, *((
        k['kind'], k['reaction'], f'{k["good"]} of {k["runs"]}', _number(k['slowest'], ' s')
        if k['reaction'] == 'zero' else '-', _number(k['bound'], ' s'),
        k['what'] + (f'; {k["bad"][0]["problem"]}, seed {k["bad"][0]["seed"]}'
                     if k['bad'] else '')) for k in kinds)])


def _percent(share: float | None, digits: int) -> str:
    return '-' if share is None else f'{share:.{digits}%}'


def _number(value: float | None, unit: str) -> str:
    return '-' if value is None else f'{value:.3f}{unit}'
