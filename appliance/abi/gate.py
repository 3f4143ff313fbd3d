"""The risk gate's records: the account, the reference of each instrument, the last refusal.

What stands in a REFUSAL beside each reason (``observed`` / ``limit``):

=================== ==================================== ========================================
HALTED              the account's TradingState           TradingState.ACTIVE
BLOCKED             Block, or-ed                         0
UNKNOWN_INSTRUMENT  the index asked for                  number of instruments
NOT_TRADABLE        the instrument's ``tradable``        1
BAD_SIDE            the side asked for                   0
BAD_TYPE            the time in force asked for          the greatest TimeInForce
ORDER_TYPE          the time in force asked for          order_types: bit TimeInForce
LIMIT_UNSET         Limit: which one                     its value
OVERFLOW            the value, or the price of the order the bound it breaks, or the greatest
                                                         price whose notional keeps within it
CLOCK               the earlier moment, ns               the moment it must not lie before
                    (a missing or future stamp of book   (1 or later; for a stamp of book or touch:
                    or touch: that stamp)                the order's time)
BOOK_NOT_LIVE       BookState                            BookState.LIVE
BOOK_OLD            ns since the last book event         book_age_max_ns
REFERENCE_MISSING   bid_ticks of the touch               ask_ticks of the touch
REFERENCE_OLD       ns since the touch was seen          reference_age_max_ns
PRICE_RANGE         price_ticks                          the venue's least or greatest price
PRICE_STEP          price_ticks                          the venue's step; zero or less: unset
QUANTITY_MIN        quantity_lots                        the venue's least, at least 1
QUANTITY_MAX        quantity_lots                        the smaller of ours and the venue's
QUANTITY_STEP       quantity_lots                        the venue's step; zero or less: unset
NOTIONAL_MIN        price x quantity                     the venue's least
NOTIONAL_MAX        price x quantity                     notional_max_tick_lots
PRICE_COLLAR        ppm of the mid, rounded up           collar_ppm
REDUCE_ONLY         open lots of the side + this order   lots that the position could be reduced by
POSITION            the position, signed, if every open  position_max_lots
                    order of the side and this one fill
OPEN_ORDERS_SIDE    open orders of the side with this    open_orders_side_max
OPEN_ORDERS         open orders with this one            open_orders_max, instrument or account
OPEN_NOTIONAL       leaves x price of the open orders,   open_notional_max_tick_lots
                    and of this one
SELF_CROSS          price_ticks                          best price of our own orders on the
                                                         other side; zero: not known
ORDER_RATE          ns in which the last order_rate_max  order_rate_window_ns, account or
                    orders were sent                     instrument
DUPLICATE           ns since the same order was sent     repeat_window_ns
=================== ==================================== ========================================
"""

from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import ORDER_RATE_MAX, RECENT_ORDERS_N
from appliance.abi.trading import TimeInForce
from appliance.abi.units import INT64_MAX

PPM: Final = 1_000_000
ORDER_TYPES_ALL: Final = sum(1 << kind for kind in TimeInForce)

# Three quantities, notionals or counts of this size add up within an int64.
EXPOSURE_LOTS_MAX: Final = (1 << 61) - 1
# |2 x price - (bid + ask)| x PPM, and (bid + ask) x collar (at most PPM), stay within an int64.
GATE_PRICE_TICKS_MAX: Final = INT64_MAX // (2 * PPM)

assert 3 * EXPOSURE_LOTS_MAX <= INT64_MAX
assert 2 * GATE_PRICE_TICKS_MAX * PPM <= INT64_MAX
assert ORDER_RATE_MAX & (ORDER_RATE_MAX - 1) == 0
assert RECENT_ORDERS_N & (RECENT_ORDERS_N - 1) == 0

# One record. UNSET or zero in any limit refuses every order; a record of zeros is HALTED.
GATE_ACCOUNT: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("trading_state", "<i8"),  # TradingState: what follows from the next two
        ("allowed_state", "<i8"),  # TradingState: the most that limits and people allow
        ("phase", "<i8"),  # Phase
        ("state_cause", "<i8"),  # Cause of the last move of trading_state
        ("state_reason", "<i8"),  # Reject, where a limit moved it
        ("state_observed", "<i8"),
        ("state_limit", "<i8"),
        ("state_ns", "<i8"),
        ("states_n", "<i8"),  # moves since start
        ("session_blocks", "<i8"),  # Block, as the cold side sees it; zero: none
        ("link_blocks", "<i8"),  # Block, as the loop itself sees it
        ("order_rate_max", "<i8"),  # orders in any window, at most ORDER_RATE_MAX
        ("order_rate_window_ns", "<i8"),
        ("open_orders_max", "<i8"),
        ("open_orders_n", "<i8"),  # kept by the order table
        ("orders_sent_n", "<i8"),  # since start: the cursor of the rate ring
        ("last_order_ns", "<i8"),  # time of the last order sent
    ]
)

# One a instrument, written by the market stage. Zeros: no book, no reference.
REFERENCE: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("book_state", "<i8"),  # BookState
        ("book_ns", "<i8"),  # receive time of the last book event
        ("touch_ns", "<i8"),  # receive time of the touch
        ("bid_ticks", "<i8"),  # the touch; NO_PRICE: side empty
        ("ask_ticks", "<i8"),
    ]
)

# One a instrument, written by the gate: the orders that were sent last, the n-th at n % length.
RECENT: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("orders_n", "<i8"),  # sent since start
        ("signed_ticks", "<i8", (RECENT_ORDERS_N,)),  # price of a buy, - price of a sell
        ("quantity_lots", "<i8", (RECENT_ORDERS_N,)),  # 0: none
        ("sent_ns", "<i8", (RECENT_ORDERS_N,)),
    ]
)

# One record: the order that was refused last, and why.
REFUSAL: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("reason", "<i8"),  # Reject
        ("observed", "<i8"),
        ("limit", "<i8"),
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("time_ns", "<i8"),
    ]
)
