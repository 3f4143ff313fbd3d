"""The fields of an event object, and which of them a key names.

A field is what kind of JSON value it has and, by kind, its integer or where its text stands.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.hot.decode.scan import COLON, GIVE_UP, MASK_4, skip_space, skip_string, text_word
from appliance.hot.decode.vector import BACKSLASH, QUOTE, byte_at, word_at
from appliance.hot.jit import hot_inline
from appliance.hot.ring import aligned_memory

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

# What a field holds
ABSENT: Final = 0
INTEGER: Final = 1  # value; extent: offset of its text
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
STREAM_FORM: Final = 4  # what the stream's name says, see envelope.py
STREAM_INSTRUMENT: Final = 5
LEARNS_HEAD: Final = 6  # 1: what is before the first price or level array may become a template


class Fields(NamedTuple):
    what: np.ndarray  # int64[24]: ABSENT, INTEGER ..
    value: np.ndarray  # int64[24]
    extent: np.ndarray  # int64[24]
    scan: np.ndarray  # int64[24]: state of this pass


def make_fields() -> Fields:
    what, value, extent, scan = aligned_memory(4 * 24 * 8).view(np.int64).reshape(4, 24)
    return Fields(what, value, extent, scan)


@hot_inline
def key_field(text, at, end):
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
def is_integer(fields, field):
    return fields.what[field] == INTEGER and fields.value[field] >= 0
