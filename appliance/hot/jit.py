"""``@hot``: the only place that sets compiler flags.

``@hot``          every function of the loop; LLVM decides whether to inline it
``@hot_inline``   is inlined wherever it is called: for a few lines in an inner loop
``@hot_part``     as well: for a part of its one caller that takes the whole Core or Decoder, whose
                  hundreds of words would else be written to the stack for the call
``out_of_line()`` first thing in a ``@hot`` function: is never inlined

``nogil``         the loop runs on its own thread while Python goes on elsewhere
``_nrt=False``    whatever would allocate does not compile (Numba's reference-counted heap is off)
``boundscheck``   off here; NUMBA_BOUNDSCHECK=1 turns it on for a test run
``error_model``   division by zero gives zero instead of an exception; divisors are checked
``fastmath``      never: it lets NaN through comparisons
``cache``         only when the boot code has set a directory named by a hash of all the source
                  (appliance/cold/compile_cache.py): Numba does not see changes in other files

What Python calls and what compiled code calls is compiled apart: see one_module.py.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from appliance.hot.one_module import KNOWN_NUMBA, compile_later

Function = TypeVar("Function", bound=Callable[..., Any])

JIT_DISABLED: Final = bool(config.DISABLE_JIT)
_FLAGS: Final[dict[str, Any]] = {
    "nogil": True,
    "boundscheck": False,
    "error_model": "numpy",
    "fastmath": False,
    "cache": bool(config.CACHE_DIR),
    "_nrt": False,
    "no_rewrites": True,  # of array expressions, of which there are none: a second of the start
    "forceinline": False,  # said, because a function without it inherits its caller's
}


def target_has(feature: str) -> bool:
    """Whether the processor that code is made for has it: this one, unless Numba was told of
    another (NUMBA_CPU_FEATURES)."""
    if config.CPU_FEATURES is not None:
        return f"+{feature}" in config.CPU_FEATURES.split(",")
    return bool(llvm.get_host_cpu_features().get(feature, False))


def _compiled(function: Function, **more: Any) -> Function:
    if JIT_DISABLED:
        return function
    flags = {**_FLAGS, **more}
    if numba.__version__ == KNOWN_NUMBA:
        return compile_later(function, flags)  # type: ignore[no-any-return]
    return numba.njit(**flags)(function)  # type: ignore[no-any-return]


def hot(function: Function) -> Function:
    """Compile ``function`` for the hot loop (or leave it Python under NUMBA_DISABLE_JIT=1)."""
    return _compiled(function)


def hot_inline(function: Function) -> Function:
    """``hot``, and always inlined: for a few lines in an inner loop."""
    return _compiled(function, forceinline=True)


def hot_part(function: Function) -> Function:
    """``hot``, and always inlined: for a part of one caller, which hands it all that it has."""
    return _compiled(function, forceinline=True)


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
