#!/usr/bin/env python3
"""
A robot that learns on: record, fine-tune beside the graph, gate, promote, reload, roll back.

Starts the graph `train` with the shipped policy in a registry of its own, sends the robot to goals
until enough is recorded, asks `trainer_node` to train, and afterwards to roll back; the robot
drives all the time. Prints what each step came to, the policy that `policy_node` says it runs
after it, and how long its commands were apart.

    python benchmarks/train_graph.py [--samples 300] [--slack 1.0]

A slack of 1 lets any policy through the gate, so that promotion is seen whatever was learned.
"""

import argparse
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger

from synth_nodes import resources
from synth_nodes.export.registry import Registry
from synth_nodes.files import read_json
from synth_nodes.policy.contract import CONTRACT_FILE
from synth_nodes.ros.conversions import grid_from_message, pose_of, set_pose
from synth_nodes.ros.qos import DRIVER, MAP, SENSOR
from synth_nodes.tasks.planner import NoPathError, Planner
from synth_nodes.types import RobotSpec

PARAMETERS = """
/**/trainer_node:
  ros__parameters:
    registry: {registry}
    replay: {replay}
    gate_slack: {slack}
    gate_episodes: 10
    tune_epochs: 5
    bc: {{buildings: 8, validation_buildings: 2, robots: 24, seconds: 20.0}}
/**/policy_node:
  ros__parameters: {{registry: {registry}}}
"""
PROGRAM = ('import os, sys; from synth_nodes.bringup import plan, run; '
           'from synth_nodes.graphs import GRAPHS; '
           'words = dict(w.split("=", 1) for w in sys.argv[1:]); '
           'run(plan(GRAPHS["train"], words, os.environ))')


class Operator:
    """Sends the robot from goal to goal and listens."""

    def __init__(self):
        rclpy.init()
        self.node = rclpy.create_node('operator')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.planner, self.place, self.goal, self.sent = None, None, None, 0.0
        self.goals, self.commands, self.states, self.progress = 0, [], {}, None
        self.rng = np.random.default_rng(0)
        self.publisher = self.node.create_publisher(PoseStamped, 'goal_pose', MAP)
        subscribe = self.node.create_subscription
        subscribe(OccupancyGrid, 'map', self._map, MAP)
        subscribe(Odometry, 'ground_truth/odom', self._truth, SENSOR)
        subscribe(TwistStamped, 'cmd_vel_raw',
                  lambda m: self.commands.append(time.monotonic()), SENSOR)
        subscribe(DiagnosticArray, 'diagnostics', self._diagnostics, DRIVER)
        subscribe(DiagnosticStatus, 'trainer_node/progress', self._progress, DRIVER)

    def _map(self, message):
        self.planner = Planner(grid_from_message(message), RobotSpec())

    def _truth(self, message):
        self.place = pose_of(message.pose.pose)[:2]
        if self.planner is None:
            return
        if self.goal is None or time.monotonic() - self.sent > 60.0 or np.hypot(
                *(self.goal - self.place)) < 0.3:
            try:
                self.goal = self.planner.sample_goals(self.rng, self.place, 1, 3.0, 15.0)[0]
            except NoPathError:
                return
            self.sent, self.goals = time.monotonic(), self.goals + 1
            out = PoseStamped()
            out.header.stamp, out.header.frame_id = message.header.stamp, 'map'
            set_pose(out.pose, (*self.goal.tolist(), 0.0))
            self.publisher.publish(out)

    def _diagnostics(self, message):
        for status in message.status:
            self.states[status.name.split('/')[-1]] = {
                'message': status.message, **{v.key: v.value for v in status.values}}

    def _progress(self, message):
        self.progress = message

    def state(self, node, key, otherwise=''):
        """Newest value of that name that a node has told in diagnostics."""
        return next((values[key] for name, values in self.states.items()
                     if name.startswith(node) and key in values), otherwise)

    def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not condition():
            self.executor.spin_once(timeout_sec=0.05)
        return condition()

    def call(self, service):
        client = self.node.create_client(Trigger, service)
        assert self.until(client.service_is_ready, 60), f'{service} is not there'
        future = client.call_async(Trigger.Request())
        assert self.until(future.done, 60), f'{service} does not answer'
        return future.result()

    def tell(self, step, what):
        gaps = 1000 * np.diff(self.commands) if len(self.commands) > 2 else np.zeros(1)
        print(f'| {step} | {what} | {self.state("policy_node", "sha256")} | '
              f'{np.percentile(gaps, 50):.0f} | {np.percentile(gaps, 99):.0f} | '
              f'{gaps.max():.0f} |', flush=True)
        self.commands.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--samples', type=int, default=300, help='recorded before it learns')
    parser.add_argument('--slack', type=float, default=0.0, help='of the gate')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = Registry(folder / 'registry')
        registry.promote(registry.add(resources.share('models')))
        (folder / 'train.yaml').write_text(PARAMETERS.format(
            registry=registry.root, replay=folder / 'replay', slack=options.slack))
        with open(folder / 'log', 'w') as log:
            graph = subprocess.Popen(
                [sys.executable, '-c', PROGRAM, f'params_file={folder / "train.yaml"}'],
                stdout=log, stderr=subprocess.STDOUT, env={**os.environ})
        try:
            run(options, registry)
        finally:
            graph.send_signal(signal.SIGINT)
            graph.wait(30)


def run(options, registry):
    operator = Operator()
    assert operator.until(lambda: len(operator.commands) > 20 and operator.goals, 300), 'no graph'
    assert operator.until(lambda: operator.state('policy_node', 'sha256'), 30)
    operator.commands.clear()
    print('| step | what came of it | policy that drives | commands apart p50 [ms] | p99 | max |\n'
          '|---|---|---|---|---|---|')
    assert operator.until(lambda: int(operator.state('trainer_node', 'recorded', '0'))
                          >= options.samples, 600), 'nothing is recorded'
    operator.tell('record', f'{operator.state("trainer_node", "recorded")} samples, '
                            f'{operator.state("trainer_node", "interventions")} interventions, '
                            f'{operator.goals} goals')
    first, began = registry.current(), time.monotonic()
    assert operator.call('trainer_node/train').success
    assert operator.until(lambda: operator.progress is not None and {
        v.key: v.value for v in operator.progress.values}.get('state') in (
            'done', 'failed', 'cancelled'), 1200), 'training does not end'
    said = operator.progress.message
    operator.until(lambda: operator.state('policy_node', 'reloads') == '1', 10)
    operator.tell('learn, gate, promote', f'{said}, after {time.monotonic() - began:.0f} s')
    newest = next(v.id for v in registry.list() if v.id != first)
    told = read_json(registry.path(newest) / CONTRACT_FILE, 'contract')['scores']['fine_tuning']
    if registry.current() != first:
        answer = operator.call('trainer_node/rollback')
        operator.until(lambda: operator.state('policy_node', 'reloads') == '2', 20)
        operator.until(lambda: False, 5.0)
        operator.tell('roll back', f'{answer.message} again')
        assert registry.current() == first
    print('\n| figure | before | after |\n|---|---|---|')
    for figure in ('loss', 'f1', 'success', 'contact_rate', 'efficiency'):
        print(f"| {figure} | {told['before'][figure]:.3f} | {told['after'][figure]:.3f} |")
    for kind, row in told['before']['classes'].items():
        print(f"| {kind}: F1, of {row['samples']} | {row['f1']:.3f} | "
              f"{told['after']['classes'][kind]['f1']:.3f} |")


if __name__ == '__main__':
    main()
