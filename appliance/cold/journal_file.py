"""The journal's file: made, locked, examined and mapped, before the loop starts.

The file is the property of one process at a time (flock); the lock goes with the process, however
that ends. Rules for what an earlier process left: journal_check.py.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.crc32c import checks_of
from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    CHECK,
    CHECKED_WORDS,
    HEAD,
    HEADER_BYTES,
    HEADER_WORDS,
    JOURNAL,
    JOURNAL_SUFFIX,
    LAYOUT,
    MADE_NS,
    MARK,
    MARKED,
    OWNER_PID,
    RECORD_BYTES,
    RECORD_WORDS,
    SALT,
    Journal,
    JournalKind,
    Keeping,
    journal_bytes,
    journal_of,
    layout_id,
    prepare_header,
)
from appliance.abi.limits import JOURNAL_RECORDS
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_check import Examined, examine

FILE_MODE: Final = 0o600  # it tells what the desk does
_SHOWN: Final = 5


def journal_path(folder: Path, name: str) -> Path:
    """The journal of the appliance called ``name``."""
    return folder / f"{name}{JOURNAL_SUFFIX}"


class JournalFile:
    """Opened for writing; ``close`` it last. ``notes``: what the user should hear."""

    def __init__(
        self, path: Path, records_n: int = JOURNAL_RECORDS, *, repair: bool = False
    ) -> None:
        """Makes the file if there is none. ApplianceError: it is another process's, of another
        version, or damaged (``repair``: that is mended, the old file kept beside it)."""
        self.path = path
        self.notes: list[str] = []
        self._handle = _open(path)
        try:
            _lock(self._handle, path)
            size_bytes = os.fstat(self._handle).st_size
            if size_bytes == 0 or _is_half_made(self._handle):
                _make(self._handle, path, records_n)
                self.notes.append(f"{path}: a new journal")
            self._map = mmap.mmap(self._handle, check_header(path, self._handle))
            self.words = np.frombuffer(self._map, np.int64)
            found = examine(self.words)
            if found.damaged:
                if not repair:
                    raise ApplianceError(_damage(path, found))
                found = self._repair(found)
            self.found = found
            self._continue(found)
        except BaseException:
            with contextlib.suppress(OSError):
                fcntl.flock(self._handle, fcntl.LOCK_UN)  # a mapping would hold it
            os.close(self._handle)
            raise

    @property
    def journal(self) -> Journal:
        """For the loop."""
        return journal_of(self.words)

    def _continue(self, found: Examined) -> None:
        if found.torn:
            self._row(found.last + 1)[:] = 0
            self.notes.append(
                f"{self.path}: the record behind {found.last} was never finished and is dropped:"
                " what it would have told of did not happen"
            )
        self.words[HEAD] = found.last
        self.words[OWNER_PID] = os.getpid()

    def _repair(self, found: Examined) -> Examined:
        """Damaged records become LOST ones; the file as it was stays beside it."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        shutil.copyfile(self.path, kept)
        kept.chmod(FILE_MODE)
        salt = int(self.words[SALT])
        for sequence in found.damaged:
            lost = np.zeros(1, JOURNAL)
            lost["sequence"], lost["time_ns"] = sequence, time.time_ns()
            lost["kind"], lost["instrument"] = JournalKind.LOST, -1
            row = lost.view(np.int64)
            row[CHECK] = checks_of(row[None, :CHECKED_WORDS], salt)[0]
            self._row(sequence)[:] = row
        self._map.flush()
        self.notes.append(
            f"{self.path}: {len(found.damaged)} damaged records are marked as lost; the file as it"
            f" was: {kept}"
        )
        return examine(self.words)

    def _row(self, sequence: int) -> Any:
        at = HEADER_WORDS + sequence % int(self.words[CAPACITY]) * RECORD_WORDS
        return self.words[at : at + RECORD_WORDS]

    def close(self) -> None:
        """Write what is in memory to the disk, and let go of the file."""
        if self._handle >= 0:
            self._map.flush()
            del self.words
            with contextlib.suppress(BufferError):  # the loop's arrays still point into it
                self._map.close()
            fcntl.flock(self._handle, fcntl.LOCK_UN)  # a mapping would hold it
            os.close(self._handle)
            self._handle = -1


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    except OSError as error:
        raise ApplianceError(f"cannot open the journal {path}: {error.strerror}") from None


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise ApplianceError(f"cannot lock the journal {path}: {error.strerror}") from None
        header = _header(handle)
        owner = f"process {header[OWNER_PID]}" if len(header) > OWNER_PID else "another process"
        raise ApplianceError(
            f"the journal {path} is in use by {owner}: two appliances cannot share one; end it, or"
            " give this one another name"
        ) from None


def _header(handle: int) -> Any:
    """The header's words, as many as there are."""
    data = os.pread(handle, HEADER_BYTES, 0)
    return np.frombuffer(data[: len(data) // 8 * 8], np.int64)


def _is_half_made(handle: int) -> bool:
    """A start that was killed before the header was complete has written no record."""
    header = _header(handle)
    return len(header) == HEADER_WORDS and not header[:CAPACITY].any() and not header[HEAD]


def _make(handle: int, path: Path, records_n: int) -> None:
    size_bytes = journal_bytes(records_n)
    try:
        os.ftruncate(handle, 0)
        os.posix_fallocate(handle, 0, size_bytes)
        header = np.zeros(HEADER_WORDS, np.int64)
        prepare_header(header, records_n, Keeping.ARCHIVE, secrets.randbits(62))
        header[MADE_NS] = time.time_ns()
        os.fsync(handle)
        os.pwrite(handle, header.tobytes(), 0)
        os.fsync(handle)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
        raise ApplianceError(
            f"no room for a journal of {size_bytes} bytes at {path}: {error.strerror}"
        ) from None


def check_header(path: Path, handle: int) -> int:
    """The size of a journal that this version can read. ApplianceError."""
    header = _header(handle)
    if len(header) < HEADER_WORDS or header[MARK] != MARKED:
        raise ApplianceError(f"{path} is no journal")
    if header[LAYOUT] != layout_id() or header[RECORD_BYTES] != RECORD_WORDS * 8:
        raise ApplianceError(
            f"{path} was written by another version of the appliance: start that version once"
            " more, end it when nothing is open, and move the file away"
        )
    capacity = int(header[CAPACITY])
    size_bytes = os.fstat(handle).st_size
    is_power = capacity > 0 and capacity & (capacity - 1) == 0
    if not is_power or size_bytes != journal_bytes(capacity) or header[ARCHIVED] < 0:
        raise ApplianceError(f"{path}: {size_bytes} bytes are no journal of {capacity} records")
    return size_bytes


def _damage(path: Path, found: Examined) -> str:
    shown = ", ".join(map(str, found.damaged[:_SHOWN]))
    more = "" if len(found.damaged) <= _SHOWN else f" and {len(found.damaged) - _SHOWN} more"
    return (
        f"the journal {path} is damaged: of records up to {max(found.last, found.head)}, {shown}"
        f"{more} cannot be read; `appliance journal {path} --repair` marks them as lost and keeps"
        " the file as it is now"
    )
