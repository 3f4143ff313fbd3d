"""WebSocket frames as a client sends them: whole messages, masked, queued in one linear buffer.

    0             queue                     free
    | ........... [SENT .. WRITTEN) ................. capacity

    write_frame(writer, TEXT, text, start, length)          each frame
    taken = send(socket, writer.data, queue_start(writer), queue_bytes(writer))
    sent(writer, taken)                                     if taken > 0

RFC 6455 wants masking keys that nobody can predict, so that a script in a browser cannot choose
the bytes that a proxy sees. Here nobody but us chooses the text: a generator that is fast
(xorshift64) and seeded by the cold code is enough.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import mask_bytes, move_bytes

NO_ROOM: Final = -1

_FINAL: Final = 0x80
_MASK: Final = 0x80
_HEADER_BYTES_MAX: Final = 14
_KEY_BITS: Final = 0xFFFF_FFFF

# Words
_SENT: Final = 0
_WRITTEN: Final = 1
_RANDOM: Final = 2  # never 0
_WORDS: Final = 8


class WebsocketWriter(NamedTuple):
    data: np.ndarray  # uint8[capacity]
    words: np.ndarray  # int64[_WORDS]


def make_writer(capacity: int, seed: int) -> WebsocketWriter:
    """A writer with room for ``capacity`` bytes of frames; ``seed``: any int64. Cold code."""
    if capacity < 1024:
        raise ValueError(f"a writer of {capacity} bytes: at least 1024")
    writer = WebsocketWriter(np.zeros(capacity, np.uint8), np.zeros(_WORDS, np.int64))
    writer.words[_RANDOM] = seed if seed != 0 else 0x2545_F491_4F6C_DD1D
    return writer


@hot
def clear(writer: WebsocketWriter) -> None:
    """Forget what was not sent: for a new connection. The masking keys go on."""
    writer.words[_SENT] = 0
    writer.words[_WRITTEN] = 0


@hot_inline
def queue_start(writer: WebsocketWriter) -> int:
    return writer.words[_SENT]


@hot_inline
def queue_bytes(writer: WebsocketWriter) -> int:
    return writer.words[_WRITTEN] - writer.words[_SENT]


@hot_inline
def sent(writer: WebsocketWriter, count: int) -> None:
    """The first ``count`` bytes of the queue are gone."""
    words = writer.words
    words[_SENT] += count
    if words[_SENT] == words[_WRITTEN]:
        words[_SENT] = 0
        words[_WRITTEN] = 0


@hot_inline
def _next_random(words: np.ndarray) -> int:
    x = words[_RANDOM]
    x ^= x << 13
    x ^= (x >> 7) & 0x01FF_FFFF_FFFF_FFFF  # shifted without the sign
    x ^= x << 17
    words[_RANDOM] = x
    return x


@hot
def write_frame(
    writer: WebsocketWriter, opcode: int, source: np.ndarray, start: int, length: int
) -> int:
    """Queue ``source[start:start + length]`` as one frame; its size in bytes, or NO_ROOM.

    A control frame's payload is at most 125 bytes: the caller has made sure.
    """
    data = writer.data
    words = writer.words
    need = _HEADER_BYTES_MAX + length
    if words[_WRITTEN] + need > len(data):
        unsent = words[_WRITTEN] - words[_SENT]
        if unsent + need > len(data):
            return NO_ROOM
        move_bytes(data, 0, words[_SENT], unsent)
        words[_SENT] = 0
        words[_WRITTEN] = unsent
    begin = words[_WRITTEN]
    at = begin
    data[at] = _FINAL | opcode
    if length < 126:
        data[at + 1] = _MASK | length
        at += 2
    elif length < 65_536:
        data[at + 1] = _MASK | 126
        data[at + 2] = length >> 8
        data[at + 3] = length & 0xFF
        at += 4
    else:
        data[at + 1] = _MASK | 127
        for i in range(8):
            data[at + 2 + i] = length >> (56 - 8 * i) & 0xFF
        at += 10
    key = (_next_random(words) >> 16) & _KEY_BITS
    for i in range(4):
        data[at + i] = key >> 8 * i & 0xFF
    mask_bytes(data, at + 4, source, start, length, key << 32 | key)
    words[_WRITTEN] = at + 4 + length
    return words[_WRITTEN] - begin
