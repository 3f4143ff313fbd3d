"""The market maker of peer.py, as a strategy of ours."""

from appliance.hot.strategy.api import (
    BUY,
    LIVE,
    POST_ONLY,
    SELL,
    TIMER,
    Param,
    cancel,
    hot,
    place,
)

TIMER_NS = 10_000_000
EVENTS = (TIMER,)
PARAMS = {
    "half_ticks": Param(5, 0, 1000, "from the middle; 0: no quotes"),
    "quote_lots": Param(10, 1, 10**9, "quantity of a quote"),
}
NONE = -1


@hot
def keep(orders, side, ticks, lots, order, order_ticks, busy, other_ticks):
    """One order at ``ticks``; ``other_ticks``: of our order on the other side, 0: none."""
    if order == NONE:
        if other_ticks == 0 or side * (ticks - other_ticks) < 0:
            place(orders, side, ticks, lots, POST_ONLY)
    elif busy == 0 and order_ticks != ticks:
        cancel(orders, order)


def on_market(view, own, params, state, orders):
    if view.book_state != LIVE or params.half_ticks == 0:
        return
    middle = (view.bid_ticks + view.ask_ticks) // 2
    half = params.half_ticks
    buy_ticks = 0
    if own.buy_order != NONE:
        buy_ticks = own.buy_ticks
    sell_ticks = 0
    if own.sell_order != NONE:
        sell_ticks = own.sell_ticks
    busy = own.buy_cancelling + 1 - own.buy_acknowledged
    keep(
        orders,
        BUY,
        middle - half,
        params.quote_lots,
        own.buy_order,
        buy_ticks,
        busy,
        sell_ticks,
    )
    busy = own.sell_cancelling + 1 - own.sell_acknowledged
    keep(
        orders,
        SELL,
        middle + half,
        params.quote_lots,
        own.sell_order,
        sell_ticks,
        busy,
        buy_ticks,
    )
