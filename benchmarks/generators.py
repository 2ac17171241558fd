"""
Learned lidars beside a fitted Gaussian one, judged in buildings that none of them has seen.

    python benchmarks/generators.py --data ../logs [--seeds 5] [--kinds vae gan] [--out DIR]
    python benchmarks/generators.py --data ../logs --seeds 1 --sensor models   # one that is there

The folder holds intel, csail, aces and freiburg-079 as `*-corrected.log.gz`. Learned from the
first two. The two-sample test (AUC: 0.5 cannot be told apart), Fréchet distance and MMD compare
real scans with drawn ones from the same poses. Seconds and scans/s are of processor time. With
`--out` models and figures are kept there, and what is in it is not done again. The last line is
the best kind's AUC.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
import shutil
import tempfile
import time
from typing import Any

import numpy as np
import torch

from synth_nodes.dataset.drives import import_log
from synth_nodes.dataset.reader import DataSet
from synth_nodes.files import read_json, write_json
from synth_nodes.generators.coding import resolution_of
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
HELD = ('aces', 'freiburg-079')
LONG = {'vae': 1200, 'gan': 800, 'transformer': 2000, 'diffusion': 1500}
"""Steps of the optimiser where none are told."""
JUDGED = ('auc', 'frechet', 'mmd')


def pairs_from(folder: Path, name: str, scratch: Path) -> Pairs:
    log = folder / f'{name}-corrected.log.gz'
    import_log(log, scratch / name, 'train', beams=BEAMS, say=lambda _: None)
    found = pairs_of(DataSet(scratch / name), REACH)
    every = max(1, len(found) // MOST)
    return found if every == 1 else found.take(np.arange(0, len(found), every))


def limited(scan: np.ndarray) -> np.ndarray:
    """Count everything beyond reach as not seen, in real and drawn scans alike."""
    return np.where(np.isfinite(scan) & (scan < REACH), scan, np.inf).astype(np.float32)


def judge(real: Pairs, drawn: np.ndarray, net, seed: int) -> dict[str, float]:
    a, b = limited(real.real), limited(drawn)
    blocks = np.arange(len(a)) * 40 // len(a)
    x, y = embed(net, channels(a, REACH)), embed(net, channels(b, REACH))
    area = two_sample_auc(a, b, blocks, seed=seed, reach=REACH, plan=FitPlan(500, seed=seed))
    return dict(zip(JUDGED, (area.value, frechet(x, y), mmd(x[::2], y[::2])), strict=True))


def interval(values: list[float]) -> str:
    """Mean and half of the 95 % interval (Student's t)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f'{mean:.3g}'
    half = {2: 12.7, 3: 4.30, 4: 3.18, 5: 2.78}.get(len(values), 2.0) * np.std(values, ddof=1)
    return f'{mean:.3g} +- {half / np.sqrt(len(values)):.2g}'


def learn(kind: str, seed: int, steps: int, parts: tuple[Pairs, Pairs],
          out: Path) -> dict[str, float]:
    """Train, and say what it cost."""
    shutil.rmtree(out, ignore_errors=True)
    begin = time.process_time()
    scores = train_generator(GeneratorSettings(kind=kind, seed=seed, steps=steps), *parts, out)
    return {'seconds': time.process_time() - begin, 'parameters': scores['parameters'],
            'steps': scores['steps']}


def rows_of(kind: str, seed: int, args: argparse.Namespace, parts: tuple[Pairs, Pairs],
            held: Mapping[str, Pairs], nets: Mapping[str, Any],
            out: Path) -> list[dict[str, Any]]:
    """Make a model of a kind and a seed, and judge it in each building."""
    folder, cost = out / f'{kind}-{seed}', {'seconds': 0.0, 'parameters': 4, 'steps': 0}
    if kind == 'sensor':
        folder = args.sensor
        cost |= {n: read_json(folder / CARD, 'generator')['scores'][n] for n in cost}
    elif kind != 'gaussian':
        cost = learn(kind, seed, args.steps or LONG[kind], parts, folder)
    rows = []
    for name, pairs in held.items():
        # All models are told the steps of the building's scanner, the Gaussian too.
        told = resolution_of(torch.from_numpy(pairs.real))
        begin = time.process_time()
        if kind == 'gaussian':
            fitted = fit_gaussian(parts[0].ideal, parts[0].real, REACH, told)
            drawn = fitted.scan(pairs.ideal, seed)
        elif kind == 'sensor':
            drawn = load_sampler(folder, seed, told, ungated=True).scan(pairs.ideal)
        else:
            drawn = load(folder, seed, resolution=told).scan(pairs.ideal)
        rate = len(drawn) / (time.process_time() - begin)
        rows.append({'kind': kind, 'seed': seed, 'building': name, 'rate': rate, **cost,
                     **judge(pairs, drawn, nets[name], seed)})
        print(f'{kind}, seed {seed}, {name}: '
              + ', '.join(f'{n} {rows[-1][n]:.3g}' for n in JUDGED), flush=True)
    return rows


def table(rows: list[dict[str, Any]], kinds: list[str], held: Mapping[str, Pairs]) -> None:
    print('kind, building: AUC | Frechet | MMD | training s | scans/s | parameters | seeds')
    for kind in kinds:
        for name in held:
            mine = [r for r in rows if (r['kind'], r['building']) == (kind, name)]
            print(f'{kind}, {name}: ' + ' | '.join(interval([r[n] for r in mine]) for n in JUDGED)
                  + ''.join(f' | {np.mean([r[n] for r in mine]):.0f}'
                            for n in ('seconds', 'rate', 'parameters')) + f' | {len(mine)}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--data', type=Path, required=True)
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--steps', type=int, help='of every kind; as many as it takes if not told')
    parser.add_argument('--kinds', nargs='+', default=['transformer', 'vae', 'gan', 'diffusion'])
    parser.add_argument('--sensor', type=Path, help='judge this learned sensor; train none')
    parser.add_argument('--out', type=Path, help='keep models and figures here, and go on')
    parser.add_argument('--threads', type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        out = args.out or scratch
        seen = [pairs_from(args.data, n, scratch) for n in ('intel', 'csail')]
        held = {n: pairs_from(args.data, n, scratch) for n in HELD}
        whole = Pairs(*(np.concatenate([getattr(p, f) for p in seen])
                        for f in ('ideal', 'real', 'place', 'order')), seen[0].angles)
        apart = np.arange(len(whole)) // 25 % 5 == 4
        parts = whole.take(~apart), whole.take(apart)
        print(f'{len(parts[0])} pairs to learn from, {len(parts[1])} to check, '
              + ', '.join(f'{len(p)} of {n}' for n, p in held.items()), flush=True)
        nets = {n: learn_features(limited(p.real), REACH, FitPlan(800)) for n, p in held.items()}
        kinds = ['gaussian', *(['sensor'] if args.sensor else args.kinds)]
        kept = out / 'figures.json'
        rows = read_json(kept, 'figures')['rows'] if kept.is_file() else []
        done = {(r['kind'], r['seed']) for r in rows}
        for seed in range(args.seeds):
            for kind in kinds:
                if (kind, seed) not in done:
                    rows += rows_of(kind, seed, args, parts, held, nets, out)
                    write_json(kept, {'rows': rows})
    table(rows, kinds, held)
    best = min(np.mean([r['auc'] for r in rows if r['kind'] == k]) for k in kinds[1:])
    print(f'best mean AUC {best:.3f}')


if __name__ == '__main__':
    main()
