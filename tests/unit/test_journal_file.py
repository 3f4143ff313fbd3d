"""The journal's file over starts, kills, damage and other people's files.

appliance.cold.journal_file, journal_check.
"""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    HEAD,
    HEADER_BYTES,
    LAYOUT,
    MARK,
    RECORD_WORDS,
    JournalKind,
    journal_bytes,
)
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_check import examine
from appliance.cold.journal_file import JournalFile, journal_path
from tests.strategies.journals import filled, ring, row_of, write

KEEPER = """
import sys, time
from pathlib import Path
from tests.strategies.journals import filled
file = filled(Path(sys.argv[1]), 9)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, "spot-1")


def test_a_new_file_belongs_to_its_owner_alone(path: Path) -> None:
    file = JournalFile(path, 64)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == journal_bytes(64)
    assert path.stat().st_blocks * 512 >= journal_bytes(64), "the room is reserved"
    assert (file.found.last, file.words[HEAD]) == (0, 0)
    assert file.notes == [f"{path}: a new journal"]
    file.close()
    file.close()


def test_it_goes_on_where_it_ended(path: Path) -> None:
    file = filled(path, 20)
    file.close()
    again = JournalFile(path)
    assert (again.found.last, again.found.damaged, again.found.torn) == (20, (), False)
    write(again.journal, order_key=77)
    assert examine(again.words).records["order_key"].tolist()[-2:] == [20, 77]
    again.close()


def test_two_appliances_cannot_share_one(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(path)], stdout=subprocess.PIPE, text=True
    ) as keeper:
        try:
            assert keeper.stdout is not None and keeper.stdout.readline() == "ready\n"
            with pytest.raises(ApplianceError, match=f"in use by process {keeper.pid}"):
                JournalFile(path)
            keeper.send_signal(signal.SIGKILL)
            keeper.wait()
            file = JournalFile(path)  # the lock went with the process
            assert file.found.last == 9
            file.close()
        finally:
            keeper.kill()


def test_another_version_is_refused_untouched(path: Path) -> None:
    filled(path, 9).close()
    with path.open("r+b") as file:
        file.seek(LAYOUT * 8)
        file.write(np.int64(12345).tobytes())
    before = path.read_bytes()
    with pytest.raises(ApplianceError, match="another version"):
        JournalFile(path)
    with pytest.raises(ApplianceError, match="another version"):
        JournalFile(path, repair=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", [b"x", b"not a journal" * 1000, bytes(HEADER_BYTES - 8)])
def test_another_file_is_refused_untouched(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.raises(ApplianceError, match="no journal"):
        JournalFile(path)
    assert path.read_bytes() == text


@pytest.mark.parametrize("cut", [1, 128, 4000])
def test_a_file_cut_short_is_refused(path: Path, cut: int) -> None:
    filled(path, 9).close()
    os.truncate(path, path.stat().st_size - cut)
    with pytest.raises(ApplianceError, match="are no journal of 64 records"):
        JournalFile(path)


def test_a_start_that_was_killed_before_the_header_begins_anew(path: Path) -> None:
    path.write_bytes(bytes(journal_bytes(64)))
    file = JournalFile(path, 64)
    assert file.words[CAPACITY] == 64 and file.words[MARK] != 0
    file.close()


def test_no_room_is_one_line_and_leaves_nothing(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(ApplianceError, match="no room for a journal"):
            JournalFile(path, 64)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.stat().st_size == 0
    JournalFile(path, 64).close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match="cannot open the journal"):
        JournalFile(tmp_path / "nowhere" / "a.journal")


@pytest.mark.parametrize("count", [20, 200])  # before the ring went round, and after
@pytest.mark.parametrize("torn_bytes", [*range(0, 128, 8), 1, 15, 121, 123])
def test_a_record_torn_anywhere_is_dropped_and_told(
    path: Path, count: int, torn_bytes: int
) -> None:
    """As ``kill -9`` leaves it: the beginning of the next record, HEAD not yet raised."""
    file = filled(path, 9)
    file.words[ARCHIVED] = 10**6  # somebody took them
    while file.words[HEAD] < count:
        write(file.journal, order_key=int(file.words[HEAD]))
    before = row_of(file.words, count + 1).copy()
    write(file.journal, order_key=99, quantity_lots=5, side=-1)
    after = row_of(file.words, count + 1).copy()
    torn = after.tobytes()[:torn_bytes] + before.tobytes()[torn_bytes:]
    row_of(file.words, count + 1)[:] = np.frombuffer(torn, np.int64)
    file.words[HEAD], file.words[ARCHIVED] = count, count
    file.close()
    again = JournalFile(path)
    assert again.words[HEAD] == again.found.last == count
    assert again.found.damaged == ()
    untouched = torn[:120] == before.tobytes()[:120]
    assert bool(again.notes) is not untouched
    write(again.journal, order_key=1234)
    assert examine(again.words).records["order_key"].tolist()[-1] == 1234
    again.close()


def test_a_record_whole_but_not_counted_yet_is_taken(path: Path) -> None:
    file = filled(path, 20)
    file.words[HEAD] = 19
    file.close()
    again = JournalFile(path)
    assert (again.words[HEAD], again.notes) == (20, [])
    again.close()


@pytest.mark.parametrize("at", range(RECORD_WORDS - 2))
@pytest.mark.parametrize("sequence", [5, 12, 20])
def test_every_bit_of_a_record_is_guarded(path: Path, at: int, sequence: int) -> None:
    file = filled(path, 20)
    for bit in (0, 31, 62):
        row_of(file.words, sequence)[at] ^= 1 << bit
        assert examine(file.words).damaged == (sequence,)
        row_of(file.words, sequence)[at] ^= 1 << bit
    row_of(file.words, sequence)[14] = 5  # where the archive touches the page
    assert examine(file.words).damaged == ()
    file.close()


def test_damage_is_refused_then_repaired_and_kept(path: Path) -> None:
    file = filled(path, 20)
    for sequence in (7, 8, 20):
        row_of(file.words, sequence)[4] += 1
    file.close()
    spoilt = path.read_bytes()
    with pytest.raises(ApplianceError, match=r"up to 20, 7, 8, 20 cannot be read.*--repair"):
        JournalFile(path)
    assert path.read_bytes() == spoilt
    mended = JournalFile(path, repair=True)
    kinds = mended.found.records["kind"].tolist()
    assert [n + 1 for n, kind in enumerate(kinds) if kind == JournalKind.LOST] == [7, 8, 20]
    assert (mended.words[HEAD], len(kinds)) == (20, 20)
    evidence = list(path.parent.glob("*.damaged-*"))
    assert len(evidence) == 1 and evidence[0].read_bytes() == spoilt
    assert evidence[0].stat().st_mode & 0o777 == 0o600
    mended.close()
    JournalFile(path).close()


def test_records_that_a_power_cut_lost_are_missed(path: Path) -> None:
    """HEAD's page was written and the last records' was not; or one in the middle was not."""
    file = filled(path, 20)
    row_of(file.words, 19)[:] = row_of(file.words, 20)[:] = 0
    row_of(file.words, 10)[:] = 0
    assert examine(file.words).damaged == (10, 19, 20)
    file.close()


def test_damage_that_the_archive_has_whole_stops_nobody(path: Path) -> None:
    file = filled(path, 20)
    file.words[ARCHIVED] = 10
    row_of(file.words, 10)[3] ^= 1
    row_of(file.words, 3)[:] = 0
    assert examine(file.words).damaged == ()
    row_of(file.words, 11)[3] ^= 1
    assert examine(file.words).damaged == (11,)
    file.close()


def test_records_of_another_file_are_never_ours(path: Path, tmp_path: Path) -> None:
    file = filled(path, 20)
    other = filled(journal_path(tmp_path, "other"), 30)
    row_of(file.words, 21)[:] = row_of(other.words, 21)
    found = examine(file.words)
    assert (found.last, found.torn) == (20, True)
    assert (ring(file.words) != 0).any()
    file.close()
    other.close()
