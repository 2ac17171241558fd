r"""
Collision predictors under attacks that know the labels, within the lidar's noise and beyond.

    synth-nodes generate --seed 0 --records 8000 --set errands=8 --set robots=128 --out set
    synth-nodes train collision --data set --out plain --set steps=600
    synth-nodes train collision --data set --out hard --set steps=600 \
        --set adversarial.share=0.25
    python benchmarks/adversarial.py set plain hard [--samples 600]

Each scan of the places for testing is moved by FGSM so that the answer gets more wrong: towards
no contact where there is one, towards one where there is none. As many samples of each are drawn.
The last line is the last predictor's AUROC under an attack of three deviations.
"""

import argparse
from pathlib import Path

import numpy as np

from synth_nodes.commands.common import columns
from synth_nodes.dataset.reader import DataSet
from synth_nodes.infer.session import start_session
from synth_nodes.metrics.probability import probability_scores
from synth_nodes.policy.contract import read_contract
from synth_nodes.train.attack import jacobian, random_noise, scan_bounds
from synth_nodes.train.risk_samples import lidar_of_set, risk_data
from synth_nodes.types import RobotSpec

DEVIATIONS = (3.0, 10.0, 30.0)


def samples(data: DataSet, spec, horizon: float, count: int):
    """Scans, commands and whether they end in contact, as many with as without."""
    judged = risk_data(data, RobotSpec(), spec, horizon).judged[1]
    scans = judged.sectors[judged.history]
    rng = np.random.default_rng(97)
    label = judged.contact <= horizon
    known = ~np.isnan(judged.contact)
    rows = [np.argwhere(known & (label == kind)) for kind in (True, False)]
    rows = np.concatenate([r[rng.permutation(len(r))[:count // 2]] for r in rows])
    at, asked = rows.T
    return (np.asarray(scans[at], np.float32), np.asarray(judged.command[at, asked], np.float32),
            label[at, asked])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('data', type=Path)
    parser.add_argument('predictors', type=Path, nargs='+')
    parser.add_argument('--samples', type=int, default=600)
    args = parser.parse_args()
    data = DataSet(args.data)
    lidar = lidar_of_set(data)
    table = [('predictor', 'deviations', 'AUROC', 'under noise', 'under FGSM',
              'contacts missed at 0.2', 'missed under FGSM')]
    last = 0.0
    for folder in args.predictors:
        contract = read_contract(folder / 'collision.json')
        graph = start_session((folder / 'collision.onnx').read_bytes(), contract, str(folder),
                              'cpu')
        scan, command, label = samples(data, contract.observation, 1.0, args.samples)

        def model(seen, rows, graph=graph, command=command):
            return graph.run(['probability'], {'scan_history': seen, 'command': command[rows]})[0]

        def score(seen, model=model, label=label) -> tuple[float, float]:
            p = np.asarray(model(seen, np.arange(len(seen))), float)[:, 0]
            return (probability_scores(p, label, (0.2,))['auroc'], float((p[label] < 0.2).mean()))

        for deviations in DEVIATIONS:
            bounds = scan_bounds(scan, lidar.noise_std, lidar.noise_slope,
                                 contract.observation.range_max, deviations)
            slope = jacobian(model, scan, bounds, np.random.default_rng(0))[:, 0]
            wrong = np.where(label, -1.0, 1.0)[:, None, None]
            moved = bounds.clip(scan, scan + bounds.radius * np.sign(wrong * slope).astype('f4'))
            plain, missed = score(scan)
            noisy, harmed = score(random_noise(scan, bounds)), score(moved)
            table.append((folder.name, f'{deviations:g}', f'{plain:.4f}', f'{noisy[0]:.4f}',
                          f'{harmed[0]:.4f}', f'{missed:.3f}', f'{harmed[1]:.3f}'))
            last = harmed[0] if deviations == DEVIATIONS[0] else last
    print(columns(table))
    print(f'AUROC under FGSM {last:.4f}')


if __name__ == '__main__':
    main()
