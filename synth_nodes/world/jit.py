"""How the kernels of world and sensors are compiled: one place for numba's switches."""

from collections.abc import Callable
from typing import Any, cast, TypeVar

import numba

F = TypeVar('F', bound=Callable[..., object])
# Whether references to arrays are counted: numba's own option, which its type stubs leave out.
# What does not say is compiled as what calls it first, so all here do.
_COUNTED: dict[str, Any] = {'_nrt': True}
_UNCOUNTED: dict[str, Any] = {'_nrt': False, 'boundscheck': False}


def kernel(function: F) -> F:
    """
    Compile a function with numba: cached on disk, without the GIL, with numpy's division rules.

    Without the GIL a caller may split a batch over threads. NaN and infinity keep their meaning.
    """
    return cast(F, numba.njit(
        cache=True, nogil=True, error_model='numpy', **_COUNTED)(function))


def inline(function: F) -> F:
    """
    Compile a function that only kernels call, folded into them wherever it is called.

    A call that is not folded passes every array of every tuple through memory: 80 ns and more. It
    must neither make nor return arrays, nor call numpy functions of whole arrays: it counts no
    references to those that it is given, which would otherwise take half of the time of short
    functions.
    """
    return cast(F, numba.njit(
        cache=True, nogil=True, error_model='numpy', forceinline=True, **_UNCOUNTED)(function))


def inline_maker(function: F) -> F:
    """Do the same with a function that makes arrays, returns them, or has numpy go over them."""
    return cast(F, numba.njit(
        cache=True, nogil=True, error_model='numpy', forceinline=True, **_COUNTED)(function))


def shared(function: F) -> F:
    """Compile a function that only kernels call, too long to be copied to each place."""
    return cast(F, numba.njit(
        cache=True, nogil=True, error_model='numpy', **_COUNTED)(function))


@inline
def plain(value: int) -> int:
    """Hide a constant, so that what it is given to is not compiled anew for each constant."""
    return value + 0


def bare(function: F) -> F:
    """
    Compile a function that only kernels call, and that neither makes nor returns arrays.

    They count no references to the arrays that they are given, which would otherwise cost more
    than short loops over them.
    """
    return cast(F, numba.njit(
        cache=True, nogil=True, error_model='numpy', **_UNCOUNTED)(function))
