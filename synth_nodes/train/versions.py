"""What trained a model, for its contract."""

import platform

import numpy as np
import torch

from synth_nodes import __version__


def versions() -> dict[str, str]:
    """Give the versions of this package and of what computes for it, by name."""
    return {'synth_nodes': __version__, 'torch': torch.__version__, 'numpy': np.__version__,
            'python': platform.python_version()}
