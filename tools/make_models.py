"""
Make the models that ship anew: ``python tools/make_models.py [--only NAME] [--out DIR]``.

Runs for each the command that its card names, with the settings and the seed it shipped with,
and installs the files under the names they ship under. What was begun or made already lies in
``--work`` and is gone on with, or installed again. ``--list`` says what there is, and how long
each takes. The learned lidar needs recorded logs, see ``LOGS``.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
import shutil
import subprocess
import sys
import time

from synth_nodes.files import write_atomically

ROOT = Path(__file__).resolve().parent.parent
LOGS = 'intel-corrected.log.gz', 'csail-corrected.log.gz'
"""What the learned lidar learns from, in the folder of --logs."""
WORK, DATA = '{work}', '{data}'
"""Stand for the folder of what is learned and for that of a data set made for it."""
MADE = '.made'


@dataclass(frozen=True)
class Recipe:
    """How one model is made."""

    files: dict[str, str]
    """Names it ships under, by those its command gives it."""
    train: tuple[str, ...]
    """Words after `synth-nodes`."""
    minutes: int
    """About how long it takes on one free core."""
    data: tuple[str, ...] = ()
    """Words that make the data set it learns from, if any."""
    data_name: str = 'synthetic'
    logs: bool = False
    """Whether it needs recorded logs."""


def _policy(name: str) -> dict[str, str]:
    return {'policy.onnx': f'{name}.onnx', 'policy.json': f'{name}.json'}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


RECIPES = {
    'policy': Recipe(_policy('policy'), ('train', 'bc', '--out', WORK), 5),
    'line_policy': Recipe(_policy('line_policy'), ('train', 'line-camera', '--out', WORK), 4),
    'dock_policy': Recipe(
        _policy('dock_policy'), ('train', 'docking', '--episodes', '25', '--out', WORK), 2),
    'dock_senses_policy': Recipe(
        _policy('dock_senses_policy'),
        ('train', 'docking', '--senses', '--episodes', '12', '--out', WORK), 25),
    'collision': Recipe(
        _same('collision.onnx', 'collision.json'),
        ('train', 'collision', '--data', DATA, '--set', 'observation.chord_tolerance=0.1',
         '--out', WORK), 5,
        ('generate', '--seed', '0', '--records', '24000', '--set', 'errands=16', '--set',
         'robots=128', '--out', DATA)),
    'generator': Recipe(
        _same('generator.onnx', 'beam_step.onnx', 'generator.json'),
        ('train', 'generator', '--kind', 'transformer', '--data', DATA, '--set', 'steps=2000',
         '--out', WORK), 20,
        ('dataset', 'import', *('{logs}/' + name for name in LOGS), '--beams', '180', '--out',
         DATA, '--split', 'intel-corrected=train', '--split', 'csail-corrected=train'), 'real',
        logs=True),
    'camera': Recipe(
        _same('camera.onnx', 'camera.pt', 'camera.json'),
        ('train', 'generator', '--of', 'camera', '--kind', 'vae', '--out', WORK), 4),
    'plans': Recipe(
        _same('plans.onnx', 'plans.json'),
        ('train', 'generator', '--of', 'plans', '--out', WORK), 5),
    'tracks': Recipe(
        _same('tracks.json'), ('train', 'generator', '--of', 'tracks', '--out', WORK), 9),
}


def commands(recipe: Recipe, work: Path, logs: Path | None) -> list[list[str]]:
    """
    Give the words of the steps that make a model, in order.

    :param work: folder of what is learned; the data set lies beside it.
    """
    data = work.parent / f'{work.name}_data' / recipe.data_name
    return [[word.format(work=work, data=data, logs=logs) for word in step]
            for step in (recipe.data, recipe.train) if step]


def make(name: str, work: Path, logs: Path | None) -> int:
    """
    Make a model, on from where it was broken off; return the exit code.

    A data set that is not whole is made anew; training goes on from its checkpoint. The commands
    run within `work`, so that no card names a folder of this machine.
    """
    recipe, folder = RECIPES[name], work / name
    whole = work / f'{name}_data' / MADE
    work.mkdir(parents=True, exist_ok=True)
    for words in commands(recipe, Path(name), logs and logs.resolve()):
        of_data = words[0] != 'train'
        if of_data:
            if whole.exists():
                continue
            shutil.rmtree(whole.parent, ignore_errors=True)
            whole.parent.mkdir(parents=True)
        print('  synth-nodes ' + ' '.join(words), flush=True)
        code = subprocess.run([sys.executable, '-m', 'synth_nodes.cli', *words],
                              cwd=work).returncode
        if code:
            return code
        if of_data:
            whole.touch()
    (folder / MADE).touch()
    return 0


def install(name: str, work: Path, out: Path) -> None:
    """Copy the files of a model that was made to where they are wanted, each in one step."""
    for made, shipped in RECIPES[name].files.items():
        write_atomically(out / shipped, (work / name / made).read_bytes())


def listing() -> str:
    """Say of each model what files it has, how long it takes, and its commands."""
    lines = []
    for name, recipe in RECIPES.items():
        needs = ', needs --logs' if recipe.logs else ''
        lines.append(f"{name}: {', '.join(recipe.files.values())}; about {recipe.minutes} min"
                     f'{needs}')
        lines += ['  synth-nodes ' + ' '.join(step) for step in commands(
            recipe, Path(name), Path('LOGS'))]
    return '\n'.join(lines)


def main(words: list[str] | None = None) -> int:
    """Make what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(description='Make the models that ship anew.')
    parser.add_argument('--only', action='append', default=[], choices=tuple(RECIPES),
                        metavar='NAME', help='make this one, repeatable; all if none')
    parser.add_argument('--list', action='store_true', help='list the models and end')
    parser.add_argument('--out', type=Path, default=ROOT / 'build' / 'models',
                        help='where the files go; models/ itself only if it is named')
    parser.add_argument('--work', type=Path, default=ROOT / 'build' / 'making',
                        help='where training keeps its checkpoints, data sets and journals')
    parser.add_argument('--logs', type=Path, metavar='DIR',
                        help=f"folder with {' and '.join(LOGS)}, for the learned lidar")
    args = parser.parse_args(words)
    if args.list:
        print(listing())
        return 0
    wanted = args.only or list(RECIPES)
    missing = [name for name in LOGS if args.logs is None or not (args.logs / name).is_file()]
    without = [name for name in wanted if RECIPES[name].logs and missing]
    if without and (args.only or args.logs is not None):
        print(f"error: {', '.join(without)} needs {' and '.join(missing)}; name the folder that "
              'holds them: --logs DIR', file=sys.stderr)
        return 2
    wanted = [name for name in wanted if name not in without]
    for k, name in enumerate(wanted):
        print(f'[{k + 1} of {len(wanted)}] {name}', flush=True)
        begin = time.monotonic()
        code = 0 if (args.work / name / MADE).exists() else make(name, args.work, args.logs)
        if code:
            print(f'error: {name} was not made (exit code {code}); the same command goes on with '
                  'it', file=sys.stderr)
            return code
        install(name, args.work, args.out)
        print(f'  wrote {args.out} after {time.monotonic() - begin:.0f} s', flush=True)
    if without:
        print(f"left out: {', '.join(without)}, learned from recorded logs; give --logs DIR")
    return 0


if __name__ == '__main__':
    sys.exit(main())
