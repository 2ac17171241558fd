"""A hand-written collision predictor in a few ONNX operators."""

import numpy as np
from onnx import helper, numpy_helper, TensorProto

from synth_nodes.policy.collision import collision_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, SPEC, LIDAR = RobotSpec(), ObservationSpec(), LidarSpec()


def write_predictor(folder, scale=1.0, contract=None, name='probability'):
    """Write a model that gives scale * speed / nearest distance of the newest scans, at most 1."""
    contract = contract or collision_contract(ROBOT, SPEC, LIDAR, 2.0, seed=1)
    make = helper.make_node
    nodes = [
        make('ReduceMin', ['scan_history', 'axes'], ['near'], keepdims=0),
        make('Unsqueeze', ['near', 'last'], ['nearest']),
        make('Abs', ['command'], ['size']),
        make('ReduceSum', ['size', 'last'], ['speed'], keepdims=1),
        make('Div', ['speed', 'nearest'], ['part']),
        make('Mul', ['part', 'scale'], ['raw']), make('Min', ['raw', 'one'], [name])]
    shapes = [(t.name, list(t.shape)) for t in contract.inputs]
    graph = helper.make_graph(
        nodes, 'nearness', [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
                            for n, s in shapes],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['batch', 1])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in {
            'axes': np.array([1, 2]), 'last': np.array([1]), 'scale': np.float32(scale),
            'one': np.float32(1.0)}.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    content = model.SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'collision.onnx').write_bytes(content)
    (folder / 'collision.json').write_text(contract.for_file(content).to_json())
    return folder
