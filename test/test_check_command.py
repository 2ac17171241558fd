"""`synth-nodes check`: situations in, verdicts out."""

import json
from pathlib import Path
import re

import pytest
import yaml

from synth_nodes.cli import main
from synth_nodes.commands.check import read_config
from synth_nodes.nodes.parameters import NODE_PARAMETERS
from synth_nodes.parameter_files import check_file

CONFIG = Path(__file__).resolve().parent.parent / 'config'
SQUARE = [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]
STOP = {'name': 'Mine', 'shape': 'polygon', 'action': 'stop', 'points': SQUARE, 'min_points': 1}
NAV2 = """
collision_monitor:
  ros__parameters:
    polygons: [Mine]
    Mine: {type: polygon, action_type: stop, min_points: 1,
           points: "[[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]"}
    observation_sources: [scan]
"""


def situation(*points, age=0.02, command=(0.5, 0, 0), **values):
    source = {'name': 'scan', 'type': 'scan', 'points': [*points], 'age': age, 'enabled': True,
              'valid': True}
    return {'sources': [source], 'velocity': [0, 0, 0], 'cmd_in': [*command], **values}


@pytest.fixture
def check(tmp_path, capsys):
    def run(lines, *words):
        path, out = tmp_path / 'in.jsonl', tmp_path / 'out.jsonl'
        path.write_text('\n'.join(json.dumps(line) if isinstance(line, dict) else line
                                  for line in lines), encoding='utf-8')
        code = main(['check', '--situations', str(path), '--out', str(out), *words])
        said = capsys.readouterr()
        verdicts = [json.loads(line, parse_constant=pytest.fail)
                    for line in out.read_text().splitlines()] if out.exists() else None
        return code, verdicts, said
    return run


@pytest.fixture
def nav2_file(tmp_path):
    path = tmp_path / 'nav2_params.yaml'
    path.write_text(NAV2, encoding='utf-8')
    return str(path)


def test_packaged_rules_judge_a_situation_a_line(check):
    code, verdicts, said = check(
        [situation([5.0, 0.0]), '', situation([0.25, 0.0])],
        '--rules', str(CONFIG / 'safety.yaml'))
    assert code == 0 and [v['action'] for v in verdicts] == ['pass', 'stop']
    assert verdicts[0]['cmd_out'] == [0.5, 0.0, 0.0] and verdicts[0]['margin'] is None
    assert verdicts[1]['rule'] == 'stop_zone' and verdicts[1]['zone'] is None
    assert verdicts[1]['source'] == 'scan' and 'wrote' in said.out


def test_nav2_file_gives_zones_for_both_modes(check, nav2_file):
    lines = [situation([0.9, 0.0]), situation([0.9, 0.0], command=(-0.2, 0, 0))]
    _, strict, _ = check(lines, '--rules', nav2_file)
    _, nav2, _ = check(lines, '--rules', nav2_file, '--nav2')
    assert [v['zone'] for v in strict + nav2] == ['Mine'] * 4
    assert [v['action'] for v in strict] == ['stop', 'limit']
    assert [v['action'] for v in nav2] == ['stop', 'stop']


OWN = """
/**/safety_monitor_node:
  ros__parameters:
    safety: {slowdown_zone: {ratio: 1.0}}
    zones:
      near: {shape: polygon, action: stop, points: [1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0]}
      wide: {shape: circle, action: slowdown, radius: 2.0, slowdown_ratio: 0.2}
    sources:
      top: {kind: pointcloud, min_height: 0.1, max_height: 1.0}
    exclusions:
      mast: {points: [0.5, 0.5, 0.4, 0.5, 0.4, 0.4, 0.5, 0.4]}
"""


def test_own_file_gives_zones_sources_and_exclusions(check, tmp_path):
    rules = tmp_path / 'rules.yaml'
    rules.write_text(OWN, encoding='utf-8')

    def seen(*points, name='top'):
        line = situation(*points)
        line['sources'][0] |= {'name': name, 'type': 'pointcloud'}
        return line

    code, verdicts, _ = check(
        [seen([0.9, 0.0, 0.5]), seen([1.5, 0.0, 0.5]), seen([0.9, 0.0, 0.05]),
         seen([0.45, 0.45, 0.5])], '--rules', str(rules))
    assert code == 0 and [v['rule'] for v in verdicts] == ['near', 'wide', None, None]
    code, _, said = check([seen([0.9, 0.0, 0.5], name='scan')], '--rules', str(rules))
    assert code == 2 and "source 'scan' is not among those of the rules: top" in said.err


def test_own_timeouts_of_sources_and_those_of_a_nav2_file_count(check, tmp_path):
    def actions(text, *ages):
        rules = tmp_path / 'rules.yaml'
        rules.write_text(text, encoding='utf-8')
        lines = [situation([5.0, 0.0], age=age) for age in ages]
        return [[v['action'] for v in check(lines, '--rules', str(rules), *words)[1]]
                for words in ((), ('--nav2',))]

    own = OWN.replace('top: {kind: pointcloud, min_height: 0.1, max_height: 1.0}',
                      'scan: {timeout: 0.1}')
    assert actions(own, 0.1, 0.2) == [['pass', 'stop']] * 2
    nav2 = NAV2.replace('observation_sources', 'source_timeout: 0.2\n    observation_sources')
    assert actions(nav2, 0.2, 0.25) == [['pass', 'stop']] * 2
    slow = nav2.replace('0.2', '0.0')
    assert actions(slow, 0.3, 0.31) == [['pass', 'stop'], ['pass', 'pass']]


def test_examples_of_the_documentation_and_of_the_packaged_rules_are_accepted(tmp_path):
    documented: dict = {}
    text = (CONFIG.parent / 'docs' / 'safety-node.md').read_text(encoding='utf-8')
    for block in re.findall(r'```yaml\n(.*?)```', text, flags=re.S):
        documented.update(yaml.safe_load(block))
    rules = (CONFIG / 'safety.yaml').read_text(encoding='utf-8')
    packaged = re.sub(r'^    # (?!The rest)', '    ', rules, flags=re.M)
    for name, content in (('docs.yaml', yaml.safe_dump(
            {'/**/safety_monitor_node': {'ros__parameters': documented}})),
            ('safety.yaml', packaged)):
        file = tmp_path / name
        file.write_text(content, encoding='utf-8')
        check_file(file, NODE_PARAMETERS, ['safety_monitor_node'])
        setup = read_config(file).setup
        assert {'near', 'ahead'} <= {zone.name for zone in setup.zones}
        assert {'scan', 'depth', 'sonar'} == {source.name for source in setup.sources}


def test_modes_differ_where_nav2_fails_open(check, nav2_file):
    lines = [situation([0.9, None]), situation([9.0, 0.0], age=-5.0)]
    _, strict, _ = check(lines, '--rules', nav2_file)
    _, nav2, _ = check(lines, '--rules', nav2_file, '--nav2')
    assert [v['cmd_out'] for v in nav2] == [[0.5, 0.0, 0.0]] * 2
    assert [v['cmd_out'] for v in strict] == [[0.0, 0.0, 0.0]] * 2
    assert all(v['rule'] == 'source' for v in strict)


def test_zones_of_a_line_count_and_detectors_report(check):
    see = {'name': 'See', 'shape': 'circle', 'action': 'none', 'radius': 2.0}
    code, verdicts, _ = check([situation([0.9, 0.0], zones=[STOP, see], id='x')])
    assert code == 0 and verdicts[0]['zone'] == 'Mine'
    assert verdicts[0]['detections'] == ['See'] and verdicts[0]['id'] == 'x'


def test_lines_stand_alone_unless_they_are_a_sequence(check, nav2_file):
    part = {'points': [[0.3, 0.3], [0.3, -0.3], [-0.3, -0.3], [-0.3, 0.3]], 'linear_min': 0.0,
            'linear_max': 0.2, 'theta_min': -1.0, 'theta_max': 1.0}
    zones = [{'name': 'V', 'shape': 'velocity_polygon', 'action': 'stop', 'min_points': 1,
              'sub_zones': [part]}]
    lines = [situation(command=(0.1, 0, 0), zones=zones), situation([0.25, 0.0], zones=zones)]
    _, alone, _ = check(lines, '--nav2')
    _, after, _ = check(lines, '--nav2', '--sequence')
    assert [v['action'] for v in alone] == ['pass', 'pass']
    assert [v['action'] for v in after] == ['pass', 'stop']


def test_unexpected_verdict_is_a_no(check):
    lines = [situation([5.0, 0.0], expect='pass'), situation([5.0, 0.0], expect=['stop', 'limit'])]
    code, verdicts, said = check(lines, '--json')
    result = json.loads(said.out)
    assert code == 1 and len(verdicts) == 2
    assert result['unexpected'] == 1 and result['actions']['pass'] == 2
    assert result['mode'] == 'strict' and result['situations'] == 2


def test_robot_of_the_parameter_file_is_the_one_judged(check, tmp_path):
    robot = tmp_path / 'robot.yaml'
    robot.write_text('/**:\n  ros__parameters:\n    robot:\n'
                     '      footprint: [1.0, 0.5, -1.0, 0.5, -1.0, -0.5, 1.0, -0.5]\n')
    _, verdicts, _ = check([situation([1.5, 0.0])], '--params-file', str(robot))
    assert verdicts[0]['margin'] == pytest.approx(0.5)


def test_footprint_of_a_nav2_file_is_the_robots(check, tmp_path):
    path = tmp_path / 'nav2.yaml'
    path.write_text(f'{NAV2}\nlocal_costmap: {{local_costmap: {{ros__parameters: '
                    '{robot_radius: 0.4, footprint_padding: 0.0}}}\n')
    code, verdicts, said = check([situation([1.5, 0.0])], '--rules', str(path))
    assert code == 0 and verdicts[0]['margin'] == pytest.approx(1.1)
    assert 'footprint alone' in said.out


@pytest.mark.parametrize('bad', ['{', '{"sources": []}', 'null'])
def test_bad_line_is_named_and_nothing_is_written(check, bad):
    code, verdicts, said = check([situation([5.0, 0.0]), bad])
    assert code == 2 and verdicts is None
    assert 'in.jsonl: line 2: ' in said.err and len(said.err.splitlines()) <= 12


@pytest.mark.parametrize('lines', [[], ['', '  ']])
def test_file_without_situations_is_refused(check, lines):
    code, verdicts, said = check(lines)
    assert code == 2 and verdicts is None
    assert 'in.jsonl: holds no situation; give one a line' in said.err
    assert said.err.count('\n') == 1


def test_old_verdicts_stay_where_the_new_ones_cannot_be_made(check, tmp_path):
    (tmp_path / 'out.jsonl').write_text('{"old": true}\n')
    code, verdicts, _ = check(['{'])
    assert code == 2 and verdicts == [{'old': True}]
    assert sorted(p.name for p in tmp_path.iterdir()) == ['in.jsonl', 'out.jsonl']


@pytest.mark.parametrize(('text', 'message'), [
    ('a: {ros__parameters: {b: 1}}', 'holds no safety rules'),
    ('/**/safety_monitor_node: {ros__parameters: {safety: {stop_zone: {margn: 0.1}}}}',
     "did you mean 'safety.stop_zone.margin'"),
    ('/**/safety_monitor_node: {ros__parameters: {safety: {escape: {clearance: 0.9}}}}',
     "'escape.clearance' = 0.9"),
    (OWN.replace('max_height: 1.0', 'timeout: 10.0'), "'sources.top.timeout' = 10.0 s"),
    (NAV2.replace('stop', 'halt'), "'action_type' = 'halt'"), ('[', 'not valid YAML'),
])
def test_bad_rules_are_refused(check, tmp_path, text, message):
    rules = tmp_path / 'rules.yaml'
    rules.write_text(text, encoding='utf-8')
    code, verdicts, said = check([situation([5.0, 0.0])], '--rules', str(rules))
    assert code == 2 and verdicts is None and message in said.err


def test_missing_files_are_named(check, tmp_path, capsys):
    code, _, said = check([situation()], '--rules', 'nowhere.yaml')
    assert code == 2 and 'nowhere.yaml: cannot be read' in said.err
    assert main(['check', '--situations', 'nowhere.jsonl', '--out', str(tmp_path / 'v')]) == 2
    assert 'nowhere.jsonl: cannot be read' in capsys.readouterr().err
    code, _, said = check([situation([5.0, 0.0])], '--out', str(tmp_path / 'no' / 'v.jsonl'))
    assert code == 2 and 'cannot be written' in said.err


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit):
        main(['check', '--help'])
    assert 'example:\n  synth-nodes check' in capsys.readouterr().out
