"""
What a data set holds: its fields with units and frames, its places and how they are split.

The header of a data set, `dataset.json`, is this schema written down. Numpy alone is imported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
import hashlib
import math
from typing import Any

import numpy as np

from synth_nodes.errors import InputError

FORMAT = 'synth_nodes/dataset'
VERSION = 1
SPLITS = ('train', 'validation', 'test')
SHARES = (0.7, 0.15, 0.15)
"""Of the places, which share goes to each split where nothing else is said."""


@dataclass(frozen=True)
class Field:
    """One column of a data set."""

    name: str
    """Such as `scan`; it is the name of the file that holds it."""
    dtype: str
    """Numpy's name of the type, such as 'float32'."""
    shape: tuple[int, ...]
    """Of one record; () for a number."""
    unit: str = ''
    """SI symbol or symbols; empty where there is none."""
    frame: str = ''
    """Frame of what is measured, as REP-105 names it; empty where there is none."""
    help: str = ''
    """What it is, one sentence."""

    def checked(self, values: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """
        Return values as an array of this field.

        :param values: shape (N, ...).
        :raises InputError: when shape or kind do not fit.
        """
        array = np.asarray(values)
        if array.shape[1:] != self.shape:
            raise InputError(f"data set: field '{self.name}' takes records of shape {self.shape}, "
                             f'not {array.shape[1:]}')
        if not np.can_cast(array.dtype, self.dtype, 'same_kind'):
            raise InputError(f"data set: field '{self.name}' holds {self.dtype}, and "
                             f'{array.dtype} cannot be cast to it')
        return np.ascontiguousarray(array, self.dtype)


STAMP = Field('stamp', 'float64', (), 's', '', 'Time of the record on the clock of its sequence.')
SEQUENCE = Field('sequence', 'int32', (), '', '',
                 'Number of the drive that the record belongs to; records of one are in order.')
PLACE = Field('place', 'int32', (), '', '', 'Number of the place: a building, a map, a scene.')
KEYS = (STAMP, SEQUENCE, PLACE)
"""Fields that every data set has."""


@dataclass(frozen=True)
class Place:
    """Where records were taken; a place is in one split alone."""

    name: str
    split: str
    """'train', 'validation' or 'test'."""
    digest: str = ''
    """SHA-256 of the map or log that it is; empty where there is none."""


@dataclass(frozen=True)
class Schema:
    """The header of a data set."""

    name: str
    fields: tuple[Field, ...]
    """All columns, those of :data:`KEYS` first."""
    places: tuple[Place, ...] = ()
    """By number, as the field `place` has it."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from: command, seed, settings, hashes of what went in."""
    sensor: Mapping[str, Any] = field(default_factory=dict)
    """What the sensors are like: `angles` [rad] of the beams, `range_min`, `range_max` [m], ..."""

    @classmethod
    def of(cls, name: str, fields: Iterable[Field], **more: Any) -> 'Schema':
        """Make a schema; the fields that every data set has are put first."""
        own = tuple(f for f in fields if f.name not in {k.name for k in KEYS})
        names = [f.name for f in own]
        if len(set(names)) < len(names):
            raise InputError(f'data set {name}: a field is named twice in {names}')
        return cls(name, (*KEYS, *own), **more)

    @property
    def record_bytes(self) -> int:
        """Size of a record."""
        return sum(np.dtype(f.dtype).itemsize * math.prod(f.shape) for f in self.fields)

    def column(self, name: str) -> Field:
        """
        Find a field.

        :raises InputError: when there is none of that name.
        """
        for one in self.fields:
            if one.name == name:
                return one
        raise InputError(f"data set {self.name}: has no field '{name}'; it has "
                         f"{', '.join(f.name for f in self.fields)}")

    def with_place(self, place: Place) -> tuple['Schema', int]:
        """Add a place, if it is new; return its number too."""
        for number, known in enumerate(self.places):
            if known.name == place.name:
                return self, number
        return replace(self, places=(*self.places, place)), len(self.places)

    def to_json(self) -> dict[str, Any]:
        """Write it down."""
        return {'format': FORMAT, 'version': VERSION, **asdict(self)}


def schema_from_json(content: Mapping[str, Any], where: str) -> Schema:
    """
    Read a header.

    :param where: the file, for messages.
    :raises InputError: when it is of another format or version, or damaged.
    """
    if content.get('format') != FORMAT:
        raise InputError(f"{where}: is not a data set: its 'format' is {content.get('format')!r}, "
                         f"not '{FORMAT}'")
    if content.get('version') != VERSION:
        raise InputError(f'{where}: is of version {content.get("version")!r}; this program reads '
                         f'version {VERSION}')
    try:
        fields = tuple(Field(**{**f, 'shape': tuple(f['shape'])}) for f in content['fields'])
        places = tuple(Place(**p) for p in content['places'])
        return Schema(content['name'], fields, places, content['origin'], content['sensor'])
    except (KeyError, TypeError) as error:
        raise InputError(f'{where}: its header is damaged: {error}') from None


def split_of(name: str, shares: tuple[float, ...] = SHARES) -> str:
    """
    Say which split a place goes to: by a hash of its name, so that it is the same everywhere.

    :param shares: of train, validation and test; they sum to 1.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], 'big') / 2.0 ** 64
    for split, upper in zip(SPLITS, np.cumsum(shares), strict=True):
        if number < upper:
            return split
    return SPLITS[-1]


def parse_splits(words: Iterable[str]) -> dict[str, str]:
    """
    Read `place=split` words.

    :raises InputError: on a word of another form or an unknown split.
    """
    out = {}
    for word in words:
        place, separator, split = word.partition('=')
        if not separator or split not in SPLITS:
            raise InputError(f"split '{word}' must have the form PLACE=SPLIT with SPLIT one of "
                             f"{', '.join(SPLITS)}")
        out[place] = split
    return out
