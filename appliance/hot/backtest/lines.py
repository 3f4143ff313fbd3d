"""Our resting orders, a list for each side of an instrument: best price first, then the oldest."""

import numpy as np

from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import ORDER_SLOT_MASK
from appliance.abi.units import INT64_MAX
from appliance.hot.backtest.depth import NOBODY, lots_at
from appliance.hot.backtest.venue_state import NONE
from appliance.hot.jit import hot


@hot
def put_in_line(venue, request, k, signed, venue_id, now_ns):
    """Puts an order into its list: behind every order of a better or the same price."""
    slot = request.order_key & ORDER_SLOT_MASK
    order = venue.resting[slot]
    order.order_key = request.order_key
    order.instrument = request.instrument
    order.k = k
    order.signed = signed
    order.leaves_lots = request.quantity_lots
    order.venue_id = venue_id
    order.sent_ns = request.sent_ns
    order.placed_ns = now_ns
    order.front_lots = np.float64(lots_at(venue.depth, k, signed))
    order.traded_lots = 0.0
    mine = venue.own[k]
    better = mine.worst
    for _ in range(ORDERS_MAX):
        if better == NONE or venue.resting[better].signed >= signed:
            break
        better = venue.resting[better].better
    worse = mine.best if better == NONE else venue.resting[better].worse
    order.better = better
    order.worse = worse
    _link(venue, k, better, worse, slot, slot)


@hot
def remove(venue, slot):
    order = venue.resting[slot]
    order.order_key = 0
    _link(venue, order.k, order.better, order.worse, order.worse, order.better)


@hot
def _link(venue, k, better, worse, after_better, before_worse):
    """The neighbours of a place in the list of side ``k`` get new neighbours there."""
    mine = venue.own[k]
    if better != NONE:
        venue.resting[better].worse = after_better
    else:
        mine.best = after_better
    if worse != NONE:
        venue.resting[worse].better = before_worse
    else:
        mine.worst = before_worse
    mine.best_signed = NOBODY if mine.best == NONE else venue.resting[mine.best].signed
    mine.worst_signed = INT64_MAX if mine.worst == NONE else venue.resting[mine.worst].signed
