"""Turning a trained network into a verified pair of files: policy.onnx and policy.json."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import Parameter, signature
import io
import logging
from pathlib import Path
import warnings

import torch

from synth_nodes.export.parity import check_parity
from synth_nodes.export.staging import staged_folder
from synth_nodes.policy.contract import CONTRACT_FILE, POLICY_FILE, PolicyContract

OPSET = 18


def to_onnx(net: torch.nn.Module, contract: PolicyContract) -> bytes:
    """
    Export a network with a free batch size.

    Names of source files, which the exporter notes at every operator, are left out: the same
    weights give the same bytes wherever they are exported.

    :param net: any module whose `forward` takes the contract's inputs, in its order.
    :param contract: names and shapes of inputs and outputs.
    :return: the content of an ONNX file.
    """
    sizes = [[2 if isinstance(n, str) else n for n in t.shape] for t in contract.inputs]
    examples = tuple(torch.rand(size) for size in sizes)
    batch = torch.export.Dim('batch', min=1)
    free: tuple[object, ...] = tuple({0: batch} for _ in contract.inputs)
    kinds = [parameter.kind for parameter in signature(net.forward).parameters.values()]
    if kinds == [Parameter.VAR_POSITIONAL]:
        free = (free,)
    return graph_bytes(net, examples, [t.name for t in contract.inputs],
                       [t.name for t in contract.outputs], free)


def graph_bytes(net: torch.nn.Module, examples: tuple[torch.Tensor, ...], inputs: Sequence[str],
                outputs: Sequence[str], free: tuple[object, ...]) -> bytes:
    """
    Export a module.

    :param examples: what `forward` takes; inputs, outputs: names of what it takes and gives.
    :param free: of each input, the axes whose size is free, as `torch.export.Dim`.
    :return: the content of an ONNX file.
    """
    import onnx

    net = net.eval()
    with warnings.catch_warnings(), _quiet('torch.onnx', 'onnxscript', 'onnx_ir'):
        warnings.simplefilter('ignore')
        program = torch.onnx.export(
            net, examples, dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
            input_names=list(inputs), output_names=list(outputs), dynamic_shapes=free)
    assert program is not None
    buffer = io.BytesIO()
    onnx.save(program.model_proto, buffer)
    model = onnx.load_from_string(buffer.getvalue())
    _strip(model.graph)
    del model.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def export_policy(
    net: torch.nn.Module, contract: PolicyContract, out_dir: Path,
    scores: Mapping[str, object] | None = None,
    names: tuple[str, str] = (POLICY_FILE, CONTRACT_FILE),
) -> PolicyContract:
    """
    Write `policy.onnx` and `policy.json` into a folder, both or neither.

    :param net: trained network.
    :param contract: its contract; checksum, size and parity are filled in here.
    :param out_dir: folder to make; its old policy files are replaced together.
    :param scores: measured results to add to the contract's.
    :param names: of the two files, where it is no policy.
    :return: the contract as written.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    content = to_onnx(net, contract)
    difference = check_parity(net, content, contract)
    merged = {**contract.scores, **(scores or {}), 'parity_max_difference': difference}
    final = replace(contract, scores=merged).for_file(content)
    with staged_folder(out_dir) as folder:
        (folder / names[0]).write_bytes(content)
        (folder / names[1]).write_text(final.to_json(), encoding='utf-8')
    return final


def _strip(graph: object) -> None:
    """Remove notes about source code from a graph and its values."""
    for part in ('node', 'value_info', 'input', 'output', 'initializer'):
        for item in getattr(graph, part):
            del item.metadata_props[:]
            if hasattr(item, 'doc_string'):
                item.doc_string = ''
    del graph.metadata_props[:]  # type: ignore[attr-defined]


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Keep loggers from writing to the user's terminal."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
