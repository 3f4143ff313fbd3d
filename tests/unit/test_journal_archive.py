"""The journal's archive: days, full disks, what a kill left (appliance.cold.journal_archive)."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.journal import ARCHIVED, HEAD, RECORD_WORDS
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_archive import (
    Archive,
    ArchiveThread,
    archive_path,
    archive_paths,
    read_archive,
)
from appliance.cold.journal_file import JournalFile, journal_path
from appliance.cold.journal_reader import JournalReader
from tests.strategies.journals import NOW_NS, filled, ring, row_of, write

DAY_NS = 86_400 * 10**9
SALT_WORD = 3
RECORD_BYTES = RECORD_WORDS * 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, "spot-1")


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """As a full disk: what is longer is not written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def archive_of(file: JournalFile) -> Archive:
    return Archive(file.path, file.words, file.notes)


def sequences(path: Path) -> list[int]:
    reader = JournalReader(path)
    reading = reader.read()
    reader.close()
    assert reading.faults == ()
    return [int(n) for n in reading.records["sequence"]]


def test_what_is_archived_may_be_written_over(path: Path) -> None:
    file = filled(path, 60)
    archive = archive_of(file)
    assert (archive.waiting_n, archive.step(), archive.waiting_n) == (60, 60, 0)
    for _ in range(6):
        while write(file.journal):
            pass
        assert archive.waiting_n == 64
        archive.step()
    archive.close()
    file.close()
    assert sequences(path) == list(range(1, 60 + 6 * 64 + 1))


def test_a_file_a_day_by_utc(path: Path) -> None:
    file = filled(path, 10)
    write(file.journal, time_ns=NOW_NS + DAY_NS)
    write(file.journal, time_ns=NOW_NS + DAY_NS)
    write(file.journal, time_ns=NOW_NS)  # the clock was set back
    write(file.journal, time_ns=NOW_NS + 3 * DAY_NS)
    archive_of(file).close()
    day = NOW_NS // DAY_NS
    paths = [archive_path(path, n) for n in (day, day + 1, day + 3)]
    assert archive_paths(path) == paths
    assert paths[0].name == "spot-1-20251217.archive"
    salt = int(file.words[SALT_WORD])
    assert [len(read_archive(p, salt)[0]) for p in paths] == [10, 3, 1]
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in paths)
    file.close()
    assert sequences(path) == list(range(1, 15))


@pytest.mark.parametrize("room", [0, 1, 127, 128, 5 * 128, 5 * 128 + 50])
def test_a_full_disk_loses_nothing(path: Path, room: int) -> None:
    file = filled(path, 20)
    archive = archive_of(file)
    with files_of_at_most(room):
        for _ in range(3):
            with pytest.raises(OSError, match=r"too large|No space"):
                archive.step()
    assert file.words[ARCHIVED] == 0
    assert all(p.stat().st_size % RECORD_BYTES == 0 for p in archive_paths(path))
    assert archive.step() == 20
    archive.close()
    file.close()
    assert sequences(path) == list(range(1, 21))


def test_a_disk_that_fills_between_two_days_repeats_nothing(path: Path) -> None:
    file = filled(path, 10)
    for _ in range(20):
        write(file.journal, time_ns=NOW_NS + DAY_NS)
    archive = archive_of(file)
    with files_of_at_most(15 * RECORD_BYTES), pytest.raises(OSError, match="too large"):
        archive.step()
    assert file.words[ARCHIVED] == 10
    archive.close()
    file.close()
    assert sequences(path) == list(range(1, 31))


@pytest.mark.parametrize("behind", [b"", b"x", bytes(127), b"y" * 128, b"z" * 200])
def test_a_kill_between_disk_and_ring_repeats_nothing(path: Path, behind: bytes) -> None:
    """The archive has records that ARCHIVED does not count yet, and the beginning of one more."""
    file = filled(path, 20)
    archive_of(file).close()
    with archive_paths(path)[0].open("ab") as tail:
        tail.write(behind)
    file.words[ARCHIVED] = 3
    file.notes.clear()
    again = archive_of(file)
    assert file.words[ARCHIVED] == 20
    assert bool(file.notes) is bool(behind)
    write(file.journal)
    again.close()
    file.close()
    assert sequences(path) == list(range(1, 22))


def test_an_archive_that_lacks_what_the_ring_lost_is_refused(path: Path) -> None:
    file = filled(path, 20)
    archive = archive_of(file)
    archive.step()
    while write(file.journal):
        pass
    archive.close()
    archive_paths(path)[0].unlink()
    with pytest.raises(ApplianceError, match="ends with record 0, and the journal begins with 21"):
        archive_of(file)
    file.close()


def test_another_journals_archive_is_refused(path: Path, tmp_path: Path) -> None:
    file = filled(path, 20)
    other = filled(journal_path(tmp_path, "other"), 20)
    archive_of(other).close()
    archive_paths(other.path)[0].rename(archive_path(path, NOW_NS // DAY_NS))
    with pytest.raises(ApplianceError, match="no archive of this journal"):
        archive_of(file)
    file.close()
    other.close()


def test_pages_ahead_are_touched_and_nothing_else(path: Path) -> None:
    file = JournalFile(path, 8192)
    for _ in range(50):
        write(file.journal, order_key=5, tag=-1)
    before = ring(file.words).copy()
    ring(file.words)[:, 14] = 77
    archive = archive_of(file)
    archive.step()
    touched = (ring(file.words)[:, 14] == 0).nonzero()[0]
    assert touched.tolist() == [50 + 32 * n for n in range(64)]
    ring(file.words)[:, 14] = 0
    assert (ring(file.words) == before).all()
    archive.close()
    file.close()


def test_the_thread_says_when_the_disk_is_full_and_when_it_goes_on(path: Path) -> None:
    file = filled(path, 20)
    said: list[str] = []

    class Full(Archive):
        full = True

        def step(self) -> int:
            if self.full:
                raise OSError(28, os.strerror(28))
            return super().step()

    archive = Full(path, file.words, file.notes)
    thread = ArchiveThread(archive, said.append)
    wait_for(lambda: archive.faults_n >= 1)
    archive.full = False
    wait_for(lambda: archive.waiting_n == 0)
    thread.stop()
    assert len(said) == 2 and said[1] == "journal: the archive goes on"
    assert "cannot archive: No space left on device" in said[0] and "20 records wait" in said[0]
    assert file.words[ARCHIVED] == file.words[HEAD] == 20
    file.close()


def wait_for(done: Any) -> None:
    import time

    for _ in range(500):
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_a_damaged_record_of_the_archive_is_found(path: Path) -> None:
    file = filled(path, 20)
    archive_of(file).close()
    for n in range(1, 21):
        row_of(file.words, n)[:] = 0
    file.words[HEAD] = 20
    name = archive_paths(path)[0]
    data = bytearray(name.read_bytes())
    data[10 * RECORD_BYTES + 40] ^= 1
    name.write_bytes(bytes(data))
    file.close()
    reader = JournalReader(path)
    reading = reader.read()
    reader.close()
    assert [int(n) for n in reading.records["sequence"]] == list(range(1, 10))
    assert len(reading.faults) == 1 and "no whole record" in reading.faults[0]
