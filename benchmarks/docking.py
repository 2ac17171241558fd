"""
How robots dock: drives of a policy and of the expert, drawn in the frame of the dock.

    python benchmarks/docking.py [--model dock] [--episodes 60] [--picture docking.png]

Prints how far from its place and how turned a robot stands when it is docked, and the success of
policies whose marker is hidden in more and more of the scans.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib.figure
import matplotlib.patches
import numpy as np

from synth_nodes.envs.docking import DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.files import write_picture
from synth_nodes.infer.session import load_policy
from synth_nodes.train.evaluate_docking import dock_all, DockingTrial, furnish, suite


def tracks(trial: DockingTrial) -> list[np.ndarray]:
    """Places of the robots in the frames of their docks [m], each (M, 2)."""
    out = []
    for row, (x, y, yaw) in enumerate(trial.robots.place):
        delta = trial.track(row) - (x, y)
        c, s = np.cos(yaw), np.sin(yaw)
        out.append(np.column_stack((c * delta[:, 0] + s * delta[:, 1],
                                    c * delta[:, 1] - s * delta[:, 0])))
    return out


def draw(trials: dict[str, DockingTrial], path: Path) -> None:
    """Draw the drives of each driver beside each other."""
    figure = matplotlib.figure.Figure((4.2 * len(trials), 2.3), layout='constrained')
    dock = DockingSettings().dock
    for axes, (name, trial) in zip(figure.subplots(1, len(trials), squeeze=False)[0],
                                   trials.items(), strict=True):
        for track, arrived in zip(tracks(trial), trial.arrived, strict=True):
            axes.plot(*track.T, color='#1f77b4' if arrived else '#d62728', lw=0.7)
            axes.plot(*track[0], '.', color='0.4', ms=3)
        face = dock.standoff
        axes.add_patch(matplotlib.patches.Rectangle(
            (face, -dock.width / 2), dock.depth, dock.width, color='#26508f'))
        for side in (-1, 1):
            axes.plot([face] * 2, side * dock.spacing / 2 + np.array([-.5, .5]) * dock.strip,
                      color='#e6b800', lw=4)
        won = int(trial.arrived.sum())
        axes.set(aspect='equal', xlabel='along the axis [m]', ylabel='aside [m]',
                 title=f'{name}: {won} of {len(trial.arrived)} docked')
    write_picture(figure, path, dpi=100)


def main() -> None:
    """Drive, print, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--model', default='dock')
    parser.add_argument('--episodes', type=int, default=15, help='in each of four scenes')
    parser.add_argument('--picture', type=Path)
    args = parser.parse_args()
    settings = DockingSettings()
    docks = furnish(suite(), settings)
    act = load_policy(args.model, settings.robot, lidar=settings.lidar).act
    trials = {}
    print('| driver | marker hidden | docked | distance off, mean (largest) [cm] '
          '| angle off [deg] |\n|---|---|---|---|---|')
    for name, policy, blind in (('expert', None, 0.1), ('policy', act, 0.1),
                                ('policy', act, 0.5), ('policy', act, 0.9)):
        task = DockingTask(replace(settings, blind=blind), docks)
        trial = dock_all(policy, task, args.episodes)
        trials.setdefault(name, trial)
        distance, angle = 100 * trial.error[trial.arrived, 0], np.rad2deg(
            trial.error[trial.arrived, 1])
        print(f'| {name} | {100 * blind:.0f} % | {trial.arrived.sum()} of {len(trial.arrived)} '
              f'| {distance.mean():.1f} ({distance.max():.1f}) '
              f'| {angle.mean():.1f} ({angle.max():.1f}) |', flush=True)
    if args.picture is not None:
        draw(trials, args.picture)
        print(f'wrote {args.picture}')


if __name__ == '__main__':
    main()
