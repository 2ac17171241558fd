"""Putting what numpy holds onto a device: once, when things are built."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
import warp as wp

from synth_nodes.errors import InputError
from synth_nodes.gpu.kernels.maps import Maps
from synth_nodes.world.atlas import AtlasArrays

KINDS = {'f8': wp.float64, 'f4': wp.float32, 'i4': wp.int32, 'u1': wp.uint8, 'u8': wp.uint64,
         'b1': wp.bool}


def upload(values: Any, device: Any) -> Any:
    """
    Copy an array to a device; 8-byte integers become 4-byte ones.

    :param values: of booleans, float64, float32, (u)int8 to 64.
    :return: a `warp.array` of the same shape.
    """
    array: NDArray[Any] = np.ascontiguousarray(values)
    if array.dtype == np.int64:
        array = array.astype(np.int32)
    return wp.array(array, dtype=KINDS[array.dtype.str[1:]], device=device, copy=True)


def fill(struct: Any, source: Any, device: Any) -> Any:
    """
    Copy what a named tuple holds to a device.

    :param struct: a `warp.struct`, whose fields are among those of the source.
    :return: an instance of it; tuples within tuples become structs within structs.
    """
    filled = struct()
    for name, field in struct.vars.items():
        value = getattr(source, name)
        if isinstance(value, AtlasArrays):
            value = upload_maps(value, device)
        elif isinstance(value, tuple):
            value = fill(field.type, value, device)
        elif isinstance(value, np.ndarray):
            value = upload(value, device)
        setattr(filled, name, value)
    return filled


def bring(values: Any, into: Any, name: str) -> None:
    """
    Copy values into an array that lies on a device already; nothing waits for the device.

    :param values: a `warp.array` or tensor of torch on that device, or anything that numpy takes.
    :param into: of the shape that they must have.
    :param name: to call them in messages.
    :raises InputError: when they have another shape, or lie on the device with another type.
    """
    if isinstance(values, wp.array):
        array = values
    elif hasattr(values, 'data_ptr') and wp.device_from_torch(values.device) == into.device:
        array = wp.from_torch(values.detach().contiguous())
    else:
        host = values.cpu().numpy() if hasattr(values, 'data_ptr') else np.asarray(values)
        array = wp.array(np.ascontiguousarray(host), dtype=into.dtype, device='cpu')
    if tuple(array.shape) != tuple(into.shape) or array.dtype != into.dtype:
        raise InputError(
            f'{name} is {array.dtype.__name__} of shape {tuple(array.shape)}; it must be '
            f'{into.dtype.__name__} of shape {tuple(into.shape)}')
    if array.size:
        wp.copy(into, array)


def upload_maps(arrays: AtlasArrays, device: Any) -> Maps:
    """Copy an atlas to a device."""
    maps = Maps()
    for name in ('jump', 'distance', 'nearest', 'shape', 'frame'):
        setattr(maps, name, upload(getattr(arrays, name), device))
    for name in ('first', 'boxes', 'discs'):
        setattr(maps, name, upload(getattr(arrays.solids, name), device))
    return maps
