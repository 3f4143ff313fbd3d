"""Calls of C functions by their address: for a library that cold code has loaded (OpenSSL).

The address is data, not a symbol: a function that calls it can be cached, compiles on a machine
that lacks the library, and takes the very library that Python's ``ssl`` is linked to. Every
argument goes as an int64, which on 64-bit Linux is how C passes integers and pointers alike.

Plain Python here is the twin that runs uncompiled.
"""

import ctypes
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin, type_callable

ARGUMENTS_MAX: Final = 6


def call_int(address: int, *arguments: int) -> int:
    """The function at ``address``, which returns a C int."""
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int64] * len(arguments))
    return prototype(int(address))(*(int(argument) for argument in arguments))


def call_word(address: int, *arguments: int) -> int:
    """The function at ``address``, which returns a C long, size_t or pointer."""
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(arguments))
    return prototype(int(address))(*(int(argument) for argument in arguments))


def address_of(array: np.ndarray, index: int) -> int:
    """Where ``array[index]`` lies; 1-D, C-contiguous. The caller keeps the array alive."""
    return array.ctypes.data + int(index) * array.itemsize


class _Call(AbstractTemplate):  # type: ignore[misc]
    """Integers to an integer: any number of them, which ``type_callable`` cannot say."""

    def generic(self, arguments: Any, keywords: Any) -> Any:
        if keywords or not all(isinstance(argument, types.Integer) for argument in arguments):
            return None
        return types.int64(*[types.int64] * len(arguments))


for _function in (call_int, call_word):
    infer_global(_function, types.Function(type("_Call", (_Call,), {"key": _function})))


@type_callable(address_of)
def _type_address_of(context: Any) -> Callable[..., Any]:
    def typer(array: Any, index: Any) -> Any:
        one_row = isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"
        return types.int64(array, types.int64) if one_row else None

    return typer


def _call(bits: int) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        address, *rest = arguments
        function_type = ir.FunctionType(ir.IntType(bits), [word] * len(rest))
        function = builder.inttoptr(address, function_type.as_pointer())
        result = builder.call(function, rest)
        return builder.sext(result, word) if bits < 64 else result

    return lower


@lower_builtin(address_of, types.Array, types.Integer)
def _lower_address_of(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array, index = arguments
    data = context.make_array(signature.args[0])(context, builder, array).data
    return builder.ptrtoint(builder.gep(data, [index]), ir.IntType(64))


for _count in range(ARGUMENTS_MAX + 1):
    lower_builtin(call_int, *[types.Integer] * (1 + _count))(_call(32))
    lower_builtin(call_word, *[types.Integer] * (1 + _count))(_call(64))
