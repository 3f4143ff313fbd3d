"""The order table: pre-allocated slots, one state machine, exposure from the first moment.

A key names an order: generation << ORDER_SLOT_BITS | slot. The generation of a slot goes up at
each use, so a report of an earlier use is recognised. Ended orders go to the end of the free list
and keep their record until the slot's next use, which is as many orders away as slots are free:
the reports of a fill and of a cancel may travel on two sockets, and a fill that the cancel overtook
must still find its order.

Exposure (open lots of the POSITION, open orders of POSITION and GATE_ACCOUNT) is added when the
order is opened, before a byte is sent, and taken out by fills and by the end of the order. An
order whose outcome is UNKNOWN keeps all of it. So do the best prices of our own orders.

Everything here belongs to the one agent that owns the table.
"""

from typing import Final, NamedTuple

import numpy as np

from appliance.abi.counters import Counter
from appliance.abi.layout import records
from appliance.abi.limits import INSTRUMENTS_MAX, ORDERS_MAX
from appliance.abi.trading import ORDER, ORDER_SLOT_BITS, ORDER_SLOT_MASK, OrderState, Report, Side
from appliance.hot.jit import hot, hot_inline
from appliance.hot.own_orders import NONE, best_ticks_of, link, side_column, unlink

# Words of Orders.words
FIRST_FREE: Final = 0
LAST_FREE: Final = 1
LIVE_N: Final = 2
WORDS_N: Final = 8

# What each report does to an order. A pair that is missing is illegal: counted, and nothing else
# happens. FILL leads to FILLED instead when no lots are left; ACCEPTED leads to PARTIAL instead
# when fills arrived before it. CANCEL_REJECTED is no end: it may mean "filled already", whose
# fill is still on its way.
MACHINE: Final[dict[OrderState, dict[Report, OrderState]]] = {
    OrderState.SENT: {
        Report.ACCEPTED: OrderState.OPEN,
        Report.FILL: OrderState.PARTIAL,
        Report.CANCELED: OrderState.CANCELED,
        Report.REJECTED: OrderState.REJECTED,
        Report.EXPIRED: OrderState.EXPIRED,
        Report.CANCEL_REJECTED: OrderState.SENT,
        Report.UNKNOWN: OrderState.UNKNOWN,
    },
    OrderState.OPEN: {
        Report.FILL: OrderState.PARTIAL,
        Report.CANCELED: OrderState.CANCELED,
        Report.EXPIRED: OrderState.EXPIRED,
        Report.CANCEL_REJECTED: OrderState.OPEN,
        Report.UNKNOWN: OrderState.UNKNOWN,
    },
    OrderState.PARTIAL: {
        Report.ACCEPTED: OrderState.PARTIAL,  # the fill came before the acceptance
        Report.FILL: OrderState.PARTIAL,
        Report.CANCELED: OrderState.CANCELED,
        Report.EXPIRED: OrderState.EXPIRED,
        Report.CANCEL_REJECTED: OrderState.PARTIAL,
        Report.UNKNOWN: OrderState.UNKNOWN,
    },
    OrderState.UNKNOWN: {  # whatever the venue says settles it
        Report.ACCEPTED: OrderState.OPEN,
        Report.FILL: OrderState.PARTIAL,
        Report.CANCELED: OrderState.CANCELED,
        Report.REJECTED: OrderState.REJECTED,
        Report.EXPIRED: OrderState.EXPIRED,
        Report.CANCEL_REJECTED: OrderState.UNKNOWN,
        Report.UNKNOWN: OrderState.UNKNOWN,
    },
}


class Orders(NamedTuple):
    table: np.ndarray  # ORDER[ORDERS_MAX]
    words: np.ndarray  # int64[WORDS_N]
    transitions: np.ndarray  # int64[states, reports]: the next state, or NONE
    newest: np.ndarray  # int64[INSTRUMENTS_MAX, 2]: slot per instrument and side, or NONE
    links: np.ndarray  # int64[ORDERS_MAX, 2]: slots NEWER and OLDER of the same list, or NONE


def make_orders() -> Orders:
    """An empty table. Cold code, once before the loop starts."""
    table = records(ORDERS_MAX, ORDER)
    table["next_free"] = np.append(np.arange(1, ORDERS_MAX), NONE)
    words = np.zeros(WORDS_N, np.int64)
    words[LAST_FREE] = ORDERS_MAX - 1
    transitions = np.full((len(OrderState), len(Report)), NONE, np.int64)
    for state, row in MACHINE.items():
        for report, after in row.items():
            transitions[state, report] = after
    newest = np.full((INSTRUMENTS_MAX, 2), NONE, np.int64)
    links = np.full((ORDERS_MAX, 2), NONE, np.int64)
    return Orders(table, words, transitions, newest, links)


@hot_inline
def key_of(orders, slot):
    """The key of the order that stands (or last stood) in ``slot``."""
    return orders.table[slot].generation << ORDER_SLOT_BITS | slot


@hot_inline
def is_live(order):
    """Whether an ORDER record is exposure."""
    return order.state != OrderState.FREE


@hot_inline
def leaves_lots(order):
    """What can still be executed of an ORDER record; 0 after the venue filled too much."""
    return max(order.quantity_lots - order.filled_lots, 0)


@hot
def slot_of(orders, key):
    """Slot of the live order ``key``, or NONE: of an earlier use of the slot, ended, or no key."""
    slot = key & ORDER_SLOT_MASK
    if key < 0 or slot >= ORDERS_MAX:
        return NONE
    order = orders.table[slot]
    if order.generation != key >> ORDER_SLOT_BITS or order.state == OrderState.FREE:
        return NONE
    return slot


@hot_inline
def open_orders_n(position):
    """Of a POSITION: orders of both sides that are exposure."""
    return position.open_buy_orders_n + position.open_sell_orders_n


@hot
def _renew_best(orders, positions, order):
    """After ``order`` came or went: the best price of our orders of its side."""
    position = positions[order.instrument]
    best_ticks = position.own_bid_ticks if order.side == Side.BUY else position.own_ask_ticks
    if order.state != OrderState.FREE and best_ticks > 0:
        is_better = order.side * (order.price_ticks - best_ticks) > 0
        best_ticks = order.price_ticks if is_better else best_ticks
    elif order.price_ticks == best_ticks or best_ticks <= 0:
        best_ticks = best_ticks_of(orders, order.instrument, order.side)
    if order.side == Side.BUY:
        position.own_bid_ticks = best_ticks
    else:
        position.own_ask_ticks = best_ticks


@hot
def add_exposure(positions, account, order, lots, orders_n):
    """Add leaves and a count of orders (both may be negative) of ``order`` to what is open."""
    position = positions[order.instrument]
    if order.side == Side.BUY:
        position.open_buy_lots += lots
        position.open_buy_tick_lots += lots * order.price_ticks
        position.open_buy_orders_n += orders_n
    else:
        position.open_sell_lots += lots
        position.open_sell_orders_n += orders_n
    position.open_notional_tick_lots += lots * order.price_ticks
    account[0].open_orders_n += orders_n


@hot
def open_order(
    orders, positions, account, instrument, side, price_ticks, quantity_lots, tif, tag, now_ns
):
    """Take a slot for an order that is about to be sent. The slot, or NONE: the table is full.

    The order is exposure from here on. ``positions``: POSITION[]; ``account``: GATE_ACCOUNT[1].
    The gate has checked the values; the instrument must be one of ``positions``.
    """
    words = orders.words
    slot = words[FIRST_FREE]
    if slot == NONE:
        return NONE
    order = orders.table[slot]
    words[FIRST_FREE] = order.next_free
    if order.next_free == NONE:
        words[LAST_FREE] = NONE
    words[LIVE_N] += 1
    order.next_free = NONE
    order.state = OrderState.SENT
    order.generation += 1
    order.instrument = instrument
    order.side = side
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.filled_lots = 0
    order.filled_tick_lots = 0
    order.time_in_force = tif
    order.cancel_sent = 0
    order.cancel_ns = 0
    order.sent_ns = now_ns
    order.updated_ns = now_ns
    order.venue_id = 0
    order.tag = tag
    order.told_lots = 0
    order.told_end = 0
    order.link = NONE
    link(orders, slot, instrument, side_column(side))
    add_exposure(positions, account, order, quantity_lots, 1)
    _renew_best(orders, positions, order)
    return slot


@hot
def end_order(orders, positions, account, slot, counters):
    """The order in ``slot`` is over: its exposure goes, its slot joins the end of the free list."""
    order = orders.table[slot]
    ended = order.state
    if ended == OrderState.FILLED:
        counters[Counter.ORDERS_FILLED, 0] += 1
    elif ended == OrderState.CANCELED:
        counters[Counter.ORDERS_CANCELED, 0] += 1
    elif ended == OrderState.REJECTED:
        counters[Counter.ORDERS_REJECTED, 0] += 1
    else:
        counters[Counter.ORDERS_EXPIRED, 0] += 1
    add_exposure(positions, account, order, -leaves_lots(order), -1)
    unlink(orders, slot, order.instrument, side_column(order.side))
    order.state = OrderState.FREE
    _renew_best(orders, positions, order)
    words = orders.words
    if words[LAST_FREE] == NONE:
        words[FIRST_FREE] = slot
    else:
        orders.table[words[LAST_FREE]].next_free = slot
    words[LAST_FREE] = slot
    words[LIVE_N] -= 1
    return ended
