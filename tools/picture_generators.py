"""
Draw real scans beside ideal, Gaussian and learned ones: docs/images/learned_lidar.png.

    python tools/picture_generators.py aces-corrected.log.gz --learn real --sensor models
"""

import argparse
from pathlib import Path
import tempfile

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot as plt
import numpy as np
import torch

from synth_nodes.dataset.drives import import_log
from synth_nodes.dataset.reader import DataSet
from synth_nodes.generators.coding import resolution_of
from synth_nodes.generators.gaussian import fit_gaussian
from synth_nodes.generators.pairs import pairs_of
from synth_nodes.infer.learned_lidar import load_sampler

REACH = 10.0


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('log', type=Path, help='a log that the sensor did not learn from')
    parser.add_argument('--learn', type=Path, required=True, help='data set that it learned from')
    parser.add_argument('--sensor', type=Path, default=Path('models'))
    parser.add_argument('--out', type=Path, default=Path('docs/images/learned_lidar.png'))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        import_log(args.log, Path(scratch) / 'd', beams=180, say=lambda _: None)
        pairs = pairs_of(DataSet(Path(scratch) / 'd'), REACH)
    known = pairs_of(DataSet(args.learn), REACH)
    told = resolution_of(torch.from_numpy(pairs.real))
    gaussian = fit_gaussian(known.ideal, known.real, REACH, told)
    sensor = load_sampler(args.sensor, 1, told, ungated=True)
    columns = (('ideal', pairs.ideal), ('real', pairs.real),
               ('learned', sensor.scan(pairs.ideal)), ('Gaussian', gaussian.scan(pairs.ideal, 1)))
    figure, axes = plt.subplots(3, 4, figsize=(11, 6.6), layout='constrained')
    rows = np.linspace(40, len(pairs) - 40, 3).astype(int)
    for row, line in zip(rows, axes, strict=True):
        for (name, scans), axis in zip(columns, line, strict=True):
            scan = scans[row]
            seen = np.isfinite(scan) & (scan < REACH)
            axis.plot(scan[seen] * np.cos(pairs.angles[seen]),
                      scan[seen] * np.sin(pairs.angles[seen]), '.', ms=2.5)
            axis.set(title=name, aspect='equal', xlim=(-1, REACH), ylim=(-REACH / 2, REACH / 2))
            axis.tick_params(labelsize=6)
    figure.savefig(args.out, dpi=75)


if __name__ == '__main__':
    main()
