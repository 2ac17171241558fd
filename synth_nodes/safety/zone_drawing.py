"""Outlines of the user's zones, for display."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.user_zones import SLACK
from synth_nodes.safety.zones import Zone

Array = NDArray[np.float64]
_TURN = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)


def user_outlines(zones: Sequence[UserZone], command: Array) -> list[Zone]:
    """
    Outlines that zones have now; of a velocity polygon those of all parts that the command is in.

    :param zones: those that are switched off, or have no shape, are left out.
    :param command: vx [m/s], vy [m/s], w [rad/s], shape (3,).
    """
    out = []
    for zone in zones:
        if not zone.enabled:
            continue
        if zone.shape == 'circle' and zone.radius is not None:
            out.append(Zone(zone.name, zone.radius * np.stack(
                (np.cos(_TURN), np.sin(_TURN)), axis=1)))
        elif zone.corners is not None:
            out.append(Zone(zone.name, zone.corners))
        out += [Zone(zone.name, part.corners) for part in zone.sub_zones
                if part.covers(command, zone.holonomic, SLACK)]
    return out
