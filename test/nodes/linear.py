"""A hand-written policy in a few ONNX operators: a command linear in one of its inputs."""

from pathlib import Path

import numpy as np
from onnx import helper, numpy_helper, TensorProto

from synth_nodes.policy.contract import PolicyContract


def write_linear(folder: Path, contract: PolicyContract, name, gain):
    """Write policy.onnx and policy.json; the command is input `name` (B, N) times gain (N, 2)."""
    constants = {
        'gain': np.asarray(gain, np.float32), 'low': np.float32(-1.2), 'high': np.float32(1.2),
        'zero': np.float32(0.0), 'last': np.array([1])}
    make = helper.make_node
    nodes = [make('MatMul', [name, 'gain'], ['raw']),
             make('Clip', ['raw', 'low', 'high'], ['wanted'])]
    # The other inputs count for nothing, but a policy has to take them.
    nothing = 'wanted'
    for tensor in contract.inputs:
        if tensor.name != name:
            word = tensor.name
            constants[f'{word}_axes'] = np.arange(1, len(tensor.shape))
            nodes += [
                make('ReduceSum', [word, f'{word}_axes'], [f'{word}_sum'], keepdims=0),
                make('Unsqueeze', [f'{word}_sum', 'last'], [f'{word}_column']),
                make('Mul', [f'{word}_column', 'zero'], [f'{word}_nothing']),
                make('Add', [nothing, f'{word}_nothing'], [f'{word}_added'])]
            nothing = f'{word}_added'
    nodes.append(make('Identity', [nothing], ['command']))
    tensors = {t.name: helper.make_tensor_value_info(t.name, TensorProto.FLOAT, list(t.shape))
               for t in (*contract.inputs, *contract.outputs)}
    graph = helper.make_graph(
        nodes, 'linear', [tensors[t.name] for t in contract.inputs], [tensors['command']],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    content = model.SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'policy.onnx').write_bytes(content)
    (folder / 'policy.json').write_text(contract.for_file(content).to_json())
    return folder
