"""`synth-nodes replay` on safety logs and on bags."""

import json
from pathlib import Path
import sys

import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores

from synth_nodes.cli import main
from synth_nodes.dataset.bag import read_bag, Topics
from synth_nodes.dataset.recording import Recording
from synth_nodes.errors import InputError

sys.path.insert(0, str(Path(__file__).parent / 'safety'))

from log_samples import drive, write

SHIPPED = Path(__file__).resolve().parent.parent / 'config' / 'safety_properties.yaml'
STORE = get_typestore(Stores.ROS2_KILTED)
TYPES = STORE.types


def properties(tmp_path, *formulas):
    file = tmp_path / 'p.yaml'
    file.write_text(json.dumps({'properties': [
        {'name': f'p{k}', 'formula': text} for k, text in enumerate(formulas)]}))
    return str(file)


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / 'log'
    write(folder, drive(30, seed=4))
    return folder


def test_a_whole_log_is_identical(log, capsys):
    assert main(['replay', str(log)]) == 0
    out = capsys.readouterr().out
    assert '1 file, 30 verdicts in 0.7 s' in out
    assert '30 of 30 verdicts replayed identically' in out
    assert 'event override: 1 times' in out


def test_machines_get_everything_as_json(log, capsys):
    assert main(['replay', str(log), '--json', '--properties', str(SHIPPED)]) in (0, 1)
    result = json.loads(capsys.readouterr().out)
    assert result['identical'] and result['verdicts'] == 30 and result['first_altered'] is None
    assert sum(result['actions'].values()) == 30
    assert result['properties'][0]['name'] == 'blind means stop'


def test_an_altered_byte_is_named_and_is_exit_code_1(log, capsys):
    file = next(log.glob('*.log'))
    data = bytearray(file.read_bytes())
    data[-300] ^= 4
    file.write_bytes(data)
    assert main(['replay', str(file)]) == 1
    assert f'ALTERED: record 31 ({file.name}, byte ' in capsys.readouterr().out
    assert main(['replay', str(file), '--json']) == 1
    assert json.loads(capsys.readouterr().out)['first_altered']['record'] == 31


def test_a_cut_end_is_a_note_not_a_failure(log, capsys):
    file = next(log.glob('*.log'))
    file.write_bytes(file.read_bytes()[:-200])
    assert main(['replay', str(log)]) == 0
    assert 'note: safety-000001.log: ends within record 31' in capsys.readouterr().out


def test_a_property_that_fails_is_exit_code_1_with_its_time(log, tmp_path, capsys):
    file = properties(tmp_path, 'always action <= stop', 'eventually speed > 100')
    assert main(['replay', str(log), '--properties', file]) == 1
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()[-2:]] == [['p0', 'holds'],
                                                                    ['p1', 'FAILS']]
    assert 'from 0.000 s on' in out
    assert main(['replay', str(log), '--properties', file, '--json']) == 1
    assert json.loads(capsys.readouterr().out)['properties'][1]['first_failure'] == 100.0


@pytest.mark.parametrize(('words', 'says'), [
    (['nowhere'], 'nowhere: does not exist'), ([__file__], 'is not a safety log'),
    (['{log}', '--properties', 'none.yaml'], 'none.yaml: cannot be read'),
    (['{log}', '--properties', '{bad}'], 'is not valid YAML')])
def test_bad_input_is_one_line_and_exit_code_2(log, tmp_path, capsys, words, says):
    bad = tmp_path / 'bad.yaml'
    bad.write_text('a: [')
    assert main(['replay', *(w.format(log=log, bad=bad) for w in words)]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count('\n') == 1


def twist(v, w):
    vector = TYPES['geometry_msgs/msg/Vector3']
    return TYPES['geometry_msgs/msg/Twist'](vector(v, 0.0, 0.0), vector(0.0, 0.0, w))


def head(time_ns):
    stamp = TYPES['builtin_interfaces/msg/Time'](time_ns // 10**9, time_ns % 10**9)
    return TYPES['std_msgs/msg/Header'](stamp, 'base_link')


def odometry(time_ns, v):
    kinds = {name: TYPES[f'geometry_msgs/msg/{name}'] for name in (
        'Pose', 'Point', 'Quaternion', 'PoseWithCovariance', 'TwistWithCovariance')}
    pose = kinds['Pose'](kinds['Point'](0.0, 0.0, 0.0), kinds['Quaternion'](0.0, 0.0, 0.0, 1.0))
    return TYPES['nav_msgs/msg/Odometry'](
        head(time_ns), 'base_link', kinds['PoseWithCovariance'](pose, np.zeros(36)),
        kinds['TwistWithCovariance'](twist(v, 0.0), np.zeros(36)))


def scan(time_ns, nearest):
    ranges = np.full(8, np.inf, np.float32)
    ranges[4] = nearest
    return TYPES['sensor_msgs/msg/LaserScan'](
        head(time_ns), -np.pi, np.pi, np.pi / 4, 0.0, 0.05, 0.05, 12.0, ranges,
        np.zeros(0, np.float32))


@pytest.fixture
def bag(tmp_path):
    """Record two seconds in which the robot comes near a wall and slows 0.3 s later."""
    recording = Recording(tmp_path / 'bag')
    stamped = 'geometry_msgs/msg/TwistStamped'
    for topic, kind in (('/scan', 'sensor_msgs/msg/LaserScan'), ('/odom', 'nav_msgs/msg/Odometry'),
                        ('/cmd_vel', stamped), ('/cmd_vel_raw', 'geometry_msgs/msg/Twist')):
        recording.add(topic, kind, [])
    for k in range(20):
        t = 10**9 + k * 10**8
        messages = {
            '/scan': (scan(t, 1.0 if k < 10 else 0.4), 'sensor_msgs/msg/LaserScan'),
            '/odom': (odometry(t, 0.5 if k < 13 else 0.1), 'nav_msgs/msg/Odometry'),
            '/cmd_vel': (TYPES[stamped](head(t), twist(0.1, 0.2)), stamped),
            '/cmd_vel_raw': (twist(0.5, 0.2), 'geometry_msgs/msg/Twist')}
        for topic, (message, kind) in messages.items():
            recording.write(topic, t, bytes(STORE.serialize_cdr(message, kind)))
    recording.close()
    return tmp_path / 'bag'


def test_properties_are_checked_on_a_bag(bag, tmp_path, capsys):
    file = properties(
        tmp_path, 'always (distance < 0.3 implies eventually[0, 0.4] speed < 0.15)',
        'always (distance < 0.3 implies eventually[0, 0.2] speed < 0.15)',
        'always out_speed <= in_speed', 'always margin > 0')
    assert main(['replay', str(bag), '--properties', file, '--json']) == 1
    result = json.loads(capsys.readouterr().out)
    assert [p['verdict'] for p in result['properties']] == ['holds', 'fails', 'holds', 'skipped']
    assert result['properties'][1]['first_failure_after'] == pytest.approx(1.0)
    assert result['samples'] == 20
    inner = next(bag.glob('*.mcap'))
    assert main(['replay', str(inner), '--properties', file]) == 1
    assert 'no signal margin' in capsys.readouterr().out


def test_a_bag_without_properties_is_refused(bag, capsys):
    assert main(['replay', str(bag)]) == 2
    assert 'holds no verdicts to replay' in capsys.readouterr().err


def test_bags_come_as_arrays(bag):
    content = read_bag(bag, Topics(raw='/none'))
    assert (len(content.scans), len(content.raw.stamps)) == (20, 0)
    assert content.scans[0].ranges[4] == 1.0
    assert content.scans[0].angles[4] == pytest.approx(0.0, abs=1e-6)
    assert content.commands.values[0] == (0.1, 0.0, 0.2)
    assert content.odometry.stamps[1] == pytest.approx(1.1)


def test_bags_with_other_topics_types_or_contents_are_refused(bag, tmp_path):
    with pytest.raises(InputError, match="topic '/odom' is nav_msgs/msg/Odometry, not sensor"):
        read_bag(bag, Topics(scan='/odom', odometry='/x'))
    with pytest.raises(InputError, match='has none of the topics /a, /b, /c, /d; it has /cmd_vel'):
        read_bag(bag, Topics('/a', '/b', '/c', '/d'))
    (tmp_path / 'x.mcap').write_bytes(b'nothing of the kind')
    with pytest.raises(InputError, match='cannot be read as a bag'):
        read_bag(tmp_path / 'x.mcap', Topics())
