"""How good a generator of floor plans is: checks, copies, coverage, and whether it obeys."""

from collections import Counter
from dataclasses import astuple
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
import torch

from synth_nodes.generators.plans import PlanNet
from synth_nodes.metrics.distances import Measured, with_interval
from synth_nodes.metrics.neighbours import copying, measured_density_coverage
from synth_nodes.metrics.two_sample import ranks
from synth_nodes.train.evaluate import wilson
from synth_nodes.world.learned_plans import PART
from synth_nodes.world.plan_conditions import COLUMN, CONDITIONS, Known, measure, NO_WISHES, Wishes
from synth_nodes.world.plan_grids import clean, Grid, refusal, with_doors

JUDGED, ASKED = 500, 160
"""Plans drawn to be judged, and for each value that is asked for."""
COMPARED = 4000
"""Plans learned from that distances are measured to, at most."""
LEVELS = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Quantiles of what was learned that are asked for."""
SHOWN = 2
"""Plans of each value that are looked at."""
LEAST = 20
"""Plans that a figure takes."""


class Judged(NamedTuple):
    """Scores of a generator, and plans to look at."""

    scores: dict[str, Any]
    drawn: Grid
    """Accepted and mended, shape (N, R, C); possibly none."""
    asked: dict[str, Grid]
    """By condition, those chosen at rising values that were asked for."""


def judge_plans(net: PlanNet, known: Known, train: Grid, held: Grid, seed: int) -> Judged:
    """
    Draw plans and judge them; intervals are of 95 % confidence.

    :param train: learned from; held: held back.
    :return: scores: share of drawn plans that pass the checks, with doors opened and without,
        refusals by reason, the copying test of those that pass, coverage of plans held back, and
        :func:`obedience`.
    """
    rng = np.random.default_rng([73, seed])
    begin = time.process_time()
    raw = _drawn(net, known, rng, JUDGED)
    took = time.process_time() - begin
    good, reasons = _mended(raw)
    kept = good[[not reason for reason in reasons]]
    bare = sum(not refusal(plan, clean(plan)) for plan in raw)
    scores: dict[str, Any] = {
        'valid_share': len(kept) / JUDGED, 'valid_share_interval': list(wilson(len(kept), JUDGED)),
        'valid_share_without_doors': bare / JUDGED,
        'valid_share_without_doors_interval': list(wilson(bare, JUDGED)),
        'plans_per_second': JUDGED / took, 'refused': dict(Counter(r for r in reasons if r)),
        'solid_share': float(kept.mean()) if len(kept) else None,
        'solid_share_real': float(held.mean())}
    if len(kept) >= LEAST:
        copied = copying(_flat(train[:COMPARED]), _flat(held), _flat(kept))
        learned = {plan.tobytes() for plan in train}
        scores |= {**_told('copying_z', copied.z), **_told('copying_share', copied.share),
                   'copied_exactly': sum(plan.tobytes() in learned for plan in kept),
                   **_told('coverage', measured_density_coverage(_flat(held), _flat(kept))[1])}
    scores['obeys'], asked = obedience(net, known, rng)
    return Judged(scores, kept, asked)


def obedience(net: PlanNet, known: Known,
              rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Grid]]:
    """
    Ask for five values of each condition, and measure the plans that come and pass the checks.

    :return: by condition, what :func:`_level` tells at each value; and Spearman's rank
        correlation of asked with measured, over all plans and over the chosen ones. And by
        condition some of the chosen plans, at rising values.
    """
    out: dict[str, Any] = {}
    shown: dict[str, Grid] = {}
    for column, name in enumerate(CONDITIONS):
        levels, every, best, plans = [], [], [], []
        for asked in np.quantile(known.table[:, column], LEVELS).round(3).tolist():
            level, found, chosen = _level(net, known, rng, name, asked)
            levels.append(level)
            every += [(asked, value) for value in found]
            best += [(asked, value) for value in measure(chosen)[:, column]]
            plans.append(chosen[:SHOWN])
        shown[name] = np.concatenate(plans)
        out[name] = {'levels': levels}
        for what, pairs in (('rank_correlation', every), ('rank_correlation_chosen', best)):
            if len(pairs) >= LEAST:
                rank = with_interval(_spearman, np.array(pairs), most=len(pairs))
                out[name] |= _told(what, rank.within(-1.0, 1.0))
    return out, shown


def _level(net: PlanNet, known: Known, rng: np.random.Generator, name: str,
           asked: float) -> tuple[dict[str, Any], NDArray[np.float64], Grid]:
    """
    Ask for one value.

    :return: the value, mean and half interval of what was measured, of all plans that pass and
        of the nearest of each eight, and the share that passes; the values measured of those that
        pass; and the nearest ones.
    """
    wishes, column = {name: asked}, COLUMN[name]
    raw = _drawn(net, known, rng, ASKED, wishes)
    mended, reasons = _mended(raw)
    passes = np.array([not reason for reason in reasons])
    found = measure(mended[passes])[:, column]
    groups = [mended[k:k + PART][passes[k:k + PART]] for k in range(0, ASKED, PART)]
    chosen = np.array([known.nearest(group, wishes) for group in groups if len(group)],
                      bool).reshape(-1, *mended.shape[1:])
    told: dict[str, Any] = {'asked': asked, 'valid_share': len(found) / ASKED}
    for what, values in (('drawn', found), ('chosen', measure(chosen)[:, column])):
        told[what] = float(np.mean(values)) if len(values) else None
        told[f'{what}_half_interval'] = (
            1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else None)
    return told, found, chosen


@torch.no_grad()
def _drawn(net: PlanNet, known: Known, rng: np.random.Generator, count: int,
           wishes: Wishes = NO_WISHES) -> Grid:
    """Draw plans as they come."""
    condition = known.draw(rng, count, wishes)
    noise = rng.standard_normal((count, net.latents.noise)).astype(np.float32)
    parts = [net(*(torch.from_numpy(v[k:k + 50]).to(net.condition_mean)
                   for v in (noise, condition))) for k in range(0, count, 50)]
    return np.asarray(torch.cat(parts).cpu().numpy() > 0.5)


def _mended(raw: Grid) -> tuple[Grid, list[str]]:
    """Mend plans, and say of each why it is refused, if it is."""
    mended = np.stack([clean(with_doors(plan)) for plan in raw])
    return mended, [refusal(a, b) for a, b in zip(raw, mended, strict=True)]


def _told(name: str, figure: Measured) -> dict[str, Any]:
    value, low, high = astuple(figure)
    return {name: value, f'{name}_interval': [low, high]}


def _spearman(pairs: NDArray[np.float64]) -> float:
    """Correlation of the ranks of two columns, those of ties their mean."""
    both = [ranks(column) for column in pairs.T]
    if min(np.ptp(r) for r in both) == 0.0:
        return 0.0
    return float(np.asarray(np.corrcoef(both))[0, 1])


def _flat(plans: Grid) -> NDArray[np.float64]:
    return plans.reshape(len(plans), -1).astype(np.float64)
