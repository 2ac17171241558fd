"""Training a collision predictor: fit, fine-tune on real scans, calibrate, score."""

from collections.abc import Sequence
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from synth_nodes.errors import InputError
from synth_nodes.metrics.probability import probability_scores, Reliability, reliability
from synth_nodes.policy.risk_network import RiskNetwork
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.risk_fit import batch_of, fit_risk, share_of, Stage
from synth_nodes.train.risk_samples import RiskData, RiskSamples
from synth_nodes.train.risk_settings import RiskSettings
from synth_nodes.types import RobotSpec

FITTED = 4096
"""Samples that the normaliser is fitted to, at most."""
JUDGED = 200_000
"""Samples that scores are taken on, at most, evenly spread."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainedRisk:
    """A trained predictor and how good it is."""

    net: RiskNetwork
    scores: dict[str, Any]
    """By data set: `judged on`, then AUROC, ECE and decisions after each step of the work."""
    curves: dict[str, Reliability]
    """Reliability before and after calibration, by data set and step."""
    history: dict[str, list[dict[str, float]]]
    """Losses at each check, by stage."""


def train_risk(settings: RiskSettings, robot: RobotSpec, data: Sequence[RiskData], out: Path,
               tune: Sequence[RiskData] = (), report: Report = silent,
               cancelled: Cancelled = never) -> TrainedRisk:
    """
    Train; go on from checkpoints in `out` if there are any.

    :param data: data sets to learn from, which count alike.
    :param out: folder of the checkpoints; they stay until :func:`risk_fit.forget`.
    :param tune: data sets to fine-tune on afterwards; where given, they alone calibrate.
    :return: the network with prior and temperature set, and scores.
    :raises InputError: when there is nothing to learn from or to check by.
    :raises WorkCancelled: when told to stop; the checkpoints stay.
    """
    for one in (*data, *tune):
        if min(len(one.train), len(one.validation)) < 20:
            raise InputError(f'data set {one.name}: {len(one.train)} records to learn from and '
                             f'{len(one.validation)} to check by are too few; it takes 20 of each')
    with torch_threads(settings.threads):
        net = _fresh(settings, robot, data)
        trained = TrainedRisk(net, {d.name: {'judged on': d.judged[0]} for d in (*data, *tune)},
                              {}, {})
        _learn('learning', settings.steps, settings.learning_rate, settings, data, trained, out,
               report, cancelled)
        _note('learned', trained, settings, (*data, *tune))
        if tune:
            _learn('fine-tuning', settings.tune_steps, settings.tune_rate, settings, tune,
                   trained, out, report, cancelled)
            _note('fine-tuned', trained, settings, tune)
        last = tune or data
        _calibrate(net, [d.validation for d in last], settings.horizon)
        _note('calibrated', trained, settings, last)
    return trained


def predicted(net: RiskNetwork, samples: RiskSamples,
              horizon: float) -> tuple[Array, NDArray[np.bool_]]:
    """
    Ask a network about samples, at most 200,000, evenly spread.

    :return: probabilities, and whether it happened, each of shape (N,).
    """
    count = samples.contact.size
    numbers = np.arange(0, count, max(1, -(-count // JUDGED)))
    probability, happened = [], []
    net.eval()
    with torch.no_grad():
        for part in np.array_split(numbers, -(-len(numbers) // 4096)):
            scan, command, hit = batch_of(samples, part, horizon)
            probability.append(net(scan, command)[:, 0].double().numpy())
            happened.append(hit.numpy() > 0.5)
    return np.concatenate(probability), np.concatenate(happened)


def temperature(logit: Array, happened: NDArray[np.bool_]) -> float:
    """
    Find the temperature that makes log-odds / temperature likeliest (Guo et al. 2017).

    The loss is convex in 1 / temperature, which golden sections close in on within [0.05, 20].
    """
    sign = np.where(happened, 1.0, -1.0)
    low, high, golden = 0.05, 20.0, (np.sqrt(5) - 1) / 2

    def loss(sharpness: float) -> float:
        return float(np.logaddexp(0.0, -sign * logit * sharpness).mean())

    for _ in range(40):
        step = golden * (high - low)
        if loss(high - step) < loss(low + step):
            high = low + step
        else:
            low = high - step
    return 2.0 / (low + high)


def _fresh(settings: RiskSettings, robot: RobotSpec, data: Sequence[RiskData]) -> RiskNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = RiskNetwork(settings.observation, robot, settings.horizon, settings.channels,
                          settings.hidden)
    parts = []
    for one in data:
        size = one.train.contact.size
        some = np.arange(0, size, max(1, size * len(data) // FITTED))
        parts.append(batch_of(one.train, some, settings.horizon)[:2])
    net.fit_normaliser(*(torch.cat(part) for part in zip(*parts, strict=True)))
    return net


def _learn(name: str, steps: int, rate: float, settings: RiskSettings, data: Sequence[RiskData],
           trained: TrainedRisk, out: Path, report: Report, cancelled: Cancelled) -> None:
    digest = hashlib.sha256(' '.join(d.digest for d in data).encode()).hexdigest()
    train = [d.train for d in data]
    trained.history[name] = fit_risk(
        trained.net, Stage(name, steps, rate, digest), train, [d.validation for d in data],
        settings, out, report, cancelled)
    # Batches hold as many collisions as none; King and Zeng 2001, eq. 7, puts that right.
    share = share_of(train, settings.horizon)
    trained.net.prior.fill_(float(np.log(share / (1 - share))))


def _note(step: str, trained: TrainedRisk, settings: RiskSettings,
          data: Sequence[RiskData]) -> None:
    for one in data:
        probability, happened = predicted(trained.net, one.judged[1], settings.horizon)
        trained.scores[one.name][step] = probability_scores(
            probability, happened, (0.5, settings.threshold))
        trained.curves[f'{one.name}, {step}'] = reliability(probability, happened)


def _calibrate(net: RiskNetwork, validation: Sequence[RiskSamples], horizon: float) -> None:
    logits, events = [], []
    for samples in validation:
        probability, happened = predicted(net, samples, horizon)
        bounded = np.clip(probability, 1e-7, 1 - 1e-7)
        logits.append(np.log(bounded / (1 - bounded)))
        events.append(happened)
    net.temperature.fill_(temperature(np.concatenate(logits), np.concatenate(events)))
