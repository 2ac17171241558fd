r"""
Collision predictors on real scans of buildings that none of them has seen.

    synth-nodes generate --seed 1 --records 12000 --set actors.count=0 \
        --set errands=16 --set robots=128 --params-file front.yaml --out front
    python benchmarks/collision.py --logs ../logs --synthetic front [--seeds 3] [--steps 300] \
        [--across]

front.yaml asks for the scanner of the logs: `lidar: {beams: 180, field_of_view: 3.14159265}`. The
folder of logs holds intel, csail, aces and freiburg-079 as `*-corrected.log.gz`; the first two are
learned from, the others judged, labelled from the maps built out of them: people are not in these,
so the synthetic drives have none either. The last lines say how much better than real data alone
each kind is. With --across each of the first two is learned from and judged on the other, and the
last two are not looked at: choose by these.
"""

import argparse
from dataclasses import replace
from pathlib import Path
import tempfile
import time

import numpy as np

from synth_nodes.dataset.drives import import_log
from synth_nodes.dataset.reader import DataSet
from synth_nodes.metrics.probability import probability_scores
from synth_nodes.train.collision import predicted, train_risk
from synth_nodes.train.risk_fit import share_of
from synth_nodes.train.risk_samples import risk_data, RiskData, RiskSamples
from synth_nodes.train.risk_settings import RiskSettings
from synth_nodes.types import RobotSpec

LEARN, HELD, BEAMS, MOST = ('intel', 'csail'), ('aces', 'freiburg-079'), 180, 1500
Figures = dict[tuple[str, str], list[list[float]]]
Kind = tuple[str, list[RiskData], list[RiskData], str]
STUDENT = {2: 12.7, 3: 4.30, 4: 3.18, 5: 2.78}


def read(folder: Path, settings: RiskSettings) -> RiskData:
    return risk_data(DataSet(folder), RobotSpec(), settings.observation, settings.horizon)


def recorded(logs: Path, names: tuple[str, ...], split: str, out: Path) -> Path:
    for number, name in enumerate(names):
        import_log(logs / f'{name}-corrected.log.gz', out, split, append=number > 0, beams=BEAMS,
                   say=lambda _: None)
    return out


def some(samples: RiskSamples, count: int, seed: int) -> RiskSamples:
    rows = np.random.default_rng([61, seed]).permutation(len(samples))[:count]
    return samples.take(np.sort(rows))


def drawn(data: RiskData, like: RiskData, seed: int, times: float = 1.0) -> RiskData:
    """Draw as many records as another set has, or so many times as many."""
    return replace(data, train=some(data.train, round(times * len(like.train)), seed),
                   validation=some(data.validation, round(times * len(like.validation)), seed))


def interval(values: list[float]) -> str:
    if len(values) < 2:
        return f'{values[0]:.4f}'
    half = STUDENT.get(len(values), 2.2) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f'{np.mean(values):.4f} +- {half:.4f}'


def compare(args: argparse.Namespace, base: RiskSettings, synthetic: RiskData,
            learn: tuple[str, ...], judged: tuple[str, ...], scratch: Path,
            figures: Figures) -> None:
    """Learn from some buildings and add to the figures of others, by kind and building."""
    real = read(recorded(args.logs, learn, 'train', scratch / 'real'), base)
    held = {n: read(recorded(args.logs, (n,), 'test', scratch / n), base).test for n in judged}
    held = {n: s.take(np.arange(0, len(s), max(1, len(s) // MOST))) for n, s in held.items()}
    print(f'{len(real.train)} real scans to learn from and {len(real.validation)} to check, '
          + ', '.join(f'{len(s)} of {n}, {share_of([s], base.horizon):.3f} collide'
                      for n, s in held.items()), flush=True)
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        for kind, data, tune, folder in kinds(real, synthetic, seed):
            if args.kinds and folder not in args.kinds:
                continue
            begin = time.perf_counter()
            trained = train_risk(replace(base, seed=seed), RobotSpec(), data,
                                 scratch / f'{folder}{seed}', tune)
            for n, samples in held.items():
                p, hit = predicted(trained.net, samples, base.horizon)
                s = probability_scores(p, hit, (0.5, 0.2))
                row = [s['auroc'], s['ece'], s['at 0.5']['f1'], s['at 0.2']['precision'],
                       s['at 0.2']['recall']]
                figures.setdefault((kind, n), []).append(row)
                print(f'seed {seed}, {kind}, {n}: ' + ' '.join(f'{v:.4f}' for v in row)
                      + f' ({time.perf_counter() - begin:.0f} s)', flush=True)


def kinds(real: RiskData, synthetic: RiskData, seed: int) -> tuple[Kind, ...]:
    """List what to train; fine-tuning goes on from the checkpoint of the kind before it."""
    few, many = drawn(synthetic, real, seed), drawn(synthetic, real, seed, 8)
    tenth = drawn(real, real, seed, 0.1)
    return (('real', [real], [], 'real'), ('synthetic, as many', [few], [], 'few'),
            ('synthetic, 8 times', [many], [], 'many'),
            ('synthetic 8 times, fine-tuned', [many], [real], 'many'),
            ('synthetic 8 times + real', [many, real], [], 'both'),
            ('a tenth of real', [tenth], [], 'tenth'),
            ('synthetic 8 times + a tenth of real', [many, tenth], [], 'some'))


def gains(figures: Figures, kind: str) -> list[float]:
    """AUROC above that of real data alone, mean of the buildings, by seed."""
    auroc = {k: np.mean([[row[0] for row in rows] for (name, _), rows in figures.items()
                         if name == k], axis=0) for k in ('real', kind)}
    return list(auroc[kind] - auroc['real'])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--logs', type=Path, required=True)
    parser.add_argument('--synthetic', type=Path, required=True)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--first-seed', type=int, default=0)
    parser.add_argument('--kinds', nargs='+', choices=(
        'real', 'few', 'many', 'both', 'tenth', 'some'), help='which to train; all if not given')
    parser.add_argument('--steps', type=int, default=300)
    parser.add_argument('--across', action='store_true',
                        help='learn from one of the first two buildings, judge the other')
    args = parser.parse_args()
    base = RiskSettings(steps=args.steps, tune_steps=args.steps // 3,
                        check_every=max(50, args.steps // 20))
    figures: Figures = {}
    turns = ((LEARN[:1], LEARN[1:]), (LEARN[1:], LEARN[:1])) if args.across else ((LEARN, HELD),)
    with tempfile.TemporaryDirectory() as name:
        synthetic = read(args.synthetic, base)
        for learn, held in turns:
            compare(args, base, synthetic, learn, held, Path(name) / learn[0], figures)
    print('kind, building: AUROC | ECE | F1 at 0.5 | precision, recall at 0.2')
    for (kind, n), rows in figures.items():
        print(f'{kind}, {n}: ' + ' | '.join(
            interval(list(c)) for c in zip(*rows, strict=True)))
    for kind in dict.fromkeys(k for k, _ in figures):
        if kind != 'real' and any(k == 'real' for k, _ in figures):
            print(f'{kind}, AUROC over real alone, paired by seed: '
                  f'{interval(gains(figures, kind))}')


if __name__ == '__main__':
    main()
