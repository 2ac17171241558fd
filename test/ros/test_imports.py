import itertools
import os
import subprocess
import sys

import pytest

_RUN = {
    'rclpy': 'import rclpy; rclpy.init(); rclpy.create_node("n")',
    'torch': 'import torch; assert torch.ones(3).sum() == 3',
    'onnxruntime': 'import onnxruntime; onnxruntime.get_available_providers()',
}


@pytest.mark.parametrize('order', [
    pytest.param(order, id='-'.join(order)) for order in itertools.permutations(_RUN)
    if order[1] != 'onnxruntime'])
def test_rclpy_torch_and_onnxruntime_live_in_one_process(order):
    pytest.importorskip('torch')
    code = '; '.join(_RUN[name] for name in order)
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True,
        env={**os.environ, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
             'ROS_DOMAIN_ID': str(101 + os.getpid() % 100)})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('node', ['policy_node', 'safety_monitor_node'])
def test_nodes_for_the_robot_need_no_learning_and_no_simulation(node):
    code = (f'import sys, synth_nodes.nodes.{node}; '
            'print([m for m in ("torch", "numba", "matplotlib", "rosbags") if m in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr
