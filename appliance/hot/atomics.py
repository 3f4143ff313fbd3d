"""Ordered access to shared int64 words: the only place that deals in memory order.

Each function is plain Python (its meaning, and what runs uncompiled) with a lowering of its own for
compiled callers. ``words`` is a C-contiguous 1-D int64 array; ``index`` is neither wrapped
nor checked, and the word is naturally aligned, as every int64 array of ours is.

Plain accesses to other words may not move up across ``load_acquire`` or down across
``store_release``; ``fence`` lets nothing pass in either direction except a later load over an
earlier store (on x86-64 all three cost no instruction of their own).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import lower_builtin, type_callable

_WORD_BYTES = 8


def load_acquire(words: np.ndarray, index: int) -> int:
    """``words[index]``; what its writer did before the matching store_release is visible after."""
    return int(words[index])


def store_release(words: np.ndarray, index: int, value: int) -> None:
    """``words[index] = value``, after everything that was read or written before."""
    words[index] = value


def fence() -> None:
    """Keep what stands before and after apart (acquire and release, as for a sequence lock)."""


def _is_words(words: Any) -> bool:
    return bool(
        isinstance(words, types.Array)
        and words.ndim == 1
        and words.layout == "C"
        and words.aligned
        and words.dtype == types.int64
    )


def _is_index(index: Any) -> bool:
    return isinstance(index, types.Integer | types.IntEnumMember)


@type_callable(load_acquire)
def _type_load_acquire(context: Any) -> Callable[..., Any]:
    def typer(words: Any, index: Any) -> Any:
        if _is_words(words) and _is_index(index):
            return types.int64(words, types.intp)
        return None

    return typer


@type_callable(store_release)
def _type_store_release(context: Any) -> Callable[..., Any]:
    def typer(words: Any, index: Any, value: Any) -> Any:
        if _is_words(words) and words.mutable and _is_index(index) and _is_index(value):
            return types.void(words, types.intp, types.int64)
        return None

    return typer


@type_callable(fence)
def _type_fence(context: Any) -> Callable[..., Any]:
    def typer() -> Any:
        return types.void()

    return typer


def _word_pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


@lower_builtin(load_acquire, types.Array, types.Integer)
def _lower_load_acquire(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    words, index = arguments
    pointer = _word_pointer(context, builder, signature.args[0], words, index)
    return builder.load_atomic(pointer, "acquire", _WORD_BYTES)


@lower_builtin(store_release, types.Array, types.Integer, types.Integer)
def _lower_store_release(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    words, index, value = arguments
    pointer = _word_pointer(context, builder, signature.args[0], words, index)
    builder.store_atomic(value, pointer, "release", _WORD_BYTES)
    return context.get_dummy_value()


@lower_builtin(fence)
def _lower_fence(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    builder.fence("acq_rel")
    return context.get_dummy_value()
