"""The ways of writing an event that telemetry_writers.py compares, as compiled code."""

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numba import types

from appliance.abi.event import EVENT
from appliance.hot.broadcast import begin, commit
from appliance.hot.cpu import cycles
from benchmarks.io_uring import (
    CQ_HEAD,
    CQ_TAIL,
    IS_POLLED,
    RING_FD,
    SQ_ARRAY,
    SQ_FLAGS,
    SQ_MASK,
    SQ_TAIL,
)

EVENT_WORDS: Final = EVENT.itemsize // 8
BUFFER_WORDS: Final = 64 * 1024 // 8

_njit = numba.njit(nogil=True, boundscheck=False, error_model="numpy")
_write = types.ExternalFunction("write", types.int64(types.int32, types.intp, types.intp))
_syscall = types.ExternalFunction(
    "syscall",
    types.int64(types.int64, types.int64, types.int64, types.int64, types.int64, types.int64),
)


class Ways(NamedTuple):
    """What any of the writers may need."""

    ring: Any
    words: np.ndarray  # int64[BUFFER_WORDS], and how full it is behind them
    address: int  # of the words
    fd: int
    uring: np.ndarray  # int64: see Uring
    sq: np.ndarray  # int32 view of the submission ring
    cq: np.ndarray  # int32 view of the completion ring
    entries: np.ndarray  # int64[n, 8]: submission entries


# ---- the ways ------------------------------------------------------------------------------------


@_njit
def by_ring(ways, i):
    slot = ways.ring.slots[begin(ways.ring)]
    slot.kind = 1
    slot.instrument = 0
    slot.receive_ns = i
    slot.price_ticks = i
    slot.quantity_lots = i
    slot.order_key = i
    slot.reason = 0
    slot.observed = i
    slot.limit = 0
    commit(ways.ring)


@_njit
def _fill(words, at, i):
    for k in range(EVENT_WORDS):
        words[at + k] = 0
    words[at] = i + 1
    words[at + 1] = 1
    words[at + 6] = i


@_njit
def by_buffer(ways, i):
    at = ways.words[BUFFER_WORDS]
    _fill(ways.words, at, i)
    at += EVENT_WORDS
    if at == BUFFER_WORDS:
        _write(ways.fd, ways.address, BUFFER_WORDS * 8)
        at = 0
    ways.words[BUFFER_WORDS] = at


@_njit
def by_write(ways, i):
    _fill(ways.words, 0, i)
    _write(ways.fd, ways.address, EVENT_WORDS * 8)


_ENTER: Final = 426
_WRITE: Final = 23  # IORING_OP_WRITE
_ENTER_WAKEUP: Final = 2
_NEEDS_WAKEUP: Final = 1


@_njit
def by_uring(ways, i):
    where = ways.uring
    tail = ways.sq[where[SQ_TAIL]]
    slot = tail & ways.sq[where[SQ_MASK]]
    at = np.int64(slot) * EVENT_WORDS
    _fill(ways.words, at, i)
    entry = ways.entries[slot]
    entry[0] = _WRITE | np.int64(ways.fd) << 32
    entry[1] = i * EVENT_WORDS * 8  # where in the file
    entry[2] = ways.address + at * 8
    entry[3] = EVENT_WORDS * 8
    ways.sq[where[SQ_ARRAY] + slot] = slot
    _release(ways.sq, where[SQ_TAIL], tail + 1)
    if where[IS_POLLED] == 0:
        _syscall(_ENTER, where[RING_FD], 1, 0, 0, 0)
    elif ways.sq[where[SQ_FLAGS]] & _NEEDS_WAKEUP:
        _syscall(_ENTER, where[RING_FD], 0, 0, _ENTER_WAKEUP, 0)
    ways.cq[where[CQ_HEAD]] = ways.cq[where[CQ_TAIL]]  # what is done with, we do not look at


@_njit
def _release(ring, at, value):
    """x86-64 keeps stores in order; elsewhere io_uring is not measured."""
    ring[at] = value


def paced(emit):
    """The loop: event ``i`` at its time, what it cost in cycles into ``costs``."""

    @_njit
    def loop(ways, gap_cycles, costs):
        due = cycles()
        for i in range(costs.shape[0]):
            while cycles() < due:
                pass
            began = cycles()
            emit(ways, i)
            costs[i] = cycles() - began
            due += gap_cycles

    return loop
