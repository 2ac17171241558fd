"""
The trainer node's work in a process of its own: learn, judge, register, promote. No ROS.

`python -m synth_nodes.nodes.learning FOLDER` takes `settings.json` and `samples.npz` from a
folder, writes `progress.json` as it goes and `result.json` at the end, and stops where `cancel`
appears or its parent has gone. It steps back by `nice`, and rests so that it computes for the
share `duty` of its time.
"""

from dataclasses import asdict
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.export.registry import Registry
from synth_nodes.files import read_json, write_json
from synth_nodes.monitor.drift import Reference
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.policy.contract import CONTRACT_FILE, read_contract
from synth_nodes.settings import build, flatten
from synth_nodes.train.progress import Cancelled, Progress, Report, WorkCancelled
from synth_nodes.train.samples import Samples
from synth_nodes.types import GridMap

_PERIOD = 0.2
"""Time between looks at the other process [s]."""


def reference_of(registry: str) -> Reference | None:
    """Take the reference of drift from the current policy's contract; None without either."""
    if not registry or Registry(registry).current() is None:
        return None
    content = read_contract(Registry(registry).path() / CONTRACT_FILE).provenance.get('features')
    return None if content is None else Reference.from_json(content)


def training_maps(settings: TrainerParameters) -> list[GridMap]:
    """
    Give the map to train in, with the generated buildings.

    :raises InputError: when the map cannot be read.
    """
    from synth_nodes.world.building import generate_building
    from synth_nodes.world.map_io import load_map

    bc = settings.bc
    named = [load_map(settings.map)] if settings.map else []
    return [*named, *(generate_building(1000 * bc.seed + k) for k in range(bc.buildings))]


def learn(settings: TrainerParameters, samples: Samples | None, report: Report,
          cancelled: Cancelled) -> str:
    """
    Learn in this process, and put what came out into the registry where it is no worse.

    Where the registry has a current policy and there are recordings, it learns on from that one
    (`tune`), on recordings mixed with simulated drives; else one is trained anew.

    :param samples: recorded ones to learn from as well.
    :return: a sentence: the new version's id, and why it was not promoted, if so.
    :raises InputError: when maps, samples or the device cannot be used.
    :raises WorkCancelled: when told to stop; then the registry is as it was.
    """
    # Imported here: torch takes seconds.
    from synth_nodes.export.pipeline import train_and_export
    from synth_nodes.nodes.tuning import reasons_against, tune_current
    from synth_nodes.train.device import check_device, limit_memory

    check_device(settings.bc.device)
    limit_memory(settings.bc.device, settings.gpu_memory)
    maps, registry = training_maps(settings), Registry(settings.registry)
    with tempfile.TemporaryDirectory(prefix='synth_nodes_') as folder:
        out = Path(folder) / 'policy'
        if settings.tune and samples is not None and registry.current() is not None:
            reasons = tune_current(settings, registry, maps, samples, out, report, cancelled)
        else:
            train_and_export(settings.bc, maps, settings.robot, settings.lidar, out, report,
                             cancelled, samples, 'trainer_node')
            reasons = reasons_against(settings, registry, maps, out, report, cancelled)
        version = registry.add(out)
    if reasons:
        return f"{version} is not promoted: {'; '.join(reasons)}"
    if settings.promote:
        registry.promote(version)
        return f'{version} promoted'
    return version


def learn_apart(settings: TrainerParameters, samples: Samples | None, report: Report,
                cancelled: Cancelled) -> str:
    """
    Do the same in a process of its own, whose interpreter never holds this one up.

    :raises InputError, WorkCancelled: as :func:`learn` does.
    :raises RuntimeError: when the process ended without a result.
    """
    with tempfile.TemporaryDirectory(prefix='synth_nodes_') as name:
        folder = Path(name)
        write_json(folder / 'settings.json', flatten(settings))
        if samples is not None:
            samples.save(folder / 'samples.npz')
        child = subprocess.Popen(
            [sys.executable, '-m', 'synth_nodes.nodes.learning', name],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'OMP_NUM_THREADS': str(settings.bc.threads),
                 'NUMBA_NUM_THREADS': str(settings.bc.threads)})
        try:
            while child.poll() is None:
                time.sleep(_PERIOD)
                if cancelled():
                    (folder / 'cancel').touch()
                if (folder / 'progress.json').is_file():
                    report(Progress(**read_json(folder / 'progress.json', 'progress')))
        finally:
            if child.poll() is None:
                child.kill()
        return _result(folder, child)


def _result(folder: Path, child: subprocess.Popen[str]) -> str:
    if not (folder / 'result.json').is_file():
        words = (child.communicate()[1] or '').strip().splitlines()
        raise RuntimeError(f"the learning process ended with {child.returncode}: "
                           f"{words[-1] if words else 'no message'}")
    result = read_json(folder / 'result.json', 'result')
    if result['state'] == 'cancelled':
        raise WorkCancelled(result['message'])
    if result['state'] == 'refused':
        raise InputError(result['message'])
    return str(result['message'])


class Budget:
    """Lets work stop, and rest between its steps so that it keeps to its share of the time."""

    def __init__(self, folder: Path, duty: float) -> None:
        """:param duty: share of its time that the process may compute, all threads together."""
        self._cancel, self._duty = folder / 'cancel', duty
        self._parent = os.getppid()
        self._looked, self._stop = 0.0, False
        self._used = time.process_time()

    def __call__(self) -> bool:
        """Rest what is due; say whether to stop."""
        used = time.process_time() - self._used
        rest = used * (1.0 / self._duty - 1.0)
        if rest > 0.005:
            time.sleep(rest)
            self._used = time.process_time()
        now = time.monotonic()
        if now - self._looked > _PERIOD:
            self._looked = now
            self._stop = self._cancel.exists() or os.getppid() != self._parent
        return self._stop


class _Reporter:
    """Writes progress, a few times a second at most."""

    def __init__(self, folder: Path) -> None:
        self._file, self._said, self._stage = folder / 'progress.json', 0.0, ''

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._said > _PERIOD or progress.stage != self._stage:
            self._said, self._stage = now, progress.stage
            write_json(self._file, {**asdict(progress), 'scores': {
                name: float(value) for name, value in progress.scores.items()}})


def main(folder: Path) -> None:
    """Learn what a folder says."""
    settings = build(TrainerParameters, read_json(folder / 'settings.json', 'settings'))
    os.nice(settings.nice)
    file = folder / 'samples.npz'
    result: dict[str, Any]
    try:
        samples = Samples.load(file, settings.bc.observation) if file.is_file() else None
        result = {'state': 'done', 'message': learn(
            settings, samples, _Reporter(folder), Budget(folder, settings.duty))}
    except WorkCancelled:
        result = {'state': 'cancelled', 'message': 'cancelled; the registry is as it was'}
    except InputError as error:
        result = {'state': 'refused', 'message': str(error)}
    write_json(folder / 'result.json', result)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
