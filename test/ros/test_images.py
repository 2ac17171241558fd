import numpy as np
import pytest
from sensor_msgs.msg import Image

from synth_nodes.errors import InputError
from synth_nodes.ros.images import new_image, pixels_of, set_pixels
from synth_nodes.sensors.camera_spec import CameraSpec

SPEC = CameraSpec(width=8, height=10)


@pytest.mark.parametrize(('encoding', 'shape', 'kind'), [
    ('rgb8', (10, 8, 3), np.uint8), ('mono8', (10, 8), np.uint8),
    ('32FC1', (10, 8), np.float32)])
def test_pixels_come_back_as_they_were_set(encoding, shape, kind):
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    message = new_image(SPEC, encoding, 'camera_optical')
    set_pixels(message, pixels)
    back = pixels_of(message)
    assert back.dtype == kind and np.array_equal(back, pixels)


@pytest.mark.parametrize(('change', 'word'), [
    ({'encoding': 'bgr8'}, "'bgr8'"), ({'width': 9}, '240 bytes, but 270'),
    ({'height': 9}, '240 bytes, but 216')])
def test_images_that_cannot_be_read_are_refused(change, word):
    message: Image = new_image(SPEC, 'rgb8', 'camera_optical')
    set_pixels(message, np.zeros((10, 8, 3), np.uint8))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(InputError, match=word):
        pixels_of(message)
