"""
Images of maps as brightness.

PGM (P2 text and P5 binary, of 8 or 16 bits) is read here, because its largest value scales the
brightness and a file cut short must be told; PNG, BMP and the rest are read by OpenCV.
"""

import re
import struct
from typing import Any
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

_PNG = b'\x89PNG\r\n\x1a\n'
_TOKEN = re.compile(rb'(?:\s|#[^\n\r]*)*([^\s#]+)')


def decode_image(data: bytes) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """
    Decode an image to the mean of its colour channels, and alpha where it has that channel.

    :param data: the file's bytes.
    :return: brightness, 0 black to 1 white, and alpha, 0 transparent to 1 opaque; shapes (H, W).
    :raises ValueError: saying what is wrong with the data.
    """
    if data[:2] in (b'P2', b'P5'):
        return decode_pgm(data), None
    if data.startswith(_PNG):
        _check_png(data)
    pixels = _decode_by_opencv(data)
    scaled = pixels.astype(float) / float(np.iinfo(pixels.dtype).max)
    if scaled.ndim == 2:
        return scaled, None
    alpha = scaled[..., 3] if scaled.shape[2] == 4 else None
    return scaled[..., :3].mean(axis=2), alpha


def decode_pgm(data: bytes) -> NDArray[np.float64]:
    """
    Decode a PGM image (https://netpbm.sourceforge.net/doc/pgm.html).

    :param data: the file's bytes.
    :return: brightness, 0 black to 1 white, shape (H, W).
    :raises ValueError: saying what is wrong with the data.
    """
    magic, at = _token(data, 0)
    header = []
    for what in ('width', 'height', 'largest value'):
        text, at = _token(data, at)
        if not text.isdigit():
            raise ValueError(f'its {what} is {text[:20]!r}, not a number')
        header.append(int(text))
    width, height, largest = header
    if width < 1 or height < 1:
        raise ValueError(f'it has no pixels: its size is {width} x {height}')
    if not 1 <= largest <= 65535:
        raise ValueError(f'its largest value {largest} is outside [1, 65535]')
    if magic == b'P2':
        values = _plain(data[at:], width * height)
    else:
        values = _binary(data[at + 1:], width * height, largest)
    if values.max() > largest:
        raise ValueError(f'a pixel of {values.max()} exceeds its largest value {largest}')
    return values.reshape(height, width) / float(largest)


def encode_pgm(shades: NDArray[np.uint8]) -> bytes:
    """Encode grey values, shape (H, W), as a binary 8-bit PGM."""
    height, width = shades.shape
    return f'P5\n{width} {height}\n255\n'.encode() + np.ascontiguousarray(shades).tobytes()


def _token(data: bytes, at: int) -> tuple[bytes, int]:
    match = _TOKEN.match(data, at)
    if match is None:
        raise ValueError('its header ends early')
    return match.group(1), match.end()


def _plain(data: bytes, count: int) -> NDArray[np.int64]:
    words = re.sub(rb'#[^\n\r]*', b'', data).split()
    if len(words) < count:
        raise ValueError(f'it holds {len(words)} of {count} pixels')
    if not all(word.isdigit() for word in words[:count]):
        raise ValueError('a pixel is not a number')
    return np.array(words[:count], dtype=np.int64)


def _binary(data: bytes, count: int, largest: int) -> NDArray[np.int64]:
    kind = np.dtype(np.uint8 if largest < 256 else '>u2')
    if len(data) < count * kind.itemsize:
        raise ValueError(f'it holds {len(data) // kind.itemsize} of {count} pixels')
    return np.frombuffer(data, kind, count).astype(np.int64)


def _check_png(data: bytes) -> None:
    """Check size and checksums (PNG specification, section 5), which OpenCV would print about."""
    at, kind = len(_PNG), b''
    while kind != b'IEND':
        if at + 12 > len(data):
            raise ValueError('it ends early')
        length, kind = struct.unpack_from('>I4s', data, at)
        body = data[at + 4:at + 8 + length]
        if at + 12 + length > len(data):
            raise ValueError('it ends early')
        if zlib.crc32(body) != struct.unpack_from('>I', data, at + 8 + length)[0]:
            raise ValueError('a checksum is wrong')
        if kind == b'IHDR' and (length < 8 or 0 in struct.unpack_from('>II', body, 4)):
            raise ValueError('it has no pixels')
        at += 12 + length


def _decode_by_opencv(data: bytes) -> NDArray[Any]:
    """Decode without letting OpenCV print, since the caller says what is wrong."""
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None or pixels.size == 0 or not np.issubdtype(pixels.dtype, np.integer):
        raise ValueError('it is no whole PGM, PNG or BMP image')
    return np.asarray(pixels)
