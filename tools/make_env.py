"""
Create the project's virtual environment: ``python3 tools/make_env.py .venv``.

Without a ROS 2 installation, the real rclpy and message packages are installed from PyPI, all at
the exact versions of ``constraints.txt``. Inside a sourced ROS 2 installation that installation's
rclpy and numpy are used instead (its message modules are compiled against its numpy).
"""

from pathlib import Path
import subprocess
import sys
import venv

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 10)


def ros_numpy() -> 'str | None':
    """Return the numpy version beside an importable rclpy, or None where ROS is not sourced."""
    probe = 'import rclpy, numpy; print(numpy.__version__)'
    found = subprocess.run([sys.executable, '-c', probe], capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else None


def main() -> int:
    """Build the environment named on the command line; return the exit code."""
    if sys.version_info < OLDEST:
        print(f'error: Python {sys.version.split()[0]} is too old; use 3.10 or newer, '
              'for example: make PYTHON=python3.11 demo', file=sys.stderr)
        return 2
    target = Path(sys.argv[1] if len(sys.argv) > 1 else '.venv').resolve()
    numpy = ros_numpy()
    print(f'creating {target} with ' +
          ('the ROS 2 installation that is sourced' if numpy else 'rclpy from PyPI'), flush=True)
    venv.create(target, with_pip=True, clear=True, system_site_packages=numpy is not None)
    if numpy:
        extras, pins = 'cpu,learn,dev', target / 'constraints.txt'
        pins.write_text(f'numpy=={numpy}\nsetuptools<80\n', encoding='utf-8')
    else:
        extras, pins = 'cpu,learn,ros,dev', ROOT / 'constraints.txt'
    pip = [str(target / 'bin' / 'python'), '-m', 'pip', '--disable-pip-version-check',
           'install', '--quiet', '--constraint', str(pins)]
    steps = (['setuptools', 'wheel'], ['--no-build-isolation', '--editable', f'{ROOT}[{extras}]'])
    for step in steps:
        code = subprocess.run([*pip, *step]).returncode
        if code:
            print('error: the installation failed; its own message is above', file=sys.stderr)
            return code
    (target / '.ready').touch()
    return 0


if __name__ == '__main__':
    sys.exit(main())
