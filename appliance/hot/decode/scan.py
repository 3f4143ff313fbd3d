"""Steps over JSON without building anything.

Each function takes the offset of a value and returns the offset behind it, or GIVE_UP: malformed,
or rarer than is worth deciding here. What these accept, a strict JSON parser accepts too; the
reverse need not hold (the clerk decides the rest). ``end`` is the end of the frame: bytes behind it
are readable but mean nothing, so a caller checks that it did not run past it.
"""

from typing import Final

import numpy as np

from appliance.abi.limits import JSON_DEPTH_MAX
from appliance.hot.decode.vector import (
    BACKSLASH,
    QUOTE,
    ZERO,
    byte_at,
    first_bit,
    string_stops,
    word_at,
)
from appliance.hot.jit import hot, hot_inline, out_of_line

GIVE_UP: Final = -1

COMMA: Final = 0x2C
COLON: Final = 0x3A
MINUS: Final = 0x2D
OPEN_ARRAY: Final = 0x5B
CLOSE_ARRAY: Final = 0x5D
OPEN_OBJECT: Final = 0x7B
CLOSE_OBJECT: Final = 0x7D
SPACE: Final = 0x20


def text_word(text: bytes) -> int:
    """Up to 8 bytes as the int64 that word_at gives for them, zero-filled."""
    return int.from_bytes(text.ljust(8, b"\0"), "little", signed=True)


TRUE: Final = text_word(b"true")
NULL: Final = text_word(b"null")
FALSE: Final = text_word(b"false")
MASK_4: Final = (1 << 32) - 1
MASK_5: Final = (1 << 40) - 1


@hot_inline
def skip_space(text, at, end):
    """The offset of the first byte that is not JSON white space."""
    if byte_at(text, at) > SPACE:  # nearly always
        return at
    return _skip_space(text, at, end)


@hot
def _skip_space(text, at, end):
    out_of_line()
    while at < end:
        c = byte_at(text, at)
        if c != SPACE and c != 0x0A and c != 0x0D and c != 0x09:
            break
        at += 1
    return at


@hot_inline
def skip_string(text, at, end):
    """(offset behind the closing quote, 1 if it holds escapes); ``at``: behind the opening one."""
    stops = string_stops(text, at)
    behind = at + first_bit(stops)
    if stops != 0 and byte_at(text, behind) == QUOTE:  # nearly always
        return behind + 1, np.int64(0)
    return _skip_long_string(text, at, end)


@hot
def _skip_long_string(text, at, end):
    out_of_line()
    escaped = np.int64(0)
    while at < end:
        stops = string_stops(text, at)
        if stops == 0:
            at += 64
            continue
        at += first_bit(stops)
        c = byte_at(text, at)
        if c == QUOTE:
            return at + 1, escaped
        if c != BACKSLASH:
            break  # a control character
        escaped = np.int64(1)
        at = _skip_escape(text, at + 1)
        if at < 0:
            break
    return np.int64(GIVE_UP), escaped


@hot
def _skip_escape(text, at):
    """``at`` is behind the backslash."""
    c = byte_at(text, at)
    if c == QUOTE or c == BACKSLASH or c == 0x2F:
        return at + 1
    if c == 0x62 or c == 0x66 or c == 0x6E or c == 0x72 or c == 0x74:  # b f n r t
        return at + 1
    if c != 0x75:  # u
        return np.int64(GIVE_UP)
    if hex_word(text, at + 1) < 0:
        return np.int64(GIVE_UP)
    return at + 5


@hot
def hex_word(text, at):
    r"""The four hex digits of ``\uXXXX``, or GIVE_UP: not hex, or half of a surrogate pair."""
    value = np.int64(0)
    for k in range(4):
        c = byte_at(text, at + k)
        if 0x30 <= c <= 0x39:
            digit = c - 0x30
        elif 0x41 <= c <= 0x46:
            digit = c - 0x37
        elif 0x61 <= c <= 0x66:
            digit = c - 0x57
        else:
            return np.int64(GIVE_UP)
        value = value * 16 + digit
    if 0xD800 <= value <= 0xDFFF:
        return np.int64(GIVE_UP)
    return value


@hot
def skip_number(text, at, end):
    """Integers of up to 18 digits, and fractions of as many in all; no exponents."""
    out_of_line()
    if byte_at(text, at) == MINUS:
        at += 1
    first = at
    digits_n = np.int64(0)
    while 0x30 <= byte_at(text, at) <= 0x39:
        at += 1
        digits_n += 1
        if digits_n > 18:
            return np.int64(GIVE_UP)
    if digits_n == 0 or (digits_n > 1 and byte_at(text, first) == ZERO):
        return np.int64(GIVE_UP)
    if byte_at(text, at) == 0x2E:
        at += 1
        point = at
        while 0x30 <= byte_at(text, at) <= 0x39:
            at += 1
            digits_n += 1
            if digits_n > 18:
                return np.int64(GIVE_UP)
        if at == point:
            return np.int64(GIVE_UP)
    if byte_at(text, at) | 0x20 == 0x65:  # e, E
        return np.int64(GIVE_UP)
    return at


@hot_inline
def skip_literal(text, at):
    """true, false or null."""
    word = word_at(text, at)
    if word & MASK_4 == TRUE or word & MASK_4 == NULL:
        return at + 4
    if word & MASK_5 == FALSE:
        return at + 5
    return np.int64(GIVE_UP)


@hot
def skip_scalar(text, at, end):
    c = byte_at(text, at)
    if c == QUOTE:
        after, _ = skip_string(text, at + 1, end)
        return after
    if c == MINUS or 0x30 <= c <= 0x39:
        return skip_number(text, at, end)
    return skip_literal(text, at)


@hot
def skip_key(text, at, end):
    """From the opening quote of a key to the value behind its colon."""
    if byte_at(text, at) != QUOTE:
        return np.int64(GIVE_UP)
    at, _ = skip_string(text, at + 1, end)
    if at < 0:
        return at
    at = skip_space(text, at, end)
    if byte_at(text, at) != COLON:
        return np.int64(GIVE_UP)
    return skip_space(text, at + 1, end)


@hot
def skip_value(text, at, end):
    """Any value, nested up to JSON_DEPTH_MAX."""
    out_of_line()
    depth = np.int64(0)
    objects = np.int64(0)  # bit d: the container at depth d is an object
    while at < end:
        c = byte_at(text, at)
        opened = False
        if c == OPEN_ARRAY or c == OPEN_OBJECT:
            if depth >= JSON_DEPTH_MAX:
                return np.int64(GIVE_UP)
            objects = objects << 1
            if c == OPEN_OBJECT:
                objects |= 1
            depth += 1
            at = skip_space(text, at + 1, end)
            opened = True
        else:
            at = skip_scalar(text, at, end)
            if at < 0:
                return at
        while depth > 0:  # close what ends here
            if not opened:
                at = skip_space(text, at, end)
            c = byte_at(text, at)
            if c != (CLOSE_OBJECT if objects & 1 else CLOSE_ARRAY):
                break
            objects = objects >> 1
            depth -= 1
            at += 1
            opened = False
            if at > end:
                return np.int64(GIVE_UP)
        if depth == 0:
            return at
        if not opened:
            if byte_at(text, at) != COMMA:
                return np.int64(GIVE_UP)
            at = skip_space(text, at + 1, end)
        if objects & 1:
            at = skip_key(text, at, end)
            if at < 0:
                return at
    return np.int64(GIVE_UP)


@hot
def is_utf8(text, at, end):
    """Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF."""
    out_of_line()
    while at < end:
        c = byte_at(text, at)
        low = np.int64(0x80)
        high = np.int64(0xBF)
        if c < 0x80:
            at += 1
            continue
        if 0xC2 <= c <= 0xDF:
            more = 1
        elif 0xE0 <= c <= 0xEF:
            more = 2
            if c == 0xE0:
                low = np.int64(0xA0)
            elif c == 0xED:
                high = np.int64(0x9F)
        elif 0xF0 <= c <= 0xF4:
            more = 3
            if c == 0xF0:
                low = np.int64(0x90)
            elif c == 0xF4:
                high = np.int64(0x8F)
        else:
            return False
        if at + more >= end:
            return False
        if not low <= byte_at(text, at + 1) <= high:
            return False
        for k in range(2, more + 1):
            if not 0x80 <= byte_at(text, at + k) <= 0xBF:
                return False
        at += more + 1
    return True
