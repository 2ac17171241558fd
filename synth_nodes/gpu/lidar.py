"""Lidar on a device: the scans of `synth_nodes.sensors.lidar.Lidar`, one thread a beam."""

from typing import Any

import numpy as np
import warp as wp

from synth_nodes.errors import InputError
from synth_nodes.gpu.device import beside_torch
from synth_nodes.gpu.kernels import rays
from synth_nodes.gpu.upload import bring, upload, upload_maps
from synth_nodes.sensors.lidar import Lidar


class DeviceLidar:
    """Scans of B robots at once, with the noise that a `Lidar` would go on with."""

    def __init__(self, lidar: Lidar, device: Any, maps: Any = None) -> None:
        """
        Copy a lidar to a device; it is not changed and not needed any more.

        :param device: from `open_device`.
        :param maps: its atlas as it lies on the device, from `upload_maps`; None copies it too.
        :raises InputError: when it has an effect that only the numba back end simulates.
        """
        parts, spec = lidar.parts, lidar.spec
        if not parts.plain:
            raise InputError('this lidar has physical effects, which are not simulated on a '
                             'device; leave its effects out, or use the numba back end')
        self.spec = spec
        self.device = device
        self._maps = upload_maps(parts.atlas.arrays, device) if maps is None else maps
        self._key = upload(parts.key, device)
        flaws = parts.flaws
        optics: Any = rays.Optics()
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
        Scan from B robots, and wait for it; see `Lidar.scan` for what all mean.

        All may be numpy's, or tensors of torch on the device with the types given here.

        :param base_pose: shape (B, 3), float64.
        :param map_index: shape (B,), int32; values are not checked.
        :param actors: shape (B, A, 5), float64, or None.
        :param out: tensor of shape (B, beams), float32, on the device; new when None.
        :param mount_offset: shape (B, 3), float64, or None.
        :return: out, as a tensor of torch.
        :raises InputError: when shapes or types do not fit.
        """
        batch = len(base_pose)
        shape = batch, self.spec.beams
        with beside_torch(self.device):
            poses, index, offset, eye = (
                wp.zeros(size, dtype=kind, device=self.device) for size, kind in (
                    ((batch, 3), wp.float64), (batch, wp.int32), ((batch, 3), wp.float64),
                    ((batch, 4), wp.float64)))
            discs = wp.zeros((batch, 0 if actors is None else actors.shape[1], 5),
                             dtype=wp.float64, device=self.device)
            ranges = wp.zeros(shape, dtype=wp.float32, device=self.device)
            for name, values, into in (
                    ('base_pose', base_pose, poses), ('map_index', map_index, index),
                    ('actors', actors, discs), ('mount_offset', mount_offset, offset)):
                if values is not None:
                    bring(values, into, name)
            self.launch(poses, index, discs, ranges, offset, eye)
            scan = wp.to_torch(ranges)
            if out is not None:
                if tuple(out.shape) != shape or out.dtype != scan.dtype:
                    raise InputError(f'out is {out.dtype} of shape {tuple(out.shape)}; it must be '
                                     f'{scan.dtype} of shape {shape}')
                out.copy_(scan)
                scan = out
            wp.synchronize_device(self.device)
        return scan

    def launch(self, pose: Any, map_index: Any, actors: Any, out: Any, offset: Any,
               eye: Any) -> None:
        """
        Start a scan on Warp's current stream, unchecked; nothing waits for the device.

        All are arrays of Warp on the device, as :meth:`scan` has them.

        :param offset: of the mount, as `mount_offset`; eye: scratch, shape (B, 4), float64.
        """
        wp.launch(rays.aim, pose.shape[0], [self._optics, pose, offset, eye, self._key],
                  device=self.device)
        wp.launch(rays.scan, out.shape,
                  [self._maps, self._optics, map_index, eye, actors, self._key, out],
                  device=self.device)
