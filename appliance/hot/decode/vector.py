"""The few vector operations that the decoder is built on.

Each is one page of LLVM IR with a scalar twin that has the same contract; the twin serves where
the host has no AVX2, and uncompiled. All read up to 64 bytes from ``at`` on, whatever the frame's
length: FRAME_PADDING_BYTES stay readable behind every frame. Offsets are never negative.
"""

from typing import Final

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from appliance.abi.limits import FRAME_PADDING_BYTES, LEVEL_TEXT_MAX
from appliance.abi.units import E8, E8_DECIMALS
from appliance.hot.jit import JIT_DISABLED, hot, hot_inline

VECTOR_BYTES: Final = 64
assert VECTOR_BYTES == FRAME_PADDING_BYTES == LEVEL_TEXT_MAX

HAS_AVX2: Final = bool(llvm.get_host_cpu_features().get("avx2", False))

QUOTE: Final = 0x22
BACKSLASH: Final = 0x5C
DOT: Final = 0x2E
ZERO: Final = 0x30

# A template row, see levels.py
TEMPLATE_SUBTRAHEND: Final = 0
TEMPLATE_MAXIMUM: Final = 64
TEMPLATE_SHUFFLE: Final = 128
TEMPLATE_QUANTITY_AT: Final = 160
TEMPLATE_BYTES: Final = 256

_I1, _I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))


def _vector(element: ir.Type, count: int) -> ir.VectorType:
    return ir.VectorType(element, count)


def _splat(element: ir.IntType, count: int, value: int) -> ir.Constant:
    return ir.Constant(_vector(element, count), [value] * count)


def _load(context, builder, array_type, array, at, count):  # type: ignore[no-untyped-def]
    """``count`` bytes of a uint8 array at ``at``, as a vector; no alignment, no bounds."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    pointer = builder.bitcast(builder.gep(data, [at]), _vector(_I8, count).as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 1
    return loaded


def _mask(builder, comparison, count):  # type: ignore[no-untyped-def]
    """Bit i of the result: lane i of the comparison holds."""
    bits = builder.bitcast(comparison, ir.IntType(count))
    return bits if count == VECTOR_BYTES else builder.zext(bits, _I64)


def _call(builder, name, result, arguments):  # type: ignore[no-untyped-def]
    function_type = ir.FunctionType(result, [a.type for a in arguments])
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    return builder.call(function, arguments)


def _sixteen_digits(builder, digits):  # type: ignore[no-untyped-def]
    """<32 x i8> of two numbers of 16 digits -> the two int64."""
    pairs = _call(
        builder,
        "llvm.x86.avx2.pmadd.ub.sw",
        _vector(_I16, 16),
        [digits, ir.Constant(_vector(_I8, 32), [10, 1] * 16)],
    )
    madd = "llvm.x86.avx2.pmadd.wd"
    fours = _call(
        builder,
        madd,
        _vector(_I32, 8),
        [pairs, ir.Constant(_vector(_I16, 16), [100, 1] * 8)],
    )
    narrow = builder.bitcast(fours, _vector(_I16, 16))
    lanes = [0, 2, 4, 6, 0, 0, 0, 0, 8, 10, 12, 14, 0, 0, 0, 0]
    packed = builder.shuffle_vector(narrow, narrow, ir.Constant(_vector(_I32, 16), lanes))
    eights = _call(
        builder,
        madd,
        _vector(_I32, 8),
        [packed, ir.Constant(_vector(_I16, 16), [10_000, 1] * 8)],
    )

    def lane(i):  # type: ignore[no-untyped-def]
        return builder.zext(builder.extract_element(eights, ir.Constant(_I32, i)), _I64)

    e8 = ir.Constant(_I64, E8)
    return [builder.add(builder.mul(lane(high), e8), lane(low)) for high, low in ((0, 1), (4, 5))]


# --- one byte, one word ---------------------------------------------------------------------------


def twin_byte_at(text, at):
    return int(text[at])


@intrinsic
def _byte_at(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type = signature.args[0]
        data = cgutils.create_struct_proxy(array_type)(context, builder, value=arguments[0]).data
        return builder.zext(builder.load(builder.gep(data, [arguments[1]])), _I64)

    return types.int64(text, types.int64), codegen


def twin_word_at(text, at):
    return int.from_bytes(bytes(text[at : at + 8]), "little", signed=True)


@intrinsic
def _word_at(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = _load(context, builder, signature.args[0], arguments[0], arguments[1], 8)
        return builder.bitcast(vector, _I64)

    return types.int64(text, types.int64), codegen


def twin_item_at(array, index):
    return array[index]


@intrinsic
def _item_at(_typing, array, index):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type = signature.args[0]
        data = cgutils.create_struct_proxy(array_type)(context, builder, value=arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]]))

    return types.int64(array, types.int64), codegen


def twin_set_item(array, index, value):
    array[index] = value


@intrinsic
def _set_item(_typing, array, index, value):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array_type = signature.args[0]
        data = cgutils.create_struct_proxy(array_type)(context, builder, value=arguments[0]).data
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
        vector = _load(context, builder, signature.args[0], arguments[0], arguments[1], 64)
        undefined = ir.Constant(vector.type, ir.Undefined)
        first = builder.insert_element(
            undefined, builder.trunc(arguments[2], _I8), ir.Constant(_I32, 0)
        )
        lanes = ir.Constant(_vector(_I32, 64), [0] * 64)
        wanted = builder.shuffle_vector(first, undefined, lanes)
        return _mask(builder, builder.icmp_unsigned("==", vector, wanted), 64)

    return types.int64(text, types.int64, types.int64), codegen


def twin_non_ascii(text, at):
    window = bytes(text[at : at + VECTOR_BYTES])
    return _signed(sum(1 << i for i, c in enumerate(window) if c >= 0x80))


@intrinsic
def _non_ascii(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = _load(context, builder, signature.args[0], arguments[0], arguments[1], 64)
        return _mask(builder, builder.icmp_signed("<", vector, _splat(_I8, 64, 0)), 64)

    return types.int64(text, types.int64), codegen


def twin_string_stops(text, at):
    window = bytes(text[at : at + VECTOR_BYTES])
    stops = (c in (QUOTE, BACKSLASH) or c < 0x20 for c in window)
    return _signed(sum(1 << i for i, stop in enumerate(stops) if stop))


@intrinsic
def _string_stops(_typing, text, at):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = _load(context, builder, signature.args[0], arguments[0], arguments[1], 64)
        quote = builder.icmp_unsigned("==", vector, _splat(_I8, 64, QUOTE))
        backslash = builder.icmp_unsigned("==", vector, _splat(_I8, 64, BACKSLASH))
        control = builder.icmp_unsigned("<", vector, _splat(_I8, 64, 0x20))
        return _mask(builder, builder.or_(builder.or_(quote, backslash), control), 64)

    return types.int64(text, types.int64), codegen


def twin_first_bit(mask):
    mask = int(mask)
    return (mask & -mask).bit_length() - 1 if mask else 64


@intrinsic
def _first_bit(_typing, mask):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(_I1, 0))

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


# --- numbers -------------------------------------------------------------------------------------


@hot
def scalar_digits(text, at):
    """(value, length) of the decimal digits at ``at``; no more than 16 are taken."""
    value = np.int64(0)
    length = np.int64(0)
    while length < 16:
        digit = byte_at(text, at + length) - ZERO
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        length += 1
    return value, length


@intrinsic
def _digits(_typing, text, at):  # type: ignore[no-untyped-def]
    """As scalar_digits: count the digits, shift them to the right end of 16, weigh them."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = _load(context, builder, signature.args[0], arguments[0], arguments[1], 16)
        digits = builder.sub(vector, _splat(_I8, 16, ZERO))
        other = _mask(builder, builder.icmp_unsigned(">", digits, _splat(_I8, 16, 9)), 16)
        length = builder.cttz(builder.or_(other, ir.Constant(_I64, 1 << 16)), ir.Constant(_I1, 1))
        shift = _byte_splat(builder, builder.sub(length, ir.Constant(_I64, 16)), 16)
        index = builder.add(shift, ir.Constant(_vector(_I8, 16), list(range(16))))
        undefined = ir.Constant(_vector(_I8, 16), ir.Undefined)
        wide = ir.Constant(_vector(_I32, 32), list(range(16)) + [0] * 16)
        both = builder.shuffle_vector(digits, undefined, wide)
        shuffled = _call(
            builder,
            "llvm.x86.avx2.pshuf.b",
            _vector(_I8, 32),
            [both, builder.shuffle_vector(index, undefined, wide)],
        )
        value = _sixteen_digits(builder, shuffled)[0]
        return context.make_tuple(builder, signature.return_type, [value, length])

    return types.UniTuple(types.int64, 2)(text, types.int64), codegen


def _byte_splat(builder, value, count):  # type: ignore[no-untyped-def]
    undefined = ir.Constant(_vector(_I8, count), ir.Undefined)
    first = builder.insert_element(undefined, builder.trunc(value, _I8), ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_vector(_I32, count), [0] * count))


DECIMAL_WHOLE_MAX: Final = 7  # digits before the point that the short form takes
DECIMAL_TEXT_MAX: Final = 15  # characters before the closing quote


@hot
def scalar_decimal(text, at):
    """(value x 10**8, length) of ``digits[.digits]"``, or length 0: not of the short form.

    The short form has 1 to 7 digits before the point, 1 to 8 after it if there is one, at most 15
    characters, and ends at a quote (not counted).
    """
    whole, whole_n = scalar_digits(text, at)
    stop = byte_at(text, at + whole_n)
    if whole_n < 1 or whole_n > DECIMAL_WHOLE_MAX:
        return np.int64(0), np.int64(0)
    if stop == QUOTE:
        return whole * E8, whole_n
    fraction, fraction_n = scalar_digits(text, at + whole_n + 1)
    length = whole_n + 1 + fraction_n
    if (
        stop != DOT
        or fraction_n < 1
        or fraction_n > E8_DECIMALS
        or length > DECIMAL_TEXT_MAX
        or byte_at(text, at + length) != QUOTE
    ):
        return np.int64(0), np.int64(0)
    for _ in range(E8_DECIMALS - fraction_n):
        fraction *= 10
    return whole * E8 + fraction, length


@intrinsic
def _decimal(_typing, text, at):  # type: ignore[no-untyped-def]
    """As scalar_decimal: find quote and point by masks, move the digits around the point."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        constant = lambda value: ir.Constant(_I64, value)  # noqa: E731
        vector = _load(context, builder, signature.args[0], arguments[0], arguments[1], 16)
        digits = builder.sub(vector, _splat(_I8, 16, ZERO))
        is_digit = _mask(builder, builder.icmp_unsigned("<", digits, _splat(_I8, 16, 10)), 16)
        quote = _mask(builder, builder.icmp_unsigned("==", vector, _splat(_I8, 16, QUOTE)), 16)
        point = _mask(builder, builder.icmp_unsigned("==", vector, _splat(_I8, 16, DOT)), 16)
        guard = constant(1 << 16)
        length = builder.cttz(builder.or_(quote, guard), ir.Constant(_I1, 1))
        whole = builder.cttz(builder.or_(builder.or_(quote, point), guard), ir.Constant(_I1, 1))
        wanted = builder.sub(builder.shl(constant(1), length), constant(1))
        found = builder.or_(is_digit, builder.shl(constant(1), whole))
        rest = builder.sub(length, whole)  # point and digits behind it
        good = builder.icmp_unsigned("==", builder.and_(found, wanted), wanted)
        for condition in (
            builder.icmp_unsigned("<=", length, constant(DECIMAL_TEXT_MAX)),
            builder.icmp_unsigned(
                "<", builder.sub(whole, constant(1)), constant(DECIMAL_WHOLE_MAX)
            ),
            builder.icmp_unsigned("<=", rest, constant(E8_DECIMALS + 1)),
            builder.icmp_unsigned("!=", rest, constant(1)),
        ):
            good = builder.and_(good, condition)
        iota = ir.Constant(_vector(_I8, 16), list(range(16)))
        keep = builder.icmp_unsigned("<", iota, _byte_splat(builder, length, 16))
        digits = builder.select(keep, digits, _splat(_I8, 16, 0))
        # Output 0..7: the eight digits before the point; 8..15: the eight behind it. A negative
        # index gives zero; the index never passes 15 since whole <= 7.
        offsets = [(j - 8) & 255 if j < 8 else j - 7 for j in range(16)]
        index = builder.add(_byte_splat(builder, whole, 16), ir.Constant(_vector(_I8, 16), offsets))
        undefined = ir.Constant(_vector(_I8, 16), ir.Undefined)
        wide = ir.Constant(_vector(_I32, 32), list(range(16)) + [0] * 16)
        shuffled = _call(
            builder,
            "llvm.x86.avx2.pshuf.b",
            _vector(_I8, 32),
            [
                builder.shuffle_vector(digits, undefined, wide),
                builder.shuffle_vector(index, undefined, wide),
            ],
        )
        value = _sixteen_digits(builder, shuffled)[0]
        zero = constant(0)
        return context.make_tuple(
            builder,
            signature.return_type,
            [builder.select(good, value, zero), builder.select(good, length, zero)],
        )

    return types.UniTuple(types.int64, 2)(text, types.int64), codegen


digits = _digits if HAS_AVX2 and not JIT_DISABLED else scalar_digits
decimal = _decimal if HAS_AVX2 and not JIT_DISABLED else scalar_decimal


# --- a level by its template ---------------------------------------------------------------------


@hot_inline
def scalar_level(text, at, templates, row):
    """No templates without vectors: every level takes the general way."""
    return np.int64(0), np.int64(0), np.int64(0)


@intrinsic
def _level(_typing, text, at, templates, row):  # type: ignore[no-untyped-def]
    """(1, price digits, quantity digits) if the 64 bytes at ``at`` fit template ``row``, else 0.

    One subtraction and one comparison check the whole text: at a digit's place subtract "0" and
    allow 9; at the place of a quote, comma, bracket or point subtract it and allow 0; behind the
    level allow anything. levels.py makes the templates.
    """

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        text_type, _, template_type, _ = signature.args
        array, at, rows, row = arguments
        base = builder.mul(row, ir.Constant(_I64, TEMPLATE_BYTES))

        def part(offset, count):  # type: ignore[no-untyped-def]
            place = builder.add(base, ir.Constant(_I64, offset))
            return _load(context, builder, template_type, rows, place, count)

        vector = _load(context, builder, text_type, array, at, 64)
        rest = builder.sub(vector, part(TEMPLATE_SUBTRAHEND, 64))
        fits = builder.icmp_unsigned("<=", rest, part(TEMPLATE_MAXIMUM, 64))
        good = builder.icmp_signed("==", builder.bitcast(fits, _I64), ir.Constant(_I64, -1))
        quantity_at = builder.bitcast(part(TEMPLATE_QUANTITY_AT, 8), _I64)
        undefined = ir.Constant(vector.type, ir.Undefined)
        low = ir.Constant(_vector(_I32, 16), list(range(16)))
        price = builder.shuffle_vector(vector, undefined, low)  # with the `["` before it
        quantity = _load(context, builder, text_type, array, builder.add(at, quantity_at), 16)
        join = ir.Constant(_vector(_I32, 32), list(range(32)))
        both = builder.sub(builder.shuffle_vector(price, quantity, join), _splat(_I8, 32, ZERO))
        shuffled = _call(
            builder,
            "llvm.x86.avx2.pshuf.b",
            _vector(_I8, 32),
            [both, part(TEMPLATE_SHUFFLE, 32)],
        )
        values = _sixteen_digits(builder, shuffled)
        return context.make_tuple(
            builder, signature.return_type, [builder.zext(good, _I64), *values]
        )

    signature = types.UniTuple(types.int64, 3)(text, types.int64, templates, types.int64)
    return signature, codegen


level = _level if HAS_AVX2 and not JIT_DISABLED else scalar_level
