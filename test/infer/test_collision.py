"""The collision predictor's port: its contract, and that its failures are said, not raised."""

from dataclasses import replace

from nearness import LIDAR, ROBOT, SPEC, write_predictor
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.infer.collision import load_predictor
from synth_nodes.policy.collision import collision_contract, lidar_of

ANGLES = LIDAR.angles


def refused(path, robot=ROBOT, lidar=LIDAR):
    with pytest.raises(InputError) as caught:
        load_predictor(path, robot, lidar)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_probability_is_that_of_the_newest_scans_and_the_command(tmp_path):
    predictor = load_predictor(write_predictor(tmp_path), ROBOT, LIDAR)
    assert predictor.risk((0.5, 0.0, 0.0)) is None and 'no scan yet' in predictor.problem
    for k, distance in enumerate((4.0, 2.0)):
        predictor.take(np.full(360, distance, np.float32), ANGLES, 0.5 * k)
        assert predictor.risk((0.5, 0.0, 0.0)) == pytest.approx(0.5 / distance)
    assert predictor.risk((0.5, 0.0, 1.0)) == pytest.approx(0.75)
    assert predictor.problem == '' and predictor.contract.provenance['horizon'] == 2.0


def test_scan_of_other_beams_than_the_parameters_say_is_understood(tmp_path):
    predictor = load_predictor(write_predictor(tmp_path), ROBOT, LIDAR)
    predictor.take(np.full(181, 2.0, np.float32), np.linspace(-np.pi / 2, np.pi / 2, 181), 0.0)
    assert predictor.risk((0.5, 0.0, 0.0)) == pytest.approx(0.25)


@pytest.mark.parametrize(('angles', 'field', 'yaw'), [
    (np.linspace(0, 2 * np.pi, 360, endpoint=False), 2 * np.pi, np.pi),
    (np.linspace(-1.0, 2.0, 100), 3.0, 0.5), (ANGLES, 2 * np.pi, 0.0)])
def test_lidar_is_read_off_the_angles(angles, field, yaw):
    lidar = lidar_of(LIDAR, angles)
    assert (lidar.beams, lidar.field_of_view) == (len(angles), pytest.approx(field))
    assert np.allclose(lidar.angles + lidar.mount[2], angles) and lidar.mount[2] == pytest.approx(
        yaw, abs=1e-9)


@pytest.mark.parametrize('angles', [ANGLES[::-1], ANGLES ** 2, ANGLES[:1], ANGLES[:0]])
def test_unusable_scan_is_a_problem_and_no_error(tmp_path, angles):
    predictor = load_predictor(write_predictor(tmp_path), ROBOT, LIDAR)
    predictor.take(np.full(len(angles), 2.0, np.float32), angles, 0.0)
    assert predictor.risk((0.5, 0.0, 0.0)) is None and 'cannot use the scan' in predictor.problem
    predictor.take(np.full(360, 2.0, np.float32), ANGLES, 0.1)
    assert predictor.risk((0.5, 0.0, 0.0)) is not None and predictor.problem == ''


def test_what_is_no_probability_is_a_problem(tmp_path):
    predictor = load_predictor(write_predictor(tmp_path, scale=-1.0), ROBOT, LIDAR)
    predictor.take(np.full(360, 2.0, np.float32), ANGLES, 0.0)
    assert predictor.risk((0.5, 0.0, 0.0)) is None
    assert 'gave -0.25, no probability' in predictor.problem


def test_command_of_a_wrong_shape_is_a_problem_and_no_error(tmp_path):
    predictor = load_predictor(write_predictor(tmp_path), ROBOT, LIDAR)
    predictor.take(np.full(360, 2.0, np.float32), ANGLES, 0.0)
    assert predictor.risk((0.5, 0.0)) is None and 'failed' in predictor.problem


def test_missing_altered_or_unfitting_predictor_is_refused_in_one_line(tmp_path):
    assert 'no collision predictor' in refused(tmp_path / 'nowhere')
    folder = write_predictor(tmp_path / 'a')
    wide = replace(ROBOT, footprint=tuple(3 * v for v in ROBOT.footprint))
    assert 'robot.footprint' in refused(folder, wide)
    assert 'field_of_view' in refused(folder, ROBOT, replace(LIDAR, field_of_view=2.0))
    (folder / 'collision.onnx').write_bytes((folder / 'collision.onnx').read_bytes()[:-1])
    assert 'truncated' in refused(folder)
    (folder / 'collision.json').unlink()
    assert '.json' in refused(folder)
    other = collision_contract(ROBOT, SPEC, LIDAR, 2.0)
    assert "a model for 'driving'" in refused(
        write_predictor(tmp_path / 'b', contract=replace(other, task='driving')))
    assert 'outputs' in refused(write_predictor(tmp_path / 'c', name='chance'))
    one = write_predictor(tmp_path / 'd', contract=replace(other, inputs=other.inputs[::-1]))
    assert 'collision_contract()' in refused(one)


def test_predictor_that_gives_no_probability_at_once_is_refused(tmp_path):
    nothing = write_predictor(tmp_path, scale=np.nan)
    assert 'instead of a probability' in refused(nothing)
