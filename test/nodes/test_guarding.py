"""The guard out of the node's parameters: sources, their poses, zones, the learned predictor."""

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.guarding import build_guard, sources_of
from synth_nodes.nodes.parameters import SafetyMonitorParameters
from synth_nodes.settings import build
from synth_nodes.types import LidarSpec

ANGLES = LidarSpec().angles
FORWARD = np.array((0.4, 0.0, 0.0))


def guard_of(transforms=False, **values):
    s = build(SafetyMonitorParameters, {k.replace('__', '.'): v for k, v in values.items()})
    return build_guard(s, transforms, None)


def ask(guard, distance=3.0):
    guard.take_scan(np.full(360, distance, np.float32), ANGLES, 0.05, 12.0, 1.0)
    guard.take_odometry(np.zeros(3), 1.0)
    return guard.check(FORWARD, 1.0, 1.0)


def test_without_sources_there_is_the_scan_where_the_lidar_is():
    guard, problem = guard_of(lidar__mount=(0.1, 0.0, 3.14159265))
    assert list(guard.intakes) == ['scan'] and not problem
    ranges = np.full(360, np.inf, np.float32)
    ranges[0] = 1.0  # straight behind the laser, which looks back
    guard.take_scan(ranges, ANGLES, 0.05, 12.0, 1.0)
    assert guard.intakes['scan'].source(1.0).points_base[0] == pytest.approx((1.1, 0.0), abs=1e-6)


def test_poses_come_from_the_mount_from_transforms_or_for_a_scan_from_the_lidar():
    values = {'sources__scan__kind': 'scan', 'sources__fence__kind': 'polygon',
              'sources__top__kind': 'pointcloud', 'lidar__mount': (0.15, 0.0, 0.0),
              'sources__sonar__kind': 'range', 'sources__sonar__mount': (0, 0, 1.0, 0, 0, 0)}
    guard, _ = guard_of(True, **values)
    assert guard.intakes['scan'].mount is None and guard.intakes['top'].mount is None
    assert guard.intakes['sonar'].mount.translation[2] == 1.0
    assert guard.intakes['fence'].settings.frame == 'base_link'
    with pytest.raises(InputError, match="'top': 'mount' is not given"):
        guard_of(**values)
    guard, _ = guard_of(**values, sources__top__mount=(0.2, 0, 0.4, 0, 0, 0))
    assert guard.intakes['scan'].mount.translation[0] == 0.15


def test_sources_are_exactly_those_that_are_given():
    s = build(SafetyMonitorParameters, {'sources.rear.topic': 'rear_scan'})
    assert list(sources_of(s)) == ['rear'] and sources_of(s)['rear'].topic == 'rear_scan'


def test_lidar_that_cannot_keep_the_rules_is_refused_at_the_start_with_the_inequality():
    with pytest.raises(InputError, match=r"'range_max' = 0.9 m is less than .* v\*tau"):
        guard_of(lidar__range_max=0.9)


def test_sources_that_the_rules_cannot_be_kept_with_are_refused_at_the_start():
    with pytest.raises(InputError, match=r"'sources\.scan\.timeout' = 10\.0 s; make that"):
        guard_of(sources__scan__timeout=10.0)
    cloud = {'sources__top__kind': 'pointcloud', 'sources__top__mount': (0.2, 0, 0.4, 0, 0, 0)}
    guard_of(**cloud)
    with pytest.raises(InputError, match=r"'sources\.top\.max_range' = 0\.6 m is less than"):
        guard_of(**cloud, sources__top__max_range=0.6)


def test_scanner_that_cannot_keep_the_rules_is_refused_by_its_first_scan():
    guard, _ = guard_of()
    assert ask(guard).action == 'pass'
    guard.take_scan(np.full(360, 0.7, np.float32), ANGLES, 0.05, 0.8, 1.0)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.source == 'scan' and "'range_max' = 0.8 m is less than" in verdict.reason
    guard.take_scan(np.full(12, 3.0, np.float32), ANGLES[::30], 0.05, 12.0, 1.0)
    assert "'source.smallest_obstacle'" in guard.check(FORWARD, 1.0, 1.0).reason
    assert ask(guard).action == 'pass'


def test_rehearsal_leaves_the_guard_without_data():
    guard, _ = guard_of(zones__a__shape='circle', zones__a__action='stop', zones__a__radius=0.5,
                        sources__top__kind='pointcloud', sources__top__mount=(0.0,) * 6,
                        sources__fence__kind='polygon')
    assert not any(i.source(1.0).valid for i in guard.intakes.values())
    assert guard.verdict.reason == 'no command has come yet' and guard.counts['checked'] == 0


def test_missing_predictor_is_said_and_the_geometry_stands():
    guard, problem = guard_of(risk_model='nowhere.onnx')
    assert problem.startswith("no learned predictor: no collision predictor at 'nowhere.onnx'")
    assert ask(guard).command == pytest.approx((0.4, 0.0, 0.0))
    assert ask(guard, 0.3).command[0] < 0.05


def test_learned_predictor_slows_down_before_the_geometry_does(tmp_path):
    pytest.importorskip('onnx')
    from nearness import write_predictor

    write_predictor(tmp_path, scale=4.0)
    guard, problem = guard_of(risk_model=str(tmp_path))
    assert not problem
    verdict = ask(guard)  # a risk of 4 * 0.4 / 3
    assert verdict.rule == 'risk' and 'is 0.53' in verdict.reason
    assert verdict.command[0] == pytest.approx(0.4 * (1 - 0.75 * (1.6 / 3 - 0.2) / 0.6))
    assert guard.predictor.problem == ''
