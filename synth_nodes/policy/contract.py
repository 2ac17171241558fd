"""
The contract that travels with every policy: `policy.json` beside `policy.onnx`.

It states what goes in and comes out, the robot it was made for, what it was made from, how well
it did, and the checksum of the file it speaks of. numpy-free and torch-free.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
import hashlib
import json
from pathlib import Path
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.settings import build, flatten
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

SCHEMA = 1
POLICY_FILE = 'policy.onnx'
CONTRACT_FILE = 'policy.json'
_TOLERANCE = 0.1
"""Relative difference in body and drive that a policy is trusted to bear."""
_VERBS = {'docking': 'docking', 'docking_senses': 'docking --senses', 'line_camera': 'line-camera',
          'line_following': 'line-pose'}
"""What trains another one for a task, after `synth-nodes train`."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a policy."""

    name: str
    shape: tuple[int | str, ...]
    """Sizes; a word stands for a size that is free, such as 'batch'."""
    unit: str
    frame: str
    rate: float
    """How often it is expected [Hz]."""
    low: tuple[float, ...]
    """Smallest value: one number, or one for each element of the last axis."""
    high: tuple[float, ...]
    """Largest value, likewise."""
    meaning: str


@dataclass(frozen=True)
class PolicyContract:
    """What a policy promises, and what it was promised."""

    task: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    robot: RobotSpec
    observation: ObservationSpec = field(default_factory=ObservationSpec)
    """Layout of scans and goals, where it takes them."""
    lidar: LidarSpec = field(default_factory=LidarSpec)
    """The lidar it was trained with; others serve too, see :meth:`check_lidar`."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Data, seed, configuration, versions and command that made it."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """Measured results: validation loss, closed-loop success, parity of the export."""
    sha256: str = ''
    """Checksum of the ONNX file."""
    size: int = 0
    """Bytes of the ONNX file."""
    schema: int = SCHEMA
    camera: CameraSpec | None = None
    """The camera it was trained with, where it takes images."""

    @property
    def takes_scans(self) -> bool:
        """Whether what it decides by comes from a lidar, if only in part."""
        return self.camera is None or any(t.name == 'scan' for t in self.inputs)

    @property
    def _verb(self) -> str:
        return _VERBS.get(self.task, 'bc')

    def for_file(self, content: bytes) -> 'PolicyContract':
        """Make the contract of one ONNX file, given that file's content."""
        return replace(self, sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    def check_file(self, content: bytes, where: str) -> None:
        """
        Check that a file is the one this contract speaks of.

        :raises InputError: when it is truncated or otherwise another file.
        """
        if len(content) < self.size:
            raise InputError(
                f'{where} is truncated: {len(content)} of {self.size} bytes; copy it again')
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise InputError(
                f'{where} has sha256 {digest[:12]}..., but its contract says '
                f'{self.sha256[:12]}...; use the pair of files that were exported together')

    def check_robot(self, robot: RobotSpec, where: str) -> None:
        """
        Check that the policy may drive a robot.

        A smaller or slower-driven robot is fine (commands are scaled to its limits); a larger
        body, weaker brakes or a slower response are not what the policy learned with.

        :raises InputError: naming the first parameter that does not fit.
        """
        if robot.drive != self.robot.drive:
            raise InputError(
                f"{where} does not fit: parameter 'robot.drive' = '{robot.drive}', but the policy "
                f"was trained for '{self.robot.drive}'; train one for this robot")
        mine, theirs = _extents(self.robot), _extents(robot)
        for name, trained, given in zip(('front', 'left', 'rear', 'right'), mine, theirs,
                                        strict=True):
            if given > trained * (1 + _TOLERANCE) + 0.01:
                raise InputError(
                    f"{where} does not fit: parameter 'robot.footprint' reaches {given:.2f} m to "
                    f'the {name}, but the policy was trained for {trained:.2f} m; train one for '
                    f'this robot (synth-nodes train {self._verb})')
        for name, worse in (('deceleration', -1), ('turn_acceleration', -1),
                            ('actuator_lag', 1), ('command_latency', 1)):
            trained, given = getattr(self.robot, name), getattr(robot, name)
            slack = 0.5 * trained + (0.05 if worse > 0 else 0.0)
            if (given - trained) * worse > slack:
                raise InputError(
                    f"{where} does not fit: parameter 'robot.{name}' = {given:g}, but the policy "
                    f'was trained with {trained:g} and bears {trained + worse * slack:g}; train '
                    f'one for this robot (synth-nodes train {self._verb})')

    def check_task(self, task: str, where: str) -> None:
        """
        Check that the policy is for a task.

        :raises InputError: when it is for another.
        """
        if self.task != task:
            raise InputError(f"{where} is a policy for the task '{self.task}', but '{task}' is "
                             'wanted; give a policy for that')

    def check_camera(self, camera: CameraSpec, where: str) -> None:
        """
        Check that a camera shows the policy what it learned with.

        :raises InputError: naming the first parameter that differs by more than is borne.
        """
        if self.camera is None:
            raise InputError(f'{where} takes no images; give a policy for a camera')
        given, trained = flatten(camera), flatten(self.camera)
        borne = {'width': 0.0, 'height': 0.0, 'horizontal_fov': 0.02, 'mount': 0.02,
                 'yaw': 0.02, 'pitch': 0.02}
        for name, slack in borne.items():
            pairs = zip(*(v if isinstance(v, (tuple, list)) else (v,)
                          for v in (given[name], trained[name])), strict=True)
            if max(abs(a - b) for a, b in pairs) > slack + 1e-9:
                raise InputError(
                    f"{where} does not fit: parameter 'camera.{name}' = {given[name]}, but the "
                    f'policy was trained with {trained[name]} and bears {slack:g} of difference; '
                    f'train one for this camera (synth-nodes train {self._verb})')

    def check_observation(self, observation: ObservationSpec, where: str) -> None:
        """
        Check that observations are laid out as the policy learned them.

        :raises InputError: naming the first parameter that differs.
        """
        given = flatten(observation)
        for name, trained in flatten(self.observation).items():
            if abs(given[name] - trained) > 1e-9:
                raise InputError(
                    f"{where} does not fit: parameter 'observation.{name}' = {given[name]:g}, but "
                    f'the policy was trained with {trained:g}; leave it at that, or train anew')

    def check_lidar(self, lidar: LidarSpec, where: str) -> None:
        """
        Check that a lidar shows the policy enough.

        :raises InputError: when it covers less angle or distance than the policy learned with.
        """
        if lidar.field_of_view < self.lidar.field_of_view * (1 - _TOLERANCE) - 1e-6:
            raise InputError(
                f"{where} does not fit: parameter 'lidar.field_of_view' = "
                f'{lidar.field_of_view:.2f} rad, but the policy was trained with '
                f'{self.lidar.field_of_view:.2f} rad; train one for this lidar')
        least = min(self.lidar.range_max, self.observation.range_max) * 0.5
        if lidar.range_max < least:
            raise InputError(
                f"{where} does not fit: parameter 'lidar.range_max' = {lidar.range_max:g} m, but "
                f'the policy needs {least:g} m; train one for this lidar')

    def to_json(self) -> str:
        """Write the contract as JSON text; the same contract gives the same text."""
        data = asdict(self)
        scans = self.takes_scans
        for name, used in (('robot', True), ('observation', scans), ('lidar', scans),
                           ('camera', self.camera is not None)):
            data.pop(name)
            if used:
                data[name] = flatten(getattr(self, name))
        return json.dumps(data, indent=2, ensure_ascii=False) + '\n'

    @classmethod
    def from_json(cls, text: str, where: str) -> 'PolicyContract':
        """
        Read a contract.

        :param text: JSON as :meth:`to_json` writes it.
        :param where: name of the file, for messages.
        :raises InputError: when it is not a contract of this schema.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise InputError(f'{where} is not JSON: {error}; copy it again') from None
        if not isinstance(data, dict) or data.get('schema') != SCHEMA:
            found = data.get('schema') if isinstance(data, dict) else type(data).__name__
            raise InputError(
                f'{where} has schema {found!r}, but this version reads {SCHEMA}; export anew')
        try:
            kinds: dict[str, type] = {'robot': RobotSpec}
            if 'camera' in data:
                kinds['camera'] = CameraSpec
            if 'camera' not in data or 'lidar' in data:
                kinds |= {'observation': ObservationSpec, 'lidar': LidarSpec}
            groups: dict[str, Any] = {
                name: build(kind, data[name], where) for name, kind in kinds.items()}
            tensors = {name: tuple(_tensor(t) for t in data[name])
                       for name in ('inputs', 'outputs')}
            return cls(task=str(data['task']), **tensors, **groups,  # type: ignore[arg-type]
                       provenance=dict(data['provenance']), scores=dict(data['scores']),
                       sha256=str(data['sha256']), size=int(data['size']))
        except KeyError as error:
            raise InputError(f'{where} lacks {error}; export the policy anew') from None
        except (TypeError, AttributeError) as error:
            raise InputError(f'{where} is malformed: {error}; export the policy anew') from None


def read_contract(path: Path) -> PolicyContract:
    """
    Read a `policy.json`.

    :raises InputError: when it is missing or malformed.
    """
    try:
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not text'
        raise InputError(
            f'cannot read contract {path}: {reason}; '
            'every policy needs its .json beside it') from None
    return PolicyContract.from_json(text, str(path))


def _tensor(data: Mapping[str, Any]) -> TensorSpec:
    values = dict(data)
    for name in ('shape', 'low', 'high'):
        values[name] = tuple(values[name])
    return TensorSpec(**values)


def _extents(robot: RobotSpec) -> tuple[float, ...]:
    x, y = robot.polygon.T
    return float(x.max()), float(y.max()), float(-x.min()), float(-y.min())
