from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_nodes.errors import InputError
from synth_nodes.export.pipeline import train_and_export
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.bc import train_bc
from synth_nodes.train.fit import Fitter, mirrored, torch_threads
from synth_nodes.train.journal import CURVES_FILE, JOURNAL_FILE, read_journal
from synth_nodes.train.progress import never, silent, WorkCancelled
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.building import generate_building

ROBOT, LIDAR = RobotSpec(), LidarSpec(beams=120)
TINY = replace(BcSettings().quick(), robots=12, seconds=4.0, evaluation_episodes=0)


@pytest.fixture(scope='module')
def maps():
    return [generate_building(seed, 14.0, 10.0) for seed in range(3)]


def toy_samples(count, seed):
    """Samples whose right command is to turn towards the point to steer for."""
    rng = np.random.default_rng(seed)
    goal = rng.uniform(-1.0, 1.0, (count, 3)).astype(np.float32)
    turn = np.arctan2(goal[:, 1], np.abs(goal[:, 0]) + 0.2)
    command = np.column_stack((0.3 * np.ones(count), turn / 1.6)).astype(np.float32)
    scan = rng.uniform(1.0, 8.0, (count, 3, 72)).astype(np.float16)
    return Samples(scan, goal, np.zeros((count, 3), np.float32), command,
                   np.zeros(count, np.int32))


def test_fitting_learns_a_simple_rule_and_keeps_the_best_epoch():
    torch.manual_seed(0)
    net = ScanPolicy(ObservationSpec(), ROBOT, hidden=32)
    settings = replace(TINY, batch_size=128)
    fitter = Fitter(net, settings, 0)
    held = toy_samples(300, 1)
    before = fitter.loss(held)
    history = fitter.fit(toy_samples(3000, 0), held, 8, 'fitting', silent, never)
    best = min(e.validation_loss for e in history)
    assert best < 0.15 * before
    assert fitter.loss(held) == pytest.approx(best, rel=1e-5)


def test_fitting_stops_early_when_validation_no_longer_improves():
    torch.manual_seed(0)
    net = ScanPolicy(ObservationSpec(), ROBOT, hidden=32)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (400, 2)).astype(np.float32)
    hopeless = replace(toy_samples(400, 0), command=noise)
    fitter = Fitter(net, replace(TINY, batch_size=50, patience=2), 0)
    history = fitter.fit(hopeless, replace(toy_samples(400, 1), command=-noise), 60, 'fitting',
                         silent, never)
    assert len(history) < 60


def test_mirroring_twice_gives_the_original():
    rng = torch.Generator().manual_seed(0)
    batch = (torch.rand(4, 3, 72, generator=rng), torch.randn(4, 3, generator=rng),
             torch.randn(4, 3, generator=rng), torch.randn(4, 2, generator=rng))
    assert all(torch.equal(a, b) for a, b in zip(mirrored(mirrored(batch)), batch, strict=True))
    assert torch.equal(mirrored(batch)[3][:, 1], -batch[3][:, 1])


def test_thread_count_is_set_back():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise RuntimeError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize('passes', [1, 4])
def test_training_that_was_cut_off_goes_on_to_the_same_weights(maps, tmp_path, passes):
    settings = replace(TINY, seconds=2.0, batch_size=16)
    whole = train_bc(settings, maps, ROBOT, LIDAR)
    with pytest.raises(WorkCancelled):
        train_bc(settings, maps, ROBOT, LIDAR, out=tmp_path,
                 cancelled=lambda: len(read_journal(tmp_path / JOURNAL_FILE)) == passes)
    with pytest.raises(InputError, match='other settings'):
        train_bc(replace(settings, seed=1), maps, ROBOT, LIDAR, out=tmp_path)
    cut = train_bc(settings, maps, ROBOT, LIDAR, out=tmp_path)
    assert cut.history == whole.history
    assert [line['step'] for line in read_journal(tmp_path / JOURNAL_FILE)] == [1, 2, 3, 4, 5]
    assert (tmp_path / CURVES_FILE).is_file()
    assert all(torch.equal(a, b) for a, b in zip(
        whole.net.state_dict().values(), cut.net.state_dict().values(), strict=True))


def test_same_seed_gives_the_same_weights_and_reports_every_stage(maps):
    stages = []
    first = train_bc(TINY, maps, ROBOT, LIDAR, lambda p: stages.append(p.stage))
    second = train_bc(TINY, maps, ROBOT, LIDAR)
    for name, value in first.net.state_dict().items():
        assert torch.equal(value, second.net.state_dict()[name]), name
    assert list(dict.fromkeys(stages)) == [
        'driving, round 1 of 2', 'fitting, round 1 of 2',
        'driving, round 2 of 2', 'fitting, round 2 of 2']
    assert first.evaluation is None


def test_held_back_maps_are_kept_apart_and_recorded_samples_counted(maps):
    recorded = replace(toy_samples(40, 0), group=np.repeat(np.arange(10), 4).astype(np.int32))
    made = train_bc(TINY, maps, ROBOT, LIDAR, extra_samples=recorded, command='the command')
    origin = made.contract.provenance
    assert list(origin['maps_trained_on']) == ['building_0', 'building_1']
    assert list(origin['maps_held_back']) == ['building_2']
    assert origin['samples_recorded'] == 36
    assert origin['command'] == 'the command'
    # A third of the robots drive in the held-back map.
    driven = origin['samples'] - 36
    assert origin['samples_held_back'] - 4 == driven // 2


def test_quick_training_gives_a_policy_that_loads(tmp_path, maps):
    settings = replace(TINY, evaluation_episodes=2)
    contract = train_and_export(settings, maps, ROBOT, LIDAR, tmp_path / 'run', command='x')
    policy = load_policy(tmp_path / 'run', ROBOT, settings.observation, LIDAR)
    assert policy.contract == contract
    assert contract.scores['held_back_maps']['all']['episodes'] == 2
    assert contract.size < 500_000


def test_cancelled_training_writes_nothing(tmp_path, maps):
    calls = iter(range(10**6))
    with pytest.raises(WorkCancelled):
        train_and_export(TINY, maps, ROBOT, LIDAR, tmp_path / 'run',
                         cancelled=lambda: next(calls) > 30)
    assert list(tmp_path.iterdir()) == []


def test_too_few_maps_are_refused(maps):
    with pytest.raises(InputError, match='too few to keep validation_buildings'):
        train_bc(TINY, maps[:1], ROBOT, LIDAR)


def test_robot_that_cannot_turn_in_place_is_refused(maps):
    with pytest.raises(InputError, match='ackermann'):
        train_bc(TINY, maps, replace(ROBOT, drive='ackermann'), LIDAR)
