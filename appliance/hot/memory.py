"""Bytes and records from one array into another by one memcpy.

``target[i] = source[k]`` of records would compile to a load and a store for every byte of the
record (slow to compile, and not always merged again): use ``copy_record``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
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


def copy_record(target: Any, target_index: int, source: Any, source_index: int) -> None:
    """``target[target_index] = source[source_index]``: arrays of records of one dtype.

    The indexes are from 0 up and inside their arrays (compiled, nobody looks).
    """
    target[target_index] = source[source_index]


def _is_bytes(array: Any) -> bool:
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
        if not (_is_bytes(target) and target.mutable and _is_bytes(source)):
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
