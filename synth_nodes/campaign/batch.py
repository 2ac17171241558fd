"""A batch of scenarios: all that is drawn before anything moves."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.contact import placed, seen_from
from synth_nodes.campaign.draws import Keys, keys_of
from synth_nodes.campaign.drive import draw_drives, Drives
from synth_nodes.campaign.pilots import draw_pilots, Pilots
from synth_nodes.campaign.scenes import draw_scene, Scene
from synth_nodes.campaign.sensing import draw_sensors, Sensors
from synth_nodes.campaign.setups import broken, draw_setup, DT, Setup
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
T = TypeVar('T')
LONGEST = 3.0
"""No scenario lasts longer than this [s]."""


@dataclass(frozen=True)
class Batch:
    """B scenarios with rules and robot in common."""

    SHARED: ClassVar[tuple[str, ...]] = ('spans',)
    setup: Setup
    keys: Keys
    """Shape (B,)."""
    pilots: Pilots
    drives: Drives
    sensors: Sensors
    scene: Scene
    velocity: Array
    """At the start, vx, vy [m/s], w [rad/s], shape (B, 3)."""
    end: Array
    """Time at which a scenario is over [s], shape (B,)."""
    spans: NDArray[np.int64]
    """Length of each cycle in steps of DT, shape (C,)."""

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[Any]) -> 'Batch':
        """Pick scenarios."""
        return taken(self, rows)


def draw_batch(seed: int, chunk: int, size: int, *, breach: bool = False,
               fixed: tuple[SafetyRules, RobotSpec] | None = None) -> Batch:
    """
    Draw the scenarios of a chunk: the same for the same arguments.

    :param seed: of the campaign.
    :param chunk: number of the chunk; its scenarios have the numbers from chunk * size on.
    :param breach: let the drives break the stated model.
    :param fixed: rules and robot to take instead of random ones.
    """
    rng = np.random.default_rng((seed, chunk))
    setup = draw_setup(rng, fixed)
    setup = broken(setup) if breach else setup
    keys = keys_of(seed, chunk * size, size)
    pilots = draw_pilots(rng, setup, keys)
    drives = draw_drives(rng, setup, size)
    velocity = _start(rng, setup, pilots)
    scene = draw_scene(rng, setup, pilots, _room(rng, setup, velocity))
    period = round(setup.rules.command.period / DT)
    spans = rng.integers(max((period + 1) // 2, 1), period + 1, round(LONGEST / DT))
    return Batch(setup, keys, pilots, drives, draw_sensors(rng, setup, keys), scene, velocity,
                 rng.uniform(1.0, LONGEST, size), spans)


def _start(rng: np.random.Generator, setup: Setup, pilots: Pilots) -> Array:
    """Velocity at the start: none, or a part of the first command."""
    count = len(pilots.keys)
    share = np.where(rng.random(count) < 0.4, 0.0, rng.uniform(0.3, 1.0, count))
    if setup.family == 'boxed':
        share = np.zeros(count)
    return np.asarray(share[:, None] * pilots.twist)


def _room(rng: np.random.Generator, setup: Setup, velocity: Array) -> Array:
    """
    Room around the footprint at the start [m], shape (B,).

    As much as any monitor needs that first looks then: the way of the reaction with the oldest
    data, of braking, and of what comes nearer meanwhile. At rest, no more than a clearance.
    """
    rules, robot = setup.rules, setup.robot
    v, w = np.hypot(velocity[:, 0], velocity[:, 1]), np.abs(velocity[:, 2])
    speed = v + w * robot.radius
    fall = setup.deceleration
    if robot.drive == 'omnidirectional':
        fall = min(fall, robot.lateral_acceleration)
    brake = np.maximum(v / fall, w / robot.turn_acceleration)
    react = setup.actuation + 2 * rules.command.period + rules.source.timeout
    moving = speed * (react + brake) + rules.braking.other_speed * (react + brake)
    moving = moving + rules.braking.margin + rules.hysteresis
    rest = rules.escape.clearance + rng.exponential(0.15, len(v)) * (rng.random(len(v)) < 0.7)
    return np.asarray(np.where(speed > 0, moving, rest) + setup.noise)


def taken(thing: T, rows: NDArray[Any]) -> T:
    """Pick rows of all arrays of a dataclass but those that it names in SHARED."""
    shared = getattr(thing, 'SHARED', ())
    changes = {}
    for field in fields(thing):  # type: ignore[arg-type]
        value = getattr(thing, field.name)
        if field.name in shared:
            continue
        if isinstance(value, np.ndarray):
            changes[field.name] = value[rows]
        elif is_dataclass(value) and not isinstance(value, Setup):
            changes[field.name] = taken(value, rows)
    return replace(thing, **changes)  # type: ignore[type-var]


Judge = Callable[['View'], 'Answer']
"""Says what a batch of robots may do."""


@dataclass(frozen=True)
class View:
    """What a monitor sees of B robots in a cycle."""

    setup: Setup
    points: Array
    """As measured, base_link of then [m], shape (B, N, 2); NaN for none."""
    then: Array
    """Poses at which they were measured: x, y [m], yaw [rad] in the world, shape (B, 3)."""
    pose: Array
    """Present ones, likewise."""
    age: Array
    """Of the points [s], shape (B,)."""
    velocity: Array
    """Shape (B, 3)."""
    command: Array
    """Shape (B, 3)."""
    grown: NDArray[np.bool_]
    """Whether an obstacle bound the last command, shape (B,)."""
    pending: Array
    """Commands let through during the last reaction time, shape (B, C, 3)."""
    rows: NDArray[np.intp]
    """Numbers of these robots in their batch, increasing, shape (B,)."""
    time: float
    """Since the start [s]."""

    @property
    def carried(self) -> Array:
        """Points in the present base_link, by the true motion, shape (B, N, 2)."""
        return seen_from(placed(self.points, self.then), self.pose)


@dataclass(frozen=True)
class Answer:
    """What a monitor lets through."""

    command: Array
    """Shape (B, 3)."""
    obstacle: NDArray[np.bool_]
    """Whether an obstacle bound it, shape (B,)."""
    rule: NDArray[np.intp]
    """Which rule bound it, shape (B,); 0 for none."""
