"""Messages on their way between here and the venue, each with the time of its arrival.

Requests arrive in the order in which they were sent, and so do the reports about one instrument:
one that would overtake waits for the one before it.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.layout import records
from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import copy_record

HEAD = 0
TAIL = 1


class Flights(NamedTuple):
    arrivals_ns: np.ndarray  # int64[a power of two]
    messages: Any  # records, as many
    words: np.ndarray  # int64[8]: HEAD, TAIL
    last_ns: np.ndarray  # int64[n]: arrival of the latest one about each instrument


def make_flights(size: int, dtype: "np.dtype[np.void]", n: int) -> Flights:
    """Nothing on its way. ``size``: a power of two."""
    return Flights(
        np.zeros(size, np.int64), records(size, dtype), np.zeros(8, np.int64), np.zeros(n, np.int64)
    )


@hot_inline
def flying_n(flights):
    return flights.words[TAIL] - flights.words[HEAD]


@hot_inline
def room(flights):
    return flights.arrivals_ns.shape[0] - flying_n(flights)


@hot_inline
def next_arrival(flights, until_ns):
    """Index of the first message to arrive, if that is by ``until_ns``; else -1."""
    head = flights.words[HEAD]
    at = head & (flights.arrivals_ns.shape[0] - 1)
    if head == flights.words[TAIL] or flights.arrivals_ns[at] > until_ns:
        return np.int64(-1)
    return at


@hot_inline
def landed(flights):
    """The message that ``next_arrival`` showed is dealt with."""
    flights.words[HEAD] += 1


@hot
def take_off(flights, instrument, arrival_ns):
    """The place for a message that arrives then; the caller fills it, and sees to it that there is
    ``room``. Not before what is under way about the same instrument."""
    arrival_ns = max(arrival_ns, flights.last_ns[instrument])
    flights.last_ns[instrument] = arrival_ns
    mask = flights.arrivals_ns.shape[0] - 1
    at = flights.words[TAIL]
    while at > flights.words[HEAD] and flights.arrivals_ns[(at - 1) & mask] > arrival_ns:
        flights.arrivals_ns[at & mask] = flights.arrivals_ns[(at - 1) & mask]
        copy_record(flights.messages, at & mask, flights.messages, (at - 1) & mask)
        at -= 1
    flights.arrivals_ns[at & mask] = arrival_ns
    flights.words[TAIL] += 1
    return at & mask
