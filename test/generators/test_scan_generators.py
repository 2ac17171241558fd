from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.generators import learned, mixture  # noqa: E402
from synth_nodes.generators.autoregressive import BeamStep, BeamTransformer, PAST  # noqa: E402
from synth_nodes.generators.coding import (  # noqa: E402
    condition,
    decode,
    encode,
    resolution_of,
)
from synth_nodes.generators.gaussian import fit_gaussian  # noqa: E402
from synth_nodes.generators.model import Case, GeneratorSettings  # noqa: E402
from synth_nodes.generators.pairs import Pairs  # noqa: E402
from synth_nodes.generators.vae import drawn, negative_log_likelihood  # noqa: E402
from synth_nodes.train.generator import profile_distance, train_generator  # noqa: E402
from synth_nodes.train.progress import Progress, WorkCancelled  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
BEAMS = 40
ANGLES = np.linspace(-1.5, 1.5, BEAMS)
KINDS = ('vae', 'gan', 'transformer', 'diffusion')
SMALL = GeneratorSettings(width=16, steps=60, check_every=20, batch_size=16)


def pairs(count: int = 80, seed: int = 0) -> Pairs:
    """Make a sensor that is 5 cm long, has 1 cm of noise, and loses one beam in ten."""
    rng = np.random.default_rng(seed)
    ideal = np.repeat(rng.uniform(1, 6, (count, 8)), 5, 1).astype(np.float32)
    ideal[rng.random((count, 1)).repeat(BEAMS, 1) < 0.1] = np.inf
    real = ideal + 0.05 + rng.normal(0, 0.01, ideal.shape)
    real[rng.random(ideal.shape) < 0.1] = np.inf
    return Pairs(ideal, real.astype(np.float32), np.zeros(count, np.int32), np.arange(count),
                 ANGLES)


def case(p: Pairs) -> Case:
    ideal = torch.from_numpy(p.ideal)
    return Case(condition(ideal, 0.077), *encode(torch.from_numpy(p.real), ideal))


def test_coding_there_and_back_gives_the_same_scan():
    p = pairs()
    real, ideal = torch.from_numpy(p.real), torch.from_numpy(p.ideal)
    u, returned = encode(real, ideal)
    torch.testing.assert_close(decode(u, returned, ideal), torch.where(real < 10, real, torch.inf),
                               atol=1e-4, rtol=0)
    assert u.abs().max() <= 1.0
    rounded = decode(u, returned, ideal, resolution=0.05)
    seen = torch.isfinite(rounded)
    assert ((rounded[seen] / 0.05 - torch.round(rounded[seen] / 0.05)).abs() < 1e-3).all()


def test_conditions_see_edges_and_what_is_out_of_reach():
    ideal = torch.full((1, 10), 2.0)
    ideal[0, 5:] = torch.inf
    c = condition(ideal, 0.1)
    assert c.shape == (1, 6, 10)
    assert c[0, 2].tolist() == [1] * 5 + [0] * 5
    assert c[0, 4, 1] == 0.0 and c[0, 4, 4] > 0.9 and torch.isfinite(c).all()
    assert condition(ideal, 0.1, resolution=0.05)[0, 5].tolist() == [1.0] * 10


def test_resolution_is_found_where_there_is_one():
    real = torch.rand(50, 40) * 5 + 0.3
    assert resolution_of(real) == 0.0
    assert resolution_of(torch.round(real / 0.01) * 0.01) == 0.01
    assert resolution_of(torch.round(real / 0.05) * 0.05) == 0.05


def test_steps_may_begin_at_other_remainders_for_each_stretch_of_a_scan():
    real = torch.round((torch.rand(50, 40) * 5 + 0.3) / 0.05) * 0.05
    real[:, 20:] += 0.03
    real[::5, ::7] = torch.inf
    assert resolution_of(real) == 0.05
    assert resolution_of(torch.full((3, 4), 2.0)) == resolution_of(torch.zeros(0, 4)) == 0.0


def test_coarser_steps_are_told_up_or_down_the_nearer_the_likelier():
    ideal, count = torch.full((1, 40_000), 3.0), 40_000
    u, returned = encode(torch.full((1, count), 3.01), ideal)
    told = decode(u, returned, ideal, 10.0, 0.05, torch.rand(1, count))
    assert {round(float(a), 3) for a in told.unique()} == {3.0, 3.05}
    assert float(told.mean()) == pytest.approx(3.01, abs=1e-3)
    assert float((decode(u, returned, ideal, 10.0, 0.05) - 3.0).abs().max()) < 1e-5


def known(count: int, **values: float) -> mixture.Beam:
    """Beams that all know the same."""
    usual = {'ideal': 3.0, 'rise': 0.1, 'resolution': 0.05, 'last': 2.8, 'step': -0.05,
             'returned': 1.0} | values
    return mixture.Beam(**{k: torch.full((count,), v) for k, v in usual.items()})


def test_the_probabilities_of_all_that_a_beam_may_tell_sum_to_one():
    torch.manual_seed(2)
    out, told = torch.randn(mixture.OUTPUTS), torch.arange(-400, 801) * 0.05
    every = mixture.surprise(out.expand(1201, -1), known(1201), told, torch.ones(1201), 10.0)
    none = mixture.surprise(out[None], known(1), torch.zeros(1), torch.zeros(1), 10.0)
    assert float(torch.exp(-every).sum() + torch.exp(-none).sum()) == pytest.approx(1, abs=2e-3)


def test_what_is_drawn_is_told_in_steps_as_often_as_it_is_probable():
    torch.manual_seed(3)
    out, count = torch.randn(mixture.OUTPUTS), 60_000
    told, back = mixture.drawn(out.expand(count, -1), known(count), torch.rand(count, 3), 10.0)
    assert (told / 0.05 - torch.round(told / 0.05)).abs().max() < 1e-3
    for value in (2.75, 2.8, 3.0):
        share = float(((told - value).abs() < 0.01).logical_and(back > 0.5).float().mean())
        probable = float(torch.exp(-mixture.surprise(
            out[None], known(1), torch.tensor([value]), torch.ones(1), 10.0)))
        assert share == pytest.approx(probable, abs=0.01)


def test_what_is_known_before_a_beam_is_what_the_beams_before_it_told():
    told, ideal = torch.tensor([[1.0, 0.0, 1.4, 1.5]]), torch.tensor([[1.1, 1.2, 1.2, 1.3]])
    beam = mixture.before(told, torch.tensor([[1.0, 0.0, 1.0, 1.0]]), ideal, torch.ones(1, 1))
    torch.testing.assert_close(beam.last, torch.tensor([[1.1, 1.0, 1.0, 1.4]]))
    torch.testing.assert_close(beam.step, torch.tensor([[0.0, -0.1, 0.0, 0.0]]))
    torch.testing.assert_close(beam.returned, torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    torch.testing.assert_close(beam.rise, torch.tensor([[0.0, 0.1, 0.0, 0.1]]))


def test_transformer_looks_at_no_beam_ahead_and_steps_as_it_learns():
    torch.manual_seed(0)
    net, ideal = BeamTransformer(16).eval(), torch.rand(2, BEAMS) * 4 + 1
    told = torch.round((ideal + 0.1 * torch.randn(2, BEAMS)) / 0.05) * 0.05
    seen, returned = torch.randn(2, BEAMS, 16), (torch.rand(2, BEAMS) < 0.9).float()
    resolution = torch.full((2, 1), 0.05)
    past, none = torch.zeros(2, 2, 2, PAST, 16), torch.zeros(())
    beam = mixture.before(told * returned, returned, ideal, resolution)
    whole = net(seen, beam, past, none)[0]
    later = mixture.Beam(*(torch.cat((a[:, :21], a[:, 21:] + 1), 1) for a in beam))
    torch.testing.assert_close(net(seen, later, past, none)[0][:, :21], whole[:, :21])
    for k in range(BEAMS):
        at = mixture.Beam(*(a[:, k:k + 1] for a in beam))
        out, past = net(seen[:, k:k + 1], at, past, none + k)
        torch.testing.assert_close(out[:, 0], whole[:, k], atol=1e-4, rtol=1e-4)


def test_a_step_hands_on_what_the_next_beam_knows():
    torch.manual_seed(4)
    step = BeamStep(BeamTransformer(16).eval(), 10.0)
    beam, state = torch.tensor([[3.0, 0.1, 0.05]] * 64), torch.tensor([[2.8, 0.2, 1.0]] * 64)
    after, past = step(torch.randn(64, 16), beam, state, torch.rand(64, 3),
                       torch.zeros(2, 2, 64, PAST, 16), torch.zeros(()))
    back = after[:, 2] > 0.5
    assert 0 < back.sum() < 64 and past.shape == (2, 2, 64, PAST, 16)
    torch.testing.assert_close(after[back, 1], after[back, 0] - 2.8)
    assert (after[~back] == torch.tensor([2.8, 0.0, 0.0])).all()


def test_mixture_draws_follow_its_density():
    torch.manual_seed(1)
    out = torch.randn(1, 10, 1)
    u, returned = drawn(out.expand(40_000, -1, -1), torch.rand(40_000, 3, 1))
    assert abs(float(returned.mean()) - float(torch.sigmoid(out[0, 0, 0]))) < 0.01
    inside = u[(returned > 0.5) & (u.abs() < 0.999)]
    grid = torch.linspace(-0.998, 0.998, 500)
    one = Case(torch.zeros(500, 5, 1), grid[:, None], torch.ones(500, 1))
    logs = torch.tensor([-float(negative_log_likelihood(
        out, Case(one.condition[k:k + 1], one.u[k:k + 1], one.returned[k:k + 1])))
        for k in range(500)]) - torch.log(torch.sigmoid(out[0, 0, 0]))
    mean = float((torch.exp(logs) * grid).sum() / torch.exp(logs).sum())
    assert float(inside.mean()) == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize('kind', KINDS)
def test_each_kind_learns_saves_and_draws_any_number_of_beams(tmp_path, kind):
    settings = replace(SMALL, kind=kind)
    reports: list[Progress] = []
    scores = train_generator(settings, pairs(), pairs(40, 1), tmp_path, report=reports.append)
    assert scores['steps'] == 60 and reports[-1].step == 60
    assert ('perplexity' in scores) == (kind == 'transformer')
    assert not (tmp_path / 'checkpoint.pt').exists()
    lidar = learned.load(tmp_path, seed=3)
    ideal = np.full((5, 57), 3.0, np.float32)
    one, two = lidar.scan(ideal), learned.load(tmp_path, seed=3).scan(ideal)
    np.testing.assert_array_equal(one, two)
    assert one.shape == (5, 57) and not np.isnan(one).any() and (one > 0).all()
    assert not np.array_equal(one, lidar.scan(ideal))
    coarse = learned.load(tmp_path, seed=3, resolution=0.05).scan(ideal)
    coarse = coarse[np.isfinite(coarse)] / 0.05
    np.testing.assert_allclose(coarse, np.round(coarse), atol=1e-3)


@pytest.mark.parametrize('kind', ['vae', 'transformer'])
def test_learning_brings_the_drawn_scans_nearer_to_the_real_ones(tmp_path, kind):
    held = case(pairs(60, 1))
    before = learned.make(replace(SMALL, kind=kind)).sample(held.condition)
    scores = train_generator(replace(SMALL, kind=kind, steps=200, check_every=50), pairs(200),
                             pairs(60, 1), tmp_path)
    assert scores['profile_distance'] < 0.4 * profile_distance(*before, held)


@pytest.mark.parametrize('kind', KINDS)
def test_training_that_was_cut_off_goes_on_to_the_same_weights(tmp_path, kind):
    settings = replace(SMALL, kind=kind, steps=12, check_every=4)
    train_generator(settings, pairs(), pairs(40, 1), tmp_path / 'whole')
    calls = iter(range(1000))
    with pytest.raises(WorkCancelled):
        train_generator(settings, pairs(), pairs(40, 1), tmp_path / 'cut',
                        cancelled=lambda: next(calls) == 7)
    assert (tmp_path / 'cut' / 'checkpoint.pt').exists()
    assert not (tmp_path / 'cut' / 'generator.json').exists()
    train_generator(settings, pairs(), pairs(40, 1), tmp_path / 'cut')
    ideal = pairs(4, 5).ideal
    np.testing.assert_array_equal(learned.load(tmp_path / 'whole').scan(ideal),
                                  learned.load(tmp_path / 'cut').scan(ideal))


def test_a_checkpoint_of_other_settings_or_pairs_and_altered_weights_are_refused(tmp_path):
    with pytest.raises(WorkCancelled):
        calls = iter(range(1000))
        train_generator(SMALL, pairs(), pairs(40, 1), tmp_path,
                        cancelled=lambda: next(calls) == 30)
    with pytest.raises(InputError, match='other settings'):
        train_generator(replace(SMALL, width=32), pairs(), pairs(40, 1), tmp_path)
    for train, held in ((pairs(80, 7), pairs(40, 1)), (pairs(), pairs(40, 7))):
        with pytest.raises(InputError, match=r'other settings or data \(pairs\)'):
            train_generator(SMALL, train, held, tmp_path)
    train_generator(SMALL, pairs(), pairs(40, 1), tmp_path)
    weights = tmp_path / 'generator.pt'
    weights.write_bytes(weights.read_bytes()[:-1] + b'x')
    with pytest.raises(InputError, match=r'generator\.pt'):
        learned.load(tmp_path)
    with pytest.raises(InputError, match='too few'):
        train_generator(SMALL, pairs(5), pairs(40), tmp_path / 'few')


@pytest.mark.parametrize(('share', 'weight'), [(0.0, 0.0), (0.125, 0.5), (0.25, 1.0), (1.0, 1.0)])
def test_kl_of_the_vae_comes_to_its_weight_over_the_first_quarter(monkeypatch, share, weight):
    torch.manual_seed(0)
    model, losses = learned.make(replace(SMALL, kind='vae')), []
    monkeypatch.setattr(model._stepper, 'step', lambda loss, at: losses.append(loss.item()))
    parts = model.train_step(case(pairs(16)), share)
    assert parts['kl'] > 0.01
    assert losses == [pytest.approx(parts['error'] + weight * parts['kl'], rel=1e-5)]


def test_critic_of_the_gan_is_penalised_ten_times_for_slopes_other_than_one(monkeypatch):
    torch.manual_seed(0)
    model, losses = learned.make(replace(SMALL, kind='gan')), []
    monkeypatch.setattr(model._judge, 'step', lambda loss, at: losses.append(loss.item()))
    data = case(pairs(16))
    parts = model.train_step(data, 0.0)
    assert losses[-1] == pytest.approx(10 * parts['penalty'] - parts['wasserstein'], rel=1e-5)
    real = data.joined()
    for slope in (0.0, 1.0, 3.0):
        steepness = slope / real[0].numel() ** 0.5
        monkeypatch.setattr(model, '_critic', lambda _, x, a=steepness: a * x.sum((1, 2)))
        found = float(model._penalty(data.condition, real, -real))
        assert found == pytest.approx((slope - 1) ** 2, abs=1e-5)


def test_gaussian_baseline_finds_the_noise_it_is_fitted_to():
    p = pairs(400)
    fitted = fit_gaussian(p.ideal, p.real, 10.0, 0.0)
    assert fitted.bias == pytest.approx(0.05, abs=1e-3)
    assert fitted.std + 3 * fitted.slope == pytest.approx(0.01, rel=0.1)
    assert fitted.dropout == pytest.approx(0.1, abs=0.01)
    drawn_ = fitted.scan(p.ideal, 1)
    seen = np.isfinite(drawn_) & np.isfinite(p.ideal)
    assert (drawn_[seen] - p.ideal[seen]).std() == pytest.approx(0.01, rel=0.1)
