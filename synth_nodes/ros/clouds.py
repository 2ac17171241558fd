"""Point clouds out of messages, without a Python list in between."""

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from synth_nodes.errors import InputError

_KINDS = {PointField.FLOAT32: 'f4', PointField.FLOAT64: 'f8'}


def cloud_of(message: PointCloud2) -> NDArray[np.floating]:
    """
    Take the points out of a cloud; other fields are passed over.

    :return: x, y, z [m] in the message's frame, shape (N, 3).
    :raises InputError: where there are none, or the layout contradicts itself.
    """
    fields = {f.name: f for f in message.fields}
    step, order = int(message.point_step), '>' if message.is_bigendian else '<'
    kinds = []
    for name in 'xyz':
        field = fields.get(name)
        if field is None or field.datatype not in _KINDS:
            raise InputError(f"its field '{name}' is missing or no floating-point number")
        kinds.append(order + _KINDS[field.datatype])
    width, height = int(message.width), int(message.height)
    row, data = int(message.row_step), np.frombuffer(message.data, np.uint8)
    ends = [fields[n].offset + np.dtype(k).itemsize for n, k in zip('xyz', kinds, strict=True)]
    if max(ends) > step or width * step > row or len(data) < row * height:
        raise InputError(f'its {len(data)} bytes do not hold {width} x {height} points of '
                         f'{step} bytes')
    kind = np.dtype({'names': list('xyz'), 'formats': kinds,
                     'offsets': [fields[n].offset for n in 'xyz'], 'itemsize': step})
    lines = data[:row * height].reshape(height, row)[:, :width * step]
    points = np.ascontiguousarray(lines).reshape(-1).view(kind)
    return np.stack([points[n] for n in 'xyz'], axis=1)
