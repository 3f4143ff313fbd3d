"""A journal as others read it: its archive and its ring, in one order, also while it is written."""

import fcntl
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from appliance.abi.journal import (
    HEAD,
    HEADER_WORDS,
    JOURNAL,
    OWNER_PID,
    RECORD_WORDS,
    SALT,
    JournalKind,
    archive_paths,
)
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_archive import read_archive
from appliance.cold.journal_check import examine
from appliance.cold.journal_file import check_header


@dataclass(frozen=True)
class Reading:
    """Everything that a journal holds, and what is wrong with it."""

    records: Any  # JOURNAL[n], in the order of their sequences
    faults: tuple[str, ...]  # one line each
    torn: bool  # an unfinished record stands behind the last
    running: bool  # a process has it open
    owner_pid: int
    files_n: int  # of the archive


class JournalReader:
    """Opened for reading; ``read`` as often as you like, then ``close``."""

    def __init__(self, path: Path) -> None:
        """ApplianceError: there is no journal that this version can read."""
        self.path = path
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ApplianceError(f"cannot open the journal {path}: {error.strerror}") from None
        try:
            size_bytes = check_header(path, handle)
            self._map = mmap.mmap(handle, size_bytes, prot=mmap.PROT_READ)
            self._handle = os.dup(handle)
        finally:
            os.close(handle)
        self.words = np.frombuffer(self._map, np.int64)

    def close(self) -> None:
        os.close(self._handle)
        del self.words
        self._map.close()

    @property
    def running(self) -> bool:
        """Whether a process holds the lock."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        return False

    def read(self, *, since_start_only: bool = False) -> Reading:
        """All of it, or (``since_start_only``) what ``journal_state.replay`` needs."""
        running = self.running
        found = examine(self.words, running=running)
        faults = [f"record {n} cannot be read" for n in found.damaged]
        parts = [found.records]
        files = archive_paths(self.path)
        used_n = 0
        first = max(found.last, found.head) + 1
        if len(found.records):
            first = int(found.records["sequence"][0])
        for file in reversed(files):
            if first <= 1 or (since_start_only and _has_start(parts[-1])):
                break
            rows, behind_bytes = read_archive(file, int(self.words[SALT]))
            if behind_bytes and not (running and file == files[-1]):
                faults.append(f"{file}: {behind_bytes} bytes at the end are no whole record")
            rows = rows[rows[:, 0] < first]
            used_n += 1
            if len(rows):
                parts.append(np.ascontiguousarray(rows).view(JOURNAL)[:, 0])
                first = int(rows[0, 0])
        records = np.concatenate(parts[::-1])
        faults += _gaps(records, set(found.damaged))
        return Reading(
            records, tuple(faults), found.torn, running, int(self.words[OWNER_PID]), used_n
        )

    def follow(self, after: int) -> Iterator[Any]:
        """Records behind sequence ``after`` that are there now. ApplianceError: it was lapped."""
        head = int(self.words[HEAD])
        rows = self.words[HEADER_WORDS:].reshape(-1, JOURNAL.itemsize // 8)
        for sequence in range(after + 1, head + 1):
            row = rows[sequence % len(rows)].copy()
            if row[0] != sequence:
                raise ApplianceError(f"{self.path}: record {sequence} was overwritten meanwhile")
            yield row.view(JOURNAL)[0]


def read_archive_alone(path: Path) -> Reading:
    """One file of an archive, or of a copy of it, without its journal. ApplianceError."""
    try:
        head = np.fromfile(path, np.int64, RECORD_WORDS)
    except OSError as error:
        raise ApplianceError(f"cannot read {path}: {error.strerror}") from None
    rows, behind_bytes = read_archive(path, int(head[SALT]) if len(head) > SALT else 0)
    records = np.ascontiguousarray(rows).view(JOURNAL)[:, 0]
    faults = _gaps(records, set())
    if behind_bytes:
        faults.append(f"{path}: {behind_bytes} bytes at the end are no whole record")
    return Reading(records, tuple(faults), torn=False, running=False, owner_pid=0, files_n=1)


def _has_start(records: Any) -> bool:
    """Whether a complete session start is among these."""
    starts = np.flatnonzero(records["kind"] == JournalKind.SESSION)
    return any((records["kind"][start:] == JournalKind.DAY).any() for start in starts)


def _gaps(records: Any, known: set[int]) -> list[str]:
    sequences = records["sequence"]
    faults = []
    for before, after in zip(sequences[:-1].tolist(), sequences[1:].tolist(), strict=True):
        missing = set(range(before + 1, after)) - known if after > before + 1 else set()
        if after <= before:
            faults.append(f"record {after} stands behind record {before}")
        elif missing:
            faults.append(f"records {min(missing)} to {max(missing)} are missing")
    return faults
