from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.dataset.frames import draw_flaws, frame_pairs, FrameSettings, ideal_camera
from synth_nodes.sensors.camera_spec import CameraSpec

SMALL = FrameSettings(scenes=2, cameras=4, frames=6, width=48, height=36)


@pytest.fixture(scope='module')
def pairs():
    return frame_pairs(SMALL)


def test_pairs_are_the_same_for_a_seed_and_other_for_another(pairs):
    again, other = frame_pairs(SMALL), frame_pairs(replace(SMALL, seed=1))
    np.testing.assert_array_equal(pairs.real, again.real)
    assert pairs.real.shape == (24, 36, 48, 3) and not np.array_equal(pairs.real, other.real)
    assert pairs.camera.tolist() == [k for k in range(4) for _ in range(6)]


def test_cameras_without_flaws_see_the_ideal_frame():
    plain = frame_pairs(replace(SMALL, strength=0.0))
    # Sensors without any noise there are none.
    assert np.abs(plain.real.astype(int) - plain.ideal).mean() < 2.5


def test_flaws_of_a_camera_are_its_own_and_bend_light_and_lines(pairs):
    change = pairs.real.astype(float) - pairs.ideal
    by_camera = np.array([change[pairs.camera == k].mean(axis=(0, 1, 2)) for k in range(4)])
    assert np.ptp(by_camera, axis=0).min() > 5.0
    assert len({draw_flaws(CameraSpec(), np.random.default_rng(k)).distortion
                for k in range(3)}) == 3


def test_an_ideal_camera_keeps_its_geometry_and_its_depth():
    spec = CameraSpec(width=64, blur=1.0, read_noise=3.0, colour_gain=(1.2, 1.0, 0.8),
                      depth_noise=0.01, horizontal_fov=0.9, exposure=0.5)
    plain = ideal_camera(spec)
    assert plain == CameraSpec(width=64, depth_noise=0.01, horizontal_fov=0.9)
