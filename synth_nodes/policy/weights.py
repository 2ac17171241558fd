"""Reading the weights of an exported network back into the module that it came from."""

from pathlib import Path

import torch
from torch import nn, Tensor

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable


def initialisers(content: bytes) -> dict[str, Tensor]:
    """
    Give the weights and normalisers in an ONNX file by their names.

    :raises Exception: of many classes, where the content is no ONNX file.
    """
    import onnx
    from onnx import numpy_helper

    return {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy())
            for entry in onnx.load_from_string(content).graph.initializer}


def load_weights(net: nn.Module, path: Path) -> None:
    """
    Fill a network with the weights of its exported file, normalisers included.

    :param net: of the architecture that was exported; changed in place.
    :param path: ONNX file, whose initialisers bear the names of the module's state.
    :raises InputError: when the file cannot be read or holds another network.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, 'policy') from None
    try:
        there = initialisers(content)
    except Exception as error:  # protobuf raises classes of its own
        raise InputError(f'policy {path}: is no ONNX file ({error}); give a policy.onnx that '
                         "'synth-nodes train' wrote") from None
    state = net.state_dict()
    for name, own in state.items():
        found = there.get(name)
        if found is None or found.shape != own.shape:
            shape = 'nothing' if found is None else f'shape {tuple(found.shape)}'
            raise InputError(
                f"{path} does not fit: '{name}' has shape {tuple(own.shape)} here, but {shape} "
                'there; start from a policy of the same network, layout and width')
    net.load_state_dict({name: there[name] for name in state})
