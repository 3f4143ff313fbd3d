"""The limits of the gate: those of each instrument, those of the account.

Every field of both records is a limit, in int64 and nothing else, so that the gate can look at all
of them as one row of words: zero or less in any refuses every order, and so does a value beyond
what a limit of its kind can be (LIMITS_MOST, ACCOUNT_MOST), because it would limit nothing.

OFF is how a user says, in the risk file and in so many words, that a limit shall not be.
"""

from collections.abc import Iterable
from enum import IntEnum, unique
from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import ORDER_RATE_MAX
from appliance.abi.trading import TimeInForce
from appliance.abi.units import INT64_MAX

PPM: Final = 1_000_000
OFF: Final = INT64_MAX
ORDER_TYPES_ALL: Final = sum(1 << kind for kind in TimeInForce)
LEVERAGE_MAX_PCT: Final = 100_000  # a thousandfold
MESSAGES_PER_FILL_MAX: Final = 1 << 30

# One a instrument.
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
        ("window_collar_ppm", "<i8"),  # distance from every reference of the window
        ("collar_window_ns", "<i8"),
        ("event_age_max_ns", "<i8"),  # of the last event, by the venue's clock
        ("day_quantity_max_lots", "<i8"),  # traded today, open, and this one
        ("losses_in_row_max", "<i8"),  # round trips
        ("fee_ppm", "<i8"),  # the most that a trade costs, of its value: profit is counted after it
    ]
)

# One record.
ACCOUNT_LIMITS: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("order_rate_max", "<i8"),  # orders in any window
        ("order_rate_window_ns", "<i8"),
        ("open_orders_max", "<i8"),
        ("message_rate_max", "<i8"),  # orders and cancels in any window
        ("message_rate_window_ns", "<i8"),
        ("venue_rate_max", "<i8"),  # orders in the venue's own window, with a margin
        ("venue_rate_window_ns", "<i8"),
        ("venue_day_max", "<i8"),  # orders in a day (UTC) of the venue, with a margin
        ("gross_max_e8", "<i8"),  # sum of the worst positions, whatever their signs
        ("net_max_e8", "<i8"),  # the worst sum of positions with their signs, either way
        ("leverage_max_pct", "<i8"),  # gross to equity, where margin is lent
        ("day_value_max_e8", "<i8"),  # traded today, open, and this one
        ("runaway_max", "<i8"),  # executions and rejects in any window
        ("runaway_window_ns", "<i8"),
        ("messages_per_fill_max", "<i8"),  # messages to a fill, today
        ("messages_per_fill_after_n", "<i8"),  # not judged before so many messages
        ("rejects_in_row_max", "<i8"),
        ("day_loss_max_e8", "<i8"),
        ("drawdown_max_e8", "<i8"),  # from the best profit there was
        ("guardian_age_max_ns", "<i8"),  # since its heart beat last
        ("clock_offset_max_ns", "<i8"),  # of the venue's clock to ours
    ]
)


@unique
class Limit(IntEnum):
    """A limit, or what else may be unset (LIMIT_UNSET). The numbers stay, whatever the order."""

    POSITION_MAX_LOTS = 1
    QUANTITY_MAX_LOTS = 2
    NOTIONAL_MAX_TICK_LOTS = 3
    COLLAR_PPM = 4
    OPEN_ORDERS_MAX = 5
    ORDER_RATE_MAX = 6
    ORDER_RATE_WINDOW_NS = 7
    BOOK_AGE_MAX_NS = 8
    REFERENCE_AGE_MAX_NS = 9
    PRICE_GRID = 10  # of the instrument
    QUANTITY_GRID = 11
    ACCOUNT_OPEN_ORDERS_MAX = 12
    ACCOUNT_ORDER_RATE_MAX = 13
    ACCOUNT_ORDER_RATE_WINDOW_NS = 14
    ORDER_TYPES = 15
    OPEN_ORDERS_SIDE_MAX = 16
    OPEN_NOTIONAL_MAX_TICK_LOTS = 17
    REPEAT_WINDOW_NS = 18
    WINDOW_COLLAR_PPM = 19
    COLLAR_WINDOW_NS = 20
    EVENT_AGE_MAX_NS = 21
    DAY_QUANTITY_MAX_LOTS = 22
    LOSSES_IN_ROW_MAX = 23
    FEE_PPM = 24
    ACCOUNT_MESSAGE_RATE_MAX = 25
    ACCOUNT_MESSAGE_RATE_WINDOW_NS = 26
    ACCOUNT_VENUE_RATE_MAX = 27
    ACCOUNT_VENUE_RATE_WINDOW_NS = 28
    ACCOUNT_VENUE_DAY_MAX = 29
    ACCOUNT_GROSS_MAX_E8 = 30
    ACCOUNT_NET_MAX_E8 = 31
    ACCOUNT_LEVERAGE_MAX_PCT = 32
    ACCOUNT_DAY_VALUE_MAX_E8 = 33
    ACCOUNT_RUNAWAY_MAX = 34
    ACCOUNT_RUNAWAY_WINDOW_NS = 35
    ACCOUNT_MESSAGES_PER_FILL_MAX = 36
    ACCOUNT_MESSAGES_PER_FILL_AFTER_N = 37
    ACCOUNT_REJECTS_IN_ROW_MAX = 38
    ACCOUNT_DAY_LOSS_MAX_E8 = 39
    ACCOUNT_DRAWDOWN_MAX_E8 = 40
    ACCOUNT_GUARDIAN_AGE_MAX_NS = 41
    VALUE_MULTIPLE = 42  # of the instrument: its money in the account's
    VALUE_DIVISOR = 43
    ACCOUNT_CLOCK_OFFSET_MAX_NS = 44


# The greatest value that limits anything; beyond it a limit is as good as none.
_MOST: Final = {
    "collar_ppm": PPM,
    "window_collar_ppm": PPM,
    "fee_ppm": PPM,
    "order_types": ORDER_TYPES_ALL,
    # A ring keeps the times of so many; one more than runaway_max must still be found in it.
    "order_rate_max": ORDER_RATE_MAX,
    "message_rate_max": ORDER_RATE_MAX,
    "venue_rate_max": ORDER_RATE_MAX,
    "runaway_max": ORDER_RATE_MAX - 1,
    "leverage_max_pct": LEVERAGE_MAX_PCT,
    "messages_per_fill_max": MESSAGES_PER_FILL_MAX,
}
OFF_NAMES: Final = frozenset(
    {
        *("window_collar_ppm", "event_age_max_ns", "day_quantity_max_lots", "losses_in_row_max"),
        *("message_rate_max", "venue_rate_max", "venue_day_max", "gross_max_e8", "net_max_e8"),
        *("leverage_max_pct", "day_value_max_e8", "runaway_max", "messages_per_fill_max"),
        *("rejects_in_row_max", "day_loss_max_e8", "drawdown_max_e8", "guardian_age_max_ns"),
        "clock_offset_max_ns",
    }
)

LIMIT_NAMES: Final = LIMITS.names or ()
ACCOUNT_LIMIT_NAMES: Final = ACCOUNT_LIMITS.names or ()


def _row(values: Iterable[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(list(values), np.int64)


# For each field, in order: the greatest value, OFF where it may be, and its code.
LIMITS_MOST: Final = _row(_MOST.get(name, INT64_MAX) for name in LIMIT_NAMES)
LIMITS_OFF: Final = _row(OFF * (name in OFF_NAMES) for name in LIMIT_NAMES)
LIMITS_CODE: Final = _row(Limit[name.upper()] for name in LIMIT_NAMES)
ACCOUNT_MOST: Final = _row(_MOST.get(name, INT64_MAX) for name in ACCOUNT_LIMIT_NAMES)
ACCOUNT_OFF: Final = _row(OFF * (name in OFF_NAMES) for name in ACCOUNT_LIMIT_NAMES)
ACCOUNT_CODE: Final = _row(Limit[f"ACCOUNT_{name.upper()}"] for name in ACCOUNT_LIMIT_NAMES)

assert {*LIMIT_NAMES, *ACCOUNT_LIMIT_NAMES} >= OFF_NAMES
