"""A book: what is known of it (BOOK), and the memory that it lives in.

BOOK stands where everybody may read it; the other three are the hot loop's own.
"""

from enum import IntEnum, unique
from typing import Final

import numpy as np

from appliance.abi.layout import slot_dtype
from appliance.abi.limits import (
    LEAF_LEVELS,
    LEAVES_MAX,
    PARITY_TOPS_MAX,
    PENDING_DIFFS_MAX,
    PENDING_LEVELS_MAX,
)


@unique
class Anchor(IntEnum):
    """What the levels of a book rest on, and so which event may come next.

    A book that is not EMPTY and rests on NONE waits for a snapshot: the cold side asks for one.
    """

    NONE = 0  # no levels; differences are buffered
    SNAPSHOT = 1  # a snapshot that no event has continued yet; not served
    EVENT = 2  # an unbroken chain of events from a snapshot


# What a call changed, or-ed together
LEVELS_CHANGED: Final = 1  # an event was applied, or the levels are no longer served (or again)
STATE_CHANGED: Final = 2  # state or reason

# Rows of a leaf
KEYS: Final = 0
LOTS: Final = 1

BIDS: Final = 0  # sides as array indices
ASKS: Final = 1
SIDES: Final = 2

# One an instrument; all zeros is an EMPTY book of an unknown market, which never syncs.
BOOK: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("state", "<i8"),  # BookState
        ("reason", "<i8"),  # BookReason
        ("market", "<i8"),  # Market; UNKNOWN never syncs
        ("anchor", "<i8"),
        ("last_id", "<i8"),  # last id applied, or that of the snapshot; NO_ID: none
        ("last_event_ns", "<i8"),  # receive time of the last event applied
        ("exchange_ns", "<i8"),  # its E; NO_TIME where the venue gave none
        ("since_ns", "<i8"),  # when state and reason became what they are, receive clock
        ("bid_ticks", "<i8"),  # best of a LIVE book; NO_PRICE: side empty, or not LIVE
        ("bid_lots", "<i8"),
        ("ask_ticks", "<i8"),
        ("ask_lots", "<i8"),
        ("bid_levels_n", "<i8"),  # held, served or not
        ("ask_levels_n", "<i8"),
        # statistics; the three clocks below are the receive clock
        ("applied_n", "<i8"),  # differences
        ("ignored_n", "<i8"),  # older than the book
        ("buffered_n", "<i8"),  # ever
        ("dropped_n", "<i8"),  # of those, for want of room
        ("gaps_n", "<i8"),
        ("lives_n", "<i8"),  # times that it became LIVE
        ("resyncs_n", "<i8"),  # of those, by a snapshot after it had been LIVE before
        ("crossed_n", "<i8"),
        ("silences_n", "<i8"),
        ("compared_n", "<i8"),  # tops, with a bookTicker of the same id
        ("mismatched_n", "<i8"),
        ("snapshots_refused_n", "<i8"),
        ("live_ns", "<i8"),  # spent LIVE between first_ns and last_ns
        ("first_ns", "<i8"),  # first and last thing heard, or looked at, in time
        ("last_ns", "<i8"),
    ]
)

# Two an instrument, bids at 2 x i, asks at 2 x i + 1. Directory entries stand in rising order of
# key, and so do the levels of a leaf; leaf numbers say where the leaf's memory is.
BOOK_SIDE: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("levels_n", "<i8"),
        ("leaves_n", "<i8"),  # in the directory
        ("used_n", "<i8"),  # leaf numbers below were handed out
        ("free_n", "<i8"),  # of those came back: top of the stack below
        ("sign", "<i8"),  # key = sign x ticks: 1 for bids, -1 for asks
        ("reserved", "<i8", (3,)),
        ("lows", "<i8", (LEAVES_MAX,)),  # directory: lowest key of the leaf
        ("leaves", "<i8", (LEAVES_MAX,)),  # directory: its number
        ("counts", "<i8", (LEAVES_MAX,)),  # by leaf number: its levels
        ("free", "<i8", (LEAVES_MAX,)),
        ("levels", "<i8", (LEAVES_MAX, 2, LEAF_LEVELS)),  # by leaf number: row KEYS, row LOTS
    ]
)

# One an instrument: the differences that wait for a snapshot. Positions never wrap; a level block
# never straddles the end of the level ring.
BOOK_PENDING: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("head", "<i8"),  # position of the oldest difference
        ("tail", "<i8"),  # of the next
        ("levels_tail", "<i8"),  # level position behind the newest difference
        ("reserved", "<i8", (5,)),
        ("first_ids", "<i8", (PENDING_DIFFS_MAX,)),
        ("last_ids", "<i8", (PENDING_DIFFS_MAX,)),
        ("previous_ids", "<i8", (PENDING_DIFFS_MAX,)),
        ("exchange_ns", "<i8", (PENDING_DIFFS_MAX,)),
        ("receive_ns", "<i8", (PENDING_DIFFS_MAX,)),
        ("levels_at", "<i8", (PENDING_DIFFS_MAX,)),  # level position: bids, then asks
        ("bid_n", "<i8", (PENDING_DIFFS_MAX,)),
        ("ask_n", "<i8", (PENDING_DIFFS_MAX,)),
        ("ticks", "<i8", (PENDING_LEVELS_MAX,)),
        ("lots", "<i8", (PENDING_LEVELS_MAX,)),
    ]
)

# Columns of a top of book
TOP_ID: Final = 0
TOP_BID_TICKS: Final = 1
TOP_BID_LOTS: Final = 2
TOP_ASK_TICKS: Final = 3
TOP_ASK_LOTS: Final = 4
TOP_COLUMNS: Final = 8

# Two an instrument: tops of book that met no partner yet, ours at 2 x i, the venue's at 2 x i + 1.
BOOK_TOPS: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("head", "<i8"),
        ("tail", "<i8"),
        ("newest_id", "<i8"),  # of all that came, kept or not; NO_ID: none
        ("reserved", "<i8", (5,)),
        ("tops", "<i8", (PARITY_TOPS_MAX, TOP_COLUMNS)),
    ]
)
