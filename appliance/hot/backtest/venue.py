"""The simulated venue: its book, our orders in their queues, and what comes of them.

* An order that crosses trades at once, as a taker; POST_ONLY is refused instead. WHOLE_FILLS: all
  of it at the touch. PARTIAL_FILLS: level by level with what stands there, and a GTC's rest at its
  own price, for the book of history cannot show it.
* A resting order trades as a maker, at its price: all of it when a trade goes beyond its price or
  the other side's best price comes to it; when trades at its price have eaten what stood in front
  of it (queue.py), all of it (WHOLE_FILLS), or as much as went beyond that (PARTIAL_FILLS).
* History does not know of our orders: they take nothing away from anybody.

The rules are those of hftbacktest 2.4 (NoPartialFillExchange, PartialFillExchange), whose results
these give. Times are the venue's, prices signed (depth.py), k = 2 x instrument + (sells: 1).
"""

from typing import Final

import numpy as np

from appliance.abi.history import AT_EXCHANGE, BUY, IS_LEVEL, SELL, WHAT_MASK, Happened, What
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import ORDER_SLOT_MASK, Action, Report, Side, TimeInForce
from appliance.hot.backtest.answers import answer, note_down, send_report
from appliance.hot.backtest.depth import NOBODY, Depth, clear_side, lots_at, next_level, set_level
from appliance.hot.backtest.latency import response_ns
from appliance.hot.backtest.lines import put_in_line, remove
from appliance.hot.backtest.queue import on_level, on_trade, through_lots
from appliance.hot.backtest.venue_state import (
    FILLS,
    LAST_ID,
    LOG_N,
    NONE,
    POST_ONLY_REPORT,
    QUEUE,
    SCRIPTED,
    WHOLE_FILLS,
)
from appliance.hot.jit import hot, hot_inline, out_of_line

FILLS_MAX: Final = 64  # levels that one order may take


@hot
def on_levels(sides, lots, own, rows, at, end, i, until_ns):
    """Takes in the levels from row ``at`` on, as far as none of them is a matter of our orders.

    The row to go on with: the first that is something else, or happens after ``until_ns``.
    """
    out_of_line()
    depth = Depth(sides, lots)
    while at < end:
        row = rows[at]
        what = row.kind
        if what & AT_EXCHANGE != 0:
            if what & IS_LEVEL == 0 or row.exchange_ns > until_ns:
                break
            k = 2 * i + np.int64(what & SELL != 0)
            signed = row.ticks if what & BUY != 0 else -row.ticks
            if own[k].worst_signed <= signed <= own[k].best_signed:
                break
            if row.lots > 0 and own[k ^ 1].best_signed >= -signed:
                break
            set_level(depth, k, signed, row.lots)
        at += 1
    return at


@hot_inline
def on_row(venue, i, row):
    """Takes in a row of history of instrument ``i`` that happens at the venue now."""
    what = row.kind
    kind = what & WHAT_MASK
    k = 2 * i + np.int64(what & SELL != 0)
    if what & IS_LEVEL != 0:
        signed = row.ticks if what & BUY != 0 else -row.ticks
        before_best = venue.depth.sides[k].best
        before_lots = set_level(venue.depth, k, signed, row.lots)
        mine = venue.own[k]
        if before_lots >= 0 and mine.worst_signed <= signed <= mine.best_signed:
            _on_own_level(venue, k, signed, before_lots, row.lots)
        best = venue.depth.sides[k].best
        if best > before_best and venue.own[k ^ 1].best_signed >= -best:
            _fill_until(venue, k ^ 1, -best, row.exchange_ns)
    elif kind == What.TRADE:
        # Who bought took from those who sell.
        other = 2 * i + np.int64(what & BUY != 0)
        signed = -row.ticks if what & BUY != 0 else row.ticks
        if venue.own[other].best_signed >= signed:
            _on_trade(venue, other, signed, row.lots, row.exchange_ns)
    elif kind == What.CLEAR or kind == What.SILENCE:
        clear(venue.depth, i, what, row.ticks)


@hot
def clear(depth, i, what, ticks):
    """A CLEAR row: one side as far as ``ticks``, or both."""
    if what & SELL == 0:
        clear_side(depth, 2 * i, ticks if what & BUY != 0 else np.int64(0))
    if what & BUY == 0:
        clear_side(depth, 2 * i + 1, -ticks if what & SELL != 0 else np.int64(0))


@hot
def _on_own_level(venue, k, signed, before_lots, lots):
    slot = venue.own[k].best
    model, power = venue.words[QUEUE], venue.power[0]
    for _ in range(ORDERS_MAX):
        if slot == NONE or venue.resting[slot].signed < signed:
            return
        order = venue.resting[slot]
        if order.signed == signed:
            on_level(order, before_lots, lots, model, power, venue.lot_sizes[k // 2])
        slot = order.worse


@hot
def _fill_until(venue, k, signed, now_ns):
    """The market has come to our orders of side ``k`` at ``signed`` and better: all are filled."""
    for _ in range(ORDERS_MAX):
        slot = venue.own[k].best
        if slot == NONE or venue.resting[slot].signed < signed:
            return
        _fill_resting(venue, slot, venue.resting[slot].leaves_lots, now_ns)


@hot
def _on_trade(venue, k, signed, lots, now_ns):
    """Somebody took ``lots`` of side ``k`` at ``signed``: better prices went first."""
    slot = venue.own[k].best
    for _ in range(ORDERS_MAX):
        if slot == NONE:
            return
        order = venue.resting[slot]
        worse = order.worse
        if order.signed < signed:
            return
        if order.signed > signed:
            _fill_resting(venue, slot, order.leaves_lots, now_ns)
        else:
            on_trade(order, lots)
            through = through_lots(order)
            if through > 0:
                order.front_lots = 0.0
                if venue.words[FILLS] == WHOLE_FILLS or through > order.leaves_lots:
                    through = order.leaves_lots
                _fill_resting(venue, slot, through, now_ns)
        slot = worse


@hot
def _fill_resting(venue, slot, lots, now_ns):
    order = venue.resting[slot]
    instrument, k, signed = order.instrument, order.k, order.signed
    key, venue_id, sent_ns = order.order_key, order.venue_id, order.sent_ns
    rested_ns = now_ns - order.placed_ns
    order.leaves_lots -= lots
    if order.leaves_lots == 0:
        remove(venue, slot)
    side, ticks = _side_ticks(k, signed)
    fill = np.int64(Report.FILL)
    local_ns = now_ns + response_ns(venue.latency, now_ns)
    local_ns = send_report(
        venue, fill, key, instrument, side, ticks, lots, 1, venue_id, now_ns, local_ns
    )
    entry = note_down(venue, Happened.FILL, key, instrument, side, ticks, lots)
    entry.maker = 1
    entry.sent_ns = sent_ns
    entry.exchange_ns = now_ns
    entry.local_ns = local_ns
    entry.rested_ns = rested_ns


@hot_inline
def _side_ticks(k, signed):
    side = np.int64(Side.BUY)
    if k & 1 != 0:
        side = np.int64(Side.SELL)
    return side, abs(signed)


@hot
def on_request(venue, request, now_ns):
    """A request has come to the venue."""
    if venue.words[SCRIPTED] != 0:
        _note_request(venue, request, now_ns)
    elif request.action == Action.CANCEL:
        _cancel(venue, request, now_ns)
    else:
        _place(venue, request, now_ns)


@hot
def _note_request(venue, request, now_ns):
    happened = np.int64(Happened.PLACED)
    if request.action == Action.CANCEL:
        happened = np.int64(Happened.CANCELED)
    ticks, lots = request.price_ticks, request.quantity_lots
    key, instrument = request.order_key, request.instrument
    entry = note_down(venue, happened, key, instrument, request.side, ticks, lots)
    entry.maker = 0
    entry.sent_ns = request.sent_ns
    entry.exchange_ns = now_ns
    entry.local_ns = now_ns
    entry.rested_ns = 0


@hot
def _cancel(venue, request, now_ns):
    slot = request.order_key & ORDER_SLOT_MASK
    order = venue.resting[slot]
    if order.order_key != request.order_key:
        kind, happened = np.int64(Report.CANCEL_REJECTED), np.int64(Happened.CANCEL_REJECTED)
        answer(venue, request, kind, happened, 0, 0, 0, now_ns)
        return
    venue_id, placed_ns = order.venue_id, order.placed_ns
    remove(venue, slot)
    kind, happened = np.int64(Report.CANCELED), np.int64(Happened.CANCELED)
    answer(venue, request, kind, happened, 0, 0, venue_id, now_ns)
    venue.log[venue.words[LOG_N] - 1].rested_ns = now_ns - placed_ns


@hot
def _place(venue, request, now_ns):
    venue.words[LAST_ID] += 1
    venue_id = venue.words[LAST_ID]
    k = 2 * request.instrument + np.int64(request.side == Side.SELL)
    signed = request.price_ticks * request.side
    other_best = venue.depth.sides[k ^ 1].best
    if other_best == NOBODY or signed < -other_best:
        if request.time_in_force == TimeInForce.IOC:
            kind, happened = np.int64(Report.EXPIRED), np.int64(Happened.EXPIRED)
        else:
            put_in_line(venue, request, k, signed, venue_id, now_ns)
            kind, happened = np.int64(Report.ACCEPTED), np.int64(Happened.PLACED)
        answer(venue, request, kind, happened, 0, 0, venue_id, now_ns)
        return
    if request.time_in_force == TimeInForce.POST_ONLY:
        kind, happened = venue.words[POST_ONLY_REPORT], np.int64(Happened.REFUSED)
        answer(venue, request, kind, happened, 0, 0, venue_id, now_ns)
        return
    _take(venue, request, k, signed, venue_id, now_ns)


@hot
def _take(venue, request, k, signed, venue_id, now_ns):
    """An order that crosses."""
    fill, filled = np.int64(Report.FILL), np.int64(Happened.FILL)
    leaves_lots = request.quantity_lots
    level = venue.depth.sides[k ^ 1].best
    if venue.words[FILLS] == WHOLE_FILLS:
        answer(venue, request, fill, filled, abs(level), leaves_lots, venue_id, now_ns)
        return
    for _ in range(FILLS_MAX):
        if level == NOBODY or level < -signed or leaves_lots == 0:
            break
        lots = min(leaves_lots, lots_at(venue.depth, k ^ 1, level))
        if level != -signed or request.time_in_force == TimeInForce.IOC:
            answer(venue, request, fill, filled, abs(level), lots, venue_id, now_ns)
            leaves_lots -= lots
        level = next_level(venue.depth, k ^ 1, level)
    if leaves_lots == 0:
        return
    if request.time_in_force == TimeInForce.IOC:
        kind, happened = np.int64(Report.EXPIRED), np.int64(Happened.EXPIRED)
        answer(venue, request, kind, happened, 0, 0, venue_id, now_ns)
    else:
        ticks = request.price_ticks
        answer(venue, request, fill, filled, ticks, leaves_lots, venue_id, now_ns)
