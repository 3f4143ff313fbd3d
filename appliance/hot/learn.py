"""What a recording tells of its instruments, before any grid is known: one row for each frame.

A walk over the bytes that looks only at what the grids and markets follow from: the names, the
keys that tell the kinds apart, and every decimal that is a price or a quantity. It is no check of
the frame; what it takes for sound, decoder or clerk may still refuse.

Frames of no interest, cut ones and those with something that is no decimal have kind OTHER.
"""

from typing import Final

import numpy as np

from appliance.abi.market import Kind, Market
from appliance.abi.units import E8_DECIMALS, INT64_MAX
from appliance.hot.jit import hot, out_of_line

# Columns of a row
KIND: Final = 0  # PARTIAL: without ``e``; what has ``e`` is DEPTH, its stream must be looked at
MARKET: Final = 1  # what the frame looks like; UNKNOWN where both markets send it so
ESCAPED: Final = 2  # 1: symbol or stream has an escape, read it with a JSON parser
SYMBOL_AT: Final = 3  # offset of ``s`` in data
SYMBOL_BYTES: Final = 4  # 0: there is none
STREAM_AT: Final = 5
STREAM_BYTES: Final = 6
PRICE_GRID: Final = 7  # greatest common divisor of all prices times 10**8; 0: no price but zero
QUANTITY_GRID: Final = 8
FIRST_PRICE: Final = 9  # times 10**8; 0: none
_SEEN: Final = 10  # scratch: bits of keys
_EVENT: Final = 11  # scratch: name of ``e``
COLUMNS: Final = 12

_NAME_BYTES: Final = 7  # of a key; its length stands in the eighth
_NAME_LENGTH_MAX: Final = 127
_NO_KEY: Final = -1
_ROOM_FOR_A_DIGIT: Final = INT64_MAX // 10 - 1  # any digit

_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_COLON: Final = ord(":")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_ONE: Final = ord("1")
_NINE: Final = ord("9")
_OPEN_OBJECT: Final = ord("{")
_OPEN_ARRAY: Final = ord("[")
_CLOSE_OBJECT: Final = ord("}")
_CLOSE_ARRAY: Final = ord("]")
_SPACE: Final = ord(" ")


def _named(text: bytes) -> int:
    """The number that ``_name_at`` gives for ``text``."""
    return (
        int.from_bytes(text[:_NAME_BYTES], "little")
        | min(len(text), _NAME_LENGTH_MAX) << 8 * _NAME_BYTES
    )


_K_E, _K_S, _K_P, _K_Q, _K_B, _K_A = map(_named, (b"e", b"s", b"p", b"q", b"b", b"a"))
_K_B_LOTS, _K_A_LOTS, _K_U, _K_PU = map(_named, (b"B", b"A", b"u", b"pu"))
_K_EVENT_TIME, _K_TYPE, _K_IGNORE, _K_FAMILY = map(_named, (b"E", b"X", b"M", b"st"))
_K_STREAM, _K_DATA, _K_LAST_ID = map(_named, (b"stream", b"data", b"lastUpdateId"))
_K_BIDS, _K_ASKS = map(_named, (b"bids", b"asks"))

_DEPTH_UPDATE: Final = _named(b"depthUpdate")
_BOOK_TICKER: Final = _named(b"bookTicker")
_TRADE: Final = _named(b"trade")
_AGG_TRADE: Final = _named(b"aggTrade")

# Bits of _SEEN
(_HAS_E, _HAS_PU, _HAS_EVENT_TIME, _HAS_TYPE, _HAS_IGNORE) = (1 << n for n in range(5))
(_HAS_LAST_ID, _HAS_BIDS, _HAS_ASKS, _OTHER_FAMILY) = (1 << n for n in range(5, 9))
(_HAS_U, _HAS_B, _HAS_A, _HAS_B_LOTS, _HAS_A_LOTS) = (1 << n for n in range(9, 14))
_IN_SNAPSHOT: Final = _HAS_LAST_ID | _HAS_BIDS | _HAS_ASKS
_IN_TICKER: Final = _HAS_U | _HAS_B | _HAS_A | _HAS_B_LOTS | _HAS_A_LOTS


@hot
def learn_frames(data, starts, lengths, rows):
    """Fill ``rows[n]`` (int64[.., COLUMNS]) from frame n of an arena. Cold code before the loop."""
    for n in range(starts.shape[0]):
        row = rows[n]
        for column in range(COLUMNS):
            row[column] = 0
        if _walk(data, starts[n], starts[n] + lengths[n], row):
            _classify(row)
        else:
            row[KIND] = Kind.OTHER


@hot
def _walk(text, at, end, row):
    """Whether the frame ends where it should, with everything in ``row`` but kind and market."""
    out_of_line()
    # int64 at once: a bare 0 would compile what it is passed to a second time
    depth = np.int64(0)
    base = np.int64(0)  # depth of the object that holds the event: 1 inside of an envelope
    key = np.int64(0)  # of the event
    place = np.int64(0)  # of the next string in a level
    while at < end:
        c = text[at]
        at += 1
        if c == _QUOTE:
            last = _string_end(text, at, end)
            if last >= end:
                return False
            if depth == base + 1:
                name = _see_key(text, at, last, end, row)
                if name >= 0:
                    key = name
                elif not _see_string(text, at, last, key, row):
                    return False
            elif depth == base + 3 and place < 2:
                if key == _K_B or key == _K_A or key == _K_BIDS or key == _K_ASKS:
                    if not _see_decimal(text, at, last, place, row):
                        return False
                    place += 1
            at = last + 1
        elif c == _OPEN_OBJECT or c == _OPEN_ARRAY:
            depth += 1
            place = np.int64(0)
            if depth == 2 and key == _K_DATA and c == _OPEN_OBJECT:
                base = np.int64(1)
                key = np.int64(0)
        elif c == _CLOSE_OBJECT or c == _CLOSE_ARRAY:
            depth -= 1
            if depth == 1:
                base = np.int64(0)
    return depth == 0


@hot
def _string_end(text, at, end):
    """Offset of the closing quote; ``end`` or more if there is none."""
    while at < end and text[at] != _QUOTE:
        at += 2 if text[at] == _BACKSLASH else 1
    return at


@hot
def _name_at(text, first, last):
    """A short text as a number: its first bytes and its length."""
    length = last - first
    if length > _NAME_LENGTH_MAX:
        length = np.int64(_NAME_LENGTH_MAX)
    name = length << 8 * _NAME_BYTES
    for k in range(_NAME_BYTES):
        if k < length:
            name |= np.int64(text[first + k]) << 8 * k
    return name


@hot
def _see_key(text, first, last, end, row):
    """The string as a number if it is a key, with its bit in ``row``; else _NO_KEY."""
    out_of_line()
    value = last + 1
    while value < end and text[value] <= _SPACE:
        value += 1
    if value >= end or text[value] != _COLON:
        return np.int64(_NO_KEY)
    key = _name_at(text, first, last)
    bit = 0
    if key == _K_U:
        bit = _HAS_U
    elif key == _K_B:
        bit = _HAS_B
    elif key == _K_A:
        bit = _HAS_A
    elif key == _K_B_LOTS:
        bit = _HAS_B_LOTS
    elif key == _K_A_LOTS:
        bit = _HAS_A_LOTS
    elif key == _K_E:
        bit = _HAS_E
    elif key == _K_PU:
        bit = _HAS_PU
    elif key == _K_EVENT_TIME:
        bit = _HAS_EVENT_TIME
    elif key == _K_TYPE:
        bit = _HAS_TYPE
    elif key == _K_IGNORE:
        bit = _HAS_IGNORE
    elif key == _K_LAST_ID:
        bit = _HAS_LAST_ID
    elif key == _K_BIDS:
        bit = _HAS_BIDS
    elif key == _K_ASKS:
        bit = _HAS_ASKS
    elif key == _K_FAMILY:  # 1 is ours (binance-protocol 6)
        value += 1
        while value < end and text[value] <= _SPACE:
            value += 1
        if text[value] != _ONE or _ZERO <= text[value + 1] <= _NINE:
            bit = _OTHER_FAMILY
    row[_SEEN] |= bit
    return key


@hot
def _see_string(text, first, last, key, row):
    """A string that is the value of ``key``. False: it should be a decimal and is none."""
    out_of_line()
    if key == _K_P or key == _K_B or key == _K_A:
        return _see_decimal(text, first, last, np.int64(0), row)
    if key == _K_Q or key == _K_B_LOTS or key == _K_A_LOTS:
        return _see_decimal(text, first, last, np.int64(1), row)
    if key == _K_E:
        row[_EVENT] = _name_at(text, first, last)
    elif key == _K_S or key == _K_STREAM:
        for at in range(first, last):
            if text[at] == _BACKSLASH:
                row[ESCAPED] = 1
        column = SYMBOL_AT if key == _K_S else STREAM_AT
        row[column] = first
        row[column + 1] = last - first
    return True


@hot
def _see_decimal(text, first, last, place, row):
    """A price (``place`` 0) or a quantity (1). False: it is not digits[.digits]."""
    out_of_line()
    value_e8 = np.int64(0)
    decimals_n = np.int64(-1)  # no point so far
    fits = True
    for at in range(first, last):
        c = np.int64(text[at])
        if c == _POINT and decimals_n < 0 and first < at < last - 1:
            decimals_n = np.int64(0)
        elif c < _ZERO or c > _NINE:
            return False
        elif decimals_n >= E8_DECIMALS:
            fits = fits and c == _ZERO
        else:
            fits = fits and value_e8 <= _ROOM_FOR_A_DIGIT
            value_e8 = value_e8 * 10 + c - _ZERO if fits else 0
            if decimals_n >= 0:
                decimals_n += 1
    if decimals_n < 0:
        decimals_n = np.int64(0)
    while decimals_n < E8_DECIMALS:
        fits = fits and value_e8 <= _ROOM_FOR_A_DIGIT
        value_e8 = value_e8 * 10 if fits else 0
        decimals_n += 1
    if not fits or last == first:  # what no int64 holds is on no grid
        return last > first
    if place == 0 and row[FIRST_PRICE] == 0:
        row[FIRST_PRICE] = value_e8
    grid = row[PRICE_GRID + place]
    if grid == 0 or value_e8 % grid != 0:  # seldom
        while value_e8 != 0:  # Euclid's greatest common divisor
            grid, value_e8 = value_e8, grid % value_e8
        row[PRICE_GRID + place] = grid
    return True


@hot
def _classify(row):
    """Kind and market, by the keys that only one of them sends (binance-protocol 2, 6)."""
    out_of_line()
    seen = row[_SEEN]
    event = row[_EVENT]
    kind = Kind.OTHER.value
    usdm = 0
    if seen & _OTHER_FAMILY:
        pass
    elif seen & _HAS_E:
        if event == _DEPTH_UPDATE:
            kind = Kind.DEPTH.value
            usdm = seen & _HAS_PU
        elif event == _BOOK_TICKER:
            kind = Kind.TICKER.value
            usdm = 1
        elif event == _TRADE:
            kind = Kind.TRADE.value
            usdm = seen & _HAS_TYPE
        elif event == _AGG_TRADE:
            kind = Kind.AGG_TRADE.value
            usdm = ~seen & _HAS_IGNORE
    elif seen & _IN_SNAPSHOT == _IN_SNAPSHOT:
        kind = Kind.PARTIAL.value
        if row[STREAM_BYTES] == 0:
            kind = Kind.SNAPSHOT.value
            usdm = seen & _HAS_EVENT_TIME
    elif seen & _IN_TICKER == _IN_TICKER and row[SYMBOL_BYTES] != 0:
        kind = Kind.TICKER.value
    row[KIND] = kind
    if kind != Kind.OTHER:
        row[MARKET] = Market.USDM.value if usdm else Market.SPOT.value
