import os
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2, PointField

from synth_nodes.ros.clouds import cloud_of
from synth_nodes.ros.layers import new_cloud, points_of, set_points
from synth_nodes.sensors.layers import CloudMaker
from synth_nodes.sensors.scan_settings import PointsSpec
from synth_nodes.types import LidarSpec

LIDAR = LidarSpec(beams=40, rate=10.0)
LAYERS = PointsSpec(layers=5, elevation_min=-0.3, elevation_max=0.4)


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def sent(ranges, powers, organised):
    points = PointsSpec(layers=5, elevation_min=-0.3, elevation_max=0.4, organised=organised)
    message = new_cloud('laser_points')
    set_points(message, CloudMaker(LIDAR, points).make(ranges, powers))
    return over_the_wire(message)


def drawn(seed, lost=0.3):
    rng = np.random.default_rng(seed)
    ranges = rng.uniform(0.1, 12.0, (5, 40)).astype(np.float32)
    ranges[rng.random((5, 40)) < lost] = np.inf
    ranges[rng.random((5, 40)) < lost / 3] = -np.inf
    return ranges, rng.uniform(0.1, 2.0, (5, 40)).astype(np.float32)


def test_clouds_hold_with_field_checks_on():
    """Type checks are off by default: run this file once more with them on."""
    if os.environ.get('ROS_PYTHON_CHECK_FIELDS') == '1':
        with pytest.raises(AssertionError):
            PointCloud2().height = 1.0
        return
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', __file__],
        env={**os.environ, 'ROS_PYTHON_CHECK_FIELDS': '1'}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_fields_are_those_of_velodyne_drivers():
    message = over_the_wire(new_cloud('laser_points'))
    f4, u2 = PointField.FLOAT32, PointField.UINT16
    assert [(f.name, f.offset, f.datatype, f.count) for f in message.fields] == [
        ('x', 0, f4, 1), ('y', 4, f4, 1), ('z', 8, f4, 1), ('intensity', 12, f4, 1),
        ('ring', 16, u2, 1), ('time', 18, f4, 1)]
    assert message.point_step == 22 and not message.is_bigendian
    assert message.header.frame_id == 'laser_points'


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10 ** 6), st.booleans())
def test_reading_a_cloud_back_gives_the_ranges(seed, organised):
    ranges, powers = drawn(seed)
    message = sent(ranges, powers, organised)
    points = points_of(message)
    seen = np.isfinite(ranges)
    assert message.row_step == message.width * 22
    assert len(message.data) == message.height * message.row_step
    assert message.is_dense == (not organised)
    assert points.shape == ((5, 40) if organised else (1, seen.sum()))
    known = points[seen] if organised else points[0]
    way = np.sqrt(known['x'] ** 2 + known['y'] ** 2 + known['z'] ** 2)
    assert way == pytest.approx(ranges[seen], rel=1e-5)
    places = cloud_of(message)
    assert np.linalg.norm(places[np.isfinite(places[:, 0])], axis=1) == pytest.approx(way)
    rings, beams = np.nonzero(seen)
    assert np.array_equal(known['ring'], rings)
    assert known['intensity'] == pytest.approx(powers[seen])
    assert known['time'] == pytest.approx(beams / 40 / 10.0, abs=1e-7)
    assert np.arctan2(known['y'], known['x']) == pytest.approx(LIDAR.angles[beams], abs=1e-4)
    assert np.arcsin(known['z'] / way) == pytest.approx(LAYERS.elevations[rings], abs=1e-4)
    if organised:
        assert np.isnan(points['x'][~seen]).all() and not points['intensity'][~seen].any()


def test_an_organised_cloud_without_gaps_is_dense():
    ranges, powers = drawn(1, lost=0.0)
    message = sent(ranges, powers, True)
    assert message.is_dense and (message.height, message.width) == (5, 40)


def test_a_cloud_without_any_return_is_empty():
    message = sent(np.full((5, 40), np.inf, np.float32), np.zeros((5, 40), np.float32), False)
    assert (message.height, message.width, len(message.data)) == (1, 0, 0)
