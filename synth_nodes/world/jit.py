"""How the kernels of world and sensors are compiled: one place for numba's switches."""

from collections.abc import Callable
from typing import cast, TypeVar

import numba

F = TypeVar('F', bound=Callable[..., object])


def kernel(function: F) -> F:
    """
    Compile a function with numba: cached on disk, without the GIL, with numpy's division rules.

    Without the GIL a caller may split a batch over threads. NaN and infinity keep their meaning.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model='numpy')(function))


def inline(function: F) -> F:
    """Compile a small function that only kernels call, so that LLVM may fold it into them."""
    return cast(F, numba.njit(
        cache=True, nogil=True, error_model='numpy', boundscheck=False)(function))
