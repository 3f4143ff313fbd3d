"""Bytes and records from one array into another by one memcpy, or masked on the way.

``target[i] = source[k]`` of records would compile to a load and a store for every byte of the
record (slow to compile, and not always merged again): use ``copy_record``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable


def copy_bytes(
    target: np.ndarray,
    target_start: int,
    source: np.ndarray,
    source_start: int,
    count: int,
) -> None:
    """``target[target_start:][:count] = source[source_start:][:count]``; uint8, C-contiguous.

    The ranges lie inside their arrays and do not overlap: the caller has made sure (compiled, not
    even NUMBA_BOUNDSCHECK looks). A count of zero or less copies nothing.
    """
    if count > 0:
        target[target_start : target_start + count] = source[source_start : source_start + count]


def move_bytes(data: np.ndarray, target_start: int, source_start: int, count: int) -> None:
    """``data[target_start:][:count] = data[source_start:][:count]``; the ranges may overlap."""
    if count > 0:
        moved = data[source_start : source_start + count].copy()
        data[target_start : target_start + count] = moved


def mask_bytes(
    target: np.ndarray,
    target_start: int,
    source: np.ndarray,
    source_start: int,
    count: int,
    key: int,
) -> None:
    """``target[target_start + i] = source[source_start + i] ^ key byte i % 8``, 8 at a time.

    ``key``: the four bytes of a masking key twice over, the first one lowest. The ranges do not
    overlap.
    """
    if count > 0:
        octets = np.array([(int(key) >> 8 * i) & 0xFF for i in range(8)], np.uint8)
        stream = np.resize(octets, count)
        target[target_start : target_start + count] = (
            source[source_start : source_start + count] ^ stream
        )


def copy_record(target: Any, target_index: int, source: Any, source_index: int) -> None:
    """``target[target_index] = source[source_index]``: arrays of records of one dtype.

    The indexes are from 0 up and inside their arrays (compiled, nobody looks).
    """
    target[target_index] = source[source_index]


def is_bytes(array: Any) -> bool:
    """Whether a Numba type is a C-contiguous row of bytes."""
    return bool(
        isinstance(array, types.Array)
        and array.ndim == 1
        and array.layout == "C"
        and array.dtype == types.uint8
    )


@type_callable(copy_bytes)
def _type_copy_bytes(context: Any) -> Callable[..., Any]:
    def typer(target: Any, target_start: Any, source: Any, source_start: Any, count: Any) -> Any:
        integers = (target_start, source_start, count)
        if not all(isinstance(number, types.Integer) for number in integers):
            return None
        if not (is_bytes(target) and target.mutable and is_bytes(source)):
            return None
        return types.void(target, types.intp, source, types.intp, types.intp)

    return typer


@lower_builtin(copy_bytes, types.Array, types.Integer, types.Array, types.Integer, types.Integer)
def _lower_copy_bytes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    target, target_start, source, source_start, count = arguments
    target_data = context.make_array(signature.args[0])(context, builder, target).data
    source_data = context.make_array(signature.args[2])(context, builder, source).data
    with builder.if_then(builder.icmp_signed(">", count, count.type(0))):
        cgutils.raw_memcpy(
            builder,
            builder.gep(target_data, [target_start]),
            builder.gep(source_data, [source_start]),
            count,
            1,
        )
    return context.get_dummy_value()


@type_callable(move_bytes)
def _type_move_bytes(context: Any) -> Callable[..., Any]:
    def typer(data: Any, target_start: Any, source_start: Any, count: Any) -> Any:
        integers = (target_start, source_start, count)
        if not all(isinstance(number, types.Integer) for number in integers):
            return None
        if not (is_bytes(data) and data.mutable):
            return None
        return types.void(data, types.intp, types.intp, types.intp)

    return typer


@lower_builtin(move_bytes, types.Array, types.Integer, types.Integer, types.Integer)
def _lower_move_bytes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array, target_start, source_start, count = arguments
    data = context.make_array(signature.args[0])(context, builder, array).data
    with builder.if_then(builder.icmp_signed(">", count, count.type(0))):
        cgutils.raw_memmove(
            builder,
            builder.gep(data, [target_start]),
            builder.gep(data, [source_start]),
            count,
            1,
        )
    return context.get_dummy_value()


@type_callable(mask_bytes)
def _type_mask_bytes(context: Any) -> Callable[..., Any]:
    def typer(
        target: Any, target_start: Any, source: Any, source_start: Any, count: Any, key: Any
    ) -> Any:
        integers = (target_start, source_start, count, key)
        if not all(isinstance(number, types.Integer) for number in integers):
            return None
        if not (is_bytes(target) and target.mutable and is_bytes(source)):
            return None
        return types.void(target, types.intp, source, types.intp, types.intp, types.int64)

    return typer


@lower_builtin(
    mask_bytes,
    types.Array,
    types.Integer,
    types.Array,
    types.Integer,
    types.Integer,
    types.Integer,
)
def _lower_mask_bytes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    target, target_start, source, source_start, count, key = arguments
    word, octet = ir.IntType(64), ir.IntType(8)
    target_data = context.make_array(signature.args[0])(context, builder, target).data
    source_data = context.make_array(signature.args[2])(context, builder, source).data
    to = builder.gep(target_data, [target_start])
    start = builder.gep(source_data, [source_start])
    words = builder.ashr(count, word(3))
    with cgutils.for_range(builder, words) as loop:
        at = builder.shl(loop.index, word(3))
        load = builder.load(builder.bitcast(builder.gep(start, [at]), word.as_pointer()), align=1)
        into = builder.bitcast(builder.gep(to, [at]), word.as_pointer())
        builder.store(builder.xor(load, key), into, align=1)
    done = builder.shl(words, word(3))
    with cgutils.for_range(builder, builder.sub(count, done)) as loop:
        at = builder.add(done, loop.index)
        part = builder.trunc(builder.lshr(key, builder.shl(loop.index, word(3))), octet)
        builder.store(
            builder.xor(builder.load(builder.gep(start, [at])), part), builder.gep(to, [at])
        )
    return context.get_dummy_value()


def _is_records(array: Any) -> bool:
    return bool(
        isinstance(array, types.Array)
        and array.ndim == 1
        and array.layout == "C"
        and isinstance(array.dtype, types.Record)
    )


@type_callable(copy_record)
def _type_copy_record(context: Any) -> Callable[..., Any]:
    def typer(target: Any, target_index: Any, source: Any, source_index: Any) -> Any:
        if not all(isinstance(index, types.Integer) for index in (target_index, source_index)):
            return None
        if not (_is_records(target) and target.mutable and _is_records(source)):
            return None
        if target.dtype != source.dtype:
            return None
        return types.void(target, types.intp, source, types.intp)

    return typer


@lower_builtin(copy_record, types.Array, types.Integer, types.Array, types.Integer)
def _lower_copy_record(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    target, target_index, source, source_index = arguments
    target_data = context.make_array(signature.args[0])(context, builder, target).data
    source_data = context.make_array(signature.args[2])(context, builder, source).data
    cgutils.raw_memcpy(
        builder,
        builder.gep(target_data, [target_index]),
        builder.gep(source_data, [source_index]),
        target_index.type(signature.args[0].dtype.size),
        1,
    )
    return context.get_dummy_value()
