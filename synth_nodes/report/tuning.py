"""A picture of a fine-tuning: how it learned, and what changed on the same test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_nodes.files import write_picture


def draw_tuning(report: Mapping[str, Any], path: Path) -> None:
    """
    Draw losses by pass, and F1 of each class with the figures of driving before and after.

    :param report: as `train.finetune.Tuned` has it.
    :param path: PNG file to write; whole or not there.
    """
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10.0, 4.0), layout='constrained')
    passes = range(1, len(report['epochs']) + 1)
    for name, label in (('train_loss', 'learned from'), ('validation_loss', 'held back')):
        left.plot(passes, [e[name] for e in report['epochs']], marker='o', markersize=3,
                  label=label)
    left.set(xlabel='pass over the samples', ylabel='loss', ylim=(0, None))
    left.legend(frameon=False)
    for k, when in enumerate(('before', 'after')):
        scores = report[when]
        bars = {f'F1 {name}': row['f1'] for name, row in scores['classes'].items()}
        bars |= {name: scores[name] for name in ('success', 'contact_rate') if name in scores}
        places = [n + 0.4 * (k - 0.5) for n in range(len(bars))]
        right.bar(places, list(bars.values()), width=0.38, label=when)
        right.set_xticks(range(len(bars)), [b.replace('_', ' ') for b in bars], rotation=25,
                         ha='right')
    right.set(ylim=(0, 1.05))
    right.legend(frameon=False, loc='lower left')
    write_picture(figure, path, dpi=90)
    pyplot.close(figure)
