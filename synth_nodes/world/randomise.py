"""Domain randomisation: what of robot, people and map differs from world to world."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.world.chance import uniform
from synth_nodes.world.jit import kernel
from synth_nodes.world.randomisation import Randomisation as Randomisation

RANGES = ('speed', 'turn_rate', 'acceleration', 'deceleration', 'lag', 'latency', 'slip',
          'people', 'people_speed', 'personal_space')


class Domain(NamedTuple):
    """What was drawn, one row a world, as the kernels read it."""

    drives: NDArray[np.float64]
    """Shape (B, 17), see `drive_of`."""
    manners: NDArray[np.float64]
    """Shape (B, 6), see `manner_of`."""
    people: NDArray[np.int64]
    """Shape (B,): how many people are there."""
    mount: NDArray[np.float64]
    """Shape (B, 3): offset x, y [m], yaw [rad] of the sensor mount in base_link."""

    @classmethod
    def of(cls, batch: int, drive: tuple[float, ...], manner: tuple[float, ...],
           people: int) -> 'Domain':
        """Give all worlds the nominal values."""
        return cls(np.tile(np.array(drive, np.float64), (batch, 1)),
                   np.tile(np.array(manner, np.float64), (batch, 1)),
                   np.full(batch, people, np.int64), np.zeros((batch, 3)))


def pack_ranges(settings: Randomisation) -> NDArray[np.float64]:
    """
    Put the settings into a table for the kernel.

    :return: least and most of `RANGES`, then of give_way, mount_shift, mount_turn; shape (13, 2).
    :raises InputError: when a range is not a least and a most.
    """
    rows = []
    for name in RANGES:
        pair = getattr(settings, name)
        if len(pair) != 2 or not pair[0] <= pair[1]:
            raise InputError(f'randomisation.{name} = {list(pair)} must be a least and a most, '
                             'such as [0.8, 1.2]')
        rows.append((float(pair[0]), float(pair[1])))
    rows += [(0.0, settings.give_way), (-settings.mount_shift, settings.mount_shift),
             (-settings.mount_turn, settings.mount_turn)]
    return np.array(rows, np.float64)


@kernel
def draw_domain(ranges: NDArray[np.float64], nominal: Domain, maps: int,
                streams: NDArray[np.uint64], which: NDArray[np.int64], domain: Domain,
                map_index: NDArray[np.int64]) -> None:
    """
    Draw anew for the worlds named by `which`, each from its own stream.

    :param ranges: from :func:`pack_ranges`; nominal: one row.
    :param maps: how many maps to choose from; 0 leaves each world in its map.
    """
    draw = np.empty(ranges.shape[0])
    for k in range(which.size):
        b = which[k]
        for r in range(ranges.shape[0]):
            draw[r] = ranges[r, 0] + (ranges[r, 1] - ranges[r, 0]) * uniform(streams, b)
        drive = domain.drives[b]
        drive[:] = nominal.drives[0]
        for column, factor in ((0, 0), (1, 0), (12, 0), (2, 1), (3, 2), (5, 2), (13, 2), (4, 3),
                               (6, 4), (7, 5)):
            drive[column] *= draw[factor]
        drive[14] += draw[6]
        drive[15] += draw[6]
        manner = domain.manners[b]
        manner[:] = nominal.manners[0]
        manner[1] *= draw[8]
        manner[3] *= draw[9]
        if uniform(streams, b) >= ranges[10, 1]:
            manner[2] = 0.0
        domain.people[b] = int(np.floor(draw[7] * nominal.people[0] + 0.5))
        domain.mount[b, 0] = draw[11]
        domain.mount[b, 1] = ranges[11, 0] + (
            ranges[11, 1] - ranges[11, 0]) * uniform(streams, b)
        domain.mount[b, 2] = draw[12]
        if maps > 0:
            map_index[b] = int(uniform(streams, b) * maps)
