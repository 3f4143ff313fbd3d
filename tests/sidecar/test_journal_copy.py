"""The journal's copy (sidecar.journal_copy, sidecar.journal_copies): every record, checked, and
read back by the tool that reads journals."""

import errno
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.cold import command_line
from appliance.cold.journal_archive import Archive
from appliance.cold.journal_file import JournalFile, journal_path
from sidecar import journal_copy
from sidecar.journal_copies import JournalCopies
from sidecar.journal_copy import JournalCopy
from tests.strategies.journals import NOW_NS, filled, write

RECORD = journal_copy.RECORD_BYTES
DAY_NS = 86_400 * 10**9


class Source:
    """A journal that is archived by hand."""

    def __init__(self, folder: Path) -> None:
        self.path = journal_path(folder, "live")
        self.file: JournalFile = filled(self.path, 10)
        self.archive = Archive(self.path, self.file.words, self.file.notes)
        self.archive.step()

    def write(self, count: int, day: int = 0) -> None:
        for _ in range(count):
            assert write(self.file.journal, time_ns=NOW_NS + day * DAY_NS)
            self.archive.step()

    def close(self) -> None:
        self.archive.close()
        self.file.close()

    def archived(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.path.parent.glob("*.archive")}


@pytest.fixture
def source(tmp_path: Path):
    folder = tmp_path / "journal"
    folder.mkdir()
    made = Source(folder)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def copied(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def step(copy: JournalCopy) -> None:
    while copy.step():
        pass


def told(capsys: pytest.CaptureFixture[str], path: Path) -> Any:
    assert command_line.main(["journal", str(path), "--verify", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_day_by_day_and_read_by_the_tool(
    source: Source, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = JournalCopy(source.path, folder)
    step(copy)
    assert (copy.last, copy.behind_n(), copy.complaint) == (10, 0, "")
    for day in range(3):
        source.write(20, day)
        step(copy)
    assert copied(folder) == source.archived() and copy.last == 70
    assert len(copied(folder)) == 3
    write(source.file.journal, time_ns=NOW_NS + 3 * DAY_NS)  # not archived yet
    assert copy.told()["behind"] == 1
    firsts = []
    for path in sorted(folder.iterdir()):
        facts = told(capsys, path)
        firsts.append((facts["first"], facts["last"]))
    assert firsts == [(1, 30), (31, 50), (51, 70)]


@pytest.mark.parametrize("seed", range(6))
def test_killed_anywhere(
    source: Source, folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A copy that was cut short in the middle of a record is gone on with."""
    rng = random.Random(seed)
    monkeypatch.setattr(journal_copy, "BATCH_BYTES", 7 * RECORD)
    monkeypatch.setattr(journal_copy, "COMPARED_BYTES", 3 * RECORD)
    real = os.pwrite

    def cut_short(fd: int, data: bytes, at: int) -> int:
        if rng.random() < 0.3:
            real(fd, data[: rng.randrange(len(data))], at)
            raise OSError(errno.EIO, "killed")
        return real(fd, data, at)

    copy = JournalCopy(source.path, folder)
    for turn in range(40):
        source.write(rng.randrange(12), day=turn // 15)
        with monkeypatch.context() as patched:
            patched.setattr(journal_copy.os, "pwrite", cut_short)
            step(copy)
        if rng.random() < 0.5:
            copy = JournalCopy(source.path, folder)
    for _ in range(3):
        step(copy)
    assert copy.complaint == "" and copy.last > 100
    assert copied(folder) == source.archived()


def test_a_record_that_is_not_whole_is_never_copied(source: Source, folder: Path) -> None:
    source.write(30)
    (file,) = source.path.parent.glob("*.archive")
    data = bytearray(file.read_bytes())
    data[21 * RECORD + 40] ^= 4
    file.write_bytes(data)
    copy = JournalCopy(source.path, folder)
    step(copy)
    assert copy.last == 20 and "not whole" in copy.complaint and "--verify" in copy.complaint
    data[21 * RECORD + 40] ^= 4
    file.write_bytes(data)
    step(copy)
    assert copy.last == 40 and copy.complaint == ""


def test_a_record_that_is_missing_is_not_passed_over(source: Source, folder: Path) -> None:
    source.write(30)
    (file,) = source.path.parent.glob("*.archive")
    data = file.read_bytes()
    file.write_bytes(data[: 9 * RECORD] + data[10 * RECORD :])
    copy = JournalCopy(source.path, folder)
    step(copy)
    assert copy.last == 8 and "follows record 8" in copy.complaint


@pytest.mark.parametrize("which", ["source", "copy"])
def test_a_disk_that_forgets(source: Source, folder: Path, which: str) -> None:
    """Nothing is mended by itself: both stay as they are, and the user hears of it."""
    copy = JournalCopy(source.path, folder)
    step(copy)
    (original,), (second,) = source.path.parent.glob("*.archive"), folder.iterdir()
    harmed = original if which == "source" else second
    data = bytearray(harmed.read_bytes())
    data[5 * RECORD + 17] ^= 1
    harmed.write_bytes(data)
    before = (original.read_bytes(), second.read_bytes())
    for again in (copy, JournalCopy(source.path, folder)):
        step(again)
        step(again)
        assert again.complaint
    assert (original.read_bytes(), second.read_bytes()) == before


def test_a_source_that_became_shorter(source: Source, folder: Path) -> None:
    copy = JournalCopy(source.path, folder)
    step(copy)
    (file,) = source.path.parent.glob("*.archive")
    os.truncate(file, 4 * RECORD)
    step(copy)
    assert "were copied" in copy.complaint and str(folder) in copy.complaint


def test_what_is_no_archive(source: Source, folder: Path, tmp_path: Path) -> None:
    (file,) = source.path.parent.glob("*.archive")
    file.write_bytes(b"x" * 4 * RECORD)
    copy = JournalCopy(source.path, folder)
    step(copy)
    assert "no archive of a journal" in copy.complaint and not list(folder.iterdir())
    missing = JournalCopy(tmp_path / "none.journal", folder)
    assert not missing.step() and "there is no journal" in missing.complaint
    assert missing.behind_n() == -1
    blocked = JournalCopy(source.path, tmp_path / "journal" / "live.journal")
    assert not blocked.step() and blocked.complaint


def test_on_a_thread_until_the_end(source: Source, folder: Path) -> None:
    copies = JournalCopies([source.path], folder)
    copies.start()
    source.write(40)
    time.sleep(0.05)
    copies.stop()
    assert copied(folder) == source.archived()
    assert copies.told() | {"journals": 0} == {"journals": 0, "behind": 0, "faults": 0, "said": ""}
