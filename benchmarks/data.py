"""
How fast data are made and consumed, on the same machine in one run; how fast logs are imported.

    python benchmarks/data.py [--records 100000] [--frames 8192]
    python benchmarks/data.py --logs DIR

The first makes simulated drives and frames, then trains on them as the package does: the collision
predictor on labelled commands, the goal policy on records, the line policy on camera frames. Rates
are of processor time of one thread, so other work on the machine matters little; the ratio holds
for two cores as for one where both run as two processes. Two ratios are told: what is made in a
second over what a trainer consumes in a second, and the time of a whole training at the defaults
over that of making what it learns from, as a user waits for them. The second command imports every
CARMEN log of a folder into one data set of 180 beams.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
import tempfile
import time
from typing import TypeVar

import numpy as np
import torch

from synth_nodes.dataset.drives import import_log
from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.loader import loader, LoaderPlan
from synth_nodes.dataset.reader import DataSet
from synth_nodes.envs.line_camera import LineCameraTask
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.policy.camera_networks import CameraPolicy
from synth_nodes.policy.families import build_network
from synth_nodes.train.clone import CloneFitter, CloneSettings, Lesson
from synth_nodes.train.collision import train_risk
from synth_nodes.train.evaluate_line import tracks
from synth_nodes.train.fit import Fitter
from synth_nodes.train.progress import never, silent
from synth_nodes.train.risk_samples import risk_data
from synth_nodes.train.risk_settings import RiskSettings
from synth_nodes.train.set_samples import samples_of
from synth_nodes.train.settings import BcSettings
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.places import open_place

ROBOT = RobotSpec()
T = TypeVar('T')


@dataclass(frozen=True)
class Row:
    """What is made and consumed of one kind."""

    name: str
    made: float
    """In a second."""
    consumed: float
    passes: float
    """How often a training at the defaults consumes each of them."""

    def __str__(self) -> str:
        ratio = self.made / self.consumed
        return (f'{self.name:40s} made {self.made:8.0f}/s   consumed {self.consumed:7.0f}/s   '
                f'ratio of rates {ratio:5.1f}   passes {self.passes:5.1f}   '
                f'training / making {self.passes * ratio:6.1f}')


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Run; return the processor time [s] and the result."""
    begin = time.process_time()
    out = work()
    return time.process_time() - begin, out


def drives(folder: Path, records: int, **more: object) -> float:
    """Make drives in 16 buildings after a short run for warmth; return records a second."""
    scenes = [open_place('', seed).scene for seed in range(16)]
    splits = {scene.name: 'train' if k < 14 else 'validation' for k, scene in enumerate(scenes)}
    for name, count in (('warm', 2560), ('data', records)):
        settings = GenerateSettings(records=count, **more)  # type: ignore[arg-type]
        seconds, _ = timed(lambda s=settings, n=name: generate(  # type: ignore[misc]
            s, scenes, ROBOT, LidarSpec(), folder / n, splits=splits))
    return records / seconds


def learn_collisions(data: DataSet, folder: Path) -> float:
    """
    Train the collision predictor; return labelled commands consumed a second.

    A few hundred records check and score it: all of them would take as long as these steps do.
    """
    settings = replace(RiskSettings(), steps=300)
    samples = risk_data(data, ROBOT, settings.observation, settings.horizon)
    few = {part: getattr(samples, part).take(np.arange(min(400, len(getattr(samples, part)))))
           for part in ('validation', 'test')}
    seconds, _ = timed(lambda: train_risk(settings, ROBOT, [replace(samples, **few)], folder))
    return settings.steps * settings.batch_size / seconds


def learn_goals(data: DataSet, passes: int) -> float:
    """Clone the expert into the goal policy; return records consumed a second."""
    settings = BcSettings()
    samples = samples_of([data], ROBOT, settings.observation)
    held = samples.group == samples.group.max()
    net = build_network(settings.network, settings.observation, ROBOT, hidden=settings.hidden)
    learn = samples.take(~held)
    net.fit_normaliser(*(torch.from_numpy(getattr(learn, n)) for n in (
        'scan', 'goal', 'velocity')))
    seconds, _ = timed(lambda: Fitter(net, settings, 0).fit(
        learn, samples.take(held), passes, '', silent, never))
    return passes * len(learn) / seconds


def frames(task: LineCameraSettings, count: int) -> tuple[float, Lesson]:
    """Drive 128 robots along lines by the expert; return frames a second, and the frames."""
    robots = LineCameraTask(task, tracks(8, 0, paint=True)).robots(np.arange(128) % 8, 0)
    seen = {'image': np.zeros((128, task.camera.height, task.camera.width, 3), np.float32)}

    def drive() -> Lesson:
        parts = []
        for _ in range(-(-count // 128)):
            command = robots.expert()
            robots.step(command)
            robots.observe(seen)
            parts.append(Lesson({'image': seen['image'].astype(np.uint8)},
                                robots.expert().astype(np.float32)))
            outcome = robots.judge()
            over = np.flatnonzero(outcome.success | outcome.failure | outcome.late)
            if len(over):
                robots.begin(over)
        return Lesson.join(parts)

    robots.begin(np.arange(128))
    robots.observe(seen)
    drive()
    seconds, lesson = timed(drive)
    return len(lesson) / seconds, lesson


def learn_lines(task: LineCameraSettings, lesson: Lesson, half: bool) -> float:
    """Clone the expert into the camera policy; return frames consumed a second."""
    fitter = CloneFitter(CameraPolicy(task.camera, task.line.robot), CloneSettings(half=half))
    one = Lesson({'image': lesson.inputs['image'][:8]}, lesson.command[:8])
    seconds, _ = timed(lambda: fitter.fit(lesson, one, 1, '', silent, never))
    return len(lesson) / seconds


def compare(records: int, images: int, folder: Path) -> None:
    """Measure making against consuming and print a table."""
    torch.set_num_threads(1)
    task, clone, bc = LineCameraSettings(), CloneSettings(), BcSettings()
    drawn, lesson = frames(task, images)
    # Frames come in with every round, and each round passes over all there are.
    passes = clone.epochs * (clone.rounds - 1) / 2 + clone.final_epochs
    for half, word in ((False, 'float32'), (True, 'bfloat16')):
        print(Row(f'camera frames -> line policy, {word}', drawn,
                  learn_lines(task, lesson, half), passes))
    if not records:
        return
    made = drives(folder / 'all', records)
    data = DataSet(folder / 'all' / 'data')
    labels = 1 + data.schema.column('arc_contact').shape[0] + data.schema.column('drawn').shape[0]
    risk = RiskSettings()
    print(Row('labelled commands -> collision predictor', made * labels,
              learn_collisions(data, folder),
              risk.steps * risk.batch_size / (records * labels)))
    bare = drives(folder / 'bare', records, arcs=False, draws=0, surfaces=False)
    # A data set is there from the first round on.
    print(Row('records -> goal policy', bare, learn_goals(data, 2),
              bc.epochs * (bc.rounds - 1) + bc.final_epochs))
    plan = LoaderPlan(names=('scan', 'goal', 'velocity', 'expert'), batch_size=512)
    seconds, read = timed(lambda: sum(len(b['scan']) for b in loader(data, plan)))
    print(f'records made a second, all labels ({labels} commands each): {made:.0f}')
    print(f'records read a second by the loader: {read / seconds:.0f}')


def import_all(logs: Path, folder: Path) -> None:
    """Import every log and print the time each takes."""
    files = sorted(logs.glob('*.log.gz'))
    total = 0.0
    for number, file in enumerate(files):
        begin = time.perf_counter()
        import_log(file, folder / 'real', append=number > 0, beams=180, say=lambda line: None)
        total += time.perf_counter() - begin
        print(f'{file.name:36s} {time.perf_counter() - begin:6.2f} s')
    print(f'{len(files)} logs, {len(DataSet(folder / "real"))} scans: {total:.2f} s of wall time')


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--records', type=int, default=100_000)
    parser.add_argument('--frames', type=int, default=8192)
    parser.add_argument('--logs', type=Path, metavar='DIR', help='import its logs instead')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if args.logs:
            import_all(args.logs, Path(place))
        else:
            compare(args.records, args.frames, Path(place))


if __name__ == '__main__':
    main()
