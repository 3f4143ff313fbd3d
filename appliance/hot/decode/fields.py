"""One pass over an event object: every key that matters, found by name, in any order.

A field is what kind of JSON value it has and, by kind, its integer or where its text stands. Level
arrays are decoded on the spot if the instrument is known by then (it nearly always is), else
remembered and decoded afterwards.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.hot.decode.levels import Levels, decode_levels
from appliance.hot.decode.scan import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    FALSE,
    GIVE_UP,
    MASK_4,
    MASK_5,
    MINUS,
    OPEN_ARRAY,
    TRUE,
    skip_literal,
    skip_number,
    skip_space,
    skip_string,
    skip_value,
    text_word,
)
from appliance.hot.decode.symbols import LOWER, NOBODY, Symbols, find_symbol, resolve_escapes
from appliance.hot.decode.vector import BACKSLASH, QUOTE, ZERO, byte_at, digits, word_at
from appliance.hot.jit import hot_inline

# Fields
EVENT: Final = 0  # e
EVENT_TIME: Final = 1  # E
TRADE_TIME: Final = 2  # T
SYMBOL: Final = 3  # s
FIRST_ID: Final = 4  # U
LAST_ID: Final = 5  # u
PREVIOUS_ID: Final = 6  # pu
BID: Final = 7  # b
ASK: Final = 8  # a
BID_QUANTITY: Final = 9  # B
ASK_QUANTITY: Final = 10  # A
TRADE_ID: Final = 11  # t
PRICE: Final = 12  # p
QUANTITY: Final = 13  # q
MAKER: Final = 14  # m
TRADE_TYPE: Final = 15  # X
FAMILY: Final = 16  # st
LAST_UPDATE_ID: Final = 17  # lastUpdateId
BIDS: Final = 18  # bids
ASKS: Final = 19  # asks
FIELDS: Final = 20
UNKNOWN: Final = -1

_OTHER_NAME: Final = np.full(FIELDS, EVENT, np.int64)  # the key that means the same side
_OTHER_NAME[BID], _OTHER_NAME[BIDS] = BIDS, BID
_OTHER_NAME[ASK], _OTHER_NAME[ASKS] = ASKS, ASK

# What a field holds
ABSENT: Final = 0
INTEGER: Final = 1  # value
STRING: Final = 2  # value: offset behind the quote; extent: bytes
ESCAPED: Final = 3  # the same, with escapes in it
BOOLEAN: Final = 4  # value 0 or 1
LEVELS: Final = 5  # decoded; extent: how many
UNREAD: Final = 6  # an array met before the instrument was known; value: its offset
ODD: Final = 7  # anything else

_LETTERS: Final = np.full(256, UNKNOWN, np.int64)
for _letter, _field in {
    "e": EVENT,
    "E": EVENT_TIME,
    "T": TRADE_TIME,
    "s": SYMBOL,
    "U": FIRST_ID,
    "u": LAST_ID,
    "b": BID,
    "a": ASK,
    "B": BID_QUANTITY,
    "A": ASK_QUANTITY,
    "t": TRADE_ID,
    "p": PRICE,
    "q": QUANTITY,
    "m": MAKER,
    "X": TRADE_TYPE,
}.items():
    _LETTERS[ord(_letter)] = _field

_ST: Final = text_word(b"st")
_PU: Final = text_word(b"pu")
_BIDS: Final = text_word(b"bids")
_ASKS: Final = text_word(b"asks")
_LAST_UPD: Final = text_word(b"lastUpda")
_TEID: Final = text_word(b"teId")

# Words of Fields.scan
AT_INSTRUMENT: Final = 0  # of s, or of the stream until s is met; NOBODY
CURSOR: Final = 1  # next bracket
BRACKETS_N: Final = 2
LEVELS_INSTRUMENT: Final = 3  # on whose grid the levels were decoded; NOBODY: none yet

MIXED: Final = 1 << 20  # one side on the grid of one instrument, one on another's


class Fields(NamedTuple):
    what: np.ndarray  # int64[24]: ABSENT, INTEGER ..
    value: np.ndarray  # int64[24]
    extent: np.ndarray  # int64[24]
    scan: np.ndarray  # int64[8]: state of this pass


def make_fields() -> Fields:
    what, value, extent = (np.zeros(24, np.int64) for _ in range(3))
    return Fields(what, value, extent, np.zeros(8, np.int64))


class Parts(NamedTuple):
    """What the scan writes to and looks up in."""

    fields: Fields
    symbols: Symbols
    levels: Levels
    instruments: np.ndarray  # INSTRUMENT records


@hot_inline
def scan_event(parts, text, at, end):
    """Reads the object whose opening brace is at ``at``; the offset behind it, or GIVE_UP."""
    fields = parts.fields
    for field in range(FIELDS):
        fields.what[field] = ABSENT
    at = skip_space(text, at + 1, end)
    if byte_at(text, at) == CLOSE_OBJECT:
        return at + 1
    while at < end:
        field, at = _key(text, at, end)
        if at < 0:
            return at
        if field == UNKNOWN:
            if byte_at(text, at) == QUOTE:
                at, _ = skip_string(text, at + 1, end)
            else:
                at = skip_value(text, at, end)
        else:
            if fields.what[field] != ABSENT:
                return np.int64(GIVE_UP)
            at = _value(parts, field, text, at, end)
        if at < 0:
            return at
        at = skip_space(text, at, end)
        c = byte_at(text, at)
        if c == CLOSE_OBJECT:
            return at + 1
        if c != COMMA:
            return np.int64(GIVE_UP)
        at = skip_space(text, at + 1, end)
    return np.int64(GIVE_UP)


@hot_inline
def _key(text, at, end):
    """(field or UNKNOWN, offset of the value or GIVE_UP) for the key at ``at``."""
    if byte_at(text, at) != QUOTE:
        return np.int64(UNKNOWN), np.int64(GIVE_UP)
    if byte_at(text, at + 2) == QUOTE:
        letter = byte_at(text, at + 1)
        field = _LETTERS[letter]
        if not _is_plain(letter):
            return np.int64(UNKNOWN), np.int64(GIVE_UP)
        at += 3
    elif byte_at(text, at + 3) == QUOTE and _is_plain(byte_at(text, at + 1)):
        if not _is_plain(byte_at(text, at + 2)):
            return np.int64(UNKNOWN), np.int64(GIVE_UP)
        field = _long_key(text, at + 1, np.int64(2))
        at += 4
    else:
        start = at + 1
        at, escaped = skip_string(text, start, end)
        if at < 0 or escaped != 0:  # an escaped key may be any key
            return np.int64(UNKNOWN), np.int64(GIVE_UP)
        field = _long_key(text, start, at - 1 - start)
    at = skip_space(text, at, end)
    if byte_at(text, at) != COLON:
        return np.int64(UNKNOWN), np.int64(GIVE_UP)
    return field, skip_space(text, at + 1, end)


@hot_inline
def _is_plain(letter):
    return letter >= 0x20 and letter != QUOTE and letter != BACKSLASH


@hot_inline
def _long_key(text, at, length):
    word = word_at(text, at)
    if length == 2:
        word &= 0xFFFF
        if word == _PU:
            return np.int64(PREVIOUS_ID)
        if word == _ST:
            return np.int64(FAMILY)
    elif length == 4:
        word &= MASK_4
        if word == _BIDS:
            return np.int64(BIDS)
        if word == _ASKS:
            return np.int64(ASKS)
    elif length == 12 and word == _LAST_UPD and word_at(text, at + 8) & MASK_4 == _TEID:
        return np.int64(LAST_UPDATE_ID)
    return np.int64(UNKNOWN)


@hot_inline
def _value(parts, field, text, at, end):
    """Reads the value at ``at`` into ``field``; the offset behind it, or GIVE_UP."""
    fields = parts.fields
    c = byte_at(text, at)
    if c == QUOTE:
        after, escaped = skip_string(text, at + 1, end)
        fields.what[field] = ESCAPED if escaped != 0 else STRING
        fields.value[field] = at + 1
        fields.extent[field] = after - at - 2
        if field == SYMBOL and after >= 0:
            fields.scan[AT_INSTRUMENT] = field_instrument(parts, text)
        return after
    if c == MINUS or ZERO <= c <= ZERO + 9:
        return _number(fields, field, text, at, end)
    if c == OPEN_ARRAY:
        if field == BID or field == ASK or field == BIDS or field == ASKS:
            return _level_array(parts, field, text, at, end)
        fields.what[field] = ODD
        return skip_value(text, at, end)
    word = word_at(text, at)
    if word & MASK_4 == TRUE:
        fields.what[field] = BOOLEAN
        fields.value[field] = 1
        return at + 4
    if word & MASK_5 == FALSE:
        fields.what[field] = BOOLEAN
        fields.value[field] = 0
        return at + 5
    fields.what[field] = ODD
    if c == 0x7B:
        return skip_value(text, at, end)
    return skip_literal(text, at)


@hot_inline
def _number(fields, field, text, at, end):
    negative = byte_at(text, at) == MINUS
    first = at + 1 if negative else at
    value, length = digits(text, first)
    if length == 0 or (length > 1 and byte_at(text, first) == ZERO):
        return np.int64(GIVE_UP)
    after = first + length
    c = byte_at(text, after)
    while length >= 16 and length < 18 and ZERO <= c <= ZERO + 9:  # ns stamps are for the clerk
        value = value * 10 + (c - ZERO)
        length += 1
        after += 1
        c = byte_at(text, after)
    if ZERO <= c <= ZERO + 9:
        return np.int64(GIVE_UP)
    if c == 0x2E or c | 0x20 == 0x65:  # a fraction or an exponent
        fields.what[field] = ODD
        return skip_number(text, at, end)
    fields.what[field] = INTEGER
    fields.value[field] = -value if negative else value
    return after


@hot_inline
def _level_array(parts, field, text, at, end):
    fields = parts.fields
    instrument = fields.scan[AT_INSTRUMENT]
    if instrument < 0:
        fields.what[field] = UNREAD
        fields.value[field] = at
        return skip_value(text, at, end)
    if fields.what[_OTHER_NAME[field]] == LEVELS:  # b and bids in one event: same place, so no
        return np.int64(GIVE_UP)
    before = fields.scan[LEVELS_INSTRUMENT]
    fields.scan[LEVELS_INSTRUMENT] = instrument if before < 0 or before == instrument else MIXED
    row = np.int64(0) if field == BID or field == BIDS else np.int64(2)
    after, n, cursor = decode_levels(
        parts.levels,
        instrument,
        parts.instruments,
        text,
        at,
        end,
        fields.scan[CURSOR],
        fields.scan[BRACKETS_N],
        row,
    )
    fields.what[field] = LEVELS
    fields.extent[field] = n
    fields.scan[CURSOR] = cursor
    return after


@hot_inline
def read_late_levels(parts, field, text, end):
    """Decodes an array that was met before its instrument was known. False: give up."""
    fields = parts.fields
    if fields.what[field] == UNREAD:
        fields.scan[CURSOR] = 0
        if _level_array(parts, field, text, fields.value[field], end) < 0:
            return False
    return fields.what[field] == LEVELS


@hot_inline
def field_instrument(parts, text):
    """Instrument of the field ``s``: exactly its symbol, or NOBODY."""
    fields = parts.fields
    return named_instrument(
        parts.symbols,
        text,
        fields.value[SYMBOL],
        fields.extent[SYMBOL],
        fields.what[SYMBOL] == ESCAPED,
        False,
    )


@hot_inline
def named_instrument(symbols, text, at, length, escaped, lower_too):
    """Instrument of a symbol's text, or NOBODY; -2 if its escapes are for the clerk."""
    if escaped:
        length = resolve_escapes(symbols, text, at, length)
        if length < 0:
            return np.int64(-2)
        owner = find_symbol(symbols, symbols.scratch, np.int64(0), length)
    else:
        owner = find_symbol(symbols, text, at, length)
    if owner == NOBODY or (owner & 1 == LOWER and not lower_too):
        return np.int64(NOBODY)
    return owner >> 1


@hot_inline
def is_integer(fields, field):
    return fields.what[field] == INTEGER and fields.value[field] >= 0
