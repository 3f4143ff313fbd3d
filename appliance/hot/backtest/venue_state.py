"""What the simulated venue is made of: books, our orders in their lists, messages on their way."""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.history import VENUE_LOG
from appliance.abi.layout import records, slot_dtype
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import REPORT, REQUEST
from appliance.abi.units import INT64_MAX
from appliance.hot.backtest.depth import NOBODY, Depth
from appliance.hot.backtest.flights import Flights, make_flights
from appliance.hot.backtest.latency import Latency

WHOLE_FILLS: Final = 0
PARTIAL_FILLS: Final = 1

NONE: Final = -1
FLIGHTS_SIZE: Final = 8 * ORDERS_MAX
LOG_SIZE: Final = 1 << 15
LOG_RESERVE: Final = 4 * ORDERS_MAX  # a step writes no more

# Words of Venue.words
QUEUE: Final = 0  # Queue
FILLS: Final = 1  # WHOLE_FILLS or PARTIAL_FILLS
LAST_ID: Final = 2
LOG_N: Final = 3
POST_ONLY_REPORT: Final = 4  # Report of one that would cross: spot rejects it, USD-M lets it expire
CROWDED: Final = 5  # 1: a report or an entry of the log was lost for want of room
SCRIPTED: Final = 6  # 1: requests are noted down, and somebody else answers them
WORDS_N: Final = 8

RESTING: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("order_key", "<i8"),  # 0: nobody
        ("instrument", "<i8"),
        ("k", "<i8"),
        ("signed", "<i8"),
        ("leaves_lots", "<i8"),
        ("venue_id", "<i8"),
        ("sent_ns", "<i8"),
        ("placed_ns", "<i8"),
        ("better", "<i8"),  # slots of its neighbours; older orders come first at one price
        ("worse", "<i8"),
        ("front_lots", "<f8"),
        ("traded_lots", "<f8"),
    ]
)

# Our orders on one side of an instrument.
OWN_SIDE: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("best_signed", "<i8"),  # NOBODY: there are none
        ("worst_signed", "<i8"),
        ("best", "<i8"),  # slots, or NONE
        ("worst", "<i8"),
    ]
)


class Venue(NamedTuple):
    depth: Depth
    own: Any  # OWN_SIDE[2 * n]
    resting: Any  # RESTING[ORDERS_MAX], at the slot that the order's key names
    requests: Flights  # of REQUEST
    reports: Flights  # of REPORT
    latency: Latency
    lot_sizes: np.ndarray  # float64[n]
    power: np.ndarray  # float64[1]
    log: Any  # VENUE_LOG[LOG_SIZE]
    words: np.ndarray  # int64[WORDS_N]


def make_venue(depth: Depth, latency: Latency, lot_sizes: np.ndarray) -> Venue:
    """A venue with nothing in it."""
    n = len(lot_sizes)
    own = records(2 * n, OWN_SIDE)
    own["best_signed"], own["worst_signed"] = NOBODY, INT64_MAX
    own["best"] = own["worst"] = NONE
    return Venue(
        depth,
        own,
        records(ORDERS_MAX, RESTING),
        make_flights(FLIGHTS_SIZE, REQUEST, n),
        make_flights(FLIGHTS_SIZE, REPORT, n),
        latency,
        np.asarray(lot_sizes, np.float64),
        np.ones(1, np.float64),
        records(LOG_SIZE, VENUE_LOG),
        np.zeros(WORDS_N, np.int64),
    )
