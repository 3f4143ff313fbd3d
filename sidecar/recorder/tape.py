"""One symbol's recording: lines of ``<receive ns> <frame>``, gzip, a file a day and a size.

What is written becomes part of the recording when its ``Segment`` is kept (manifest.py): until then
``undo`` takes it back. Each write is a gzip member of its own, so that a file is whole wherever its
members end, and is gone on with by appending.
"""

import gzip
import hashlib
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

COMPRESS_LEVEL: Final = 4
SEGMENT_BYTES_MAX: Final = 256 * 1024 * 1024
_HASH_BLOCK: Final = 1 << 20
_DAY_NS: Final = 86_400 * 10**9


@dataclass(slots=True)
class Segment:
    """One file of a recording."""

    file: str
    symbol: str
    frames: int = 0
    bytes: int = 0  # of the file
    frame_bytes: int = 0  # of the frames in it
    gaps: int = 0  # markers in it
    first_ns: int = 0
    last_ns: int = 0
    sha256: str = ""  # of the whole file, when nothing more comes

    def told(self) -> dict[str, Any]:
        return asdict(self)


def file_stem(symbol: str) -> str:
    """As the field names its recordings: in lower case."""
    return symbol.lower().replace("/", "-").lstrip(".") or "unnamed"


def day_of(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y%m%d")


class Tape:
    """Of one symbol in one folder. For one thread."""

    def __init__(self, folder: Path, symbol: str, segment: Segment | None = None) -> None:
        """``segment``: the one to go on with; its file is cut to what is sure, and OSError or
        ValueError say that it does not hold that much."""
        self._folder = folder
        self.symbol = symbol
        self._sure = segment
        self._sure_hash = hashlib.sha256()
        if segment is not None:
            self._sure_hash = _cut(folder / segment.file, segment.bytes)
        self._segment = _copied(segment)
        self._hash = self._sure_hash.copy()
        self._day_ends_ns = 0 if segment is None else _day_end_ns(segment.first_ns)
        self._closed: list[Segment] = []
        self._lines: list[bytes] = []
        self.waiting_bytes = 0

    @property
    def segment(self) -> Segment | None:
        """The file that grows, with what was written and is not sure yet."""
        return self._segment

    def add(self, stamp_ns: int, frame: bytes, *, is_gap: bool = False) -> None:
        """One line. ``stamp_ns``: not before the one of the last line; else another file begins.
        OSError: ``undo`` at once."""
        segment = self._segment
        if segment is not None and (
            not segment.last_ns <= stamp_ns < self._day_ends_ns
            or segment.bytes >= SEGMENT_BYTES_MAX
        ):
            self.close_segment()
            segment = None
        if segment is None:
            segment = Segment(self._new_file(stamp_ns), self.symbol, first_ns=stamp_ns)
            self._segment, self._hash = segment, hashlib.sha256()
            self._day_ends_ns = _day_end_ns(stamp_ns)
        if is_gap:
            segment.gaps += 1
        else:
            segment.frames += 1
            segment.frame_bytes += len(frame)
        segment.last_ns = stamp_ns
        self._lines.append(b"%d %b\n" % (stamp_ns, frame))
        self.waiting_bytes += len(frame)

    def write(self) -> None:
        """What was added goes to the disk, and is synced. OSError: ``undo`` at once."""
        if not self._lines or self._segment is None:
            return
        member = gzip.compress(b"".join(self._lines), COMPRESS_LEVEL, mtime=0)
        path = self._folder / self._segment.file
        with path.open("r+b" if path.exists() else "wb") as file:
            file.seek(self._segment.bytes)
            file.write(member)
            file.truncate()
            file.flush()
            os.fdatasync(file.fileno())
        self._hash.update(member)
        self._segment.bytes += len(member)
        self._lines, self.waiting_bytes = [], 0

    def close_segment(self) -> None:
        """The file that grows is over. OSError: ``undo`` at once."""
        self.write()
        if self._segment is not None:
            self._segment.sha256 = self._hash.hexdigest()
            self._closed.append(self._segment)
        self._segment = None

    def kept(self) -> None:
        """All that was written is sure now."""
        self._sure, self._sure_hash = _copied(self._segment), self._hash.copy()
        self._closed = []

    @property
    def closed(self) -> list[Segment]:
        """Files that are over and not kept yet."""
        return self._closed

    def undo(self) -> None:
        """Back to what is sure. OSError: the disk does not even allow that; try again later."""
        fresh = {one.file for one in (*self._closed, self._segment) if one is not None}
        self._lines, self.waiting_bytes, self._closed = [], 0, []
        self._segment, self._hash = _copied(self._sure), self._sure_hash.copy()
        self._day_ends_ns = 0 if self._sure is None else _day_end_ns(self._sure.first_ns)
        if self._sure is not None:
            fresh.discard(self._sure.file)
        for name in fresh:
            (self._folder / name).unlink(missing_ok=True)
        if self._sure is not None:
            os.truncate(self._folder / self._sure.file, self._sure.bytes)

    def _new_file(self, stamp_ns: int) -> str:
        stem = f"{file_stem(self.symbol)}_{day_of(stamp_ns)}"
        taken = {one.file for one in self._closed}
        number = 0
        while (name := f"{stem}_{number:03}.gz") in taken or (self._folder / name).exists():
            number += 1
        return name


def _copied(segment: Segment | None) -> Segment | None:
    return None if segment is None else replace(segment)


def _day_end_ns(time_ns: int) -> int:
    return time_ns - time_ns % _DAY_NS + _DAY_NS


def _cut(path: Path, size_bytes: int) -> "hashlib._Hash":
    """The file without what nobody vouched for; the hash of the rest."""
    found = hashlib.sha256()
    left = size_bytes
    with path.open("r+b") as file:
        while left > 0 and (block := file.read(min(left, _HASH_BLOCK))):
            found.update(block)
            left -= len(block)
        if left:
            raise ValueError(f"{path} has {size_bytes - left} bytes, not {size_bytes}")
        file.truncate(size_bytes)
    return found
