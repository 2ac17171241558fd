"""Which device computes: the one place where Warp is found, or said to be missing."""

import contextlib
import importlib
from typing import Any

from synth_nodes.errors import InputError

EXTRA = "pip install 'synth_nodes[gpu-sim]'"


def beside_torch(device: Any) -> Any:
    """
    Put what is launched inside on torch's stream of a CUDA device.

    So whatever torch computes before or after with the same memory is in order, and neither
    waits. The CPU device computes at once, and this does nothing.
    """
    if not device.is_cuda:
        return contextlib.nullcontext()
    warp = importlib.import_module('warp')
    return warp.ScopedStream(warp.stream_from_torch(warp.device_to_torch(device)))


def open_device(name: str) -> Any:
    """
    Find a device of Warp.

    :param name: 'cuda:0', 'cuda:1', ..., or 'cpu'.
    :return: a `warp.Device`.
    :raises InputError: when Warp is not installed, or there is no such device.
    """
    try:
        warp = importlib.import_module('warp')
    except ImportError as error:
        raise InputError(
            f"device = '{name}' needs NVIDIA Warp, which is not installed; {EXTRA}, or use the "
            'numba back end') from error
    warp.config.log_level = max(warp.config.log_level, warp.LOG_WARNING)
    warp.init()
    devices = {str(device): device for device in warp.get_devices()}
    if name not in devices:
        cuda = '' if len(devices) > 1 else (
            '; no CUDA device or driver was found: see nvidia-smi, or use the numba back end')
        raise InputError(
            f"device = '{name}' is not one of {', '.join(devices)}{cuda}")
    return devices[name]
