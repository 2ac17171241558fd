from html.parser import HTMLParser
import json
from pathlib import Path
import re
from typing import Any

import cv2
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.report.figures import read_mission, rows, summary, table
from synth_nodes.report.page import STOPS_SHOWN, write_page
from synth_nodes.report.picture import draw_mission
from synth_nodes.report.versions import versions
from synth_nodes.types import GridMap


def mission(reached: bool = True, collisions: float = 0.0, stops: int = 1) -> dict[str, Any]:
    counts = {'checked': 120.0, 'limited': 4.0, 'slowed': 3.0, 'stopped': 22.0,
              'latency_p50_ms': 0.5, 'latency_p99_ms': 1.0}
    goal = {'x': 4.0, 'y': 1.0, 'length': 3.2, 'sent': 1.0, 'ended': 9.0, 'reached': reached,
            'distance': 0.3 if reached else 2.0, 'driven': 3.1}
    stop = {'time': 3.0, 'x': 2.0, 'y': 1.0, 'rule': 'stop <zone>', 'source': 'scan',
            'reason': 'a < b', 'duration': 1.5}
    return {
        'format': 'synth_nodes/mission/1', 'version': '0.1.0',
        'started': '2026-01-01T00:00:00+00:00', 'settings': {'seed': 3, 'goals': 1},
        'map': 'world.yaml', 'recording': '', 'start': [1.0, 1.0, 0.0], 'goals': [goal],
        'stops': [stop] * stops, 'sim_time': 8.0, 'wall_time': 2.0, 'real_time_factor': 4.0,
        'chain_latency_ms': {'count': 100, 'p50': 2.0, 'p99': 4.0, 'max': 9.0},
        'nodes': {'safety_monitor_node': counts,
                  'policy_node': {'latency_p50_ms': 0.7, 'latency_p99_ms': 1.5},
                  'world_node': {'collisions': collisions, 'clearance_min': 0.21}},
        'nodes_at_start': {'safety_monitor_node': {'checked': 20.0, 'stopped': 20.0}},
        'track': [[1.0 + i, 1.0 + 0.5 * i, 1.0, 0.0, 0.4] for i in range(7)]}


def grid(yaw: float = 0.0) -> GridMap:
    cells = np.zeros((60, 120), np.int8)
    cells[[0, -1]] = 100
    cells[:, [0, -1]] = 100
    return GridMap(cells, 0.05, (0.0, -0.5, yaw))


def test_figures_count_from_the_first_goal_on() -> None:
    figures = summary(mission())
    assert (figures['checked'], figures['limited'], figures['stopped']) == (100, 4, 2)
    assert figures['compute_p50_ms'] == pytest.approx(1.2)


@pytest.mark.parametrize(('reached', 'collisions', 'success'), [
    (True, 0.0, True), (False, 0.0, False), (True, 1.0, False)])
def test_success_needs_every_goal_and_no_collision(
    reached: bool, collisions: float, success: bool,
) -> None:
    assert summary(mission(reached, collisions))['success'] is success


def test_without_counted_collisions_there_is_no_success() -> None:
    silent = mission()
    silent['nodes'] = {}
    figures = summary(silent)
    assert figures['success'] is False
    assert 'not measured' in dict(rows(figures))['Collisions']


def test_table_lines_up() -> None:
    lines = table(rows(summary(mission()))).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert any('100 / 4 / 3 / 2' in line for line in lines)


@pytest.mark.parametrize('text', ['', '[]', '{"format": "other"}'])
def test_files_that_are_no_mission_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / 'mission.json'
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(str(file))):
        read_mission(file)


def test_a_mission_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / 'mission.json'
    file.write_text(json.dumps(mission()))
    assert read_mission(file) == mission()


@pytest.mark.parametrize('yaw', [0.0, 0.4])
def test_picture_shows_map_and_way(tmp_path: Path, yaw: float) -> None:
    draw_mission(mission(), grid(yaw), tmp_path / 'map.png')
    image = cv2.imread(str(tmp_path / 'map.png'))
    assert image.shape[1] > 500
    colours = np.unique(image.reshape(-1, 3), axis=0)
    assert len(colours) > 50
    assert [p.name for p in tmp_path.iterdir()] == ['map.png']


def test_picture_of_a_robot_that_never_moved(tmp_path: Path) -> None:
    still = mission(reached=False, stops=0)
    still['track'] = still['track'][:1]
    draw_mission(still, grid(), tmp_path / 'map.png')
    assert (tmp_path / 'map.png').is_file()


class Reader(HTMLParser):
    """Collects text and the addresses that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ''
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [v or '' for k, v in attrs if k in ('src', 'href')]

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(tmp_path: Path, content: dict[str, Any]) -> Reader:
    (tmp_path / 'map.png').write_bytes(b'\x89PNG')
    write_page(content, 'the map <hall>', tmp_path / 'map.png', 'synth-nodes demo --goals 1',
               versions(), tmp_path / 'report.html')
    reader = Reader()
    reader.feed((tmp_path / 'report.html').read_text())
    return reader


def test_page_needs_no_other_file(tmp_path: Path) -> None:
    reader = read_page(tmp_path, mission())
    assert reader.addresses and all(a.startswith('data:') for a in reader.addresses)


def test_page_says_result_stops_command_and_versions(tmp_path: Path) -> None:
    text = read_page(tmp_path, mission()).text
    for words in ('All goals reached', '1 goals in the map <hall>', 'stop <zone>', 'a < b',
                  'synth-nodes demo --goals 1', 'numpy', '1 of 1'):
        assert words in text


def test_page_says_what_went_wrong(tmp_path: Path) -> None:
    text = read_page(tmp_path, mission(reached=False)).text
    assert 'Not passed' in text
    assert 'missed by 2.0 m' in text


def test_page_shortens_a_long_list_of_stops(tmp_path: Path) -> None:
    text = read_page(tmp_path, mission(stops=STOPS_SHOWN + 5)).text
    assert 'and 5 more in mission.json' in text
