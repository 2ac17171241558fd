"""A hand-written policy in a few ONNX operators: steer for the point ahead, at a fixed speed."""

from pathlib import Path

import numpy as np
from onnx import helper, numpy_helper, TensorProto

from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec


def write_carrot(folder: Path, speed=0.5, turn=2.0):
    """Write policy.onnx and policy.json; vx = speed * x, w = turn * y of the point."""
    contract = goal_reaching_contract(RobotSpec(), ObservationSpec(), LidarSpec())
    constants = {
        'gain': np.array([[speed, 0], [0, turn], [0, 0]], np.float32),
        'low': np.float32(-1.2), 'high': np.float32(1.2), 'zero': np.float32(0.0),
        'last': np.array([1]), 'both': np.array([1, 2])}
    make = helper.make_node
    nodes = [
        make('MatMul', ['goal', 'gain'], ['raw']),
        make('Clip', ['raw', 'low', 'high'], ['wanted']),
        # The other inputs count for nothing, but a policy has to take them.
        make('ReduceSum', ['velocity', 'last'], ['v'], keepdims=1),
        make('ReduceSum', ['scan', 'both'], ['s'], keepdims=0),
        make('Unsqueeze', ['s', 'last'], ['s1']),
        make('Add', ['v', 's1'], ['sum']), make('Mul', ['sum', 'zero'], ['nothing']),
        make('Add', ['wanted', 'nothing'], ['command'])]
    tensors = {t.name: helper.make_tensor_value_info(t.name, TensorProto.FLOAT, list(t.shape))
               for t in (*contract.inputs, *contract.outputs)}
    graph = helper.make_graph(
        nodes, 'carrot', [tensors[t.name] for t in contract.inputs], [tensors['command']],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    content = model.SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'policy.onnx').write_bytes(content)
    (folder / 'policy.json').write_text(contract.for_file(content).to_json())
    return folder
