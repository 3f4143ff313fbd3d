"""The head of a frame by a template: all that stands before the first price or level array.

The frames of one stream begin alike but for the digits of times and ids::

    {"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT",..

So, as with levels (level_template.py), a head is remembered as a **template**: text minus
subtrahend is at most the maximum in every byte if and only if it is the same text with other digits
in the same places, an integer's first digit not a zero. Then the scan would find the same fields in
the same places, and goes on behind them. A head that does not fit is read the general way and, now
and then, becomes the template of its slot. A template is a function of the head's text and of the
configured symbols alone: it changes speed, never a result.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.abi.limits import (
    CACHE_LINE,
    FRAME_PADDING_BYTES,
    HEAD_BYTES_MAX,
    HEAD_FIELDS_MAX,
    HEAD_SLOTS,
)
from appliance.hot.decode import fields as f
from appliance.hot.decode.digits import digits
from appliance.hot.decode.scan import skip_space
from appliance.hot.decode.vector import VECTOR_BYTES, ZERO, byte_at, fits, word_at
from appliance.hot.jit import hot, hot_inline, out_of_line

FRAME_BYTES_MIN: Final = HEAD_BYTES_MAX - FRAME_PADDING_BYTES  # a template reads so far
NAME_AT: Final = 11  # of the stream's name in {"stream":"..

# A slot of Heads.texts
_SUBTRAHEND: Final = 0
_MAXIMUM: Final = HEAD_BYTES_MAX
_SLOT_BYTES: Final = 2 * HEAD_BYTES_MAX

# Words of Heads.words[slot]
_LENGTH: Final = 0  # of the head; 0: no template
_MISSES: Final = 1  # since it was learnt
_FORM: Final = 2
_STREAM: Final = 3
_INSTRUMENT: Final = 4
_FIELDS_N: Final = 5
_FIELDS: Final = 8  # of each: field, what, offset of its text, its length in bytes
_FIELD_WORDS: Final = 4

# Streams that share a slot, or digits that grow in number, should not make every frame a lesson.
_LEARN_EVERY: Final = 8
_INTEGER_DIGITS_MAX: Final = 16


class Heads(NamedTuple):
    texts: np.ndarray  # uint8[HEAD_SLOTS * 2 * HEAD_BYTES_MAX]
    words: np.ndarray  # int64[HEAD_SLOTS, 8 + 4 * HEAD_FIELDS_MAX]


def make_heads() -> Heads:
    raw = np.zeros(HEAD_SLOTS * _SLOT_BYTES + CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE
    return Heads(
        raw[start : start + HEAD_SLOTS * _SLOT_BYTES],
        np.zeros((HEAD_SLOTS, _FIELDS + _FIELD_WORDS * HEAD_FIELDS_MAX), np.int64),
    )


def forget_heads(heads: Heads) -> None:
    """Cold: what was learnt no longer holds, since a symbol was added."""
    heads.words[:] = 0


@hot_inline
def _slot_of(text, at):
    """By the first 16 bytes of the stream's name; others may share it."""
    mixed = word_at(text, at + NAME_AT) ^ (word_at(text, at + NAME_AT + 8) * 0x9E3779B1)
    mixed ^= (mixed >> 29) ^ (mixed >> 47)
    return (mixed ^ (mixed >> 11)) & (HEAD_SLOTS - 1)


@hot_inline
def read_head(heads, fields, text, at, end):
    """The offset of the first key behind the head, with the fields before it read; or -1.

    Sets the same words of ``fields`` as the scan does. ``at`` is where the frame begins.
    """
    if end - at < FRAME_BYTES_MIN:
        return np.int64(-1)
    slot = _slot_of(text, at)
    words = heads.words[slot]
    base = slot * _SLOT_BYTES
    texts = heads.texts
    good = words[_LENGTH] > 0
    for part in range(0, HEAD_BYTES_MAX, VECTOR_BYTES):
        good &= fits(text, at + part, texts, base + _SUBTRAHEND + part, base + _MAXIMUM + part)
    if not good:
        return np.int64(-1)
    scan = fields.scan
    scan[f.STREAM_FORM] = words[_FORM]
    scan[f.STREAM_INSTRUMENT] = words[_STREAM]
    scan[f.AT_INSTRUMENT] = words[_INSTRUMENT]
    for k in range(words[_FIELDS_N]):
        place = _FIELDS + k * _FIELD_WORDS
        field = words[place]
        what = words[place + 1]
        value = at + words[place + 2]
        extent = words[place + 3]
        fields.what[field] = what
        if what == f.INTEGER:
            extent = value
            value, _ = digits(text, value)
        fields.value[field] = value
        fields.extent[field] = extent
    return skip_space(text, at + words[_LENGTH], end)


@hot
def learn_head(heads, fields, text, at, head_end):
    """Now and then: make ``text[at:head_end]``, whose fields are in ``fields``, the template."""
    out_of_line()
    length = head_end - at
    slot = _slot_of(text, at)
    words = heads.words[slot]
    words[_MISSES] += 1
    if words[_LENGTH] != 0 and words[_MISSES] < _LEARN_EVERY:
        return
    words[_MISSES] = 0
    words[_LENGTH] = 0
    if length > HEAD_BYTES_MAX:
        return
    texts = heads.texts
    base = slot * _SLOT_BYTES
    for k in range(HEAD_BYTES_MAX):
        inside = k < length
        texts[base + _SUBTRAHEND + k] = byte_at(text, at + k) if inside else 0
        texts[base + _MAXIMUM + k] = 0 if inside else 255
    n = np.int64(0)
    for field in range(f.FIELDS):
        what = fields.what[field]
        if what == f.ABSENT:
            continue
        if n == HEAD_FIELDS_MAX or (what != f.INTEGER and what != f.STRING):
            return
        place = _FIELDS + n * _FIELD_WORDS
        offset = fields.value[field] - at
        extent = fields.extent[field]
        if what == f.INTEGER:
            offset = extent - at
            extent = _learn_digits(text, at + offset, texts, base + offset)
            if fields.value[field] < 0 or extent > _INTEGER_DIGITS_MAX:
                return
        words[place] = field
        words[place + 1] = what
        words[place + 2] = offset
        words[place + 3] = extent
        n += 1
    words[_FIELDS_N] = n
    words[_FORM] = fields.scan[f.STREAM_FORM]
    words[_STREAM] = fields.scan[f.STREAM_INSTRUMENT]
    words[_INSTRUMENT] = fields.scan[f.AT_INSTRUMENT]
    words[_LENGTH] = length


@hot
def _learn_digits(text, at, texts, place):
    """Any digits may stand where those of the integer at ``at`` do. How many they are."""
    n = np.int64(0)
    while ZERO <= byte_at(text, at + n) <= ZERO + 9 and n <= _INTEGER_DIGITS_MAX:
        texts[place + _SUBTRAHEND + n] = ZERO
        texts[place + _MAXIMUM + n] = 9
        n += 1
    if n > 1:  # no leading zero
        texts[place + _SUBTRAHEND] = ZERO + 1
        texts[place + _MAXIMUM] = 8
    return n
