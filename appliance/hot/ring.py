"""Ring of fixed slots: one producer, one consumer, in one process or two.

Layout and header words: abi/ring_layout.py. Each side writes its own words only and keeps a copy
of the other side's position, so that it touches the other's cache line only when the copy says
full or empty. Producer: ``claim``, fill ``ring.slots[index]``, ``publish``. Consumer: ``peek``,
use ``ring.slots[index]``, ``release``. Nobody waits; a full ring is the caller's to count.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.layout import records_in
from appliance.abi.limits import FALSE_SHARING_RANGE
from appliance.abi.ring_layout import (
    CAPACITY,
    HEAD,
    HEAD_CACHE,
    RECORD_BYTES,
    RING_HEADER_BYTES,
    RING_HEADER_WORDS,
    TAIL,
    TAIL_CACHE,
)
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.jit import hot, hot_inline


class Ring(NamedTuple):
    header: np.ndarray  # int64[RING_HEADER_WORDS]
    slots: Any  # records, a power of two of them


@hot_inline
def claim(ring: Ring) -> int:
    """Producer: the slot to fill next, or -1 if the ring is full. Again gives the same."""
    header = ring.header
    tail = header[TAIL]
    slots_n = len(ring.slots)
    if tail - header[HEAD_CACHE] >= slots_n:
        # RELEASED: the consumer is done with every slot before head (pairs with release)
        header[HEAD_CACHE] = load_acquire(header, HEAD)
        if tail - header[HEAD_CACHE] >= slots_n:
            return -1
    return tail & (slots_n - 1)


@hot_inline
def publish(ring: Ring) -> None:
    """Producer: hand the claimed and filled slot over to the consumer."""
    header = ring.header
    # PUBLISHED: the slot is filled before tail shows it (pairs with peek)
    store_release(header, TAIL, header[TAIL] + 1)


@hot_inline
def peek(ring: Ring) -> int:
    """Consumer: the oldest slot, or -1 if the ring is empty. Again gives the same."""
    header = ring.header
    head = header[HEAD]
    if header[TAIL_CACHE] <= head:
        # PUBLISHED: the slots before tail are filled (pairs with publish)
        header[TAIL_CACHE] = load_acquire(header, TAIL)
        if header[TAIL_CACHE] <= head:
            return -1
    return head & (len(ring.slots) - 1)


@hot_inline
def release(ring: Ring) -> None:
    """Consumer: give the peeked slot back to the producer."""
    header = ring.header
    # RELEASED: the slot has been read before head gives it back (pairs with claim)
    store_release(header, HEAD, header[HEAD] + 1)


@hot
def size(ring: Ring) -> int:
    """Records published and not released; for others than the two sides, a recent value."""
    head = load_acquire(ring.header, HEAD)
    return min(load_acquire(ring.header, TAIL) - head, len(ring.slots))


def ring_bytes(slots: int, dtype: "np.dtype[np.void]") -> int:
    """Bytes of a ring of ``slots`` records."""
    return RING_HEADER_BYTES + slots * dtype.itemsize


def make_ring(slots: int, dtype: "np.dtype[np.void]") -> Ring:
    """A new ring in ordinary memory of this process."""
    memory = aligned_memory(ring_bytes(slots, dtype))
    return ring_in(memory, 0, slots, dtype, initialise=True)


def ring_in(
    buffer: Any,
    offset: int,
    slots: int,
    dtype: "np.dtype[np.void]",
    *,
    initialise: bool,
) -> Ring:
    """The ring at ``offset`` of shared memory.

    initialise: True for the side that makes it (writes the header; positions start at 0), False
    to attach. Raises ValueError if what stands there is not such a ring.
    """
    header = header_in(buffer, offset, slots, dtype.itemsize, initialise=initialise)
    return Ring(header, records_in(buffer, dtype, slots, offset + RING_HEADER_BYTES))


def aligned_memory(size_bytes: int) -> np.ndarray:
    """Zeroed uint8[size_bytes] that begins where no other data can share a line with it."""
    memory = np.zeros(size_bytes + 2 * FALSE_SHARING_RANGE, np.uint8)
    start = -memory.ctypes.data % FALSE_SHARING_RANGE
    return memory[start : start + size_bytes]


def header_in(
    buffer: Any, offset: int, capacity: int, record_bytes: int, *, initialise: bool
) -> np.ndarray:
    """The header words of any ring at ``offset``: written anew, or checked."""
    if capacity < 2 or capacity & (capacity - 1):
        raise ValueError(f"a ring of {capacity}: not a power of two from 2 up")
    if offset % FALSE_SHARING_RANGE:
        raise ValueError(f"a ring at {offset}: not a multiple of {FALSE_SHARING_RANGE}")
    header = np.frombuffer(buffer, np.int64, RING_HEADER_WORDS, offset)
    if initialise:
        header[:] = 0
        header[CAPACITY] = capacity
        header[RECORD_BYTES] = record_bytes
    found = (int(header[CAPACITY]), int(header[RECORD_BYTES]))
    if found != (capacity, record_bytes):
        raise ValueError(
            f"a ring of {found[0]} x {found[1]} bytes stands at {offset},"
            f" not of {capacity} x {record_bytes}"
        )
    return header
