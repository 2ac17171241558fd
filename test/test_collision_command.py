"""`synth-nodes train collision`, from drives to a predictor that the safety monitor loads."""

import json

import numpy as np
import pytest

pytest.importorskip('torch')

from synth_nodes.cli import main
from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError
from synth_nodes.files import write_json
from synth_nodes.infer.collision import load_predictor
from synth_nodes.resources import share
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.replay import KINDS, ReplayStore
from synth_nodes.train.replay_risk import replay_risk
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings

QUICK = ['--set', 'steps=30', '--set', 'check_every=10', '--set', 'channels=8']
ANGLES = LidarSpec().angles


@pytest.fixture(scope='module')
def drives(tmp_path_factory):
    folder = tmp_path_factory.mktemp('drives') / 'drives'
    cells = np.full((160, 160), 100, np.int8)
    cells[10:150, 10:150] = 0
    cells[60:70, 40:60] = 100
    hall = GridMap(cells, 0.05, (0.0, 0.0, 0.0), 'hall')
    generate(GenerateSettings(records=600, robots=10, errands=4, noise=1.0, min_length=1.0,
                              actors=ActorSettings(count=1)), [hall], RobotSpec(),
             LidarSpec(beams=90), folder, splits={'hall': 'train'})
    return folder


def test_one_command_makes_a_predictor_that_loads(drives, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main(['train', 'collision', '--data', str(drives), '--out', str(out), *QUICK]) == 0
    said = capsys.readouterr().out
    assert 'AUROC' in said and 'drives (validation)  calibrated' in said
    assert sorted(p.name for p in out.iterdir()) == [
        'collision.json', 'collision.onnx', 'reliability.png']
    contract = json.loads((out / 'collision.json').read_text())
    assert contract['provenance']['horizon'] == 1.0
    assert contract['provenance']['data'][0]['digest'] == DataSet(drives).digest()
    assert contract['scores']['parity_max_difference'] <= 1e-5
    predictor = load_predictor(out, RobotSpec(), LidarSpec())
    predictor.take(np.full(360, 2.0, np.float32), ANGLES, 0.0)
    assert 0.0 <= predictor.risk((0.5, 0.0, 0.0)) <= 1.0


def test_interventions_of_the_monitor_are_learned_from_and_in_the_card(drives, tmp_path, capsys):
    words = ['train', 'collision', '--data', str(drives), '--out', str(tmp_path / 'out'), *QUICK]
    assert main([*words, '--replay', str(tmp_path / 'none')]) == 2
    assert 'no replay store' in capsys.readouterr().err
    rng, spec = np.random.default_rng(0), ObservationSpec()
    store = ReplayStore(tmp_path / 'replay', 10)
    for kind, contact in (('ordinary', np.inf), ('interventions', 0.5)):
        count = 150
        scan = rng.uniform(0.3, 8.0, (count, spec.history, spec.sectors)).astype(np.float16)
        store.add(kind, {
            'scan': scan, 'goal': np.zeros((count, 3), np.float32),
            'velocity': np.zeros((count, 3), np.float32),
            'command': np.zeros((count, 2), np.float32),
            'wanted': np.full((count, 3), 0.3, np.float32),
            'contact': np.where(np.arange(count) < 10, 0.0, contact).astype(np.float32),
            'stamp': np.arange(count, dtype=float)})
    assert main([*words, '--replay', str(tmp_path / 'replay'), '--set', 'intervention_weight=3',
                 '--json']) == 0
    scores = json.loads(capsys.readouterr().out)['scores']
    assert set(scores) == {'drives', 'replay'}
    card = json.loads((tmp_path / 'out' / 'collision.json').read_text())['provenance']
    (origin,) = card['replay']
    assert len(origin.pop('digest')) == 64
    assert origin == {'name': 'replay', 'ordinary': 140, 'interventions': 140,
                      'intervention_weight': 3}


def test_replayed_interventions_count_by_their_weight_and_those_that_check_are_apart(tmp_path):
    store, spec = ReplayStore(tmp_path, 10), ObservationSpec(sectors=8, history=2)
    for kind in KINDS:
        count = 125
        store.add(kind, {
            'scan': np.ones((count, 2, 8), np.float16), 'goal': np.zeros((count, 3), np.float32),
            'velocity': np.zeros((count, 3), np.float32),
            'command': np.zeros((count, 2), np.float32),
            'wanted': np.arange(count)[:, None].repeat(3, 1).astype(np.float32),
            'contact': np.full(count, 0.5, np.float32), 'stamp': np.arange(count, dtype=float)})
    data = replay_risk(tmp_path, spec, 4).data
    assert len(data.train) == 100 + 4 * 100 and len(data.validation) == 50
    assert not set(data.train.command[:, 0, 0]) & set(data.validation.command[:, 0, 0])
    with pytest.raises(InputError, match=r'observation\.sectors'):
        replay_risk(tmp_path, ObservationSpec(), 4)


def test_data_that_failed_their_gate_are_refused_unless_told_otherwise(drives, tmp_path, capsys):
    digest = DataSet(drives).digest()
    write_json(drives / 'quality.json', {'passed': False, 'problems': ['too easy to tell'],
                                         'digest': digest})
    words = ['train', 'collision', '--data', str(drives), '--out', str(tmp_path / 'o'), *QUICK]
    assert main(words) == 2
    assert 'failed its quality gate: too easy to tell' in capsys.readouterr().err
    assert not (tmp_path / 'o').exists()
    assert main([*words, '--ungated', '--json']) == 0
    assert 'calibrated' in json.loads(capsys.readouterr().out)['scores']['drives']
    (drives / 'quality.json').unlink()


def test_missing_or_ambiguous_data_are_refused(drives, tmp_path, capsys):
    assert main(['train', 'collision']) == 2
    assert main(['train', 'collision', '--data', str(tmp_path / 'none')]) == 2
    (tmp_path / 'drives').symlink_to(drives)
    assert main(['train', 'collision', '--data', str(drives),
                 '--data', str(tmp_path / 'drives')]) == 2
    assert "are both called 'drives'" in capsys.readouterr().err


def test_shipped_predictor_is_small_and_fears_a_wall_ahead_more_than_one_behind():
    model = share('models', 'collision.onnx')
    assert model.stat().st_size < 300_000
    predictor = load_predictor('shipped', RobotSpec(), LidarSpec())
    assert predictor.path == model
    wall = np.where(np.abs(ANGLES) < 0.8, 0.6 / np.maximum(np.cos(ANGLES), 0.1), 5.0)
    for step in range(12):
        predictor.take(wall.astype(np.float32), ANGLES, 0.05 * step)
    towards, away = predictor.risk((0.8, 0.0, 0.0)), predictor.risk((-0.2, 0.0, 0.0))
    assert towards > 0.8 and away < 0.1
    assert predictor.risk((0.1, 0.0, 0.0)) < towards
