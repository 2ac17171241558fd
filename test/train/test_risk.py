"""Training a collision predictor: samples, learning, calibration, resuming."""

from dataclasses import fields, replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.dataset.drives import drive_fields, sensor_of_spec  # noqa: E402
from synth_nodes.dataset.generate import generate, GenerateSettings  # noqa: E402
from synth_nodes.dataset.labels import time_to_contact  # noqa: E402
from synth_nodes.dataset.reader import DataSet  # noqa: E402
from synth_nodes.dataset.schema import Schema  # noqa: E402
from synth_nodes.dataset.store import Writer  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.safety.rules import RiskRules  # noqa: E402
from synth_nodes.tasks.observation import (  # noqa: E402
    ObservationBuilder,
    ObservationSpec,
    SectorPooling,
)
from synth_nodes.train.collision import predicted, temperature, train_risk  # noqa: E402
from synth_nodes.train.progress import WorkCancelled  # noqa: E402
from synth_nodes.train.risk_fit import forget  # noqa: E402
from synth_nodes.train.risk_samples import (  # noqa: E402
    lidar_of_set,
    pooled_scans,
    risk_data,
    robot_of,
)
from synth_nodes.train.risk_settings import RiskSettings  # noqa: E402
from synth_nodes.types import GridMap, LidarSpec, RobotSpec  # noqa: E402
from synth_nodes.world.actors import ActorSettings  # noqa: E402
from synth_nodes.world.atlas import MapAtlas  # noqa: E402

ROBOT, LIDAR, SPEC = RobotSpec(), LidarSpec(beams=90), ObservationSpec(sectors=36)
SMALL = RiskSettings(observation=SPEC, steps=60, check_every=20, batch_size=128, channels=8,
                     hidden=16, tune_steps=20)


def hall(name: str, shift: int) -> GridMap:
    cells = np.full((160, 160), 100, np.int8)
    cells[10:150, 10:150] = 0
    cells[60 + shift:70 + shift, 40:60] = 100
    cells[100:130, 90 + shift:96 + shift] = 100
    return GridMap(cells, 0.05, (0.0, 0.0, 0.0), name)


@pytest.fixture(scope='module')
def driven(tmp_path_factory):
    folder = tmp_path_factory.mktemp('driven') / 'drives'
    maps = [hall('a', 0), hall('b', 10), hall('c', 20)]
    generate(GenerateSettings(records=900, robots=15, errands=4, seed=3, noise=1.0, min_length=1.0,
                              actors=ActorSettings(count=1)), maps, ROBOT, LIDAR, folder,
             splits={'a': 'train', 'b': 'validation', 'c': 'test'})
    return DataSet(folder), maps


@pytest.fixture(scope='module')
def samples(driven):
    return risk_data(driven[0], ROBOT, SPEC, 1.0)


@pytest.fixture(scope='module')
def recorded(driven, tmp_path_factory):
    """The same drives as a log has them: scans and poses alone."""
    data, _ = driven
    folder = tmp_path_factory.mktemp('recorded') / 'log'
    schema = Schema.of('log', drive_fields(90), sensor=sensor_of_spec(LIDAR))
    with Writer(folder, schema) as writer:
        places = np.array([writer.place(p.name, p.split) for p in data.schema.places])
        columns = {n: data.read(n) for n in ('stamp', 'sequence', 'scan', 'laser_pose', 'odom',
                                             'velocity', 'command')}
        writer.append({**columns, 'place': places[data.read('place')]})
    return DataSet(folder)


def test_histories_are_those_that_the_running_predictor_builds(driven, samples):
    data, _ = driven
    rows = max((r for _, r in data.sequences()), key=len)
    builder = ObservationBuilder(SPEC, LIDAR)
    whole = risk_data(data, ROBOT, SPEC, 1.0)
    place = data.read('place')[rows[0]]
    part = (whole.train, whole.validation, whole.test)[place]
    seen = {int(h[0]): h for h in part.history}
    for row in rows:
        record = data.take(np.array([row]), ['scan', 'stamp'])
        builder.push(record['scan'], float(record['stamp'][0]))
        if int(row) in seen:
            np.testing.assert_array_equal(part.sectors[seen[int(row)]],
                                          builder.build(np.zeros(3), np.zeros(3))['scan'][0])


def in_chunks(data, folder, records=100):
    with Writer(folder, data.schema, records) as writer:
        writer.append({f.name: data.read(f.name) for f in data.schema.fields})
    return DataSet(folder)


@pytest.mark.parametrize('mount', [(0.0, 0.0, 0.0), (0.21, -0.1, 0.4)])
def test_scans_are_pooled_chunk_by_chunk_to_the_bit(driven, tmp_path, mount):
    sensor = {**driven[0].schema.sensor, 'settings': {'mount': mount}}
    whole = in_chunks(driven[0], tmp_path / 'whole', 1000)
    whole.schema = replace(whole.schema, sensor=sensor)
    parts = in_chunks(whole, tmp_path / 'parts')
    assert (len(whole.chunks), len(parts.chunks)) == (1, 9)
    pool = SectorPooling(SPEC, lidar_of_set(whole))
    for dtype in (np.float32, np.float16):
        expected = pool(whole.read('scan')).astype(dtype)
        for data in (whole, parts):
            pooled = pooled_scans(data, SPEC, dtype)
            assert pooled.dtype == dtype
            np.testing.assert_array_equal(pooled, expected)


@pytest.mark.parametrize('kind', ['simulated', 'recorded'])
def test_no_more_than_a_chunk_of_scans_is_read_at_once(driven, recorded, tmp_path, monkeypatch,
                                                       kind):
    source = driven[0] if kind == 'simulated' else recorded
    expected = risk_data(source, ROBOT, SPEC, 1.0).train
    data = in_chunks(source, tmp_path / 'parts')
    read, take = DataSet.read, DataSet.take

    def bounded(values):
        assert values.size <= 100 * 90, 'more than a chunk of scans'
        return values

    monkeypatch.setattr(DataSet, 'read', lambda self, name: bounded(read(self, name))
                        if name == 'scan' else read(self, name))
    monkeypatch.setattr(DataSet, 'take', lambda self, index, names=(): {
        n: bounded(v) if n == 'scan' else v for n, v in take(self, index, names).items()})
    mine = risk_data(data, ROBOT, SPEC, 1.0).train
    for field in fields(mine):
        np.testing.assert_array_equal(getattr(mine, field.name), getattr(expected, field.name))


def test_places_stay_in_their_splits_and_robots_in_contact_are_left_out(driven, samples):
    data, _ = driven
    place = data.read('place')
    for number, part in enumerate((samples.train, samples.validation, samples.test)):
        assert set(place[part.history[:, 0]]) == {number} and (part.contact > 0).all()
    assert samples.judged[0] == 'test' and samples.train.contact.shape[1] == 15


def test_recorded_drives_are_labelled_from_the_map_of_their_own_scans(recorded, driven):
    _, maps = driven
    mine = risk_data(recorded, ROBOT, SPEC, 1.0, draws=3).test
    assert mine.contact.shape[1] == 13 and len(mine) > 100
    pose = recorded.read('laser_pose')[mine.history[:, 0]]
    true = time_to_contact(MapAtlas.build(maps[2:]), ROBOT, np.zeros(len(pose), int), pose,
                           mine.command, 1.0)
    agree = (true <= 1.0) == (mine.contact <= 1.0)
    assert agree.mean() > 0.9 and (mine.contact <= 1.0).any()


def test_predictor_ranks_collisions_of_places_it_has_not_seen(samples, tmp_path):
    trained = train_risk(replace(SMALL, steps=160, check_every=40), ROBOT, [samples], tmp_path)
    scores = trained.scores['drives']
    assert scores['judged on'] == 'test' and scores['calibrated']['auroc'] > 0.93
    assert scores['calibrated']['ece'] < 0.08
    assert set(trained.curves) == {'drives, learned', 'drives, calibrated'}
    history = trained.history['learning']
    assert history[-1]['validation'] < history[0]['validation']
    probability, happened = predicted(trained.net, samples.test, 1.0)
    assert probability[happened].mean() > 3 * probability[~happened].mean()


def test_fine_tuning_is_scored_before_and_after_and_calibrates(samples, recorded, tmp_path):
    real = risk_data(recorded, ROBOT, SPEC, 1.0)
    trained = train_risk(SMALL, ROBOT, [samples], tmp_path, [real])
    assert set(trained.scores['log']) == {'judged on', 'learned', 'fine-tuned', 'calibrated'}
    assert set(trained.scores['drives']) == {'judged on', 'learned'}
    assert set(trained.history) == {'learning', 'fine-tuning'}
    for name in ('at 0.5', 'at 0.2'):
        assert set(trained.scores['log']['calibrated'][name]) == {'precision', 'recall', 'f1'}


def test_training_that_was_cut_off_goes_on_to_the_same_weights(samples, tmp_path):
    whole = train_risk(SMALL, ROBOT, [samples], tmp_path / 'whole').net.state_dict()
    calls = iter(range(1000))
    with pytest.raises(WorkCancelled):
        train_risk(SMALL, ROBOT, [samples], tmp_path / 'cut',
                   cancelled=lambda: next(calls) == 45)
    assert (tmp_path / 'cut' / 'checkpoint-learning.pt').exists()
    again = train_risk(SMALL, ROBOT, [samples], tmp_path / 'cut').net.state_dict()
    assert all(torch.equal(whole[k], again[k]) for k in whole)
    with pytest.raises(InputError, match='other settings or data'):
        train_risk(replace(SMALL, seed=1), ROBOT, [samples], tmp_path / 'cut')
    with pytest.raises(InputError, match='other settings or data'):
        train_risk(SMALL, ROBOT, [replace(samples, digest='x')], tmp_path / 'cut')
    forget(tmp_path / 'cut')
    assert not list((tmp_path / 'cut').iterdir())


def test_temperature_is_found():
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 50_000)
    happened = rng.random(50_000) < 1 / (1 + np.exp(-logit))
    for factor in (0.4, 1.0, 3.0):
        assert temperature(factor * logit, happened) == pytest.approx(factor, rel=0.05)


def test_what_cannot_be_learned_from_is_refused(driven, samples, tmp_path):
    data, _ = driven
    with pytest.raises(InputError, match='labelled up to 3 s, less than horizon = 5 s'):
        risk_data(data, ROBOT, SPEC, 5.0)
    with pytest.raises(InputError, match='for another robot'):
        robot_of([data], replace(ROBOT, max_speed=0.5))
    assert robot_of([data], None) == ROBOT
    with pytest.raises(InputError, match='too few'):
        train_risk(SMALL, ROBOT, [replace(samples, validation=samples.test.take(np.arange(3)))],
                   tmp_path)
    far = samples.train.take((samples.train.contact > 1.0).all(axis=1))
    with pytest.raises(InputError, match='it takes both kinds'):
        train_risk(SMALL, ROBOT, [replace(samples, train=far)], tmp_path)


def test_scores_are_given_where_the_safety_monitor_begins_to_slow_down():
    assert RiskSettings().threshold == RiskRules().low
