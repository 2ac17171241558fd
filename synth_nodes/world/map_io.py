"""
Nav2 maps: a YAML file and an image, read and written as nav2_map_server does.

The rules are those of ``nav2_map_server/src/map_io.cpp``: with shade = mean of the colour
channels in [0, 1], occ = 1 - shade (shade when negated), and

- trinary: occupied where occ > occupied_thresh, free where occ < free_thresh, else unknown; an
  alpha channel is averaged in as one more channel;
- scale: unknown where not opaque, occupied and free as above, else linear between the thresholds;
- raw: the 8-bit shade itself where it is in [0, 100], else unknown.

The image's first row is the map's highest y.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import math
import os
from pathlib import Path
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
import yaml

from synth_nodes.errors import InputError
from synth_nodes.types import FREE, GridMap, OCCUPIED, UNKNOWN
from synth_nodes.world.images import decode_image, encode_pgm

MODES = ('trinary', 'scale', 'raw')
OCCUPIED_THRESH = 0.65
FREE_THRESH = 0.196
"""Written with saved maps: below the (255 - 205) / 255 of an unknown pixel, as it must be."""
_SHADES = {FREE: 254, UNKNOWN: 205, OCCUPIED: 0}


@dataclass(frozen=True)
class MapMeta:
    """What a map's YAML file says."""

    image: Path
    resolution: float
    origin: tuple[float, float, float]
    negate: bool
    occupied_thresh: float
    free_thresh: float
    mode: str


def load_map(yaml_path: str | Path) -> GridMap:
    """
    Load a Nav2 map.

    :param yaml_path: the map's YAML file; the image's path is relative to it or absolute.
    :raises InputError: when a file is missing or corrupt, a key is missing, of a wrong type or
        out of range, or the image has no pixels.
    """
    path = Path(yaml_path)
    meta = _read_meta(path)
    shade, alpha = _read_image(meta.image, path)
    occupancy = occupancy_from_shade(shade, alpha, meta)
    return GridMap(np.ascontiguousarray(occupancy[::-1]), meta.resolution, meta.origin, path.stem)


def save_map(grid: GridMap, folder: str | Path, name: str) -> Path:
    """
    Write a map as trinary PGM and YAML, each in one go (to a temporary file, then renamed).

    As map_saver does, cells up to the free threshold become free, cells from the occupied
    threshold on occupied, those between unknown; so maps of -1, 0 and 100 come back exactly.

    :param folder: made where it is missing.
    :param name: file name without ending.
    :return: path of the YAML file.
    :raises InputError: when the name is not a plain file name or the folder cannot be written.
    """
    if not name or Path(name).name != name or name in ('.', '..'):
        raise InputError(f'map name {name!r} must be a plain file name, such as office')
    cells = grid.occupancy[::-1].astype(int)
    shades = np.full(cells.shape, _SHADES[UNKNOWN], np.uint8)
    shades[(cells >= 0) & (cells <= round(FREE_THRESH * 100))] = _SHADES[FREE]
    shades[cells >= round(OCCUPIED_THRESH * 100)] = _SHADES[OCCUPIED]
    meta = {
        'image': f'{name}.pgm', 'mode': 'trinary', 'resolution': float(grid.resolution),
        'origin': [float(v) for v in grid.origin], 'negate': 0,
        'occupied_thresh': OCCUPIED_THRESH, 'free_thresh': FREE_THRESH}
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f'{name}.pgm', encode_pgm(shades))
        text = yaml.safe_dump(meta, sort_keys=False, default_flow_style=None)
        _write(folder / f'{name}.yaml', text.encode())
    except OSError as error:
        raise InputError(f'map folder {folder}: cannot be written ({error.strerror}); '
                         'give a folder that you may write to') from None
    return folder / f'{name}.yaml'


def occupancy_from_shade(
    shade: NDArray[np.float64], alpha: NDArray[np.float64] | None, meta: MapMeta,
) -> NDArray[np.int8]:
    """
    Turn brightness into occupancy by the rules of nav2_map_server.

    :param shade: mean of the colour channels, 0 black to 1 white, shape (H, W).
    :param alpha: 0 transparent to 1 opaque, shape (H, W); None where the image has none.
    :param meta: mode, thresholds and negation.
    :return: shape (H, W), in the image's order of rows.
    """
    if meta.mode == 'raw':
        values = np.floor(shade * 255 + 0.5)
        return np.where(values <= OCCUPIED, values, UNKNOWN).astype(np.int8)
    if meta.mode == 'trinary' and alpha is not None:
        shade = (3 * shade + alpha) / 4
    occ = shade if meta.negate else 1.0 - shade
    low, high = meta.free_thresh, meta.occupied_thresh
    between: Any = UNKNOWN
    if meta.mode == 'scale':
        between = np.clip(np.rint((occ - low) / (high - low) * 100), FREE, OCCUPIED)
    out = np.where(high < occ, OCCUPIED, np.where(occ < low, FREE, between))
    if meta.mode == 'scale' and alpha is not None:
        out = np.where(alpha < 1.0, UNKNOWN, out)
    return out.astype(np.int8)


def _read_meta(path: Path) -> MapMeta:
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InputError(f'map {path}: cannot be read ({error.strerror}); '
                         'give the path of a Nav2 map YAML file') from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        what = ' '.join(str(error).split())[:120]
        raise InputError(f'map {path}: is not YAML ({what}); '
                         'give the map YAML file, not its image') from None
    if not isinstance(document, Mapping):
        raise InputError(f'map {path}: holds no keys; it must name image, resolution, origin, '
                         'negate, occupied_thresh and free_thresh')
    image = _get(document, 'image', path)
    if not isinstance(image, str) or not image or '\0' in image:
        raise InputError(f'map {path}: image = {image!r} must be the name of an image file')
    low = _number(document, 'free_thresh', path)
    high = _number(document, 'occupied_thresh', path)
    if not 0.0 <= low < high <= 1.0:
        raise InputError(f'map {path}: free_thresh = {low} and occupied_thresh = {high} must be '
                         'in order, 0 <= free < occupied <= 1, such as 0.25 and 0.65')
    resolution = _number(document, 'resolution', path)
    if not 1e-3 <= resolution <= 10.0:
        raise InputError(f'map {path}: resolution = {resolution} m is outside [0.001, 10] m')
    mode = document.get('mode', 'trinary')
    if mode not in MODES:
        raise InputError(f'map {path}: mode = {mode!r} must be one of {", ".join(MODES)}')
    return MapMeta(path.parent / image, resolution, _origin(document, path),
                   _negate(document, path), high, low, mode)


def _origin(document: Mapping[str, Any], path: Path) -> tuple[float, float, float]:
    value = _get(document, 'origin', path)
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f'map {path}: origin = {value!r} must be a list of x [m], y [m] and '
                         'yaw [rad], such as [0.0, 0.0, 0.0]')
    x, y, yaw = (_float(v, f'origin[{i}]', path) for i, v in enumerate(value))
    return x, y, yaw


def _negate(document: Mapping[str, Any], path: Path) -> bool:
    value = _get(document, 'negate', path)
    if not isinstance(value, int):
        raise InputError(f'map {path}: negate = {value!r} must be 0 or 1')
    return bool(value)


def _get(document: Mapping[str, Any], key: str, path: Path) -> Any:
    if key not in document:
        raise InputError(f"map {path}: key '{key}' is missing; a Nav2 map names image, resolution,"
                         ' origin, negate, occupied_thresh and free_thresh')
    return document[key]


def _number(document: Mapping[str, Any], key: str, path: Path) -> float:
    return _float(_get(document, key, path), key, path)


def _float(value: Any, what: str, path: Path) -> float:
    """Take a number, also one such as 5e-2, which YAML 1.1 reads as a string."""
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f'map {path}: {what} = {value!r} must be a number') from None
    if not math.isfinite(number):
        raise InputError(f'map {path}: {what} = {number} must be finite')
    return number


def _read_image(
    image: Path, path: Path,
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Read an image as brightness and, where it has one, alpha; shapes (H, W), in [0, 1]."""
    try:
        data = image.read_bytes()
    except OSError as error:
        raise InputError(f'map {path}: image {image} cannot be read ({error.strerror}); put it '
                         'there or correct the key image') from None
    if not data:
        raise InputError(f'map {path}: image {image} is empty (0 bytes); restore the file')
    try:
        return decode_image(data)
    except ValueError as error:
        raise InputError(f'map {path}: image {image} is corrupt ({error}); '
                         'restore the file') from None


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole or not there."""
    handle, temporary = tempfile.mkstemp(prefix=f'.{path.name}.', dir=path.parent)
    try:
        with os.fdopen(handle, 'wb') as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
