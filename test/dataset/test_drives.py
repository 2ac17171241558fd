from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as BagWriter
from rosbags.typesys import get_typestore, Stores

from synth_nodes.cli import main
from synth_nodes.dataset.bag import Topics
from synth_nodes.dataset.carmen import beam_angles, CarmenLog
from synth_nodes.dataset.clean import cleaned, CleanSettings, examine
from synth_nodes.dataset.describe import figures, labels, lines
from synth_nodes.dataset.drives import (
    bag_drive,
    drive_fields,
    log_columns,
    sensor_of,
    thinned,
    write_drives,
)
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.schema import Field, Schema
from synth_nodes.dataset.store import Writer
from synth_nodes.dataset.to_bag import export_bag
from synth_nodes.errors import InputError

BEAMS = 8


def drive(count: int = 40, seed: int = 0) -> dict:
    """Make a drive at 1 m/s on a circle of 2 m radius, one record a tenth of a second."""
    rng = np.random.default_rng(seed)
    t = 0.1 * np.arange(count)
    yaw = 0.5 * t
    pose = np.stack((2 * np.sin(yaw), 2 - 2 * np.cos(yaw), yaw), axis=1)
    return {'stamp': t + 7.0, 'sequence': np.zeros(count, int), 'place': np.zeros(count, int),
            'scan': rng.uniform(0.5, 6.0, (count, BEAMS)).astype(np.float32), 'laser_pose': pose,
            'odom': pose.copy(), 'velocity': np.tile([1.0, 0.0, 0.5], (count, 1)),
            'command': np.tile([1.0, 0.0, 0.6], (count, 1))}


def stored(folder, columns) -> DataSet:
    beams = columns['scan'].shape[1]
    schema = Schema.of('drive', drive_fields(beams),
                       sensor=sensor_of(np.linspace(-1, 1, beams), 0.05, 12.0))
    with Writer(folder, schema) as writer:
        writer.place('lab', 'train')
        writer.append(columns)
    return DataSet(folder)


def log(poses, stamps, beams=4, ranges=None) -> CarmenLog:
    count = len(poses)
    return CarmenLog('hall', np.ones((count, beams), np.float32) if ranges is None else ranges,
                     beam_angles(beams), np.asarray(poses, float), np.asarray(poses, float),
                     np.asarray(stamps, float), 50.0, 0.0, count, {})


def test_velocity_of_a_log_is_that_of_the_circle_it_drove():
    columns = drive()
    out = log_columns(log(columns['odom'], columns['stamp']), 0, 3)
    velocity = np.asarray(out['velocity'])
    assert np.isnan(velocity[0]).all()
    np.testing.assert_allclose(velocity[1:], np.tile([1.0, 0.0, 0.5], (39, 1)), atol=2e-3)
    assert np.isnan(out['command']).all() and set(out['sequence']) == {3}


def test_coarse_stamps_and_jumps_leave_the_velocity_unknown():
    poses = [(0, 0, 0), (0.1, 0, 0), (90, 0, 0), (90.1, 0, 0)]
    jumped = np.asarray(log_columns(log(poses, [0, 1, 2, 3]), 0, 0)['velocity'])
    assert np.isnan(jumped[2]).all() and np.isfinite(jumped[[1, 3]]).all()
    coarse = log_columns(log(poses, [5, 5, 5, 5]), 0, 0)
    assert np.isnan(coarse['velocity']).all()
    assert coarse['stamp'].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize('have', [180, 360, 361])
def test_thinned_logs_share_their_angles(have):
    ranges = np.arange(have, dtype=np.float32)[None].repeat(2, 0)
    thin = thinned(log([(0, 0, 0)] * 2, [0, 1], have, ranges), 180)
    np.testing.assert_allclose(thin.angles, beam_angles(180), atol=1e-12)
    np.testing.assert_allclose(beam_angles(have)[thin.ranges[0].astype(int)], thin.angles)


def test_beams_that_cannot_be_kept_evenly_are_refused():
    with pytest.raises(InputError, match='has 180 beams, of which 100'):
        thinned(log([(0, 0, 0)], [0], 180), 100)


def test_a_bag_and_back_gives_the_same_drive(tmp_path):
    data = stored(tmp_path / 'set', drive())
    assert export_bag(data, tmp_path / 'bag') == 3 * 40
    write_drives([bag_drive(tmp_path / 'bag', Topics(), 'lab')], tmp_path / 'again',
                 {'lab': 'train'})
    again = DataSet(tmp_path / 'again')
    for name in ('scan', 'odom', 'velocity', 'command', 'stamp'):
        np.testing.assert_allclose(again.read(name), data.read(name), atol=1e-6)
    assert np.isnan(again.read('laser_pose')).all()
    np.testing.assert_allclose(again.schema.sensor['angles'], data.schema.sensor['angles'],
                               atol=1e-6)


def test_a_bag_in_sqlite_is_imported_as_one_in_mcap_is(tmp_path):
    export_bag(stored(tmp_path / 'set', drive()), tmp_path / 'mcap')
    store = get_typestore(Stores.ROS2_KILTED)
    with AnyReader([tmp_path / 'mcap']) as reader, BagWriter(
            tmp_path / 'sqlite', version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        topics = {c.id: writer.add_connection(c.topic, c.msgtype, typestore=store)
                  for c in reader.connections}
        for connection, time_ns, content in reader.messages():
            writer.write(topics[connection.id], time_ns, content)
    assert [f.suffix for f in (tmp_path / 'sqlite').glob('*.db3')] == ['.db3']
    one, other = (bag_drive(tmp_path / kind, Topics()) for kind in ('mcap', 'sqlite'))
    assert one.schema.sensor == other.schema.sensor and other.place == 'sqlite'
    for name, values in one.columns.items():
        np.testing.assert_array_equal(values, other.columns[name])


def exported(folder, beams=BEAMS):
    columns = drive()
    columns['scan'] = columns['scan'][:, :beams]
    export_bag(stored(folder / f'set{beams}', columns), folder / f'bag{beams}')
    return folder / f'bag{beams}'


def test_drives_of_unlike_beams_leave_no_data_set_behind(tmp_path, capsys):
    bags, out = [str(exported(tmp_path, beams)) for beams in (8, 6)], tmp_path / 'all'
    assert main(['dataset', 'import', *bags, '--out', str(out)]) == 2
    assert 'the 6 beams of bag6' in capsys.readouterr().err and not out.exists()
    assert main(['dataset', 'import', bags[0], bags[0], '--out', str(out)]) == 0
    assert len(DataSet(out)) == 80
    before = {f: f.read_bytes() for f in out.rglob('*') if f.is_file()}
    assert main(['dataset', 'import', bags[1], '--out', str(out), '--append']) == 2
    assert main(['dataset', 'import', *bags, '--out', str(out), '--append']) == 2
    assert {f: f.read_bytes() for f in out.rglob('*') if f.is_file()} == before
    assert main(['dataset', 'import', bags[0], '--out', str(out), '--append']) == 0
    assert len(DataSet(out)) == 120


def test_a_split_of_no_place_or_against_the_set_is_refused(tmp_path, capsys):
    words = ['dataset', 'import', str(exported(tmp_path)), '--out', str(tmp_path / 'all')]
    assert main([*words, '--split', 'bag=test']) == 2
    assert "there is no place 'bag'; it is one of bag8" in capsys.readouterr().err
    assert not (tmp_path / 'all').exists()
    assert main([*words, '--split', 'bag8=test']) == 0
    assert main([*words, '--split', 'bag8=train', '--append']) == 2
    assert "has that place in 'test'" in capsys.readouterr().err


@settings(max_examples=25, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1, exclude_max=True))
def test_a_damaged_bag_is_read_or_refused_in_one_line(tmp_path, share):
    whole = tmp_path / 'bag8'
    whole = whole if whole.exists() else exported(tmp_path)
    content = (whole / 'bag8.mcap').read_bytes()
    bad, at = tmp_path / 'bad.mcap', int(share * len(content))
    for damaged in (content[:at] + b'\xff' * 8 + content[at + 8:], content[:at]):
        bad.write_bytes(damaged)
        try:
            bag_drive(bad, Topics(), say=lambda _: None)
        except InputError as error:
            assert '\n' not in str(error)


def test_a_bag_cut_short_is_refused_with_what_to_do(tmp_path):
    bag = exported(tmp_path)
    file = bag / 'bag8.mcap'
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match='mcap recover'):
        bag_drive(bag, Topics())
    (bag / 'metadata.yaml').unlink()
    with pytest.raises(InputError, match=r'ros2 bag reindex .*bag8'):
        bag_drive(bag, Topics())


def test_what_is_not_known_is_not_exported(tmp_path):
    columns = drive()
    columns['command'][5:] = np.nan
    columns['odom'][:] = np.nan
    assert export_bag(stored(tmp_path / 'set', columns), tmp_path / 'bag') == 40 + 5
    with pytest.raises(InputError, match='no drive number 4'):
        export_bag(DataSet(tmp_path / 'set'), tmp_path / 'none', 4)
    assert not (tmp_path / 'none').exists()


def test_each_fault_is_found_counted_and_named(tmp_path):
    columns = drive(80)
    columns['scan'][10] = columns['scan'][9]
    columns['stamp'][20:] += 3.0
    columns['laser_pose'][30:, 0] += 9.0
    columns['scan'][40] = np.nan
    columns['scan'][:, 3] = np.inf
    findings = examine(stored(tmp_path / 'set', columns))
    assert {f.name: f.count for f in findings.found} == {
        'gap': 1, 'jump': 1, 'duplicate': 1, 'empty scan': 1, 'dead beam': 1}
    assert np.flatnonzero(findings.bad).tolist() == [10, 30, 40]
    assert any('beams hardly ever see anything: 3' in line for line in findings.lines())


def labelled(folder, **labels) -> DataSet:
    columns = {**drive(), 'pose': drive()['laser_pose'], **labels}
    fields = [Field('pose', 'float64', (3,)), Field('contact', 'float32', ()),
              Field('drawn_contact', 'float32', (2,)), Field('straight', 'int8', ()),
              Field('surface', 'uint8', (BEAMS,))]
    own = [f for f in fields if f.name in columns]
    sensor = {**sensor_of(np.linspace(-1, 1, BEAMS), 0.05, 12.0), 'surfaces': ['none', 'wall']}
    with Writer(folder, Schema.of('drive', (*drive_fields(BEAMS), *own), sensor=sensor)) as writer:
        writer.place('lab', 'train')
        writer.append(columns)
    return DataSet(folder)


def test_balance_counts_known_labels_alone(tmp_path, capsys):
    pose = drive()['laser_pose']
    pose[20:] = np.nan
    data = labelled(
        tmp_path / 'set', pose=pose, stamp=np.cumsum(np.full(40, 0.2)),
        contact=np.float32([1.0] * 4 + [np.inf] * 6 + [np.nan] * 30),
        drawn_contact=np.full((40, 2), np.nan, np.float32),
        straight=np.int8([1] * 3 + [0] + [-1] * 36),
        surface=np.repeat(np.uint8([[1]] * 15 + [[0]] * 25), BEAMS, axis=1))
    assert labels(data) == {
        'contact': {'within the horizon': 0.4, 'later or never': 0.6}, 'drawn_contact': None,
        'straight': {'left': 0.25, 'held': 0.75}, 'surface': {'none': 0.25, 'wall': 0.75}}
    picture = tmp_path / 'p.png'
    assert main(['dataset', 'info', str(tmp_path / 'set'), '--picture', str(picture)]) == 0
    said = capsys.readouterr().out
    assert 'contact with drawn commands: not known' in said
    assert "contact with the record's command: within the horizon 40.0%" in said
    assert picture.stat().st_size > 10_000


def test_unknown_contacts_are_not_told_as_none(tmp_path):
    data = labelled(tmp_path / 'set', contact=np.full(40, np.nan, np.float32))
    assert labels(data) == {'contact': None}
    assert "  contact with the record's command: not known" in lines(figures(data), examine(data))


def test_millimetres_are_noticed(tmp_path):
    columns = drive()
    columns['scan'] *= 1000
    assert [f.name for f in examine(stored(tmp_path / 'set', columns)).found] == ['wrong unit']


def test_a_sound_drive_has_no_finding_and_cleaning_keeps_the_rest(tmp_path):
    data = stored(tmp_path / 'set', drive())
    findings = examine(data, CleanSettings())
    assert findings.found == () and findings.lines() == ['nothing is wrong']
    bad = np.zeros(len(data), bool)
    bad[3] = True
    assert cleaned(data, tmp_path / 'clean', bad).written == 39
    kept = DataSet(tmp_path / 'clean').read('stamp')
    np.testing.assert_array_equal(kept, np.delete(data.read('stamp'), 3))
    with pytest.raises(InputError, match='nothing is left'):
        cleaned(data, tmp_path / 'none', ~np.zeros(len(data), bool))


def test_verbs_work_on_a_recorded_log(tmp_path, shared_data, capsys):
    logs = [str(shared_data / 'carmen' / f'{n}-corrected.log.gz') for n in ('aces', 'csail')]
    out = tmp_path / 'real'
    assert main(['dataset', 'import', *logs, '--beams', '180', '--out', str(out),
                 '--split', 'aces-corrected=test', '--split', 'csail-corrected=train']) == 0
    assert main(['dataset', 'info', str(out), '--picture', str(tmp_path / 'p.png')]) == 0
    said = capsys.readouterr().out
    assert '846 records of 180 beams in 2 drives' in said and 'aces-corrected: 440' in said
    assert (tmp_path / 'p.png').stat().st_size > 10_000
    assert main(['dataset', 'verify', str(out)]) == 0
    assert main(['dataset', 'import', *logs, '--out', str(tmp_path / 'mixed')]) == 2
