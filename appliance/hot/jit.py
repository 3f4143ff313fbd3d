"""``@hot``: the only place that sets compiler flags.

``nogil``         the loop runs on its own thread while Python goes on elsewhere
``_nrt=False``    whatever would allocate does not compile (Numba's reference-counted heap is off)
``boundscheck``   off here; NUMBA_BOUNDSCHECK=1 turns it on for a test run
``error_model``   division by zero gives zero instead of an exception; divisors are checked
``fastmath``      never: it lets NaN through comparisons
``cache``         only when the boot code has set a directory named by a hash of all the source
                  (appliance/cold/cache_key.py): Numba itself does not see changes in other files
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

JIT_DISABLED: Final = bool(config.DISABLE_JIT)
_FLAGS: Final[dict[str, Any]] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": False,
    "cache": bool(config.CACHE_DIR),
    "_nrt": False,
    "forceinline": False,  # said, because a function without it inherits its caller's
}


def hot(function: Function) -> Function:
    """Compile ``function`` for the hot loop (or leave it Python under NUMBA_DISABLE_JIT=1)."""
    if JIT_DISABLED:
        return function
    return numba.njit(**_FLAGS)(function)  # type: ignore[no-any-return]


def hot_inline(function: Function) -> Function:
    """``hot``, and always inlined: for a few lines in an inner loop."""
    if JIT_DISABLED:
        return function
    return numba.njit(**{**_FLAGS, "forceinline": True})(function)  # type: ignore[no-any-return]


def hot_part(function: Function) -> Function:
    """A part of the one caller it has: melted into it before compilation.

    For functions that take the whole Core or Decoder: compiling each by itself would spend a second
    on passing its hundreds of words.
    """
    if JIT_DISABLED:
        return function
    return numba.njit(**{**_FLAGS, "inline": "always"})(function)  # type: ignore[no-any-return]


@intrinsic
def _out_of_line(_typing):  # type: ignore[no-untyped-def]
    def codegen(_context, builder, _signature, _arguments):  # type: ignore[no-untyped-def]
        builder.function.attributes.add("noinline")
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(), codegen


def _twin_out_of_line() -> int:
    return 0


# Called first thing in a hot function: it is never inlined. For what is seldom needed, and for a
# loop that should have the registers to itself.
out_of_line = _twin_out_of_line if JIT_DISABLED else _out_of_line
