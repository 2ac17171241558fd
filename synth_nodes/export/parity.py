"""Checking that an exported policy decides as the network it came from."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

from synth_nodes.policy.contract import PolicyContract, TensorSpec
from synth_nodes.types import FloatArray

LIMIT = 1e-5
"""Largest difference in any output that is put down to rounding."""


class ParityError(RuntimeError):
    """The exported file does not compute what the network computes."""


def check_parity(
    net: torch.nn.Module, content: bytes, contract: PolicyContract, count: int = 512,
    seed: int = 0, fixed: Mapping[str, FloatArray] | None = None,
) -> float:
    """
    Compare torch with ONNX Runtime over random inputs from the contract's ranges.

    :param net: the network.
    :param content: the exported ONNX file.
    :param contract: names, shapes and ranges of the inputs.
    :param count: how many inputs, in batches of 1 and of the rest.
    :param seed: of the inputs.
    :param fixed: values of some inputs, the same for all; a NaN stands for what must not count.
    :return: largest absolute difference.
    :raises ParityError: when it exceeds `LIMIT`.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    rng = np.random.default_rng(seed)
    worst = 0.0
    for size in (1, max(count - 1, 1)):
        feed = {t.name: _draw(rng, t, size) for t in contract.inputs}
        for name, value in (fixed or {}).items():
            feed[name][:] = value
        theirs = cast(np.ndarray, session.run(None, feed)[0])
        with torch.no_grad():
            ours = net.eval()(*(torch.from_numpy(v) for v in feed.values())).numpy()
        if ours.shape != theirs.shape:
            raise ParityError(f'export gives shape {theirs.shape}, the network {ours.shape}')
        # numpy's maximum, unlike Python's, keeps a NaN.
        worst = float(np.maximum(worst, np.abs(ours - theirs).max()))
    if not worst <= LIMIT:
        raise ParityError(f'export differs from the network by {worst:.2g}, allowed is {LIMIT:g}')
    return worst


def _draw(rng: np.random.Generator, tensor: TensorSpec, size: int) -> np.ndarray:
    shape = [size if isinstance(n, str) else n for n in tensor.shape]
    low = np.maximum(np.asarray(tensor.low), -5.0)
    high = np.minimum(np.asarray(tensor.high), 10.0)
    return rng.uniform(low, high, shape).astype(np.float32)
