"""Where the values of an object's keys stand: one strict pass over it, nothing built.

For messages that come once an order and not once a microsecond: every value is looked at where it
is needed, by whoever needs it. What is accepted here a strict JSON parser accepts, too.
"""

from typing import Any, Final

import numpy as np

from appliance.hot.decode.scan import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    GIVE_UP,
    MASK_4,
    MINUS,
    OPEN_OBJECT,
    TRUE,
    skip_literal,
    skip_space,
    skip_string,
    skip_value,
)
from appliance.hot.decode.symbols import masked_word
from appliance.hot.decode.vector import QUOTE, ZERO, byte_at, word_at
from appliance.hot.jit import hot, hot_inline, out_of_line

NO_INTEGER: Final = -(1 << 62)  # no integer of up to 18 digits comes near

# Columns of a row of spans; BEHIND is 0 where the object does not have the key
START: Final = 0
BEHIND: Final = 1

_WORDS: Final = 3
_NAME_BYTES_MAX: Final = 8 * _WORDS


def name_table(*names: str) -> np.ndarray:
    """int64[n, 4]: each name's three words and its length, for ``find_name``. Cold code."""
    table = np.zeros((len(names), _WORDS + 1), np.int64)
    for row, name in zip(table, names, strict=True):
        text = name.encode()
        if len(text) > _NAME_BYTES_MAX:
            raise ValueError(f"{name!r} has more than {_NAME_BYTES_MAX} bytes")
        row[:_WORDS] = np.frombuffer(text.ljust(_NAME_BYTES_MAX, b"\0"), "<i8")
        row[_WORDS] = len(text)
    return table


# The keys that have a row: letters first, then names
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NAMES: Final = (
    *("id", "status", "result", "error", "event", "data", "symbol", "orderId", "side"),
    *("executedQty", "cummulativeQuoteQty", "cumQuote"),
)
_NAME_TABLE: Final = name_table(*_NAMES)
KEYS_N: Final = len(_LETTERS) + len(_NAMES)


def key_row(key: str) -> int:
    """The row of a key, for constants."""
    return _LETTERS.index(key) if len(key) == 1 else len(_LETTERS) + _NAMES.index(key)


def make_spans() -> np.ndarray:
    """int64[KEYS_N, 2]"""
    return np.zeros((KEYS_N, 2), np.int64)


@hot
def find_name(table: np.ndarray, text: Any, at: Any, length: Any) -> Any:
    """The row of the ``length`` bytes at ``at``, or -1."""
    if length > _NAME_BYTES_MAX:
        return np.int64(-1)
    w0 = masked_word(text, at, length)
    w1 = masked_word(text, at + 8, length - 8)
    w2 = masked_word(text, at + 16, length - 16)
    for k in range(table.shape[0]):
        row = table[k]
        if row[0] == w0 and row[1] == w1 and row[2] == w2 and row[3] == length:
            return np.int64(k)
    return np.int64(-1)


@hot_inline
def _row_of(text, at, length):  # type: ignore[no-untyped-def]
    """The row of the key of ``length`` bytes at ``at``, or -1."""
    if length == 1:
        letter = byte_at(text, at)
        if 0x41 <= letter <= 0x5A:
            return letter - 0x41
        if 0x61 <= letter <= 0x7A:
            return letter - 0x61 + 26
        return np.int64(-1)
    row = find_name(_NAME_TABLE, text, at, length)
    return row + 52 if row >= 0 else row


@hot
def find_values(text: Any, at: Any, end: Any, spans: np.ndarray) -> Any:
    """Fill ``spans`` for the object at ``at``: the offset behind it, or GIVE_UP.

    GIVE_UP: malformed, nested too deep, an escaped key, or one of our keys twice. The bytes up to
    ``end`` are not looked at for valid UTF-8.
    """
    out_of_line()
    for row in range(KEYS_N):
        spans[row, BEHIND] = 0
    if byte_at(text, at) != OPEN_OBJECT:
        return np.int64(GIVE_UP)
    at = skip_space(text, at + 1, end)
    if byte_at(text, at) == CLOSE_OBJECT and at < end:
        return at + 1
    while at < end:
        if byte_at(text, at) != QUOTE:
            break
        start = at + 1
        at, escaped = skip_string(text, start, end)
        if at < 0 or escaped != 0:
            break
        row = _row_of(text, start, at - 1 - start)
        at = skip_space(text, at, end)
        if byte_at(text, at) != COLON:
            break
        at = skip_space(text, at + 1, end)
        behind = skip_value(text, at, end)
        if behind < 0 or behind > end:
            break
        if row >= 0:
            if spans[row, BEHIND] != 0:
                break
            spans[row, START] = at
            spans[row, BEHIND] = behind
        at = skip_space(text, behind, end)
        if at >= end:
            break
        c = byte_at(text, at)
        if c == CLOSE_OBJECT:
            return at + 1
        if c != COMMA:
            break
        at = skip_space(text, at + 1, end)
    return np.int64(GIVE_UP)


@hot_inline
def has_value(spans, row):  # type: ignore[no-untyped-def]
    return spans[row, BEHIND] != 0


@hot
def text_at(text: Any, spans: np.ndarray, row: Any) -> Any:
    """(offset behind the quote, length) of a string without escapes; length -1: it is none."""
    start = spans[row, START]
    behind = spans[row, BEHIND]
    if behind == 0 or byte_at(text, start) != QUOTE:
        return np.int64(0), np.int64(-1)
    after, escaped = skip_string(text, start + 1, behind)
    if escaped != 0 or after != behind:
        return np.int64(0), np.int64(-1)
    return start + 1, behind - start - 2


@hot
def name_at(text: Any, spans: np.ndarray, row: Any, table: np.ndarray) -> Any:
    """The row in ``table`` of a string value, or -1."""
    at, length = text_at(text, spans, row)
    if length < 0:
        return np.int64(-1)
    return find_name(table, text, at, length)


@hot
def integer_at(text: Any, spans: np.ndarray, row: Any) -> Any:
    """A whole number of up to 18 digits, or NO_INTEGER."""
    at = spans[row, START]
    behind = spans[row, BEHIND]
    if behind == 0:
        return np.int64(NO_INTEGER)
    negative = byte_at(text, at) == MINUS
    if negative:
        at += 1
    value = np.int64(0)
    for k in range(at, behind):  # the scan has let 18 digits through
        digit = byte_at(text, k) - ZERO
        if digit < 0 or digit > 9:
            return np.int64(NO_INTEGER)
        value = value * 10 + digit
    return -value if negative else value


@hot
def truth_at(text: Any, spans: np.ndarray, row: Any) -> Any:
    """1 for true, 0 for false, -1 for anything else."""
    at = spans[row, START]
    behind = spans[row, BEHIND]
    if behind == 0 or skip_literal(text, at) != behind:
        return np.int64(-1)
    if behind - at == 5:
        return np.int64(0)
    return np.int64(1) if word_at(text, at) & MASK_4 == TRUE else np.int64(-1)
