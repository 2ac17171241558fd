"""Where policies are found: a file, a folder, a registry, or the one that ships."""

from pathlib import Path

from synth_nodes.errors import InputError
from synth_nodes.export.registry import is_registry, Registry
from synth_nodes.policy.contract import CONTRACT_FILE, POLICY_FILE
from synth_nodes.resources import share

SHIPPED = {'line': 'line_policy.onnx', 'dock': 'dock_policy.onnx',
           'dock_senses': 'dock_senses_policy.onnx'}
"""Files that ship by the words that stand for them: follow lines by camera, drive into docks by
lidar and odometry, or by camera, lidar and odometry, any of which may be missing."""


def shipped_folder() -> Path:
    """
    Find the folder of the policy that comes with the package.

    :raises InputError: when the installation lacks it.
    """
    return share('models', POLICY_FILE).parent


def locate_policy(path: str | Path = '') -> tuple[Path, Path]:
    """
    Find a policy's two files.

    :param path: an ONNX file (its contract has the same name with `.json`), a folder that holds
        `policy.onnx`, a model registry (its current version), nothing for the shipped one, or
        a word of `SHIPPED` for another one that ships.
    :return: ONNX file, contract file.
    :raises InputError: when there is no policy.
    """
    place = Path(path).expanduser() if str(path) else shipped_folder()
    if str(path) in SHIPPED:
        place = share('models', SHIPPED[str(path)])
    if place.is_dir() and is_registry(place):
        place = Registry(place).path()
    if place.is_dir():
        model, contract = place / POLICY_FILE, place / CONTRACT_FILE
    else:
        model, contract = place, place.with_suffix('.json')
    if not model.is_file():
        raise InputError(
            f"no policy at '{model}'; parameter 'model' must be an .onnx file, a folder with "
            f'{POLICY_FILE}, a model registry with a current version, or empty')
    return model, contract
