"""The records of one class: segments in a folder, one writer, one reader beside it.

``a-00000001.spool``, ``a-00000002.spool``, ... A segment is full after SEGMENT_BYTES or SEGMENT_S.
"""

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sidecar import segment
from sidecar.segment import Damage, Record

SEGMENT_BYTES: Final = 8 * 1024 * 1024
SEGMENT_S: Final = 600.0


class Position(NamedTuple):
    """Before a record: the number of its segment, and the byte in it."""

    segment: int
    offset: int


class Piece(NamedTuple):
    """What lies between two positions: a record, or damage."""

    found: Record | Damage
    end: Position


class Dropped(NamedTuple):
    """What a segment held that was removed."""

    records_n: int
    lines_n: int
    from_ns: int
    to_ns: int
    last: Position  # behind it


class Stream:
    """``append`` and ``drop_oldest`` for the writer's thread, ``pieces`` for any."""

    def __init__(self, folder: Path, kind: str, last_number: int | None) -> None:
        """``last_number``: of the last interval that counts; later records are removed. None: all
        count."""
        self._folder, self._kind = folder, kind
        self._lock = threading.Lock()
        self._fd = -1
        self._opened_s = 0.0
        self.damages: list[tuple[int, Damage]] = []  # segment, what was found there at the start
        self._sizes = {n: self.path(n).stat().st_size for n in self._on_disk()}
        self.last_number, self.last_end_ns = 0, 0
        self._cut(last_number)

    def path(self, number: int) -> Path:
        return self._folder / f"{self._kind}-{number:08d}.spool"

    @property
    def bytes_n(self) -> int:
        with self._lock:
            return sum(self._sizes.values())

    @property
    def segments_n(self) -> int:
        with self._lock:
            return len(self._sizes)

    @property
    def begin(self) -> Position:
        """Before the oldest record that is left."""
        with self._lock:
            return Position(min(self._sizes, default=1), segment.HEADER_BYTES)

    @property
    def end(self) -> Position:
        """Behind the newest record."""
        with self._lock:
            number = max(self._sizes, default=1)
            return Position(number, self._sizes.get(number, segment.HEADER_BYTES))

    def append(self, number: int, end_ns: int, lines: bytes) -> None:
        """One record, not yet safe from a power cut (``sync``). OSError: nothing was written."""
        if self._fd < 0 or self._is_full():
            self._begin_segment(end_ns)
        current = max(self._sizes)
        data = segment.encode(number, end_ns, lines)
        try:
            if os.write(self._fd, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # it took a part of it
        except OSError:
            os.ftruncate(self._fd, self._sizes[current])
            raise
        with self._lock:
            self._sizes[current] += len(data)
        self.last_number, self.last_end_ns = number, end_ns

    def take_back(self, number: int) -> None:
        """Removes the records of interval ``number`` and later, written last."""
        if self.last_number >= number:
            self._cut(number - 1)

    def sync(self) -> None:
        if self._fd >= 0:
            os.fdatasync(self._fd)

    def drop_oldest(self) -> Dropped | None:
        """Removes the oldest segment; never the one that is being written."""
        with self._lock:
            if len(self._sizes) < 2:
                return None
            number = min(self._sizes)
            size = self._sizes.pop(number)
        records = [r for r in segment.read(self._load(number)) if isinstance(r, Record)]
        self.path(number).unlink(missing_ok=True)
        return Dropped(
            len(records),
            sum(r.lines_n for r in records),
            min((r.end_ns for r in records), default=0),
            max((r.end_ns for r in records), default=0),
            Position(number, size),
        )

    def pieces(self, start: Position, end: Position) -> Iterator[Piece]:
        """Everything from ``start`` to ``end`` that is still there, oldest first."""
        if start >= end:
            return
        with self._lock:
            numbers = sorted(n for n in self._sizes if start.segment <= n <= end.segment)
        for number in numbers:
            data = self._load(number)
            if number == end.segment:
                data = data[: end.offset]
            offset = start.offset if number == start.segment else 0
            for found in segment.read(data, offset):
                if isinstance(found, Record):
                    yield Piece(found, Position(number, found.next_offset))
                else:
                    yield Piece(found, Position(number, found.offset + found.bytes_n))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    # ---- files -----------------------------------------------------------------------------------

    def _on_disk(self) -> list[int]:
        names = self._folder.glob(f"{self._kind}-*.spool")
        return sorted(int(path.stem.partition("-")[2]) for path in names)

    def _load(self, number: int) -> bytes:
        try:
            return self.path(number).read_bytes()
        except FileNotFoundError:
            return b""  # dropped in the meantime

    def _is_full(self) -> bool:
        too_old = time.monotonic() - self._opened_s >= SEGMENT_S
        return too_old or self._sizes[max(self._sizes)] >= SEGMENT_BYTES

    def _begin_segment(self, created_ns: int) -> None:
        number = max(self._sizes, default=0) + 1
        self.path(number).unlink(missing_ok=True)  # of a start that went no further
        fd = segment.create(self.path(number), self._kind, created_ns)
        self.close()
        self._fd, self._opened_s = fd, time.monotonic()
        with self._lock:
            self._sizes[number] = segment.HEADER_BYTES

    def _cut(self, last_number: int | None) -> None:
        """Ends behind the last record that counts. A segment without any is left empty, and then
        the one before it has the last."""
        self.last_number, self.last_end_ns = 0, 0
        for number in sorted(self._sizes, reverse=True):
            keep = segment.HEADER_BYTES
            for found in segment.read(self._load(number)):
                if isinstance(found, Damage):
                    if not found.is_tail and (number, found) not in self.damages:
                        self.damages.append((number, found))
                elif last_number is None or found.number <= last_number:
                    self.last_number, self.last_end_ns = found.number, found.end_ns
                    keep = found.next_offset
            self._end_at(number, keep)
            if self.last_number:
                return

    def _end_at(self, number: int, size: int) -> None:
        if self._sizes[number] > size:
            os.truncate(self.path(number), size)
            with self._lock:
                self._sizes[number] = size


def records_in(folder: Path, kind: str, since_ns: int = 0) -> Iterator[Record]:
    """The whole records of a folder that end at ``since_ns`` or later, for one who only reads: also
    while another process writes."""
    for path in sorted(folder.glob(f"{kind}-*.spool")):
        try:
            if path.stat().st_mtime_ns < since_ns:
                continue
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # dropped in the meantime
        for found in segment.read(data):
            if isinstance(found, Record) and found.end_ns >= since_ns:
                yield found
