"""The campaign's drive against what is known of a drive in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.campaign.batch import draw_batch
from synth_nodes.campaign.chunks import Plan, run_chunk
from synth_nodes.campaign.drive import advance, draw_drives, Drives, moved, Wheels
from synth_nodes.campaign.setups import broken, draw_setup, DT
from synth_nodes.campaign.watched import stop_once
from synth_nodes.safety.brakes import BrakeWatch
from synth_nodes.safety.rules import reaction_time, SafetyRules
from synth_nodes.types import RobotSpec

STOP, GO = np.zeros((1, 3)), np.array([[0.8, 0.0, 0.0]])


def drives(lag=0.0, kind='differential'):
    blend = 1.0 if lag == 0 else 1 - np.exp(-DT / lag)
    return Drives(kind, np.full((1, 1), blend), np.zeros(1, np.int64),
                  np.array([[1.0, 1.0, 4.0]]), np.array([[1.5, 1.0, 4.0]]), 0.4, 0.6, 2.0)


def run(drive, wheels, target, seconds):
    pose = np.zeros((1, 3))
    for _ in range(round(seconds / DT)):
        wheels, pose = advance(drive, wheels, pose, target)
    return wheels, pose[0]


def still(velocity=STOP):
    return Wheels(velocity.copy(), velocity.copy(), np.zeros(1))


def test_braking_way_is_that_of_the_stated_deceleration():
    wheels, pose = run(drives(), still(GO), STOP, 2.0)
    assert np.abs(wheels.velocity).max() == 0.0
    assert pose[0] == pytest.approx(0.8 ** 2 / (2 * 1.5), abs=0.8 * DT)


def test_lag_lengthens_the_way_by_speed_times_lag():
    _, sharp = run(drives(), still(GO), STOP, 4.0)
    _, lagging = run(drives(0.1), still(GO), STOP, 4.0)
    assert lagging[0] - sharp[0] == pytest.approx(0.8 * 0.1, abs=0.8 * DT)


def test_acceleration_is_not_exceeded():
    drive, wheels, pose = drives(), still(), np.zeros((1, 3))
    for _ in range(300):
        before = wheels.velocity.copy()
        wheels, pose = advance(drive, wheels, pose, np.array([[0.8, 0.0, 1.5]]))
        change = np.abs(wheels.velocity - before)[0]
        assert (change <= np.array([1.0, 1.0, 4.0]) * DT + 1e-12).all()
    assert wheels.velocity[0] == pytest.approx([0.8, 0.0, 1.5])


def test_steered_drive_turns_no_faster_than_it_steers_and_not_on_the_spot():
    drive, wheels, pose = drives(kind='ackermann'), still(GO), np.zeros((1, 3))
    for _ in range(100):
        before = wheels.steer.copy()
        wheels, pose = advance(drive, wheels, pose, np.array([[0.8, 0.0, 1.0]]))
        assert abs(wheels.steer - before)[0] <= 2.0 * DT + 1e-12
    assert wheels.velocity[0, 2] == pytest.approx(1.0, abs=1e-6)
    wheels, pose = run(drive, still(), np.array([[0.0, 0.0, 1.0]]), 1.0)
    assert not pose.any()


def test_arc_closes_after_a_full_turn_and_goes_back_the_way_it_came():
    twist = np.array([[0.5, 0.2, 0.7]])
    round_trip = moved(np.zeros((1, 3)), twist, 2 * np.pi / 0.7)
    assert round_trip[0, :2] == pytest.approx([0.0, 0.0], abs=1e-12)
    there = moved(np.array([[1.0, 2.0, 0.3]]), twist, 0.4)
    assert moved(there, twist, -0.4)[0] == pytest.approx([1.0, 2.0, 0.3])


@pytest.mark.parametrize('chunk', range(6))
def test_drawn_drives_are_within_the_stated_model(chunk):
    rng = np.random.default_rng(chunk)
    setup = draw_setup(rng)
    drawn = draw_drives(rng, setup, 500)
    lag = np.where(drawn.blend[:, 0] < 1, -DT / np.log1p(-np.minimum(drawn.blend[:, 0], 1 - 1e-9)),
                   0.0)
    react = reaction_time(setup.rules, setup.robot) - setup.rules.command.period
    assert (lag <= setup.robot.actuator_lag + 1e-9).all()
    assert (lag + drawn.dead * DT <= react + 1e-9).all()
    assert (drawn.fall[:, 0] >= setup.deceleration).all()
    assert (drawn.rise[:, 0] <= setup.robot.acceleration).all()


def test_broken_model_brakes_less_and_reacts_later():
    setup = draw_setup(np.random.default_rng(0), (SafetyRules(), RobotSpec()))
    bad = broken(setup)
    drawn = draw_drives(np.random.default_rng(0), bad, 100)
    assert drawn.fall[:, 0] == pytest.approx(0.7 * 1.5)
    late = 1.5 * reaction_time(setup.rules, setup.robot) - setup.rules.command.period
    assert bad.actuation == pytest.approx(late)
    assert (drawn.dead * DT > 0.8 * late - setup.robot.actuator_lag).all()


def test_start_in_motion_leaves_room_to_stop():
    for chunk in range(8):
        batch = draw_batch(5, chunk, 64)
        setup, v = batch.setup, np.hypot(*batch.velocity[:, :2].T)
        middle = np.fmin(np.hypot(*np.moveaxis(batch.scene.a, -1, 0)),
                         np.hypot(*np.moveaxis(batch.scene.b, -1, 0)))
        near = np.fmin.reduce(np.where(np.isnan(middle), np.inf, middle), axis=1)
        way = v * (setup.actuation + setup.rules.source.timeout) + v ** 2 / (
            2 * setup.deceleration)
        assert (near - batch.scene.radius.max() > way).all()


def test_setups_differ_and_are_reproducible():
    first, again, other = draw_batch(1, 0, 8), draw_batch(1, 0, 8), draw_batch(1, 1, 8)
    assert first.setup == again.setup != other.setup
    assert np.array_equal(first.velocity, again.velocity)
    assert replace(first.setup, breach=True) != first.setup


def test_watch_reports_broken_brakes_of_every_robot_that_stopped_and_no_sound_ones():
    for breach in (False, True):
        batch = draw_batch(2, 1, 6, breach=breach)
        watch = BrakeWatch(batch.setup.rules, batch.setup.robot, len(batch))
        stop_once(batch, watch)
        assert (watch.level > 0).all() == breach == (watch.level > 0).any()
    counts = run_chunk(Plan(2, 6, True, None, 2, watch=True), 1)['monitors']
    assert counts['watched_stop']['reported'] == 6 >= counts['watched']['reported']
    assert counts['watched_stop']['passed'] < counts['strict']['passed']
    assert counts['watched']['collisions'] <= counts['strict']['collisions']
