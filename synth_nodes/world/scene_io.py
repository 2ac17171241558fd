"""
Scenes as one readable YAML file.

The grid is given in one of three ways, under `grid`::

    grid: {map: office.yaml}                                   # a Nav2 map, beside the file
    grid: {building: {seed: 3, width: 24.0, height: 16.0, resolution: 0.05}}
    grid:
      resolution: 0.05
      origin: [0.0, 0.0, 0.0]
      rows: ['40#', 18x 1#38.1#, '40#']                        # top row (highest y) first

A row is runs of cells: a count, then ``#`` occupied, ``.`` free, ``?`` unknown or ``(37)``, an
occupancy in percent; ``18x`` before it repeats the row. Everything else is as in `Scene`.

Instead of `grid`, a generated scene of `synth_nodes.world.layouts`; what else the file gives takes
the place of what was generated::

    layout: {name: warehouse, seed: 3, width: 20.0, height: 14.0, resolution: 0.05}
    layout: {name: learned, seed: 3, walls: 0.15}              # see plan_conditions
"""

from collections.abc import Mapping
import dataclasses
import json
import os
from pathlib import Path
import tempfile
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
import yaml

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable
from synth_nodes.types import GridMap
from synth_nodes.world.building import generate_building
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.map_io import load_map
from synth_nodes.world.plan_conditions import CONDITIONS
from synth_nodes.world.scene import FloorLine, GridSource, Light, Scene, Surface
from synth_nodes.world.scene_rows import occupancy_to_rows, rows_to_occupancy

VERSION = 1
_Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_KEYS = ('scene', 'name', 'grid', 'layout', 'floor', 'walls', 'ceiling', 'wall_height', 'light',
         'surfaces', 'boxes', 'cylinders', 'patches', 'lines')
_BUILDING = {'seed': int, 'width': float, 'height': float, 'resolution': float}


def save_scene(scene: Scene, path: str | Path) -> Path:
    """
    Write a scene in one go (to a temporary file, then renamed).

    A map that was loaded is referred to, relative to the file; one that was generated is named by
    its seed; any other is written cell by cell. Loading gives the same numbers back.

    :raises InputError: when the file cannot be written.
    """
    path = Path(path)
    document = _to_plain(scene, _grid_to_plain(scene, path.parent))
    head = ('# Boxes: x, y, yaw, length, width, height, surface. '
            'Cylinders: x, y, radius, height, surface. '
            'Patches: x, y, yaw, length, width, surface. SI units, frame map.\n')
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=99)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
        try:
            with os.fdopen(handle, 'w', encoding='utf-8') as file:
                file.write(head + text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f'scene {path}: cannot be written ({error.strerror}); '
                         'give a folder that you may write to') from None
    return path


def load_scene(path: str | Path) -> Scene:
    """
    Read a scene; what a file leaves out is as in `Scene`.

    :raises InputError: when the file is missing or something in it is wrong, saying what.
    """
    path = Path(path)
    try:
        document = yaml.load(path.read_text(encoding='utf-8'), Loader=_Loader)
    except OSError as error:
        raise unreadable(path, error, 'scene') from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = ' '.join(str(error).split())
        raise InputError(f'scene {path}: is not YAML text: {line}') from None
    try:
        return _scene_of(document, path)
    except InputError as error:
        raise InputError(f'scene {path}: {error}') from None


def scene_to_text(scene: Scene) -> str:
    """
    Write a scene as one line of JSON, which is YAML too, with every cell of its grid.

    It needs no other file, so nodes pass scenes on to each other that way.
    """
    return json.dumps(_to_plain(scene, _rows_to_grid(scene.grid)))


def text_to_scene(text: str) -> Scene:
    """
    Read what :func:`scene_to_text` has written.

    :raises InputError: when something in it is wrong, saying what.
    """
    try:
        return _scene_of(json.loads(text), Path('scene'))
    except (json.JSONDecodeError, InputError) as error:
        raise InputError(f'scene from another node: {error}') from None


def _to_plain(scene: Scene, grid: dict[str, Any]) -> dict[str, Any]:
    return {
        'scene': VERSION, 'name': scene.name, 'grid': grid,
        'floor': int(scene.floor), 'walls': int(scene.walls), 'ceiling': int(scene.ceiling),
        'wall_height': float(scene.wall_height), 'light': _plain(scene.light),
        'surfaces': [_plain(s) for s in scene.surfaces],
        'boxes': _rows_to_plain(scene.boxes), 'cylinders': _rows_to_plain(scene.cylinders),
        'patches': _rows_to_plain(scene.patches),
        'lines': [_plain(line) for line in scene.lines]}


def _scene_of(document: Any, path: Path) -> Scene:
    _check_keys('the file', document, _KEYS)
    if document.get('scene') != VERSION:
        raise InputError(f"'scene' = {document.get('scene')!r} must be {VERSION}, "
                         'the version of the format')
    if ('grid' in document) == ('layout' in document):
        raise InputError("'grid' is missing, or 'layout' stands beside it; give a grid (a map, a "
                         'building or rows) or the layout of a generated scene')
    values: dict[str, Any] = {'name': str(document.get('name', path.stem))}
    if 'layout' in document:
        base = _layout_of(document['layout'])
    else:
        grid, source = _grid_of(document['grid'], path.parent)
        base = Scene(grid, source=source)
    for key in ('floor', 'walls', 'ceiling'):
        if key in document:
            values[key] = _number(key, document[key], int)
    if 'wall_height' in document:
        values['wall_height'] = _number('wall_height', document['wall_height'], float)
    if 'light' in document:
        values['light'] = _instance('light', Light, document['light'])
    if 'surfaces' in document:
        values['surfaces'] = tuple(
            _instance(f'surfaces[{k}]', Surface, s) for k, s in _items('surfaces', document))
    if 'lines' in document:
        values['lines'] = tuple(
            _instance(f'lines[{k}]', FloorLine, s) for k, s in _items('lines', document))
    for key in ('boxes', 'cylinders', 'patches'):
        if key in document:
            values[key] = _array(key, document[key])
    return dataclasses.replace(base, **values)


def _layout_of(given: Any) -> Scene:
    _check_keys('layout', given, ('name', *_BUILDING, *CONDITIONS))
    numbers = {k: _number(f'layout.{k}', v, _BUILDING[k])
               for k, v in given.items() if k in _BUILDING}
    wishes = {k: _number(f'layout.{k}', v, float) for k, v in given.items() if k in CONDITIONS}
    return generate_scene(str(given.get('name')), **{'seed': 1, **numbers}, wishes=wishes)


def _grid_of(given: Any, folder: Path) -> tuple[GridMap, GridSource]:
    if isinstance(given, dict) and 'map' in given:
        _check_keys('grid', given, ('map',))
        map_path = folder / str(given['map'])
        return load_map(map_path), GridSource('map', path=map_path)
    if isinstance(given, dict) and 'building' in given:
        _check_keys('grid', given, ('building',))
        _check_keys('grid.building', given['building'], _BUILDING)
        numbers = {k: _number(f'grid.building.{k}', v, _BUILDING[k])
                   for k, v in given['building'].items()}
        return building(**{'seed': 1, **numbers})
    _check_keys('grid', given, ('resolution', 'origin', 'rows', 'name'))
    resolution = _number('grid.resolution', given.get('resolution', 0.05), float)
    origin = _array('grid.origin', given.get('origin', [0.0, 0.0, 0.0]))
    if origin.shape != (3,) or not np.isfinite(origin).all() or not 0 < resolution < np.inf:
        raise InputError(f'grid.origin = {origin.tolist()} must be x, y, yaw, and '
                         f'grid.resolution = {resolution} m above 0')
    x, y, yaw = origin.tolist()
    occupancy = rows_to_occupancy(given.get('rows'))
    return GridMap(occupancy, resolution, (x, y, yaw), str(given.get('name', 'map'))), GridSource()


def building(seed: int, width: float = 24.0, height: float = 16.0,
             resolution: float = 0.05) -> tuple[GridMap, GridSource]:
    """Generate a building, and say so; arguments as of `generate_building`."""
    if seed < 0:
        raise InputError(f'building seed = {seed} must be 0 or more')
    return (generate_building(seed, width, height, resolution),
            GridSource('building', building=(seed, width, height, resolution)))


def _grid_to_plain(scene: Scene, folder: Path) -> dict[str, Any]:
    source, grid = scene.source, scene.grid
    if source.kind == 'map' and source.path is not None:
        return {'map': os.path.relpath(source.path, folder)}
    if source.kind == 'building' and source.building is not None:
        return {'building': dict(zip(_BUILDING, source.building, strict=True))}
    return _rows_to_grid(grid)


def _rows_to_grid(grid: GridMap) -> dict[str, Any]:
    return {'name': grid.name, 'resolution': float(grid.resolution),
            'origin': [float(v) for v in grid.origin], 'rows': occupancy_to_rows(grid.occupancy)}


def _plain(instance: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for f in dataclasses.fields(instance):
        value = getattr(instance, f.name)
        out[f.name] = (np.asarray(value, float).tolist()
                       if isinstance(value, (tuple, np.ndarray)) else value)
    return out


def _rows_to_plain(table: NDArray[np.float64]) -> list[list[float | int]]:
    return [[*row[:-1], int(row[-1])] for row in table.tolist()]


def _instance(what: str, cls: type, given: Any) -> Any:
    hints = get_type_hints(cls)
    _check_keys(what, given, tuple(hints))
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = f'{what}.{key}'
        if hints[key] in (float, int):
            values[key] = _number(name, value, hints[key])
        elif hints[key] is str:
            values[key] = str(value)
        else:
            array = _array(name, value)
            values[key] = array if key == 'points' else tuple(array.ravel().tolist())
    if cls is FloorLine and 'points' not in values:
        raise InputError(f'{what}.points is missing; give two or more [x, y]')
    return cls(**values)


def _check_keys(what: str, given: Any, known: Any) -> None:
    if not isinstance(given, Mapping):
        raise InputError(f'{what} must be a mapping with the keys {", ".join(known)}')
    for key in given:
        if key not in known:
            raise InputError(f"{what} has an unknown key '{key}'; known are {', '.join(known)}")


def _items(key: str, document: Mapping[str, Any]) -> list[tuple[int, Any]]:
    if not isinstance(document[key], list):
        raise InputError(f'{key} must be a list')
    return list(enumerate(document[key]))


def _number(what: str, value: Any, kind: type) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (
            kind is int and not isinstance(value, int)):
        word = 'an integer' if kind is int else 'a number'
        raise InputError(f'{what} = {value!r} must be {word}')
    return kind(value)


def _array(what: str, value: Any) -> NDArray[np.float64]:
    try:
        return np.array(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f'{what} must be numbers, in rows of the same length') from None
