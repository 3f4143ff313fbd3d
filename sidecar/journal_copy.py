"""The order journal, copied out of reach of the disk that it is written to, and checked on the way.

The appliance itself archives its journal, a file a UTC day (abi/journal.py). What stands there is
copied as it is, record by record: a record goes on if its check is right and its sequence follows
the one before, and counts when the copy is synced. What was copied is read again and again and
compared, source and copy, so that a disk that forgets is heard of while the other one remembers.

A copy is never cut, and nothing is copied over it: where source and copy differ a person decides.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.crc32c import checks_of
from appliance.abi.journal import (
    CHECK,
    CHECKED_WORDS,
    HEAD,
    LAYOUT,
    MARK,
    MARKED,
    RECORD_WORDS,
    SALT,
    archive_paths,
    layout_id,
)

FILE_MODE: Final = 0o600
RECORD_BYTES: Final = RECORD_WORDS * 8
BATCH_BYTES: Final = 8192 * RECORD_BYTES  # of one step
COMPARED_BYTES: Final = 1 << 20  # of what was copied, in one step


class CopyFault(Exception):
    """Nothing can be copied at present; one line for the user."""


@dataclass
class _Day:
    """One file of the archive."""

    source: Path
    copy: Path
    bytes_n: int = 0  # that are copied and synced, and compared at least once


class JournalCopy:
    """Of one journal; ``step`` again and again, by one thread."""

    def __init__(self, journal: Path, folder: Path) -> None:
        self.journal, self.folder = journal, folder
        self.records_n = 0  # copied since the beginning
        self.last = 0  # sequence
        self.compared_bytes_n = 0  # ever
        self.complaint = ""  # what is amiss at present
        self._days: dict[str, _Day] = {}
        self._salt: int | None = None
        self._compared: tuple[int, int] = (0, 0)  # which day, how far

    def step(self) -> bool:
        """Copy what there is, compare a piece of what there was. Whether more waits."""
        try:
            more = self._copy()
            self._compare()
        except CopyFault as fault:
            self.complaint = str(fault)
            return False
        except OSError as error:
            self.complaint = f"{error.filename or self.folder}: {error.strerror}"
            return False
        self.complaint = ""
        return more

    def told(self) -> dict[str, Any]:
        return {
            "journal": str(self.journal),
            "folder": str(self.folder),
            "last": self.last,
            "behind": self.behind_n(),
            "files": len(self._days),
            "compared_bytes": self.compared_bytes_n,
            "complaint": self.complaint,
        }

    def behind_n(self) -> int:
        """Records that the loop has written and the copy does not have; -1: nobody knows."""
        try:
            with self.journal.open("rb") as file:
                word = os.pread(file.fileno(), 8, HEAD * 8)
        except OSError:
            return -1
        return int.from_bytes(word, "little") - self.last if len(word) == 8 else -1

    # --- copying ----------------------------------------------------------------------------------

    def _copy(self) -> bool:
        sources = archive_paths(self.journal)
        if not sources and not self.journal.exists():
            raise CopyFault(f"there is no journal {self.journal}")
        self.folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            if source.name not in self._days:
                self._days[source.name] = self._begin(source)
            if self._copy_day(self._days[source.name]):
                return True
        return False

    def _begin(self, source: Path) -> _Day:
        """What of a day is there already; all of it is checked and compared."""
        day = _Day(source, self.folder / source.name)
        if not day.copy.exists():
            return day
        kept = day.copy.stat().st_size // RECORD_BYTES * RECORD_BYTES
        if kept == 0:
            return day
        at = 0
        while at < kept:
            block = _read(day.copy, at, min(COMPARED_BYTES, kept - at))
            good = self._checked(day.copy, block, at)
            if good < len(block):
                if self._has_whole(_read(day.copy, at + good, kept - at - good)):
                    raise CopyFault(_differ(day, at + good))
                break  # the last write of a sidecar that was killed: it is written anew
            if _read(source, at, len(block)) != block:
                raise CopyFault(_differ(day, at))
            self._pass(block, at)
            at += len(block)
            day.bytes_n = at
        return day

    def _copy_day(self, day: _Day) -> bool:
        """The whole records that came since. Whether more waits."""
        size = day.source.stat().st_size // RECORD_BYTES * RECORD_BYTES
        if size < day.bytes_n:
            raise CopyFault(
                f"{day.source} has {size} bytes, and {day.bytes_n} of it were copied:"
                f" {day.copy} has them"
            )
        if size == day.bytes_n:
            return False
        block = _read(day.source, day.bytes_n, min(size - day.bytes_n, BATCH_BYTES))
        good = self._checked(day.source, block, day.bytes_n)
        if good:
            _append(day.copy, block[:good], day.bytes_n)
            self._pass(block[:good], day.bytes_n)
            day.bytes_n += good
        if good < len(block):
            raise CopyFault(
                f"{day.source}: the record at byte {day.bytes_n} is not whole, or not the one that"
                f" follows record {self.last}: appliance journal {self.journal} --verify"
            )
        return day.bytes_n < size

    def _checked(self, path: Path, block: bytes, at: int) -> int:
        """Bytes of ``block``, which begins at ``at`` of a file, that are as they should be."""
        words = np.frombuffer(block, np.int64).reshape(-1, RECORD_WORDS)
        header_n = 0
        if at == 0:
            if not len(words):
                return 0
            header = words[0]
            if (int(header[MARK]), int(header[LAYOUT])) != (MARKED, layout_id()):
                raise CopyFault(f"{path} is no archive of a journal, or of another version")
            if self._salt is None:
                self._salt = int(header[SALT])
            if int(header[SALT]) != self._salt:
                raise CopyFault(f"{path} is of another journal than the files before it")
            header_n = 1
        assert self._salt is not None
        rows = words[header_n:]
        good = checks_of(rows[:, :CHECKED_WORDS], self._salt) == rows[:, CHECK]
        if len(rows):
            expected = np.arange(len(rows)) + (self.last + 1 if self.last else int(rows[0, 0]))
            good &= rows[:, 0] == expected
        bad = np.flatnonzero(~good)
        return (header_n + (int(bad[0]) if len(bad) else len(rows))) * RECORD_BYTES

    def _has_whole(self, block: bytes) -> bool:
        """Whether a record in there is whole, wherever it belongs."""
        rows = np.frombuffer(block, np.int64).reshape(-1, RECORD_WORDS)
        assert self._salt is not None
        checks = checks_of(rows[:, :CHECKED_WORDS], self._salt)
        return bool(((checks == rows[:, CHECK]) & (rows[:, 0] > 0)).any())

    def _pass(self, block: bytes, at: int) -> None:
        """These records are safe."""
        rows = np.frombuffer(block, np.int64).reshape(-1, RECORD_WORDS)[int(at == 0) :]
        if len(rows):
            self.last = int(rows[-1, 0])
            self.records_n += len(rows)

    # --- comparing --------------------------------------------------------------------------------

    def _compare(self) -> None:
        """The next piece of what was copied, round and round."""
        days = [self._days[name] for name in sorted(self._days)]
        number, at = self._compared
        if number >= len(days):
            self._compared = (0, 0)
            return
        day = days[number]
        block = _read(day.copy, at, min(COMPARED_BYTES, day.bytes_n - at))
        if _read(day.source, at, len(block)) != block or len(block) == 0 < day.bytes_n - at:
            raise CopyFault(_differ(day, at))
        self.compared_bytes_n += len(block)
        at += len(block)
        self._compared = (number, at) if at < day.bytes_n else (number + 1, 0)


def _differ(day: _Day, at: int) -> str:
    return (
        f"{day.source} and {day.copy} differ from byte {at} on: one of the disks forgets;"
        " appliance journal says of each whether it is whole"
    )


def _read(path: Path, at: int, count: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), count, at)


def _append(path: Path, data: bytes, at: int) -> None:
    """Behind what is sure, and on the disk. What a kill left there is written over."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(fd, data[done:], at + done)
        os.ftruncate(fd, at + len(data))
        os.fdatasync(fd)
    finally:
        os.close(fd)
