"""Pictures of a campaign: histograms of what it counted, and one scenario."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synth_nodes.campaign.contact import seen_from
from synth_nodes.campaign.figures import add_up, GAP_EDGES, IMPACT_EDGES
from synth_nodes.campaign.trace import Trace
from synth_nodes.files import write_picture

INK = ('#1b6ca8', '#d1495b', '#edae49', '#66a182')


def draw_histograms(path: Path, chunks: Sequence[Mapping[str, Any]]) -> None:
    """
    Draw where held robots stand (of the chunks compared), and how fast monitors let them collide.

    :param chunks: as :func:`synth_nodes.campaign.chunks.run_chunk` returns them.
    """
    from matplotlib.figure import Figure

    total = add_up({'monitors': c['monitors'], 'stops': c['stops']} for c in chunks)
    figure = Figure(figsize=(10, 4), layout='constrained')
    left, right = figure.subplots(1, 2)
    for ink, name in zip(INK, ('still_world', 'moving_world'), strict=False):
        counts = np.array(total['stops'].get(f'gaps_{name}', []), float)
        if counts.sum():
            left.stairs(counts / counts.sum(), 100 * GAP_EDGES, color=ink, fill=True, alpha=0.5,
                        label=name.replace('_', ' '))
    left.axvline(5.0, color='#444444', linestyle='--', label='goal for the median')
    left.set(xlim=(-20, 20), xlabel='room left at a wall, beyond the margin [cm]',
             ylabel='share of robots held there', title='Where robots are held')
    left.legend()
    for ink, (name, counts) in zip(INK, (
            (n, m) for n, m in total['monitors'].items() if n != 'none'), strict=False):
        share = np.array(counts['impacts']) / max(counts['scenarios'], 1)
        right.stairs(share, IMPACT_EDGES, color=ink, label=_label(name, counts))
    right.set(xlabel='speed at the contact [m/s]', ylabel='share of scenarios',
              title='Collisions while moving', xlim=(0, 2))
    right.legend(fontsize='small')
    write_picture(figure, path, dpi=110)


def draw_trace(path: Path, trace: Trace, title: str) -> None:
    """Draw the way of a robot through a scenario, and what it was told and did."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout='constrained')
    world, speeds = figure.subplots(1, 2)
    polygon = trace.batch.setup.robot.polygon
    closed = np.concatenate((polygon, polygon[:1]))
    shown = max(len(trace.cycles) // 12, 1)
    for k, cycle in enumerate(trace.cycles):
        if k % shown and k != len(trace.cycles) - 1:
            continue
        x, y, yaw = cycle['pose']
        back = np.array([[-x * np.cos(yaw) - y * np.sin(yaw),
                          x * np.sin(yaw) - y * np.cos(yaw), -yaw]])
        outline = seen_from(closed[None], back)[0]
        part = 0.2 + 0.8 * k / len(trace.cycles)
        world.plot(*outline.T, color=INK[0], alpha=part, linewidth=1)
        things = np.array(cycle['things']).reshape(-1, 2)
        world.plot(*things.T, '.', color=INK[1], alpha=part, markersize=4)
        seen = np.array(cycle['points']).reshape(1, -1, 2)
        world.plot(*seen_from(seen, back)[0].T, '.', color=INK[2], alpha=part, markersize=2)
    world.set(aspect='equal', xlabel='x [m]', ylabel='y [m]', title=title)
    time = [c['time'] for c in trace.cycles]
    for ink, (name, label) in zip(INK, (('command', 'asked'), ('let_through', 'let through'),
                                        ('velocity', 'driven')), strict=False):
        values = np.array([c[name] for c in trace.cycles]).reshape(-1, 3)
        speeds.plot(time, values[:, 0], color=ink, label=f'{label}: vx [m/s]')
        speeds.plot(time, values[:, 2], color=ink, linestyle=':', label='w [rad/s]')
    speeds.set(xlabel='time [s]')
    speeds.legend(fontsize='small')
    write_picture(figure, path, dpi=110)


def _label(name: str, counts: Mapping[str, Any]) -> str:
    mean = counts['impact_sum'] / max(counts['collisions'], 1)
    return f'{name}: {counts["collisions"]} of {counts["scenarios"]}, mean {mean:.2f} m/s'
