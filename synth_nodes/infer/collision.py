"""
The learned collision predictor: from recent scans and a command to a probability of collision.

Its contract is :func:`synth_nodes.policy.collision.collision_contract`. It can only slow the robot
down (:mod:`synth_nodes.safety.risk`), and nothing rests on it: without it, or where it fails, the
geometry stands and :attr:`CollisionPredictor.problem` says so.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.infer.session import start_session
from synth_nodes.policy.collision import collision_contract, lidar_of, MODEL_FILE
from synth_nodes.policy.contract import PolicyContract, read_contract
from synth_nodes.resources import share
from synth_nodes.tasks.observation import ObservationBuilder
from synth_nodes.types import FloatArray, LidarSpec, RobotSpec

SHIPPED = 'shipped'
"""Word for the predictor that comes with the package."""
_WARM_UP = 20


class CollisionPredictor:
    """A predictor ready to be asked. Made by :func:`load_predictor`, which checks it first."""

    def __init__(self, session: Any, contract: PolicyContract, lidar: LidarSpec,
                 path: Path) -> None:
        self.contract, self.path = contract, path
        self.problem = ''
        """Why it gives no probability now; empty where it does."""
        self._session, self._lidar = session, lidar
        self._builder: ObservationBuilder | None = None
        self._seen: tuple[float, ...] = ()

    def take(self, ranges: FloatArray, angles: FloatArray, stamp: float) -> None:
        """
        Take a scan; never raises: what cannot be used shows in :attr:`problem`.

        :param ranges: [m], shape (N,), REP-117 values.
        :param angles: of the beams in the laser frame [rad], evenly spaced, shape (N,).
        :param stamp: time of the scan [s].
        """
        try:
            seen = (len(angles), float(angles[0]), float(angles[-1]))
            if seen != self._seen:
                self._builder = ObservationBuilder(self.contract.observation,
                                                   lidar_of(self._lidar, angles))
                self._seen = seen
            assert self._builder is not None
            self._builder.push(ranges, stamp)
            self.problem = ''
        except (InputError, IndexError, ValueError) as error:
            self._fail(f'the learned predictor cannot use the scan: {error}')

    def risk(self, command: ArrayLike) -> float | None:
        """
        Ask for the probability of a collision after the newest scan; never raises.

        :param command: vx, vy [m/s], wz [rad/s], shape (3,).
        :return: in [0, 1]; None where there is none, and :attr:`problem` then says why.
        """
        if self._builder is None or not self._builder.ready:
            self.problem = self.problem or 'the learned predictor has had no scan yet'
            return None
        try:
            scans = self._builder.build(np.zeros(3), np.zeros(3))['scan']
            probability = self._run(scans, np.asarray(command, np.float32)[None])
        except Exception as error:  # onnxruntime raises many unrelated classes
            line = (str(error).strip() or type(error).__name__).splitlines()[0]
            self._fail(f'the learned predictor failed: {line}')
            return None
        if not 0.0 <= probability <= 1.0:
            self._fail(f'the learned predictor gave {probability:g}, no probability')
            return None
        self.problem = ''
        return probability

    def check(self) -> None:
        """
        Ask a few times on plain inputs.

        :raises InputError: when the model gives something that is no probability.
        """
        spec = self.contract.observation
        scans = np.full((1, spec.history, spec.sectors), spec.range_max, np.float32)
        for _ in range(_WARM_UP):
            probability = self._run(scans, np.zeros((1, 3), np.float32))
            if not 0.0 <= probability <= 1.0:
                raise InputError(f'{self.path} gave {probability:g} instead of a probability; '
                                 'export the predictor anew')

    def _run(self, scans: NDArray[np.float32], command: NDArray[np.float32]) -> float:
        feed = {'scan_history': scans, 'command': command}
        return float(np.asarray(self._session.run(['probability'], feed)[0]).reshape(-1)[0])

    def _fail(self, problem: str) -> None:
        self.problem = problem


def load_predictor(path: str | Path, robot: RobotSpec, lidar: LidarSpec,
                   device: str = 'cpu') -> CollisionPredictor:
    """
    Load a predictor for a robot, or say in one line why it must not be asked.

    :param path: ONNX file with its contract beside it, a folder with `collision.onnx`, or
        'shipped' for the one that comes with the package.
    :param lidar: that the scans come from; its mount places them.
    :return: a predictor that has been warmed up.
    :raises InputError: when the pair is missing, truncated, not of one another, no model, of
        another task or layout, or does not fit the robot.
    """
    place = share('models') if str(path) == SHIPPED else Path(path).expanduser()
    model = place / MODEL_FILE if place.is_dir() else place
    if not model.is_file():
        raise InputError(f"no collision predictor at '{model}'; parameter 'risk_model' must be an "
                         f".onnx file, a folder with {MODEL_FILE}, '{SHIPPED}', or empty")
    contract = read_contract(model.with_suffix('.json'))
    where, content = str(model), model.read_bytes()
    wanted = collision_contract(contract.robot, contract.observation, contract.lidar, 1.0)
    shapes = [(t.name, t.shape) for t in (*contract.inputs, *contract.outputs)]
    if contract.task != 'collision' or shapes != [
            (t.name, t.shape) for t in (*wanted.inputs, *wanted.outputs)]:
        raise InputError(f"{where} is a model for '{contract.task}' with {shapes}; the safety "
                         'monitor takes one made by collision_contract()')
    contract.check_file(content, where)
    contract.check_robot(robot, where)
    contract.check_lidar(lidar, where)
    predictor = CollisionPredictor(start_session(content, contract, where, device), contract,
                                   lidar, model)
    predictor.check()
    return predictor
