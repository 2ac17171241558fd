"""Figures of a data set, in words and as a picture."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.beam_labels import SURFACES
from synth_nodes.dataset.clean import examine, Findings
from synth_nodes.dataset.describe_camera import (
    camera_figures,
    camera_lines,
    draw_frames,
    has_camera,
)
from synth_nodes.dataset.reader import DataSet
from synth_nodes.files import write_picture

LABELS = {'contact': "contact with the record's command",
          'drawn_contact': 'contact with drawn commands',
          'straight': 'straight lines', 'surface': 'surfaces'}
"""Labels whose balance is told, by field."""
COMMANDS = ('forward', 'left', 'right', 'stand', 'back')


def figures(data: DataSet, findings: Findings | None = None) -> dict[str, Any]:
    """
    Sum a data set up.

    :param findings: of :func:`synth_nodes.dataset.clean.examine`; looked for where None.
    :return: figures by name, in SI units; None for what is not known.
    """
    found = findings or examine(data)
    place, stamp = data.read('place'), data.read('stamp')
    scan = data.read('scan')
    seen = scan[np.isfinite(scan)]
    drives = [stamp[rows] for _, rows in data.sequences()]
    counts = Counter(place.tolist())
    return {
        'name': data.schema.name, 'records': len(data), 'chunks': len(data.chunks),
        'bytes': sum(f.stat().st_size for c in data.chunks for f in c.iterdir()),
        'beams': scan.shape[1], 'drives': len(drives),
        'duration': float(sum(d[-1] - d[0] for d in drives if len(d))),
        'places': {p.name: {'split': p.split, 'records': counts.get(n, 0)}
                   for n, p in enumerate(data.schema.places)},
        'splits': {s: int(sum(counts.get(n, 0) for n, p in enumerate(data.schema.places)
                              if p.split == s)) for s in ('train', 'validation', 'test')},
        'range_median': float(np.median(seen)) if len(seen) else None,
        'no_return_share': float(np.isposinf(scan).mean()) if scan.size else None,
        'invalid_share': float((np.isnan(scan) | np.isneginf(scan)).mean()) if scan.size else None,
        'commands': balance(data), 'labels': labels(data),
        'camera': camera_figures(data),
        'findings': {f.name: f.count for f in found.found},
        'fields': [f'{f.name} {f.dtype} {list(f.shape)} {f.unit}'.rstrip()
                   for f in data.schema.fields]}


def lines(summary: dict[str, Any], findings: Findings) -> list[str]:
    """Put :func:`figures` into lines for people."""
    s = summary
    out = [f"{s['name']}: {s['records']} records of {s['beams']} beams in {s['drives']} drives, "
           f"{s['duration']:.0f} s, {s['bytes'] / 1e6:.1f} MB in {s['chunks']} chunks"]
    out += [f"  place {name}: {p['records']} records, {p['split']}"
            for name, p in s['places'].items()]
    if s['range_median'] is not None:
        out.append(f"  ranges: median {s['range_median']:.2f} m, "
                   f"{s['no_return_share']:.1%} nothing seen, {s['invalid_share']:.1%} invalid")
    if s['commands']:
        out.append('  commands: ' + ', '.join(f'{k} {v:.1%}' for k, v in s['commands'].items()))
    for name, shares in s['labels'].items():
        out.append(f'  {LABELS[name]}: ' + ('not known' if shares is None else ', '.join(
            f'{k} {v:.1%}' for k, v in shares.items())))
    out += [f'  {line}' for line in (camera_lines(s['camera']) if s['camera'] else [])]
    return out + [f'  {line}' for line in findings.lines()]


def classes(command: NDArray[np.floating], slow: float = 0.02,
            turn: float = 0.2) -> NDArray[np.int64]:
    """
    Name what commands do, by number in :data:`COMMANDS`.

    :param command: vx, (vy,) wz, shape (N, 2) or (N, 3).
    :param slow: speed [m/s] below which it stands; turn: rate [rad/s] from which it turns.
    """
    v, w = command[:, 0], command[:, -1]
    return np.select([v < -slow, w > turn, w < -turn, v > slow], [4, 1, 2, 0], 3)


def balance(data: DataSet) -> dict[str, float] | None:
    """Share of each class of command: the expert's where there is one; None if unknown."""
    names = {f.name for f in data.schema.fields}
    field = 'expert' if 'expert' in names else 'command' if 'command' in names else ''
    command = data.read(field) if field else np.zeros((0, 3))
    known = command[np.isfinite(command).all(axis=1)] if len(command) else command
    if not len(known):
        return None
    counts = np.bincount(classes(known), minlength=len(COMMANDS)) / len(known)
    return dict(zip(COMMANDS, counts.tolist(), strict=True))


def labels(data: DataSet) -> dict[str, dict[str, float] | None]:
    """
    Give the balance of the labels that a set has, by the names in :data:`LABELS`.

    :return: shares of what is known; None where nothing is.
    """
    out: dict[str, dict[str, float] | None] = {}
    for name in LABELS:
        if name in {f.name for f in data.schema.fields}:
            values, classes_ = _known(data, name), _classes(data, name)
            if name.endswith('contact'):
                values = np.isinf(values).astype(np.int64)
            counts = np.bincount(values.ravel(), minlength=len(classes_))
            out[name] = dict(zip(classes_, (counts / counts.sum()).tolist(), strict=True)) if (
                counts.any()) else None
    return out


def _classes(data: DataSet, name: str) -> tuple[str, ...]:
    if name == 'surface':
        return tuple(data.schema.sensor['surfaces'][:len(SURFACES)])
    return ('left', 'held') if name == 'straight' else ('within the horizon', 'later or never')


def _known(data: DataSet, name: str) -> NDArray[Any]:
    """Values of a label where it is known, shape (N, ...) or (N,)."""
    values = data.read(name)
    if name == 'surface':
        if 'pose' not in {f.name for f in data.schema.fields}:
            return values
        # 0 is 'none' too: a record without a pose was not labelled.
        return np.asarray(values[np.isfinite(data.read('pose')).all(axis=1)])
    return np.asarray(values[values >= 0])


def draw(data: DataSet, path: Path) -> None:
    """
    Draw histograms: ranges, steps in time, commands, speeds, labels; and a few frames, if any.

    :param path: PNG to write, in one step.
    """
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    balances = labels(data)
    rows = 2 + (len(balances) + 1) // 2
    heights = (3.5 * rows, 9.0 if has_camera(data) else 0.0)
    figure = plt.figure(figsize=(10, sum(heights)), layout='constrained')
    parts: Any = figure.subfigures(2, 1, height_ratios=heights) if heights[1] else [figure]
    axes = parts[0].subplots(rows, 2)
    if heights[1]:
        draw_frames(parts[1], data)
    figure.suptitle(f'{data.schema.name}: {len(data)} records')
    scan = data.read('scan')
    _histogram(axes[0, 0], scan[np.isfinite(scan)], 'range [m]', 'beams')
    steps = [np.diff(data.read('stamp')[rows]) for _, rows in data.sequences()]
    _histogram(axes[0, 1], np.concatenate(steps) if steps else np.zeros(0),
               'time between records [s]', 'records')
    names = {f.name for f in data.schema.fields}
    command = data.read('expert' if 'expert' in names else 'command')
    known = command[np.isfinite(command).all(axis=1)]
    if len(known):
        image = axes[1, 0].hist2d(known[:, -1], known[:, 0], bins=60, cmin=1)[3]
        figure.colorbar(image, ax=axes[1, 0], label='records')
    else:
        _say(axes[1, 0], 'not known')
    axes[1, 0].set(xlabel='turn rate [rad/s]', ylabel='speed [m/s]', title='commands')
    velocity = data.read('velocity') if 'velocity' in names else np.zeros((0, 3))
    _histogram(axes[1, 1], velocity[np.isfinite(velocity).all(axis=1), 0], 'measured speed [m/s]',
               'records')
    for axis, (name, shares) in zip(axes[2:].flat, balances.items(), strict=False):
        _draw_label(axis, data, name, shares)
    for axis in axes[2:].flat[len(balances):]:
        axis.remove()
    write_picture(figure, path, dpi=90)
    plt.close(figure)


def _draw_label(axis: Any, data: DataSet, name: str, shares: dict[str, float] | None) -> None:
    if name.endswith('contact') and shares is not None:
        values = _known(data, name)
        _histogram(axis, values[np.isfinite(values)], 'time until contact [s]', 'commands',
                   'none within the horizon')
    elif shares is not None:
        axis.bar(list(shares), list(shares.values()))
        axis.set(ylabel='share of what is known')
    else:
        _say(axis, 'not known')
    axis.set(title=LABELS[name])


def _histogram(axis: Any, values: NDArray[np.floating], label: str, count: str,
               otherwise: str = 'not known') -> None:
    if len(values):
        low, high = np.quantile(values, (0.0, 0.999))
        # Steps of one length differ by rounding alone, and no bins are that fine.
        wide = high - low > 1e-5 * max(abs(low), abs(high))
        axis.hist(values, bins=80, range=(low, high if wide else low + 1.0))
        axis.set_yscale('log')
    else:
        _say(axis, otherwise)
    axis.set(xlabel=label, ylabel=count)


def _say(axis: Any, words: str) -> None:
    axis.text(0.5, 0.5, words, ha='center', transform=axis.transAxes)
