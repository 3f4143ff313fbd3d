"""Broadcast ring: one producer that never waits, any number of readers that only read.

Every slot begins with an int64 ``sequence``: position + 1 of the record in it, 0 while it is
written. A reader copies the record and believes the copy only if the sequence was right
before and after. A reader that is too slow is lapped: it learns how many records it missed.

Producer: ``begin``, fill the fields behind ``sequence`` of ``b.slots[index]``, ``commit``; or
``write``. Reader: ``read`` (every record in order) or ``read_newest`` (conflated); its place is
``cursor``, int64[2] = [next position, missed], of its own.
"""

from typing import Any, NamedTuple

import numpy as np

from appliance.abi.broadcast_reader import LAP_MARGIN_SHIFT, READ_ATTEMPTS_MAX
from appliance.abi.layout import records_in
from appliance.abi.ring_layout import RING_HEADER_BYTES, TAIL
from appliance.hot.atomics import fence, load_acquire, store_release
from appliance.hot.jit import hot, hot_inline
from appliance.hot.memory import copy_record
from appliance.hot.ring import aligned_memory, header_in, ring_bytes


class Broadcast(NamedTuple):
    header: np.ndarray  # int64[RING_HEADER_WORDS]
    slots: Any  # records, a power of two of them; the first field is int64 `sequence`
    words: np.ndarray  # int64 view of the slots, for ordered access to `sequence`


@hot_inline
def begin(b: Broadcast) -> int:
    """Producer: the slot to fill next. Always there; whoever still reads it will notice.

    Fill every field but ``sequence``; to copy a whole record over the slot use ``write``.
    """
    index = b.header[TAIL] & (len(b.slots) - 1)
    # LAPPED: a reader that sees this 0 also sees the tail that explains it (pairs with _copy)
    store_release(b.words, index * (b.slots.itemsize >> 3), 0)
    fence()  # TORN: the 0 stands there before any byte of the record changes (pairs with _copy)
    return index


@hot_inline
def commit(b: Broadcast) -> None:
    """Producer: the record is complete."""
    position = b.header[TAIL]
    index = position & (len(b.slots) - 1)
    # COMPLETE: the record is written before its sequence says so (pairs with _copy)
    store_release(b.words, index * (b.slots.itemsize >> 3), position + 1)
    # PUBLISHED: the record is complete before tail shows it (pairs with read, read_newest)
    store_release(b.header, TAIL, position + 1)


@hot
def write(b: Broadcast, source: Any) -> None:
    """Producer: begin, copy the whole record ``source[0]``, commit. Sets its sequence to 0."""
    source[0].sequence = 0  # so that the copy does not name a record before it is complete
    copy_record(b.slots, begin(b), source, 0)
    commit(b)


@hot_inline
def _copy(b: Broadcast, position: int, out: Any) -> int:
    """1 if ``out[0]`` is now the record of ``position``; 0 if it was or is being overwritten."""
    index = position & (len(b.slots) - 1)
    word = index * (b.slots.itemsize >> 3)
    # COMPLETE, LAPPED: see commit and begin
    if load_acquire(b.words, word) != position + 1:
        return 0
    copy_record(out, 0, b.slots, index)
    fence()  # TORN: the copy is made before we look again (pairs with begin)
    if load_acquire(b.words, word) != position + 1:
        return 0
    return 1


@hot
def read(b: Broadcast, cursor: np.ndarray, out: Any) -> int:
    """Reader: 1 and the next record in ``out[0]``, or 0 (``out[0]`` is then worthless).

    0 means that there is nothing new, or, rarely, that the producer lapped us READ_ATTEMPTS_MAX
    times in a row: call again on the next pass. If lapped, goes on near the oldest record
    (an eighth of the ring further, or it would be lapped again) and adds what it left out to
    ``cursor[1]``: received + missed is always ``cursor[0]`` less where the cursor started.
    """
    slots_n = len(b.slots)
    margin = (slots_n >> LAP_MARGIN_SHIFT) + 1
    for _ in range(READ_ATTEMPTS_MAX):
        # PUBLISHED: see commit
        tail = load_acquire(b.header, TAIL)
        position = cursor[0]
        if position >= tail:
            return 0
        if tail - position <= slots_n and _copy(b, position, out):
            cursor[0] = position + 1
            return 1
        oldest = load_acquire(b.header, TAIL) - slots_n + margin
        if oldest > position:
            cursor[1] += oldest - position
            cursor[0] = oldest
    return 0


@hot
def read_newest(b: Broadcast, cursor: np.ndarray, out: Any) -> int:
    """Reader: 1 and the newest record in ``out[0]`` if ``read`` has not given it yet, else 0.

    Passes over what came before it by intent: that is not missed, ``cursor[1]`` stays as it is.
    """
    for _ in range(READ_ATTEMPTS_MAX):
        # PUBLISHED: see commit
        tail = load_acquire(b.header, TAIL)
        if cursor[0] >= tail:
            return 0
        if _copy(b, tail - 1, out):
            cursor[0] = tail
            return 1
    return 0


def make_cursor(b: Broadcast, *, from_start: bool = False) -> np.ndarray:
    """Where a new reader stands: behind the newest record, or at the first one ever written."""
    return np.array([0 if from_start else b.header[TAIL], 0], np.int64)


def broadcast_bytes(slots: int, dtype: "np.dtype[np.void]") -> int:
    """Bytes of a broadcast ring of ``slots`` records."""
    return ring_bytes(slots, dtype)


def make_broadcast(slots: int, dtype: "np.dtype[np.void]") -> Broadcast:
    """A new broadcast ring in ordinary memory of this process."""
    memory = aligned_memory(ring_bytes(slots, dtype))
    return broadcast_in(memory, 0, slots, dtype, initialise=True)


def broadcast_in(
    buffer: Any,
    offset: int,
    slots: int,
    dtype: "np.dtype[np.void]",
    *,
    initialise: bool,
) -> Broadcast:
    """The broadcast ring at ``offset`` of shared memory (a reader's mapping may be read-only).

    initialise: True for the producer (writes the header, clears the sequences), False to attach.
    Raises ValueError if what stands there is not such a ring or dtype has no leading sequence.
    """
    field = (dtype.fields or {}).get("sequence")
    if field is None or field[1] != 0 or field[0] != np.dtype(np.int64) or dtype.itemsize % 8:
        raise ValueError("the record does not begin with an int64 `sequence`")
    header = header_in(buffer, offset, slots, dtype.itemsize, initialise=initialise)
    start = offset + RING_HEADER_BYTES
    b = Broadcast(
        header,
        records_in(buffer, dtype, slots, start),
        np.frombuffer(buffer, np.int64, slots * dtype.itemsize // 8, start),
    )
    if initialise:
        b.slots.sequence[:] = 0
    return b
