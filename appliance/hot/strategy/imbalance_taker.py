"""Takes the touch when one side of the book outweighs the other."""

from appliance.hot.strategy.api import BUY, IOC, LIVE, SELL, Param, least_lots, on_step, place

PARAMS = {
    "take_lots": Param(10, 1, 10**12, "quantity of an order, at least what the venue takes"),
    "levels": Param(5, 1, 20, "levels of each side that are weighed"),
    "threshold_milli": Param(800, 1, 1000, "(bids - asks) / (bids + asks) that acts, thousandths"),
    "pause_ns": Param(500_000_000, 0, 10**12, "least time between two orders"),
    "takes": Param(5, 1, 10**6, "most inventory either way, in orders"),
}
STATE = {"last_ns": 0}


def on_market(view, own, params, state, orders):
    if view.book_state != LIVE or own.now_ns - state.last_ns < params.pause_ns:
        return
    bids_lots = 0
    asks_lots = 0
    for k in range(params.levels):
        bids_lots += view.bids_lots[k]
        asks_lots += view.asks_lots[k]
    lean = 1000 * (bids_lots - asks_lots)
    limit = params.threshold_milli * (bids_lots + asks_lots)
    lots = max(params.take_lots, least_lots(own, view.bid_ticks))
    room_lots = params.takes * lots
    if lean >= limit and own.position_lots < room_lots:
        place(orders, BUY, on_step(own, SELL, view.ask_ticks), lots, IOC)
        state.last_ns = own.now_ns
    elif -lean >= limit and own.position_lots > -room_lots:
        place(orders, SELL, on_step(own, BUY, view.bid_ticks), lots, IOC)
        state.last_ns = own.now_ns
