"""Point clouds out of messages of any layout."""

from array import array

import numpy as np
import pytest

pytest.importorskip('sensor_msgs')
from sensor_msgs.msg import PointCloud2, PointField

from synth_nodes.errors import InputError
from synth_nodes.ros.clouds import cloud_of

POINTS = np.arange(24, dtype=float).reshape(8, 3)


def cloud(points=POINTS, kind='<f4', offsets=(0, 4, 8), step=16, pad=0, height=1, **changes):
    """Make a cloud whose rows end with `pad` bytes."""
    layout = np.dtype({'names': list('xyz'), 'formats': [kind] * 3, 'offsets': list(offsets),
                       'itemsize': step})
    data = np.zeros(len(points), layout)
    for k, name in enumerate('xyz'):
        data[name] = points[:, k]
    rows = data.tobytes()
    width = len(points) // height
    lines = [rows[i * width * step:(i + 1) * width * step] + bytes(pad) for i in range(height)]
    code = PointField.FLOAT32 if kind.endswith('4') else PointField.FLOAT64
    fields = [PointField(name='intensity', offset=0, datatype=PointField.UINT8, count=1), *(
        PointField(name=n, offset=o, datatype=code, count=1)
        for n, o in zip('xyz', offsets, strict=True))]
    return PointCloud2(**{
        'height': height, 'width': width, 'fields': fields, 'is_bigendian': kind[0] == '>',
        'point_step': step, 'row_step': width * step + pad,
        'data': array('B', b''.join(lines)), **changes})


@pytest.mark.parametrize('values', [
    {}, {'kind': '>f4'}, {'kind': '<f8', 'offsets': (0, 8, 16), 'step': 24},
    {'offsets': (8, 4, 20), 'step': 32}, {'pad': 5, 'height': 2}, {'step': 13}])
def test_points_come_out_of_any_layout(values):
    assert cloud_of(cloud(**values)).tolist() == POINTS.tolist()


def test_empty_cloud_has_no_points():
    assert cloud_of(cloud(POINTS[:0])).shape == (0, 3)


@pytest.mark.parametrize(('changes', 'words'), [
    ({'fields': []}, "'x' is missing"), ({'width': 9}, 'do not hold 9 x 1 points'),
    ({'row_step': 64}, '8 x 1'), ({'point_step': 11}, 'points of 11 bytes'),
    ({'data': array('B')}, '0 bytes')])
def test_layout_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(InputError) as caught:
        cloud_of(cloud(**changes))
    assert words in str(caught.value)
