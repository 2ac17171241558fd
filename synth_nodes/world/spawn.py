"""Where robots and people start: free, reachable, and not on top of one another."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.world.atlas import AtlasArrays, MapAtlas, to_point
from synth_nodes.world.chance import uniform
from synth_nodes.world.crowd import Crowd, Manner, manner_of, new_goal
from synth_nodes.world.gait import NEW, PASSED
from synth_nodes.world.jit import inline, kernel
from synth_nodes.world.rails import point_at, Rails
from synth_nodes.world.ways import Ways

ROOM = 0.08
"""Gap [m] that a robot has on all sides where it starts."""
APART = 0.6
"""Gap [m] wanted between a person who appears and the robot."""
TRIES = 200
ELSEWHERE = 1e6
"""Where people wait [m] that a world has room for but not in it."""


class Starts(NamedTuple):
    """Cells where a robot may start, of all maps."""

    cells: NDArray[np.int32]
    """Cells (index within the padded map), of one map after the other."""
    first: NDArray[np.int64]
    """Shape (maps + 1,): where each map's cells begin."""


def find_starts(atlas: MapAtlas, radius: float) -> Starts:
    """
    Find the cells, in each map's largest connected part, where a disc fits with room around.

    :param radius: of the robot [m].
    :raises InputError: when a map has no such cell.
    """
    found = []
    first = [0]
    maps = atlas.drawn.arrays
    for m, grid in enumerate(atlas.maps):
        start, height, width = maps.shape[m]
        distance = maps.distance[start:start + height * width].reshape(height, width)
        fits = (distance - np.sqrt(0.5)) * grid.resolution >= radius + ROOM
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            fits.astype(np.uint8), connectivity=4)
        if count < 2:
            raise InputError(
                f"map '{grid.name}' has no room for a robot of radius {radius:.2f} m; "
                'check its resolution and thresholds, or robot.footprint')
        part = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        found.append(np.flatnonzero(labels == part).astype(np.int32))
        first.append(first[-1] + found[-1].size)
    return Starts(np.concatenate(found), np.array(first, np.int64))


@inline
def draw_pose(maps: AtlasArrays, starts: Starts, streams: NDArray[np.uint64], b: int, m: int,
              pose: NDArray[np.float64]) -> None:
    """Write a random free pose into pose, shape (3,)."""
    count = starts.first[m + 1] - starts.first[m]
    cell = starts.cells[starts.first[m] + int(uniform(streams, b) * count)]
    width = maps.shape[m, 2]
    column = cell % width + uniform(streams, b)
    row = cell // width + uniform(streams, b)
    pose[0], pose[1] = to_point(maps, m, column, row)
    pose[2] = (2.0 * uniform(streams, b) - 1.0) * np.pi


@kernel
def spawn_robots(maps: AtlasArrays, starts: Starts, streams: NDArray[np.uint64],
                 map_index: NDArray[np.int64], which: NDArray[np.int64],
                 pose: NDArray[np.float64]) -> None:
    """Give the worlds named by `which` a random free pose each."""
    for k in range(which.size):
        b = which[k]
        draw_pose(maps, starts, streams, b, map_index[b], pose[b])


@kernel
def spawn_crowds(maps: AtlasArrays, ways: Ways, rails: Rails, manners: NDArray[np.float64],
                 people: NDArray[np.int64], streams: NDArray[np.uint64],
                 map_index: NDArray[np.int64], which: NDArray[np.int64],
                 pose: NDArray[np.float64], radius: float, crowd: Crowd) -> bool:
    """
    Place people and carts of the worlds named by `which`, off the robot and off one another.

    :param manners: shape (B, 6), see `manner_of`; people: how many are in each world, shape (B,).
    :param radius: of the robot.
    :return: False when one could not be placed clear of the robot.
    """
    for k in range(which.size):
        b = which[k]
        manner = manner_of(manners[b])
        walkers = 0
        for a in range(crowd.body.shape[1]):
            crowd.rest[b, a] = 0.0
            crowd.recall[b, a, PASSED] = NEW
            if crowd.track[b, a] >= 0:
                gap = _place_cart(rails, streams, b, map_index[b], a, pose[b], radius, crowd)
            elif walkers < people[b]:
                walkers += 1
                crowd.pace[b, a] = manner.speed * (0.6 + 0.4 * uniform(streams, b))
                new_goal(crowd, ways, streams, b, a)
                gap = _place_person(maps, ways, manner, streams, b, map_index[b], a, pose[b],
                                    radius, crowd)
            else:
                crowd.rest[b, a] = np.inf
                crowd.body[b, a] = np.array(
                    [ELSEWHERE, ELSEWHERE + 10.0 * a, 0.0, 0.0, manner.radius])
                gap = np.inf
            if gap < 0.05:
                return False
    return True


@inline
def _place_cart(rails: Rails, streams: NDArray[np.uint64], b: int, m: int, a: int,
                pose: NDArray[np.float64], radius: float, crowd: Crowd) -> float:
    """Put a cart somewhere on one of the map's tracks, as far from robot and others as drawn."""
    crowd.pace[b, a] = rails.speed * (0.6 + 0.4 * uniform(streams, b))
    crowd.sense[b, a] = 1.0 if uniform(streams, b) < 0.5 else -1.0
    first, count = rails.of_map[m], rails.of_map[m + 1] - rails.of_map[m]
    cart = crowd.body[b, a]
    cart[2:] = 0.0
    cart[4] = rails.radius
    best = -np.inf
    robot_gap = -np.inf
    for _ in range(TRIES):
        track = first + int(uniform(streams, b) * count)
        along = uniform(streams, b) * rails.points[rails.first[track + 1] - 1, 2]
        x, y, _corner = point_at(rails, track, along)
        to_robot = np.hypot(x - pose[0], y - pose[1]) - radius - rails.radius
        room = min(to_robot - APART, _to_others(crowd, b, a, x, y))
        if room > best:
            best = room
            robot_gap = to_robot
            cart[0] = x
            cart[1] = y
            crowd.track[b, a] = track
            crowd.along[b, a] = along
        if room >= 0.0:
            break
    return robot_gap


@inline
def _to_others(crowd: Crowd, b: int, a: int, x: float, y: float) -> float:
    """Room between a place for actor a and those placed before it, less than 0 where too near."""
    room = 0.0
    for other in range(a):
        mate = crowd.body[b, other]
        touch = crowd.body[b, a, 4] + mate[4] + 0.1
        room = min(room, np.hypot(x - mate[0], y - mate[1]) - touch)
    return float(room)


@inline
def _place_person(maps: AtlasArrays, ways: Ways, manner: Manner, streams: NDArray[np.uint64],
                  b: int, m: int, a: int, pose: NDArray[np.float64], radius: float,
                  crowd: Crowd) -> float:
    """Take the first place with room enough, else the one farthest from robot and people."""
    first, count = ways.shape[m, 4], ways.shape[m + 1, 4] - ways.shape[m, 4]
    width, factor = ways.shape[m, 2], ways.shape[m, 3]
    best = -np.inf
    robot_gap = -np.inf
    person = crowd.body[b, a]
    person[2:] = 0.0
    person[4] = manner.radius
    for _ in range(TRIES):
        cell = ways.spawn[first + int(uniform(streams, b) * count)]
        x, y = to_point(maps, m, (cell % width + 0.5) * factor, (cell // width + 0.5) * factor)
        to_robot = np.hypot(x - pose[0], y - pose[1]) - radius - manner.radius
        room = min(to_robot - APART, _to_others(crowd, b, a, x, y))
        if room > best:
            best = room
            robot_gap = to_robot
            person[0] = x
            person[1] = y
        if room >= 0.0:
            break
    return robot_gap
