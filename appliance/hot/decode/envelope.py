"""The envelope of a combined stream, {"stream":..,"data":..}: where the event is, whose it is."""

from typing import Final

import numpy as np

from appliance.hot.decode.fields import STREAM_FORM, STREAM_INSTRUMENT
from appliance.hot.decode.scan import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    OPEN_ARRAY,
    OPEN_OBJECT,
    skip_space,
    skip_string,
    skip_value,
    text_word,
)
from appliance.hot.decode.symbols import named_instrument
from appliance.hot.decode.vector import BACKSLASH, QUOTE, byte_at, first_bit, match, word_at
from appliance.hot.jit import hot, hot_inline, out_of_line

# Fields.scan[STREAM_FORM]: what the stream's name says
NO_STREAM: Final = 0
DEPTH_STREAM: Final = 1
PARTIAL_STREAM: Final = 2
OTHER_STREAM: Final = 3

# Fields.scan[STREAM_INSTRUMENT] where it is none; NOBODY: one that we do not know
NO_NAME: Final = -3  # the stream names none
UNSURE: Final = -2  # escapes that are for the clerk

AT_SIGN: Final = 0x40
BANG: Final = 0x21

_STREAM: Final = text_word(b"stream")
_DATA: Final = text_word(b"data")
_DEPTH_WORD: Final = text_word(b"depth")
_TEN: Final = text_word(b"10")
_TWENTY: Final = text_word(b"20")
_MASK_2: Final = (1 << 16) - 1
_MASK_4: Final = (1 << 32) - 1
_MASK_5: Final = (1 << 40) - 1
_MASK_6: Final = (1 << 48) - 1


@hot_inline
def enter_envelope(scan, symbols, text, at, end):
    """(offset of the event, offset behind the whole frame or -1 if that is still to be seen).

    The venue always sends {"stream":..,"data":..}: then the frame is read in one go. Any other
    order of keys is searched first.
    """
    gave_up = np.int64(-1), np.int64(-1)
    scan[STREAM_FORM] = NO_STREAM
    scan[STREAM_INSTRUMENT] = NO_NAME
    at = skip_space(text, at, end)
    if byte_at(text, at) == OPEN_ARRAY:
        return at, np.int64(-1)
    if byte_at(text, at) != OPEN_OBJECT:
        return gave_up
    inside = skip_space(text, at + 1, end)
    if _is_stream_key(text, inside):
        value = skip_space(text, inside + 8, end)
        if byte_at(text, value) != COLON:
            return gave_up
        value = skip_space(text, value + 1, end)
        if byte_at(text, value) != QUOTE:
            return gave_up
        behind, escaped = skip_string(text, value + 1, end)
        if behind < 0:
            return gave_up
        data = skip_space(text, behind, end)
        if byte_at(text, data) == COMMA:
            data = skip_space(text, data + 1, end)
            if _is_data_key(text, data):
                data = skip_space(text, data + 6, end)
                if byte_at(text, data) != COLON:
                    return gave_up
                _read_stream(scan, symbols, text, value + 1, behind - 1, escaped)
                return skip_space(text, data + 1, end), np.int64(-1)
    return _search_envelope(scan, symbols, text, at, inside, end)


@hot_inline
def _is_stream_key(text, at):
    return (
        byte_at(text, at) == QUOTE
        and word_at(text, at + 1) & _MASK_6 == _STREAM
        and byte_at(text, at + 7) == QUOTE
    )


@hot_inline
def _is_data_key(text, at):
    return (
        byte_at(text, at) == QUOTE
        and word_at(text, at + 1) & _MASK_4 == _DATA
        and byte_at(text, at + 5) == QUOTE
    )


@hot
def _search_envelope(scan, symbols, text, start, at, end):
    """As enter_envelope, for keys in any order: finds stream and data, checks all the rest."""
    out_of_line()
    gave_up = np.int64(-1), np.int64(-1)
    stream = np.int64(-1)
    stream_end = np.int64(-1)
    stream_escaped = np.int64(0)
    data = np.int64(-1)
    if byte_at(text, at) == CLOSE_OBJECT:
        return start, np.int64(-1)
    while at < end:
        if byte_at(text, at) != QUOTE:
            return gave_up
        key = at
        at, escaped = skip_string(text, at + 1, end)
        if at < 0 or escaped != 0:
            return gave_up
        at = skip_space(text, at, end)
        if byte_at(text, at) != COLON:
            return gave_up
        at = skip_space(text, at + 1, end)
        if _is_stream_key(text, key):
            if stream >= 0 or byte_at(text, at) != QUOTE:
                return gave_up
            stream = at + 1
            at, stream_escaped = skip_string(text, stream, end)
            stream_end = at - 1
        elif _is_data_key(text, key):
            if data >= 0:
                return gave_up
            data = at
            at = skip_value(text, at, end)
        else:
            at = skip_value(text, at, end)
        if at < 0:
            return gave_up
        at = skip_space(text, at, end)
        c = byte_at(text, at)
        if c == CLOSE_OBJECT:
            if stream < 0 or data < 0:  # not an envelope: the object is the event
                return start, np.int64(-1)
            _read_stream(scan, symbols, text, stream, stream_end, stream_escaped)
            return data, at + 1
        if c != COMMA:
            return gave_up
        at = skip_space(text, at + 1, end)
    return gave_up


@hot_inline
def leave_envelope(text, at, end):
    """From behind the event to behind the frame; further keys of the envelope are stepped over."""
    if byte_at(text, at) == CLOSE_OBJECT:  # nearly always
        return at + 1
    return _leave_by_keys(text, at, end)


@hot
def _leave_by_keys(text, at, end):
    out_of_line()
    while at < end:
        at = skip_space(text, at, end)
        c = byte_at(text, at)
        if c == CLOSE_OBJECT:
            return at + 1
        if c != COMMA:
            return np.int64(-1)
        at = skip_space(text, at + 1, end)
        if byte_at(text, at) != QUOTE or _is_stream_key(text, at) or _is_data_key(text, at):
            return np.int64(-1)
        at, escaped = skip_string(text, at + 1, end)
        if at < 0 or escaped != 0:
            return np.int64(-1)
        at = skip_space(text, at, end)
        if byte_at(text, at) != COLON:
            return np.int64(-1)
        at = skip_value(text, skip_space(text, at + 1, end), end)
        if at < 0:
            return at
    return np.int64(-1)


@hot_inline
def _read_stream(scan, symbols, text, at, end, escaped):
    """Splits <symbol>@<what>[@<speed>] of the stream's name."""
    sign = _find(text, at, end, AT_SIGN)
    scan[STREAM_FORM] = OTHER_STREAM
    if escaped != 0 and (sign == end or _find(text, sign, end, BACKSLASH) != end):
        scan[STREAM_INSTRUMENT] = UNSURE
        return
    if sign < end and word_at(text, sign + 1) & _MASK_5 == _DEPTH_WORD:
        scan[STREAM_FORM] = _depth_form(text, sign + 6, end)
    if sign == end or byte_at(text, at) == BANG:  # no @, or !bookTicker: names nobody
        return
    named = named_instrument(symbols, text, at, sign - at, escaped != 0, True)
    if escaped != 0 and named < 0:  # what else may be hidden in there
        named = np.int64(UNSURE)
    scan[STREAM_INSTRUMENT] = named


@hot
def _find(text, at, end, byte):
    """Offset of the first ``byte`` in [at, end), or end."""
    while at < end:
        found = match(text, at, byte)
        if found != 0:
            return min(at + first_bit(found), end)
        at += 64
    return end


@hot_inline
def _depth_form(text, at, end):
    """What follows "depth" in a stream's name: nothing, a number of levels, a speed."""
    c = byte_at(text, at)
    if at == end or c == AT_SIGN:
        return np.int64(DEPTH_STREAM)
    pair = word_at(text, at) & _MASK_2
    after = at + 2
    if c == 0x35:
        after = at + 1
    elif pair != _TEN and pair != _TWENTY:
        return np.int64(OTHER_STREAM)
    if after == end or (after < end and byte_at(text, after) == AT_SIGN):
        return np.int64(PARTIAL_STREAM)
    return np.int64(OTHER_STREAM)
