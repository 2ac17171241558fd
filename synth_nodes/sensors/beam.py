"""
One beam of a lidar: rays through glass and mirrors, and the echo that they make together.

A beam has a footprint; its rays may meet several surfaces. Those whose ranges differ by less than
the pulse is long melt into one echo, whose range lies between them by the power of each: a mixed
pixel (Tuley, Vandapel, Hebert, "Analysis and removal of artifacts in 3-D LADAR data", ICRA 2005).
Farther apart they are echoes of their own, of which a sensor reports one. Rays are spread over
the profile of a Gaussian beam.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.range_noise import mixed
from synth_nodes.sensors.rays import Hit, NUDGE, Ray, strike, UP
from synth_nodes.sensors.scan_settings import ECHOES, ScanEffects
from synth_nodes.sensors.surfaces import (
    GLASS,
    MATT,
    MIRROR,
    pane_passes,
    received,
    SILVER,
    Surroundings,
)
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.chance import GOLDEN
from synth_nodes.world.jit import inline

ENCOUNTERS = 6
"""Panes and mirrors after which a ray counts as lost."""
GRAZING = 1e-6
"""Least cosine of an incidence."""


class Optics(NamedTuple):
    """`ScanEffects` as the kernel reads them."""

    offset: NDArray[np.float64]
    """Shape (S,): of the rays from the axis of the beam [rad]."""
    weight: NDArray[np.float64]
    """Shape (S,): their shares of the light; they add up to 1."""
    pulse: float
    echo: int
    """Index into `ECHOES`."""
    surfaces: bool
    threshold: float
    glass: float
    """Cosine of the incidence up to which a pane is seen itself."""
    speckle: float
    noise: float

    @classmethod
    def of(cls, effects: ScanEffects) -> 'Optics':
        """Take them from the settings."""
        count = effects.sub_beams if effects.divergence > 0.0 else 1
        place = (2.0 * np.arange(count) + 1.0) / count - 1.0
        weight = np.exp(-2.0 * place * place)
        return cls(0.5 * effects.divergence * place, weight / weight.sum(), effects.pulse_length,
                   ECHOES.index(effects.echo), effects.surfaces, effects.threshold,
                   float(np.cos(effects.glass_angle)),
                   effects.speckle if effects.surfaces else 0.0,
                   effects.power_noise if effects.surfaces else 0.0)


@inline
def follow(maps: AtlasArrays, about: Surroundings, m: int, ray: Ray, range_max: float, flat: bool,
           actors: NDArray[np.float64], optics: Optics, key: np.uint64) -> tuple[float, float]:
    """
    Follow a ray until something scatters it back.

    :param key: draws whether panes let it through; the same key draws the same.
    :return: whole path [m], inf where it is lost, and the power of the light that comes back.
    """
    stretch = np.sqrt(1.0 + ray.slope * ray.slope)
    reach, gone, share = range_max / stretch, 0.0, 1.0
    for encounter in range(ENCOUNTERS):
        hit = strike(maps, about, m, ray, reach - gone, flat, actors)
        if hit.way == np.inf:
            return np.inf, 0.0
        material = hit.material if optics.surfaces else MATT
        cosine = (abs(ray.dx * hit.nx + ray.dy * hit.ny) if _level(hit)
                  else abs(ray.slope)) / stretch
        cosine = min(max(cosine, GRAZING), 1.0)
        passes = False
        if material == GLASS and cosine < optics.glass and hit.way > 0.0:
            clear = pane_passes(cosine)
            draw = mixed(key + np.uint64(encounter) * GOLDEN) >> np.uint64(40)
            passes = np.int64(draw) < clear * 16777216.0
            share *= clear * clear if passes else (1.0 - clear) * (1.0 - clear)
        elif material == MIRROR and hit.way > 0.0:
            share *= SILVER * SILVER
        else:
            way = (gone + hit.way) * stretch
            return way, share * received(material, cosine, way)
        gone += hit.leave if passes else hit.way
        if gone >= reach:
            return np.inf, 0.0
        ray = _beyond(ray, hit.leave) if passes else _mirrored(ray, hit)
    return np.inf, 0.0


@inline
def _level(hit: Hit) -> bool:
    """Tell whether the normal is level: a wall, not a floor, a ceiling or a top."""
    return abs(hit.nx) < 0.5 * UP


@inline
def _beyond(ray: Ray, way: float) -> Ray:
    """Go on behind a pane."""
    go = way + NUDGE
    return Ray(ray.x + go * ray.dx, ray.y + go * ray.dy, ray.z + go * ray.slope, ray.dx, ray.dy,
               ray.slope)


@inline
def _mirrored(ray: Ray, hit: Hit) -> Ray:
    """Set out anew from just before a surface, in the direction that it throws the ray."""
    go = hit.way - NUDGE
    x, y, z = ray.x + go * ray.dx, ray.y + go * ray.dy, ray.z + go * ray.slope
    if not _level(hit):
        return Ray(x, y, z, ray.dx, ray.dy, -ray.slope)
    twice = 2.0 * (ray.dx * hit.nx + ray.dy * hit.ny)
    dx, dy = ray.dx - twice * hit.nx, ray.dy - twice * hit.ny
    size = np.sqrt(dx * dx + dy * dy)
    return Ray(x, y, z, dx / size, dy / size, ray.slope)


@inline
def echo_of(ways: NDArray[np.float64], powers: NDArray[np.float64], optics: Optics,
            gain: float) -> tuple[float, float]:
    """
    Find the range that a sensor reports of what came back.

    :param ways: whole paths of the rays [m], inf where one is lost; sorted in place.
    :param powers: with the shares of the light in them; sorted alike.
    :param gain: of speckle, on all powers.
    :return: range [m] and power; inf and 0 where no echo is strong enough.
    """
    for k in range(1, ways.size):
        way, power = ways[k], powers[k]
        q = k
        while q > 0 and ways[q - 1] > way:
            ways[q], powers[q] = ways[q - 1], powers[q - 1]
            q -= 1
        ways[q], powers[q] = way, power
    best, strength = np.inf, 0.0
    k = 0
    while k < ways.size and ways[k] < np.inf:
        first, total, moment = k, 0.0, 0.0
        while k < ways.size and ways[k] < np.inf and (
                k == first or ways[k] - ways[k - 1] <= optics.pulse):
            total += powers[k]
            moment += powers[k] * (ways[k] - ways[first])
            k += 1
        strong = total > 0.0 and gain * total >= optics.threshold
        if strong and (optics.echo != 1 or gain * total > strength):
            best = ways[first] + moment / total
            strength = gain * total
            if optics.echo == 0:
                break
    return best, strength
