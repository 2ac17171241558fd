"""Numbers, words and arrays as bytes: the alphabet of the safety log."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_DOUBLE = struct.Struct('<d')
_RAW, _SINGLE, _PACKED = 0, 1, 2
_SMALL = 256
"""Arrays of fewer bytes are not compressed."""
_MOST = 1 << 26
"""Bytes of an array that a reader accepts."""


class Damaged(ValueError):
    """Bytes that do not form what should be there."""


def put_count(out: bytearray, value: int) -> None:
    """Append a whole number, not negative, in groups of seven bits (LEB128)."""
    while value > 0x7F:
        out.append(0x80 | value & 0x7F)
        value >>= 7
    out.append(value)


def put_double(out: bytearray, value: float) -> None:
    """Append a number with all its bits."""
    out += _DOUBLE.pack(value)


def put_optional(out: bytearray, value: float | None) -> None:
    """Append a number that may be missing."""
    out.append(value is not None)
    if value is not None:
        put_double(out, value)


def put_text(out: bytearray, text: str) -> None:
    """Append a text in UTF-8, its length first."""
    data = text.encode('utf-8', 'surrogatepass')
    put_count(out, len(data))
    out += data


def put_array(out: bytearray, array: Array) -> None:
    """
    Append an array without loss: in single precision where that is exact, compressed if it pays.

    Bytes of equal significance are laid together first, which lets deflate see that coordinates
    share their exponents.
    """
    with np.errstate(over='ignore', invalid='ignore'):
        single = array.astype('<f4')
    exact = array.size > 3 and single.astype(float).tobytes() == array.tobytes()
    kept = single if exact else array.astype('<f8')
    data, form = kept.tobytes(), _SINGLE if exact else _RAW
    if len(data) >= _SMALL:
        planes = np.frombuffer(data, np.uint8).reshape(-1, kept.itemsize).T.tobytes()
        packed = zlib.compress(planes, 1)
        if len(packed) < len(data):
            data, form = packed, form | _PACKED
    out.append(form)
    put_count(out, array.ndim)
    for size in array.shape:
        put_count(out, size)
    put_count(out, len(data))
    out += data


class Cursor:
    """Reads what the functions above have written; any nonsense raises :class:`Damaged`."""

    def __init__(self, data: bytes) -> None:
        """Start at the first byte."""
        self._data, self._at = data, 0

    @property
    def done(self) -> bool:
        """Whether all bytes are read."""
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > len(self._data) - self._at:
            raise Damaged(f'{count} bytes are wanted where {len(self._data) - self._at} are left')
        self._at += count
        return self._data[self._at - count:self._at]

    def byte(self) -> int:
        """Return the next byte as a number."""
        return self.take(1)[0]

    def count(self) -> int:
        """Return a whole number."""
        value = 0
        for shift in range(0, 63, 7):
            group = self.byte()
            value |= (group & 0x7F) << shift
            if group < 0x80:
                return value
        raise Damaged('a whole number has no end')

    def double(self) -> float:
        """Return a number."""
        return float(_DOUBLE.unpack(self.take(8))[0])

    def optional(self) -> float | None:
        """Return a number that may be missing."""
        return self.double() if self.byte() else None

    def text(self) -> str:
        """Return a text."""
        try:
            return self.take(self.count()).decode('utf-8', 'surrogatepass')
        except UnicodeDecodeError:
            raise Damaged('a text is not UTF-8') from None

    def array(self) -> Array:
        """Return an array in double precision."""
        form = self.byte()
        if form > (_SINGLE | _PACKED):
            raise Damaged(f'an array has the unknown form {form}')
        shape = tuple(self.count() for _ in range(min(self.count(), 9)))
        data = self.take(self.count())
        kind = np.dtype('<f4' if form & _SINGLE else '<f8')
        size = kind.itemsize
        for length in shape:
            size *= length
        if size > _MOST:
            raise Damaged(f'an array of {size} bytes is more than {_MOST}')
        if form & _PACKED:
            data = _unpacked(data, size)
            if len(data) == size:
                data = np.frombuffer(data, np.uint8).reshape(kind.itemsize, -1).T.tobytes()
        if len(data) != size:
            raise Damaged(f'an array has {len(data)} bytes in place of {size}')
        return np.frombuffer(data, kind).reshape(shape).astype(float)


def _unpacked(data: bytes, size: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        return inflate.decompress(data, size + 1)
    except zlib.error as error:
        raise Damaged(f'an array cannot be unpacked: {error}') from None
