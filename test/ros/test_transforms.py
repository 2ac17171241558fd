"""Transforms of sensor mounts; messages only, for tf2_msgs need not be there."""

import numpy as np
import pytest

from synth_nodes.ros.tf import camera_transform, transform
from synth_nodes.sensors.camera_spec import CameraSpec


def carried(message, point):
    """Carry a point of the child frame into the parent's."""
    t, q = message.transform.translation, message.transform.rotation
    v, u = np.asarray(point, float), np.array((q.x, q.y, q.z))
    cross = np.cross(u, v) + q.w * v
    return v + 2 * np.cross(u, cross) + (t.x, t.y, t.z)


@pytest.mark.parametrize(('yaw', 'pitch'), [(0.0, 0.0), (0.7, 0.3), (-2.0, -0.5)])
def test_camera_looks_along_z_of_its_optical_frame(yaw, pitch):
    camera = CameraSpec(mount=(0.2, -0.1, 0.4), yaw=yaw, pitch=pitch)
    message = camera_transform('base_link', 'camera_optical', camera)
    assert message.header.frame_id == 'base_link'
    assert message.child_frame_id == 'camera_optical'
    eye = np.array((0.2, -0.1, 0.4))
    ahead = np.array((np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), -np.sin(pitch)))
    assert carried(message, (0, 0, 0)) == pytest.approx(eye)
    assert carried(message, (0, 0, 2)) == pytest.approx(eye + 2 * ahead)
    # x to the right, level; y down.
    right = np.array((np.sin(yaw), -np.cos(yaw), 0.0))
    assert carried(message, (1, 0, 0)) == pytest.approx(eye + right)
    assert carried(message, (0, 1, 0)) == pytest.approx(eye + np.cross(ahead, right))


def test_planar_mount_is_carried_by_its_transform():
    message = transform('base_link', 'laser', (0.3, 0.1, np.pi / 2))
    assert carried(message, (1, 0, 0)) == pytest.approx((0.3, 1.1, 0.0))
