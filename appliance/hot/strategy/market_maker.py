"""Quotes both sides of the touch and leans against its inventory."""

from appliance.hot.strategy.api import BUY, LIVE, SELL, Param, cancel_all, least_lots, quote

PARAMS = {
    "quote_lots": Param(10, 1, 10**12, "quantity of each quote, at least what the venue takes"),
    "edge_ticks": Param(0, 0, 10**6, "distance of a quote behind the touch"),
    "skew_ticks": Param(2, 0, 10**6, "how far one quote's worth of inventory moves both quotes"),
    "inventory_quotes": Param(5, 1, 10**6, "most inventory, in quotes"),
    "tolerance_ticks": Param(2, 0, 10**6, "a quote this near to where it should be stays"),
}


def on_market(view, own, params, state, orders):
    if view.book_state != LIVE or view.bid_ticks <= 0 or view.ask_ticks <= view.bid_ticks:
        cancel_all(orders, own)
        return
    quote_lots = max(params.quote_lots, least_lots(own, view.bid_ticks))
    lean_ticks = own.position_lots * params.skew_ticks // quote_lots
    buy_ticks = min(view.bid_ticks - params.edge_ticks - lean_ticks, view.ask_ticks - 1)
    sell_ticks = max(view.ask_ticks + params.edge_ticks - lean_ticks, view.bid_ticks + 1)
    room_lots = params.inventory_quotes * quote_lots
    buy_lots = quote_lots if own.position_lots < room_lots else 0
    sell_lots = quote_lots if own.position_lots > -room_lots else 0
    quote(orders, own, BUY, buy_ticks, buy_lots, params.tolerance_ticks)
    quote(orders, own, SELL, sell_ticks, sell_lots, params.tolerance_ticks)
