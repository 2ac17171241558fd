"""Training a generator of floor plans on drawn buildings and on maps of the user's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from synth_nodes.errors import InputError
from synth_nodes.generators.model import Stepper
from synth_nodes.generators.plans import KL_WEIGHT, PlanNet, PlanSettings
from synth_nodes.train import loop
from synth_nodes.train.checkpoint import Checkpoint, learning_state, restore_learning
from synth_nodes.train.journal import Journal
from synth_nodes.train.judge_plans import judge_plans
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent
from synth_nodes.types import GridMap
from synth_nodes.world.plan_conditions import Known, measure
from synth_nodes.world.plan_grids import cut_plan, drawn_plan, Grid

CHECKPOINT = 'checkpoint.pt'
HELD, FITTED = 512, 16_384
"""Plans held back, and that the latents are fitted to."""
WARM = 0.3
"""Share of the steps in which KL comes to its weight."""


@dataclass(frozen=True)
class TrainedPlans:
    """A trained generator of plans and how it went."""

    net: PlanNet
    known: Known
    """What may be asked of it."""
    scores: dict[str, Any]
    history: tuple[dict[str, float], ...]
    real: Grid
    """Some plans that were held back."""
    drawn: Grid
    """Some that were drawn and accepted, mended; possibly none."""
    asked: dict[str, Grid]
    """By condition, some that were drawn at rising values that were asked for."""


def plan_set(count: int, maps: Sequence[GridMap], share: float, rng: np.random.Generator,
             report: Report = silent) -> Grid:
    """
    Make plans to learn from.

    :param count: how many, N.
    :param maps: to cut some out of; none, and all are drawn.
    :param share: of plans cut out of maps, where there are any.
    :return: cleaned, shape (N, ROWS, COLUMNS), True where solid.
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
    told = measure(plans)
    learned, conditions = plans[:-HELD], torch.from_numpy(told).float().to(settings.device)
    net.fit_conditions(conditions[:-HELD])
    identity = {k: v for k, v in asdict(settings).items() if k not in ('device', 'threads')}
    identity['plans learned from'] = hashlib.sha256(plans.tobytes()).hexdigest()
    journal = Journal(out, tensorboard)
    run = loop.train(_Work(net, plans, conditions, settings), loop.Plan(
        'training plans', settings.steps, settings.check_every, settings.patience),
        Checkpoint(out / CHECKPOINT, identity), report, cancelled, journal, settings.device)
    journal.draw()
    net.eval()
    fitted = learned[:FITTED]
    net.fit_latents(tensor(fitted, settings.device), conditions[:len(fitted)])
    known = Known.of(told[:-HELD])
    judged = judge_plans(net, known, learned, plans[-HELD:], settings.seed)
    return TrainedPlans(net, known, {
        'bound': run.best, 'seconds': run.seconds, 'steps': run.step,
        'parameters': sum(p.numel() for p in net.parameters()), 'plans': settings.plans,
        **judged.scores},
        tuple(run.history), plans[-HELD:][:24], judged.drawn[:24], judged.asked)


def tensor(plans: Grid, device: str) -> Tensor:
    """Turn plans, shape (N, R, C), into what the network takes, (N, 1, R, C)."""
    return torch.from_numpy(plans[:, None]).float().to(device)


def forget(out: Path) -> None:
    """Remove the checkpoint of training that is done."""
    (out / CHECKPOINT).unlink(missing_ok=True)


class _Work:
    """What the shared loop trains."""

    def __init__(self, net: PlanNet, plans: Grid, conditions: Tensor,
                 settings: PlanSettings) -> None:
        self.module: nn.Module = net
        self._net, self._settings = net, settings
        self._plans, self._conditions = plans[:-HELD], conditions[:-HELD]
        self._held = tensor(plans[-HELD:], settings.device), conditions[-HELD:]
        self._stepper = Stepper(net, settings.learning_rate, (0.9, 0.99))

    def step(self, step: int) -> Mapping[str, float]:
        rows = torch.randint(len(self._plans), (self._settings.batch_size,)).numpy()
        share = step / self._settings.steps
        plan = tensor(self._plans[rows], self._settings.device)
        loss, parts = self._net.loss(plan, self._conditions[rows],
                                     KL_WEIGHT * min(1.0, share / WARM))
        # A mean over cells keeps gradients near the length that the stepper clips at.
        self._stepper.step(loss / plan[0].numel() * 10, share)
        return parts

    @torch.no_grad()
    def score(self) -> float:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._settings.seed)
            return float(self._net.loss(*self._held, KL_WEIGHT)[0])

    def state(self) -> dict[str, Any]:
        return learning_state(self._net, self._stepper.optimiser)

    def restore(self, state: Mapping[str, Any]) -> None:
        restore_learning(state, self._net, self._stepper.optimiser)
