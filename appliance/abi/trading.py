"""Orders: requests out, reports in, the order table, positions."""

from enum import IntEnum, unique
from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import ORDER_TEXT_BYTES


@unique
class Side(IntEnum):
    BUY = 1
    SELL = -1


@unique
class TimeInForce(IntEnum):
    GTC = 0
    IOC = 1
    POST_ONLY = 2


@unique
class Action(IntEnum):
    """What a strategy asks for."""

    PLACE = 1
    CANCEL = 2


@unique
class OrderState(IntEnum):
    """FREE -> SENT -> OPEN -> PARTIAL -> FILLED / CANCELED / REJECTED / EXPIRED -> FREE.

    From SENT on an order is exposure; UNKNOWN stays exposure until the venue has answered.
    A cancel that is under way is a flag of the order (cancel_sent), not a state.
    """

    FREE = 0
    SENT = 1
    OPEN = 2
    PARTIAL = 3
    FILLED = 4
    CANCELED = 5
    REJECTED = 6
    EXPIRED = 7
    UNKNOWN = 8


@unique
class Report(IntEnum):
    """What the venue says of an order."""

    ACCEPTED = 0
    FILL = 1
    CANCELED = 2
    REJECTED = 3
    EXPIRED = 4
    CANCEL_REJECTED = 5
    UNKNOWN = 6  # no answer: time-out, 5xx, lost connection


# One a instrument, owned by the hot loop.
POSITION: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("position_lots", "<i8"),  # signed
        ("cost_tick_lots", "<i8"),  # of the open position, signed; average price = cost / position
        ("realised_tick_lots", "<i8"),
        ("cash_tick_lots", "<i8"),  # - sum(signed quantity x price): realised + unrealised, exactly
        ("mark_ticks", "<i8"),  # 0: none yet
        ("open_buy_lots", "<i8"),  # leaves of everything sent and not known to be dead
        ("open_sell_lots", "<i8"),
        ("open_buy_orders_n", "<i8"),
        ("open_sell_orders_n", "<i8"),
        ("open_notional_tick_lots", "<i8"),  # leaves x price of the same orders
        ("open_buy_tick_lots", "<i8"),  # of those, the buys
        ("own_bid_ticks", "<i8"),  # best price of our open orders; 0: none
        ("own_ask_ticks", "<i8"),
        ("bought_lots", "<i8"),
        ("sold_lots", "<i8"),
        ("fills_n", "<i8"),
        ("turnover_tick_lots", "<i8"),
        ("trip_start_tick_lots", "<i8"),  # realised when the position was opened
        ("losses_in_row_n", "<i8"),  # round trips, up to the last one, that ended with a loss
    ]
)

INTENT: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("action", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("time_in_force", "<i8"),
        ("order", "<i8"),  # slot to cancel
        ("tag", "<i8"),  # the strategy's own, comes back in its order view
    ]
)

ORDER: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("state", "<i8"),
        ("generation", "<i8"),  # of the slot: goes up at each use, so late reports are recognised
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("filled_lots", "<i8"),
        ("filled_tick_lots", "<i8"),  # average fill price = filled_tick_lots / filled_lots
        ("time_in_force", "<i8"),
        ("cancel_sent", "<i8"),
        ("cancel_ns", "<i8"),  # when the last cancel was sent
        ("sent_ns", "<i8"),
        ("updated_ns", "<i8"),
        ("venue_id", "<i8"),
        ("tag", "<i8"),
        ("next_free", "<i8"),
        ("told_lots", "<i8"),  # the most that any report said was executed in all
        ("told_end", "<i8"),  # OrderState of an end that was told before all its fills; 0: none
        ("link", "<i8"),  # row that its last message left on, or NONE
    ]
)

# Gateway to venue: what the order text says, for the paper venue and the journal.
REQUEST: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("action", "<i8"),
        ("order_key", "<i8"),  # generation << 16 | slot
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("time_in_force", "<i8"),
        ("sent_ns", "<i8"),
    ]
)

# Gateway to socket: the bytes.
EGRESS: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("action", "<i8"),
        ("length_bytes", "<i8"),
        ("order_key", "<i8"),
        ("instrument", "<i8"),
        ("sent_ns", "<i8"),
        ("text", "u1", (ORDER_TEXT_BYTES,)),
    ]
)

# Venue to gateway. Where the venue tells what was executed of the order in all, a report that was
# lost does no harm, and one that comes twice does nothing.
REPORT: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("report", "<i8"),
        ("order_key", "<i8"),
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),  # of a fill
        ("quantity_lots", "<i8"),  # of a fill
        ("tells_total", "<i8"),  # 1: what follows is told
        ("filled_lots", "<i8"),  # executed of the order up to and with this report
        ("filled_tick_lots", "<i8"),  # their value; 0: not told
        ("venue_ns", "<i8"),
        ("venue_id", "<i8"),
        ("maker", "<i8"),
    ]
)

ORDER_SLOT_BITS: Final = 16
ORDER_SLOT_MASK: Final = (1 << ORDER_SLOT_BITS) - 1
