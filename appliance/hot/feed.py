"""Agent: frames in, market records out. Frame ring -> decode -> book -> market ring.

What the decoder is unsure of goes to the clerk, what is too long to look at as well; neither stops
the loop, except in lockstep (replay), where the order of frames must not change.
"""

from typing import Final

import numpy as np

from appliance.abi.book import LEVELS_CHANGED, STATE_CHANGED
from appliance.abi.control import (
    FRAMES_DONE,
    LOCKSTEP,
    NOW_NS,
    SILENCE_DUE_NS,
    SILENCE_MAX_NS,
    WAITS_FOR_CLERK,
)
from appliance.abi.counters import Counter
from appliance.abi.limits import FRAME_BYTES_MAX
from appliance.abi.link import Lag
from appliance.abi.market import Event, Kind
from appliance.abi.telemetry import Stage
from appliance.hot.book.sync import check_silence, on_depth, on_snapshot, on_ticker
from appliance.hot.cpu import cycles
from appliance.hot.decode.frame import decode
from appliance.hot.frame_ring import frame_at, peek, push, release
from appliance.hot.jit import hot_part
from appliance.hot.notes import begin_frame, stage_over
from appliance.hot.timer import fire_timer
from appliance.hot.view import show, take_book, take_ticker, tell_gate, tell_state

# By the time of the frames, and before a frame is applied: the same at every pace of a replay.
SILENCE_LOOK_NS: Final = 10_000_000

# Kind -> the counter of frames decoded as that
_KIND_COUNTER: Final = np.zeros(len(Kind), np.int64)
for _kind, _counter in {
    Kind.UNDECIDED: Counter.UNDECIDED,
    Kind.DEPTH: Counter.DECODED_DEPTH,
    Kind.PARTIAL: Counter.DECODED_PARTIAL,
    Kind.TICKER: Counter.DECODED_TICKER,
    Kind.TRADE: Counter.DECODED_TRADE,
    Kind.AGG_TRADE: Counter.DECODED_AGG_TRADE,
    Kind.SNAPSHOT: Counter.DECODED_SNAPSHOT,
    Kind.OTHER: Counter.DECODED_OTHER,
    Kind.STRANGER: Counter.STRANGERS,
}.items():
    _KIND_COUNTER[_kind] = _counter


@hot_part
def poll_feed(core):
    """Takes one frame, the clerk's first. Returns the work done, 0 or 1."""
    ring = core.from_clerk
    offset = peek(ring)
    if offset < 0:
        ring = core.ingress
        offset = peek(ring)
        if offset < 0:
            return 0
    start_cycles = cycles()
    frame = frame_at(ring, offset)
    if fire_timer(core, frame.receive_ns, False):
        return 1  # the frame has its turn when that is done
    advance_time(core, frame.receive_ns)
    take_frame(core, ring.data, frame, start_cycles, np.int64(Lag.NONE))
    release(ring)
    core.control[FRAMES_DONE] += 1
    return 1


@hot_part
def advance_time(core, now_ns):
    """The market's time is ``now_ns``: looks for silent books if that is due."""
    control = core.control
    if now_ns < control[NOW_NS]:
        core.telemetry.counters[Counter.CLOCK_STEPS_BACK, 0] += 1
        return
    control[NOW_NS] = now_ns
    if now_ns >= control[SILENCE_DUE_NS]:
        control[SILENCE_DUE_NS] = now_ns + SILENCE_LOOK_NS
        for i in range(core.latest.shape[0]):
            poll_silence(core, i)


@hot_part
def take_frame(core, data, frame, start_cycles, lag):
    """Decodes a frame of ``data`` and applies it: Lag says who sees it. Its Kind."""
    counters = core.telemetry.counters
    length = frame.length
    begin_frame(core.notes)
    began = stage_over(core.notes, Stage.FEED, start_cycles)
    kind = np.int64(Kind.UNDECIDED)
    if length <= FRAME_BYTES_MAX:
        kind = decode(core.decoder, data, frame.start, length, frame.hint)
    began = stage_over(core.notes, Stage.DECODE, began)
    counters[Counter.FRAMES, 0] += 1
    counters[Counter.FRAME_BYTES, 0] += length
    counters[_KIND_COUNTER[kind], 0] += 1
    if kind == Kind.UNDECIDED:
        _to_clerk(core, data, frame)
    elif kind < Kind.OTHER:
        _apply(core, kind, frame.receive_ns, start_cycles, lag)
        stage_over(core.notes, Stage.BOOK, began)
    return kind


@hot_part
def _to_clerk(core, data, frame):
    pushed = push(
        core.to_clerk,
        data,
        frame.start,
        frame.length,
        frame.receive_ns,
        frame.hint,
        frame.source,
        frame.number,
    )
    if pushed == 0:
        core.telemetry.counters[Counter.CLERK_FULL, 0] += 1
    elif core.control[LOCKSTEP] != 0:
        core.control[WAITS_FOR_CLERK] = 1


@hot_part
def _apply(core, kind, receive_ns, start_cycles, lag):
    """A decoded message into the book, and what follows from it into the market ring."""
    decoded = core.decoder.decoded
    counters = core.telemetry.counters
    message = decoded[0]
    i = message.instrument
    books = core.books
    units = core.decoder.parts.levels.units
    flags = np.int64(0)
    event = np.int64(Event.DEPTH)
    if kind == Kind.TICKER:
        event = np.int64(Event.TICKER)
        flags = on_ticker(books, i, decoded, counters, receive_ns)
    elif kind == Kind.DEPTH:
        flags = on_depth(books, i, decoded, units, counters, receive_ns)
    elif kind == Kind.SNAPSHOT:
        flags = on_snapshot(books, i, decoded, units, counters, receive_ns)
    elif kind == Kind.PARTIAL:
        return  # the full book says more
    else:
        event = np.int64(Event.TRADE)
        if message.at_market == 0 or _is_repeated(core, kind, message):
            return
        if lag == Lag.FAR_BEHIND:
            counters[Counter.TRADES_SHED, 0] += 1
            return
    view = core.latest[i]
    if event == Event.DEPTH and flags == 0:
        return
    if event == Event.TICKER:
        take_ticker(view, message)
    if flags & LEVELS_CHANGED:
        take_book(core, view, i)
    if flags & STATE_CHANGED:
        tell_state(core, i, receive_ns)
    view.event = event
    view.exchange_ns = message.event_ns
    view.receive_ns = receive_ns
    view.start_cycles = start_cycles
    view.trade_ticks = 0
    view.trade_lots = 0
    if event == Event.TRADE:
        view.trade_ticks = message.price_ticks
        view.trade_lots = message.quantity_lots
        view.buyer_is_maker = message.buyer_is_maker
    tell_gate(core, i)
    if lag != Lag.NONE and event != Event.TRADE and flags & STATE_CHANGED == 0:
        counters[Counter.CONFLATED, 0] += 1
        core.unshown[i] = 1
    else:
        show(core, i)


@hot_part
def _is_repeated(core, kind, message):
    """Whether this trade came before: while one connection follows another, both tell it."""
    last = core.trade_ids[message.instrument]
    column = np.int64(kind == Kind.AGG_TRADE)
    if message.last_id <= last[column]:
        core.telemetry.counters[Counter.TRADES_REPEATED, 0] += 1
        return True
    last[column] = message.last_id
    return False


@hot_part
def poll_silence(core, i):
    """Timer: makes the book of instrument ``i`` stale if nothing came for too long."""
    control = core.control
    now_ns = control[NOW_NS]
    flags = check_silence(core.books, i, now_ns, control[SILENCE_MAX_NS], core.telemetry.counters)
    if flags != 0:
        tell_stale(core, i, now_ns)


@hot_part
def tell_stale(core, i, now_ns):
    """The book of instrument ``i`` changed its state without a frame: says so to the strategy."""
    view = core.latest[i]
    take_book(core, view, i)
    tell_state(core, i, now_ns)
    view.event = Event.STATE
    view.receive_ns = now_ns
    view.start_cycles = cycles()
    view.trade_ticks = view.trade_lots = 0
    tell_gate(core, i)
    show(core, i)
