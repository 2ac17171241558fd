"""
The vocabulary of Nav2's Collision Monitor as data: zones, sources, and what lies inside a zone.

Facts from nav2_collision_monitor (polygon.cpp, circle.cpp, velocity_polygon.cpp) of Nav2's main
branch (commit a3a97043, August 2026) and of its jazzy branch (commit f4108e5b), which differ only
where a docstring says so.
"""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
SHAPES = ('polygon', 'circle', 'velocity_polygon', 'footprint')
ACTIONS = ('stop', 'slowdown', 'limit', 'approach', 'none')
KINDS = ('scan', 'pointcloud', 'range', 'polygon', 'costmap')
MIN_POINTS = 4
"""Points that trigger a zone in Nav2 where its file gives no number."""
SOURCE_TIMEOUT = 2.0
"""Nav2's default for `source_timeout` [s]."""
HEIGHTS = (0.05, 0.5)
"""Nav2's default height band of a point cloud [m]."""


@dataclass(frozen=True)
class SubZone:
    """The outline of a velocity polygon for a range of velocities; bounds belong to the range."""

    name: str
    corners: Array
    """base_link [m], shape (E, 2)."""
    linear_min: float
    """[m/s]: of vx; of the speed where the zone is holonomic."""
    linear_max: float
    theta_min: float
    """[rad/s], of the turn rate."""
    theta_max: float
    direction_start: float = -math.pi
    """Direction of travel [rad] of a holonomic robot; a start above the end wraps through pi."""
    direction_end: float = math.pi

    def covers(self, velocity: Array, holonomic: bool, slack: float = 0.0) -> bool:
        """
        Say whether a velocity lies in the ranges.

        :param velocity: vx, vy [m/s], w [rad/s], shape (3,).
        :param slack: by how much the ranges are widened, for rounding.
        """
        vx, vy, w = (float(c) for c in velocity)
        if not self.theta_min - slack <= w <= self.theta_max + slack:
            return False
        linear = math.hypot(vx, vy) if holonomic else vx
        if not self.linear_min - slack <= linear <= self.linear_max + slack:
            return False
        if not holonomic:
            return True
        # At rest the direction counts as straight ahead.
        direction = math.atan2(vy, vx) if linear > 0.0 else 0.0
        after = direction >= self.direction_start - slack
        before = direction <= self.direction_end + slack
        wraps = self.direction_start > self.direction_end
        return (after or before) if wraps else (after and before)


@dataclass(frozen=True)
class UserZone:
    """An area around the robot, and what is done where enough points lie in it."""

    name: str
    shape: str
    """One of SHAPES."""
    action: str
    """One of ACTIONS; 'none' only reports."""
    corners: Array | None = None
    """base_link [m], shape (E, 2); None where the shape is not known (yet)."""
    radius: float | None = None
    """Of a circle about base_link [m]; None where it is not known (yet)."""
    sub_zones: tuple[SubZone, ...] = ()
    """Outlines of a velocity polygon, in order of preference."""
    holonomic: bool = False
    """Whether sub-zones are chosen by speed and direction instead of by vx."""
    min_points: int | None = None
    """Points that trigger the zone. Where None: 4 as in Nav2, 1 in strict judgements."""
    slowdown_ratio: float = 0.5
    """Part of the command left by 'slowdown'."""
    linear_limit: float = 0.5
    """Fastest speed left by 'limit' [m/s]."""
    angular_limit: float = 0.5
    """Fastest turn left by 'limit' [rad/s]."""
    time_before_collision: float = 2.0
    """Time [s] from which 'approach' slows the robot down."""
    simulation_time_step: float = 0.1
    """Step of Nav2's 'approach' [s]; the strict one takes none."""
    enabled: bool = True
    sources: tuple[str, ...] | None = None
    """Names of the sources that count; None for all."""
    trigger_after: int = 1
    """Cycles with enough points until Nav2 acts (main branch; jazzy acts at once)."""
    release_after: int = 1
    """Cycles with too few points until the zone lets go (main branch; jazzy at once)."""
    hold_time: float = 0.0
    """Least time [s] that it holds after the last hit; strict judgements alone."""

    @property
    def shape_known(self) -> bool:
        """False where what should give the shape has not done so."""
        if self.shape == 'velocity_polygon':
            return bool(self.sub_zones)
        return (self.radius if self.shape == 'circle' else self.corners) is not None


@dataclass(frozen=True)
class Mask:
    """An area whose points do not count: an exclusion zone (Nav2's main branch only)."""

    name: str
    corners: Array | None
    """base_link [m], shape (E, 2); None for a circle."""
    radius: float = 0.0
    """Of a circle about base_link [m]; its border belongs to it."""
    low: float = -math.inf
    """Height [m] from which it masks; sources in a plane are at 0."""
    high: float = math.inf

    def hides(self, points: Array, heights: Array) -> Flags:
        """Say which points it hides, shape (N,): points [m] (N, 2), heights [m] (N,)."""
        level = (heights >= self.low) & (heights <= self.high)
        if self.corners is not None:
            return np.asarray(level & inside_polygon(points, self.corners))
        return np.asarray(level & (np.einsum('ij,ij->i', points, points) <= self.radius ** 2))


@dataclass(frozen=True)
class SourceSetup:
    """What a configuration says of a source."""

    name: str
    kind: str = 'scan'
    """One of KINDS."""
    enabled: bool = True
    timeout: float = SOURCE_TIMEOUT
    """Age [s] beyond which Nav2 stops the robot; 0: it never does, and takes any age."""
    min_height: float | None = None
    """Height band of a point cloud [m]; where None Nav2's default, or none in strict mode."""
    max_height: float | None = None
    sampling_distance: float = 0.1
    """Distance of the points [m] that Nav2 sets on the outline of a polygon source."""
    masks: tuple[Mask, ...] = ()
    max_range: float = math.inf
    """Farthest points of a point cloud that count, from base_link [m]."""
    strict_timeout: float = 0.0
    """Age [s] beyond which strict judgements stop the robot; 0: `safety.source.timeout`."""


@dataclass(frozen=True)
class ZoneSetup:
    """A whole configuration: the zones in their order, and the sources they rely on."""

    zones: tuple[UserZone, ...] = ()
    sources: tuple[SourceSetup, ...] = ()
    enabled: bool = True
    """False where Nav2's monitor is toggled off: zones sleep, but a bad source still stops."""
    source_timeout: float = SOURCE_TIMEOUT
    """For sources that the configuration does not name [s]."""
    footprint: Array | None = None
    """Outline of the robot, base_link [m], shape (E, 2); None where it is not given."""
    notes: tuple[str, ...] = ()
    """What of the configuration does not count here, for people."""


def inside_polygon(points: Array, corners: Array) -> Flags:
    """
    Points inside a polygon by Nav2's rule, a ray towards +x (Shimrat, CACM 5(8), 1962).

    Edges are crossed from y exclusive to y inclusive, and a crossing must lie at a greater x. So
    of an upright rectangle the left and upper borders (least x, greatest y) count as inside, the
    right and the lower do not. What is not a number is outside.

    :param points: [m], shape (N, 2).
    :param corners: [m], shape (E, 2); any simple polygon, either way round.
    :return: shape (N,).
    """
    inside = np.zeros(len(points), bool)
    px, py = points[:, 0], points[:, 1]
    with np.errstate(all='ignore'):
        for (ax, ay), (bx, by) in zip(np.roll(corners, 1, axis=0).tolist(), corners.tolist(),
                                      strict=True):
            if ay != by:
                crossed = (py <= ay) == (py > by)
                inside ^= crossed & (ax + (py - ay) * (bx - ax) / (by - ay) > px)
    return inside


def inside_circle(points: Array, radius: float) -> Flags:
    """Points inside a circle about base_link by Nav2's rule: its border is outside."""
    with np.errstate(over='ignore'):
        return np.asarray(points[:, 0] ** 2 + points[:, 1] ** 2 < radius * radius)


def sample_outline(corners: Array, distance: float) -> Array:
    """
    Set points on a closed outline as Nav2's polygon source does.

    Each edge is divided evenly, its ends included; so corners come twice.

    :param corners: [m], shape (E, 2).
    :param distance: largest distance of neighbours [m].
    :return: [m], shape (N, 2).
    """
    parts = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        count = max(math.ceil(math.hypot(*(b - a)) / distance), 1)
        parts.append(a + np.arange(count + 1)[:, None] * ((b - a) / count))
    return np.concatenate(parts) if parts else np.zeros((0, 2))
