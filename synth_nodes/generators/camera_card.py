"""
The contract of a learned camera, `camera.json`: no torch, so that nodes may read it.

Inputs and outputs of `camera.onnx`, all float32 with free batch, height and width:

- `ideal` (batch, 3, height, width): the ideal frame, red first, in [0, 1];
- `turn` (batch, 1): turn of the robot [rad/s];
- `latent` (batch, 8): normal numbers; the same ones are the same camera;
- `noise` (batch, 3, height, width): normal numbers, new ones for each frame;
- output `frame` (batch, 3, height, width): the realistic frame, in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.files import read_json, sha256_of, write_json
from synth_nodes.generators.gate import QUALITY

FORMAT = 'synth_nodes/camera'
CARD, WEIGHTS, MODEL = 'camera.json', 'camera.pt', 'camera.onnx'
LATENT = 8
"""Numbers that say which camera it is."""
INPUTS: dict[str, tuple[int | str, ...]] = {
    'ideal': ('batch', 3, 'height', 'width'), 'turn': ('batch', 1), 'latent': ('batch', LATENT),
    'noise': ('batch', 3, 'height', 'width')}
OUTPUT = 'frame'
UNITS = {'ideal': '1', 'turn': 'rad/s', 'latent': 'normal', 'noise': 'normal', 'frame': '1'}


@dataclass(frozen=True)
class CameraCard:
    """What a learned camera takes and gives, and where it came from."""

    settings: Mapping[str, Any]
    """Of the training."""
    width: int
    """Of the frames it learned from [px]."""
    height: int
    horizontal_fov: float
    """Of the cameras it learned from [rad]."""
    scores: Mapping[str, float] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, float], ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Of the other files, by name."""
    quality: Mapping[str, Any] = field(default_factory=dict)
    """Outcome of its quality gate; empty where it was never judged."""

    def check_camera(self, width: int, height: int, horizontal_fov: float) -> None:
        """
        Check that a camera looks at the world much as those it learned from.

        :raises InputError: on frames of another shape or field of view.
        """
        if not 0.9 < width / height * self.height / self.width < 1.1:
            raise InputError(
                f'frames of {width} x {height} px cannot take what was learned from ones of '
                f'{self.width} x {self.height} px; use the same shape, or train for this one')
        if not 0.75 < horizontal_fov / self.horizontal_fov < 1.33:
            raise InputError(
                f'camera.horizontal_fov = {horizontal_fov:.2f} rad cannot take what was learned '
                f'at {self.horizontal_fov:.2f} rad; train for this one')

    def check_file(self, folder: Path, name: str) -> Path:
        """
        Find one of the files that the card speaks of.

        :raises InputError: when it is missing or another one.
        """
        path = folder / name
        if not path.is_file() or sha256_of(path) != self.sha256.get(name):
            raise InputError(f'{path}: is missing or not the file that {CARD} was written for; '
                             'train it again')
        return path

    def write(self, folder: Path) -> None:
        """Write it beside the files that it speaks of."""
        tensors = [{'name': n, 'shape': list(INPUTS.get(n, INPUTS['ideal'])), 'unit': unit}
                   for n, unit in UNITS.items()]
        write_json(folder / CARD, {'format': FORMAT, 'inputs': tensors[:-1],
                                   'outputs': tensors[-1:], **asdict(self)})


def read_card(folder: Path) -> CameraCard:
    """
    Read a card.

    :raises InputError: when there is none, or it is no learned camera's.
    """
    card = read_json(folder / CARD, 'learned camera')
    if card.get('format') != FORMAT:
        raise InputError(f"{folder / CARD}: is not a learned camera: its 'format' is "
                         f"{card.get('format')!r}, not '{FORMAT}'")
    try:
        return CameraCard(**{k: card[k] for k in CameraCard.__dataclass_fields__
                             if k in card or k != QUALITY})
    except KeyError as error:
        raise InputError(f'{folder / CARD}: lacks {error}; train it again') from None
