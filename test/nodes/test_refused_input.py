"""Bad input ends a node with exit code 2 and one line."""

import pytest

pytestmark = pytest.mark.graph


@pytest.mark.parametrize(('node', 'parameter', 'words'), [
    ('imu_node', 'seed:=1.5', "parameter 'seed' = 1.5 must be an integer"),
    ('imu_node', 'imu.gyro_noise:=0', 'write 0.0'),
    ('imu_node', 'imu.gyro_noise:=7.0', 'is outside [0.0, 0.1]'),
    ('imu_node', 'lidar.raneg_max:=5.0', 'did you mean'),
    ('safety_monitor_node', 'safety.escape.clearance:=0.9', 'escape.clearance'),
    ('policy_node', 'goal_source:=stars', 'must be one of path, goal_pose'),
    ('policy_node', 'model:=nowhere.onnx', "no policy at 'nowhere.onnx'"),
    ('world_node', 'map:=nowhere.yaml', 'nowhere.yaml'),
    ('world_node', 'start_pose:=[0.0, 1.0]', 'must be [x, y, yaw]'),
])
def test_bad_parameter(refused, node, parameter, words):
    assert words in refused(node, parameter)


def test_truncated_model(refused, tmp_path):
    pytest.importorskip('onnx')
    from carrot import write_carrot

    model = write_carrot(tmp_path) / 'policy.onnx'
    model.write_bytes(model.read_bytes()[:100])
    assert 'policy.onnx' in refused('policy_node', f'model:={model}')


def test_unreadable_parameter_file(tmp_path):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, '-m', 'synth_nodes.nodes.imu_node', '--ros-args', '--params-file',
         str(tmp_path / 'none.yaml')], capture_output=True, text=True)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert 'none.yaml' in done.stderr.splitlines()[-1]
