"""History: what happened on a market, row by row, with the time at the venue and the time here.

A row is a change to one level of a book, a trade, or one side of the touch. Rows of an instrument
lie in one order that both sides can follow: those marked AT_EXCHANGE rise by ``exchange_ns``, those
marked AT_LOCAL by ``local_ns``. A row that overtook another on its way stands there twice, once for
each side. The same idea as in hftbacktest's files, whose event flags these are in other places.
"""

from enum import IntEnum, unique
from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype


@unique
class What(IntEnum):
    """The low byte of ``kind``. Odd: a level has ``lots`` now (0: it is gone)."""

    DEPTH = 1
    TRADE = 2
    SNAPSHOT = 3  # of a book that was asked for
    CLEAR = 4  # a side, as far as ``ticks`` from the touch, or all of it (0), is gone
    TICKER = 6  # the touch of a side, as the venue told it apart from its book
    SILENCE = 8  # nothing came for too long: the book is not believed any more


WHAT_MASK: Final = 0xFF
IS_LEVEL: Final = 1
BUY: Final = 1 << 8  # the side of the level; of a trade: who took
SELL: Final = 1 << 9
AT_EXCHANGE: Final = 1 << 10
AT_LOCAL: Final = 1 << 11
LAST: Final = 1 << 12  # of its message: the strategy may look now

HISTORY: Final[np.dtype[np.void]] = np.dtype(
    [
        ("kind", "<i8"),  # What, and the bits above
        ("exchange_ns", "<i8"),
        ("local_ns", "<i8"),
        ("ticks", "<i8"),
        ("lots", "<i8"),
        ("id", "<i8"),  # of the update or trade; NO_ID
    ]
)


@unique
class Happened(IntEnum):
    """What the simulated venue notes down."""

    PLACED = 1  # an order rests
    FILL = 2
    CANCELED = 3
    CANCEL_REJECTED = 4
    REFUSED = 5  # POST_ONLY that would have crossed
    EXPIRED = 6  # what is left of an IOC
    LOST = 7  # the venue never got it: so the recorded latency says


# One a thing that happened to an order at the venue.
VENUE_LOG: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("event", "<i8"),  # Happened
        ("order_key", "<i8"),
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<i8"),
        ("maker", "<i8"),
        ("sent_ns", "<i8"),  # here
        ("exchange_ns", "<i8"),  # at the venue
        ("local_ns", "<i8"),  # when we know of it
        ("rested_ns", "<i8"),  # since the order was placed
    ]
)

# The touch of an instrument at a moment of the sampling grid; 0: none.
SAMPLE: Final[np.dtype[np.void]] = np.dtype(
    [("time_ns", "<i8"), ("instrument", "<i8"), ("bid_ticks", "<i8"), ("ask_ticks", "<i8")]
)

# How often the gate refused for a reason in the sampling interval that ended then.
REFUSALS: Final[np.dtype[np.void]] = np.dtype(
    [("time_ns", "<i8"), ("reason", "<i8"), ("count_n", "<i8")]
)

# A time in which no message of any instrument came in, longer than GAP_LEAST_NS.
GAP: Final[np.dtype[np.void]] = np.dtype([("start_ns", "<i8"), ("end_ns", "<i8")])
GAP_LEAST_NS: Final = 60_000_000_000


@unique
class Queue(IntEnum):
    """How an order's place in its queue is estimated: hot/backtest/queue.py."""

    RISK_AVERSE = 0
    POWER = 1
    POWER_2 = 2
    POWER_3 = 3
    LOG = 4
    LOG_2 = 5
