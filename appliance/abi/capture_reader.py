"""Reads a capture ring (capture.py) with NumPy alone, for processes that do not compile.

Correct where loads are not reordered with one another (x86-64).
"""

import mmap
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from appliance.abi.capture import (
    CAPTURE_KIND,
    CLAIMED,
    EPOCH,
    KIND,
    NEXT_N,
    longest_frame,
    stride,
)
from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.ring_layout import (
    CAPACITY,
    RECORD_BYTES,
    RING_HEADER_BYTES,
    RING_HEADER_WORDS,
    TAIL,
    WRAP,
)

_RECORD: Final = struct.Struct("<5q")  # the fields of FRAME, in their order
_TAIL_TRIES_MAX: Final = 1000
CAPACITY_MIN: Final = 1024


class CaptureError(Exception):
    """The file is no capture ring that we can read; one line for the user."""


class Captured(NamedTuple):
    """A frame as it came."""

    number: int
    receive_ns: int
    instrument: int  # -1: the frame does not belong to one, or nobody knew
    source: int  # FrameSource
    frame: bytes


class Taken(NamedTuple):
    """What a reader got."""

    frames: list[Captured]
    missed_n: int  # records that were overwritten before these, or not kept


class CaptureReader:
    """One reader's place in a capture ring. Only reads; the producer never learns of it."""

    def __init__(self, path: Path) -> None:
        """At the first record ever written. Raises CaptureError."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise CaptureError(f"cannot open {path}: {error.strerror}") from None
        try:
            stat = os.fstat(handle)
            size_bytes = stat.st_size
            self.file_id = (stat.st_dev, stat.st_ino)
            if size_bytes < RING_HEADER_BYTES:
                raise CaptureError(f"{path} is no capture ring: {size_bytes} bytes")
            self._mapping = mmap.mmap(handle, size_bytes, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(handle)
        self._header = np.frombuffer(self._mapping, np.int64, RING_HEADER_WORDS)
        self.capacity = int(self._header[CAPACITY])
        self.epoch = int(self._header[EPOCH])
        fits = self.capacity >= CAPACITY_MIN and self.capacity + RING_HEADER_BYTES <= size_bytes
        kind = (int(self._header[KIND]), int(self._header[RECORD_BYTES]))
        if not fits or kind != (CAPTURE_KIND, 1):
            self.close()
            raise CaptureError(f"{path} is no capture ring of this version")
        self._data = np.frombuffer(self._mapping, np.uint8, self.capacity, RING_HEADER_BYTES)
        self.position = 0
        self.number = 0  # of the next record

    def close(self) -> None:
        """Let go of the mapping."""
        for name in ("_header", "_data"):
            self.__dict__.pop(name, None)
        self._mapping.close()

    def seek(self, position: int, number: int) -> None:
        """Go on where a reader of the same ring was: before record ``number``."""
        self.position, self.number = position, number

    @property
    def waiting_bytes(self) -> int:
        """Not read yet; more than the capacity: lapped."""
        return int(self._header[TAIL]) - self.position

    def poll(self, bytes_max: int = 4 << 20) -> Taken:
        """The records of about ``bytes_max`` bytes, oldest first."""
        tail = int(self._header[TAIL])
        if tail <= self.position:
            return Taken([], 0)
        end = min(tail, self.position + bytes_max)
        copy = self._copy(self.position, end)
        if int(self._header[CLAIMED]) - self.position > self.capacity:
            return Taken([], self._go_on_at_tail())
        return self._records(copy, bytes_max)

    def _copy(self, begin: int, end: int) -> bytes:
        mask = self.capacity - 1
        first, last = begin & mask, end & mask
        if first < last:
            return self._data[first:last].tobytes()
        rest = end - begin - (self.capacity - first)
        return self._data[first:].tobytes() + self._data[:rest].tobytes()

    def _go_on_at_tail(self) -> int:
        """Lapped. How many records were missed."""
        before_n = self.number
        for _ in range(_TAIL_TRIES_MAX):  # until both words are of one moment
            tail, number = int(self._header[TAIL]), int(self._header[NEXT_N])
            if tail == int(self._header[TAIL]) and tail == int(self._header[CLAIMED]):
                self.seek(tail, number)
                return number - before_n
        return 0  # the next call tries again

    def _records(self, copy: bytes, bytes_max: int) -> Taken:
        """What is complete in ``copy``, which begins at our position."""
        frames: list[Captured] = []
        missed_n = at = 0
        while at + FRAME_HEADER_BYTES <= len(copy):
            length, receive_ns, instrument, source, number = _RECORD.unpack_from(copy, at)
            if length == WRAP:
                at += self.capacity - ((self.position + at) & (self.capacity - 1))
                continue
            stored = length if length <= longest_frame(self.capacity) else 0
            start = at + FRAME_HEADER_BYTES
            if start + stored > len(copy):
                break  # the rest is beyond bytes_max
            missed_n += number - self.number + (stored != length)
            self.number = number + 1
            at += stride(stored)
            if stored == length:
                frame = copy[start : start + stored]
                frames.append(Captured(number, receive_ns, instrument, source, frame))
        if at == 0 and len(copy) >= bytes_max:
            return self.poll(2 * bytes_max)
        self.position += at
        return Taken(frames, missed_n)
