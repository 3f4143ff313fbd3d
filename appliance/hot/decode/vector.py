"""The few vector operations that the decoder is built on.

Each is one page of LLVM IR with a scalar twin that has the same contract; the twin serves where
the host has no AVX2, and uncompiled. All read up to 64 bytes from ``at`` on, whatever the frame's
length: FRAME_PADDING_BYTES stay readable behind every frame. Offsets are never negative.
"""

from typing import Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from appliance.abi.limits import FRAME_PADDING_BYTES, LEVEL_TEXT_MAX
from appliance.hot.decode.vector_ir import (
    I1,
    I8,
    I32,
    I64,
    data_pointer,
    load,
    mask_of,
    splat,
    vector_of,
)
from appliance.hot.jit import JIT_DISABLED, hot_inline, target_has

VECTOR_BYTES: Final = 64
assert VECTOR_BYTES == FRAME_PADDING_BYTES == LEVEL_TEXT_MAX

HAS_AVX2: Final = target_has("avx2")

QUOTE: Final = 0x22
BACKSLASH: Final = 0x5C
DOT: Final = 0x2E
ZERO: Final = 0x30


# --- one byte, one word ---------------------------------------------------------------------------


def twin_byte_at(text, at):
    return int(text[at])


@intrinsic
def _byte_at(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type = signature.args[0]
        data = data_pointer(context, builder, array_type, arguments[0])
        return builder.zext(builder.load(builder.gep(data, [arguments[1]])), I64)

    return types.int64(text, types.int64), codegen


def twin_word_at(text, at):
    return int.from_bytes(bytes(text[at : at + 8]), "little", signed=True)


@intrinsic
def _word_at(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = load(context, builder, signature.args[0], arguments[0], arguments[1], 8)
        return builder.bitcast(vector, I64)

    return types.int64(text, types.int64), codegen


def twin_item_at(array, index):
    return array[index]


@intrinsic
def _item_at(_typing, array, index):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type = signature.args[0]
        data = data_pointer(context, builder, array_type, arguments[0])
        return builder.load(builder.gep(data, [arguments[1]]))

    return types.int64(array, types.int64), codegen


def twin_set_item(array, index, value):
    array[index] = value


@intrinsic
def _set_item(_typing, array, index, value):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type = signature.args[0]
        data = data_pointer(context, builder, array_type, arguments[0])
        builder.store(arguments[2], builder.gep(data, [arguments[1]]))

    return types.void(array, types.int64, types.int64), codegen


# --- bit masks of 64 bytes -----------------------------------------------------------------------


def _signed(mask):
    return mask - (1 << 64) if mask >> 63 else mask


def twin_match(text, at, byte):
    window = bytes(text[at : at + VECTOR_BYTES])
    return _signed(sum(1 << i for i, c in enumerate(window) if c == byte))


@intrinsic
def _match(_typing, text, at, byte):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = load(context, builder, signature.args[0], arguments[0], arguments[1], 64)
        undefined = ir.Constant(vector.type, ir.Undefined)
        first = builder.insert_element(
            undefined, builder.trunc(arguments[2], I8), ir.Constant(I32, 0)
        )
        lanes = ir.Constant(vector_of(I32, 64), [0] * 64)
        wanted = builder.shuffle_vector(first, undefined, lanes)
        return mask_of(builder, builder.icmp_unsigned("==", vector, wanted), 64)

    return types.int64(text, types.int64, types.int64), codegen


def twin_non_ascii(text, at):
    window = bytes(text[at : at + VECTOR_BYTES])
    return _signed(sum(1 << i for i, c in enumerate(window) if c >= 0x80))


@intrinsic
def _non_ascii(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = load(context, builder, signature.args[0], arguments[0], arguments[1], 64)
        return mask_of(builder, builder.icmp_signed("<", vector, splat(I8, 64, 0)), 64)

    return types.int64(text, types.int64), codegen


def twin_string_stops(text, at):
    window = bytes(text[at : at + VECTOR_BYTES])
    stops = (c in (QUOTE, BACKSLASH) or c < 0x20 for c in window)
    return _signed(sum(1 << i for i, stop in enumerate(stops) if stop))


@intrinsic
def _string_stops(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = load(context, builder, signature.args[0], arguments[0], arguments[1], 64)
        quote = builder.icmp_unsigned("==", vector, splat(I8, 64, QUOTE))
        backslash = builder.icmp_unsigned("==", vector, splat(I8, 64, BACKSLASH))
        control = builder.icmp_unsigned("<", vector, splat(I8, 64, 0x20))
        return mask_of(builder, builder.or_(builder.or_(quote, backslash), control), 64)

    return types.int64(text, types.int64), codegen


def twin_first_bit(mask):
    mask = int(mask)
    return (mask & -mask).bit_length() - 1 if mask else 64


@intrinsic
def _first_bit(_typing, mask):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(I1, 0))

    return types.int64(types.int64), codegen


def twin_bits(mask):
    return (int(mask) & ((1 << 64) - 1)).bit_count()


def twin_drop_first(mask):
    mask = int(mask) & ((1 << 64) - 1)
    return _signed(mask & (mask - 1))


@hot_inline
def _drop_first(mask):
    return mask & (mask - 1)


@intrinsic
def _bits(_typing, mask):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), codegen


def twin_fits(text, at, rows, subtrahend, maximum):
    rest = text[at : at + 64] - rows[subtrahend : subtrahend + 64]  # wraps, as it shall
    return bool((rest <= rows[maximum : maximum + 64]).all())


@intrinsic
def _fits(_typing, text, at, rows, subtrahend, maximum):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, at, rows, subtrahend, maximum = arguments
        text_type, _, rows_type, _, _ = signature.args
        vector = load(context, builder, text_type, array, at, 64)
        rest = builder.sub(vector, load(context, builder, rows_type, rows, subtrahend, 64))
        most = load(context, builder, rows_type, rows, maximum, 64)
        within = builder.bitcast(builder.icmp_unsigned("<=", rest, most), I64)
        return builder.icmp_signed("==", within, ir.Constant(I64, -1))

    integer = types.int64
    return types.boolean(text, integer, rows, integer, integer), codegen


@intrinsic
def _bare(_typing, array):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return data_pointer(context, builder, signature.args[0], arguments[0])

    return types.CPointer(array.dtype)(array), codegen


def twin_bare(array):
    return array


# Of a contiguous array only where it begins: one word instead of seven to hand to a function that
# is not inlined. The operations here take it as well as the array.
bare = twin_bare if JIT_DISABLED else _bare
item_at = twin_item_at if JIT_DISABLED else _item_at  # (int64 array, index): no wrap-around
set_item = twin_set_item if JIT_DISABLED else _set_item
byte_at = twin_byte_at if JIT_DISABLED else _byte_at  # (text, at) -> 0..255
word_at = twin_word_at if JIT_DISABLED else _word_at  # (text, at) -> 8 bytes, little-endian
match = twin_match if JIT_DISABLED else _match  # (text, at, byte) -> where byte stands
non_ascii = twin_non_ascii if JIT_DISABLED else _non_ascii  # (text, at) -> bytes of 0x80 and up
string_stops = twin_string_stops if JIT_DISABLED else _string_stops  # quote, backslash, control
first_bit = twin_first_bit if JIT_DISABLED else _first_bit  # lowest set bit; 64 if there is none
drop_first = twin_drop_first if JIT_DISABLED else _drop_first  # the lowest set bit cleared
bits = twin_bits if JIT_DISABLED else _bits  # how many are set
# (text, at, rows, subtrahend, maximum): whether each of 64 bytes less its subtrahend (modulo 256)
# is at most its maximum; the three are offsets
fits = twin_fits if JIT_DISABLED else _fits
