"""Running an exported policy: numpy and ONNX Runtime, one thread, no surprises."""

from collections.abc import Mapping
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime

from synth_nodes.errors import InputError
from synth_nodes.infer.locate import locate_policy
from synth_nodes.policy.contract import PolicyContract, read_contract, TensorSpec
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.types import FloatArray, LidarSpec, RobotSpec

DEVICES = ('auto', 'cpu', 'cuda')
_CPU, _CUDA = 'CPUExecutionProvider', 'CUDAExecutionProvider'
_WARM_UP = 20


class PolicySession:
    """A policy ready to decide. Made by :func:`load_policy`, which checks it first."""

    def __init__(
        self, session: Any, contract: PolicyContract, robot: RobotSpec, path: Path,
    ) -> None:
        self.contract = contract
        """What the policy takes and gives, and where it came from."""
        self.path = path
        """The ONNX file."""
        self.providers: tuple[str, ...] = tuple(session.get_providers())
        """Execution providers that really run it, first the preferred one."""
        self.warm_up_latency = 0.0
        """Median time of one decision at start-up [s]."""
        self._session = session
        self._inputs = contract.inputs
        self._outputs = [contract.outputs[0].name]
        self._limit = np.array([robot.max_speed, robot.max_turn_rate], np.float32)
        self._reverse = np.float32(robot.max_reverse_speed)

    def act(self, observation: Observation | Mapping[str, FloatArray]) -> NDArray[np.float32]:
        """
        Decide.

        Commands beyond the robot's limits are scaled down together, so that the arc stays.

        :param observation: the contract's inputs by name, such as `scan` (B, history, sectors),
            `goal` (B, 3), `velocity` (B, 3), or `image` (B, H, W, 3).
        :return: vx [m/s], wz [rad/s], shape (B, 2).
        :raises ValueError: on an input of another shape than the contract's.
        """
        feed = {t.name: np.ascontiguousarray(observation[t.name], np.float32)
                for t in self._inputs}
        for tensor in self._inputs:
            if feed[tensor.name].shape[1:] != tensor.shape[1:]:
                raise ValueError(
                    f"observation '{tensor.name}' has shape {feed[tensor.name].shape}, the policy "
                    f'takes {tensor.shape}')
        command = np.asarray(self._session.run(self._outputs, feed)[0], np.float32)
        excess = np.maximum((np.abs(command) / self._limit).max(axis=1, keepdims=True), 1.0)
        command = command / excess
        command[:, 0] = np.maximum(command[:, 0], -self._reverse)
        return np.asarray(command, np.float32)

    def warm_up(self, count: int = _WARM_UP) -> None:
        """
        Decide a few times on plain inputs, so that the first real decision is as fast as any.

        :raises InputError: when the policy gives something that is not a finite command.
        """
        feed = {t.name: _plain(t) for t in self._inputs}
        times = []
        for _ in range(count):
            begin = time.perf_counter()
            command = self.act(feed)
            times.append(time.perf_counter() - begin)
            if command.shape != (1, 2) or not np.isfinite(command).all():
                raise InputError(
                    f'{self.path} gave {command.tolist()} instead of one finite command '
                    '(vx, wz); export the policy anew')
        self.warm_up_latency = float(np.median(times))


def load_policy(
    path: str | Path,
    robot: RobotSpec,
    observation: ObservationSpec | None = None,
    lidar: LidarSpec | None = None,
    device: str = 'auto',
    camera: CameraSpec | None = None,
) -> PolicySession:
    """
    Load a policy for a robot, or say in one line why it must not drive it.

    :param path: ONNX file, folder, registry, '' for the policy that ships, or a word of
        `locate.SHIPPED` for another one that does.
    :param robot: the robot to be driven.
    :param observation: layout that observations will have; checked where given.
    :param lidar: lidar that observations will come from; checked where given and used.
    :param device: 'cpu', 'cuda', or 'auto' for CUDA where ONNX Runtime offers it.
    :param camera: camera that images will come from; checked where given and used.
    :return: a session that has been warmed up.
    :raises InputError: when the file is missing, truncated, not the one its contract speaks of,
        not a model, or does not fit the robot.
    """
    model, contract_file = locate_policy(path)
    contract = read_contract(contract_file)
    content = model.read_bytes()
    where = str(model)
    contract.check_file(content, where)
    contract.check_robot(robot, where)
    if contract.takes_scans:
        if observation is not None:
            contract.check_observation(observation, where)
        if lidar is not None:
            contract.check_lidar(lidar, where)
    if contract.camera is not None and camera is not None:
        contract.check_camera(camera, where)
    session = start_session(content, contract, where, device)
    policy = PolicySession(session, contract, robot, model)
    policy.warm_up()
    return policy


def start_session(content: bytes, contract: PolicyContract, where: str, device: str) -> Any:
    """
    Make a session of ONNX Runtime and check its graph against the contract.

    :param content: of the ONNX file.
    :param where: name of the file, for messages.
    :param device: 'cpu', 'cuda', or 'auto' for CUDA where ONNX Runtime offers it.
    :raises InputError: when it is no model, or not the one of its contract.
    """
    session = start_graph(content, where, device)
    _check_graph(session, contract, where)
    return session


def start_graph(content: bytes, where: str, device: str) -> Any:
    """
    Make a session of ONNX Runtime of any graph: one thread, no busy waiting.

    :raises InputError: when it is no model, or the device is not to be had.
    """
    if device not in DEVICES:
        raise InputError(f"parameter 'device' = {device!r} must be one of {', '.join(DEVICES)}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Without this a session at 20 Hz keeps one core busy waiting.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.log_severity_level = 4
    offered = onnxruntime.get_available_providers()
    wanted = [_CUDA, _CPU] if device != 'cpu' and _CUDA in offered else [_CPU]
    try:
        session = onnxruntime.InferenceSession(content, options, providers=wanted)
    except Exception as error:  # onnxruntime raises many unrelated classes for a bad file
        reason = str(error).strip().splitlines()[0]
        raise InputError(f'{where} is not a model ONNX Runtime can run: {reason}') from None
    if device == 'cuda' and _CUDA not in session.get_providers():
        raise InputError(
            "parameter 'device' = 'cuda', but ONNX Runtime runs the policy on "
            f'{", ".join(session.get_providers())}; install onnxruntime-gpu and the driver, or '
            "set it to 'auto'")
    return session


def _check_graph(session: Any, contract: PolicyContract, where: str) -> None:
    """Check names, types and shapes of the graph against the contract."""
    for kind, found, promised in (('input', session.get_inputs(), contract.inputs),
                                  ('output', session.get_outputs(), contract.outputs)):
        names = [f.name for f in found]
        if names != [t.name for t in promised]:
            raise InputError(
                f'{where} has {kind}s {names}, but its contract says '
                f'{[t.name for t in promised]}; export the policy anew')
        for node, tensor in zip(found, promised, strict=True):
            sizes = tuple(n if isinstance(n, int) else 'free' for n in node.shape)
            wanted = tuple(n if isinstance(n, int) else 'free' for n in tensor.shape)
            if sizes != wanted or node.type != 'tensor(float)':
                raise InputError(
                    f"{where}: {kind} '{tensor.name}' is {node.type} {list(node.shape)}, but its "
                    f'contract says float {list(tensor.shape)}; export the policy anew')


def _plain(tensor: TensorSpec) -> NDArray[np.float32]:
    """Make an input in the middle of its range, for one robot."""
    shape = [n if isinstance(n, int) else 1 for n in tensor.shape]
    middle = (np.asarray(tensor.low) + np.asarray(tensor.high)) / 2
    return np.array(np.broadcast_to(middle, shape), np.float32)
