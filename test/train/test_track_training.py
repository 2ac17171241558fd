import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.cli import main  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.export import tracks as export  # noqa: E402
from synth_nodes.export.parity import ParityError  # noqa: E402
from synth_nodes.generators.tracks import TrackNet, TrackSettings  # noqa: E402
from synth_nodes.train.progress import WorkCancelled  # noqa: E402
from synth_nodes.train.tracks import judge_gait, simulated, train_tracks  # noqa: E402
from synth_nodes.types import GridMap  # noqa: E402
from synth_nodes.world.learned_gait import load_gait  # noqa: E402
from synth_nodes.world.stroll import course_of, samples_of  # noqa: E402
from synth_nodes.world.tracks import Tracks, write_tracks  # noqa: E402

SMALL = TrackSettings(steps=4, batch_size=64, check_every=2, places=2, people=6, seconds=60.0)


@pytest.fixture(scope='module')
def places():
    hall = GridMap(np.zeros((80, 120), np.int8), 0.1, name='hall')
    return simulated(SMALL, [hall])


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    from synth_nodes.metrics.scans import FitPlan
    monkeypatch.setattr('synth_nodes.metrics.tracks.FIT', FitPlan(steps=20))


def weights(net):
    return [p.detach().numpy() for p in net.parameters()]


def test_training_goes_on_exactly_where_it_was_cut(places, tmp_path):
    whole = train_tracks(SMALL, places, tmp_path / 'whole')
    asked = iter([False, False, False, True])
    with pytest.raises(WorkCancelled):
        train_tracks(SMALL, places, tmp_path / 'cut', cancelled=lambda: next(asked))
    resumed = train_tracks(SMALL, places, tmp_path / 'cut')
    for a, b in zip(weights(whole.net), weights(resumed.net), strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(whole.scores['drawn']) >= {'speed', 'acceleration', 'curvature', 'gap', 'auc'}
    with pytest.raises(InputError, match='other settings or data'):
        train_tracks(SMALL, places[::-1], tmp_path / 'cut')


def test_a_gait_learns_what_its_source_does(places):
    samples = samples_of(course_of(places[0]))
    torch.manual_seed(0)
    net = TrackNet()
    net.scale_to(samples)
    seen, change = torch.from_numpy(samples.seen), torch.from_numpy(samples.change)
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    before = float(net.surprise(seen, change).detach())
    for _ in range(150):
        optimiser.zero_grad()
        loss = net.surprise(seen, change)
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < before - 0.7
    scores, drawn, _ = judge_gait(net.gait(0.2), [course_of(places[0])], [course_of(places[1])], 0)
    assert scores['drawn']['acceleration'] < scores['ways']['acceleration']
    assert drawn[0].there.sum() > 500


def test_the_density_is_that_of_its_mixture():
    torch.manual_seed(0)
    net = TrackNet()
    seen = torch.randn(5, net.centre.numel())
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-8, 8, 321)] * 2, indexing='ij'), -1)
    change = grid.reshape(-1, 2)
    for row in seen:
        with torch.no_grad():
            weight, mean, spread = net(row[None])
            z = (change[:, None] - mean) * torch.exp(-spread)
            log = torch.logsumexp(weight - (0.5 * z ** 2 + spread).sum(2) - np.log(2 * np.pi), 1)
            one = net.surprise(row[None], change[100:101])
        assert float(log.exp().sum()) * 0.05 ** 2 == pytest.approx(1.0, abs=1e-3)
        assert float(one) == pytest.approx(-float(log[100]), rel=1e-5)


def test_kernels_foretell_what_torch_does_and_a_difference_is_refused(
        places, tmp_path, monkeypatch):
    trained = train_tracks(SMALL, places, tmp_path)
    card = export.export_tracks(trained, SMALL, tmp_path, {'source': 'test'})
    assert card['scores']['parity'] < 1e-4
    gait = load_gait(str(tmp_path))
    np.testing.assert_allclose(gait.last, trained.net.gait(0.2).last, rtol=1e-5, atol=1e-12)
    broken = trained.net.gait(0.2)
    broken.last_bias[3] += 0.5
    monkeypatch.setattr(TrackNet, 'gait', lambda self, period: broken)
    with pytest.raises(ParityError, match='kernels differ'):
        export.export_tracks(trained, SMALL, tmp_path, {})


def test_a_gait_is_learned_of_recorded_tables(places, tmp_path, capsys):
    folder = tmp_path / 'recorded'
    for place, name in zip(places, 'ab', strict=True):
        write_tracks(place, folder / f'{name}.txt')
    assert main(['train', 'generator', '--of', 'tracks', '--data', str(folder), '--rate', '5',
                 '--set', 'steps=4', '--out', str(tmp_path / 'out'), '--json']) == 0
    assert json.loads(capsys.readouterr().out)['drawn']['speed'] >= 0.0
    assert load_gait(str(tmp_path / 'out')).period == pytest.approx(0.2)
    assert (tmp_path / 'out' / 'tracks.png').stat().st_size > 10_000
    assert not (tmp_path / 'out' / 'checkpoint.pt').exists()


@pytest.mark.parametrize(('words', 'says'), [
    (['--data', 'x.txt'], 'give --rate'), (['--rate', '2.5'], '--rate 2.5 is of recorded'),
    (['--data', 'x.txt', '--rate', '90'], 'from 1 to 20'), (['--kind', 'gan'], '--kind gan'),
    (['--data', 'x.txt', '--rate', '2.5', '--map', 'm.yaml'], '--map is for people'),
    (['--data', 'x.txt', '--rate', '2.5'], 'x.txt: cannot be read'),
])
def test_wrong_words_are_refused(words, says, capsys):
    assert main(['train', 'generator', '--of', 'tracks', *words]) == 2
    assert says in capsys.readouterr().err


def test_too_few_moments_and_several_periods_are_refused(places, tmp_path):
    short = [p.cut(0, 25) for p in places]
    with pytest.raises(InputError, match='it takes 500'):
        train_tracks(SMALL, short, tmp_path)
    other = Tracks(places[1].at, 0.4, places[1].atlas, 'b')
    with pytest.raises(InputError, match='several periods'):
        train_tracks(SMALL, [places[0], other], tmp_path)
