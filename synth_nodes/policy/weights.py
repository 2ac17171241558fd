"""Reading the weights of an exported network back into the module that it came from."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from synth_nodes.errors import InputError


def load_weights(net: nn.Module, path: Path) -> None:
    """
    Fill a network with the weights of its exported file, normalisers included.

    :param net: of the architecture that was exported; changed in place.
    :param path: ONNX file, whose initialisers bear the names of the module's state.
    :raises InputError: when the file cannot be read or holds another network.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(path).graph
    except Exception as error:
        raise InputError(f'{path} is not an ONNX file that can be read: {error}') from None
    there = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    state = net.state_dict()
    for name, own in state.items():
        found = there.get(name)
        if found is None or found.shape != tuple(own.shape):
            shape = 'nothing' if found is None else f'shape {found.shape}'
            raise InputError(
                f"{path} does not fit: '{name}' has shape {tuple(own.shape)} here, but {shape} "
                'there; start from a policy of the same network, layout and width')
    net.load_state_dict({name: torch.from_numpy(np.array(there[name])) for name in state})
