"""Quotes both sides of the touch and leans against its inventory."""

from appliance.hot.strategy.api import BUY, LIVE, SELL, Param, cancel_all, quote

PARAMS = {
    "quote_lots": Param(10, 1, 10**12, "quantity of each quote"),
    "edge_ticks": Param(0, 0, 10**6, "distance of a quote behind the touch"),
    "skew_ticks": Param(2, 0, 10**6, "how far one quote's worth of inventory moves both quotes"),
    "inventory_quotes": Param(5, 1, 10**6, "most inventory, in quotes"),
    "tolerance_ticks": Param(2, 0, 10**6, "a quote this near to where it should be stays"),
}


def on_market(view, own, params, state, orders):
    if view.book_state != LIVE or view.bid_ticks <= 0 or view.ask_ticks <= view.bid_ticks:
        cancel_all(orders, own)
        return
    lean_ticks = own.position_lots * params.skew_ticks // params.quote_lots
    buy_ticks = min(view.bid_ticks - params.edge_ticks - lean_ticks, view.ask_ticks - 1)
    sell_ticks = max(view.ask_ticks + params.edge_ticks - lean_ticks, view.bid_ticks + 1)
    most_lots = params.inventory_quotes * params.quote_lots
    buy_lots = min(params.quote_lots, most_lots - own.position_lots)
    sell_lots = min(params.quote_lots, most_lots + own.position_lots)
    quote(orders, own, BUY, buy_ticks, buy_lots, params.tolerance_ticks)
    quote(orders, own, SELL, sell_ticks, sell_lots, params.tolerance_ticks)
