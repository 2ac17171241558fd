"""How far a policy that follows lines by camera moves when its images are attacked."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.line_camera import LineCameraTask
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.train.attack import Array, attack, Bounds, random_noise
from synth_nodes.train.attack_report import AttackSettings, command_changes
from synth_nodes.train.evaluate_line import FIRST_TEST, Policy, tracks
from synth_nodes.train.progress import Progress, Report, silent

TILE = 4
"""Side of the squares that are moved as one [px]: few enough to try each by itself."""
_TRACKS = 8


def image_bounds(image: Array, read: float, shot: float, deviations: float) -> Bounds:
    """
    Bound images by the noise of their camera, as `image_noise.expose` draws it.

    :param image: 0 to 255, shape (N, H, W, 3).
    :param read, shot: deviation in the dark, and of photons at full brightness, of 255.
    :param deviations: how many of them the bound is.
    """
    spread = np.sqrt(read ** 2 + shot ** 2 * image / 255.0)
    return Bounds((deviations * spread).astype(np.float32), 0.0, 255.0)


def images(task: LineCameraSettings, settings: AttackSettings) -> Array:
    """Let the expert follow lines, and take true images of it, shape (samples, H, W, 3)."""
    made = LineCameraTask(task, tracks(_TRACKS, FIRST_TEST + settings.seed))
    robots = made.robots(np.arange(_TRACKS, dtype=np.int64), settings.seed)
    robots.begin(np.arange(_TRACKS))
    low, _ = made.bounds()['image']
    seen = {'image': np.zeros((_TRACKS, *low.shape), np.float32)}
    robots.observe(seen)
    parts: list[Array] = []
    for step in range(1, 20 * -(-settings.samples // _TRACKS) + 1):
        robots.step(robots.expert())
        robots.observe(seen)
        outcome = robots.judge()
        if step % 20 == 0:
            parts.append(seen['image'].copy())
        over = np.flatnonzero(outcome.success | outcome.failure | outcome.late)
        if len(over):
            robots.begin(over)
            robots.observe(seen)
    return np.concatenate(parts)[:settings.samples]


def attack_images(policy: Policy, task: LineCameraSettings, settings: AttackSettings,
                  report: Report = silent) -> dict[str, Any]:
    """
    Measure how far commands move under attack, beside random noise of the same size.

    `random` moves each value by its whole bound by chance, `nes` takes one step against a slope
    estimated along random directions. `random_tiles`, `fgsm` and `pgd` move squares of `TILE`
    pixels as one, by no more than each value's bound: so slopes are differences along each.

    :return: by attack: as of `attack_policy`.
    """
    seen = images(task, settings)
    bounds = image_bounds(seen, settings.read_noise, settings.shot_noise, settings.deviations)
    scale = np.array([task.line.robot.max_speed, task.line.robot.max_turn_rate], np.float32)
    rows = np.arange(len(seen))

    def by_image(image: Array, _: NDArray[np.int64]) -> NDArray[np.floating]:
        return np.asarray(policy({'image': image}))

    def by_tile(moves: Array, which: NDArray[np.int64]) -> NDArray[np.floating]:
        return by_image(tiled(seen[which], bounds.radius[which], moves), which)

    height, width = (-(-n // TILE) for n in seen.shape[1:3])
    still = np.zeros((len(seen), height, width), np.float32)
    unit = Bounds(np.ones_like(still), -1.0, 1.0)
    plain = by_image(seen, rows)
    tries: dict[str, Callable[[], NDArray[np.floating]]] = {
        'random': lambda: by_image(random_noise(seen, bounds, settings.seed), rows),
        'nes': lambda: by_image(attack(by_image, seen, bounds, scale, 1, settings.seed), rows),
        'random_tiles': lambda: by_tile(random_noise(still, unit, settings.seed), rows),
        'fgsm': lambda: by_tile(attack(by_tile, still, unit, scale, 1, settings.seed), rows),
        'pgd': lambda: by_tile(
            attack(by_tile, still, unit, scale, settings.steps, settings.seed), rows)}
    out: dict[str, Any] = {}
    for k, (name, moved) in enumerate(tries.items()):
        out[name] = command_changes(plain, moved())
        report(Progress('attacking', k + 1, len(tries)))
    return out


def tiled(image: Array, radius: Array, moves: Array) -> Array:
    """
    Move the squares of images.

    :param image, radius: shape (N, H, W, 3); the bound of each value.
    :param moves: share of it for each square, shape (N, H / TILE, W / TILE), in [-1, 1].
    """
    height, width = image.shape[1:3]
    wide = moves.repeat(TILE, axis=1).repeat(TILE, axis=2)[:, :height, :width, None]
    return np.asarray(np.clip(image + radius * wide, 0.0, 255.0), np.float32)
