"""Learns beside the running robot and hands better policies over to it."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from std_srvs.srv import Trigger

from synth_nodes.errors import InputError
from synth_nodes.export.registry import Registry
from synth_nodes.nodes.gathering import Gathering
from synth_nodes.nodes.handover import Handover
from synth_nodes.nodes.job import Job
from synth_nodes.nodes.learning import learn_apart
from synth_nodes.nodes.parameters import NODE_PARAMETERS, TrainerParameters
from synth_nodes.ros.clocks import every
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, OK, status, WARN
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER
from synth_nodes.ros.run import run_node

_LEVELS = {'running': OK, 'done': OK, 'cancelled': WARN, 'failed': ERROR}


class TrainerNode(Node):

    def __init__(self) -> None:
        super().__init__('trainer_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, TrainerParameters, NODE_PARAMETERS.values())
        self.job: Job | None = None
        self.settled = True
        self.gathering = Gathering(s)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('training', self._health)
        if s.record:
            self.diagnostics.add('drift', self.gathering.drift_health)
        report = self.diagnostics.mismatch
        self.progress = advertise(self, DiagnosticStatus, '~/progress', DRIVER, report)
        self.create_service(Trigger, '~/train', self._train)
        self.create_service(Trigger, '~/cancel', self._cancel)
        self.create_service(Trigger, '~/rollback', self._rollback)
        self.handover = Handover(self, s.reload_service)
        if s.record:
            self.gathering.listen(self, report)
        every(self, 0.25, self._watch)
        every(self, 10.0, self._store)

    def _store(self) -> None:
        """Put what was recorded on disk, look for drift, and begin to train where there is."""
        self.gathering.store()
        drifted = self.gathering.drifted()
        if self.settings.on_drift and drifted and not self._busy():
            self._begin()
            self.gathering.forget()

    def _busy(self) -> bool:
        return self.job is not None and self.job.state == 'running'

    def _begin(self) -> str:
        samples = self.gathering.samples()
        self.job = Job(lambda report, cancelled: learn_apart(
            self.settings, samples, report, cancelled))
        self.settled, self.handover.state = False, ''
        damaged = self.gathering.passed_over()
        return (f'training, with {len(samples) if samples else 0} recorded samples'
                + (f'; {damaged} damaged chunks were passed over' if damaged else ''))

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
            self.handover.ask()
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
                self.gathering.watch_anew()
                self.handover.ask()
        self.progress.publish(status(f'{self.get_fully_qualified_name()}: progress',
                                     self._health()))

    def _health(self) -> Health:
        experience = self.gathering.experience
        values: dict[str, Any] = {'recorded': experience.taken, 'reload': self.handover.state,
                                  'interventions': experience.interventions}
        if self.gathering.fault:
            return Health(ERROR, self.gathering.fault, values)
        if self.job is None:
            return Health(message='idle', values=values)
        job, progress = self.job, self.job.progress
        values |= {'state': job.state, 'stage': progress.stage, 'step': progress.step,
                   'total': progress.total, **progress.scores}
        return Health(_LEVELS[job.state], job.message or progress.stage, values)

    def close(self) -> None:
        """Keep what was recorded, and let a running training come to its next check."""
        self.gathering.store(1)
        if self.job is not None:
            self.job.cancel()
            self.job.join(2.0)


def main() -> None:
    """Run the node."""
    run_node(TrainerNode)


if __name__ == '__main__':
    main()
