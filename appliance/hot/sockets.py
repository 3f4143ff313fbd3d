"""Agent: messages of the venue off the sockets, orders onto them.

Market data is decoded where it lies in the receive buffer, and so is what the venue says of our
orders all the time (acknowledgements.py); everything else goes to the cold side (``to_desk``),
which answers with reports. The links with market data have their turn one after the other; one
whose buffer holds more messages keeps it for a while, so that a burst costs no system call a
message. One look in ``OTHERS_EVERY`` is for the other links.
"""

from typing import Final

import numpy as np

from appliance.abi.control import FRAMES_DONE
from appliance.abi.counters import Counter
from appliance.abi.limits import LINKS_MAX
from appliance.abi.link import Lag, LinkEnd, LinkRole, LinkState
from appliance.abi.market import FrameSource, Kind
from appliance.abi.units import NO_ID
from appliance.hot.acknowledgements import acknowledge
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.backlog import catch_up, lag_of, note_receive
from appliance.hot.capture import keep, remember
from appliance.hot.cpu import cycles, realtime_ns
from appliance.hot.feed import advance_time, take_frame
from appliance.hot.frame_ring import Frame, frame_at, peek, push, release
from appliance.hot.jit import hot, hot_part
from appliance.hot.timer import fire_timer
from appliance.hot.wire.links import (
    ADOPTED_N,
    CLOSE_CODE_BYTES,
    CLOSE_NORMAL,
    CLOSE_PROTOCOL_ERROR,
    CLOSE_TOO_BIG,
    ENDED,
    IDLE_N,
    LOOKS_N,
    MARKET_LINK,
    NONE,
    OTHER_LINK,
    STREAK_N,
    end_link,
    flush,
    reader_of,
    receive_some,
    send_frame,
    waiting_bytes,
)
from appliance.hot.wire.socket_io import WOULD_BLOCK
from appliance.hot.wire.websocket_reader import (
    BINARY,
    CLOSE,
    MESSAGE_TOO_LONG,
    NOTHING,
    PING,
    PONG,
    TEXT,
    next_frame,
    payload_bytes,
    payload_start,
)

STREAK_MAX: Final = 32  # messages of one link before the next one has its turn
# A look that finds nothing takes as long as a system call: the next book waits for it.
OTHERS_EVERY: Final = 8
LOOKS_PER_PASS: Final = 4  # at links that have nothing
IDLE_LOOK: Final = 64  # the clock is read once in so many passes without work


@hot_part
def poll_live_feed(core, links):
    """Takes one frame, off the cold side's rings or a socket. Returns the work done, 0 or 1."""
    start_cycles = cycles()
    ring = core.from_clerk
    offset = peek(ring)
    if offset < 0:
        ring = core.ingress
        offset = peek(ring)
    data = ring.data
    k = np.int64(NONE)
    if offset >= 0:
        frame = frame_at(ring, offset)
    else:
        k = _next_message(core, links)
        if k < 0:
            catch_up(core, np.int64(Lag.NONE))
            links.words[IDLE_N] += 1
            if links.words[IDLE_N] & (IDLE_LOOK - 1) != 0:
                return np.int64(0)
        frame = _frame_of(core, links, k)
        if k >= 0:
            data = links.read_data[k]
            if links.records[k].role >= LinkRole.ORDERS:
                if _acknowledged(core, data, frame, links.spans):
                    core.telemetry.counters[Counter.ACKS, 0] += 1
                else:
                    _to_desk(links, k, frame)
                return np.int64(1)
    advance_time(core, frame.receive_ns)
    is_timed = fire_timer(core, frame.receive_ns, True)
    if k < 0 and offset < 0:
        return np.int64(is_timed)
    lag = np.int64(Lag.NONE)
    if k >= 0:
        lag = lag_of(core, links, k, start_cycles)
    kind = take_frame(core, data, frame, start_cycles, lag)
    core.control[FRAMES_DONE] += 1
    catch_up(core, lag)
    if offset >= 0:
        if frame.source == FrameSource.REST:  # what the clerk wrote is none of the venue's
            keep(links.capture, data, frame, frame.hint)
        release(ring)
        return np.int64(1)
    instrument = np.int64(NO_ID)
    if kind == Kind.OTHER:
        _to_desk(links, k, frame)
    elif kind != Kind.UNDECIDED and kind != Kind.STRANGER:
        instrument = core.decoder.decoded[0].instrument
    remember(links.capture, k, frame, instrument)
    return np.int64(1)


@hot_part
def _acknowledged(core, data, frame, spans):
    """Whether the message was one about our orders, whose report now waits to be applied."""
    parts = core.decoder.parts
    return acknowledge(
        core.gateway.reports,
        data,
        frame.start,
        frame.length,
        frame.receive_ns,
        spans,
        parts.symbols,
        parts.instruments,
        core.gateway.templates.epoch[0],
    )


@hot_part
def _frame_of(core, links, k):
    """The message that link ``k`` has read; without one, the present moment."""
    if k < 0:
        now_ns = realtime_ns(core.time_spec)
        zero = np.int64(0)
        return Frame(zero, zero, now_ns, np.int64(NO_ID), np.int64(FrameSource.STREAM), zero)
    reader = reader_of(links, k)
    record = links.records[k]
    record.messages_n += 1
    return Frame(
        payload_start(reader),
        payload_bytes(reader),
        record.received_ns,
        np.int64(NO_ID),
        np.int64(FrameSource.STREAM),
        record.messages_n,
    )


@hot_part
def _next_message(core, links):
    """The link whose reader holds a message now, or NONE."""
    k = np.int64(NONE)
    for _ in range(LOOKS_PER_PASS):
        k = _turn(links)
        if k < 0:
            return k
        code = _look(core, links, k)
        if code == TEXT or code == BINARY:
            return k
        if code != NOTHING:
            break
    return np.int64(NONE)


@hot_part
def _look(core, links, k):
    """What link ``k`` has now: TEXT or BINARY for a message, NOTHING, or else: it is dealt with."""
    if load_acquire(links.states, k) == LinkState.OFFERED:
        _adopt(core, links, k)
        return np.int64(PONG)
    if load_acquire(links.wishes, k) != 0:
        _say_goodbye(links, k, CLOSE_NORMAL, LinkEnd.RETIRED, 0)
        return np.int64(CLOSE)
    reader = reader_of(links, k)
    code = next_frame(reader)
    if code == NOTHING:
        if waiting_bytes(links, k) > 0 and flush(links, k) == ENDED:
            return np.int64(CLOSE)
        got = receive_some(links, k)
        if got <= 0:
            links.words[STREAK_N] = STREAK_MAX
            return np.int64(NOTHING if got == WOULD_BLOCK else CLOSE)
        note_receive(core, links, k, got)
        code = next_frame(reader)
    elif code == TEXT or code == BINARY:
        core.telemetry.counters[Counter.BACKLOG, 0] += 1
        # Messages of one receive differ in their stamps: so a recording keeps their order.
        links.records[k].received_ns += 1
    if code != TEXT and code != BINARY and code != NOTHING:
        _answer(links, k, code)
    return np.int64(code)


@hot_part
def _turn(links):
    """The link that is looked at now: OFFERED or OPEN; NONE: there is none."""
    words = links.words
    words[LOOKS_N] += 1
    others_first = words[LOOKS_N] & (OTHERS_EVERY - 1) == 0
    if not others_first:
        k = words[MARKET_LINK]
        if words[STREAK_N] < STREAK_MAX and _is_ours(links, k) and _has_market_data(links, k):
            words[STREAK_N] += 1
            return k
        words[STREAK_N] = 1
    for turn in range(2):
        pointer = MARKET_LINK if others_first == (turn == 1) else OTHER_LINK
        k = words[pointer]
        for _ in range(LINKS_MAX):
            k = (k + 1) % LINKS_MAX
            if _is_ours(links, k) and _has_market_data(links, k) == (pointer == MARKET_LINK):
                words[pointer] = k
                return k
    return np.int64(NONE)


@hot_part
def _has_market_data(links, k):
    return links.records[k].role < LinkRole.ORDERS


@hot_part
def _is_ours(links, k):
    state = load_acquire(links.states, k)
    return state == LinkState.OPEN or state == LinkState.OFFERED


@hot_part
def _adopt(core, links, k):
    """Take over a link that the cold side has made; its reader may hold bytes already."""
    record = links.records[k]
    record.opened_ns = realtime_ns(core.time_spec)
    record.received_ns = record.opened_ns
    record.received_cycles = cycles()  # of what came with the handshake; the row had another before
    record.has_more = 0
    # ADOPTED: from here on the cold side keeps its hands off
    store_release(links.states, k, LinkState.OPEN)
    links.words[ADOPTED_N] += 1


@hot
def _answer(links, k, code):
    """Deal with a control frame, or with an illegal one."""
    reader = reader_of(links, k)
    start = payload_start(reader)
    length = payload_bytes(reader)
    if code == PING:
        links.records[k].pings_n += 1
        if send_frame(links, k, PONG, reader.data, start, length) < ENDED:
            end_link(links, k, LinkEnd.BACKED_UP, 0)
    elif code == CLOSE:
        detail = np.int64(0)
        if length >= CLOSE_CODE_BYTES:
            detail = np.int64(reader.data[start]) << 8 | np.int64(reader.data[start + 1])
            length = CLOSE_CODE_BYTES
        if send_frame(links, k, CLOSE, reader.data, start, length) != ENDED:
            end_link(links, k, LinkEnd.CLOSE_FRAME, detail)
    elif code < 0:
        reason = CLOSE_TOO_BIG if code == MESSAGE_TOO_LONG else CLOSE_PROTOCOL_ERROR
        _say_goodbye(links, k, reason, LinkEnd.PROTOCOL, code)


@hot
def _say_goodbye(links, k, close_code, why, detail):
    """Send a close frame if the kernel takes it, and let go."""
    if send_frame(links, k, CLOSE, links.close_codes, close_code, CLOSE_CODE_BYTES) != ENDED:
        end_link(links, k, why, detail)


@hot
def _to_desk(links, k, frame):
    """Hand a message to the cold side. What it must not miss and cannot take ends the link."""
    role = links.records[k].role
    pushed = push(
        links.to_desk,
        links.read_data[k],
        frame.start,
        frame.length,
        frame.receive_ns,
        k,
        FrameSource.LINK + role,
        frame.number,
    )
    if pushed == 0 and role >= LinkRole.ORDERS:
        _say_goodbye(links, k, CLOSE_NORMAL, LinkEnd.DESK_FULL, 0)
