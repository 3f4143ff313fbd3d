"""What the venue says of an order, applied to the order table and the position.

One report, one transition of orders.MACHINE. The venue is right about what was traded: fills are
booked as it gives them, and where it tells what was executed in all, so is what was lost before.

Everything here belongs to the one agent that owns the table.
"""

from typing import Final

from appliance.abi.counters import Counter
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import ORDER_SLOT_BITS, ORDER_SLOT_MASK, OrderState, Report
from appliance.hot.jit import hot, hot_inline
from appliance.hot.orders import add_exposure, end_order, leaves_lots, slot_of
from appliance.hot.own_orders import NONE
from appliance.hot.position import apply_fill, apply_value

FOREIGN_KEY: Final = -1  # of a report about an order that this session never sent

# Results of apply_report below zero. LATE_FILL and FOREIGN_FILL are booked to the position.
STRAY: Final = -1  # the table does not hold the order; nothing changed
ILLEGAL: Final = -2  # the order's state does not allow it, or it makes no sense; nothing changed
LATE_FILL: Final = -3  # of an order that had ended with lots left
FOREIGN_FILL: Final = -4  # of an order that we never sent: liquidation, settlement, by hand
REPEATED: Final = -5  # a fill that is booked already; nothing changed


@hot
def _book(order, positions, report, counters):
    """Book a fill of ``order`` (live or ended) to its position and its sums. 1, or 0: no sense."""
    if report.instrument != order.instrument or report.side != order.side:
        return 0
    lots = report.quantity_lots
    if not apply_fill(positions, order.instrument, order.side, report.price_ticks, lots):
        return 0
    order.filled_lots += lots
    order.filled_tick_lots += lots * report.price_ticks
    order.updated_ns = report.venue_ns
    counters[Counter.FILLS, 0] += 1
    return 1


@hot
def _catch_up(orders, positions, account, slot, report, counters):
    """Book what a report says was executed of the order in all and is not booked yet.

    The lots booked, or NONE: fills are missing whose value nobody told, or it makes no sense.
    """
    order = orders.table[slot]
    lots = report.filled_lots - order.filled_lots
    if lots <= 0:
        return 0  # a repetition, or overtaken by a later report
    value = report.filled_tick_lots - order.filled_tick_lots
    if report.filled_tick_lots == 0:
        if report.report != Report.FILL or lots != report.quantity_lots:
            return NONE
        value = lots * report.price_ticks  # the venue's filters keep it far within an int64
    if report.instrument != order.instrument or report.side != order.side:
        return NONE
    before_lots = leaves_lots(order)
    if not apply_value(positions, order.instrument, order.side, value, lots):
        return NONE
    order.filled_lots += lots
    order.filled_tick_lots += value
    counters[Counter.FILLS, 0] += 1
    if lots > before_lots:
        counters[Counter.REPORTS_ILLEGAL, 0] += 1
    add_exposure(positions, account, order, leaves_lots(order) - before_lots, 0)
    return lots


@hot
def _apply_total(orders, positions, account, slot, report, after, counters):
    """The state after a report that tells what was executed in all; REPEATED.

    Where fills are missing the order becomes UNKNOWN: it stays exposure, and the venue is asked.
    """
    order = orders.table[slot]
    lots = _catch_up(orders, positions, account, slot, report, counters)
    if lots == NONE:
        counters[Counter.REPORTS_ILLEGAL, 0] += 1
        return OrderState.UNKNOWN
    if report.report == Report.FILL:
        if lots == 0:
            return REPEATED
        report.quantity_lots = lots  # what was booked, for whoever tells of it
    if leaves_lots(order) == 0:
        return OrderState.FILLED
    if after == OrderState.OPEN and order.filled_lots > 0:
        return OrderState.PARTIAL
    return after


@hot_inline
def _is_end(state):
    """Of a state that a report led to: it frees the slot."""
    is_done = state == OrderState.FILLED or state == OrderState.CANCELED
    return is_done or state == OrderState.REJECTED or state == OrderState.EXPIRED


@hot
def _note_told(order, report, after):
    """Keep the most that was told of the order, and its end: the fills may be on their way."""
    if report.instrument != order.instrument:
        return
    if report.tells_total != 0 and report.side == order.side:
        order.told_lots = max(order.told_lots, report.filled_lots)
    if after == OrderState.CANCELED or after == OrderState.EXPIRED:
        order.told_end = after


@hot_inline
def _with_what_was_told(order, after):
    """``after``, unless earlier reports know better: they overtake each other, and get lost.

    While fewer lots are booked than were told of, the order is in doubt, whatever else is said of
    it. Once they are booked, an end that was told with them is its end.
    """
    if order.filled_lots < order.told_lots:
        return OrderState.UNKNOWN
    if order.told_end != 0 and after != OrderState.FILLED:
        return order.told_end
    return after


@hot
def _apply_absent(orders, positions, report, counters):
    """A report of no live order: it can only matter if it is a fill.

    An ended order with lots left may have traded before it ended: the venue is right. One that is
    filled completely cannot have, so that is a repetition. A foreign order changes the position.
    """
    key = report.order_key
    slot = key & ORDER_SLOT_MASK
    if report.report == Report.FILL:
        if key == FOREIGN_KEY:
            i, lots, price = report.instrument, report.quantity_lots, report.price_ticks
            if apply_fill(positions, i, report.side, price, lots):
                counters[Counter.FILLS, 0] += 1
                counters[Counter.REPORTS_STRAY, 0] += 1
                return FOREIGN_FILL
        elif key >= 0 and slot < ORDERS_MAX:
            order = orders.table[slot]
            ours = order.generation == key >> ORDER_SLOT_BITS and order.generation > 0
            if ours and report.tells_total != 0 and report.filled_lots <= order.filled_lots:
                return REPEATED
            if ours and leaves_lots(order) > 0 and _book(order, positions, report, counters):
                counters[Counter.REPORTS_ILLEGAL, 0] += 1
                return LATE_FILL
    counters[Counter.REPORTS_STRAY, 0] += 1
    return STRAY


@hot
def _note(order, report, kind):
    """What a report says beside the state."""
    order.updated_ns = report.venue_ns
    if kind == Report.ACCEPTED:
        order.venue_id = report.venue_id
    elif kind == Report.CANCEL_REJECTED or kind == Report.UNKNOWN:
        order.cancel_sent = 0  # the cancel did not happen for certain: allow another


@hot
def apply_report(orders, positions, account, report, counters):
    """Apply one REPORT record. The order's new state, or STRAY, ILLEGAL, LATE_FILL, FOREIGN_FILL.

    Or REPEATED: a fill whose total is booked already. A new state that is an end (FILLED, CANCELED,
    REJECTED, EXPIRED) has freed the slot. Fills are
    booked as the venue gives them, also beyond what was asked for (counted as illegal; the
    exposure stops at zero): the venue is right about what was traded. Repeated fills of a live
    order cannot be told from new ones here; who fills the report ring drops them by trade id.
    """
    counters[Counter.REPORTS, 0] += 1
    kind = report.report
    slot = slot_of(orders, report.order_key)
    if slot == NONE:
        return _apply_absent(orders, positions, report, counters)
    order = orders.table[slot]
    after = NONE
    if 0 <= kind < orders.transitions.shape[1]:
        after = orders.transitions[order.state, kind]
    if after == NONE and kind == Report.ACCEPTED and report.tells_total != 0:
        after = order.state  # open already; what it tells of fills may be news
    if after == NONE:
        counters[Counter.REPORTS_ILLEGAL, 0] += 1
        return ILLEGAL
    _note_told(order, report, after)
    if report.tells_total != 0:
        after = _apply_total(orders, positions, account, slot, report, after, counters)
        if after == REPEATED:
            return REPEATED
        _note(order, report, kind)
    elif kind == Report.FILL:
        before_lots = leaves_lots(order)
        if not _book(order, positions, report, counters):
            counters[Counter.REPORTS_ILLEGAL, 0] += 1
            return ILLEGAL
        if report.quantity_lots > before_lots:
            counters[Counter.REPORTS_ILLEGAL, 0] += 1
        after_lots = leaves_lots(order)
        add_exposure(positions, account, order, after_lots - before_lots, 0)
        if after_lots == 0:
            after = OrderState.FILLED
    else:
        _note(order, report, kind)
        if after == OrderState.OPEN and order.filled_lots > 0:
            after = OrderState.PARTIAL
    after = _with_what_was_told(order, after)
    order.state = after
    if _is_end(after):
        return end_order(orders, positions, account, slot, counters)
    return after
