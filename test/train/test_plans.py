from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.generators.plans import LATENT, PlanNet, PlanSettings  # noqa: E402
from synth_nodes.train.plans import judge_plans, plan_set, train_plans  # noqa: E402
from synth_nodes.train.progress import WorkCancelled  # noqa: E402
from synth_nodes.types import GridMap  # noqa: E402
from synth_nodes.world.building import generate_building  # noqa: E402
from synth_nodes.world.plan_grids import clean, drawn_plan  # noqa: E402

SMALL = PlanSettings(steps=4, batch_size=4, check_every=2, plans=64)


def weights(net: PlanNet) -> Sequence[np.ndarray]:
    return [p.detach().numpy() for p in net.parameters()]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    for name, value in (('HELD', 32), ('JUDGED', 24), ('FITTED', 64)):
        monkeypatch.setattr(f'synth_nodes.train.plans.{name}', value)


def test_training_goes_on_exactly_where_it_was_cut(tmp_path):
    whole = train_plans(SMALL, [], tmp_path / 'whole')
    asked = iter([False, False, False, True])
    with pytest.raises(WorkCancelled):
        train_plans(SMALL, [], tmp_path / 'cut', cancelled=lambda: next(asked))
    resumed = train_plans(SMALL, [], tmp_path / 'cut')
    for a, b in zip(weights(whole.net), weights(resumed.net), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {'valid_share', 'refused', 'bound'} <= set(whole.scores)


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
    plan = torch.from_numpy(drawn_plan(np.random.default_rng(0))[None, None]).float()
    loss, parts = net.loss(plan, 0.5)
    assert float(loss.detach()) == pytest.approx(parts['error'] + 0.5 * parts['kl'], rel=1e-5)
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_latents_are_drawn_as_those_of_the_plans_lie():
    torch.manual_seed(0)
    net, rng = PlanNet().eval(), np.random.default_rng(0)
    plans = torch.from_numpy(np.stack([drawn_plan(rng) for _ in range(80)])[:, None]).float()
    net.fit_latents(plans)
    assert torch.allclose(net.latent_mean, net.encode(plans)[0].mean(0), atol=0.5)
    assert net(torch.zeros(1, LATENT)).shape == (1, 48, 64)


def test_a_generator_that_copies_is_found_out():
    rng = np.random.default_rng(0)
    plans = np.stack([clean(drawn_plan(rng)) for _ in range(96)])

    class Copier(PlanNet):
        def forward(self, noise):
            return torch.from_numpy(plans[:len(noise)]).float()

    scores, drawn = judge_plans(Copier(), plans[:64], plans[64:], 0)
    assert scores['valid_share'] == len(drawn) / 24 > 0.9
    assert scores['copied_exactly'] == len(drawn) and scores['copying_z'] < -3


def test_a_map_without_a_plan_is_refused():
    empty = GridMap(np.zeros((300, 300), np.int8), 0.05, name='field')
    with pytest.raises(InputError, match="map 'field'"):
        plan_set(8, [empty], 1.0, np.random.default_rng(0))
