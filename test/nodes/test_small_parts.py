"""Pairing, guide, tally, planar transforms, job, experience."""

from threading import Event

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.experience import Experience, GROUP
from synth_nodes.nodes.guide import Guide
from synth_nodes.nodes.job import Job
from synth_nodes.nodes.pairing import Pairing
from synth_nodes.nodes.planar import carry, compose, inverse
from synth_nodes.nodes.tally import Tally
from synth_nodes.tasks.detour import DetourSettings
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.tasks.planner import Planner
from synth_nodes.tasks.sighting import View
from synth_nodes.train.progress import check, Progress
from synth_nodes.types import GridMap, LidarSpec, RobotSpec

STEP = 25_000_000
poses = st.tuples(*[st.floats(-10, 10)] * 2, st.floats(-3, 3)).map(np.array)


def test_every_second_step_is_paired_with_its_partner_in_either_order():
    pairing, pairs = Pairing(2 * STEP), []
    for k in range(1, 9):
        first, second = (pairing.take, pairing.take_other)[:: 1 if k % 3 else -1]
        pairs += [p for p in (first(k * STEP, k), second(k * STEP, k)) if p]
    assert pairs == [(k, k) for k in (1, 2, 4, 6, 8)]
    assert pairing.dropped == 0


def test_partner_of_another_step_does_not_fit():
    pairing = Pairing(STEP)
    assert pairing.take_other(STEP, 'old') is None
    assert pairing.take(2 * STEP, 'new') is None
    assert pairing.take(3 * STEP, 'newer') is None and pairing.dropped == 1
    assert pairing.take_other(None, 'nothing there') == ('newer', 'nothing there')


@given(poses, poses)
def test_transform_and_its_inverse_cancel(a, b):
    assert compose(inverse(a), compose(a, b)) == pytest.approx(b, abs=1e-9)
    points = np.array(((1.0, 2.0), (-3.0, 0.5)))
    assert carry(inverse(a), carry(a, points)) == pytest.approx(points, abs=1e-9)
    assert carry(a, b[None, :2])[0] == pytest.approx(compose(a, b)[:2], abs=1e-9)


def test_one_touch_is_one_collision():
    tally = Tally()
    for touching, speed in ((0, 0.5), (1, 0.5), (1, 0.0), (0, 0.0), (1, 0.0)):
        tally.count(bool(touching), speed, 0.3)
    assert (tally.collisions, tally.collisions_moving, tally.clearance_min) == (2, 1, 0.3)


def test_a_touch_lasts_until_there_is_a_gap_again():
    tally = Tally()
    for touching, gap in ((True, 0.0008), (False, 0.0009), (True, 0.0007), (False, 0.01),
                          (True, 0.0008)):
        tally.count(touching, 0.1, gap)
    assert tally.collisions == 2


@pytest.fixture(scope='module')
def planner():
    grid = np.zeros((60, 100), np.int8)
    grid[:40, 50:53] = 100
    return Planner(GridMap(grid, 0.1), RobotSpec())


def test_path_ahead_shrinks_as_the_robot_drives(planner):
    guide = Guide(planner, 1.0)
    assert guide.ahead(np.zeros(3)) is None
    guide.take_goal(np.array((9.0, 1.0)), np.array((1.0, 1.0, 0.0)))
    whole = guide.ahead(np.array((1.0, 1.0, 0.0)))
    for point in whole[::4]:
        left = guide.ahead(np.array((*point, 0.0)))
    assert len(left) < 6 and guide.plans == 1


def test_strayed_robot_gets_a_new_path_from_where_it_is(planner):
    guide = Guide(planner, 0.8)
    guide.take_goal(np.array((4.0, 1.0)), np.array((1.0, 1.0, 0.0)))
    guide.ahead(np.array((2.0, 3.0, 0.0)))
    assert guide.plans == 2
    assert np.hypot(*(guide.ahead(np.array((2.0, 3.0, 0.0)))[0] - (2.0, 3.0))) < 0.2


def test_goal_in_a_wall_gives_an_empty_path_and_a_reason(planner):
    guide = Guide(planner, 1.0)
    guide.take_goal(np.array((50.0, 1.0)), np.array((1.0, 1.0, 0.0)))
    assert len(guide.ahead(np.array((1.0, 1.0, 0.0)))) == 0
    assert 'goal' in guide.fault


def test_robot_that_stands_before_something_new_gets_a_path_around_it(planner):
    pose, goal = np.array((4.0, 4.7, 0.0)), np.array((9.0, 1.0))
    things = np.array([(4.8, y) for y in (4.5, 4.6, 4.7)])
    away = things - pose[:2]
    seen = View(pose[:2], np.arctan2(away[:, 1], away[:, 0]), np.hypot(*away.T))
    for detours in (None, DetourSettings(enabled=False), DetourSettings(patience=2.0, still=1.0)):
        guide = Guide(planner, 1.0, detours)
        guide.take_goal(goal, pose)
        changed = [now for now in np.arange(0.0, 3.9, 0.2) if guide.watch(now, pose, seen)]
        near = np.hypot(*(guide.ahead(pose)[:, None] - things).swapaxes(0, 2)).min()
        if detours is None or not detours.enabled:
            assert not changed and near < 0.3 and guide.detours == {}
        else:
            assert 2.0 <= changed[0] < 2.7 and guide.plans == 1 + len(changed)
            assert near > 0.3 and guide.ahead(pose)[-1] == pytest.approx(goal)
            assert guide.detours['detours'] == 1


def test_job_reports_and_ends():
    def work(report, cancelled):
        report(Progress('half', 1, 2))
        return 'made it'

    job = Job(work)
    job.join(5.0)
    assert (job.state, job.message, job.progress.stage) == ('done', 'made it', 'half')


def test_job_is_cancelled_at_its_next_check():
    begun = Event()

    def work(report, cancelled):
        begun.set()
        while True:
            check(cancelled)

    job = Job(work)
    assert begun.wait(5.0) and job.state == 'running'
    job.cancel()
    job.join(5.0)
    assert job.state == 'cancelled'


@pytest.mark.parametrize(('error', 'details'), [(InputError('bad map'), False),
                                                (RuntimeError('broken'), True)])
def test_failed_job_says_why(error, details):
    def work(report, cancelled):
        raise error

    job = Job(work)
    job.join(5.0)
    assert job.state == 'failed' and str(error) in job.message
    assert bool(job.details) == details


def test_command_is_recorded_with_the_scan_it_answers():
    spec, lidar = ObservationSpec(), LidarSpec(beams=72)
    experience = Experience(spec, lidar, 0.1)
    assert experience.samples() is None
    experience.take_odometry(np.zeros(3), np.zeros(3))
    experience.take_path(np.array(((0.0, 0.0), (3.0, 0.0))))
    for k in range(2 * GROUP):
        stamp = 0.1 * k
        experience.take_scan(np.full(72, 4.0), stamp)
        experience.take_command(np.array((9.0, 0.0, 9.0)), stamp - 0.05)
        experience.take_command(np.array((0.4, 0.0, 0.1 if k else np.nan)), stamp)
    samples = experience.samples()
    samples.check(spec, 'recorded')
    assert len(samples) == 2 * GROUP - 1
    assert samples.command == pytest.approx(np.tile((0.4, 0.1), (len(samples), 1)), abs=1e-6)
    assert set(samples.group.tolist()) == {0, 1}


def test_nothing_is_recorded_without_a_path_or_at_its_end():
    experience = Experience(ObservationSpec(), LidarSpec(beams=72), 0.1)
    experience.take_odometry(np.array((2.9, 0.0, 0.0)), np.zeros(3))
    experience.take_scan(np.full(72, 4.0), 0.0)
    experience.take_command(np.zeros(3), 0.0)
    experience.take_path(np.array(((2.8, 0.0), (3.0, 0.0))))
    experience.take_scan(np.full(72, 4.0), 1.0)
    experience.take_command(np.zeros(3), None)
    assert experience.samples() is None
