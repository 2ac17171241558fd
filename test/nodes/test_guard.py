from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.guard import COUNTERS, Guard
from synth_nodes.nodes.speaking import Pace
from synth_nodes.safety.intake import Intake
from synth_nodes.safety.log import SafetyLog
from synth_nodes.safety.log_files import SafetyLogSettings
from synth_nodes.safety.mounts import mount_of
from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.replay import replay
from synth_nodes.safety.rules import EscapeRules, SafetyRules
from synth_nodes.safety.zone_settings import SourceSettings
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

ANGLES = np.linspace(-np.pi, np.pi, 360, endpoint=False)
FORWARD = np.array((0.4, 0.0, 0.0))


def feed(guard, distance=8.0, stamp=1.0, velocity=(0.0, 0.0, 0.0)):
    guard.take_scan(np.full(360, distance, np.float32), ANGLES, 0.05, 12.0, stamp)
    guard.take_odometry(np.array(velocity), stamp)


@pytest.fixture
def guard():
    guard = Guard(SafetyRules(), RobotSpec(), (0.0, 0.0, 0.0))
    feed(guard)
    return guard


def test_clear_way_lets_the_command_through(guard):
    verdict = guard.check(FORWARD, 1.0, 1.01)
    assert verdict.action == 'pass' and verdict.command == pytest.approx((0.4, 0.0, 0.0))


def test_wall_ahead_stops(guard):
    feed(guard, distance=0.3)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.command[0] < 0.05 and verdict.source == 'scan'


def test_before_any_data_everything_is_a_stop():
    guard = Guard(SafetyRules(), RobotSpec(), (0.0, 0.0, 0.0))
    assert guard.verdict.action == 'stop'
    assert guard.recheck(1.0).reason == 'no command has come yet'
    assert guard.check(FORWARD, 1.0, 1.0).command == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(('command', 'stamp', 'now'), [
    ((np.nan, 0, 0), 1.0, 1.0), ((0.4, 0, np.inf), 1.0, 1.0), ((0.4, 0, 0), 0.5, 1.0),
    ((0.4, 0, 0), 1.5, 1.0), ((0.4, 0, 0), np.nan, 1.0)])
def test_broken_late_or_future_command_stops(guard, command, stamp, now):
    verdict = guard.check(np.array(command, float), stamp, now)
    assert verdict.command == (0.0, 0.0, 0.0) and verdict.rule == 'command'


@pytest.mark.parametrize('scan_stamp', [0.5, 1.5])
def test_late_or_future_scan_stops_and_is_named(guard, scan_stamp):
    feed(guard, stamp=scan_stamp)
    guard.take_odometry(np.zeros(3), 1.0)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.action == 'stop' and verdict.source == 'scan'


def test_starved_monitor_stops_and_says_for_how_long(guard):
    guard.check(FORWARD, 1.0, 1.0)
    feed(guard, stamp=1.2)
    assert guard.recheck(1.2).action == 'pass'
    feed(guard, stamp=1.4)
    verdict = guard.recheck(1.4)
    assert verdict.action == 'stop' and '0.40 s' in verdict.reason


def test_obstacle_between_two_commands_is_seen(guard):
    guard.check(FORWARD, 1.0, 1.0)
    feed(guard, distance=0.3, stamp=1.05)
    assert guard.recheck(1.05).command[0] < 0.05


@pytest.mark.parametrize(('stamp', 'now', 'silence', 'speaks'), [
    (1.0, 1.04, 0.04, False), (1.0, 1.05, 0.049, True),      # silence while it moves
    (0.75, 1.06, 0.01, True), (0.75, 1.04, 0.01, False),     # a command that grows too old
    (np.nan, 1.0, 0.02, False), (np.nan, 1.0, 0.024, True)])   # zeros while stopped
def test_monitor_speaks_unasked_when_it_must(guard, stamp, now, silence, speaks):
    moves = any(guard.check(FORWARD, stamp, 1.0).command)
    pace = Pace(SafetyRules().command.period)
    pace.spoke(9.0, 9.0, moves, asked=True)
    assert pace.due(guard, 9.0 + silence, now) is speaks


def test_latched_stop_holds_until_reset_and_a_new_command(guard):
    guard.latch(1.0)
    assert guard.check(FORWARD, 1.0, 1.0).rule == 'latched'
    assert 'reset it first' in guard.override(1.0)
    assert guard.reset(1.0) == ''
    assert guard.recheck(1.0).action == 'stop'
    assert guard.check(FORWARD, 1.01, 1.01).action == 'pass'


def test_new_guard_keeps_a_latched_stop_and_weak_brakes_until_they_are_reset(guard, tmp_path):
    log = SafetyLog(SafetyLogSettings(folder=str(tmp_path)), SafetyRules(), RobotSpec())
    guard.latch(1.0)
    guard.brakes.problem = 'the drive brakes weaker'
    after = Guard(SafetyRules(), RobotSpec(), log=log)
    after.inherit(guard, 2.0)
    feed(after, stamp=2.0)
    verdict = after.check(FORWARD, 2.0, 2.0)
    assert verdict.rule == 'latched' and 'asked for at 1.00 s' in verdict.reason
    assert after.brakes.problem == 'the drive brakes weaker'
    after.reset(2.0)
    assert after.check(FORWARD, 2.01, 2.01).action == 'pass' and not after.brakes.problem
    log.close()
    assert replay(tmp_path).events == {'latch': 1, 'reset': 1}
    fresh = Guard(SafetyRules(), RobotSpec())
    fresh.inherit(after, 3.0)
    feed(fresh, stamp=3.0)
    assert fresh.check(FORWARD, 3.0, 3.0).action == 'pass'


def test_override_lets_the_robot_creep_to_a_wall(guard):
    feed(guard, distance=0.23)
    assert guard.override(1.0) == ''
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.rule == 'override' and 0.0 < verdict.command[0] <= 0.1 + 1e-9


def test_every_command_is_counted_once(guard):
    for k in range(5):
        guard.check(FORWARD, 1.0 + 0.01 * k, 1.0 + 0.01 * k)
    guard.recheck(1.05)
    assert guard.counts['checked'] == 5 == sum(guard.counts[n] for n in set(COUNTERS.values()))


def test_contradicting_rules_are_refused():
    rules = SafetyRules(escape=EscapeRules(clearance=0.9))
    with pytest.raises(InputError, match='clearance'):
        Guard(rules, RobotSpec(), (0.0, 0.0, 0.0))


@settings(max_examples=80, deadline=None)
@given(st.floats(-1, 3), st.floats(-1, 3), st.floats(-1, 3))
def test_only_fresh_data_ever_let_the_robot_move(command_stamp, scan_stamp, odom_stamp):
    guard = Guard(SafetyRules(), RobotSpec(), (0.0, 0.0, 0.0))
    feed(guard, stamp=scan_stamp)
    guard.take_odometry(np.zeros(3), odom_stamp)
    if any(guard.check(FORWARD, command_stamp, 1.0).command):
        for stamp in (command_stamp, scan_stamp, odom_stamp):
            assert -0.05 - 1e-9 <= 1.0 - stamp <= 0.3 + 1e-9


def intake(name, kind='scan', **values):
    return Intake(name, SourceSettings(kind=kind, **values), SafetyRules().source, mount_of(()))


def two_eyes(**values):
    guard = Guard(SafetyRules(), RobotSpec(), intakes=[
        intake('scan'), intake('rear', 'pointcloud', timeout=1.0)], **values)
    feed(guard)
    guard.take_cloud(np.zeros((0, 3)), 1.0, 'rear')
    return guard


BOX = np.array(((1.0, 0.5), (-0.5, 0.5), (-0.5, -0.5), (1.0, -0.5)))
SLOW = UserZone('slow', 'polygon', 'slowdown', BOX, slowdown_ratio=0.25)


def test_every_source_must_be_sound_and_each_has_its_own_timeout():
    guard = two_eyes()
    assert guard.check(FORWARD, 1.0, 1.0).action == 'pass'
    feed(guard, stamp=1.9)
    assert guard.check(FORWARD, 1.9, 1.9).action == 'pass'
    feed(guard, stamp=2.1)
    verdict = guard.check(FORWARD, 2.1, 2.1)
    assert (verdict.rule, verdict.source) == ('source', 'rear')
    assert guard.states(2.1)['source rear'].startswith('refused: its data is 1.10 s old')


def test_cloud_stops_the_robot_before_what_the_scan_does_not_see():
    guard = two_eyes()
    guard.take_cloud(np.array([(0.3, 0.0, 0.8)]), 1.0, 'rear')
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.command[0] < 0.05 and verdict.source == 'rear'


def test_range_and_polygon_are_sources_too():
    guard = Guard(SafetyRules(), RobotSpec(), intakes=[
        intake('sonar', 'range'), intake('fence', 'polygon')])
    guard.take_odometry(np.zeros(3), 1.0)
    for distance, shift, source in ((4.0, 5.0, ''), (0.3, 5.0, 'sonar'), (4.0, 0.8, 'fence')):
        guard.take_range(distance, 0.3, 0.02, 5.0, 1.0, 'sonar')
        guard.take_polygon(BOX + np.array((shift, 0.0)), 1.0, 'fence')
        assert guard.check(FORWARD, 1.0, 1.0).source == source


BACKWARDS = np.array((-0.4, 0.0, 0.0))
SLOWLY = 0.25
"""What the strip around the robot, taken as free, leaves of a command [m/s]."""
FLOOR = np.stack((*np.meshgrid(np.linspace(0.3, 6.0, 60), np.linspace(-2.0, 2.0, 81)),
                  np.zeros((81, 60))), axis=-1).reshape(-1, 3)


def watched(*intakes):
    robot = RobotSpec(max_reverse_speed=0.8)
    guard = Guard(SafetyRules(), robot, intakes=[Intake(
        name, settings, SafetyRules().source, mount_of(()), footprint=robot.footprint)
        for name, settings in intakes])
    guard.take_odometry(np.zeros(3), 1.0)
    return guard


@pytest.mark.parametrize(('settings', 'points', 'seen'), [
    ({}, FLOOR, True), ({}, np.zeros((0, 3)), False),
    ({'sector': (-1.0, 1.0)}, np.zeros((0, 3)), True),
    ({'sector': (2.0, 4.0)}, np.zeros((0, 3)), False)])
def test_robot_with_a_camera_alone_only_creeps_where_it_does_not_look(settings, points, seen):
    guard = watched(('eye', SourceSettings(kind='pointcloud', **settings)))
    guard.take_cloud(points, 1.0, 'eye')
    ahead = guard.check(FORWARD, 1.0, 1.0)
    if seen:
        assert ahead.action == 'pass'
    else:
        assert (ahead.rule, ahead.source) == ('unseen', 'eye')
        assert 0.0 < ahead.command[0] < SLOWLY
    behind = guard.check(BACKWARDS, 1.001, 1.001)
    if settings.get('sector') == (2.0, 4.0):
        assert behind.action == 'pass'
    else:
        assert behind.rule == 'unseen' and -SLOWLY < behind.command[0] < 0.0


def test_robot_with_a_short_sonar_alone_only_creeps():
    guard = watched(('sonar', SourceSettings(kind='range')))
    guard.take_range(np.inf, 0.5, 0.02, 0.5, 1.0, 'sonar')
    assert 0.0 < guard.check(np.array((0.8, 0.0, 0.0)), 1.0, 1.0).command[0] < SLOWLY


def test_what_a_scan_sees_a_camera_need_not_see():
    guard = watched(('scan', SourceSettings()), ('eye', SourceSettings(kind='pointcloud')))
    feed(guard)
    guard.take_cloud(FLOOR, 1.0, 'eye')
    assert guard.check(BACKWARDS, 1.0, 1.0).action == 'pass'


def test_source_that_is_switched_off_cannot_stop_the_robot_and_all_off_is_a_stop():
    guard = two_eyes()
    feed(guard, stamp=2.5)
    assert guard.check(FORWARD, 2.5, 2.5).source == 'rear'
    guard.enable_source('rear', False, 2.5)
    assert guard.check(FORWARD, 2.5, 2.5).action == 'pass'
    assert guard.states(2.5)['source rear'] == 'switched off'
    guard.enable_source('scan', False, 2.5)
    assert guard.check(FORWARD, 2.5, 2.5).rule == 'source'


def test_message_that_cannot_be_read_stops_the_robot_and_is_named():
    guard = two_eyes()
    guard.refuse('rear', 'no transform', 1.0)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.source == 'rear' and 'no transform' in verdict.reason


def test_zone_acts_can_be_switched_and_is_told_with_its_state():
    guard = two_eyes(zones=[SLOW])
    near = np.full(360, 8.0, np.float32)
    near[180] = 0.9
    guard.take_scan(near, ANGLES, 0.05, 12.0, 1.0)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert (verdict.action, verdict.rule) == ('slowdown', 'slow')
    assert guard.states(1.0)['zone slow'] == 'slowdown'
    guard.enable_zone('slow', False, 1.0)
    assert guard.check(FORWARD, 1.0, 1.0).rule != 'slow'
    assert guard.states(1.0)['zone slow'] == 'switched off'


def test_zone_waits_for_its_shape_and_a_bad_one_stops_the_robot_again():
    guard = two_eyes(zones=[replace(SLOW, corners=None)])
    assert 'no shape' in guard.check(FORWARD, 1.0, 1.0).reason
    guard.take_shape('slow', 1.0, corners=BOX)
    assert guard.check(FORWARD, 1.0, 1.0).action == 'pass'
    for bad in (BOX[:2], BOX * np.nan, None):
        guard.take_shape('slow', 1.0, corners=bad)
        assert guard.check(FORWARD, 1.0, 1.0).action == 'stop'
        assert guard.states(1.0)['zone slow'] == 'no shape'
    guard = two_eyes(zones=[UserZone('round', 'circle', 'stop')])
    guard.take_shape('round', 1.0, radius=np.inf)
    assert guard.check(FORWARD, 1.0, 1.0).action == 'stop'
    guard.take_shape('round', 1.0, radius=0.5)
    assert guard.check(FORWARD, 1.0, 1.0).action == 'pass'


def test_points_are_carried_along_with_the_robot_while_data_grows_old():
    verdicts = []
    for speed in (0.0, 0.4):
        guard = Guard(SafetyRules(), RobotSpec())
        ranges = np.full(360, 8.0, np.float32)
        ranges[180] = 1.2
        guard.take_scan(ranges, ANGLES, 0.05, 12.0, 0.8)
        guard.take_odometry(np.array((speed, 0.0, 0.0)), 1.0)
        verdicts.append(guard.check(FORWARD, 1.0, 1.0))
    still, moving = verdicts
    assert still.margin - moving.margin == pytest.approx(0.4 * 0.2, abs=1e-3)


def test_two_publishers_stop_the_robot_and_are_named_until_one_is_left(guard):
    guard.take_publishers(['/policy_node', '/teleop'], 1.0)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.rule == 'command' and '/policy_node, /teleop' in verdict.reason
    assert guard.recheck(1.0).action == 'stop'
    guard.take_publishers(['/policy_node'], 1.1)
    feed(guard, stamp=1.1)
    assert guard.check(FORWARD, 1.1, 1.1).action == 'pass'
    open_rules = build(SafetyRules, {'command.publishers': 'any'})
    other = Guard(open_rules, RobotSpec())
    feed(other)
    other.take_publishers(['/a', '/b'], 1.0)
    assert other.check(FORWARD, 1.0, 1.0).action == 'pass'


def test_another_that_commands_the_base_stops_the_robot_unless_any_may(guard):
    both = ['/docking', '/safety_monitor_node']
    guard.take_publishers(['/policy_node'], 1.0, both)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.rule == 'command' and verdict.action == 'stop'
    assert '2 publish what the base follows: /docking, /safety_monitor_node' in verdict.reason
    assert guard.recheck(1.0).action == 'stop'
    guard.take_publishers(['/policy_node'], 1.1, [])
    feed(guard, stamp=1.1)
    assert guard.check(FORWARD, 1.1, 1.1).action == 'pass' and not guard.commanding
    other = Guard(build(SafetyRules, {'command.publishers': 'any'}), RobotSpec())
    feed(other)
    other.take_publishers([], 1.0, both)
    assert other.check(FORWARD, 1.0, 1.0).action == 'pass' and other.commanding == tuple(both)


def test_odometry_that_cannot_be_used_stops_the_robot_and_is_told_until_it_can(guard, tmp_path):
    log = SafetyLog(SafetyLogSettings(folder=str(tmp_path)), SafetyRules(), RobotSpec())
    guard = Guard(SafetyRules(), RobotSpec(), log=log)
    feed(guard)
    assert guard.check(FORWARD, 1.0, 1.0).action == 'pass'
    assert guard.states(1.0)['odometry'] == 'ok'
    for _ in range(2):
        guard.take_odometry(np.zeros(3), 1.01, "is in 'odom', not 'base_link'")
    verdict = guard.check(FORWARD, 1.02, 1.02)
    assert (verdict.action, verdict.rule) == ('stop', 'velocity')
    assert guard.states(1.02)['odometry'] == "refused: its velocity is in 'odom', not 'base_link'"
    guard.take_odometry(np.zeros(3), 1.03)
    assert guard.check(FORWARD, 1.03, 1.03).action == 'pass'
    assert guard.states(1.4)['odometry'].startswith('refused: its velocity is 0.37 s old')
    log.close()
    assert replay(tmp_path).events == {'odometry': 2} and replay(tmp_path).identical


def test_command_with_a_fault_is_refused_and_not_judged_again(guard):
    assert guard.check(FORWARD, 1.0, 1.0, "its frame is 'map', not 'base_link'").reason.endswith(
        "its frame is 'map', not 'base_link'")
    assert not guard.command.any() and guard.recheck(1.0).action == 'stop'


def test_monitor_is_on_at_first_and_off_only_passes_sound_commands(guard):
    feed(guard, distance=0.3)
    assert not guard.off and guard.check(FORWARD, 1.0, 1.0).command[0] < 0.05
    assert guard.toggle(False, 1.0) == ''
    verdict = guard.check(FORWARD, 1.01, 1.01)
    assert verdict.rule == 'off' and verdict.command == pytest.approx((0.4, 0.0, 0.0))
    assert guard.recheck(1.5).command == (0.0, 0.0, 0.0)
    guard.toggle(True, 1.5)
    feed(guard, distance=0.3, stamp=1.6)
    assert guard.check(FORWARD, 1.6, 1.6).command[0] < 0.05


class Oracle:
    """A predictor that says what it is told."""

    def __init__(self, risk):
        self.said, self.scans, self.problem = risk, 0, ''

    def take(self, ranges, angles, stamp):
        self.scans += 1

    def risk(self, command):
        return self.said


@pytest.mark.parametrize(('risk', 'left'), [(0.0, 0.4), (0.5, 0.25), (1.0, 0.1), (None, 0.4)])
def test_learned_risk_slows_down_and_its_lack_leaves_the_geometry(risk, left):
    guard = Guard(SafetyRules(), RobotSpec(), predictor=Oracle(risk))
    feed(guard)
    assert guard.check(FORWARD, 1.0, 1.0).command[0] == pytest.approx(left)
    assert guard.predictor.scans == 1 and guard.risk == risk


EVENTS = {
    10: lambda guard, now: guard.take_shape('told', now, corners=BOX / 2),
    30: lambda guard, now: guard.enable_zone('slow', False, now),
    40: lambda guard, now: guard.enable_zone('slow', True, now),
    50: lambda guard, now: guard.toggle(False, now),
    60: lambda guard, now: guard.toggle(True, now),
    70: lambda guard, now: guard.enable_source('rear', False, now),
    80: lambda guard, now: guard.latch(now), 85: lambda guard, now: guard.reset(now),
    90: lambda guard, now: guard.override(now)}
"""What happens at which cycle of the log below."""


def test_log_of_a_guard_with_everything_replays_bit_for_bit(tmp_path):
    log = SafetyLog(SafetyLogSettings(folder=str(tmp_path)), SafetyRules(), RobotSpec())
    guard = Guard(SafetyRules(), RobotSpec(), log=log, predictor=Oracle(0.4), intakes=[
        intake('scan'), intake('rear', 'pointcloud', timeout=1.0)], zones=[
        replace(SLOW, release_after=3, hold_time=0.1), replace(SLOW, name='told', corners=None)])
    rng = np.random.default_rng(3)
    for k in range(120):
        now = 1.0 + 0.025 * k
        guard.take_odometry(rng.normal(0, 0.2, 3), now)
        guard.take_scan(rng.uniform(0.4, 6.0, 360), ANGLES, 0.05, 12.0, now)
        guard.take_cloud(rng.normal(0, 1.5, (40, 3)), now, 'rear')
        EVENTS.get(k, lambda guard, now: '')(guard, now)
        guard.check(rng.uniform(-0.5, 0.8, 3) * (40.0 if k == 65 else 1.0), now, now)
        if k % 4 == 0:
            guard.recheck(now + 0.01)
    log.close()
    result = replay(tmp_path)
    assert result.identical and result.verdicts == 150 and not result.lost
    rules = {rule for _, rule in result.actions}
    assert {'slow', 'told', 'off', 'latched', 'override', 'command'} <= rules
    assert result.events.pop('brakes') > 0, 'these velocities are those of no drive'
    assert result.events == {'shape': 1, 'zone': 2, 'toggle': 2, 'source': 1, 'latch': 1,
                             'reset': 1, 'override': 1}
