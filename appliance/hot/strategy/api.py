"""All that a strategy needs.

A strategy is a Python module with these names::

    PARAMS = {"quote_lots": Param(10, 1, 10**9, "quantity of a quote")}   default, least, greatest
    STATE = {"last_ns": 0}                                                 optional, per instrument
    TIMER_NS = 10_000_000                  optional: asked at every multiple of so many ns as well
    EVENTS = (TIMER,)                      optional: asked at these events only

    def on_market(view, own, params, state, orders): ...

``on_market`` is compiled into the loop and called for every market record, or for those EVENTS of
DEPTH, TICKER, TRADE, STATE_CHANGE and TIMER that it names, on the hot thread:

``view``    MARKET record: the touch (``bid_ticks bid_lots ask_ticks ask_lots``), 20 levels a side
            (``bids_ticks[k]`` ..), ``book_state``, ``event``, the trade of a trade event
``own``     OWN record: position, open orders, newest live order of each side
``params``  record of PARAMS, the same for all instruments; read only
``state``   record of STATE of this instrument; yours
``orders``  where the functions below put what you want

Prices are ticks, quantities lots, times ns: integers. Whatever you ask for passes the risk gate.
The compiled code cannot allocate or raise: no lists, strings or dictionaries; loops, arithmetic,
``min``, ``max`` and ``abs`` are fine, and so are helper functions decorated with ``@hot``.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.layout import records
from appliance.abi.limits import INTENTS_MAX
from appliance.abi.market import BookState, Event
from appliance.abi.strategy import NO_ORDER
from appliance.abi.trading import INTENT, Action, Side, TimeInForce
from appliance.hot.jit import hot, hot_inline
from appliance.hot.strategy.whole import whole

BUY: Final = int(Side.BUY)
SELL: Final = int(Side.SELL)
LIVE: Final = int(BookState.LIVE)
DEPTH: Final = int(Event.DEPTH)
TICKER: Final = int(Event.TICKER)
TRADE: Final = int(Event.TRADE)
STATE_CHANGE: Final = int(Event.STATE)
TIMER: Final = int(Event.TIMER)
GTC: Final = int(TimeInForce.GTC)
IOC: Final = int(TimeInForce.IOC)
POST_ONLY: Final = int(TimeInForce.POST_ONLY)

__all__ = [
    "BUY",
    "DEPTH",
    "GTC",
    "IOC",
    "LIVE",
    "POST_ONLY",
    "SELL",
    "STATE_CHANGE",
    "TICKER",
    "TIMER",
    "TRADE",
    "Param",
    "cancel",
    "cancel_all",
    "hot",
    "least_lots",
    "on_step",
    "place",
    "quote",
]

# Words of Intents.words
COUNT: Final = 0
DROPPED: Final = 1


class Param(NamedTuple):
    """A parameter: its default (an int or a float decides the type), range, and meaning."""

    default: int | float
    least: int | float
    greatest: int | float
    meaning: str


class Intents(NamedTuple):
    """What one call of the strategy asks for, in order."""

    records: Any  # INTENT[INTENTS_MAX]
    words: Any  # int64[8]: COUNT, DROPPED


def make_intents() -> Intents:
    return Intents(records(INTENTS_MAX, INTENT), np.zeros(8, np.int64))


@hot
def place(orders, side, price_ticks, quantity_lots, time_in_force):
    """Ask for a new order. Beyond INTENTS_MAX in one call it is dropped and counted."""
    n = orders.words[COUNT]
    if n >= INTENTS_MAX:
        orders.words[DROPPED] += 1
        return
    intent = orders.records[n]
    intent.action = Action.PLACE
    intent.side = whole(side)
    intent.price_ticks = whole(price_ticks)
    intent.quantity_lots = whole(quantity_lots)
    intent.time_in_force = whole(time_in_force)
    intent.order = NO_ORDER
    orders.words[COUNT] = n + 1


@hot
def cancel(orders, order):
    """Ask to cancel the order in slot ``order`` (own.buy_order, own.sell_order)."""
    n = orders.words[COUNT]
    if n >= INTENTS_MAX or order == NO_ORDER:
        orders.words[DROPPED] += np.int64(order != NO_ORDER)
        return
    intent = orders.records[n]
    intent.action = Action.CANCEL
    intent.order = whole(order)
    orders.words[COUNT] = n + 1


@hot_inline
def cancel_all(orders, own):
    """Cancel the newest order of each side, unless that is under way."""
    if own.buy_cancelling == 0:
        cancel(orders, own.buy_order)
    if own.sell_cancelling == 0:
        cancel(orders, own.sell_order)


@hot
def on_step(own, side, price_ticks):
    """The nearest price on the venue's step that is no better for the other side."""
    step = own.price_step_ticks
    if step <= 1:
        return price_ticks
    down = price_ticks - price_ticks % step
    if side == BUY or down == price_ticks:
        return down
    return down + step


@hot
def least_lots(own, price_ticks):
    """The smallest quantity that the venue takes at this price, on its step."""
    lots = max(own.quantity_min_lots, 1)
    if own.notional_min_tick_lots > 0 and price_ticks > 0:
        lots = max(lots, (own.notional_min_tick_lots + price_ticks - 1) // price_ticks)
    step = own.quantity_step_lots
    if step > 1 and lots % step != 0:
        lots += step - lots % step
    return lots


@hot
def quote(orders, own, side, price_ticks, quantity_lots, tolerance_ticks):
    """Keep one post-only order on ``side`` within ``tolerance_ticks`` of ``price_ticks``.

    An order farther off, or a quantity of zero, is cancelled first; the new one follows when the
    venue has confirmed, so that never two stand in the market. The price goes to the venue's step.
    """
    price_ticks = on_step(own, side, whole(price_ticks))
    order = own.buy_order
    ticks = own.buy_ticks
    cancelling = own.buy_cancelling
    if side == SELL:
        order = own.sell_order
        ticks = own.sell_ticks
        cancelling = own.sell_cancelling
    if order == NO_ORDER:
        if quantity_lots > 0:
            place(orders, side, price_ticks, quantity_lots, POST_ONLY)
    elif cancelling == 0 and (quantity_lots <= 0 or abs(price_ticks - ticks) > tolerance_ticks):
        cancel(orders, order)
