"""Static quantisation to eight bits, calibrated on observations."""

from collections.abc import Iterator, Mapping
from pathlib import Path
import tempfile

import numpy as np
from numpy.typing import NDArray

_BATCH = 256


class _Reader:
    """Hands observations out in batches, as ONNX Runtime's calibration asks for them."""

    def __init__(self, feed: Mapping[str, NDArray[np.float32]]) -> None:
        count = len(next(iter(feed.values())))
        self._batches: Iterator[dict[str, NDArray[np.float32]]] = iter([
            {name: value[k:k + _BATCH] for name, value in feed.items()}
            for k in range(0, count, _BATCH)])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)


def quantise(content: bytes, feed: Mapping[str, NDArray[np.float32]]) -> bytes:
    """
    Turn the layers of a graph to eight-bit integers.

    Convolutions and dense layers alone: the normaliser and the scaling to the robot's limits
    keep their precision. Weights take seven bits: processors without VNNI add products of eight
    and eight bits up in pairs of 16 bits, which overflow in silence.

    :param content: of an ONNX file.
    :param feed: typical inputs by name, from which the ranges of values are taken.
    :return: content of the quantised ONNX file, with the same inputs and outputs.
    """
    from onnxruntime.quantization import CalibrationMethod, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix='synth_nodes_') as folder:
        plain, ready, small = (Path(folder) / f'{n}.onnx' for n in ('plain', 'ready', 'small'))
        plain.write_bytes(content)
        # Without it the exporter's graphs lack the shapes that quantising needs.
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        quantize_static(ready, small, _Reader(feed), op_types_to_quantize=['Conv', 'Gemm'],
                        per_channel=True, reduce_range=True,
                        calibrate_method=CalibrationMethod.MinMax)
        return small.read_bytes()
