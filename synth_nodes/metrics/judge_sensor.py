"""Putting learned sensors through the gate: a lidar in recorded drives, a camera on renders."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.frames import FramePairs
from synth_nodes.dataset.reader import DataSet
from synth_nodes.generators.pairs import Pairs, pairs_of
from synth_nodes.metrics.frames import learn_features, measure_frames
from synth_nodes.metrics.judge import broken_limits, GateSettings, held_rows, measure, Say
from synth_nodes.metrics.scans import FitPlan, Scans

Images = NDArray[np.uint8]
BLOCK = 25
"""Neighbouring scans that the two-sample test keeps together."""


def pairs_to_judge(real: DataSet, gate: GateSettings, reach: float) -> Pairs:
    """
    Make the pairs that a learned lidar is judged by, evenly thinned to at most `gate.scans`.

    :param real: recorded drives; of its splits those that are not for training, where it has them.
    :param reach: of the sensor [m].
    :raises InputError: when no place has enough scans with known poses.
    """
    pairs = pairs_of(real, reach, held_rows(real))
    return pairs.take(np.unique(np.linspace(0, len(pairs) - 1, gate.scans).astype(int)))


def judge_lidar(pairs: Pairs, drawn: Scans, gate: GateSettings, reach: float,
                train: Scans | None = None, say: Say = lambda _: None) -> dict[str, Any]:
    """
    Judge what a learned lidar drew.

    :param drawn: [m], of the pairs' ideal scans, shape (N, beams).
    :param reach: of the sensor [m]: what lies beyond is no fault of its own.
    :param train: real scans that it learned from, for the copying test.
    :return: figures, problems, and whether it passed.
    :raises InputError: on too few scans.
    """
    groups = np.unique(np.stack((pairs.place, pairs.order // BLOCK)), axis=1,
                       return_inverse=True)[1].reshape(-1)
    limits = replace(gate, reach=min(gate.reach, reach))
    found = measure(pairs.real, drawn, limits, train, groups=groups, say=say)
    problems = found.problems(limits)
    return {'passed': not problems, 'problems': problems, 'quality': asdict(found),
            'gate': asdict(limits)}


def judge_camera(pairs: FramePairs, draw: Callable[[Images, NDArray[np.floating]], Images],
                 gate: GateSettings, train: Images | None = None,
                 say: Say = lambda _: None) -> dict[str, Any]:
    """
    Judge a learned camera on frames of views and cameras that it has not seen.

    :param pairs: ideal and realistic frames.
    :param draw: makes frames of ideal ones (N, H, W, 3) and turns [rad/s] (N,).
    :param train: realistic frames that it learned from, for the copying test.
    :return: as :func:`judge_lidar`.
    :raises InputError: on too few frames.
    """
    say('learning features')
    net = learn_features(pairs.real, FitPlan(2 * gate.steps, seed=gate.seed))
    say('testing whether they can be told apart')
    found = measure_frames(pairs.real, draw(pairs.ideal, pairs.turn), net, train, True,
                           pairs.camera, gate.seed, FitPlan(gate.steps, seed=gate.seed))
    problems = broken_limits(found.auc.value, found.coverage.value, found.copying, gate)
    return {'passed': not problems, 'problems': problems, 'quality': asdict(found),
            'gate': asdict(gate)}
