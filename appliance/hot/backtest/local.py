"""What we know of the market in a backtest: rows of history as they come in here, into the view.

The view is the MARKET record that the live loop makes of the same frames, and the gate is told the
same of it (hot/view.py).
"""

from typing import Final

import numpy as np

from appliance.abi.history import AT_LOCAL, BUY, IS_LEVEL, LAST, SELL, WHAT_MASK, What
from appliance.abi.limits import VIEW_LEVELS
from appliance.abi.market import BookState, Event
from appliance.hot.backtest.depth import NOBODY, Depth, lots_at, next_level, set_level
from appliance.hot.backtest.venue import clear
from appliance.hot.jit import hot, hot_inline, hot_part, out_of_line
from appliance.hot.view import tell_gate

NOTHING: Final = 0  # instead of an Event: the message goes on, or says nothing new


@hot
def on_local_levels(sides, lots, rows, at, end, i):
    """Takes in the levels from row ``at`` on, but for the last of a message. The row to go on
    with."""
    out_of_line()
    depth = Depth(sides, lots)
    while at < end:
        row = rows[at]
        what = row.kind
        if what & AT_LOCAL != 0:
            if what & (IS_LEVEL | LAST) != IS_LEVEL:
                break
            k = 2 * i + np.int64(what & SELL != 0)
            set_level(depth, k, row.ticks if what & BUY != 0 else -row.ticks, row.lots)
        at += 1
    return at


@hot_part
def on_local_row(core, depth, i, row):
    """Takes a row in. The Event that it completes, or NOTHING."""
    what = row.kind
    kind = what & WHAT_MASK
    view = core.latest[i]
    event = np.int64(NOTHING)
    if what & IS_LEVEL != 0:
        if what & BUY != 0:
            set_level(depth, 2 * i, row.ticks, row.lots)
        else:
            set_level(depth, 2 * i + 1, -row.ticks, row.lots)
        event = np.int64(Event.DEPTH)
        view.book_id = row.id
    elif kind == What.TRADE:
        event = np.int64(Event.TRADE)
        view.trade_ticks = row.ticks
        view.trade_lots = row.lots
        view.buyer_is_maker = np.int64(what & SELL != 0)
    elif kind == What.CLEAR or kind == What.SILENCE:
        clear(depth, i, what, row.ticks)
        event = np.int64(Event.STATE if kind == What.SILENCE else Event.DEPTH)
    elif kind == What.TICKER:
        _take_touch(view, what, row)
        event = np.int64(Event.TICKER)
    if what & LAST == 0:
        return np.int64(NOTHING)
    _complete(core, depth, i, event, row)
    return event


@hot_inline
def _take_touch(view, what, row):
    if row.id >= view.touch_id:
        view.touch_id = row.id
        if what & BUY != 0:
            view.bid_ticks = row.ticks
            view.bid_lots = row.lots
        else:
            view.ask_ticks = row.ticks
            view.ask_lots = row.lots


@hot_part
def _complete(core, depth, i, event, row):
    """The message is complete: the view, and what the gate needs of it."""
    view = core.latest[i]
    if event != Event.TRADE:
        view.trade_ticks = 0
        view.trade_lots = 0
    if event == Event.DEPTH or event == Event.STATE:
        head = core.books.heads[i]
        bid, ask = depth.sides[2 * i].best, depth.sides[2 * i + 1].best
        if bid != NOBODY and ask != NOBODY:
            head.state = BookState.LIVE
            head.last_event_ns = row.local_ns
            if view.book_id >= view.touch_id:
                view.touch_id = view.book_id
                view.bid_ticks = bid
                view.bid_lots = lots_at(depth, 2 * i, bid)
                view.ask_ticks = -ask
                view.ask_lots = lots_at(depth, 2 * i + 1, ask)
        else:
            head.state = BookState.SYNCING if head.state < BookState.LIVE else BookState.STALE
        view.book_state = head.state
    view.event = event
    view.exchange_ns = row.exchange_ns
    view.receive_ns = row.local_ns
    tell_gate(core, i)


@hot
def copy_levels(depth, i, view):
    """The best VIEW_LEVELS levels of each side into the view; zeros behind them."""
    bid = depth.sides[2 * i].best
    view.bid_n = 0
    for k in range(VIEW_LEVELS):
        ticks, lots = np.int64(0), np.int64(0)
        if bid != NOBODY:
            ticks, lots = bid, lots_at(depth, 2 * i, bid)
            view.bid_n = k + 1
            bid = next_level(depth, 2 * i, bid)
        view.bids_ticks[k] = ticks
        view.bids_lots[k] = lots
    ask = depth.sides[2 * i + 1].best
    view.ask_n = 0
    for k in range(VIEW_LEVELS):
        ticks, lots = np.int64(0), np.int64(0)
        if ask != NOBODY:
            ticks, lots = -ask, lots_at(depth, 2 * i + 1, ask)
            view.ask_n = k + 1
            ask = next_level(depth, 2 * i + 1, ask)
        view.asks_ticks[k] = ticks
        view.asks_lots[k] = lots
