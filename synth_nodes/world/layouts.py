"""
Generated scenes by name: rooms, warehouses, clutter, doors, dead ends, line tracks, learned plans.

Every one is drawn from a seed, has its lower left corner at (0, 0) in `map`, and its floor is in
one part for a robot of radius `ROBOT_RADIUS`: whatever would cut it apart is not placed.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FREE, GridMap, OCCUPIED
from synth_nodes.world.building import generate_building, reachable_parts
from synth_nodes.world.learned_plans import plan_sampler, to_cells
from synth_nodes.world.plan_conditions import NO_WISHES, Wishes
from synth_nodes.world.scene import FloorLine, GridSource, Scene, Surface
from synth_nodes.world.solids import draw_scene

ROBOT_RADIUS = 0.3
"""A robot of this radius [m] gets everywhere."""
WALL = 0.3
"""Thickness of outer walls [m]."""
SURFACES = (
    Surface('concrete', (0.55, 0.55, 0.53)), Surface('plaster', (0.82, 0.82, 0.8)),
    Surface('lamps', (0.9, 0.9, 0.9), (1.0, 1.0, 0.97), 3.0),
    Surface('cardboard', (0.65, 0.5, 0.33)), Surface('panels', (0.2, 0.35, 0.6)),
    Surface('plain', (0.75, 0.3, 0.2)))
CARDBOARD, RACK, PAINTED = 3, 4, 5
BLACK, YELLOW = (0.08, 0.08, 0.08), (0.85, 0.7, 0.1)
Size = tuple[float, float, float]
"""Width along x, height along y, resolution [m]."""


class Draft:
    """A hall under construction: its grid, what stands in it, and lines on its floor."""

    def __init__(self, size: Size, walls: bool = True) -> None:
        width, height, self.resolution = size
        self.width, self.height = width, height
        self.occupancy = np.full((round(height / self.resolution),
                                  round(width / self.resolution)), FREE, np.int8)
        self.boxes: list[tuple[float, ...]] = []
        self.cylinders: list[tuple[float, ...]] = []
        self.lines: list[FloorLine] = []
        if walls:
            self.fill(0.0, 0.0, width, height)
            self.fill(WALL, WALL, width - WALL, height - WALL, FREE)

    def fill(self, x0: float, y0: float, x1: float, y1: float, value: int = OCCUPIED) -> None:
        """Set the cells of a rectangle [m]."""
        j0, i0, j1, i1 = (max(round(v / self.resolution), 0) for v in (x0, y0, x1, y1))
        self.occupancy[i0:i1, j0:j1] = value

    def scene(self, name: str) -> Scene:
        """Make a scene of what is there."""
        grid = GridMap(self.occupancy.copy(), self.resolution, (0.0, 0.0, 0.0), name)
        return Scene(grid, SURFACES, boxes=np.array(self.boxes).reshape(-1, 7),
                     cylinders=np.array(self.cylinders).reshape(-1, 5), lines=tuple(self.lines),
                     name=name)

    def add(self, box: tuple[float, ...] = (), cylinder: tuple[float, ...] = ()) -> bool:
        """Stand a box or cylinder there, unless the floor would fall apart."""
        if box:
            self.boxes.append(box)
        if cylinder:
            self.cylinders.append(cylinder)
        if is_drivable(self.scene('draft')):
            return True
        if box:
            self.boxes.pop()
        if cylinder:
            self.cylinders.pop()
        return False


def is_drivable(scene: Scene, radius: float = ROBOT_RADIUS) -> bool:
    """Tell whether all places where a disc [m] fits hang together, and there is one."""
    grid = draw_scene(scene)
    return int(reachable_parts(~grid.solid(), grid.resolution, radius).max()) == 1


def generate_scene(layout: str, seed: int, width: float = 20.0, height: float = 14.0,
                   resolution: float = 0.05, wishes: Wishes = NO_WISHES) -> Scene:
    """
    Generate a scene.

    :param layout: one of `LAYOUTS`.
    :param seed: 0 or more; the same arguments give the same scene.
    :param width: along x [m], 10 to 100; height: along y [m], 10 to 100.
    :param resolution: side of a cell [m], 0.02 to 0.1.
    :param wishes: what the plans of 'learned' are to be like, see
        `synth_nodes.world.plan_conditions`; no other layout takes any.
    :raises InputError: when an argument is out of range.
    """
    if layout not in LAYOUTS:
        raise InputError(f'layout = {layout!r} must be one of {", ".join(LAYOUTS)}')
    for name, value, low, high in (('width', width, 10.0, 100.0), ('height', height, 10.0, 100.0),
                                   ('resolution', resolution, 0.02, 0.1)):
        if not low <= value <= high:
            raise InputError(f'scene {name} = {value} m is outside [{low}, {high}] m')
    if seed < 0:
        raise InputError(f'scene seed = {seed} must be 0 or more')
    rng = np.random.default_rng([31, list(LAYOUTS).index(layout), seed])
    if wishes:
        check_wishes(layout, wishes)
        return learned(rng, seed, (width, height, resolution), f'{layout}_{seed}', wishes=wishes)
    return LAYOUTS[layout](rng, seed, (width, height, resolution), f'{layout}_{seed}')


def check_wishes(layout: str, wishes: Wishes) -> None:
    """
    Refuse wishes that a layout cannot grant.

    :raises InputError: when it is not 'learned', or one is not among what was learned.
    """
    if not wishes:
        return
    if layout != 'learned':
        raise InputError(f"layout '{layout}' takes no wishes ({', '.join(wishes)}); "
                         "'learned' does")
    plan_sampler().known.check(wishes)


def scene_of_plans(folder: str, seed: int, width: float = 20.0, height: float = 14.0,
                   resolution: float = 0.05, wishes: Wishes = NO_WISHES) -> Scene:
    """
    Generate a scene by a plan generator of the user's.

    :param folder: where it was trained; the others as for :func:`generate_scene`.
    :raises InputError: when there is none, no good floor comes, or a wish is not among what was
        learned.
    """
    return learned(np.random.default_rng([37, seed]), seed, (width, height, resolution),
                   f'plans_{seed}', folder, wishes)


def rooms(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Draw an office floor; see `generate_building`."""
    grid = generate_building(seed, *size)
    return Scene(grid, source=GridSource('building', building=(seed, *size)), name=name)


def warehouse(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Rows of racks, aisles between, a painted loop around them, pallets left in the aisles."""
    draft = Draft(size)
    edge = 2.0
    draft.lines.append(FloorLine(_loop(edge / 2 + WALL, draft), 0.1, YELLOW))
    depth, y = 1.1, WALL + edge
    rows = []
    while y + depth <= draft.height - WALL - edge + 1e-9:
        rows.append(y)
        y += depth + rng.uniform(1.7, 2.6)
    cross = draft.width * rng.uniform(0.4, 0.6)
    for y in rows:
        for x0, x1 in ((WALL + edge, cross - 1.0), (cross + 1.0, draft.width - WALL - edge)):
            if x1 - x0 > 1.0:
                draft.boxes.append(((x0 + x1) / 2, y + depth / 2, 0.0, x1 - x0, depth,
                                    float(rng.uniform(2.0, 2.5)), RACK))
    for _ in range(rng.poisson(len(rows) * draft.width / 8.0)):
        x = rng.uniform(WALL + edge + 0.6, draft.width - WALL - edge - 0.6)
        beside = float(rng.choice(rows)) + depth + 0.45 if rows else draft.height / 2
        if beside < draft.height - WALL - edge - 0.4:
            draft.add((x, beside, rng.normal(0.0, 0.05), 1.2, 0.8, float(rng.uniform(0.3, 1.5)),
                       CARDBOARD))
    return draft.scene(name)


def clutter(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Boxes and posts of all sizes, at any angle, all over a hall."""
    draft = Draft(size)
    for _ in range(round(draft.width * draft.height / 5.0)):
        _scatter(draft, rng, 0.6)
    return draft.scene(name)


def yard(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Boxes and posts without any wall in the grid; the world ends where the floor does."""
    draft = Draft(size, walls=False)
    for _ in range(round(draft.width * draft.height / 9.0)):
        _scatter(draft, rng, 1.0)
    return draft.scene(name)


def doors(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Rooms in a row behind walls with one narrow door each, 0.75 to 1 m wide."""
    draft = Draft(size)
    x = WALL
    while x < draft.width - WALL - 5.0:
        x += rng.uniform(2.5, 4.0)
        wide = rng.uniform(0.75, 1.0)
        y = rng.uniform(WALL + 0.5, draft.height - WALL - 0.5 - wide)
        draft.fill(x, 0.0, x + 0.15, draft.height)
        draft.fill(x, y, x + 0.15, y + wide, FREE)
    return draft.scene(name)


def dead_ends(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Corridors as a tree (a maze by depth-first search), so that most of them end blindly."""
    draft = Draft(size)
    pitch = rng.uniform(1.6, 2.0)
    columns = max(int((draft.width - 2 * WALL) / pitch), 2)
    rows = max(int((draft.height - 2 * WALL) / pitch), 2)
    draft.fill(0.0, 0.0, draft.width, draft.height)
    room = pitch - 0.2
    stack = [(int(rng.integers(columns)), int(rng.integers(rows)))]
    seen = set(stack)
    while stack:
        j, i = stack[-1]
        x, y = WALL + j * pitch, WALL + i * pitch
        draft.fill(x, y, x + room, y + room, FREE)
        ways = [(j + a, i + b) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
                if 0 <= j + a < columns and 0 <= i + b < rows and (j + a, i + b) not in seen]
        if not ways:
            stack.pop()
            continue
        other = ways[int(rng.integers(len(ways)))]
        u, v = WALL + min(j, other[0]) * pitch, WALL + min(i, other[1]) * pitch
        draft.fill(u, v, u + room + pitch * (other[0] != j), v + room + pitch * (other[1] != i),
                   FREE)
        seen.add(other)
        stack.append(other)
    return draft.scene(name)


def track_straight(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Paint a straight line along a hall, with things standing off it."""
    draft = Draft(size)
    y = draft.height * rng.uniform(0.35, 0.65)
    lean = rng.uniform(-0.5, 0.5)
    line = np.array([[1.2, y - lean], [draft.width - 1.2, y + lean]])
    return _beside(draft, rng, line, name)


def track_curved(rng: np.random.Generator, seed: int, size: Size, name: str) -> Scene:
    """Paint a closed line of smooth bends around a hall, with things standing off it."""
    draft = Draft(size)
    turn = np.linspace(0.0, 2 * np.pi, 241)
    swing = np.ones_like(turn)
    for wave in (2, 3, 4):
        swing += rng.uniform(-0.5, 0.5) / wave ** 1.5 * np.cos(wave * turn + rng.uniform(0, 7))
    swing /= np.abs(swing).max()
    half = draft.width / 2 - 1.3, draft.height / 2 - 1.3
    line = np.column_stack((draft.width / 2 + half[0] * swing * np.cos(turn),
                            draft.height / 2 + half[1] * swing * np.sin(turn)))
    line[-1] = line[0]
    return _beside(draft, rng, line, name)


def learned(rng: np.random.Generator, seed: int, size: Size, name: str,
            folder: str = '', wishes: Wishes = NO_WISHES) -> Scene:
    """Walls as a learned generator draws them, with boxes and posts scattered in the rooms."""
    sampler = plan_sampler(folder)
    for _ in range(20):
        draft = Draft(size)
        floor = sampler.floor(rng, draft.width, draft.height, wishes)
        draft.occupancy[to_cells(floor, draft.occupancy.shape)] = OCCUPIED
        if is_drivable(draft.scene(name)):
            break
    else:
        raise InputError(f'plan generator: found no floor of {draft.width} m x {draft.height} m '
                         'that is drivable; choose another size or seed')
    for _ in range(round(draft.width * draft.height / 12.0)):
        _scatter(draft, rng, 0.8)
    return draft.scene(name)


def _beside(draft: Draft, rng: np.random.Generator, line: NDArray[np.float64],
            name: str) -> Scene:
    """Paint a line and scatter things at least a metre off it."""
    draft.lines.append(FloorLine(line, float(rng.uniform(0.03, 0.08)), BLACK))
    way = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    at = np.arange(0.0, way[-1], 0.1)
    dense = np.column_stack([np.interp(at, way, line[:, k]) for k in (0, 1)])
    for _ in range(round(draft.width * draft.height / 12.0)):
        _scatter(draft, rng, 0.6, dense)
    return draft.scene(name)


def _scatter(draft: Draft, rng: np.random.Generator, edge: float,
             keep_off: NDArray[np.float64] | None = None) -> None:
    """Try to stand one box or post somewhere, away from the edge and from points [m]."""
    x = float(rng.uniform(edge, draft.width - edge))
    y = float(rng.uniform(edge, draft.height - edge))
    long, deep = float(rng.uniform(0.3, 1.6)), float(rng.uniform(0.25, 0.8))
    post = float(rng.uniform(0.05, 0.35))
    round_one = rng.random() < 0.4
    yaw, high = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.4, 1.8))
    reach = post if round_one else float(np.hypot(long, deep)) / 2
    if keep_off is not None and np.hypot(*(keep_off - (x, y)).T).min() < 1.0 + reach:
        return
    if round_one:
        draft.add(cylinder=(x, y, post, high, PAINTED))
    else:
        draft.add(box=(x, y, yaw, long, deep, high, CARDBOARD))


def _loop(off: float, draft: Draft) -> NDArray[np.float64]:
    """Make a closed rectangle, `off` [m] inside the edge of a hall."""
    x1, y1 = draft.width - off, draft.height - off
    return np.array([[off, off], [x1, off], [x1, y1], [off, y1], [off, off]])


Layout = Callable[[np.random.Generator, int, Size, str], Scene]
LAYOUTS: dict[str, Layout] = {
    'rooms': rooms, 'warehouse': warehouse, 'clutter': clutter, 'yard': yard, 'doors': doors,
    'dead_ends': dead_ends, 'track_straight': track_straight, 'track_curved': track_curved,
    'learned': learned}
"""Every generator by the name that scene files and parameters give it."""
