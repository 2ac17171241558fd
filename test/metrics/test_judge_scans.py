import json

import numpy as np
import pytest

pytest.importorskip('torch')

from synth_nodes.cli import main
from synth_nodes.dataset.drives import drive_fields, sensor_of
from synth_nodes.dataset.gate import gate_problem
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.schema import Schema
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.metrics.judge import GateSettings, measure
from synth_nodes.metrics.scans import channels, FitPlan, flawed, inception_score
from synth_nodes.metrics.two_sample import auc, two_sample_auc

pytestmark = pytest.mark.usefixtures('one_thread')
BEAMS = 60
PLAN = FitPlan(steps=100)


def rooms(count: int, seed: int, noise: float = 0.01) -> np.ndarray:
    """Scans in rectangular rooms of random size, with a little noise."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(-np.pi / 2, np.pi / 2, BEAMS)
    half = rng.uniform(1.0, 5.0, (count, 2))
    with np.errstate(divide='ignore'):
        wall = np.minimum(half[:, :1] / np.abs(np.cos(angle)), half[:, 1:] / np.abs(np.sin(angle)))
    return (wall + rng.normal(0, noise, wall.shape)).astype(np.float32)


def test_auc_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 50).astype(float), rng.integers(2, 11, 40).astype(float)
    pairs = (a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean()
    assert auc(a, b) == pytest.approx(pairs)
    assert auc(b + 20, a) == 1.0


def test_channels_tell_hits_misses_and_invalid_beams_apart():
    scan = np.float32([[1.0, np.inf, np.nan, 20.0, 5.0, 5.5]])
    x = channels(scan, 10.0)
    np.testing.assert_allclose(x[0, 0], [0.1, 1.0, 0.0, 1.0, 0.5, 0.55])
    assert x[0, 2].tolist() == [1, 0, 0, 0, 1, 1] and x[0, 3].tolist() == [0, 0, 1, 0, 0, 0]
    assert x[0, 1, 4] == pytest.approx(4.0) and x[0, 1, 0] == 0.0


def test_equal_scans_cannot_be_told_apart_and_flawed_ones_can():
    real = rooms(300, 0)
    same = two_sample_auc(real, rooms(300, 1), plan=PLAN)
    assert same.low < 0.6 and 0.35 < same.value < 0.65
    flawed_ = flawed(rooms(300, 2), 4, np.random.default_rng(0))
    assert two_sample_auc(real, flawed_, plan=PLAN).value > 0.8


@pytest.mark.parametrize('flaw', range(1, 8))
def test_every_flaw_changes_scans_and_only_so_much(flaw):
    scan = rooms(50, 0)
    out = flawed(scan, flaw, np.random.default_rng(0))
    assert out.dtype == np.float32 and out.shape == scan.shape
    assert (out != scan).any()
    seen = np.isfinite(out)
    assert np.median(np.abs(out[seen] - scan[seen])) < 0.08


def test_inception_score_spans_one_to_the_number_of_classes():
    assert inception_score(np.full((10, 4), 0.25)) == pytest.approx(1.0)
    assert inception_score(np.eye(4)) == pytest.approx(4.0)


def test_quality_ranks_generators():
    gate = GateSettings(steps=100)
    real = rooms(200, 0)
    good = measure(real, rooms(200, 1), gate)
    bad = measure(real, flawed(rooms(200, 1), 4, np.random.default_rng(0)), gate)
    assert good.problems(gate) == []
    assert good.auc.value < bad.auc.value and good.frechet.value < bad.frechet.value
    assert good.mmd.value < bad.mmd.value and good.coverage.low > bad.coverage.value
    assert any('told apart' in p or 'tells them apart' in p for p in bad.problems(gate))


def test_copied_training_data_fail_the_gate():
    gate = GateSettings(steps=60)
    train = rooms(200, 1)
    found = measure(rooms(200, 0), train, gate, train)
    assert found.copying['exact'] == 200
    assert 0.9 < found.copying['share']['low'] <= found.copying['share']['high'] == 1.0
    assert any('copied' in p for p in found.problems(gate))


def stored(folder, scan):
    schema = Schema.of('s', drive_fields(BEAMS), sensor=sensor_of(np.arange(BEAMS), 0.0, 10.0))
    n, unknown = len(scan), np.full((len(scan), 3), np.nan)
    with Writer(folder, schema) as writer:
        place = writer.place('lab', 'test')
        writer.append({'stamp': np.arange(n, dtype=float), 'sequence': np.zeros(n, int),
                       'place': np.full(n, place), 'scan': scan, 'laser_pose': unknown,
                       'odom': unknown, 'velocity': unknown, 'command': unknown})


def test_the_verb_says_no_and_notes_it_beside_the_data(tmp_path, capsys):
    stored(tmp_path / 'real', rooms(200, 0))
    stored(tmp_path / 'bad', flawed(rooms(200, 1), 4, np.random.default_rng(0)))
    assert main(['metrics', str(tmp_path / 'real'), str(tmp_path / 'bad'), '--json',
                 '--set', 'steps=100', '--set', 'max_auc=0.6']) == 1
    said = json.loads(capsys.readouterr().out)
    assert not said['passed'] and said['quality']['auc']['value'] > 0.6
    for name, low, high in (('density', 0, 9), ('coverage', 0, 1), ('inception_score', 1, 8),
                            ('inception_score_real', 1, 8)):
        figure = said['quality'][name]
        assert low <= figure['low'] < figure['value'] < figure['high'] <= high
    digest = DataSet(tmp_path / 'bad').digest()
    assert 'failed its quality gate' in gate_problem(tmp_path / 'bad', digest)
    assert gate_problem(tmp_path / 'bad', 'changed since') == ''
    assert gate_problem(tmp_path / 'real', 'never judged') == ''


def test_scans_of_other_beams_are_refused():
    with pytest.raises(InputError, match='60 beams and synthetic ones 30'):
        measure(rooms(200, 0), rooms(200, 1)[:, ::2], GateSettings())
    with pytest.raises(InputError, match='too few'):
        two_sample_auc(rooms(30, 0), rooms(30, 1), plan=FitPlan(1))
