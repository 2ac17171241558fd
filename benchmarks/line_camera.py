"""
Line following by camera on tracks that were never trained on: success and distance from the line.

    python benchmarks/line_camera.py [--tracks 200] [--model line] [--pictures F.png]
    python benchmarks/line_camera.py --tracks 10 --learned models

Drives the suite with the expert, which knows its pose, and with the policy under true images and
under flaws drawn by chance for each image; with --learned only with the policy, under images as
that learned camera tells them. The picture shows the worst tracks of the last of these: the line
grey, the way driven red, and the last image seen.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from synth_nodes.envs.line_camera import flawless
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.files import write_atomically
from synth_nodes.generators.camera import degrader
from synth_nodes.infer.session import load_policy
from synth_nodes.sensors.image_chance import ChanceFlaws
from synth_nodes.train.evaluate_line import evaluate_line, FIRST_TEST, Run, summary

PIXELS = 14
"""Of a metre in the picture."""


def picture(run: Run) -> np.ndarray:
    """Draw a track, the way driven, and the last image."""
    grid = run.scene.grid
    height, width = (round(n * grid.resolution * PIXELS) for n in grid.occupancy.shape)
    page = np.full((height, width, 3), 245, np.uint8)

    def draw(points: np.ndarray, colour: tuple[int, int, int], wide: int) -> None:
        at = np.column_stack((points[:, 0], height / PIXELS - points[:, 1])) * PIXELS
        cv2.polylines(page, [np.rint(at).astype(np.int32)], False, colour, wide, cv2.LINE_AA)

    for line in run.scene.lines:
        draw(np.asarray(line.points), (150, 150, 150), 4)
    draw(run.way, (200, 30, 30), 1)
    mean, worst = 100 * run.error.mean(), 100 * run.error.max()
    text = f'{run.scene.name}  mean {mean:.1f} cm, largest {worst:.1f} cm'
    cv2.putText(page, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    assert run.last is not None
    seen = cv2.resize(run.last, (height, height), interpolation=cv2.INTER_NEAREST)
    return np.hstack((page, seen))


def main() -> None:
    """Drive, print a table, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--tracks', type=int, default=200)
    parser.add_argument('--model', default='line')
    parser.add_argument('--pictures', type=Path)
    parser.add_argument('--learned', type=Path)
    args = parser.parse_args()
    task = LineCameraSettings()
    policy = load_policy(args.model, task.line.robot, camera=task.camera).act
    kinds = {'expert': (None, flawless), 'true images': (policy, flawless),
             'chance flaws': (policy, ChanceFlaws(FIRST_TEST))}
    if args.learned:
        kinds = {'learned camera': (policy, degrader(args.learned, seed=1))}
    for name, (driver, flaws) in kinds.items():
        runs = evaluate_line(driver, task, args.tracks, flaws)
        s = summary(runs)
        print(f'{name:14s} success {100 * s["success"]:.1f} % ({100 * s["success_low"]:.1f} to '
              f'{100 * s["success_high"]:.1f})  error mean {100 * s["mean_error"]:.2f} cm, 95th '
              f'percentile {100 * s["p95_error"]:.2f} cm')
    if args.pictures:
        worst = sorted(runs, key=lambda r: (r.success, -float(r.error.mean())))[:3]
        page = np.vstack([picture(run) for run in worst])
        write_atomically(args.pictures, cv2.imencode('.png', page[..., ::-1])[1].tobytes())
        print(f'wrote {args.pictures}')


if __name__ == '__main__':
    main()
