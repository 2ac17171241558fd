"""The zones of the safety core: the areas it judges by, and their outlines for display."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body, body_of
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Zone:
    """An outline in base_link, for display."""

    name: str
    """'stop_zone', 'braking' or 'slowdown_zone', as in verdicts."""
    polygon: Array
    """Corners [m], shape (E, 2), counter-clockwise."""


def slowdown_offsets(body: Body, margin: float, way: Array) -> Array:
    """
    Edges of the slowdown zone: all move out by the margin, forward ones along the way as well.

    The zone contains the footprint's whole straight way, and all that is `margin` from it.

    :param way: what the command covers in the zone's time, base_link [m], shape (2,).
    :return: distances of the edges' lines from base_link [m], shape (E,).
    """
    return np.asarray(body.offsets + margin + np.maximum(body.normals @ way, 0.0))


def slowdown_way(rules: SafetyRules, command: Array) -> Array:
    """Way [m], shape (2,), that the command (vx, vy, w) covers within the slowdown time."""
    return np.asarray(command[:2] * rules.slowdown_zone.time)


def zone_polygons(rules: SafetyRules, robot: RobotSpec, command: Array) -> list[Zone]:
    """
    Outlines of the zones as :func:`synth_nodes.safety.core.judge` uses them, for markers.

    :param command: vx [m/s], vy [m/s], w [rad/s], shape (3,); it stretches the slowdown zone.
    """
    body = body_of(robot.footprint)
    offsets = slowdown_offsets(body, rules.slowdown_zone.margin, slowdown_way(rules, command))
    return [
        Zone('stop_zone', body.level(rules.stop_zone.margin)),
        Zone('braking', body.level(rules.braking.margin)),
        Zone('slowdown_zone', _outline(body, offsets)),
    ]


def _outline(body: Body, offsets: Array) -> Array:
    """Corners (E, 2) where neighbouring edges' lines meet; corner k ends edge k - 1."""
    n, before = body.normals, np.roll(body.normals, 1, axis=0)
    straight = np.abs(before[:, 0] * n[:, 1] - before[:, 1] * n[:, 0]) < 1e-9
    along = np.stack((-n[:, 1], n[:, 0]), axis=1)
    first = np.where(straight[:, None], along, before)
    reach = np.where(straight, (along * body.corners).sum(axis=1), np.roll(offsets, 1))
    sides = np.stack((reach, offsets), axis=1)
    return np.asarray(np.linalg.solve(np.stack((first, n), axis=1), sides[..., None])[..., 0])
