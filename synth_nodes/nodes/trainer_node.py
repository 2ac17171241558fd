"""Learns beside the running robot and hands better policies over to it."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from nav_msgs.msg import Odometry, Path
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import LaserScan
from std_srvs.srv import Trigger

from synth_nodes.errors import InputError
from synth_nodes.export.registry import Registry
from synth_nodes.monitor.drift import DriftWatch
from synth_nodes.nodes.experience import Experience
from synth_nodes.nodes.job import Job
from synth_nodes.nodes.learning import learn_apart, reference_of
from synth_nodes.nodes.monitor_node import drift_health
from synth_nodes.nodes.parameters import NODE_PARAMETERS, TrainerParameters
from synth_nodes.ros.clocks import every, to_seconds
from synth_nodes.ros.conversions import (
    command_class,
    path_from_message,
    pose_of,
    ranges_of,
    twist_of,
    velocity_of,
)
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, OK, status, WARN
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, COMMAND, DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.train.replay import ReplayStore
from synth_nodes.train.samples import Samples

CHUNK = 100
"""Samples in a chunk of the replay store; fewer wait in memory until the node ends or trains."""
_LEVELS = {'running': OK, 'done': OK, 'cancelled': WARN, 'failed': ERROR}


class TrainerNode(Node):

    def __init__(self) -> None:
        super().__init__('trainer_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, TrainerParameters, NODE_PARAMETERS.values())
        self.job: Job | None = None
        self.settled = True
        self.reload = ''
        self.fault = ''
        self.experience = Experience(s.bc.observation, s.lidar, s.bc.sample_period)
        self.replay = ReplayStore(s.replay, s.replay_chunks) if s.record and s.replay else None
        self.watch = DriftWatch(reference_of(s.registry), s.drift_window)
        self.drift: dict[str, float] = {}
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('training', self._health)
        if s.record:
            self.diagnostics.add('drift', self._drift_health)
        report = self.diagnostics.mismatch
        self.progress = advertise(self, DiagnosticStatus, '~/progress', DRIVER, report)
        self.create_service(Trigger, '~/train', self._train)
        self.create_service(Trigger, '~/cancel', self._cancel)
        self.create_service(Trigger, '~/rollback', self._rollback)
        self.client = (self.create_client(Trigger, s.reload_service)
                       if s.reload_service else None)
        if s.record:
            self._record(report)
        every(self, 0.25, self._watch)
        every(self, 10.0, self._store)

    def _record(self, report: Any) -> None:
        experience, kind = self.experience, command_class(self.settings.stamped)
        subscribe(self, Odometry, 'odom', lambda m: experience.take_odometry(
            pose_of(m.pose.pose), velocity_of(m.twist.twist)), SENSOR, report)
        subscribe(self, Path, 'path', lambda m: experience.take_path(
            path_from_message(m)), DRIVER, report)
        subscribe(self, LaserScan, 'scan', self._take_scan, SENSOR, report)
        subscribe(self, kind, 'cmd_vel', self._take_command, COMMAND, report)
        subscribe(self, DiagnosticStatus, 'safety/verdict', self._take_verdict, DRIVER, report)

    def _take_scan(self, message: LaserScan) -> None:
        try:
            self.experience.take_scan(ranges_of(message), to_seconds(message.header.stamp))
            self.fault = ''
        except InputError as error:
            self.fault = str(error)

    def _take_command(self, message: Any) -> None:
        stamp = to_seconds(message.header.stamp) if self.settings.stamped else None
        before = self.experience.taken
        self.experience.take_command(velocity_of(twist_of(message)), stamp)
        if self.experience.taken > before:
            self.watch.take(self.experience.newest)

    def _take_verdict(self, message: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in message.values}
        self.experience.take_verdict(
            values['action'], values['rule'], float(values['ttc']),
            np.array(values['wanted'].split(), float))

    def _store(self) -> None:
        """Put what was recorded on disk, look for drift, and begin to train where there is."""
        if self.replay is not None:
            self.experience.store(self.replay, CHUNK)
        self.drift = self.watch.figures()
        if self.settings.on_drift and self._drifted() and not self._busy():
            self._begin()
            self.watch = DriftWatch(self.watch.reference, self.settings.drift_window)

    def _recorded(self) -> Samples | None:
        if self.replay is None:
            return self.experience.samples()
        self.experience.store(self.replay, 1)
        s = self.settings
        samples = self.replay.samples(s.bc.observation, s.intervention_weight)
        return samples if len(samples) else None

    def _busy(self) -> bool:
        return self.job is not None and self.job.state == 'running'

    def _begin(self) -> str:
        samples = self._recorded()
        self.job = Job(lambda report, cancelled: learn_apart(
            self.settings, samples, report, cancelled))
        self.settled, self.reload = False, ''
        return f'training, with {len(samples) if samples else 0} recorded samples'

    def _train(self, request: Any, response: Any) -> Any:
        if not self.settings.registry:
            response.message = ("parameter 'registry' is empty; set it to the folder that new "
                                'models shall go to')
        elif self._busy():
            response.message = 'training is running already; cancel it first'
        else:
            response.success, response.message = True, self._begin()
        return response

    def _rollback(self, request: Any, response: Any) -> Any:
        """Make the policy before the current one current again, and have it loaded."""
        try:
            response.message = Registry(self.settings.registry).rollback()
            response.success = True
            self._ask_for_reload()
        except InputError as error:
            response.message = str(error)
        self.get_logger().info(f'rollback: {response.message}')
        return response

    def _cancel(self, request: Any, response: Any) -> Any:
        response.success = self._busy()
        response.message = 'cancelling' if response.success else 'nothing is being trained'
        if response.success:
            self.job.cancel()
        return response

    def _watch(self) -> None:
        """Publish progress while there is any; once a job is done, have the policy reloaded."""
        job = self.job
        if job is None or self.settled:
            return
        if job.state != 'running':
            self.settled = True
            self.get_logger().info(f'training {job.state}: {job.message}\n{job.details}'.strip())
            if job.state == 'done' and job.message.endswith('promoted'):
                self.watch = DriftWatch(reference_of(self.settings.registry),
                                        self.settings.drift_window)
                self._ask_for_reload()
        self.progress.publish(status(f'{self.get_fully_qualified_name()}: progress',
                                     self._health()))

    def _ask_for_reload(self) -> None:
        if self.client is None:
            return
        if not self.client.service_is_ready():
            self.reload = f"service '{self.settings.reload_service}' is not there"
            return
        self.reload = 'asked for'
        self.client.call_async(Trigger.Request()).add_done_callback(self._reloaded)

    def _reloaded(self, future: Any) -> None:
        answer = future.result()
        self.reload = f"{'done' if answer.success else 'refused'}: {answer.message}"
        self.get_logger().info(f'reload {self.reload}')

    def _drifted(self) -> bool:
        return max(self.drift.values(), default=0.0) > self.settings.drift_limit

    def _drift_health(self) -> Health:
        return drift_health(self.watch, self.settings.drift_limit)

    def _health(self) -> Health:
        values: dict[str, Any] = {'recorded': self.experience.taken, 'reload': self.reload,
                                  'interventions': self.experience.interventions}
        if self.fault:
            return Health(ERROR, self.fault, values)
        if self.job is None:
            return Health(message='idle', values=values)
        job, progress = self.job, self.job.progress
        values |= {'state': job.state, 'stage': progress.stage, 'step': progress.step,
                   'total': progress.total, **progress.scores}
        return Health(_LEVELS[job.state], job.message or progress.stage, values)

    def close(self) -> None:
        """Keep what was recorded, and let a running training come to its next check."""
        if self.replay is not None:
            self.experience.store(self.replay, 1)
        if self.job is not None:
            self.job.cancel()
            self.job.join(2.0)


def main() -> None:
    """Run the node."""
    run_node(TrainerNode)


if __name__ == '__main__':
    main()
