"""Lidar on a device: the scans of `synth_nodes.sensors.lidar.Lidar`, one thread a beam."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
import warp as wp

from synth_nodes.errors import InputError
from synth_nodes.gpu.kernels import rays
from synth_nodes.gpu.upload import bring, upload, upload_maps
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.range_noise import Flaws
from synth_nodes.types import LidarSpec
from synth_nodes.world.atlas import MapAtlas

SIMULATED = ('beams', 'field_of_view', 'range_min', 'range_max', 'rate', 'mount', 'noise_std',
             'noise_slope', 'dropout')
"""Fields of `LidarSpec` that this back end takes part in."""


class DeviceLidar:
    """Scans of B robots at once; same seed, same noise as `Lidar`."""

    def __init__(self, spec: LidarSpec, atlas: MapAtlas, device: Any, seed: int = 0,
                 maps: Any = None) -> None:
        """
        Upload beams and maps.

        :param device: from `open_device`.
        :param maps: the atlas as it lies on the device, from `upload_maps`; None uploads it.
        :raises InputError: as `Lidar`, and when the settings ask for an effect that only the
            numba back end simulates.
        """
        check_spec(spec)
        self.spec = spec
        self.device = device
        self.maps = upload_maps(atlas.arrays, device) if maps is None else maps
        self.key = upload(_first_key(Lidar(spec, atlas, seed)), device)
        flaws = Flaws.of(spec)
        optics = rays.Optics()
        optics.cos = upload(np.cos(spec.angles), device)
        optics.sin = upload(np.sin(spec.angles), device)
        optics.ahead, optics.left, optics.turn = spec.mount
        optics.range_max = spec.range_max
        optics.std, optics.slope = flaws.std, flaws.slope
        optics.low, optics.high = flaws.range_min, flaws.range_max
        optics.dropout = int(flaws.dropout * 16777216.0 + 0.5)
        optics.quantiles = upload(flaws.quantiles, device)
        self._optics = optics

    def scan(self, base_pose: Any, map_index: Any, actors: Any = None, out: Any = None,
             mount_offset: Any = None) -> Any:
        """
        Scan from B robots; see `Lidar.scan` for what all mean.

        Arrays of numpy are copied to the device; arrays of Warp and tensors of torch that lie
        there, with the types given here, are read where they are.

        :param base_pose: shape (B, 3), float64.
        :param map_index: shape (B,), int32; values are not checked.
        :param actors: shape (B, A, 5), float64, or None.
        :param out: shape (B, beams), float32, on the device; new when None.
        :param mount_offset: shape (B, 3), float64, or None.
        :return: out, as a tensor of torch that shares its memory.
        :raises InputError: when shapes or types do not fit.
        """
        batch, device = len(base_pose), self.device
        people = 0 if actors is None else actors.shape[1]
        ranges = (wp.zeros((batch, self.spec.beams), dtype=wp.float32, device=device)
                  if out is None else
                  bring(out, wp.float32, (batch, self.spec.beams), 'out', device))
        self.launch(
            bring(base_pose, wp.float64, (batch, 3), 'base_pose', device),
            bring(map_index, wp.int32, (batch,), 'map_index', device),
            bring(np.zeros((batch, 0, 5)) if actors is None else actors, wp.float64,
                  (batch, people, 5), 'actors', device),
            ranges,
            bring(np.zeros((batch, 3)) if mount_offset is None else mount_offset, wp.float64,
                  (batch, 3), 'mount_offset', device),
            wp.zeros((batch, 4), dtype=wp.float64, device=device))
        return wp.to_torch(ranges)

    def launch(self, pose: Any, map_index: Any, actors: Any, out: Any, offset: Any,
               eye: Any) -> None:
        """
        Start a scan with arrays of Warp that fit, unchecked; nothing waits for the device.

        :param offset: of the mount, as `mount_offset`; eye: scratch, shape (B, 4), float64.
        """
        wp.launch(rays.aim, pose.shape[0], [self._optics, pose, offset, eye, self.key],
                  device=self.device)
        wp.launch(rays.scan, out.shape,
                  [self.maps, self._optics, map_index, eye, actors, self.key, out],
                  device=self.device)


def check_spec(spec: LidarSpec) -> None:
    """
    Refuse what this back end would leave out.

    :raises InputError: when a field that it does not know is not at its default.
    """
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        if field.name not in SIMULATED and value != field.default:
            raise InputError(
                f'lidar.{field.name} = {value!r} is not simulated on a device; set it to '
                f'{field.default!r}, or use the numba back end')


def _first_key(lidar: Lidar) -> NDArray[np.uint64]:
    return lidar._key
