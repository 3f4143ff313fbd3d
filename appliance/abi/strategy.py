"""What a strategy gets to see of itself, beside the MARKET record."""

from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype

NO_ORDER: Final = -1

# One record, made anew for each call: the instrument's position and the strategy's newest live
# order on each side.
OWN: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("position_lots", "<i8"),  # signed
        ("position_max_lots", "<i8"),  # the gate's limit
        ("price_step_ticks", "<i8"),  # an order's price is a multiple of it
        ("quantity_step_lots", "<i8"),
        ("quantity_min_lots", "<i8"),  # the venue's least order; UNSET: it gave none
        ("notional_min_tick_lots", "<i8"),
        ("open_buy_lots", "<i8"),
        ("open_sell_lots", "<i8"),
        ("open_orders_n", "<i8"),
        ("pnl_tick_lots", "<i8"),  # realised and unrealised
        ("now_ns", "<i8"),
        ("buy_order", "<i8"),  # slot, or NO_ORDER
        ("buy_ticks", "<i8"),
        ("buy_lots", "<i8"),  # leaves
        ("buy_cancelling", "<i8"),  # 1: a cancel is under way
        ("buy_acknowledged", "<i8"),  # 1: the venue has said that it has the order
        ("sell_order", "<i8"),
        ("sell_ticks", "<i8"),
        ("sell_lots", "<i8"),
        ("sell_cancelling", "<i8"),
        ("sell_acknowledged", "<i8"),
    ]
)
