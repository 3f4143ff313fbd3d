"""An order at every market record, at the bid: the longest way through the loop, for measuring it.

Never for trading.
"""

from appliance.hot.strategy.api import BUY, IOC, LIVE, Param, place

PARAMS = {"lots": Param(1, 1, 10**9, "quantity of each order")}


def on_market(view, own, params, state, orders):
    if view.book_state == LIVE:
        place(orders, BUY, view.bid_ticks, params.lots, IOC)
