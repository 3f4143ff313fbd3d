"""The connections of the loop: sockets, TLS and WebSocket buffers, one row each (abi/link.py).

Cold code makes and closes connections; what is here moves bytes while the loop owns them.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.layout import records
from appliance.abi.limits import FRAME_BYTES_MAX, LINK_WRITE_BYTES, LINKS_MAX
from appliance.abi.link import LINK, LinkEnd, LinkState
from appliance.hot.atomics import store_release
from appliance.hot.capture import Capture, make_capture
from appliance.hot.decode.spans import make_spans
from appliance.hot.frame_ring import FrameRing
from appliance.hot.jit import hot, hot_inline
from appliance.hot.wire import tls_io
from appliance.hot.wire.socket_io import WOULD_BLOCK, receive, send
from appliance.hot.wire.tls_io import (
    TLS_BROKEN,
    Tls,
    tls_flush,
    tls_has_more,
    tls_receive,
    tls_send,
    tls_unsent_bytes,
)
from appliance.hot.wire.websocket_reader import (
    RECEIVE_BYTES_MAX,
    WebsocketReader,
    make_reader,
    make_room,
    received,
    room_bytes,
)
from appliance.hot.wire.websocket_writer import (
    WebsocketWriter,
    make_writer,
    queue_bytes,
    queue_start,
    sent,
    write_frame,
)

NONE: Final = -1

# Words of Links.words
MARKET_LINK: Final = 0  # of those with market data, the one that has its turn
ORDER_LINK: Final = 1  # where orders go out, or NONE
IDLE_N: Final = 2  # passes without anything, in a row
STREAK_N: Final = 3  # messages of that link in a row
ENDED_ROLES: Final = 4  # bit LinkRole: a link of it ended, and that was not dealt with yet
ADOPTED_N: Final = 6  # links that opened, likewise
ENDED_ROWS: Final = 9  # bit k: link k ended, likewise
TIMER_SLOT: Final = 5  # of the order table: looked at next
OTHER_LINK: Final = 7  # of the other links, the one that was looked at last
LOOKS_N: Final = 8  # at links
WORDS_N: Final = 16

# Results of receive_some, flush and send_frame besides a number of bytes
ENDED: Final = -1  # the link is gone
FULL: Final = -2  # nothing was queued for want of room


class Links(NamedTuple):
    states: np.ndarray  # int64[LINKS_MAX]: LinkState
    wishes: np.ndarray  # int64[LINKS_MAX]: 1: the cold side asks the loop to let go
    records: Any  # LINK[LINKS_MAX]
    tls: np.ndarray  # int64[LINKS_MAX, tls_io.WORDS]
    read_data: np.ndarray  # uint8[LINKS_MAX, ..]
    read_words: np.ndarray  # int64[LINKS_MAX, ..]
    write_data: np.ndarray  # uint8[LINKS_MAX, ..]
    write_words: np.ndarray  # int64[LINKS_MAX, ..]
    words: np.ndarray  # int64[WORDS_N]
    close_codes: np.ndarray  # uint8[..]: payloads of close frames
    to_desk: FrameRing  # what the loop does not decode itself; producer here
    capture: Capture  # frames as they came; producer here
    spans: np.ndarray  # int64[KEYS_N, 2]: scratch of acknowledgements.py


# Close codes (RFC 6455, 7.4.1): where each lies in close_codes
CLOSE_NORMAL: Final = 0  # 1000
CLOSE_PROTOCOL_ERROR: Final = 2  # 1002
CLOSE_TOO_BIG: Final = 4  # 1009
CLOSE_CODE_BYTES: Final = 2
_CLOSE_CODES: Final = (1000, 1002, 1009)


def make_links(seed: int, to_desk: FrameRing, capture: Capture | None = None) -> Links:
    """Links that are all free; ``seed`` of the masking keys. Cold code, before the loop.

    ``capture``: None: one that nobody else can see.
    """
    readers = [make_reader(FRAME_BYTES_MAX) for _ in range(LINKS_MAX)]
    writers = [make_writer(LINK_WRITE_BYTES, seed + k) for k in range(LINKS_MAX)]
    words = np.zeros(WORDS_N, np.int64)
    words[ORDER_LINK] = NONE
    return Links(
        np.zeros(LINKS_MAX, np.int64),
        np.zeros(LINKS_MAX, np.int64),
        records(LINKS_MAX, LINK),
        np.zeros((LINKS_MAX, tls_io.WORDS), np.int64),
        np.stack([reader.data for reader in readers]),
        np.stack([reader.words for reader in readers]),
        np.stack([writer.data for writer in writers]),
        np.stack([writer.words for writer in writers]),
        words,
        np.array(_CLOSE_CODES, ">u2").view(np.uint8).copy(),
        to_desk,
        capture or make_capture(),
        make_spans(),
    )


@hot_inline
def reader_of(links: Links, k: Any) -> WebsocketReader:
    return WebsocketReader(links.read_data[k], links.read_words[k])


@hot_inline
def writer_of(links: Links, k: Any) -> WebsocketWriter:
    return WebsocketWriter(links.write_data[k], links.write_words[k])


@hot
def end_link(links: Links, k: Any, why: Any, detail: Any) -> None:
    """Let go of link ``k``: the cold side will close it. One that the loop does not have stays."""
    record = links.records[k]
    record.end = why
    record.detail = detail
    if links.states[k] != LinkState.OPEN:
        return
    links.words[ENDED_ROLES] |= 1 << record.role
    links.words[ENDED_ROWS] |= 1 << k
    # ENDED: the reason is written before the cold side sees that it may close (cold/link_slots.py)
    store_release(links.states, k, LinkState.ENDED)


@hot
def receive_some(links: Links, k: Any) -> Any:
    """One receive: bytes added to the reader, WOULD_BLOCK, or ENDED: the link is gone."""
    record = links.records[k]
    reader = reader_of(links, k)
    start = make_room(reader)
    room = room_bytes(reader)
    if record.is_tls != 0:
        got = tls_receive(Tls(links.tls[k]), record.socket, reader.data, start, room)
    else:
        got = receive(record.socket, reader.data, start, room)
    if got > 0:
        received(reader, got)
        record.received_bytes += got
        return got
    if got == WOULD_BLOCK:
        return got
    if got == 0:
        end_link(links, k, LinkEnd.CLOSED, 0)
    elif got == TLS_BROKEN:
        tls_flush(Tls(links.tls[k]), record.socket)  # the alert that says why
        end_link(links, k, LinkEnd.TLS, 0)
    else:
        end_link(links, k, LinkEnd.SOCKET, -got)
    return ENDED


@hot_inline
def has_more(links: Links, k: Any, got: Any) -> Any:
    """Whether a receive of ``got`` bytes left something that had already come."""
    if links.records[k].is_tls != 0:
        return tls_has_more(Tls(links.tls[k]))
    return got >= RECEIVE_BYTES_MAX


@hot
def flush(links: Links, k: Any) -> Any:
    """Send what waits: bytes still waiting, or ENDED: the link is gone."""
    record = links.records[k]
    writer = writer_of(links, k)
    tls = Tls(links.tls[k])
    waiting = queue_bytes(writer)
    if waiting == 0:
        if record.is_tls == 0 or tls_unsent_bytes(tls) == 0:
            return 0
        taken = tls_flush(tls, record.socket)
    elif record.is_tls != 0:
        taken = tls_send(tls, record.socket, writer.data, queue_start(writer), waiting)
    else:
        taken = send(record.socket, writer.data, queue_start(writer), waiting)
    if taken < 0 and taken != WOULD_BLOCK:
        if taken == TLS_BROKEN:
            end_link(links, k, LinkEnd.TLS, 0)
        else:
            end_link(links, k, LinkEnd.SOCKET, -taken)
        return ENDED
    if taken > 0 and waiting > 0:
        sent(writer, taken)
        record.sent_bytes += taken
    left = queue_bytes(writer)
    if record.is_tls != 0:
        left += tls_unsent_bytes(tls)
    if left > 0:
        record.backed_up_n += 1
    return left


@hot_inline
def waiting_bytes(links: Links, k: Any) -> Any:
    """Bytes that the kernel did not take yet."""
    left = queue_bytes(writer_of(links, k))
    if links.records[k].is_tls != 0:
        left += tls_unsent_bytes(Tls(links.tls[k]))
    return left


@hot
def send_frame(
    links: Links, k: Any, opcode: Any, source: np.ndarray, start: Any, length: Any
) -> Any:
    """Queue a frame and send what the kernel takes. Bytes still waiting, ENDED, or FULL."""
    if write_frame(writer_of(links, k), opcode, source, start, length) < 0:
        return FULL
    return flush(links, k)
