"""Poses of sensors."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.mounts import mount_from_quaternion, mount_of

ANGLES = st.floats(-3.1, 3.1)


def quaternion(roll, pitch, yaw):
    """Quaternion x, y, z, w of fixed-axis roll, pitch, yaw, by products of half turns."""
    def times(a, b):
        ax, ay, az, aw = a
        bx, by, bz, bw = b
        return (aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
                aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz)

    x, y, z = ((*[np.sin(a / 2) * (k == i) for i in range(3)], np.cos(a / 2))
               for k, a in enumerate((roll, pitch, yaw)))
    return times(z, times(y, x))


@given(ANGLES, ANGLES, ANGLES)
def test_angles_and_quaternion_give_the_same_mount(roll, pitch, yaw):
    a = mount_of((1.0, 2.0, 3.0, roll, pitch, yaw))
    b = mount_from_quaternion((1.0, 2.0, 3.0), quaternion(roll, pitch, yaw))
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert np.allclose(a.apply(points), b.apply(points), atol=1e-9)


def test_optical_frame_looks_ahead():
    camera = mount_of((0.2, 0.0, 0.3, -np.pi / 2, 0.0, -np.pi / 2))
    # 1 m ahead, 0.1 m to the right, 0.2 m down: z, x, y of an optical frame.
    assert camera.apply(np.array([(0.1, 0.2, 1.0)]))[0] == pytest.approx((1.2, -0.1, 0.1))


@given(st.floats(-3, 3), st.booleans(), st.floats(-3, 3))
def test_planar_pose_of_a_scanner_upright_or_upside_down(yaw, flipped, beam):
    mount = mount_of((0.1, -0.2, 0.3, np.pi if flipped else 0.0, 0.0, yaw))
    x, y, turn, down = mount.planar
    assert down == flipped
    seen = mount.apply(np.array([(np.cos(beam), np.sin(beam), 0.0)]))[0]
    angle = turn + (-beam if down else beam)
    assert seen[:2] == pytest.approx((x + np.cos(angle), y + np.sin(angle)), abs=1e-9)


def test_tilted_scanner_and_wrong_numbers_are_refused():
    with pytest.raises(InputError, match=r'tilted by 0\.20 rad'):
        mount_of((0, 0, 0, 0.0, 0.2, 0.0)).planar  # noqa: B018
    with pytest.raises(InputError, match='roll, pitch, yaw'):
        mount_of((1.0, 2.0, 3.0))
    with pytest.raises(InputError, match='unit length'):
        mount_from_quaternion((0, 0, 0), (0, 0, 0, 0))
