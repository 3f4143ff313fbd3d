"""Reads a broadcast ring (ring_layout.py) with NumPy alone, for processes that do not compile.

Correct where loads are not reordered with one another (x86-64); the compiled reader
(hot/broadcast.py) carries its own fences and is correct everywhere.
"""

from typing import Any, Final

import numpy as np

from appliance.abi.ring_layout import (
    CAPACITY,
    RECORD_BYTES,
    RING_HEADER_BYTES,
    RING_HEADER_WORDS,
    TAIL,
)

READ_ATTEMPTS_MAX: Final = 4  # of a reader that is lapped again and again, in one call
LAP_MARGIN_SHIFT: Final = 3  # a lapped reader goes on 1/8 of the ring behind the oldest record


class BroadcastReader:
    """One reader's place in a broadcast ring. Only reads; the producer never learns of it."""

    def __init__(
        self,
        buffer: Any,
        offset: int,
        dtype: "np.dtype[np.void]",
        *,
        from_start: bool = True,
    ) -> None:
        """Attach to the ring at ``offset``; its capacity is read from its header.

        from_start: begin with the first record ever written (what is gone counts as missed), else
        behind the newest. Raises ValueError if the ring has records of another size.
        """
        self._header = np.frombuffer(buffer, np.int64, RING_HEADER_WORDS, offset)
        slots_n = int(self._header[CAPACITY])
        if slots_n < 2 or slots_n & (slots_n - 1):
            raise ValueError(f"no broadcast ring at {offset}")
        if int(self._header[RECORD_BYTES]) != dtype.itemsize:
            raise ValueError(
                f"records of {int(self._header[RECORD_BYTES])} bytes at {offset},"
                f" not of {dtype.itemsize}"
            )
        if (dtype.names or ("",))[0] != "sequence":
            raise ValueError("the record does not begin with `sequence`")
        self._slots = np.frombuffer(buffer, dtype, slots_n, offset + RING_HEADER_BYTES)
        self._slots_n = slots_n
        self.position = 0 if from_start else int(self._header[TAIL])

    def poll(self, max_n: int) -> "tuple[np.ndarray[Any, np.dtype[np.void]], int]":
        """Up to ``max_n`` records, copied, oldest first; and how many were missed before them."""
        tail = int(self._header[TAIL])
        if tail <= self.position:
            return self._slots[:0].copy(), 0
        begin = self.position
        if tail - begin > self._slots_n:
            begin = tail - self._slots_n + (self._slots_n >> LAP_MARGIN_SHIFT) + 1
        end = min(tail, begin + max_n)
        positions = np.arange(begin, end)
        indexes = positions & (self._slots_n - 1)
        sequences = self._slots["sequence"]
        whole = sequences[indexes] == positions + 1
        records = self._slots[indexes]
        whole &= sequences[indexes] == positions + 1
        missed = begin - self.position + int(np.count_nonzero(~whole))
        self.position = end
        return records[whole], missed
