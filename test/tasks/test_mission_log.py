import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.tasks.mission import Mission
from synth_nodes.tasks.mission_log import ChainLatency, Counters, percentiles, StopLog, Track
from synth_nodes.tasks.mission_report import MissionReport, write_json

MS = 1_000_000


def test_track_keeps_the_shape_of_the_way_with_fewer_samples() -> None:
    track = Track(spacing=0.05, period=1.0)
    for i in range(1001):
        track.add(i * 0.025, i * 0.01, 0.0, 0.0, 0.4)
    assert 150 <= len(track.rows) <= 210
    assert track.rows[-1][1] >= 9.94


def test_track_keeps_standing_robots_visible() -> None:
    track = Track(spacing=0.05, period=1.0)
    for i in range(101):
        track.add(i * 0.1, 0.0, 0.0, 0.0, 0.0)
    assert len(track.rows) >= 10


def test_stops_have_place_rule_and_duration() -> None:
    stops = StopLog()
    stops.add(1.0, (0.0, 0.0), 'pass', '', '', '')
    stops.add(2.0, (1.0, 2.0), 'stop', 'stop_zone', 'scan', 'something is near')
    stops.add(2.5, (1.0, 2.0), 'stop', 'stop_zone', 'scan', 'something is near')
    stops.add(4.0, (1.0, 2.0), 'slowdown', 'braking', 'scan', '')
    assert len(stops.stops) == 1
    assert (stops.stops[0]['rule'], stops.stops[0]['duration']) == ('stop_zone', 2.0)
    assert (stops.stops[0]['x'], stops.stops[0]['y']) == (1.0, 2.0)


def test_a_change_of_rule_is_another_stop() -> None:
    stops = StopLog()
    stops.add(1.0, (0.0, 0.0), 'stop', 'stale_scan', '', '')
    stops.add(2.0, (0.0, 0.0), 'stop', 'stop_zone', '', '')
    stops.close(5.0)
    assert [(s['rule'], s['duration']) for s in stops.stops] == [
        ('stale_scan', 1.0), ('stop_zone', 3.0)]


def test_latency_pairs_commands_with_the_scan_whose_stamp_they_carry() -> None:
    chain = ChainLatency()
    chain.scan(100, 1000 * MS)
    chain.scan(200, 1010 * MS)
    chain.command(100, 1013 * MS)
    chain.command(200, 1014 * MS)
    assert chain.samples_ms == [13.0, 4.0]


def test_latency_without_stamps_pairs_with_the_newest_scan_before() -> None:
    chain = ChainLatency()
    chain.scan(100, 1000 * MS)
    chain.scan(200, 1050 * MS)
    chain.command(None, 1052 * MS)
    chain.command(None, 1060 * MS)
    assert chain.samples_ms == [2.0]


def test_commands_that_answer_no_scan_are_passed_over() -> None:
    chain = ChainLatency()
    chain.scan(100, 1000 * MS)
    chain.command(777, 1001 * MS)
    assert chain.samples_ms == []


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_ordered_and_within_the_samples(samples: list[float]) -> None:
    found = percentiles(samples)
    assert found['count'] == len(samples)
    p50, p99, largest = found['p50'], found['p99'], found['max']
    assert p50 is not None and p99 is not None and largest is not None
    assert min(samples) <= p50 <= p99 * (1 + 1e-12)
    assert p99 <= largest * (1 + 1e-12) and largest == max(samples)


def test_percentiles_of_nothing_are_not_numbers() -> None:
    assert percentiles([]) == {'count': 0, 'p50': None, 'p99': None, 'max': None}


def test_counters_keep_the_newest_values_by_node() -> None:
    counters = Counters()
    counters.add('/r1/world_node: world', {'collisions': '0', 'state': 'ok', 'far': 'inf'})
    counters.add('/r1/world_node: world', {'collisions': '2'})
    assert counters.values == {'world_node': {'collisions': 2.0, 'state': 'ok', 'far': 'inf'}}
    assert counters.number('world_node', 'collisions') == 2.0
    assert counters.number('world_node', 'state') is None
    assert counters.number('other', 'state') is None


def test_figures_survive_json(tmp_path: Path) -> None:
    report = MissionReport()
    mission = Mission(np.array([(1.0, 0.0)]), [1.0], 0.3, 10.0)
    report.begin(1.7e9, 5.0, 0.0, 0.0, math.pi)
    mission.step(5.0, (0.0, 0.0))
    report.verdict({'action': 'stop', 'rule': 'stop_zone'}, 'near')
    report.pose(7.0, 0.9, 0.0, 0.0, 0.4)
    mission.step(7.0, (0.9, 0.0))
    report.end(1.7e9 + 1.0, 7.0)
    figures = report.figures(mission, {'seed': 1, 'lidar.mount': (0.0, 0.0, 0.0)}, 'w.yaml', '')
    write_json(tmp_path / 'a' / 'mission.json', figures)
    read = json.loads((tmp_path / 'a' / 'mission.json').read_text())
    assert read['goals'][0]['reached'] is True
    assert read['real_time_factor'] == 2.0
    assert read['stops'][0]['duration'] == 2.0
    assert read['started'] == '2023-11-14T22:13:20+00:00'
    assert [p.name for p in (tmp_path / 'a').iterdir()] == ['mission.json']


def test_nothing_is_left_when_figures_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='not JSON compliant'):
        write_json(tmp_path / 'mission.json', {'a': math.nan})
    assert not list(tmp_path.iterdir())
