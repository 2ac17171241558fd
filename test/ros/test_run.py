import subprocess
import sys

HANGS = """
import os, signal, threading
from rclpy.node import Node
from synth_nodes.ros import run
run.END = 1.0

class Hangs(Node):
    def __init__(self):
        super().__init__('hangs')
        os.kill(os.getpid(), signal.SIGINT)

    def close(self):
        threading.Event().wait()

run.run_node(Hangs)
"""


def test_a_node_that_hangs_when_it_is_to_end_says_where_and_is_ended():
    done = subprocess.run(
        [sys.executable, '-c', HANGS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'Timeout' in done.stderr and 'in close' in done.stderr
