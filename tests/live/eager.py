"""A strategy that trades all the time and asks for orders whatever its book is like.

So whether an order leaves while a book is not live is for the gate alone to prevent.
"""

from appliance.hot.strategy.api import (
    BUY,
    GTC,
    IOC,
    LIVE,
    POST_ONLY,
    SELL,
    Param,
    cancel_all,
    least_lots,
    place,
)

PARAMS = {
    "every_us": Param(20_000, 100, 10_000_000, "a wish at most so often"),
    "orders_max": Param(6, 1, 1000, "with more open ones the newest are cancelled"),
}
STATE = {"last_ns": 0, "turn": 0, "bid_ticks": 0, "ask_ticks": 0}


def on_market(view, own, params, state, orders):
    if view.book_state == LIVE:
        state.bid_ticks = view.bid_ticks
        state.ask_ticks = view.ask_ticks
    if own.now_ns - state.last_ns < params.every_us * 1000 or state.bid_ticks <= 0:
        return
    state.last_ns = own.now_ns
    state.turn += 1
    lots = 3 * least_lots(own, state.bid_ticks)
    if own.open_orders_n >= params.orders_max:
        cancel_all(orders, own)
        return
    long = own.position_lots > 0
    turn = state.turn & 3
    if turn == 0:
        place(
            orders, SELL if long else BUY, state.bid_ticks if long else state.ask_ticks, lots, IOC
        )
    elif turn == 1:
        place(orders, BUY, state.bid_ticks - 1, lots, POST_ONLY)
    elif turn == 2:
        place(orders, SELL, state.ask_ticks + 1, lots, POST_ONLY)
    else:
        place(
            orders, BUY if long else SELL, state.bid_ticks if long else state.ask_ticks, lots, GTC
        )
