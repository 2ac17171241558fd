"""Training a generator of floor plans on drawn buildings and on maps of the user's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import hashlib
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from synth_nodes.errors import InputError
from synth_nodes.generators.model import Stepper
from synth_nodes.generators.plans import KL_WEIGHT, LATENT, PlanNet, PlanSettings
from synth_nodes.metrics.neighbours import copying, density_coverage
from synth_nodes.train import loop
from synth_nodes.train.checkpoint import Checkpoint, learning_state, restore_learning
from synth_nodes.train.journal import Journal
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent
from synth_nodes.types import GridMap
from synth_nodes.world.plan_grids import clean, cut_plan, drawn_plan, Grid, refusal

CHECKPOINT = 'checkpoint.pt'
HELD, JUDGED, FITTED = 512, 500, 4096
"""Plans held back, drawn to be judged, and that the latents are fitted to."""
WARM = 0.3
"""Share of the steps in which KL comes to its weight."""


@dataclass(frozen=True)
class TrainedPlans:
    """A trained generator of plans and how it went."""

    net: PlanNet
    scores: dict[str, Any]
    history: tuple[dict[str, float], ...]
    real: Grid
    """Some plans that were held back."""
    drawn: Grid
    """Some that were drawn and accepted, cleaned; possibly none."""


def plan_set(count: int, maps: Sequence[GridMap], share: float, rng: np.random.Generator,
             report: Report = silent) -> Grid:
    """
    Make plans to learn from.

    :param count: how many, N.
    :param maps: to cut some out of; none, and all are drawn.
    :param share: of plans cut out of maps, where there are any.
    :return: shape (N, ROWS, COLUMNS), True where solid.
    :raises InputError: when no plan can be cut out of a map.
    """
    out = []
    for k in range(count):
        plan = None
        if maps and rng.random() < share:
            grid = maps[int(rng.integers(len(maps)))]
            plan = cut_plan(grid, rng)
            if plan is None:
                raise InputError(f"map '{grid.name}': no part of 16 m x 12 m of it is a floor "
                                 'plan: closed walls, floor in one part for a robot, 35 % free')
        out.append(drawn_plan(rng) if plan is None else plan)
        if k % 500 == 499:
            report(Progress('drawing plans', k + 1, count))
    return np.stack(out)


def train_plans(settings: PlanSettings, maps: Sequence[GridMap], out: Path,
                report: Report = silent, cancelled: Cancelled = never,
                tensorboard: bool = False) -> TrainedPlans:
    """
    Draw plans, train, keep the best weights; go on from a checkpoint in `out` if there is one.

    The score of a check is the negative lower bound of plans that were held back.

    :param maps: of the user's; with none it learns from generated buildings alone.
    :param out: folder of the checkpoint, which stays until :func:`forget`.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :raises InputError: when a map holds no plan, or a checkpoint is of other settings or plans.
    :raises WorkCancelled: when told to stop; the checkpoint stays.
    """
    rng = np.random.default_rng([71, settings.seed])
    plans = plan_set(settings.plans + HELD, maps, settings.maps_share, rng, report)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = PlanNet().to(settings.device)
    torch.manual_seed(settings.seed)
    identity = {k: v for k, v in asdict(settings).items() if k not in ('device', 'threads')}
    identity['plans learned from'] = hashlib.sha256(plans.tobytes()).hexdigest()
    journal = Journal(out, tensorboard)
    run = loop.train(_Work(net, plans[:-HELD], plans[-HELD:], settings), loop.Plan(
        'training plans', settings.steps, settings.check_every, settings.patience),
        Checkpoint(out / CHECKPOINT, identity), report, cancelled, journal, settings.device)
    journal.draw()
    net.eval()
    net.fit_latents(tensor(plans[:FITTED], settings.device))
    scores, drawn = judge_plans(net, plans[:-HELD], plans[-HELD:], settings.seed)
    return TrainedPlans(net, {
        'bound': run.best, 'seconds': run.seconds, 'steps': run.step,
        'parameters': sum(p.numel() for p in net.parameters()), 'plans': settings.plans, **scores},
        tuple(run.history), plans[-HELD:][:24], drawn[:24])


def judge_plans(net: PlanNet, train: Grid, held: Grid, seed: int) -> tuple[dict[str, Any], Grid]:
    """
    Draw plans and judge them.

    :param train: learned from; held: held back.
    :return: scores: share of drawn plans that pass the checks, refusals by reason, the copying
        test of those that pass, coverage of plans held back; and the accepted plans, cleaned.
    """
    chance = torch.Generator().manual_seed(seed + 1)
    noise = torch.randn((JUDGED, LATENT), generator=chance).to(net.latent_mean)
    begin = time.process_time()
    with torch.no_grad():
        raw = np.concatenate([net(part).cpu().numpy() > 0.5 for part in torch.split(noise, 50)])
    took = time.process_time() - begin
    cleaned = np.stack([clean(plan) for plan in raw])
    reasons = [refusal(a, b) for a, b in zip(raw, cleaned, strict=True)]
    good = cleaned[[not reason for reason in reasons]]
    scores: dict[str, Any] = {
        'valid_share': len(good) / JUDGED, 'plans_per_second': JUDGED / took,
        'refused': dict(Counter(r for r in reasons if r)),
        'solid_share': float(good.mean()) if len(good) else None,
        'solid_share_real': float(held.mean())}
    if len(good) >= 20:
        # Drawn plans are cleaned, so a copy is one of a cleaned plan.
        few, unseen = (np.stack([clean(p) for p in part]) for part in (train[:4000], held))
        copied = copying(_flat(few), _flat(unseen), _flat(good))
        scores |= {'copying_z': copied.z, 'copying_share': copied.share.value,
                   'copied_exactly': copied.exact,
                   'coverage': density_coverage(_flat(unseen), _flat(good))[1]}
    return scores, good


def tensor(plans: Grid, device: str) -> Tensor:
    """Turn plans, shape (N, R, C), into what the network takes, (N, 1, R, C)."""
    return torch.from_numpy(plans[:, None]).float().to(device)


def forget(out: Path) -> None:
    """Remove the checkpoint of training that is done."""
    (out / CHECKPOINT).unlink(missing_ok=True)


def _flat(plans: Grid) -> NDArray[np.float64]:
    return plans.reshape(len(plans), -1).astype(np.float64)


class _Work:
    """What the shared loop trains."""

    def __init__(self, net: PlanNet, plans: Grid, held: Grid, settings: PlanSettings) -> None:
        self.module: nn.Module = net
        self._net, self._plans, self._settings = net, plans, settings
        self._held = tensor(held, settings.device)
        self._stepper = Stepper(net, settings.learning_rate, (0.9, 0.99))

    def step(self, step: int) -> Mapping[str, float]:
        rows = torch.randint(len(self._plans), (self._settings.batch_size,)).numpy()
        share = step / self._settings.steps
        plan = tensor(self._plans[rows], self._settings.device)
        loss, parts = self._net.loss(plan, KL_WEIGHT * min(1.0, share / WARM))
        # A mean over cells keeps gradients near the length that the stepper clips at.
        self._stepper.step(loss / plan[0].numel() * 10, share)
        return parts

    @torch.no_grad()
    def score(self) -> float:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._settings.seed)
            return float(self._net.loss(self._held, KL_WEIGHT)[0])

    def state(self) -> dict[str, Any]:
        return learning_state(self._net, self._stepper.optimiser)

    def restore(self, state: Mapping[str, Any]) -> None:
        restore_learning(state, self._net, self._stepper.optimiser)
