"""
Where to drive, in one word: what `map` parameters and options take.

- nothing: a generated building;
- ``warehouse.yaml``: a Nav2 map, or a scene file (`synth_nodes.world.scene_io`);
- ``layout:NAME`` or ``layout:NAME:SEED``: a generated scene (`synth_nodes.world.layouts`);
- ``plans:DIR`` or ``plans:DIR:SEED``: a scene by a plan generator that was trained into a folder.
"""

from pathlib import Path
import re
from typing import NamedTuple

from synth_nodes.errors import InputError
from synth_nodes.world.layouts import generate_scene, LAYOUTS, scene_of_plans
from synth_nodes.world.learned_plans import plan_sampler
from synth_nodes.world.map_io import load_map
from synth_nodes.world.scene import GridSource, Scene
from synth_nodes.world.scene_io import building, load_scene

_LAYOUT = re.compile(r'layout:(\w+)(?::(\d{1,9}))?')
_PLANS = re.compile(r'plans:(.+?)(?::(\d{1,9}))?')
_SCENE = re.compile(r'^scene\s*:', re.MULTILINE)


class Place(NamedTuple):
    """A scene to drive in."""

    scene: Scene
    plain: bool
    """Whether it came as a bare map, without surfaces, light and lines of its own."""


def open_place(word: str, seed: int = 1) -> Place:
    """
    Load or generate a scene.

    :param word: see the module.
    :param seed: of a generated building, and of a layout without one.
    :raises InputError: when there is no such place, saying what is wrong.
    """
    if not word:
        grid, source = building(seed)
        return Place(Scene(grid, source=source, name=grid.name), True)
    layout = _layout(word)
    if layout is not None:
        return Place(generate_scene(layout[0], seed if layout[1] is None else layout[1]), False)
    plans = _PLANS.fullmatch(word)
    if plans is not None:
        return Place(scene_of_plans(plans[1], seed if plans[2] is None else int(plans[2])), False)
    path = Path(word)
    if _is_scene(path):
        return Place(load_scene(path), False)
    grid = load_map(path)
    return Place(Scene(grid, source=GridSource('map', path), name=grid.name), True)


def check_place(word: str) -> str:
    """
    Check a place without generating it.

    :return: the word, with a file's path made absolute.
    :raises InputError: as :func:`open_place`.
    """
    if not word or _layout(word) is not None:
        return word
    plans = _PLANS.fullmatch(word)
    if plans is not None:
        folder = Path(plans[1]).expanduser().absolute()
        plan_sampler(str(folder))
        return f'plans:{folder}' + ('' if plans[2] is None else f':{plans[2]}')
    path = Path(word).expanduser().absolute()
    open_place(str(path))
    return str(path)


def name_of(word: str) -> str:
    """Say what a place is called, for people."""
    layout = _layout(word)
    return f'the generated scene {layout[0]}' if layout else f'the map {Path(word).stem}'


def _layout(word: str) -> tuple[str, int | None] | None:
    if not word.startswith('layout:'):
        return None
    match = _LAYOUT.fullmatch(word)
    if match is None or match[1] not in LAYOUTS:
        raise InputError(f"'{word}' must be layout:NAME or layout:NAME:SEED with a name of "
                         f'{", ".join(LAYOUTS)}')
    return match[1], None if match[2] is None else int(match[2])


def _is_scene(path: Path) -> bool:
    try:
        return bool(_SCENE.search(path.read_text(encoding='utf-8')))
    except (OSError, UnicodeDecodeError):
        return False
