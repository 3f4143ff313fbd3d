"""One pass over an event object: every key that matters, found by name, in any order.

Level arrays are decoded on the spot if the instrument is known by then (it nearly always is), else
remembered and decoded afterwards.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.hot.decode.digits import digits
from appliance.hot.decode.fields import (
    ABSENT,
    ASK,
    ASKS,
    AT_INSTRUMENT,
    BID,
    BIDS,
    BOOLEAN,
    BRACKETS_N,
    CURSOR,
    ESCAPED,
    EVENT,
    FIELDS,
    INTEGER,
    LEARNS_HEAD,
    LEVELS,
    LEVELS_INSTRUMENT,
    ODD,
    STRING,
    SYMBOL,
    UNKNOWN,
    UNREAD,
    Fields,
    key_field,
)
from appliance.hot.decode.head import Heads, learn_head
from appliance.hot.decode.levels import Levels, decode_levels
from appliance.hot.decode.scan import (
    CLOSE_OBJECT,
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
)
from appliance.hot.decode.symbols import Symbols, named_instrument
from appliance.hot.decode.vector import QUOTE, ZERO, byte_at, word_at
from appliance.hot.jit import hot_inline

_OTHER_NAME: Final = np.full(FIELDS, EVENT, np.int64)  # the key that means the same side
_OTHER_NAME[BID], _OTHER_NAME[BIDS] = BIDS, BID
_OTHER_NAME[ASK], _OTHER_NAME[ASKS] = ASKS, ASK
MIXED: Final = 1 << 20  # one side on the grid of one instrument, one on another's


class Parts(NamedTuple):
    """What the scan writes to and looks up in."""

    fields: Fields
    symbols: Symbols
    heads: Heads
    levels: Levels
    instruments: np.ndarray  # INSTRUMENT records


@hot_inline
def forget_fields(fields):
    """Before an event: no field is there."""
    for field in range(FIELDS):
        fields.what[field] = ABSENT


@hot_inline
def scan_event(parts, text, start, at, end):
    """Reads an object on from the key at ``at``; the offset behind it, or GIVE_UP.

    ``start`` is where the frame begins. An object without a key is for the clerk.
    """
    fields = parts.fields
    while at < end:
        key = at
        field, at = key_field(text, at, end)
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
            if fields.scan[LEARNS_HEAD] != 0 and _ends_head(field, byte_at(text, at)):
                fields.scan[LEARNS_HEAD] = 0
                learn_head(parts.heads, fields, text, start, key)
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
def _ends_head(field, c):
    """Whether a value that begins with ``c`` is other than an integer or a name."""
    if c == QUOTE:
        return field != EVENT and field != SYMBOL
    return not ZERO <= c <= ZERO + 9


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
    fields.extent[field] = first
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
