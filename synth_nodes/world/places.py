"""
Where to drive, in one word: what `map` parameters and options take.

- nothing: a generated building;
- ``warehouse.yaml``: a Nav2 map, or a scene file (`synth_nodes.world.scene_io`);
- ``layout:NAME`` or ``layout:NAME:SEED``: a generated scene (`synth_nodes.world.layouts`);
- ``plans:DIR`` or ``plans:DIR:SEED``: a scene by a plan generator that was trained into a folder.

``layout:learned`` and ``plans:DIR``, with a seed or without, may end with what their floor plans
are to be like, such as ``:walls=0.15,clearance=0.8`` (`synth_nodes.world.plan_conditions`).
"""

from pathlib import Path
import re
from typing import NamedTuple

from synth_nodes.errors import InputError
from synth_nodes.world.layouts import check_wishes, generate_scene, LAYOUTS, scene_of_plans
from synth_nodes.world.learned_plans import plan_sampler
from synth_nodes.world.map_io import load_map
from synth_nodes.world.plan_conditions import NO_WISHES, Wishes, wishes_of
from synth_nodes.world.scene import GridSource, Scene
from synth_nodes.world.scene_io import building, load_scene

_TAIL = r'(?::(\d{1,9}))?(?::(\w+=[^:/]*))?'
_LAYOUT = re.compile(r'layout:(\w+)' + _TAIL)
_PLANS = re.compile(r'plans:(.+?)' + _TAIL)
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
    made = _made(word)
    if made is not None:
        at = seed if made.seed is None else made.seed
        if made.kind == 'plans':
            return Place(scene_of_plans(made.name, at, wishes=made.wishes), False)
        return Place(generate_scene(made.name, at, wishes=made.wishes), False)
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
    made = _made(word)
    if not word:
        return word
    if made is not None and made.kind == 'layout':
        check_wishes(made.name, made.wishes)
        return word
    if made is not None:
        folder = Path(made.name).expanduser().absolute()
        plan_sampler(str(folder)).known.check(made.wishes)
        return f'plans:{folder}{made.tail}'
    path = Path(word).expanduser().absolute()
    open_place(str(path))
    return str(path)


def name_of(word: str) -> str:
    """Say what a place is called, for people."""
    made = _made(word)
    if made is not None and made.kind == 'layout':
        return f'the generated scene {made.name}'
    return f'the map {Path(word).stem}'


class _Made(NamedTuple):
    """A scene to generate, as a word says it."""

    kind: str
    """'layout' or 'plans'."""
    name: str
    """Of the layout, or the folder of the plan generator."""
    seed: int | None
    wishes: Wishes
    tail: str
    """What follows the name in the word."""


def _made(word: str) -> _Made | None:
    """Read a word for a scene to generate; None where it is another."""
    kind = word.partition(':')[0]
    match = _LAYOUT.fullmatch(word) or _PLANS.fullmatch(word)
    if kind == 'layout' and (match is None or match[1] not in LAYOUTS):
        raise InputError(f"'{word}' must be layout:NAME or layout:NAME:SEED with a name of "
                         f'{", ".join(LAYOUTS)}, or layout:learned:SEED:walls=0.15 and the like')
    if match is None:
        return None
    return _Made(kind, match[1], None if match[2] is None else int(match[2]),
                 wishes_of(match[3]) if match[3] else NO_WISHES, word[match.end(1):])


def _is_scene(path: Path) -> bool:
    try:
        return bool(_SCENE.search(path.read_text(encoding='utf-8')))
    except (OSError, UnicodeDecodeError):
        return False
