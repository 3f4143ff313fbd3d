"""Numbers out of text, many digits at once: an integer, a decimal, a level by its template.

As in vector.py each has a scalar twin with the same contract, and reads up to 64 bytes.
"""

from typing import Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from appliance.abi.units import E8, E8_DECIMALS
from appliance.hot.decode.vector import DOT, HAS_AVX2, QUOTE, ZERO, byte_at
from appliance.hot.decode.vector_ir import (
    I1,
    I8,
    I16,
    I32,
    I64,
    call,
    load,
    mask_of,
    splat,
    vector_of,
)
from appliance.hot.jit import JIT_DISABLED, hot, hot_inline

# A template row, see level_template.py
TEMPLATE_SUBTRAHEND: Final = 0
TEMPLATE_MAXIMUM: Final = 64
TEMPLATE_SHUFFLE: Final = 128
TEMPLATE_QUANTITY_AT: Final = 160
TEMPLATE_BYTES: Final = 256


def _sixteen_digits(builder, digits):  # type: ignore[no-untyped-def]
    """<32 x i8> of two numbers of 16 digits -> the two int64."""
    pairs = call(
        builder,
        "llvm.x86.avx2.pmadd.ub.sw",
        vector_of(I16, 16),
        [digits, ir.Constant(vector_of(I8, 32), [10, 1] * 16)],
    )
    madd = "llvm.x86.avx2.pmadd.wd"
    fours = call(
        builder,
        madd,
        vector_of(I32, 8),
        [pairs, ir.Constant(vector_of(I16, 16), [100, 1] * 8)],
    )
    narrow = builder.bitcast(fours, vector_of(I16, 16))
    lanes = [0, 2, 4, 6, 0, 0, 0, 0, 8, 10, 12, 14, 0, 0, 0, 0]
    packed = builder.shuffle_vector(narrow, narrow, ir.Constant(vector_of(I32, 16), lanes))
    eights = call(
        builder,
        madd,
        vector_of(I32, 8),
        [packed, ir.Constant(vector_of(I16, 16), [10_000, 1] * 8)],
    )

    def lane(i):  # type: ignore[no-untyped-def]
        return builder.zext(builder.extract_element(eights, ir.Constant(I32, i)), I64)

    e8 = ir.Constant(I64, E8)
    return [builder.add(builder.mul(lane(high), e8), lane(low)) for high, low in ((0, 1), (4, 5))]


# --- integers and decimals -----------------------------------------------------------------------


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
        vector = load(context, builder, signature.args[0], arguments[0], arguments[1], 16)
        digits = builder.sub(vector, splat(I8, 16, ZERO))
        other = mask_of(builder, builder.icmp_unsigned(">", digits, splat(I8, 16, 9)), 16)
        length = builder.cttz(builder.or_(other, ir.Constant(I64, 1 << 16)), ir.Constant(I1, 1))
        shift = _byte_splat(builder, builder.sub(length, ir.Constant(I64, 16)), 16)
        index = builder.add(shift, ir.Constant(vector_of(I8, 16), list(range(16))))
        undefined = ir.Constant(vector_of(I8, 16), ir.Undefined)
        wide = ir.Constant(vector_of(I32, 32), list(range(16)) + [0] * 16)
        both = builder.shuffle_vector(digits, undefined, wide)
        shuffled = call(
            builder,
            "llvm.x86.avx2.pshuf.b",
            vector_of(I8, 32),
            [both, builder.shuffle_vector(index, undefined, wide)],
        )
        value = _sixteen_digits(builder, shuffled)[0]
        return context.make_tuple(builder, signature.return_type, [value, length])

    return types.UniTuple(types.int64, 2)(text, types.int64), codegen


def _byte_splat(builder, value, count):  # type: ignore[no-untyped-def]
    undefined = ir.Constant(vector_of(I8, count), ir.Undefined)
    first = builder.insert_element(undefined, builder.trunc(value, I8), ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(vector_of(I32, count), [0] * count))


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
        constant = lambda value: ir.Constant(I64, value)  # noqa: E731
        vector = load(context, builder, signature.args[0], arguments[0], arguments[1], 16)
        digits = builder.sub(vector, splat(I8, 16, ZERO))
        is_digit = mask_of(builder, builder.icmp_unsigned("<", digits, splat(I8, 16, 10)), 16)
        quote = mask_of(builder, builder.icmp_unsigned("==", vector, splat(I8, 16, QUOTE)), 16)
        point = mask_of(builder, builder.icmp_unsigned("==", vector, splat(I8, 16, DOT)), 16)
        guard = constant(1 << 16)
        length = builder.cttz(builder.or_(quote, guard), ir.Constant(I1, 1))
        whole = builder.cttz(builder.or_(builder.or_(quote, point), guard), ir.Constant(I1, 1))
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
        iota = ir.Constant(vector_of(I8, 16), list(range(16)))
        keep = builder.icmp_unsigned("<", iota, _byte_splat(builder, length, 16))
        digits = builder.select(keep, digits, splat(I8, 16, 0))
        # Output 0..7: the eight digits before the point; 8..15: the eight behind it. A negative
        # index gives zero; the index never passes 15 since whole <= 7.
        offsets = [(j - 8) & 255 if j < 8 else j - 7 for j in range(16)]
        index = builder.add(
            _byte_splat(builder, whole, 16), ir.Constant(vector_of(I8, 16), offsets)
        )
        undefined = ir.Constant(vector_of(I8, 16), ir.Undefined)
        wide = ir.Constant(vector_of(I32, 32), list(range(16)) + [0] * 16)
        shuffled = call(
            builder,
            "llvm.x86.avx2.pshuf.b",
            vector_of(I8, 32),
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
    level allow anything. level_template.py makes the templates.
    """

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        text_type, _, template_type, _ = signature.args
        array, at, rows, row = arguments
        base = builder.mul(row, ir.Constant(I64, TEMPLATE_BYTES))

        def part(offset, count):  # type: ignore[no-untyped-def]
            place = builder.add(base, ir.Constant(I64, offset))
            return load(context, builder, template_type, rows, place, count)

        vector = load(context, builder, text_type, array, at, 64)
        rest = builder.sub(vector, part(TEMPLATE_SUBTRAHEND, 64))
        fits = builder.icmp_unsigned("<=", rest, part(TEMPLATE_MAXIMUM, 64))
        good = builder.icmp_signed("==", builder.bitcast(fits, I64), ir.Constant(I64, -1))
        quantity_at = builder.bitcast(part(TEMPLATE_QUANTITY_AT, 8), I64)
        undefined = ir.Constant(vector.type, ir.Undefined)
        low = ir.Constant(vector_of(I32, 16), list(range(16)))
        price = builder.shuffle_vector(vector, undefined, low)  # with the `["` before it
        quantity = load(context, builder, text_type, array, builder.add(at, quantity_at), 16)
        join = ir.Constant(vector_of(I32, 32), list(range(32)))
        both = builder.sub(builder.shuffle_vector(price, quantity, join), splat(I8, 32, ZERO))
        shuffled = call(
            builder,
            "llvm.x86.avx2.pshuf.b",
            vector_of(I8, 32),
            [both, part(TEMPLATE_SHUFFLE, 32)],
        )
        values = _sixteen_digits(builder, shuffled)
        return context.make_tuple(
            builder, signature.return_type, [builder.zext(good, I64), *values]
        )

    signature = types.UniTuple(types.int64, 3)(text, types.int64, templates, types.int64)
    return signature, codegen


level = _level if HAS_AVX2 and not JIT_DISABLED else scalar_level
