"""Why the gate refuses an order, and what else follows from it.

What ``observed`` and ``limit`` are beside each reason: appliance/abi/gate.py.
"""

from enum import IntEnum, unique
from typing import Final

import numpy as np


@unique
class Reject(IntEnum):
    """Why the gate refused an order. Closed; the observed value and the limit stand beside it."""

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
    PRICE_WINDOW = 33  # too far from where the market was not long ago
    EVENT_OLD = 34  # by the venue's own clock
    VALUE_UNKNOWN = 35  # a position is held that nobody can value at present
    GROSS = 36
    NET = 37
    FUNDS_UNKNOWN = 38
    FUNDS = 39
    LEVERAGE = 40
    DAY_OVER = 41  # the day's figures are of another day, or of none
    DAY_VALUE = 42
    DAY_QUANTITY = 43
    MESSAGE_RATE = 44
    VENUE_RATE = 45  # the venue's own limit of orders, less a margin
    VENUE_DAY = 46
    RUNAWAY = 47  # executions and rejects in a window
    ORDER_TO_TRADE = 48
    REJECTS = 49  # in a row
    DAY_LOSS = 50
    DRAWDOWN = 51
    LOSSES = 52  # in a row
    GUARDIAN = 53  # its heart does not beat
    JOURNAL_FULL = 54  # observed: records that have room; limit: as many are kept for what is out
    CLOCK_UNKNOWN = 55  # the offset to the venue's clock was not measured for long
    CLOCK_OFFSET = 56


@unique
class RiskAction(IntEnum):
    """What follows from a refusal, beside the refusal."""

    REFUSE = 0  # nothing
    BLOCK = 1  # REDUCE_ONLY until a person says otherwise
    HALT = 2  # HALTED likewise, and what is open is cancelled


# Of the limits on what we do and lose. What is amiss with the world (a stale book, a connection,
# the guardian) only refuses while it lasts: it mends itself, and nobody could judge it better.
ACTIONS: Final[dict[Reject, RiskAction]] = {
    Reject.PRICE_WINDOW: RiskAction.BLOCK,
    Reject.DAY_VALUE: RiskAction.BLOCK,
    Reject.DAY_QUANTITY: RiskAction.BLOCK,
    Reject.RUNAWAY: RiskAction.BLOCK,
    Reject.ORDER_TO_TRADE: RiskAction.BLOCK,
    Reject.REJECTS: RiskAction.BLOCK,
    Reject.LOSSES: RiskAction.BLOCK,
    Reject.DAY_LOSS: RiskAction.HALT,
    Reject.DRAWDOWN: RiskAction.HALT,
}
# The same by number.
RISK_ACTIONS: Final = np.array(
    [ACTIONS.get(reason, RiskAction.REFUSE) for reason in Reject], np.int64
)
assert list(Reject) == list(range(len(Reject)))


@unique
class Block(IntEnum):
    """Bits: why no order may go out at present, whatever the limits say. Cancels pass."""

    LINK = 1  # no connection that takes orders, or one that is backed up
    USER_DATA = 2  # no connection that tells of our orders
    RECONCILING = 4  # what happened while there was none is still being asked
    CLOCK = 8  # the offset to the venue's clock is unknown
    RATE = 16  # the venue asked us to wait
