"""
Latency of the control step beside the learning process: without it, with it, and under a budget.

    python benchmarks/continual.py

One control step is what the policy node does with a scan: observation and policy, 10 times a
second. The learning process is the trainer node's own (`python -m synth_nodes.nodes.learning`),
learning on from the shipped policy. Figures are wall times, and need a machine without other work.
"""

from dataclasses import replace
from pathlib import Path
import tempfile
import time

import numpy as np

from synth_nodes import resources
from synth_nodes.export.registry import Registry
from synth_nodes.infer.session import load_policy
from synth_nodes.nodes.job import Job
from synth_nodes.nodes.learning import learn_apart
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.tasks.observation import ObservationBuilder
from synth_nodes.train.samples import Samples

SECONDS, RATE = 20.0, 10.0


def control(parameters):
    """Step the control loop; returns latency and lateness of each step [ms], shape (2, N)."""
    session = load_policy(resources.share('models'), parameters.robot)
    spec = session.contract.observation
    builder = ObservationBuilder(spec, parameters.lidar)
    rng = np.random.default_rng(0)
    due, taken = time.perf_counter() + 1.0, []
    for step in range(int(SECONDS * RATE)):
        due += 1 / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        late = time.perf_counter() - due
        builder.push(rng.uniform(1.0, 8.0, (1, parameters.lidar.beams)), step / RATE)
        session.act(builder.build(np.array([[1.0, 0.0, 2.0]]), np.zeros((1, 3))))
        taken.append((time.perf_counter() - due - late, late))
    return 1000 * np.array(taken).T


def samples(spec, count=5000):
    rng = np.random.default_rng(0)
    return Samples(rng.uniform(1.0, 8.0, (count, spec.history, spec.sectors)).astype(np.float16),
                   rng.normal(size=(count, 3)).astype(np.float32),
                   np.zeros((count, 3), np.float32),
                   rng.uniform(-0.3, 0.3, (count, 2)).astype(np.float32),
                   np.repeat(np.arange(count // 100), 100).astype(np.int32))


def main():
    parameters = TrainerParameters()
    rows = [('no learning', None), ('nice 10, duty 1', {'duty': 1.0}),
            ('nice 19, duty 0.5', {'duty': 0.5, 'nice': 19})]
    print('learning process     step p50   p99   max    late p50   p99   max [ms]')
    for name, change in rows:
        with tempfile.TemporaryDirectory() as folder:
            registry = Registry(Path(folder))
            registry.promote(registry.add(resources.share('models')))
            job = None
            if change is not None:
                chosen = replace(parameters, registry=folder, tune_epochs=1000, **change)
                job = Job(lambda report, cancelled, s=chosen: learn_apart(
                    s, samples(s.bc.observation), report, cancelled))
                while job.progress.stage == 'starting':
                    time.sleep(0.1)
            figures = control(parameters)
            if job is not None:
                assert job.state == 'running', job.message
                job.cancel()
                job.join(60.0)
        words = '   '.join(
            ' '.join(f'{v:7.2f}' for v in (*np.percentile(row, (50, 99)), row.max()))
            for row in figures)
        print(f'{name:18} {words}', flush=True)


if __name__ == '__main__':
    main()
