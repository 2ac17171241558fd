"""Nodes as real processes, and a real rclpy peer to talk to them."""

import os
import signal
import subprocess
import sys
import time

import pytest

DOMAIN = 1 + os.getpid() % 100
ENVIRONMENT = {**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN),
               'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', 'PYTHONUNBUFFERED': '1',
               'PYTHONFAULTHANDLER': '1'}


def start(name, *parameters):
    """Start a node with parameters as `name:=value`."""
    arguments = [word for p in parameters for word in ('-p', p)]
    return subprocess.Popen(
        [sys.executable, '-m', f'synth_nodes.nodes.{name}', '--ros-args', *arguments],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Peer:
    """A node in the test's own process."""

    def __init__(self):
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        self.context = Context()
        rclpy.init(context=self.context, args=[], domain_id=DOMAIN)
        self.node = rclpy.create_node('peer', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.processes = []

    def start(self, name, *parameters):
        process = start(name, *parameters)
        self.processes.append(process)
        return process

    def listen(self, kind, topic, qos=10):
        """Collect the messages of a topic in a list."""
        heard = []
        self.node.create_subscription(kind, topic, heard.append, qos)
        return heard

    def until(self, condition, timeout=90.0):
        """Spin until a condition holds, kernels compiled first; False when it never did."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if condition():
                return True
            self.executor.spin_once(timeout_sec=0.02)
            died = [p for p in self.processes if p.poll() not in (None, 0)]
            assert not died, died[0].stderr.read()
        return False

    def spin(self, seconds):
        self.until(lambda: False, seconds)

    def call(self, service, name, timeout=20.0):
        """Call a Trigger service."""
        client = self.node.create_client(service, name)
        assert self.until(client.service_is_ready, timeout), f'{name} is not there'
        future = client.call_async(service.Request())
        assert self.until(future.done, timeout), f'{name} does not answer'
        return future.result()

    def end(self):
        """Interrupt the nodes; return their exit codes."""
        for process in self.processes:
            process.send_signal(signal.SIGINT)
        codes = []
        for process in self.processes:
            try:
                said = process.communicate(timeout=15)[1]
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                said = process.communicate()[1]
            if process.returncode:
                print(*process.args, said, sep='\n')
            codes.append(process.returncode)
        self.processes = []
        return codes

    def close(self):
        self.end()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def refused():
    """Start a node that must refuse its input; return the one line it says."""
    def run(name, *parameters):
        process = start(name, *parameters)
        out, err = process.communicate(timeout=60)
        lines = [line for line in err.splitlines() if not line.startswith('[ERROR]')]
        assert process.returncode == 2, err
        assert len(lines) == 1 and not out, out + err
        return lines[0]
    return run


@pytest.fixture
def drivers(peer):
    """Play a robot's scanner and odometry."""
    from drivers import Drivers

    return Drivers(peer)


@pytest.fixture
def monitor(peer, drivers):
    """Start a safety monitor that lets commands of 0.3 m/s through."""
    from drivers import Commands, moving

    peer.start('safety_monitor_node')
    commands = Commands(peer)
    assert peer.until(lambda: moving(commands.out))
    return commands
