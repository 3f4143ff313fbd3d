"""WebSocket frames out of the bytes that a server sends (RFC 6455), without copies or allocation.

One linear buffer. What has been received is parsed in place:

    0           message                 unparsed
    | ......... [MESSAGE .. MESSAGE_END) ....... [PARSED .. RECEIVED) ............ capacity
      done with  joined fragments        headers  bytes to come here
                 (empty if none)         between

A pass of the loop:

    start = make_room(reader)
    got = receive(socket, reader.data, start, room_bytes(reader))   (or from TLS)
    received(reader, got)                                           if got > 0
    code = next_frame(reader)                                       again while code > 0

``next_frame`` returns a complete message (TEXT, BINARY) or control frame (CLOSE, PING, PONG), with
its payload at ``payload_start``, ``payload_bytes`` of ``reader.data`` until the next call of
``next_frame`` or ``make_room``; NOTHING when more bytes must come first; or, below zero, why the
connection must be failed: that answer stays. A message in fragments is joined where its first
fragment lies; control frames in between come out at once. After CLOSE nothing follows.

Whether text is UTF-8, and whether a close code makes sense, is for others to judge: the decoder
refuses what is not JSON, and cold code answers a close.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.limits import FRAME_PADDING_BYTES
from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import move_bytes

# Outcomes of next_frame: the opcode of what is complete
NOTHING: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
# ... or what is wrong
RESERVED_BITS: Final = -1  # an extension that was not agreed upon
MASKED: Final = -2  # a server must not mask
OPCODE_UNKNOWN: Final = -3
MESSAGE_TOO_LONG: Final = -4
CONTROL_TOO_LONG: Final = -5
CONTROL_FRAGMENTED: Final = -6
CONTINUATION_UNEXPECTED: Final = -7
CONTINUATION_MISSING: Final = -8  # a new message inside of one
CLOSE_TOO_SHORT: Final = -9  # one byte is no close code

_CONTINUATION: Final = 0
_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASK: Final = 0x80
_CONTROL: Final = 0x08
_CONTROL_BYTES_MAX: Final = 125
_HEADER_BYTES_MAX: Final = 10  # unmasked
_LENGTH_OF_16_BITS: Final = 126

# One receive takes this much at most, so that a burst is worked off piece by piece; and there is
# always room for it.
RECEIVE_BYTES_MAX: Final = 64 * 1024

# Words
_RECEIVED: Final = 0
_PARSED: Final = 1
_MESSAGE: Final = 2
_MESSAGE_END: Final = 3
_MESSAGE_OPCODE: Final = 4  # 0: no message has begun
_PAYLOAD: Final = 5
_PAYLOAD_BYTES: Final = 6
_MESSAGE_BYTES_MAX: Final = 7
_REFUSAL: Final = 8  # the negative outcome that stays
_CLOSED: Final = 9
_WORDS: Final = 16


class WebsocketReader(NamedTuple):
    data: np.ndarray  # uint8[capacity + FRAME_PADDING_BYTES]
    words: np.ndarray  # int64[_WORDS]


def make_reader(message_bytes_max: int) -> WebsocketReader:
    """A reader of messages of up to ``message_bytes_max`` bytes. Cold code.

    The buffer holds two of them: it is moved to its front after as many bytes as it holds at most,
    so that no byte is moved more than once or twice, however small the pieces are.
    """
    if message_bytes_max < _CONTROL_BYTES_MAX:
        raise ValueError(f"{message_bytes_max} bytes: control frames alone take up to 125")
    capacity = 2 * message_bytes_max + RECEIVE_BYTES_MAX + _HEADER_BYTES_MAX + 128
    reader = WebsocketReader(
        np.zeros(capacity + FRAME_PADDING_BYTES, np.uint8), np.zeros(_WORDS, np.int64)
    )
    reader.words[_MESSAGE_BYTES_MAX] = message_bytes_max
    return reader


@hot
def reset(reader: WebsocketReader) -> None:
    """Forget everything: for a new connection."""
    words = reader.words
    for i in range(_PAYLOAD_BYTES + 1):
        words[i] = 0
    words[_REFUSAL] = 0
    words[_CLOSED] = 0


@hot_inline
def make_room(reader: WebsocketReader) -> int:
    """Where in ``data`` to receive the next bytes. Ends the use of a payload handed out before."""
    words = reader.words
    if words[_PARSED] == words[_RECEIVED] and words[_MESSAGE_OPCODE] == 0:
        words[_PARSED] = 0
        words[_RECEIVED] = 0
    elif words[_RECEIVED] + RECEIVE_BYTES_MAX + FRAME_PADDING_BYTES > len(reader.data):
        _move_to_front(reader)
    return words[_RECEIVED]


@hot_inline
def room_bytes(reader: WebsocketReader) -> int:
    """How many bytes may be received there: from RECEIVE_BYTES_MAX down to 1."""
    room = len(reader.data) - FRAME_PADDING_BYTES - reader.words[_RECEIVED]
    return min(room, RECEIVE_BYTES_MAX)


@hot
def _move_to_front(reader: WebsocketReader) -> None:
    words = reader.words
    joined = 0
    if words[_MESSAGE_OPCODE] != 0:
        joined = words[_MESSAGE_END] - words[_MESSAGE]
        move_bytes(reader.data, 0, words[_MESSAGE], joined)
        words[_MESSAGE] = 0
        words[_MESSAGE_END] = joined
    unparsed = words[_RECEIVED] - words[_PARSED]
    move_bytes(reader.data, joined, words[_PARSED], unparsed)
    words[_PARSED] = joined
    words[_RECEIVED] = joined + unparsed


@hot_inline
def received(reader: WebsocketReader, count: int) -> None:
    """``count`` bytes have been put where ``make_room`` said."""
    reader.words[_RECEIVED] += count


@hot_inline
def unparsed_bytes(reader: WebsocketReader) -> int:
    return reader.words[_RECEIVED] - reader.words[_PARSED]


@hot_inline
def payload_start(reader: WebsocketReader) -> int:
    return reader.words[_PAYLOAD]


@hot_inline
def payload_bytes(reader: WebsocketReader) -> int:
    return reader.words[_PAYLOAD_BYTES]


@hot
def next_frame(reader: WebsocketReader) -> Any:
    """The next message or control frame that is complete: see above."""
    data = reader.data
    words = reader.words
    if words[_REFUSAL] != 0:
        return words[_REFUSAL]
    if words[_CLOSED] != 0:
        words[_PARSED] = words[_RECEIVED]
        return NOTHING
    while words[_RECEIVED] - words[_PARSED] >= 2:
        at = words[_PARSED]
        first = np.int64(data[at])
        second = np.int64(data[at + 1])
        opcode = first & _OPCODE
        why = _objection(words, first, second)
        if why != 0:
            words[_REFUSAL] = why
            return why
        start = at + _header_bytes(second)
        if words[_RECEIVED] < start:
            return NOTHING
        length = _length(data, at, second)
        if opcode & _CONTROL == 0 and _is_too_long(words, opcode, length):
            words[_REFUSAL] = MESSAGE_TOO_LONG
            return MESSAGE_TOO_LONG
        if words[_RECEIVED] < start + length:
            return NOTHING
        words[_PARSED] = start + length
        if opcode & _CONTROL:
            words[_PAYLOAD] = start
            words[_PAYLOAD_BYTES] = length
            if opcode == CLOSE:
                words[_CLOSED] = 1
            return opcode
        _join(reader, opcode, start, length)
        if first & _FINAL:
            return _hand_out(words)
    return NOTHING


@hot
def has_frame(reader: WebsocketReader) -> bool:
    """Whether ``next_frame`` has a whole frame before it now, if only an illegal one."""
    data = reader.data
    words = reader.words
    at = words[_PARSED]
    ready = words[_RECEIVED] - at
    if ready < 2:
        return False
    second = np.int64(data[at + 1]) & ~_MASK
    header = _header_bytes(second)
    return ready >= header and ready - header >= _length(data, at, second)


@hot_inline
def _header_bytes(second):
    if second < _LENGTH_OF_16_BITS:
        return 2
    return 4 if second == _LENGTH_OF_16_BITS else _HEADER_BYTES_MAX


@hot_inline
def _length(data, at, second):
    """The payload's length, of the frame whose header begins at ``at`` and is all there."""
    if second < _LENGTH_OF_16_BITS:
        return second
    if second == _LENGTH_OF_16_BITS:
        return np.int64(data[at + 2]) << 8 | np.int64(data[at + 3])
    length = np.int64(0)
    for i in range(at + 2, at + _HEADER_BYTES_MAX):
        length = length << 8 | np.int64(data[i])  # 2**63 and more: below zero
    return length


@hot_inline
def _is_too_long(words, opcode, length):
    joined = words[_MESSAGE_END] - words[_MESSAGE] if opcode == _CONTINUATION else 0
    return length < 0 or length > words[_MESSAGE_BYTES_MAX] - joined


@hot_inline
def _join(reader, opcode, start, length):
    """Begin a message with this payload, or move it to the end of the one that has begun."""
    words = reader.words
    if opcode == _CONTINUATION:
        move_bytes(reader.data, words[_MESSAGE_END], start, length)
        words[_MESSAGE_END] += length
    else:
        words[_MESSAGE] = start
        words[_MESSAGE_END] = start + length
        words[_MESSAGE_OPCODE] = opcode


@hot_inline
def _hand_out(words):
    opcode = words[_MESSAGE_OPCODE]
    words[_MESSAGE_OPCODE] = 0
    words[_PAYLOAD] = words[_MESSAGE]
    words[_PAYLOAD_BYTES] = words[_MESSAGE_END] - words[_MESSAGE]
    return opcode


@hot_inline
def _objection(words, first, second):
    """Why a frame that begins with these two bytes is illegal here, or 0."""
    opcode = first & _OPCODE
    if first & _RESERVED:
        return RESERVED_BITS
    if second & _MASK:
        return MASKED
    if opcode & _CONTROL:
        if opcode > PONG:
            return OPCODE_UNKNOWN
        if first & _FINAL == 0:
            return CONTROL_FRAGMENTED
        if second > _CONTROL_BYTES_MAX:
            return CONTROL_TOO_LONG
        if opcode == CLOSE and second == 1:
            return CLOSE_TOO_SHORT
        return 0
    if opcode > BINARY:
        return OPCODE_UNKNOWN
    if opcode == _CONTINUATION:
        return CONTINUATION_UNEXPECTED if words[_MESSAGE_OPCODE] == 0 else 0
    return CONTINUATION_MISSING if words[_MESSAGE_OPCODE] != 0 else 0
