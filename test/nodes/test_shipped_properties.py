"""The shipped properties, on the log of a robot that is driven at a wall in every mode."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from synth_nodes.nodes.guard import Guard
from synth_nodes.safety.log import SafetyLog
from synth_nodes.safety.log_files import SafetyLogSettings
from synth_nodes.safety.properties import check, read_properties
from synth_nodes.safety.replay import replay
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.signals import LogSignals
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

SHIPPED = Path(__file__).resolve().parents[2] / 'config' / 'safety_properties.yaml'
ANGLES = np.linspace(-np.pi, np.pi, 360, endpoint=False)
STEP, WALL = 0.05, 2.0


class Track:
    """A robot on a line in front of a wall, whose drive does what the monitor lets through."""

    def __init__(self, folder):
        rules = build(SafetyRules, {'brakes.action': 'off'})
        self.log = SafetyLog(SafetyLogSettings(folder=str(folder)), rules, RobotSpec())
        self.guard = Guard(rules, RobotSpec(), log=self.log)
        self.x, self.now, self.speed, self.blind, self.silent = 0.0, 1.0, 0.0, False, False

    def drive(self, speed, seconds):
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.x += self.speed * STEP
            with np.errstate(divide='ignore'):
                ahead = np.where(np.cos(ANGLES) > 0.0, (WALL - self.x) / np.cos(ANGLES), np.inf)
            ranges = np.minimum(ahead, 9.0 + 0.1 * np.sin(ANGLES + self.now))
            if not self.silent:
                self.guard.take_scan(np.full(360, np.nan) if self.blind else ranges, ANGLES, 0.05,
                                     12.0, self.now)
            self.guard.take_odometry(np.array((self.speed, 0.0, 0.0)), self.now)
            said = self.guard.check(np.array((speed, 0.0, 0.0)), self.now, self.now).command[0]
            self.speed += float(np.clip(said - self.speed, -1.5 * STEP, 1.0 * STEP))

    def trace(self, folder):
        self.log.close()
        signals = LogSignals()
        assert replay(folder, signals.take).identical
        return signals.trace()


def verdicts(trace):
    found = check(read_properties(yaml.safe_load(SHIPPED.read_text()), 'shipped'), trace)
    assert len(found) == 8
    return {f.name: f.verdict for f in found if f.verdict != 'holds'}


@pytest.fixture
def track(tmp_path):
    """Stop before the wall, then creep on to it by an override."""
    track = Track(tmp_path)
    track.drive(0.7, 6.0)
    assert track.x > 1.4 and track.speed < 0.05
    track.guard.override(track.now)
    track.drive(0.1, 1.6)
    return track


def test_all_of_them_hold_on_a_drive_that_sees_its_way(track, tmp_path):
    track.guard.latch(track.now)
    track.drive(0.5, 1.0)
    trace = track.trace(tmp_path)
    s = trace.signals
    assert ((s['action'] == 3.0) & (s['body_speed'] > 0.05)).any() and (s['distance'] < 0.04).any()
    assert s['overridden'].any() and s['latched'].any()
    assert (s['in_speed'] > s['out_speed'] + 0.1).any()
    assert verdicts(trace) == {}


def test_monitor_that_is_switched_off_breaks_none_and_what_nobody_saw_stays_open(track, tmp_path):
    track.guard.toggle(False, track.now)  # while the override holds
    track.drive(-0.5, 1.5)
    track.silent = True
    track.drive(-0.3, 1.0)
    track.silent, track.blind = False, True
    track.drive(-0.3, 0.5)
    track.guard.toggle(True, track.now)
    track.drive(-0.3, 1.0)
    track.blind = False
    track.drive(0.5, 1.0)
    track.silent = True
    track.drive(0.3, 1.0)
    trace = track.trace(tmp_path)
    s = trace.signals
    for occasion in (s['overridden'] == 1.0, s['usable'] == 0.0, s['age'] > 0.3):
        assert (occasion & (s['out_body_speed'] > 0.2) & (s['off'] == 1.0)).any()
    assert ((s['usable'] == 0.0) & (s['off'] == 0.0)).any()
    assert verdicts(trace) == {'no contact while moving': 'open'}
