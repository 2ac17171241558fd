"""
Learned lidars beside a fitted Gaussian one, judged in buildings that none of them has seen.

    python benchmarks/generators.py --data ../logs [--seeds 5] [--kinds vae gan]
    python benchmarks/generators.py --data ../logs --seeds 1 --sensor models   # one that is there

The folder holds intel, csail, aces and freiburg-079 as `*-corrected.log.gz`. Learned from the
first two. The two-sample test (AUC: 0.5 cannot be told apart), Fréchet distance and MMD compare
real scans with drawn ones from the same poses. The last line is the best kind's AUC.
"""

import argparse
from pathlib import Path
import tempfile
import time

import numpy as np
import torch

from synth_nodes.dataset.drives import import_log
from synth_nodes.dataset.reader import DataSet
from synth_nodes.files import read_json
from synth_nodes.generators.gaussian import fit_gaussian
from synth_nodes.generators.learned import CARD, load
from synth_nodes.generators.model import GeneratorSettings
from synth_nodes.generators.pairs import Pairs, pairs_of
from synth_nodes.infer.learned_lidar import load_sampler
from synth_nodes.metrics.distances import frechet, mmd
from synth_nodes.metrics.scans import channels, embed, FitPlan, learn_features
from synth_nodes.metrics.two_sample import two_sample_auc
from synth_nodes.train.generator import train_generator

REACH, BEAMS, MOST = 10.0, 180, 1500
STEPS = {'aces': 0.05, 'freiburg-079': 0.01}
"""Steps in which each building's scanner tells ranges [m]: all models are told, Gaussian too."""


def pairs_from(folder: Path, name: str, scratch: Path) -> Pairs:
    log = folder / f'{name}-corrected.log.gz'
    import_log(log, scratch / name, 'train', beams=BEAMS, say=lambda _: None)
    found = pairs_of(DataSet(scratch / name), REACH)
    every = max(1, len(found) // MOST)
    return found if every == 1 else found.take(np.arange(0, len(found), every))


def limited(scan: np.ndarray) -> np.ndarray:
    """Count everything beyond reach as not seen, in real and drawn scans alike."""
    return np.where(np.isfinite(scan) & (scan < REACH), scan, np.inf).astype(np.float32)


def judge(real: Pairs, drawn: np.ndarray, net, seed: int) -> tuple[float, float, float]:
    a, b = limited(real.real), limited(drawn)
    blocks = np.arange(len(a)) * 40 // len(a)
    x, y = embed(net, channels(a, REACH)), embed(net, channels(b, REACH))
    plan = FitPlan(steps=500, seed=seed)
    return two_sample_auc(a, b, blocks, seed=seed, reach=REACH, plan=plan).value, frechet(x, y), \
        mmd(x[::2], y[::2])


def interval(values: list[float]) -> str:
    mean = float(np.mean(values))
    if len(values) < 2:
        return f'{mean:.3g}'
    half = {2: 12.7, 3: 4.30, 4: 3.18, 5: 2.78}.get(len(values), 2.0) * np.std(values, ddof=1)
    return f'{mean:.3g} +- {half / np.sqrt(len(values)):.2g}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--steps', type=int, default=3000)
    parser.add_argument('--kinds', nargs='+',
                        default=['vae', 'gan', 'transformer', 'diffusion'])
    parser.add_argument('--sensor', type=Path, help='judge this learned sensor; train none')
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    best = np.inf
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        learn = [pairs_from(args.data, n, scratch) for n in ('intel', 'csail')]
        held = {n: pairs_from(args.data, n, scratch) for n in ('aces', 'freiburg-079')}
        whole = Pairs(*(np.concatenate([getattr(p, f) for p in learn])
                        for f in ('ideal', 'real', 'place', 'order')), learn[0].angles)
        apart = np.arange(len(whole)) // 25 % 5 == 4
        train, check = whole.take(~apart), whole.take(apart)
        print(f'{len(train)} pairs to learn from, {len(check)} to check, '
              + ', '.join(f'{len(p)} of {n}' for n, p in held.items()))
        nets = {n: learn_features(limited(p.real), REACH, FitPlan(800)) for n, p in held.items()}
        print('kind, building: AUC | Frechet | MMD | training s | scans/s | parameters')
        for kind in ['gaussian', *(['sensor'] if args.sensor else args.kinds)]:
            figures: dict[str, list[tuple[float, float, float]]] = {n: [] for n in held}
            seconds, rate, size = 0.0, 0.0, 0
            for seed in range(args.seeds):
                if kind == 'gaussian':
                    size = 4
                elif kind == 'sensor':
                    out = args.sensor
                    scores = read_json(out / CARD, 'generator')['scores']
                    seconds, size = scores['seconds'], int(scores['parameters'])
                else:
                    out = scratch / f'{kind}{seed}'
                    scores = train_generator(GeneratorSettings(
                        kind=kind, seed=seed, steps=args.steps), train, check, out)
                    size = int(scores['parameters'])
                    seconds += scores['seconds'] / args.seeds
                for n, pairs in held.items():
                    begin = time.perf_counter()
                    if kind == 'gaussian':
                        drawn = fit_gaussian(train.ideal, train.real, REACH, STEPS[n]).scan(
                            pairs.ideal, seed)
                    elif kind == 'sensor':
                        drawn = load_sampler(out, seed, STEPS[n]).scan(pairs.ideal)
                    else:
                        drawn = load(out, seed, resolution=STEPS[n]).scan(pairs.ideal)
                    rate = len(drawn) / (time.perf_counter() - begin)
                    figures[n].append(judge(pairs, drawn, nets[n], seed))
            for n, rows in figures.items():
                columns = list(zip(*rows, strict=True))
                print(f'{kind}, {n}: ' + ' | '.join(interval(list(c)) for c in columns)
                      + f' | {seconds:.0f} | {rate:.0f} | {size}', flush=True)
            if kind != 'gaussian':
                best = min(best, np.mean([r[0] for rows in figures.values() for r in rows]))
    print(f'best mean AUC {best:.3f}')


if __name__ == '__main__':
    main()
