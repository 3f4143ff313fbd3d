"""Bytes from and to a socket, without waiting: the only system calls of the hot loop.

Both functions return a number of bytes, or what the kernel said as ``-errno``: ``WOULD_BLOCK`` is
the usual one. ``receive`` returns 0 when the peer has closed. The socket need not be in
non-blocking mode: MSG_DONTWAIT says so in each call, so nobody can undo it. No signal comes of a
send to a closed peer (MSG_NOSIGNAL).

recv(2) and send(2) are called by their symbols, which unlike a ctypes pointer can be cached. Plain
Python here is the twin that runs uncompiled.
"""

import ctypes
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

from appliance.hot.memory import is_bytes

WOULD_BLOCK: Final = -11  # EAGAIN
CLOSED: Final = 0  # what receive returns when the peer has closed

_MSG_DONTWAIT: Final = 0x40  # Linux
_MSG_NOSIGNAL: Final = 0x4000
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.recv.restype = _LIBC.send.restype = ctypes.c_ssize_t
_LIBC.recv.argtypes = _LIBC.send.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
)


def receive(socket: int, target: np.ndarray, start: int, count: int) -> int:
    """recv(2) of up to ``count`` bytes to ``target[start:]``; uint8, C-contiguous.

    The range lies inside the array and count is from 1 up: the caller has made sure.
    """
    got = _LIBC.recv(socket, target.ctypes.data + int(start), int(count), _MSG_DONTWAIT)
    return got if got >= 0 else -ctypes.get_errno()


def send(socket: int, source: np.ndarray, start: int, count: int) -> int:
    """send(2) of up to ``count`` bytes of ``source[start:]``: how many the kernel took."""
    flags = _MSG_DONTWAIT | _MSG_NOSIGNAL
    sent = _LIBC.send(socket, source.ctypes.data + int(start), int(count), flags)
    return sent if sent >= 0 else -ctypes.get_errno()


def receive_at(socket: int, address: int, count: int) -> int:
    """``receive`` into memory that C owns."""
    got = _LIBC.recv(socket, int(address), int(count), _MSG_DONTWAIT)
    return got if got >= 0 else -ctypes.get_errno()


def send_at(socket: int, address: int, count: int) -> int:
    """``send`` from memory that C owns."""
    sent = _LIBC.send(socket, int(address), int(count), _MSG_DONTWAIT | _MSG_NOSIGNAL)
    return sent if sent >= 0 else -ctypes.get_errno()


@type_callable(receive)
def _type_receive(context: Any) -> Callable[..., Any]:
    def typer(socket: Any, target: Any, start: Any, count: Any) -> Any:
        integers = (socket, start, count)
        if not all(isinstance(number, types.Integer) for number in integers):
            return None
        if not (is_bytes(target) and target.mutable):
            return None
        return types.int64(types.int64, target, types.int64, types.int64)

    return typer


@type_callable(send)
def _type_send(context: Any) -> Callable[..., Any]:
    def typer(socket: Any, source: Any, start: Any, count: Any) -> Any:
        integers = (socket, start, count)
        if not all(isinstance(number, types.Integer) for number in integers):
            return None
        if not is_bytes(source):
            return None
        return types.int64(types.int64, source, types.int64, types.int64)

    return typer


@type_callable(receive_at)
@type_callable(send_at)
def _type_at(context: Any) -> Callable[..., Any]:
    def typer(socket: Any, address: Any, count: Any) -> Any:
        integers = (socket, address, count)
        if not all(isinstance(number, types.Integer) for number in integers):
            return None
        return types.int64(types.int64, types.int64, types.int64)

    return typer


def _system_call(builder: Any, name: str, socket: Any, data: Any, count: Any, flags: int) -> Any:
    """``name(socket, data, count, flags)``, or -errno where it fails."""
    word, half = ir.IntType(64), ir.IntType(32)
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(word, [half, data.type, word, half]), name
    )
    location = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(half.as_pointer(), []), "__errno_location"
    )
    result = builder.call(function, [builder.trunc(socket, half), data, count, half(flags)])
    slot = cgutils.alloca_once_value(builder, result)
    with builder.if_then(builder.icmp_signed("<", result, word(0))):
        code = builder.sext(builder.load(builder.call(location, [])), word)
        builder.store(builder.neg(code), slot)
    return builder.load(slot)


def _array_call(name: str, flags: int) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        socket, array, start, count = arguments
        data = context.make_array(signature.args[1])(context, builder, array).data
        return _system_call(builder, name, socket, builder.gep(data, [start]), count, flags)

    return lower


def _address_call(name: str, flags: int) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        socket, address, count = arguments
        data = builder.inttoptr(address, ir.IntType(8).as_pointer())
        return _system_call(builder, name, socket, data, count, flags)

    return lower


_ARRAY = (types.Integer, types.Array, types.Integer, types.Integer)
_ADDRESS = (types.Integer, types.Integer, types.Integer)
_SEND_FLAGS = _MSG_DONTWAIT | _MSG_NOSIGNAL
lower_builtin(receive, *_ARRAY)(_array_call("recv", _MSG_DONTWAIT))
lower_builtin(send, *_ARRAY)(_array_call("send", _SEND_FLAGS))
lower_builtin(receive_at, *_ADDRESS)(_address_call("recv", _MSG_DONTWAIT))
lower_builtin(send_at, *_ADDRESS)(_address_call("send", _SEND_FLAGS))
