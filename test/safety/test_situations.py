"""Situations and verdicts as lines of JSON."""

import json
import math

import numpy as np
import pytest
from zone_helpers import SQUARE, zone

from synth_nodes.errors import InputError
from synth_nodes.safety.nav2_zones import SourceSetup, ZoneSetup
from synth_nodes.safety.observed import nav2_points, strict_source
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.situations import read_situation, read_situations, verdict_line
from synth_nodes.types import RobotSpec, Verdict

FOOTPRINT, RULES = RobotSpec().polygon, SourceRules()
SOURCE = {'name': 'scan', 'type': 'scan', 'points': [[1, 2]], 'age': 0.1, 'enabled': True,
          'valid': True}
LINE = {'sources': [SOURCE], 'velocity': [0.1, 0, 0], 'cmd_in': [0.5, 0, 0.1]}
STOP = {'name': 'S', 'shape': 'polygon', 'action': 'stop', 'points': SQUARE, 'min_points': 2}


def read(setup=None, **changes):
    line = json.dumps({**LINE, **changes})
    return read_situation(line, ZoneSetup() if setup is None else setup, FOOTPRINT, 'line 7')


def source(**changes):
    return {'sources': [{**SOURCE, **changes}]}


def test_line_is_read():
    situation = read(zones=[STOP], id='a1', expect='stop')
    assert situation.zones[0].min_points == 2 and (situation.zones[0].corners == SQUARE).all()
    observed, = situation.observed
    assert (observed.name, observed.age, observed.points.tolist()) == ('scan', 0.1, [[1, 2]])
    assert situation.velocity.tolist() == [0.1, 0, 0]
    assert situation.command.tolist() == [0.5, 0, 0.1]
    assert (situation.id, situation.expect) == ('a1', ('stop',))


def test_nav2s_words_for_zones_are_understood():
    situation = read(zones=[
        {'name': 'V', 'type': 'velocity_polygon', 'action_type': 'slowdown', 'velocity_polygons': {
            'fast': {'points': SQUARE, 'linear_min': 0, 'linear_max': 1, 'theta_min': -1,
                     'theta_max': 1}}}])
    assert situation.zones[0].sub_zones[0].name == 'fast'


def test_zones_of_a_line_take_the_place_of_those_of_the_rules():
    setup = ZoneSetup((zone('File'),), (SourceSetup('scan'), SourceSetup('sonar', 'range')))
    assert [z.name for z in read(setup).zones] == ['File']
    assert [z.name for z in read(setup, zones=[STOP]).zones] == ['S']
    assert read(setup, zones=[]).zones == ()


def test_source_of_the_rules_that_is_missing_has_given_no_data():
    setup = ZoneSetup((), (SourceSetup('scan', timeout=9.0), SourceSetup('sonar', 'range')))
    scan, sonar = read(setup).observed
    assert scan.setup.timeout == 9.0 and (sonar.age, sonar.enabled) == (None, True)
    assert not strict_source(sonar, RULES).valid
    with pytest.raises(InputError, match="source 'radar' is not among those of the rules"):
        read(setup, **source(name='radar'))


def test_footprint_zone_takes_the_robots_outline():
    values = {'name': 'F', 'shape': 'footprint', 'action': 'approach'}
    assert (read(zones=[values]).zones[0].corners == FOOTPRINT).all()
    assert not read(zones=[{**values, 'points': None}]).zones[0].shape_known


def test_points_with_and_without_height_may_mix():
    points = [[1, 0], [2, 0, 0.3], [3, 0, 9.0]]
    observed, = read(**source(type='pointcloud', points=points)).observed
    assert nav2_points(observed)[:, 0].tolist() == [1, 2]
    assert len(strict_source(observed, RULES).points_base) == 3


def test_height_that_is_no_number_makes_the_point_none():
    observed, = read(**source(type='pointcloud', points=[[1, 0], [2, 0, None]])).observed
    assert np.isnan(observed.points[1]).all()


def test_outline_becomes_points():
    observed, = read(**source(type='polygon', points=[], corners=SQUARE)).observed
    # 4 edges of 2 m in parts of 0.1 m: 21 points each, as Nav2 samples them.
    assert len(nav2_points(observed)) == 84
    assert len(strict_source(observed, RULES).points_base) > 84


@pytest.mark.parametrize('text', ['NaN', 'Infinity', '-Infinity', 'null', '1' + '0' * 400])
def test_points_and_commands_may_be_no_numbers(text):
    line = json.dumps({**LINE, 'cmd_in': ['X', 0, 0], **source(points=[['X', 1.0]])})
    situation = read_situation(line.replace('"X"', text), ZoneSetup(), FOOTPRINT, 'line 1')
    assert not math.isfinite(situation.command[0])
    assert not math.isfinite(situation.observed[0].points[0, 0])


def test_velocity_that_is_not_given_is_unknown():
    line = json.dumps({k: v for k, v in LINE.items() if k != 'velocity'})
    assert np.isnan(read_situation(line, ZoneSetup(), FOOTPRINT, '').velocity).all()


@pytest.mark.parametrize(('changes', 'message'), [
    ({'cmd_in': None}, "line 7: 'cmd_in' = None must be three numbers"),
    ({'cmd_in': [1, 2]}, "'cmd_in'"), ({'cmd_in': [1, 2, '3']}, "'cmd_in'"),
    ({'velocity': 3}, "'velocity' = 3"), ({'sources': None}, "'sources' = None"),
    ({'sources': [3]}, 'a source must be an object'),
    ({'sources': [SOURCE, SOURCE]}, "two sources are called 'scan'"),
    (source(name=''), "'name' = ''"), (source(type='sonar'), "source 'scan': 'type' = 'sonar'"),
    (source(points=[[1]]), "'points' = [[1]]"), (source(points=[['1', '2']]), "'points'"),
    (source(points=[[True, False]]), "'points'"), (source(points=5), "'points' = 5"),
    (source(points=[1, 2]), "'points'"), (source(age='old'), "'age' = 'old'"),
    (source(enabled=1), "'enabled' = 1 must be true or false"),
    (source(agee=1), "unknown key 'agee'; did you mean 'age'"),
    ({'zone': [STOP]}, "unknown key 'zone'; did you mean 'zones'"),
    ({'zones': STOP}, "'zones'"), ({'zones': [STOP, STOP]}, "two zones are called 'S'"),
    ({'zones': [{**STOP, 'points': [[1, 1]]}]}, "zone 'S': 'points' = [[1, 1]]"),
    ({'zones': [{**STOP, 'min_points': -1}]}, "'min_points' = -1"),
    ({'zones': [{**STOP, 'sources_names': ['x']}]}, "names source 'x'"),
    ({'zones': [{**STOP, 'sources_names': 'x'}]}, "'sources_names' = 'x'"),
    ({'zones': [{**STOP, 'slowdown_ratio': -0.1}]}, "'slowdown_ratio' = -0.1"),
    ({'zones': [{**STOP, 'shape': 'velocity_polygon'}]}, "'sub_zones' = None"),
    ({'zones': [7]}, 'must be an object'), ({'expect': 'halt'}, "'expect' = 'halt'"),
    ({'id': [1]}, "'id' = [1]"), ({'velocity_age': 'x'}, "'velocity_age' = 'x'"),
])
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(InputError) as caught:
        read(**changes)
    assert message in str(caught.value) and str(caught.value).startswith('line 7')


@pytest.mark.parametrize('key', ['age', 'points'])
def test_age_and_points_must_be_given(key):
    values = {k: v for k, v in SOURCE.items() if k != key}
    with pytest.raises(InputError, match=f"'{key}'"):
        read(sources=[values])


@pytest.mark.parametrize('line', ['{', '[]', '"x"', '{"a": 1}', b'\xff'])
def test_lines_that_are_no_situations_are_refused(line):
    with pytest.raises(InputError, match='line 3'):
        read_situation(line, ZoneSetup(), FOOTPRINT, 'line 3')


def test_file_is_read_line_by_line_with_its_numbers(tmp_path):
    path = tmp_path / 's.jsonl'
    good = json.dumps(LINE)
    path.write_text(f'{good}\n\n{good}\n{{\n', encoding='utf-8')
    lines = read_situations(path, ZoneSetup(), FOOTPRINT)
    assert [next(lines)[1], next(lines)[1]] == [len(good) + 1, 2 * len(good) + 3]
    with pytest.raises(InputError, match='line 4'):
        next(lines)


def test_verdict_is_written_without_what_json_cannot_hold():
    verdict = Verdict((math.nan, math.nan, math.nan), 'ignored', 'S', '', math.inf, 1.5, 'why')
    content = json.loads(verdict_line(verdict, ('S',), ('D',), 4), parse_constant=pytest.fail)
    assert content == {
        'id': 4, 'cmd_out': None, 'action': 'ignored', 'rule': 'S', 'zone': 'S', 'source': None,
        'margin': None, 'time_to_collision': 1.5, 'reason': 'why', 'detections': ['D']}
