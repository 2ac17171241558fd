"""Closed-loop evaluation of line following, by camera and by pose, on tracks never trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.line_camera import flawless, Flaws, LineCameraRobots, LineCameraTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import LineCameraSettings, LineFollowingSettings
from synth_nodes.tasks.rewards import unsteadiness
from synth_nodes.train.evaluate import (
    Evaluation,
    Kept,
    map_score,
    MapScore,
    mean_and_half,
    wilson,
)
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent
from synth_nodes.train.trial import Failure
from synth_nodes.types import FloatArray
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.scene import Scene, Surface

FIRST_TEST = 10000
"""Seed of the first track of the suite; training stays below."""
LAYOUTS = ('track_straight', 'track_curved')
_PART = 25
"""Tracks driven at once, so that their scenes fit into memory."""
_FLOORS = ('concrete', 'carpet', 'tiles', 'planks', 'plain')
Policy = Callable[[dict[str, NDArray[np.float32]]], FloatArray]
Settings = LineCameraSettings | LineFollowingSettings
"""Line following by camera, or by pose."""


@dataclass(frozen=True)
class Run:
    """How one track was driven."""

    scene: Scene
    success: bool
    """Whether the end was reached in time, without contact, on the line."""
    contact: bool
    """Whether something was touched."""
    lost: bool
    """Whether the robot got too far off its line."""
    error: NDArray[np.float64]
    """Distance from the line at every step [m], shape (T,)."""
    way: NDArray[np.float64]
    """x, y [m] of base_link before every step and at the end, shape (T + 1, 2)."""
    line: NDArray[np.float64]
    """The stretch to follow [m], shape (N, 2)."""
    gained: float
    """How far the robot came along it [m]."""
    time: float
    """[s]."""
    unsteadiness: float
    """Root mean square change from one command to the next, as a share of the limits."""
    clearance: float
    """Smallest gap [m]."""
    last: NDArray[np.uint8] | None
    """The last image seen, shape (H, W, 3); None by pose."""

    @property
    def driven(self) -> float:
        """Length of the way [m]."""
        return float(np.hypot(*np.diff(self.way, axis=0).T).sum())


@dataclass(frozen=True)
class LineScore(MapScore):
    """How a driver did on tracks; `efficiency` is what it came along the line over its way."""

    lost: int
    """Runs that ended with the line lost."""
    lost_rate: float
    lost_low: float
    """Lower end of the 95 % Wilson interval of `lost_rate`."""
    lost_high: float
    error: float
    """Distance from the line [m]: mean over runs of each one's mean."""
    error_half: float
    """Half the 95 % interval of that mean."""


def tracks(count: int, first: int, paint: bool = False,
           layouts: Sequence[str] = LAYOUTS) -> list[Scene]:
    """
    Generate tracks, straight and curved in turn.

    :param first: seed of the first.
    :param paint: give every floor another surface and brightness, for training.
    :param layouts: what takes turns.
    """
    rng = np.random.default_rng([45, first])
    made = [generate_scene(layouts[k % len(layouts)], first + k) for k in range(count)]
    return [_repainted(scene, rng) for scene in made] if paint else made


def _repainted(scene: Scene, rng: np.random.Generator) -> Scene:
    grey, tint = rng.uniform(0.35, 0.8), rng.uniform(0.92, 1.08, 3)
    red, green, blue = np.clip(grey * tint, 0.0, 1.0).tolist()
    floor = Surface(str(rng.choice(_FLOORS)), (red, green, blue),
                    (0.8 * red, 0.8 * green, 0.8 * blue), float(rng.uniform(1.5, 4.0)),
                    float(rng.uniform(0.1, 0.5)))
    return replace(scene, surfaces=(floor, *scene.surfaces[1:]))


def evaluate_line(
    policy: Policy | None, task: Settings, count: int, flaws: Flaws = flawless,
    report: Report = silent, cancelled: Cancelled = never, seed: int = 0,
    layouts: Sequence[str] = LAYOUTS,
) -> list[Run]:
    """
    Drive the suite: one run on each of `count` tracks that were never trained on.

    :param policy: what drives, such as `PolicySession.act`; the expert where None.
    :param task: by camera or by pose.
    :param flaws: what the sensor makes of true images, by camera.
    :param seed: added to the seeds of tracks and starts.
    :param layouts: of the tracks, in turn.
    :return: a run for each track, in their order; the same arguments give the same.
    """
    runs: list[Run] = []
    begin = FIRST_TEST + seed
    for first in range(0, count, _PART):
        scenes = tracks(min(_PART, count - first), begin + first, layouts=layouts)
        made = (LineCameraTask(task, scenes, flaws) if isinstance(task, LineCameraSettings)
                else LineFollowingTask(task, scenes))
        runs += _drive(policy, made, scenes, begin, cancelled)
        report(Progress('driving tracks', len(runs), count))
    return runs


def _drive(policy: Policy | None, task: LineCameraTask | LineFollowingTask,
           scenes: Sequence[Scene], seed: int, cancelled: Cancelled) -> list[Run]:
    batch = len(scenes)
    robots = task.robots(np.arange(batch, dtype=np.int64), seed)
    line = robots.line if isinstance(robots, LineCameraRobots) else robots
    seen = {name: np.zeros((batch, *low.shape), np.float32)
            for name, (low, _) in task.bounds().items()}
    robots.begin(np.arange(batch))
    robots.observe(seen)
    length = line.left.copy()
    done, won, contact, lost = np.zeros((4, batch), bool)
    changes, previous = np.zeros(batch), np.zeros((batch, 2))
    clearance, gained = np.full(batch, np.inf), np.zeros(batch)
    last = seen['image'].astype(np.uint8) if 'image' in seen else None
    errors: list[list[float]] = [[] for _ in scenes]
    ways = [[place] for place in line.world.pose[:, :2].copy()]
    while not done.all():
        check(cancelled)
        active = np.flatnonzero(~done)
        for b in active:
            errors[b].append(abs(float(line.offset[b])))
        if last is not None:
            last[active] = seen['image'][active]
        wanted = robots.expert() if policy is None else np.asarray(policy(seen), float)
        command = np.where(done[:, None], 0.0, wanted)
        robots.step(command)
        robots.observe(seen)
        outcome = robots.judge()
        changes[active] += unsteadiness(command, previous, task.robot)[active]
        previous = command
        clearance[active] = np.minimum(clearance, line.world.clearance)[active]
        gained[active] = (length - line.left)[active]
        contact[active] = line.contact[active]
        lost[active] = (outcome.failure & ~line.contact)[active]
        won[active] = outcome.success[active]
        done[active] = (outcome.success | outcome.failure | outcome.late)[active]
        for b in active:
            ways[b].append(line.world.pose[b, :2].copy())
    return [Run(scene, bool(won[b]), bool(contact[b]), bool(lost[b]), np.array(errors[b]),
                np.array(ways[b]), line.path(b), float(gained[b]), len(errors[b]) * line.period,
                float(np.sqrt(changes[b] / len(errors[b]))), float(clearance[b]),
                None if last is None else last[b])
            for b, scene in enumerate(scenes)]


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Success with its 95 % interval; distance from the line [m] over all steps of all runs."""
    won = sum(run.success for run in runs)
    low, high = wilson(won, len(runs))
    error = np.concatenate([run.error for run in runs])
    return {'tracks': len(runs), 'success': round(won / len(runs), 4),
            'success_low': round(low, 4), 'success_high': round(high, 4),
            'mean_error': round(float(error.mean()), 4),
            'p95_error': round(float(np.percentile(error, 95)), 4)}


def line_score(runs: Sequence[Run], name: str) -> LineScore:
    """Count over runs; a run that lost its line is not among the timeouts."""
    driven = np.maximum([run.driven for run in runs], 1e-6)
    gained = np.clip([run.gained for run in runs], 0.0, driven)
    plain = map_score(Kept(
        np.array([run.success for run in runs]), np.array([run.contact for run in runs]),
        np.zeros(len(runs), bool), np.array([run.time for run in runs]), driven,
        np.array([run.clearance for run in runs]), gained / driven,
        np.array([run.unsteadiness for run in runs])), np.ones(len(runs), bool), name)
    lost = sum(run.lost for run in runs)
    low, high = wilson(lost, len(runs))
    error, half = mean_and_half(np.array([run.error.mean() for run in runs]))
    values: dict[str, Any] = {f.name: getattr(plain, f.name) for f in fields(plain)}
    values['timeouts'] -= lost
    return LineScore(**values, lost=lost, lost_rate=lost / len(runs), lost_low=low,
                     lost_high=high, error=error, error_half=half)


def score_lines(
    policy: Policy | None, task: Settings, episodes: int, seed: int, flaws: Flaws = flawless,
    report: Report = silent, cancelled: Cancelled = never,
) -> tuple[Evaluation, list[Scene]]:
    """
    Score a driver by `episodes` straight tracks and as many curved ones.

    :param policy: what drives; the expert where None. The rest is as of `evaluate_line`.
    :return: scores by kind of track, and the track of each failure.
    """
    runs, rows = [], []
    for layout in LAYOUTS:
        part = evaluate_line(policy, task, episodes, flaws, report, cancelled, seed, (layout,))
        rows.append(line_score(part, layout.removeprefix('track_')))
        runs += part
    failed = [run for run in runs if not run.success]
    failures = tuple(Failure(
        run.scene.name, k, 'contact' if run.contact else 'line lost' if run.lost else 'timeout',
        run.line, run.way, np.zeros((0, 2))) for k, run in enumerate(failed))
    return (Evaluation((*rows, line_score(runs, 'all')), failures),
            [run.scene for run in failed])
