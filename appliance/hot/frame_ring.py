"""Ring of frames (bytes with a header): one producer, one consumer, in one process or two.

Layout: abi/ring_layout.py. Positions count bytes. Consumer: ``peek`` gives the byte offset of the
next frame's header in ``ring.data``; its bytes begin at FRAME_HEADER_BYTES behind it; ``release``.

A frame longer than FRAME_BYTES_MAX keeps its true length in the header, but only the first
FRAME_BYTES_MAX of its bytes are stored: whoever reads it must refuse it by ``length_at``. (A ring
too small for that, as in tests, stores ``payload_bytes_max`` and calls whatever is longer
FRAME_BYTES_MAX + 1 bytes long at least.) So: a length up to FRAME_BYTES_MAX is the truth and all of
it is there, with at least FRAME_PADDING_BYTES readable bytes, of any value, behind.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.limits import (
    FRAME_BYTES_MAX,
    FRAME_HEADER_BYTES,
    FRAME_PADDING_BYTES,
)
from appliance.abi.ring_layout import (
    FRAME,
    HEAD,
    HEAD_CACHE,
    RING_HEADER_BYTES,
    TAIL,
    TAIL_CACHE,
    WRAP,
)
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import copy_bytes
from appliance.hot.ring import aligned_memory, header_in

CAPACITY_BYTES_MIN = 1024
_OVERHEAD_BYTES = FRAME_HEADER_BYTES + FRAME_PADDING_BYTES

# Words of a frame header
_LENGTH, _RECEIVE_NS, _INSTRUMENT, _SOURCE, _NUMBER = (
    FRAME.fields[name][1] // 8
    for name in ("length_bytes", "receive_ns", "instrument", "source", "number")
)


class FrameRing(NamedTuple):
    header: np.ndarray  # int64[RING_HEADER_WORDS]
    data: np.ndarray  # uint8[capacity + FRAME_PADDING_BYTES]
    words: np.ndarray  # int64[capacity // 8]: the same memory


class Frame(NamedTuple):
    """Where a frame lies and what is known of it."""

    start: int
    length: int  # more than FRAME_BYTES_MAX: not all of it is there
    receive_ns: int
    hint: int  # instrument of a REST snapshot, or -1
    source: int  # FrameSource
    number: int


@hot_inline
def capacity_bytes(ring: FrameRing) -> int:
    return len(ring.words) * 8


@hot_inline
def payload_bytes_max(ring: FrameRing) -> int:
    """How much of one frame the ring stores: a frame takes up half of it at most."""
    return min(FRAME_BYTES_MAX, len(ring.words) * 4 - _OVERHEAD_BYTES)


@hot_inline
def _stride(stored: int) -> int:
    return (stored + _OVERHEAD_BYTES + 63) & ~63


@hot_inline
def claim(ring: FrameRing, length: int) -> int:
    """Producer: offset for the header of a frame of up to ``length`` bytes, or -1 if full.

    Fill ``ring.data`` from FRAME_HEADER_BYTES behind the offset, ``payload_bytes_max`` bytes at
    most, then ``publish``. Claiming again (any length) forgets the claim before.
    """
    header = ring.header
    tail = header[TAIL]
    capacity = len(ring.words) * 8
    offset = tail & (capacity - 1)
    need = _stride(min(max(length, 0), payload_bytes_max(ring)))
    wrap = offset + need > capacity
    if wrap:
        need += capacity - offset
    if tail + need - header[HEAD_CACHE] > capacity:
        # RELEASED: the consumer is done with every byte before head (pairs with release, peek)
        header[HEAD_CACHE] = load_acquire(header, HEAD)
        if tail + need - header[HEAD_CACHE] > capacity:
            return -1
    if wrap:
        ring.words[(offset >> 3) + _LENGTH] = WRAP
        return 0
    return offset


@hot_inline
def publish(
    ring: FrameRing,
    offset: int,
    length: int,
    receive_ns: int,
    instrument: int,
    source: int,
    number: int,
) -> None:
    """Producer: hand over the claimed frame at ``offset``, ``length`` no longer than claimed."""
    header = ring.header
    words = ring.words
    length = max(length, 0)
    stored = min(length, payload_bytes_max(ring))
    word = offset >> 3
    words[word + _LENGTH] = length if stored == length else max(length, FRAME_BYTES_MAX + 1)
    words[word + _RECEIVE_NS] = receive_ns
    words[word + _INSTRUMENT] = instrument
    words[word + _SOURCE] = source
    words[word + _NUMBER] = number
    tail = header[TAIL]
    capacity = len(words) * 8
    if tail & (capacity - 1) != offset:  # the claim went on at the start of the ring
        tail += capacity - (tail & (capacity - 1))
    # PUBLISHED: the frame and the WRAP before it are written before tail shows them (pairs with
    # peek)
    store_release(header, TAIL, tail + _stride(stored))


@hot
def push(
    ring: FrameRing,
    source_bytes: np.ndarray,
    start: int,
    length: int,
    receive_ns: int,
    instrument: int,
    source: int,
    number: int,
) -> int:
    """Producer: copy ``source_bytes[start:start + length]`` in as a frame; 1, or 0 if full."""
    offset = claim(ring, length)
    if offset < 0:
        return 0
    stored = min(length, payload_bytes_max(ring))
    copy_bytes(ring.data, offset + FRAME_HEADER_BYTES, source_bytes, start, stored)
    publish(ring, offset, length, receive_ns, instrument, source, number)
    return 1


@hot
def push_many(
    ring: FrameRing,
    arena: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    receive_ns: np.ndarray,
    instruments: np.ndarray,
    sources: np.ndarray,
    first: int,
    count: int,
    number0: int,
) -> int:
    """Producer: push frames first .. first + count - 1 of the table until the ring is full.

    Returns how many were pushed. The frame of row i is ``arena[starts[i]:][:lengths[i]]`` and gets
    the number ``number0 + i``, so that a caller goes on with ``first`` alone.
    """
    for i in range(first, first + count):
        pushed = push(
            ring,
            arena,
            starts[i],
            lengths[i],
            receive_ns[i],
            instruments[i],
            sources[i],
            number0 + i,
        )
        if not pushed:
            return i - first
    return count


@hot_inline
def peek(ring: FrameRing) -> int:
    """Consumer: offset of the oldest frame's header, or -1 if the ring is empty."""
    header = ring.header
    head = header[HEAD]
    if header[TAIL_CACHE] <= head:
        # PUBLISHED: the frames before tail are written (pairs with publish)
        header[TAIL_CACHE] = load_acquire(header, TAIL)
        if header[TAIL_CACHE] <= head:
            return -1
    capacity = len(ring.words) * 8
    offset = head & (capacity - 1)
    if ring.words[(offset >> 3) + _LENGTH] == WRAP:
        # A frame follows: it was published together with this WRAP.
        # RELEASED: WRAP has been read before head gives its place back (pairs with claim)
        store_release(header, HEAD, head + capacity - offset)
        return 0
    return offset


@hot_inline
def release(ring: FrameRing) -> None:
    """Consumer: give the peeked frame back to the producer."""
    header = ring.header
    head = header[HEAD]
    length = ring.words[((head & (len(ring.words) * 8 - 1)) >> 3) + _LENGTH]
    # RELEASED: the frame has been read before head gives it back (pairs with claim)
    store_release(header, HEAD, head + _stride(min(length, payload_bytes_max(ring))))


@hot_inline
def length_at(ring: FrameRing, offset: int) -> int:
    """Bytes of the frame whose header is at ``offset``; more than FRAME_BYTES_MAX: refuse it."""
    return ring.words[(offset >> 3) + _LENGTH]


@hot_inline
def receive_ns_at(ring: FrameRing, offset: int) -> int:
    return ring.words[(offset >> 3) + _RECEIVE_NS]


@hot_inline
def instrument_at(ring: FrameRing, offset: int) -> int:
    return ring.words[(offset >> 3) + _INSTRUMENT]


@hot_inline
def source_at(ring: FrameRing, offset: int) -> int:
    return ring.words[(offset >> 3) + _SOURCE]


@hot_inline
def number_at(ring: FrameRing, offset: int) -> int:
    return ring.words[(offset >> 3) + _NUMBER]


@hot_inline
def frame_at(ring, offset):
    """The frame whose header is at ``offset`` of a frame ring."""
    return Frame(
        offset + FRAME_HEADER_BYTES,
        length_at(ring, offset),
        receive_ns_at(ring, offset),
        instrument_at(ring, offset),
        source_at(ring, offset),
        number_at(ring, offset),
    )


@hot
def size_bytes(ring: FrameRing) -> int:
    """Bytes taken up; for others than the two sides, a recent value."""
    head = load_acquire(ring.header, HEAD)
    return min(load_acquire(ring.header, TAIL) - head, len(ring.words) * 8)


def frame_ring_bytes(capacity: int) -> int:
    """Bytes of a frame ring with room for ``capacity`` bytes of frames."""
    return RING_HEADER_BYTES + capacity + FRAME_PADDING_BYTES


def make_frame_ring(capacity: int) -> FrameRing:
    """A new frame ring of ``capacity`` bytes in ordinary memory of this process."""
    return frame_ring_in(aligned_memory(frame_ring_bytes(capacity)), 0, capacity, initialise=True)


def frame_ring_in(buffer: Any, offset: int, capacity: int, *, initialise: bool) -> FrameRing:
    """The frame ring at ``offset`` of shared memory.

    initialise: True for the side that makes it (writes the header; positions start at 0), False
    to attach. Raises ValueError if what stands there is not such a ring.
    """
    if capacity < CAPACITY_BYTES_MIN:
        raise ValueError(f"a frame ring of {capacity} bytes: at least {CAPACITY_BYTES_MIN}")
    header = header_in(buffer, offset, capacity, 1, initialise=initialise)
    start = offset + RING_HEADER_BYTES
    return FrameRing(
        header,
        np.frombuffer(buffer, np.uint8, capacity + FRAME_PADDING_BYTES, start),
        np.frombuffer(buffer, np.int64, capacity // 8, start),
    )
