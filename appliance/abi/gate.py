"""The risk gate's records: the reference of each instrument, its last orders, the last refusal.

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
DAY_OVER            the order's time                     when the day ends, ours or the venue's
GUARDIAN            ns since its heart beat last         guardian_age_max_ns
                    (a missing beat: the order's time)
CLOCK_UNKNOWN       ns since the offset was measured     CLOCK_AGE_MAX_NS
                    (never: the order's time)
CLOCK_OFFSET        ``clock_offset_most_ns``             clock_offset_max_ns
DRAWDOWN            best profit less the present one     drawdown_max_e8
DAY_LOSS            loss since the day began             day_loss_max_e8
REJECTS             rejects in a row                     rejects_in_row_max
RUNAWAY             ns in which runaway_max executions   runaway_window_ns
                    and rejects, and one more, came
ORDER_TO_TRADE      messages today                       messages_per_fill_max, as often as there
                                                         were fills today, at least once
LOSSES              round trips in a row that lost       losses_in_row_max
BOOK_NOT_LIVE       BookState                            BookState.LIVE
BOOK_OLD            ns since the last book event         book_age_max_ns
EVENT_OLD           ns since it by the venue's clock     event_age_max_ns
                    (a missing stamp: the order's time)
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
PRICE_WINDOW        ppm of the farthest mid of the       window_collar_ppm
                    window, rounded up
REDUCE_ONLY         open lots of the side + this order   lots that the position could be reduced by
POSITION            the position, signed, if every open  position_max_lots
                    order of the side and this one fill
OPEN_ORDERS_SIDE    open orders of the side with this    open_orders_side_max
OPEN_ORDERS         open orders with this one            open_orders_max, instrument or account
OPEN_NOTIONAL       leaves x price of the open orders,   open_notional_max_tick_lots
                    and of this one
SELF_CROSS          price_ticks                          best price of our own orders on the
                                                         other side; zero: not known
VALUE_UNKNOWN       instruments that cannot be valued    0
                    (this one: its mark, or -1 for what
                    is beyond arithmetic)
FUNDS_UNKNOWN       ``funds_known``                      1
FUNDS               what the order and the open ones of  what is owned
                    its side take: money, or base lots
GROSS               sum of the worst positions           gross_max_e8
NET                 worst sum of positions, signed by    net_max_e8
                    the order's side
LEVERAGE            sum of the worst positions           the most that the equity carries
DAY_VALUE           traded today, open and this one      day_value_max_e8
DAY_QUANTITY        likewise, in lots                    day_quantity_max_lots
MESSAGE_RATE        ns in which the last                 message_rate_window_ns
                    message_rate_max messages were sent
ORDER_RATE          ns in which the last order_rate_max  order_rate_window_ns, account or
                    orders were sent                     instrument
VENUE_RATE          likewise, of venue_rate_max          venue_rate_window_ns
VENUE_DAY           orders of the venue's day, with this venue_day_max
DUPLICATE           ns since the same order was sent     repeat_window_ns
=================== ==================================== ========================================
"""

from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import ORDER_RATE_MAX, RECENT_ORDERS_N, WINDOW_PARTS
from appliance.abi.risk_limits import PPM
from appliance.abi.units import INT64_MAX, NS_PER_S

CLOCK_AGE_MAX_NS: Final = 300 * NS_PER_S  # an offset that was measured longer ago is not known
# Three quantities, notionals or counts of this size add up within an int64.
EXPOSURE_LOTS_MAX: Final = (1 << 61) - 1
# |2 x price - (bid + ask)| x PPM, and (bid + ask) x collar (at most PPM), stay within an int64.
GATE_PRICE_TICKS_MAX: Final = INT64_MAX // (2 * PPM)

assert 3 * EXPOSURE_LOTS_MAX <= INT64_MAX
assert 2 * GATE_PRICE_TICKS_MAX * PPM <= INT64_MAX
assert ORDER_RATE_MAX & (ORDER_RATE_MAX - 1) == 0
assert RECENT_ORDERS_N & (RECENT_ORDERS_N - 1) == 0

# One a instrument, written by the market stage. Zeros: no book, no reference.
REFERENCE: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("book_state", "<i8"),  # BookState
        ("book_ns", "<i8"),  # receive time of the last book event
        ("touch_ns", "<i8"),  # receive time of the touch
        ("bid_ticks", "<i8"),  # the touch; NO_PRICE: side empty
        ("ask_ticks", "<i8"),
        ("event_ns", "<i8"),  # by the venue's clock, of the last event that has a time
        # over the window of the collar, bid + ask of the touch: its least and its greatest
        ("window_low2_ticks", "<i8"),
        ("window_high2_ticks", "<i8"),
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

# One a instrument, written by the market stage: the window of the collar in parts, of which the
# present one is filling.
PRICE_WINDOW: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("part_ns", "<i8"),  # when the present part began; 0: none yet
        ("part_n", "<i8"),  # parts so far; the present one is at part_n % length
        ("last2_ticks", "<i8"),  # bid + ask, when it was seen last
        ("low2_ticks", "<i8", (WINDOW_PARTS,)),
        ("high2_ticks", "<i8", (WINDOW_PARTS,)),
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
