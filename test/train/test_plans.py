from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.generators.plans import CONDITION, PlanNet, PlanSettings  # noqa: E402
from synth_nodes.train.judge_plans import judge_plans  # noqa: E402
from synth_nodes.train.plans import plan_set, train_plans  # noqa: E402
from synth_nodes.train.progress import WorkCancelled  # noqa: E402
from synth_nodes.types import GridMap  # noqa: E402
from synth_nodes.world.building import generate_building  # noqa: E402
from synth_nodes.world.plan_conditions import CONDITIONS, Known, measure  # noqa: E402
from synth_nodes.world.plan_grids import drawn_plan  # noqa: E402

SMALL = PlanSettings(steps=4, batch_size=4, check_every=2, plans=64)


def weights(net: PlanNet) -> Sequence[np.ndarray]:
    return [p.detach().numpy() for p in net.parameters()]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    for name, value in (('plans.HELD', 32), ('plans.FITTED', 64), ('judge_plans.JUDGED', 24),
                        ('judge_plans.ASKED', 4)):
        monkeypatch.setattr(f'synth_nodes.train.{name}', value)


def some(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw plans and measure their conditions."""
    rng = np.random.default_rng(0)
    plans = np.stack([drawn_plan(rng) for _ in range(count)])
    return plans, measure(plans)


def test_training_goes_on_exactly_where_it_was_cut(tmp_path):
    whole = train_plans(SMALL, [], tmp_path / 'whole')
    asked = iter([False, False, False, True])
    with pytest.raises(WorkCancelled):
        train_plans(SMALL, [], tmp_path / 'cut', cancelled=lambda: next(asked))
    resumed = train_plans(SMALL, [], tmp_path / 'cut')
    for a, b in zip(weights(whole.net), weights(resumed.net), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {'valid_share', 'valid_share_interval', 'refused', 'bound'} <= set(whole.scores)
    assert set(whole.scores['obeys']) == set(CONDITIONS)


def test_a_checkpoint_of_another_map_of_the_same_name_is_refused(tmp_path):
    one, other = (replace(generate_building(seed, 40.0, 30.0), name='depot') for seed in (3, 4))
    few = replace(SMALL, plans=8)
    with pytest.raises(WorkCancelled):
        train_plans(few, [one], tmp_path, cancelled=lambda: True)
    with pytest.raises(InputError, match='plans learned from'):
        train_plans(few, [other], tmp_path)


def test_loss_counts_kl_by_its_weight_and_gradients_reach_every_part():
    torch.manual_seed(0)
    net = PlanNet()
    plans, told = (torch.from_numpy(v).float() for v in some(4))
    net.fit_conditions(told)
    loss, parts = net.loss(plans[:, None], told, 0.5)
    assert float(loss.detach()) == pytest.approx(parts['error'] + 0.5 * parts['kl'], rel=1e-5)
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_latents_are_drawn_as_those_of_the_plans_lie_given_their_conditions():
    torch.manual_seed(0)
    net = PlanNet().eval()
    plans, told = (torch.from_numpy(v).float() for v in some(160))
    net.fit_conditions(told)
    asked = net.standard(told)
    assert torch.allclose(asked.mean(0), torch.zeros(CONDITION), atol=1e-4)
    assert torch.allclose(asked.std(0), torch.ones(CONDITION), atol=1e-3)
    net.fit_latents(plans[:, None], told)
    known = net.encode(plans[:, None], asked)[0]
    drawn = net.latents(torch.randn(160, net.latents.noise), asked)
    gap = torch.cdist(torch.cat((known, asked), 1), torch.cat((drawn, asked), 1)).diagonal()
    assert gap.mean() < torch.cdist(known, drawn).mean()
    assert net(torch.zeros(1, net.latents.noise), told[:1]).shape == (1, 48, 64)


def test_a_generator_that_copies_is_found_out_and_one_that_obeys_too():
    plans, told = some(256)

    class Copier(PlanNet):
        """Gives the plan learned from whose conditions are the nearest."""

        def forward(self, noise, condition):
            off = (condition.numpy()[:, None] - told[None, :192]) / told.std(0)
            return torch.from_numpy(plans[(off ** 2).sum(-1).argmin(1)]).float()

    scores, drawn, asked = judge_plans(
        Copier(), Known.of(told[:192]), plans[:192], plans[192:], 0)
    assert all(len(chosen) == 5 for chosen in asked.values())
    assert scores['valid_share'] == len(drawn) / 24 == 1.0
    assert scores['copied_exactly'] == len(drawn) and scores['copying_z_interval'][1] < -3
    for told_of in scores['obeys'].values():
        low, high = told_of['rank_correlation_interval']
        assert 0.5 < low <= told_of['rank_correlation'] <= high
        assert [level['valid_share'] for level in told_of['levels']] == [1.0] * 5


def test_a_generator_that_does_not_listen_is_found_out():
    plans, told = some(128)

    class Deaf(PlanNet):
        def forward(self, noise, condition):
            return torch.from_numpy(plans[:len(noise)]).float()

    scores, *_ = judge_plans(Deaf(), Known.of(told), plans[:96], plans[96:], 0)
    for told_of in scores['obeys'].values():
        assert abs(told_of['rank_correlation']) < 0.3


def test_a_map_without_a_plan_is_refused():
    empty = GridMap(np.zeros((300, 300), np.int8), 0.05, name='field')
    with pytest.raises(InputError, match="map 'field'"):
        plan_set(8, [empty], 1.0, np.random.default_rng(0))
