"""Figures of a campaign: counted chunk by chunk, and added up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Batch
from synth_nodes.campaign.pilots import OPEN_LOOP
from synth_nodes.campaign.simulate import COLLISION, CREPT, HELD, Results, STRUCK

Array = NDArray[np.float64]
Counts = dict[str, Any]
"""Figures as JSON holds them: numbers that add up, lists of numbers that add up."""
GAP_EDGES = np.arange(-0.3, 1.0 + 1e-9, 0.005)
"""Bins of the room left beyond the margin [m]."""
IMPACT_EDGES = np.arange(0.0, 3.0 + 1e-9, 0.05)
"""Bins of impact speeds [m/s]."""
STANDING = 0.25
"""Time [s] for which a robot must stand by a stop verdict to count as held."""
NAMED = 20
"""Failing scenarios of a chunk that are named."""


def count_monitor(results: Results, first: int,
                  reported: NDArray[np.bool_] | None = None) -> Counts:
    """
    Count what came of one monitor.

    :param first: number of the first scenario.
    :param reported: whether a watch found the brakes weaker than stated, shape (B,).
    """
    hit = results.status == COLLISION
    impact = results.impact[hit]
    told = {} if reported is None else {
        'reported': int(reported.sum()), 'collisions_reported': int((hit & reported).sum())}
    return {
        **told,
        'scenarios': len(hit), 'collisions': int(hit.sum()),
        'met_standing': int((results.status == STRUCK).sum()),
        'met_creeping': int((results.status == CREPT).sum()),
        'held': int((results.status == HELD).sum()),
        'impact_sum': float(impact.sum()), 'impact_max': float(impact.max(initial=0.0)),
        'impacts': np.histogram(np.minimum(impact, IMPACT_EDGES[-1]), IMPACT_EDGES)[0].tolist(),
        'cycles': int(results.cycles.sum()), 'stops': int(results.stops.sum()),
        'data_stops': int(results.faults.sum()), 'passed': float(results.passed.sum()),
        'failing': (first + np.flatnonzero(hit)[:NAMED]).tolist(),
    }


def count_stops(batch: Batch, monitored: Results, free: Results) -> Counts:
    """
    Count stops that nothing called for, and how near the others end.

    No collision threatens where a robot that follows its commands unmonitored never comes within
    the margin of anything; it counts where the commands do not depend on what is met, and where
    something stands near enough to be met at all. Where things move, a second count leaves out
    what comes as near as they might get in the time it takes to react and stop.

    :param monitored: what came of a monitor; free: what came of none.
    """
    rules = batch.setup.rules
    room = np.where(batch.pilots.code < OPEN_LOOP, free.nearest, 0.0)
    safe = (room > rules.braking.margin) & (monitored.time > 0)
    reach = rules.braking.other_speed * stopping_time(batch)
    apart = safe & (room > rules.braking.margin + reach)
    stopped, held = monitored.held_for >= STANDING, monitored.status == HELD
    counts: Counts = {
        'unthreatened': int(safe.sum()), 'false_stops': int((safe & stopped).sum()),
        'stop_verdicts': int((safe & (monitored.stops > 0)).sum()),
        'out_of_reach': int(apart.sum()),
        'false_stops_out_of_reach': int((apart & stopped).sum()),
    }
    walls = held & (batch.setup.family == 'walls') & (batch.pilots.code == 0)
    left = np.clip(monitored.final[walls] - rules.braking.margin, GAP_EDGES[0], GAP_EDGES[-1])
    key = 'gaps_moving_world' if rules.braking.other_speed > 0 else 'gaps_still_world'
    for name in ('gaps_still_world', 'gaps_moving_world'):
        counts[name] = np.histogram(left if name == key else left[:0], GAP_EDGES)[0].tolist()
    return counts


def count_differences(results: Results, others: Results) -> Counts:
    """Count scenarios that do not go the same way to the last bit."""
    differs = np.zeros(len(results.status), bool)
    for field in fields(Results):
        differs |= getattr(results, field.name) != getattr(others, field.name)
    return {'scenarios': len(differs), 'differing': int(differs.sum())}


def stopping_time(batch: Batch) -> float:
    """Longest time [s] from an obstacle's appearance to standstill, by the rules."""
    setup, rules, robot = batch.setup, batch.setup.rules, batch.setup.robot
    brake = max(robot.max_speed / setup.deceleration,
                robot.max_turn_rate / robot.turn_acceleration)
    return setup.actuation + rules.command.period + rules.source.timeout + brake


def add_up(parts: Iterable[Mapping[str, Any]]) -> Counts:
    """Add counts: numbers and lists add up, maxima stay maxima, named scenarios are listed."""
    total: Counts = {}
    for part in parts:
        for name, value in part.items():
            if name == 'failing':
                total[name] = (total.get(name, []) + list(value))[:NAMED]
            elif isinstance(value, Mapping):
                total[name] = add_up([total.get(name, {}), value])
            elif isinstance(value, list):
                old = total.get(name, [0] * len(value))
                total[name] = [a + b for a, b in zip(old, value, strict=True)]
            elif name.endswith('_max'):
                total[name] = max(total.get(name, 0.0), value)
            else:
                total[name] = total.get(name, 0) + value
    return total


def summary(chunks: Sequence[Mapping[str, Any]]) -> Counts:
    """
    Sum chunks up to what people ask for.

    :param chunks: as :func:`synth_nodes.campaign.chunks.run_chunk` returns them.
    """
    total = add_up({key: c[key] for key in ('monitors', 'stops', 'numpy', 'seconds')}
                   for c in chunks)
    # Chunks of an older version say this of the safety monitor alone.
    peers = add_up(c.get('peer_stops', {}) for c in chunks)
    return {
        'scenarios': sum(c['size'] for c in chunks), 'setups': len(chunks),
        'monitors': {name: _rates(m) for name, m in total.get('monitors', {}).items()},
        **_holding(total.get('stops', {})),
        'peers': {name: _holding(stops) for name, stops in peers.items()},
        'numpy': {'scenarios': 0, 'differing': 0, **total.get('numpy', {})},
        'core_seconds': total.get('seconds', 0.0),
        'families': {family: sum(c['size'] for c in chunks if c['family'] == family)
                     for family in sorted({c['family'] for c in chunks})},
    }


def _holding(stops: Mapping[str, Any]) -> Counts:
    """Say how often a monitor stops what nothing threatens, and where it holds robots."""
    count, apart = stops.get('unthreatened', 0), stops.get('out_of_reach', 0)
    still, moving = stops.get('gaps_still_world', []), stops.get('gaps_moving_world', [])
    return {
        'false_stops': {
            'unthreatened': count, 'stopped': stops.get('false_stops', 0),
            'share': _ratio(stops.get('false_stops', 0), count),
            'share_with_a_stop_verdict': _ratio(stops.get('stop_verdicts', 0), count),
            'out_of_reach': apart,
            'share_out_of_reach': _ratio(stops.get('false_stops_out_of_reach', 0), apart),
        },
        'gap_beyond_margin': {
            'still_world': median(still, GAP_EDGES), 'held_in_still_world': sum(still),
            'moving_world': median(moving, GAP_EDGES), 'held_in_moving_world': sum(moving),
        },
    }


def _rates(counts: Mapping[str, Any]) -> Counts:
    hits, count = counts['collisions'], counts['scenarios']
    return {
        'scenarios': count, 'collisions': hits, 'collision_share': _ratio(hits, count),
        'upper_bound_95': upper_bound(hits, count),
        'mean_impact': _ratio(counts['impact_sum'], hits), 'max_impact': counts['impact_max'],
        'impact_per_scenario': _ratio(counts['impact_sum'], count),
        'met_standing': counts['met_standing'], 'met_creeping': counts['met_creeping'],
        'held': counts['held'],
        'speed_let_through': _ratio(counts['passed'], counts['cycles']),
        'stop_cycles': _ratio(counts['stops'], counts['cycles']),
        'failing': counts['failing'],
        **{key: counts[key] for key in ('reported', 'collisions_reported') if key in counts},
    }


def upper_bound(hits: int, count: int) -> float | None:
    """
    Bound the true share of collisions from above, at 95 % confidence.

    Exact where there were none (1 - 0.05^(1/n), about 3/n: Hanley, Lippman-Hand, JAMA 1983);
    Wilson's one-sided bound where there were some (JASA 1927).
    """
    if count == 0:
        return None
    if hits == 0:
        return -math.expm1(math.log(0.05) / count)
    z, share = 1.6449, hits / count
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return min((middle + spread) / (1 + z * z / count), 1.0)


def median(histogram: Sequence[int], edges: Array) -> float | None:
    """Median of a histogram, to a bin; None of nothing."""
    if not sum(histogram):
        return None
    middle = int(np.searchsorted(np.cumsum(histogram), sum(histogram) / 2))
    return float((edges[middle] + edges[middle + 1]) / 2)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
