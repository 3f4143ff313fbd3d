"""Orders: requests out, reports in, the order table, positions, limits, refusals."""

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


@unique
class Reject(IntEnum):
    """Why the gate refused an order. Closed; the observed value and the limit stand beside it.

    What they are for each reason: appliance/abi/gate.py.
    """

    NONE = 0
    HALTED = 1
    REDUCE_ONLY = 2
    UNKNOWN_INSTRUMENT = 3
    NOT_TRADABLE = 4
    LIMIT_UNSET = 5  # observed: Limit whose value is missing
    BOOK_NOT_LIVE = 6  # observed: BookState
    BOOK_OLD = 7  # ns since the last book event
    REFERENCE_MISSING = 8
    REFERENCE_OLD = 9
    BAD_SIDE = 10
    BAD_TYPE = 11
    PRICE_RANGE = 12
    PRICE_COLLAR = 13
    QUANTITY_MIN = 14
    QUANTITY_MAX = 15
    NOTIONAL_MIN = 16
    NOTIONAL_MAX = 17
    POSITION = 18
    OPEN_ORDERS = 19
    ORDER_RATE = 20
    OVERFLOW = 21
    ORDER_TABLE_FULL = 22
    RING_FULL = 23
    CLOCK = 24  # time ran back or is missing
    PRICE_STEP = 25  # between two prices that the venue takes
    QUANTITY_STEP = 26
    BLOCKED = 27  # observed: what is amiss with the session (Block, or-ed)
    ORDER_TYPE = 28  # a type that exists, and that this instrument must not use
    OPEN_ORDERS_SIDE = 29
    OPEN_NOTIONAL = 30
    SELF_CROSS = 31  # it would trade with an order of our own
    DUPLICATE = 32  # the same side, price and quantity again


@unique
class Block(IntEnum):
    """Bits: why no order may go out at present, whatever the limits say. Cancels pass."""

    LINK = 1  # no connection that takes orders, or one that is backed up
    USER_DATA = 2  # no connection that tells of our orders
    RECONCILING = 4  # what happened while there was none is still being asked
    CLOCK = 8  # the offset to the venue's clock is unknown or too large
    RATE = 16  # the venue asked us to wait


@unique
class Limit(IntEnum):
    """What may be unset, for LIMIT_UNSET: fields of LIMITS, INSTRUMENT and GATE_ACCOUNT."""

    POSITION_MAX_LOTS = 1
    QUANTITY_MAX_LOTS = 2
    NOTIONAL_MAX_TICK_LOTS = 3
    COLLAR_PPM = 4
    OPEN_ORDERS_MAX = 5
    ORDER_RATE_MAX = 6
    ORDER_RATE_WINDOW_NS = 7
    BOOK_AGE_MAX_NS = 8
    REFERENCE_AGE_MAX_NS = 9
    PRICE_GRID = 10
    QUANTITY_GRID = 11
    ACCOUNT_OPEN_ORDERS_MAX = 12
    ACCOUNT_ORDER_RATE_MAX = 13
    ACCOUNT_ORDER_RATE_WINDOW_NS = 14
    ORDER_TYPES = 15
    OPEN_ORDERS_SIDE_MAX = 16
    OPEN_NOTIONAL_MAX_TICK_LOTS = 17
    REPEAT_WINDOW_NS = 18


# One a instrument; UNSET in any field refuses every order of the instrument.
LIMITS: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("position_max_lots", "<i8"),  # absolute, worst case: position + open + this
        ("quantity_max_lots", "<i8"),  # of one order
        ("notional_max_tick_lots", "<i8"),  # of one order
        ("collar_ppm", "<i8"),  # distance from the reference, millionths
        ("open_orders_max", "<i8"),
        ("order_rate_max", "<i8"),  # orders per window; the window is the account's
        ("order_rate_window_ns", "<i8"),
        ("book_age_max_ns", "<i8"),
        ("reference_age_max_ns", "<i8"),
        ("order_types", "<i8"),  # bit TimeInForce: may be used
        ("open_orders_side_max", "<i8"),
        ("open_notional_max_tick_lots", "<i8"),  # of all open orders and this one, both sides
        ("repeat_window_ns", "<i8"),  # the same order again: not sooner than this
    ]
)

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
        ("own_bid_ticks", "<i8"),  # best price of our open orders; 0: none
        ("own_ask_ticks", "<i8"),
        ("bought_lots", "<i8"),
        ("sold_lots", "<i8"),
        ("fills_n", "<i8"),
        ("turnover_tick_lots", "<i8"),
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
