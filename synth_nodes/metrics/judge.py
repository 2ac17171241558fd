"""All figures of a synthetic data set against a real one, and the gate they must pass."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.gate import QUALITY
from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError
from synth_nodes.files import write_json
from synth_nodes.metrics.distances import (
    frechet,
    kid,
    Measured,
    mmd,
    sliced_wasserstein,
    with_interval,
)
from synth_nodes.metrics.neighbours import copying, measured_density_coverage
from synth_nodes.metrics.scans import (
    channels,
    embed,
    FitPlan,
    inception_score,
    learn_features,
    ScanNet,
    Scans,
    scores,
)
from synth_nodes.metrics.two_sample import two_sample_auc
from synth_nodes.settings import setting

Say = Callable[[str], None]


@dataclass(frozen=True)
class GateSettings:
    """What a synthetic data set must reach to be learned from."""

    seed: int = setting(0, 'Seed of networks and resampling.', low=0, high=2**31 - 1)
    scans: int = setting(3000, 'Scans of each that are compared, at most.', low=100, high=10**6)
    reach: float = setting(
        10.0, 'Ranges from which on all count the same.', unit='m', low=1.0, high=100.0)
    max_auc: float = setting(
        0.8, 'Largest area under the ROC curve of the two-sample test.', low=0.5, high=1.0)
    min_coverage: float = setting(
        0.4, 'Smallest share of the real scans that are covered.', low=0.0, high=1.0)
    min_copying_z: float = setting(
        -4.0, 'Smallest z of the copying test.', low=-100.0, high=0.0)
    steps: int = setting(
        800, 'Steps of the optimiser of each network.', low=1, high=10**6)


@dataclass(frozen=True)
class Quality:
    """The figures of a synthetic sample."""

    auc: Measured
    frechet: Measured
    kid: Measured
    mmd: Measured
    sliced_wasserstein: Measured
    frechet_real: float
    """Between two halves of the real scans: what cannot be beaten."""
    density: Measured
    coverage: Measured
    inception_score: Measured
    inception_score_real: Measured
    copying: Mapping[str, Any] | None
    """None where it is not known what the generator learned from."""
    real_scans: int
    synthetic_scans: int

    def problems(self, gate: GateSettings) -> list[str]:
        """Say which limits of the gate are broken; nothing when it is passed."""
        return broken_limits(self.auc.value, self.coverage.value, self.copying, gate)


def broken_limits(auc: float, coverage: float, copying: Mapping[str, Any] | None,
                  gate: GateSettings) -> list[str]:
    """
    Say which limits of the gate are broken, whatever was measured.

    :param copying: None where it is not known what was learned from.
    """
    out = []
    if not auc <= gate.max_auc:
        out.append(f'the two-sample test tells them apart: AUC {auc:.3f} is above {gate.max_auc}')
    if not coverage >= gate.min_coverage:
        out.append(f'coverage {coverage:.2f} is below {gate.min_coverage}')
    if copying and not copying['z']['value'] >= gate.min_copying_z:
        out.append(f"training data are copied: z {copying['z']['value']:.1f} is below "
                   f'{gate.min_copying_z}')
    return out


def held_rows(real: DataSet) -> NDArray[np.integer]:
    """Pick the records to judge by: those not for training, or all where those are under 100."""
    held = np.concatenate([real.split('validation'), real.split('test')])
    return np.sort(held) if len(held) >= 100 else np.arange(len(real))


def measure(real: Scans, synthetic: Scans, gate: GateSettings, train: Scans | None = None,
            features: ScanNet | None = None, groups: NDArray[np.integer] | None = None,
            say: Say = lambda _: None) -> Quality:
    """
    Measure synthetic scans against real ones.

    :param real: [m], shape (N, beams), scans that no generator has seen.
    :param synthetic: [m], shape (M, beams).
    :param train: real scans that the generator learned from, for the copying test.
    :param features: feature network; learned from `real` where None.
    :param groups: place of record k of both, where they belong together; else None.
    :param say: takes what is being done.
    :raises InputError: on too few scans or beams that differ.
    """
    if real.shape[1:] != synthetic.shape[1:]:
        raise InputError(f'real scans have {real.shape[1]} beams and synthetic ones '
                         f'{synthetic.shape[1]}; import or generate them with as many')
    if groups is None:
        rng = np.random.default_rng([47, gate.seed])
        real = real[np.sort(rng.permutation(len(real))[:gate.scans])]
        synthetic = synthetic[np.sort(rng.permutation(len(synthetic))[:gate.scans])]
    say('learning features')
    net = features or learn_features(real, gate.reach, FitPlan(gate.steps, seed=gate.seed))
    x, y = channels(real, gate.reach), channels(synthetic, gate.reach)
    a, b = embed(net, x), embed(net, y)
    say('measuring distances')
    dense, covered = measured_density_coverage(a, b, gate.seed)
    copied = None
    if train is not None:
        copied = asdict(copying(embed(net, channels(train, gate.reach)), a, b,
                                gate.seed))
    say('testing whether they can be told apart')
    area = two_sample_auc(real, synthetic, groups, seed=gate.seed, reach=gate.reach,
                          plan=FitPlan(gate.steps, seed=gate.seed))
    told = partial(with_interval, seed=gate.seed)
    return Quality(
        area, told(frechet, a, b), told(kid, a, b), told(mmd, a, b),
        told(sliced_wasserstein, a, b), frechet(a[::2], a[1::2]), dense, covered,
        told(inception_score, scores(net, y)).within(1.0),
        told(inception_score, scores(net, x)).within(1.0), copied, len(real), len(synthetic))


def judge_sets(real: DataSet, synthetic: DataSet, gate: GateSettings,
               train: DataSet | None = None, say: Say = lambda _: None) -> dict[str, Any]:
    """
    Put a synthetic data set through its gate and note the outcome beside its header.

    :param real: judged against; of its splits the one that is not for training, where it has one.
    :param train: what the generator learned from; None where it learned from nothing.
    :return: figures, problems, and whether it passed.
    """
    quality = measure(real.take(held_rows(real), ['scan'])['scan'], synthetic.read('scan'), gate,
                      None if train is None else train.read('scan'), say=say)
    problems = quality.problems(gate)
    outcome = {'passed': not problems, 'problems': problems, 'quality': asdict(quality),
               'gate': asdict(gate), 'real': {'name': real.schema.name, 'digest': real.digest()},
               'digest': synthetic.digest()}
    write_json(synthetic.folder / QUALITY, outcome)
    return outcome
