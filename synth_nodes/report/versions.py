"""What software and machine a report's figures come from."""

from importlib.metadata import PackageNotFoundError, version
import os
import platform

from synth_nodes import __version__

PACKAGES = ('numpy', 'onnxruntime', 'torch', 'numba', 'rosbags')


def versions() -> dict[str, str]:
    """Versions of the package and of what it runs on, by name."""
    found = {'synth_nodes': __version__, 'Python': platform.python_version()}
    for name in PACKAGES:
        if (number := _version(name)) is not None:
            found[name] = number
    ros = os.environ.get('ROS_DISTRO')
    wheel = _version('ros-rclpy')
    if ros or wheel:
        found['rclpy'] = f'of ROS 2 {ros}' if ros else f'{wheel} (ros-rclpy from PyPI)'
    found['machine'] = f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores'
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
