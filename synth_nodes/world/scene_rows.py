"""Grids as text, in run-length rows: see `synth_nodes.world.scene_io`."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FREE, OCCUPIED, UNKNOWN

_SYMBOLS = {OCCUPIED: '#', FREE: '.', UNKNOWN: '?'}
_VALUES = {symbol: value for value, symbol in _SYMBOLS.items()}
_ROW = re.compile(r'\s*(?:(\d+)x\s*)?((?:\d+(?:[#.?]|\(\d+\)))+)\s*')
_RUN = re.compile(r'(\d+)(?:([#.?])|\((\d+)\))')
_MOST_CELLS = 400_000_000


def rows_to_occupancy(rows: Any) -> NDArray[np.int8]:
    """
    Read run-length rows, the top row first.

    :return: occupancy, shape (H, W), the lowest row first.
    :raises InputError: when a row is malformed or of another length than the first.
    """
    if not isinstance(rows, list) or not rows:
        raise InputError("grid.rows is missing; give a list of rows such as '1#38.1#'")
    out: list[NDArray[np.int8]] = []
    for k, text in enumerate(rows):
        match = _ROW.fullmatch(str(text))
        if match is None:
            raise InputError(f"grid.rows[{k}] = {str(text)[:40]!r} must be runs such as "
                             "'1#38.1#', with '18x ' before them to repeat")
        runs = [(int(n), _VALUES[s] if s else int(v)) for n, s, v in _RUN.findall(match.group(2))]
        repeat = int(match.group(1) or 1)
        if (sum(n for n, _ in runs) * (repeat + len(out)) > _MOST_CELLS
                or any(v > OCCUPIED for _, v in runs)):
            raise InputError(f'grid.rows[{k}] = {str(text)[:40]!r} makes more than {_MOST_CELLS} '
                             f'cells or exceeds an occupancy of {OCCUPIED}')
        counts, values = zip(*runs, strict=True)
        row = np.repeat(np.array(values, np.int8), counts)
        if row.size == 0 or (out and row.size != out[0].size):
            raise InputError(f'grid.rows[{k}] has {row.size} cells; every row must have the same '
                             f'number, the first has {out[0].size if out else 0}')
        out += [row] * repeat
    if not out:
        raise InputError('grid.rows repeats every row 0 times; give at least one row')
    return np.ascontiguousarray(np.stack(out)[::-1])


def occupancy_to_rows(occupancy: NDArray[np.int8]) -> list[str]:
    """Write occupancy, shape (H, W), as run-length rows, the top row first."""
    texts: list[tuple[int, str]] = []
    for row in occupancy[::-1]:
        ends = np.append(np.flatnonzero(np.diff(row)) + 1, row.size)
        counts = np.diff(ends, prepend=0)
        values = [int(v) for v in row[ends - 1]]
        text = ''.join(f'{n}{_SYMBOLS.get(v, f"({v})")}'
                       for n, v in zip(counts, values, strict=True))
        if texts and texts[-1][1] == text:
            texts[-1] = (texts[-1][0] + 1, text)
        else:
            texts.append((1, text))
    return [text if n == 1 else f'{n}x {text}' for n, text in texts]
