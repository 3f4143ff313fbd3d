"""Our live orders of an instrument and side, a list each; arrays: orders.Orders.

They hang in a doubly linked list, newest first: insertion and
removal anywhere cost the same few stores, and own_order() is one load. It is sorted by age and
not by price because a strategy that quotes one order a side needs no more, and one that quotes
several walks the list with older_order(). The best own price is kept beside it for the gate: only
the end of the best order walks the list.
"""

from typing import Final

from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import Side
from appliance.hot.jit import hot, hot_inline

NONE: Final = -1  # no slot

# Columns of Orders.links
NEWER: Final = 0
OLDER: Final = 1


@hot_inline
def side_column(side):
    """0 for BUY, 1 for SELL: column of arrays that have one entry a side."""
    return 0 if side == Side.BUY else 1


@hot
def own_order(orders, instrument, side):
    """Slot of our newest live order on that side of the instrument, or NONE."""
    return orders.newest[instrument, side_column(side)]


@hot
def older_order(orders, slot):
    """The next older live order of the same instrument and side, or NONE."""
    return orders.links[slot, OLDER]


@hot
def link(orders, slot, instrument, column):
    """The order in ``slot`` becomes the newest of its list."""
    oldest = orders.newest[instrument, column]
    orders.links[slot, NEWER] = NONE
    orders.links[slot, OLDER] = oldest
    if oldest != NONE:
        orders.links[oldest, NEWER] = slot
    orders.newest[instrument, column] = slot


@hot
def unlink(orders, slot, instrument, column):
    """The order in ``slot`` leaves its list."""
    newer = orders.links[slot, NEWER]
    older = orders.links[slot, OLDER]
    if newer != NONE:
        orders.links[newer, OLDER] = older
    else:
        orders.newest[instrument, column] = older
    if older != NONE:
        orders.links[older, NEWER] = newer
    orders.links[slot, NEWER] = NONE
    orders.links[slot, OLDER] = NONE


@hot
def best_ticks_of(orders, instrument, side):
    """The best price of our orders on that side; 0: there is none."""
    best_ticks = 0
    slot = own_order(orders, instrument, side)
    for _ in range(ORDERS_MAX):
        if slot == NONE:
            break
        price_ticks = orders.table[slot].price_ticks
        if best_ticks == 0 or side * (price_ticks - best_ticks) > 0:
            best_ticks = price_ticks
        slot = older_order(orders, slot)
    return best_ticks
