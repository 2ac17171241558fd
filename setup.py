"""Build and install the package, for pip and for colcon (ament_python) alike."""

from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

NAME = 'synth_nodes'
ROOT = Path(__file__).parent

SIMULATE = ['numba>=0.61', 'rosbags>=0.10', 'matplotlib>=3.8', 'tqdm>=4.60']
LEARN = ['torch>=2.4', 'onnx>=1.17', 'onnxscript>=0.3']
TRACK = ['tensorboardX>=2.6']
TUNE = ['optuna>=4.0']
FEDERATED = ['flwr>=1.42,<2']
RL = ['gymnasium>=1.0']
GPU_SIM = ['warp-lang>=1.19', 'torch>=2.4']
ROS = [
    'ros-rclpy[fastrtps]>=7.1',
    'ros-sensor-msgs>=5.3',
    'ros-nav-msgs>=5.3',
    'ros-geometry-msgs>=5.3',
    'ros-diagnostic-msgs>=5.3',
    'ros-std-srvs>=5.3',
    'ros-visualization-msgs>=5.3',
]
TEST = ['pytest>=8', 'pytest-rerunfailures>=14', 'pytest-timeout>=2.3',
        'pytest-xdist>=3.6', 'hypothesis>=6.100']
PEERS = [*RL, *GPU_SIM, 'stable-baselines3>=2.4']
LINT = ['ruff>=0.9', 'mypy>=1.14', 'types-PyYAML>=6.0']
COLCON = [
    'catkin-pkg>=1.0',
    'colcon-bash>=0.5',
    'colcon-core>=0.18',
    'colcon-library-path>=0.2',
    'colcon-package-selection>=0.2',
    'colcon-python-setup-py>=0.2',
    'colcon-recursive-crawl>=0.2',
    'colcon-ros>=0.5',
    'setuptools>=64,<80',
]

setup(
    name=NAME,
    version='0.1.0',
    description='From no data to a policy that drives a mobile robot safely',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    maintainer='The synth_nodes developers',
    maintainer_email='synth-nodes@users.noreply.github.com',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'share/{NAME}/launch', glob('launch/*.launch.py')),
        (f'share/{NAME}/config', glob('config/*')),
        (f'share/{NAME}/models', glob('models/*')),
        # ros2 run and ros2 launch look for executables here, pip's bin/ notwithstanding.
        (f'lib/{NAME}', glob('resource/lib/*')),
    ],
    # What a robot needs beside rclpy and an ONNX Runtime; everything heavier is an extra.
    install_requires=['numpy>=1.23', 'opencv-python-headless>=4.6', 'PyYAML>=6.0'],
    extras_require={
        'cpu': ['onnxruntime>=1.18'],
        'gpu': ['onnxruntime-gpu>=1.18'],
        'simulate': SIMULATE,
        'learn': [*SIMULATE, *LEARN],
        'track': TRACK,
        'tune': [*SIMULATE, *LEARN, *TUNE],
        # In an environment of its own, with constraints-federated.txt: it lowers protobuf.
        'federated': [*SIMULATE, *LEARN, *FEDERATED],
        'rl': [*SIMULATE, *RL],
        'gpu-sim': [*SIMULATE, *GPU_SIM],
        'ros': ROS,
        'test': TEST,
        'dev': [*TEST, *LINT, *PEERS, *TRACK, *TUNE, *COLCON],
    },
    entry_points={'console_scripts': ['synth-nodes = synth_nodes.cli:main']},
    zip_safe=True,
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
