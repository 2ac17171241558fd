"""
Learned cameras beside an ideal and a Gaussian one, judged in scenes and by cameras not seen.

    python benchmarks/learned_camera.py camera_vae camera_gan [--seeds 3] [--picture P.png]

Each folder holds a camera of `synth-nodes train generator --of camera`. Real frames are renders
of flawed cameras whose flaws, scenes and poses no generator has seen; frames of the same views are
drawn by each learned camera, by a camera of normal noise fitted to the training frames, and by
none (the ideal frame itself). The two-sample test says 0.5 where they cannot be told apart. The
last line is the best learned camera's area under the curve.
"""

import argparse
from pathlib import Path
import time

import numpy as np
import torch

from synth_nodes.commands.common import columns
from synth_nodes.dataset.frames import frame_pairs, FramePairs, FrameSettings
from synth_nodes.files import write_picture
from synth_nodes.generators.camera import load_camera
from synth_nodes.generators.camera_card import read_card
from synth_nodes.generators.gaussian import fit_gaussian_camera
from synth_nodes.metrics.frames import FrameQuality, learn_features, measure_frames
from synth_nodes.metrics.scans import FitPlan
from synth_nodes.settings import build

HEAD = ('camera', 'AUC', 'Frechet', 'KID', 'sliced W.', 'SSIM', 'coverage', 'copying z',
        'trained in', 'frames/s', 'parameters')


def row(name: str, runs: list[FrameQuality], rate: float, scores: dict) -> tuple[str, ...]:
    def mean(pick) -> str:
        values = [pick(q) for q in runs]
        spread = '' if len(values) < 2 else f' +- {np.std(values, ddof=1):.2g}'
        return f'{np.mean(values):.3g}{spread}'

    return (name, mean(lambda q: q.auc.value), mean(lambda q: q.frechet.value),
            mean(lambda q: q.kid.value), mean(lambda q: q.sliced_wasserstein.value),
            mean(lambda q: q.ssim.value), mean(lambda q: q.coverage.value),
            mean(lambda q: q.copying['z']['value']),
            f"{scores['seconds']:.0f} s" if scores else '', f'{rate:.0f}' if rate else '',
            str(int(scores['parameters'])) if scores else '')


def draw(pairs: FramePairs, drawn: dict[str, np.ndarray], path: Path) -> None:
    """Put ideal, real and drawn frames side by side."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    shown = {'ideal': pairs.ideal, 'degraded': pairs.real, **drawn}
    rows = np.linspace(3, len(pairs) - 4, 4).astype(int)
    figure, axes = plt.subplots(len(rows), len(shown), figsize=(2.2 * len(shown), 6.9),
                                layout='constrained')
    for k, line in zip(rows, axes, strict=True):
        for (name, frames), axis in zip(shown.items(), line, strict=True):
            axis.imshow(frames[k])
            axis.set_axis_off()
            if k == rows[0]:
                axis.set_title(name, fontsize=9)
    write_picture(figure, path, dpi=65)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('cameras', type=Path, nargs='+')
    parser.add_argument('--seeds', type=int, default=3, help='of what is drawn and of the tests')
    parser.add_argument('--frames', type=int, default=12, help='of each of 64 cameras')
    parser.add_argument('--steps', type=int, default=400, help='of the test networks')
    parser.add_argument('--judge', nargs='+', metavar='NAME',
                        help='of the rows, only these; the picture has all')
    parser.add_argument('--picture', type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    own = build(FrameSettings, read_card(args.cameras[0]).settings['frames'], 'card')
    train = frame_pairs(own)
    unseen = FrameSettings(seed=77_003, scenes=8, cameras=64, frames=args.frames, width=own.width,
                           height=own.height)
    pairs = frame_pairs(unseen)
    net = learn_features(pairs.real, FitPlan(2 * args.steps))
    gaussian = fit_gaussian_camera(train.ideal, train.real)
    makers = {'ideal frame': None, 'Gaussian': None, **{str(f.name): f for f in args.cameras}}
    table, shown, best = [HEAD], {}, 1.0
    for name, folder in makers.items():
        runs, rate, scores = [], 0.0, {}
        for seed in range(args.seeds):
            if folder is not None:
                scores, camera = read_card(folder).scores, load_camera(folder, seed, ungated=True)
                begin = time.process_time()
                drawn = camera.frames(pairs.ideal, pairs.turn)
                rate = len(drawn) / (time.process_time() - begin)
            else:
                drawn = pairs.ideal if name == 'ideal frame' else gaussian.frames(
                    pairs.ideal, seed)
            if args.judge is not None and name not in args.judge:
                break
            runs.append(measure_frames(pairs.real, drawn, net, train.real, True, pairs.camera,
                                       seed, FitPlan(args.steps, seed=seed)))
        if name != 'ideal frame':
            shown[name] = drawn
        if not runs:
            continue
        halves = runs[-1].frechet_real
        table.append(row(name, runs, rate, scores))
        print(columns(table[-1:]), flush=True)
        if folder is not None:
            best = min(best, float(np.mean([q.auc.value for q in runs])))
    print(f'{len(pairs)} frames; Frechet of two halves of the degraded frames '
          f'{halves:.3g}')
    print(columns(table))
    if args.picture is not None:
        draw(pairs, shown, args.picture)
    print(f'best mean AUC {best:.3f}')


if __name__ == '__main__':
    main()
