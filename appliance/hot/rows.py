"""Rows of words, looked at as a whole in a few vector instructions: the gate does so before every
order, and one word after the other takes several times as long.

LLVM IR with scalar twins of the same contract; they serve uncompiled, and tests hold the two
against each other. Any processor runs the IR: LLVM splits vectors that it has no register for.
"""

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from appliance.hot.decode.vector_ir import I32, I64, data_pointer, vector_of
from appliance.hot.jit import JIT_DISABLED

_HEAD: Final = 16
_TAIL: Final = 4
ROW_WORDS_MIN: Final = _HEAD + 1
ROW_WORDS_MAX: Final = _HEAD + 1 + _TAIL
EQUAL_WORDS: Final = 16


def twin_least_of_rows(
    words: Any, at: int, n: int, others: Any, others_at: int, others_n: int
) -> int:
    """The least of ``words[at : at + n]`` and of the other row; flat int64 arrays, and of each row
    ROW_WORDS_MIN to ROW_WORDS_MAX words."""
    own = words[at : at + n].min()
    return int(min(own, others[others_at : others_at + others_n].min()))


def twin_equal_words(words: Any, at: int, value: int) -> int:
    """Bit k of the result: ``words[at + k] == value``, for EQUAL_WORDS words."""
    return sum(1 << k for k in range(EQUAL_WORDS) if words[at + k] == value)


def _load(builder, data, first, count):  # type: ignore[no-untyped-def]
    place = builder.gep(data, [first])
    loaded = builder.load(builder.bitcast(place, vector_of(I64, count).as_pointer()))
    loaded.align = 8
    return loaded


def _least(builder, one, other):  # type: ignore[no-untyped-def]
    return builder.select(builder.icmp_signed("<", one, other), one, other)


def _part(builder, vector, first, count):  # type: ignore[no-untyped-def]
    places = ir.Constant(vector_of(I32, count), list(range(first, first + count)))
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), places)


@intrinsic
def _least_of_rows(  # type: ignore[no-untyped-def]
    _typing, words, at, n, others, others_at, others_n
):
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        heads, tails, between = [], [], []
        for k in (0, 3):
            array, first, count = arguments[k : k + 3]
            data = data_pointer(context, builder, signature.args[k], array)
            # Sixteen, one, and the last four, which overlap with those where there are fewer.
            tail = builder.sub(builder.add(first, count), ir.Constant(I64, _TAIL))
            heads.append(_load(builder, data, first, _HEAD))
            tails.append(_load(builder, data, tail, _TAIL))
            place = builder.gep(data, [builder.add(first, ir.Constant(I64, _HEAD))])
            between.append(builder.load(place))
        vector = _least(builder, *heads)
        for half in (8, 4):
            vector = _least(
                builder, _part(builder, vector, 0, half), _part(builder, vector, half, half)
            )
        vector = _least(builder, vector, _least(builder, *tails))
        vector = _least(builder, _part(builder, vector, 0, 2), _part(builder, vector, 2, 2))
        lanes = [builder.extract_element(vector, ir.Constant(I32, k)) for k in range(2)]
        return _least(builder, _least(builder, *lanes), _least(builder, *between))

    integer = types.int64
    return integer(words, integer, integer, others, integer, integer), codegen


@intrinsic
def _equal_words(_typing, words, at, value):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, at, value = arguments
        data = data_pointer(context, builder, signature.args[0], array)
        vector = _load(builder, data, at, EQUAL_WORDS)
        kind = vector_of(I64, EQUAL_WORDS)
        lane = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(I32, 0))
        nowhere = ir.Constant(kind, ir.Undefined)
        wanted = builder.shuffle_vector(
            lane, nowhere, ir.Constant(vector_of(I32, EQUAL_WORDS), [0] * EQUAL_WORDS)
        )
        bits = builder.bitcast(builder.icmp_signed("==", vector, wanted), ir.IntType(EQUAL_WORDS))
        return builder.zext(bits, I64)

    return types.int64(words, types.int64, types.int64), codegen


least_of_rows = twin_least_of_rows if JIT_DISABLED else _least_of_rows
equal_words = twin_equal_words if JIT_DISABLED else _equal_words
