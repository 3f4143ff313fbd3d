"""Takes records out of the journal's ring into one file a UTC day, so that the ring never fills.

A thread of its own on a housekeeping core. A record is archived when the disk says that it has it
(fdatasync); only then may the loop write over it. A full disk is told once and tried again: the
ring takes what it can meanwhile, then no more orders go out.

It also keeps the pages that the loop will write to next in memory and writable: the kernel makes a
page of a file read-only when it writes it back, and the next store to it would cost the loop a page
fault. Where it touches them nobody else ever writes (JOURNAL.touched).
"""

import contextlib
import errno
import itertools
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.journal import (
    ARCHIVE_SUFFIX,
    ARCHIVED,
    CAPACITY,
    HEAD,
    HEADER_WORDS,
    JOURNAL_SUFFIX,
    LAYOUT,
    MARK,
    MARKED,
    RECORD_BYTES,
    RECORD_WORDS,
    SALT,
    archive_paths,
    layout_id,
)
from appliance.abi.units import NS_PER_S
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_check import whole

FILE_MODE: Final = 0o600
EVERY_S: Final = 0.02
RETRY_S: Final = 1.0
BATCH_RECORDS: Final = 16_384
_DAY_NS: Final = 86_400 * NS_PER_S
_TOUCHED: Final = 14  # word of a record
_PAGES_AHEAD: Final = 64
_ROWS_PER_PAGE: Final = os.sysconf("SC_PAGE_SIZE") // (RECORD_WORDS * 8)


def archive_path(journal: Path, day_n: int) -> Path:
    """The file of the UTC day that is ``day_n`` days after 1970 began."""
    day = datetime.fromtimestamp(day_n * _DAY_NS // NS_PER_S, UTC)
    stem = journal.name.removesuffix(JOURNAL_SUFFIX)
    return journal.with_name(f"{stem}-{day:%Y%m%d}{ARCHIVE_SUFFIX}")


def read_archive(path: Path, salt: int) -> tuple[Any, int]:
    """int64[n, RECORD_WORDS] of the whole records of a file, and bytes behind them that are none.

    ApplianceError: it is another journal's, or of another version.
    """
    try:
        words = np.fromfile(path, np.int64)
    except OSError as error:
        raise ApplianceError(f"cannot read {path}: {error.strerror}") from None
    wanted = _header(salt)
    if len(words) < RECORD_WORDS or (words[:RECORD_WORDS] != wanted).any():
        raise ApplianceError(
            f"{path} is no archive of this journal, or of another version: move it away, or put its"
            " journal back"
        )
    rows = words[RECORD_WORDS : len(words) // RECORD_WORDS * RECORD_WORDS]
    rows = rows.reshape(-1, RECORD_WORDS)
    bad = np.flatnonzero(~whole(rows, salt))
    whole_n = int(bad[0]) if len(bad) else len(rows)
    used_bytes = (1 + whole_n) * RECORD_WORDS * 8
    return rows[:whole_n], path.stat().st_size - used_bytes


def _header(salt: int) -> Any:
    header = np.zeros(RECORD_WORDS, np.int64)
    header[MARK], header[RECORD_BYTES], header[SALT] = MARKED, RECORD_WORDS * 8, salt
    header[LAYOUT] = layout_id()
    return header


class Archive:
    """Of one journal that this process writes. ``step`` is for one thread at a time."""

    def __init__(self, path: Path, words: Any, notes: list[str]) -> None:
        """Goes on where an earlier process ended. ApplianceError: what it left does not fit."""
        self._journal = path
        self._words = words
        self._salt = int(words[SALT])
        self._path: Path | None = None
        self._handle = -1
        self._used_bytes = 0
        self._day_n = 0  # of the file that is written to
        self.faults_n = 0
        self.fault = ""  # why nothing can be archived at present
        self._resume(notes)

    def _resume(self, notes: list[str]) -> None:
        """Where the archive really ends, whatever the journal's header says."""
        files = archive_paths(self._journal)
        last = 0
        for path in reversed(files):
            rows, behind_bytes = read_archive(path, self._salt)
            if behind_bytes:
                os.truncate(path, path.stat().st_size - behind_bytes)
                notes.append(f"{path}: {behind_bytes} bytes of a record cut short were dropped")
            if len(rows):
                last = int(rows[-1, 0])
                self._day_n = int(rows[-1, 1]) // _DAY_NS
                break
        in_ring = int(self._words[HEAD]) - int(self._words[CAPACITY])
        if last < max(in_ring, 0):
            raise ApplianceError(
                f"the archive of {self._journal} ends with record {last}, and the journal begins"
                f" with {in_ring + 1}: put the missing files back beside it"
            )
        self._words[ARCHIVED] = min(last, int(self._words[HEAD]))

    @property
    def waiting_n(self) -> int:
        """Records that are not archived yet."""
        return int(self._words[HEAD]) - int(self._words[ARCHIVED])

    def step(self) -> int:
        """Archive what is there; how many records. OSError: the disk does not take them."""
        archived = int(self._words[ARCHIVED])
        count = min(int(self._words[HEAD]) - archived, BATCH_RECORDS)
        self._touch(archived + count)
        if count <= 0:
            return 0
        slots = np.arange(archived + 1, archived + 1 + count) % int(self._words[CAPACITY])
        rows = self._words[HEADER_WORDS:].reshape(-1, RECORD_WORDS)[slots]
        # A clock that was set back does not lead back to the file of the day before.
        days = np.maximum.accumulate(np.maximum(rows[:, 1] // _DAY_NS, self._day_n))
        starts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), count]
        for first, end in itertools.pairwise(starts):
            self._day_n = int(days[first])
            self._write(archive_path(self._journal, self._day_n), rows[first:end])
            self._words[ARCHIVED] = archived + end
        return count

    def _touch(self, sequence: int) -> None:
        capacity = int(self._words[CAPACITY])
        ahead = min(_PAGES_AHEAD * _ROWS_PER_PAGE, capacity)
        rows = self._words[HEADER_WORDS:].reshape(-1, RECORD_WORDS)
        rows[np.arange(sequence, sequence + ahead, _ROWS_PER_PAGE) % capacity, _TOUCHED] = 0

    def _write(self, path: Path, rows: Any) -> None:
        """Behind what is in the file, and on the disk; what a full one took in part is undone."""
        if path != self._path:
            self._open(path)
        data = memoryview(rows.tobytes())
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._handle, data[done:], self._used_bytes + done)
            os.fdatasync(self._handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._used_bytes)
            raise
        self._used_bytes += len(data)

    def _open(self, path: Path) -> None:
        self._close()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        self._handle = handle
        self._used_bytes = os.fstat(handle).st_size
        if self._used_bytes == 0:
            data = _header(self._salt).tobytes()
            if os.pwrite(handle, data, 0) < len(data):
                os.ftruncate(handle, 0)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._used_bytes = len(data)
        self._path = path

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle, self._path = -1, None

    def close(self) -> None:
        """Archive the rest, as far as the disk takes it."""
        with contextlib.suppress(OSError):
            while self.step():
                pass
        self._close()


class ArchiveThread:
    """Steps until it is stopped; ``say`` hears of a disk that takes no more, and of its end."""

    def __init__(self, archive: Archive, say: Callable[[str], None]) -> None:
        self.archive = archive
        self._say = say
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal archive", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        archive = self.archive
        while not self._over.is_set():
            try:
                moved = archive.step()
                if archive.fault:
                    archive.fault = ""
                    self._say("journal: the archive goes on")
            except OSError as error:
                archive.faults_n += 1
                if not archive.fault:
                    self._say(
                        f"journal: cannot archive: {error.strerror}; orders go on until the ring is"
                        f" full, {archive.waiting_n} records wait"
                    )
                archive.fault = error.strerror or str(error)
                self._over.wait(RETRY_S)
                continue
            if moved < BATCH_RECORDS:
                self._over.wait(EVERY_S)

    def stop(self) -> None:
        """Archive the rest and end."""
        self._over.set()
        self._thread.join()
        self.archive.close()
