"""Learned sensors through their gate: judged, noted in the card, refused by what uses them."""

from dataclasses import replace
import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.cli import main  # noqa: E402
from synth_nodes.dataset.drives import drive_fields, sensor_of  # noqa: E402
from synth_nodes.dataset.frames import FramePairs  # noqa: E402
from synth_nodes.dataset.reader import DataSet  # noqa: E402
from synth_nodes.dataset.schema import Schema  # noqa: E402
from synth_nodes.dataset.store import Writer  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.export.generator import export_generator  # noqa: E402
from synth_nodes.generators import camera_card, learned  # noqa: E402
from synth_nodes.generators.gate import note_outcome, refuse_failed  # noqa: E402
from synth_nodes.generators.model import GeneratorSettings  # noqa: E402
from synth_nodes.infer.camera import load_camera  # noqa: E402
from synth_nodes.infer.learned_lidar import CARD, load_sampler  # noqa: E402
from synth_nodes.metrics.judge import GateSettings  # noqa: E402
from synth_nodes.metrics.judge_sensor import judge_camera, judge_lidar, pairs_to_judge  # noqa: E402
from synth_nodes.resources import share  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
BEAMS, COUNT = 60, 160
ANGLES = np.linspace(-np.pi / 2, np.pi / 2, BEAMS)
GATE = GateSettings(steps=40)
FAILED = {'passed': False, 'problems': ['AUC 0.99 is above 0.8']}


@pytest.fixture(scope='module')
def room(tmp_path_factory):
    """Drives in a room of 8 x 5 m, scanned in steps of 1 cm."""
    rng = np.random.default_rng(0)
    pose = rng.uniform((-2, -1.2, -np.pi), (2, 1.2, np.pi), (COUNT, 3))
    way = pose[:, 2:] + ANGLES
    with np.errstate(divide='ignore'):
        x = (4.0 - np.sign(np.cos(way)) * pose[:, :1]) / np.abs(np.cos(way))
        y = (2.5 - np.sign(np.sin(way)) * pose[:, 1:2]) / np.abs(np.sin(way))
    scan = np.round(np.minimum(x, y) + rng.normal(0, 0.01, way.shape), 2).astype(np.float32)
    folder = tmp_path_factory.mktemp('room') / 'real'
    schema = Schema.of('room', drive_fields(BEAMS), sensor=sensor_of(ANGLES, 0.0, 10.0))
    unknown = np.full((COUNT, 3), np.nan)
    with Writer(folder, schema) as writer:
        writer.append({
            'stamp': np.arange(COUNT, dtype=float), 'sequence': np.zeros(COUNT, int),
            'place': np.full(COUNT, writer.place('room', 'test')), 'scan': scan,
            'laser_pose': pose, 'odom': unknown, 'velocity': unknown, 'command': unknown})
    return folder


def test_a_lidar_is_judged_by_what_it_draws_from_the_poses_of_real_scans(room):
    pairs = pairs_to_judge(DataSet(room), replace(GATE, scans=120), 10.0)
    assert len(pairs) == 120
    rng = np.random.default_rng(1)
    like = (pairs.real + rng.normal(0, 0.005, pairs.real.shape)).astype(np.float32)
    good = judge_lidar(pairs, like, GATE, 10.0)
    assert good['passed'] and not good['problems']
    lost = np.where(rng.random(like.shape) < 0.1, np.inf, like).astype(np.float32)
    bad = judge_lidar(pairs, lost, GATE, 9.0)
    assert not bad['passed'] and 'tells them apart' in bad['problems'][0]
    assert bad['gate']['reach'] == 9.0


def test_a_camera_is_judged_on_pairs_of_frames():
    rng = np.random.default_rng(0)
    ideal = np.repeat(np.repeat(rng.integers(60, 200, (104, 6, 8, 3)), 4, 1), 4, 2)
    real = np.clip(ideal * 0.7 + rng.normal(0, 5, ideal.shape), 0, 255).astype(np.uint8)
    pairs = FramePairs(ideal.astype(np.uint8), real, np.zeros(104, np.float32),
                       np.arange(104, dtype=np.int32) // 4)
    gate = replace(GATE, steps=8)

    def learned_camera(frames, turn):
        return np.clip(frames * 0.7 + rng.normal(0, 5, frames.shape), 0, 255).astype(np.uint8)

    good = judge_camera(pairs, learned_camera, gate)
    bad = judge_camera(pairs, lambda frames, turn: frames, gate)
    assert good['passed'] and not bad['passed']
    assert good['quality']['ssim'] is not None


def test_a_lidar_that_failed_is_refused_by_verb_and_node_unless_told_otherwise(
        room, tmp_path, capsys):
    from synth_nodes.nodes.learned import learned_sensor
    from synth_nodes.nodes.parameters import LidarParameters

    folder = tmp_path / 'sensor'
    settings = GeneratorSettings(width=8)
    learned.save(folder, learned.make(settings), settings,
                 {'step': float(ANGLES[1] - ANGLES[0]), 'resolution': 0.01})
    export_generator(folder)
    load_sampler(folder)
    assert main(['metrics', str(room), str(folder), '--json', '--set', 'steps=20',
                 '--set', 'scans=120']) == 1
    said = json.loads(capsys.readouterr().out)
    assert said['quality']['auc']['value'] > 0.8 and said['real']['places'] == ['room']
    with pytest.raises(InputError, match=r'failed its quality gate: .*tells them apart'):
        load_sampler(folder)
    assert load_sampler(folder, ungated=True).reach == 10.0
    assert main(['generate', '--out', str(tmp_path / 'data'), '--sensor', str(folder)]) == 2
    assert 'give --ungated' in capsys.readouterr().err
    lidar = replace(LidarParameters().lidar, beams=181)
    asked = LidarParameters(lidar=lidar, noise='learned', learned_sensor=str(folder))
    with pytest.raises(InputError, match='set learned_ungated to true'):
        learned_sensor(asked)
    assert learned_sensor(replace(asked, learned_ungated=True)) is not None
    export_generator(folder)
    with pytest.raises(InputError, match='quality gate'):
        load_sampler(folder)


def test_a_camera_that_failed_is_refused_unless_told_otherwise(tmp_path):
    for name in (camera_card.CARD, camera_card.MODEL):
        (tmp_path / name).write_bytes((share('models') / name).read_bytes())
    load_camera(tmp_path)
    note_outcome(tmp_path / camera_card.CARD, FAILED)
    assert camera_card.read_card(tmp_path).quality == FAILED
    with pytest.raises(InputError, match=r'AUC 0\.99 is above 0\.8; train it better, or give'):
        load_camera(tmp_path)
    load_camera(tmp_path, ungated=True)


def test_a_sensor_that_passed_or_was_never_judged_will_do(tmp_path):
    refuse_failed({}, tmp_path, False, '')
    refuse_failed({'quality': {'passed': True, 'problems': []}}, tmp_path, False, '')
    assert json.loads((share('models') / CARD).read_text()).get('quality', {}).get('passed', True)


def test_one_folder_alone_must_be_a_camera(room):
    assert main(['metrics', str(room)]) == 2
