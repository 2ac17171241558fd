from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.nodes.image_driver import ImageDriver
from synth_nodes.sensors.camera_spec import CameraSpec

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


class Says:
    """A policy that always says the same."""

    def __init__(self, *output):
        self.output = np.array([output], np.float32)

    def act(self, observation):
        self.seen = observation['image']
        return self.output


def driver(*output):
    return ImageDriver(Says(*output), replace(CameraSpec(), width=64, height=64), 0.3)


def test_a_fresh_image_makes_the_policy_drive():
    pilot = driver(0.5, 0.1)
    decision = pilot.decide(IMAGE, 1.0, 1.02)
    assert decision.state == 'driving'
    assert decision.command == pytest.approx((0.5, 0.0, 0.1))
    assert pilot.policy.seen.shape == (1, 64, 64, 3)


@pytest.mark.parametrize(('image', 'stamp', 'word'), [
    (IMAGE, 0.5, 'old'), (IMAGE, 1.5, 'ahead of the clock'), (IMAGE, np.nan, 'image'),
    (IMAGE[:32], 1.0, 'takes rgb8'), (IMAGE[..., 0], 1.0, 'takes rgb8'),
    (IMAGE.astype(np.float32), 1.0, 'takes rgb8'), (0 * IMAGE, 1.0, 'one colour')])
def test_what_is_late_or_no_image_stops(image, stamp, word):
    decision = driver(0.5, 0.1).decide(image, stamp, 1.0)
    assert decision.state == 'stopped' and not decision.command.any() and word in decision.reason


@pytest.mark.parametrize('output', [(np.nan, 0.0), (0.1, np.inf), (0.1, 0.1, 0.1)])
def test_a_policy_that_gives_no_command_stops(output):
    decision = driver(*output).decide(IMAGE, 1.0, 1.0)
    assert not decision.command.any() and 'policy' in decision.reason
