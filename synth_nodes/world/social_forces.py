"""
People who walk by social forces: a source of tracks where none are recorded.

The model is that of Helbing and Molnar 1995 (Phys. Rev. E 51, 4282) with its parameters: desired
speeds normal about 1.34 m/s, deviation 0.26 m/s, relaxation in 0.5 s; repulsion by the elliptic
potential 2.1 m2/s2 exp(-b / 0.3 m) of others who step ahead for 2 s; 200 degrees of sight, half
the weight behind; speed at most 1.3 times the desired. Three things differ. Walls repel as in
Helbing, Farkas and Vicsek 2000 (Nature 407, 487: 2000 N / 80 kg, 0.08 m), for the walls of 1995
keep slow people out of doors. Half of the people are slower than any pedestrian of 1995, 0.3 to 1
m/s, as people in buildings beside robots are. And fluctuations, of which the paper gives no size,
are white noise of acceleration that moves the velocity by 0.1 m/s in a second.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.atlas import AtlasArrays, MapAtlas
from synth_nodes.world.gait import look_along
from synth_nodes.world.jit import kernel
from synth_nodes.world.tracks import RADIUS, Tracks
from synth_nodes.world.ways import build_ways, Ways

PERIOD = 0.2
"""Between the frames of tracks [s], where nothing says otherwise."""
STEP = 0.05
"""Of the integration [s]."""
APART = 1.2
"""Distance [m] to others wanted where a person appears."""
STUCK_SPEED, STUCK_TIME = 0.1, 4.0
"""Who is slower [m/s] than this for so long [s] gives up; what it walked is left out."""
PLACES = 16
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Forces:
    """Parameters; see the module."""

    speed: float = 1.34
    speed_deviation: float = 0.26
    slow_share: float = 0.5
    slow: tuple[float, float] = (0.3, 1.0)
    relaxation: float = 0.5
    potential: float = 2.1
    range: float = 0.3
    ahead: float = 2.0
    sight: float = np.deg2rad(100.0)
    behind: float = 0.5
    wall_force: float = 25.0
    wall_range: float = 0.08
    faster: float = 1.3
    noise: float = 0.1


def draw_paces(rng: np.random.Generator, count: int, forces: Forces | None = None) -> Array:
    """Draw desired speeds [m/s], shape (count,)."""
    f = forces or Forces()
    brisk = np.clip(rng.normal(f.speed, f.speed_deviation, count), 0.5, 2.2)
    return np.where(rng.random(count) < f.slow_share, rng.uniform(*f.slow, count), brisk)


def simulate(atlas: MapAtlas, people: int, seconds: float, period: float,
             rng: np.random.Generator, forces: Forces | None = None) -> Tracks:
    """
    Let people walk: each from a place drawn by chance to another, where it leaves and one appears.

    :param atlas: of one map.
    :param people: how many are there at a time.
    :param period: between the frames kept [s], a multiple of 0.05.
    :return: a track for each walk; it begins with two frames at rest.
    :raises InputError: when the map has no room for a person.
    """
    walk = _Walk(atlas, people, rng, forces or Forces())
    frames, inner = round(seconds / period), max(1, round(period / STEP))
    kept: list[tuple[NDArray[np.int64], Array]] = []
    for _ in range(frames):
        kept.append((walk.name.copy(), walk.at.copy()))
        walk.fresh -= 1
        for _ in range(inner):
            walk.step(period / inner)
    at = np.full((frames, walk.names, 2), np.nan)
    for frame, (name, where) in enumerate(kept):
        at[frame, name] = where
    whole = np.isfinite(at[..., 0]).sum(axis=0) >= 6
    whole[list(walk.stuck)] = False
    return Tracks(at[:, whole], period, atlas, atlas.maps[0].name)


class _Walk:
    """The people of a simulation."""

    def __init__(self, atlas: MapAtlas, people: int, rng: np.random.Generator,
                 forces: Forces) -> None:
        self._maps, self._solid = atlas.arrays, atlas.drawn.arrays
        self._ways = build_ways(atlas, RADIUS, PLACES, int(rng.integers(2**31)))
        self._rng, self._forces = rng, forces
        self.names = 0
        self.name = np.zeros(people, np.int64)
        self.at, self.velocity = np.full((people, 2), 1e6), np.zeros((people, 2))
        self.pace, self.slow = np.zeros(people), np.zeros(people)
        self.goal = np.zeros(people, np.int64)
        self.fresh = np.zeros(people, np.int64)
        self.stuck: set[int] = set()
        """Names of those who gave up."""
        for k in range(people):
            self._appear(k)

    def step(self, dt: float) -> None:
        """Move all for dt [s]; those who are fresh stand."""
        f, noise = self._forces, self._rng.standard_normal(self.at.shape)
        ways = _directions(self._maps, self._ways, self.goal, self.at)
        force = (self.pace[:, None] * ways[:, :2] - self.velocity) / f.relaxation
        force += self._from_others(ways[:, :2]) + self._from_walls()
        velocity = self.velocity + dt * force + np.sqrt(dt) * f.noise * noise
        speed = np.hypot(*velocity.T) + 1e-12
        velocity *= np.minimum(1.0, f.faster * self.pace / speed)[:, None]
        velocity[self.fresh > 0] = 0.0
        self.velocity = velocity
        self.at = self.at + dt * velocity
        idle = (np.hypot(*velocity.T) < STUCK_SPEED) & (self.fresh <= 0)
        self.slow = np.where(idle, self.slow + dt, 0.0)
        for k in np.flatnonzero((ways[:, 2] > 0) | (self.slow > STUCK_TIME)):
            if self.slow[k] > STUCK_TIME:
                self.stuck.add(int(self.name[k]))
            self._appear(int(k))

    def _appear(self, k: int) -> None:
        """Put somebody new at a place away from others, with somewhere to go to."""
        ways, rng = self._ways, self._rng
        width, factor = ways.shape[0, 2:4]
        others = np.delete(self.at, k, axis=0)
        for _ in range(100):
            cell = int(rng.choice(ways.spawn))
            place = self._to_map((cell % width + 0.5) * factor, (cell // width + 0.5) * factor)
            if not len(others) or np.hypot(*(others - place).T).min() > APART:
                break
        self.at[k], self.velocity[k], self.slow[k], self.fresh[k] = place, 0.0, 0.0, 2
        self.name[k], self.names = self.names, self.names + 1
        self.pace[k] = draw_paces(rng, 1, self._forces)[0]
        self.goal[k] = rng.integers(PLACES)

    def _to_map(self, column: float, row: float) -> Array:
        x, y, c, s, size = self._maps.frame[0]
        return np.array([x + size * (c * column - s * row), y + size * (s * column + c * row)])

    def _from_others(self, way: Array) -> Array:
        """Repulsion by others, eq. 3 and 4 of 1995, weighed by sight, shape (N, 2) [m/s2]."""
        f = self._forces
        apart = self.at[:, None] - self.at[None]
        stride = f.ahead * self.velocity[None]
        beyond = apart - stride
        far = np.sqrt((apart ** 2).sum(-1)) + 1e-9
        off = np.sqrt((beyond ** 2).sum(-1)) + 1e-9
        both = far + off
        b = 0.5 * np.sqrt(np.maximum(both ** 2 - (stride ** 2).sum(-1), 1e-6))
        slope = (apart / far[..., None] + beyond / off[..., None]) * (both / (4.0 * b))[..., None]
        force = slope * (f.potential / f.range * np.exp(-b / f.range))[..., None]
        seen = -(apart * way[:, None]).sum(-1) >= far * np.cos(f.sight)
        force *= np.where(seen, 1.0, f.behind)[..., None]
        force[np.arange(len(force)), np.arange(len(force))] = 0.0
        return np.asarray(force.sum(axis=1))

    def _from_walls(self) -> Array:
        """Repulsion by the nearest solid cell, shape (N, 2) [m/s2]."""
        f, maps = self._forces, self._solid
        x, y, c, s, size = maps.frame[0]
        turn = np.array([[c, -s], [s, c]])
        cells = (self.at - (x, y)) @ turn / size
        height, width = maps.shape[0, 1:]
        i = np.clip(np.floor(cells[:, 1]).astype(int), 0, height - 1)
        j = np.clip(np.floor(cells[:, 0]).astype(int), 0, width - 1)
        square = maps.nearest[i * width + j]
        corner = np.column_stack((square % width, square // width)).astype(float)
        off = (cells - np.clip(cells, corner, corner + 1.0)) * size
        far = np.hypot(*off.T) + 1e-9
        push = f.wall_force * np.exp((RADIUS - np.maximum(far, 0.05)) / f.wall_range)
        return np.asarray((off / far[:, None] * push[:, None]) @ turn.T)


@kernel
def _directions(maps: AtlasArrays, ways: Ways, goal: NDArray[np.int64], at: Array) -> Array:
    """Find the unit vector to each one's goal, and 1 where it is reached, shape (N, 3)."""
    out = np.empty((at.shape[0], 3))
    for k in range(at.shape[0]):
        ux, uy, arrived = look_along(maps, ways, 0, goal[k], at[k, 0], at[k, 1])
        out[k, 0] = ux
        out[k, 1] = uy
        out[k, 2] = 1.0 if arrived else 0.0
    return out
