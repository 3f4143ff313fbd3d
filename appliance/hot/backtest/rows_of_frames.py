"""Recorded frames to rows of history, by the decoder and the books that the live loop has.

What does not change a live book makes no row: a difference that is older than its book, a trade
that was told before. A book that becomes live is told whole, one that is lost is cleared; so the
rows make, level by level, the books that the live loop would have had.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.control import WAITS_FOR_CLERK
from appliance.abi.counters import Counter
from appliance.abi.history import (
    AT_EXCHANGE,
    AT_LOCAL,
    BUY,
    HISTORY,
    LAST,
    SELL,
    What,
)
from appliance.abi.layout import records
from appliance.abi.limits import BOOK_LEVELS_MAX, INSTRUMENTS_MAX, LEVELS_PER_FRAME_MAX
from appliance.abi.link import Lag
from appliance.abi.market import (
    ASK_LOTS,
    ASK_TICKS,
    BID_LOTS,
    BID_TICKS,
    BookState,
    Kind,
)
from appliance.abi.units import NO_ID, NO_TIME
from appliance.hot.book.all_levels import copy_all
from appliance.hot.cpu import cycles
from appliance.hot.feed import advance_time, take_frame
from appliance.hot.frame_ring import frame_at, peek, release
from appliance.hot.jit import hot, hot_inline, hot_part

# Why rows_of_frames came back.
EMPTY: Final = 0  # no frame waits
FULL: Final = 1
CLERK: Final = 2

BOTH: Final = AT_EXCHANGE | AT_LOCAL
ROWS_PER_FRAME_MAX: Final = 2 * max(BOOK_LEVELS_MAX, LEVELS_PER_FRAME_MAX) + 2
ROWS_MAX: Final = 1 << 17

# Columns of RowMaker.known
EXCHANGE_NS: Final = 0  # the latest time that the venue told
HAS_TRADES: Final = 1  # single trades are recorded: aggregated ones say nothing new
STATE: Final = 2  # of its book, as far as the rows tell
APPLIED_N: Final = 3


class RowMaker(NamedTuple):
    rows: Any  # HISTORY[ROWS_MAX]
    instruments: np.ndarray  # int64[ROWS_MAX]: whose row it is
    known: np.ndarray  # int64[INSTRUMENTS_MAX, 4]
    levels: np.ndarray  # int64[2, BOOK_LEVELS_MAX]: scratch
    words: np.ndarray  # int64[8]: [0] rows made


def make_row_maker() -> RowMaker:
    return RowMaker(
        records(ROWS_MAX, HISTORY),
        np.zeros(ROWS_MAX, np.int64),
        np.zeros((INSTRUMENTS_MAX, 4), np.int64),
        np.zeros((2, BOOK_LEVELS_MAX), np.int64),
        np.zeros(8, np.int64),
    )


@hot_inline
def _add(maker, i, kind, exchange_ns, local_ns, ticks, lots, identity):
    n = maker.words[0]
    row = maker.rows[n]
    row.kind = kind
    row.exchange_ns = exchange_ns
    row.local_ns = local_ns
    row.ticks = ticks
    row.lots = lots
    row.id = identity
    maker.instruments[n] = i
    maker.words[0] = n + 1


@hot
def _add_levels(maker, i, kind, exchange_ns, local_ns, ticks, lots, count, identity):
    for n in range(count):
        _add(maker, i, kind, exchange_ns, local_ns, ticks[n], lots[n], identity)


@hot
def _add_book(maker, books, i, exchange_ns, local_ns):
    """Everything there was is gone, and these levels are there."""
    kind = np.int64(What.CLEAR) | BOTH
    _add(maker, i, kind, exchange_ns, local_ns, 0, 0, NO_ID)
    ticks, lots = maker.levels[0], maker.levels[1]
    identity = books.heads[i].last_id
    for side in range(2):
        kind = np.int64(What.SNAPSHOT) | BOTH | (BUY if side == 0 else SELL)
        count = copy_all(books.sides[2 * i + side], ticks, lots)
        _add_levels(maker, i, kind, exchange_ns, local_ns, ticks, lots, count, identity)


@hot
def _on_book(maker, books, decoded, units, i, exchange_ns, local_ns, lost):
    """Book i is not what it was: what has changed? ``lost``: What, if it is not live any more."""
    head = books.heads[i]
    known = maker.known[i]
    was_live = known[STATE] == BookState.LIVE
    is_live = head.state == BookState.LIVE
    if was_live and not is_live:
        kind = lost | BOTH
        _add(maker, i, kind, exchange_ns, local_ns, 0, 0, NO_ID)
    elif is_live and not was_live:
        _add_book(maker, books, i, exchange_ns, local_ns)
    elif is_live:
        kind = np.int64(What.DEPTH) | BOTH | BUY
        ticks, lots, identity = units[BID_TICKS], units[BID_LOTS], head.last_id
        _add_levels(maker, i, kind, exchange_ns, local_ns, ticks, lots, decoded.bid_n, identity)
        kind = np.int64(What.DEPTH) | BOTH | SELL
        ticks, lots = units[ASK_TICKS], units[ASK_LOTS]
        _add_levels(maker, i, kind, exchange_ns, local_ns, ticks, lots, decoded.ask_n, identity)
    known[STATE] = head.state
    known[APPLIED_N] = head.applied_n


@hot
def _on_trade(maker, decoded, kind, i, exchange_ns, local_ns):
    if kind == Kind.TRADE:
        maker.known[i, HAS_TRADES] = 1
    what = np.int64(What.TRADE) | AT_LOCAL
    what |= SELL if decoded.buyer_is_maker != 0 else BUY
    if kind == Kind.TRADE or maker.known[i, HAS_TRADES] == 0:
        what |= AT_EXCHANGE
    ticks, lots = decoded.price_ticks, decoded.quantity_lots
    _add(maker, i, what, exchange_ns, local_ns, ticks, lots, decoded.last_id)


@hot
def _on_ticker(maker, decoded, i, exchange_ns, local_ns):
    kind, identity = np.int64(What.TICKER) | AT_LOCAL, decoded.last_id
    ticks, lots = decoded.bid_ticks, decoded.bid_lots
    _add(maker, i, kind | BUY, exchange_ns, local_ns, ticks, lots, identity)
    ticks, lots = decoded.ask_ticks, decoded.ask_lots
    _add(maker, i, kind | SELL, exchange_ns, local_ns, ticks, lots, identity)


@hot_part
def _on_frame(core, maker, kind, shown_n, local_ns):
    """A frame was taken: ``shown_n`` records were made of it for the strategy."""
    decoded = core.decoder.decoded[0]
    i = decoded.instrument
    exchange_ns = maker.known[i, EXCHANGE_NS]
    if decoded.trade_ns > NO_TIME:
        exchange_ns = decoded.trade_ns
    elif decoded.event_ns > NO_TIME:
        exchange_ns = decoded.event_ns
    elif exchange_ns == NO_TIME:
        exchange_ns = local_ns
    maker.known[i, EXCHANGE_NS] = max(exchange_ns, maker.known[i, EXCHANGE_NS])
    first = maker.words[0]
    head = core.books.heads[i]
    is_book = kind == Kind.DEPTH or kind == Kind.SNAPSHOT
    if is_book and (
        head.applied_n != maker.known[i, APPLIED_N] or head.state != maker.known[i, STATE]
    ):
        units = core.decoder.parts.levels.units
        lost = np.int64(What.CLEAR)
        _on_book(maker, core.books, decoded, units, i, exchange_ns, local_ns, lost)
        if maker.words[0] == first and head.state == BookState.LIVE:
            # Nothing changed, and the strategy is shown that: the best bid is what it was.
            what = np.int64(What.DEPTH) | BOTH | BUY
            ticks, lots = head.bid_ticks, head.bid_lots
            _add(maker, i, what, exchange_ns, local_ns, ticks, lots, head.last_id)
    elif kind == Kind.TICKER:
        _on_ticker(maker, decoded, i, exchange_ns, local_ns)
    elif (kind == Kind.TRADE or kind == Kind.AGG_TRADE) and shown_n > 0:
        _on_trade(maker, decoded, kind, i, exchange_ns, local_ns)
    if maker.words[0] > first:
        maker.rows[maker.words[0] - 1].kind |= LAST


@hot_part
def _on_silence(core, maker, local_ns):
    """Books that are lost without a frame of theirs."""
    for i in range(core.books.heads.shape[0]):
        if core.books.heads[i].state != maker.known[i, STATE]:
            decoded, units = core.decoder.decoded[0], core.decoder.parts.levels.units
            exchange_ns = maker.known[i, EXCHANGE_NS]
            first, lost = maker.words[0], np.int64(What.SILENCE)
            _on_book(maker, core.books, decoded, units, i, exchange_ns, local_ns, lost)
            if maker.words[0] > first:
                maker.rows[maker.words[0] - 1].kind |= LAST


@hot
def rows_of_frames(core, maker):
    """Takes the frames that wait. Why it came back: EMPTY, FULL, CLERK."""
    counters = core.telemetry.counters
    while maker.words[0] + ROWS_PER_FRAME_MAX < maker.rows.shape[0]:
        ring = core.from_clerk
        offset = peek(ring)
        if offset < 0:
            ring = core.ingress
            offset = peek(ring)
            if offset < 0:
                return np.int64(EMPTY)
        frame = frame_at(ring, offset)
        local_ns = frame.receive_ns
        advance_time(core, local_ns)
        _on_silence(core, maker, local_ns)
        shown_n = counters[Counter.MARKET_RECORDS, 0]
        kind = take_frame(core, ring.data, frame, cycles(), np.int64(Lag.NONE))
        release(ring)
        if kind > Kind.UNDECIDED and kind < Kind.OTHER:
            shown_n = counters[Counter.MARKET_RECORDS, 0] - shown_n
            _on_frame(core, maker, kind, shown_n, local_ns)
        if core.control[WAITS_FOR_CLERK] != 0:
            core.control[WAITS_FOR_CLERK] = 0
            return np.int64(CLERK)
    return np.int64(FULL)
