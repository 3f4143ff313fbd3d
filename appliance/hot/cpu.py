"""The processor's own clock and pause, and the wall clock, for compiled code.

Plain Python here is the twin that runs uncompiled: there a cycle is a nanosecond. This is the one
hot module that may import ``time``, for the twins alone.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_process_triple
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

from appliance.hot.jit import hot, hot_inline

_CLOCK_REALTIME = 0  # Linux
_CLOCK_MONOTONIC = 1
_NS_PER_S = 1_000_000_000
_IS_X86 = get_process_triple().startswith(("x86_64", "i686", "i386"))


def cycles() -> int:
    """A counter that runs at a constant rate, for spans: ``cycles_to_ns``.

    x86-64: the time-stamp counter, not serialised with the code around it. Elsewhere: nanoseconds
    of the monotonic clock (user code may not read the cycle counter there).
    """
    return time.perf_counter_ns()


def pause() -> None:
    """Tell an x86 core that it spins, for the sake of the other thread on it; elsewhere nothing."""


def realtime_ns(scratch: np.ndarray) -> int:
    """Nanoseconds since the Unix epoch. ``scratch``: int64[2] of the caller's, overwritten."""
    return time.time_ns()


@hot_inline
def cycles_to_ns(span_cycles: int, mult: int, shift: int) -> int:
    """A span of up to 60 s in ns; mult and shift come from cold/clock.py calibrate_cycles."""
    return (span_cycles * mult) >> shift


@hot
def cycles_now() -> int:
    """``cycles`` for callers in ordinary Python: the same counter that compiled code reads."""
    return cycles()


def _clock_gettime_ns(context: Any, builder: Any, clock: int, time_spec: Any) -> Any:
    """Call clock_gettime(2) by its symbol, which unlike a ctypes pointer can be cached."""
    word = ir.IntType(64)
    function_type = ir.FunctionType(ir.IntType(32), [ir.IntType(32), word.as_pointer()])
    function = cgutils.get_or_insert_function(builder.module, function_type, "clock_gettime")
    builder.call(function, [ir.IntType(32)(clock), time_spec])
    seconds = builder.load(time_spec)
    nanoseconds = builder.load(builder.gep(time_spec, [word(1)]))
    return builder.add(builder.mul(seconds, word(_NS_PER_S)), nanoseconds)


@type_callable(cycles)
def _type_cycles(context: Any) -> Callable[..., Any]:
    def typer() -> Any:
        return types.int64()

    return typer


@lower_builtin(cycles)
def _lower_cycles(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    word = ir.IntType(64)
    if _IS_X86:
        counter = builder.module.declare_intrinsic(
            "llvm.readcyclecounter", (), ir.FunctionType(word, [])
        )
        return builder.call(counter, [])
    time_spec = cgutils.alloca_once(builder, word, size=2)
    return _clock_gettime_ns(context, builder, _CLOCK_MONOTONIC, time_spec)


@type_callable(pause)
def _type_pause(context: Any) -> Callable[..., Any]:
    def typer() -> Any:
        return types.void()

    return typer


@lower_builtin(pause)
def _lower_pause(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    if _IS_X86:
        hint = builder.module.declare_intrinsic(
            "llvm.x86.sse2.pause", (), ir.FunctionType(ir.VoidType(), [])
        )
        builder.call(hint, [])
    return context.get_dummy_value()


@type_callable(realtime_ns)
def _type_realtime_ns(context: Any) -> Callable[..., Any]:
    def typer(scratch: Any) -> Any:
        if (
            isinstance(scratch, types.Array)
            and scratch.ndim == 1
            and scratch.layout == "C"
            and scratch.mutable
            and scratch.dtype == types.int64
        ):
            return types.int64(scratch)
        return None

    return typer


@lower_builtin(realtime_ns, types.Array)
def _lower_realtime_ns(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    scratch = context.make_array(signature.args[0])(context, builder, arguments[0])
    return _clock_gettime_ns(context, builder, _CLOCK_REALTIME, scratch.data)
