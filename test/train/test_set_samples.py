"""Behaviour cloning from data sets: what is taken from them, and the gate that binds it."""

from dataclasses import fields
import json

import numpy as np
import pytest

from synth_nodes.cli import main
from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.files import write_json
from synth_nodes.tasks.observation import ObservationSpec, SectorPooling
from synth_nodes.train.set_samples import samples_of
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.building import generate_building
from synth_nodes.world.map_io import save_map

ROBOT, SPEC = RobotSpec(), ObservationSpec()


@pytest.fixture(scope='module')
def drives(tmp_path_factory):
    folder = tmp_path_factory.mktemp('drives') / 'drives'
    cells = np.full((160, 160), 100, np.int8)
    cells[10:150, 10:150] = 0
    halls = [GridMap(cells, 0.05, (0.0, 0.0, 0.0), name) for name in ('a', 'b', 'c')]
    generate(GenerateSettings(records=240, robots=12, errands=4, min_length=1.0, arcs=False,
                              draws=0, actors=ActorSettings(count=0)),
             halls, ROBOT, LidarSpec(beams=90), folder,
             splits={'a': 'train', 'b': 'validation', 'c': 'test'})
    return folder


def test_samples_are_what_the_drives_say_and_test_places_are_left_out(drives):
    data = DataSet(drives)
    samples = samples_of([data], ROBOT, SPEC)
    rows = np.concatenate([data.split('train'), data.split('validation')])
    assert len(samples) == len(rows) == 160 and set(samples.group) == {0, 1}
    samples.check(SPEC, 'test')
    part = data.take(rows, ['scan', 'expert', 'goal', 'stamp', 'sequence'])
    np.testing.assert_array_equal(samples.command, part['expert'])
    np.testing.assert_allclose(samples.goal[:, :2], part['goal'][:, :2])
    assert samples.goal[:, 2].max() <= SPEC.goal_range
    pooled = SectorPooling(SPEC, LidarSpec(beams=90))(part['scan']).astype(np.float16)
    np.testing.assert_array_equal(samples.scan[:, 0], pooled)
    # The second scan is the one 0.2 s before, of the same drive.
    late = np.flatnonzero(part['sequence'][1:] == part['sequence'][:-1]) + 1
    before = {(s, round(t, 3)): k for k, (s, t) in enumerate(
        zip(part['sequence'], part['stamp'], strict=True))}
    for k in late[:20]:
        at = before.get((part['sequence'][k], round(part['stamp'][k] - 0.2, 3)))
        if at is not None:
            np.testing.assert_array_equal(samples.scan[k, 1], pooled[at])


def test_samples_are_the_same_however_the_set_is_cut_into_chunks(drives, tmp_path, monkeypatch):
    data = DataSet(drives)
    with Writer(tmp_path / 'parts', data.schema, 37) as writer:
        writer.append({f.name: data.read(f.name) for f in data.schema.fields})
    expected, parts, read = samples_of([data], ROBOT, SPEC), DataSet(tmp_path / 'parts'), set()
    whole = DataSet.read
    monkeypatch.setattr(DataSet, 'read', lambda self, name: read.add(name) or whole(self, name))
    mine = samples_of([parts], ROBOT, SPEC)
    assert len(parts.chunks) == 7 and 'scan' not in read
    for field in fields(mine):
        np.testing.assert_array_equal(getattr(mine, field.name), getattr(expected, field.name))


def test_another_robot_and_sets_without_an_expert_are_refused(drives, tmp_path):
    with pytest.raises(InputError, match='another robot'):
        samples_of([DataSet(drives)], RobotSpec(max_speed=0.5), SPEC)
    schema = json.loads((drives / 'dataset.json').read_text())
    schema['fields'] = [f for f in schema['fields'] if f['name'] != 'expert']
    write_json(tmp_path / 'bare' / 'dataset.json', schema)
    with pytest.raises(InputError, match="no field 'expert'"):
        samples_of([DataSet(tmp_path / 'bare')], ROBOT, SPEC)


def test_the_verb_learns_from_a_set_and_refuses_one_that_failed_its_gate(drives, tmp_path,
                                                                         capsys):
    words = ['train', 'bc', '--quick', '--data', str(drives), '--out', str(tmp_path / 'o'),
             '--set', 'robots=6', '--set', 'seconds=2', '--set', 'evaluation_episodes=0']
    for k in range(2):
        words += ['--map', str(save_map(generate_building(k, 14.0, 10.0), tmp_path,
                                        f'm{k}'))]
    digest = DataSet(drives).digest()
    failed = {'passed': False, 'problems': ['too easy to tell'], 'digest': digest}
    write_json(drives / 'quality.json', failed)
    assert main(words) == 2
    assert 'failed its quality gate: too easy to tell' in capsys.readouterr().err
    assert main([*words, '--ungated']) == 0
    made = json.loads((tmp_path / 'o' / 'policy.json').read_text())['provenance']
    assert made['data'][0]['digest'] == digest and made['samples_recorded'] == 160
