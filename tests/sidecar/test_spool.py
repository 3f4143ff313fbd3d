"""The spool (sidecar.spool, stream, places): an interval counts whole or not at all."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sidecar import places, spool, stream
from sidecar.places import KEPT_MAX, newest
from sidecar.point import Class
from sidecar.region_reader import Place
from sidecar.segment import Record
from sidecar.spool import Spool, SpoolError
from sidecar.stream import Position, Stream
from sidecar.totals import Totals

BYTES_MAX = 1 << 30


def lines_of(number: int) -> dict[Class, bytes]:
    return {kind: b"m%d a=%di %d\n" % (ord(kind), number, number) for kind in Class}


def place_of(number: int) -> dict[str, Place]:
    totals = Totals({"frames": number}, sums_ns=[number] * 8, events_n=number)
    totals.buckets[1, 5] = number
    return {"live": Place(77, number, totals, 1)}


def write(to: Spool, numbers: range) -> None:
    for number in numbers:
        to.commit(number, lines_of(number), place_of(number))


def held(of: Spool, kind: Class) -> list[int]:
    one = of.streams[kind]
    return [p.found.number for p in one.pieces(one.begin, one.end) if isinstance(p.found, Record)]


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Spool(tmp_path, BYTES_MAX)
    assert (first.number, first.places) == (0, {})
    write(first, range(1, 6))
    first.close()
    again = Spool(tmp_path, BYTES_MAX)
    assert again.number == 5
    for kind in Class:
        assert held(again, kind) == [1, 2, 3, 4, 5]
    place = again.places["live"]
    assert (place.epoch, place.end_ns, place.restarts_n) == (77, 5, 1)
    assert place.totals.counters == {"frames": 5} and place.totals.events_n == 5
    assert np.array_equal(place.totals.buckets, place_of(5)["live"].totals.buckets)
    write(again, range(6, 8))
    assert held(again, Class.MUST) == [1, 2, 3, 4, 5, 6, 7]
    again.close()


class Died(Exception):
    """The process was killed here."""


STEPS = ["append c", "sync c", "append b", "sync b", "store", "append a"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step_of_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before the step is done; what it did until then is on disk."""
    made = Spool(tmp_path / "a", BYTES_MAX)
    write(made, range(1, 4))
    what, _, kind = step.partition(" ")
    if what == "store":

        def die(*_: object) -> None:
            raise Died

        monkeypatch.setattr(places, "store", die)
    else:
        monkeypatch.setattr(made.streams[Class(kind)], what, lambda *_: (_ for _ in ()).throw(Died))
    with pytest.raises(Died):
        write(made, range(4, 5))
    monkeypatch.undo()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    after = Spool(tmp_path / "b", BYTES_MAX)
    assert after.number == 3 and after.places["live"].end_ns == 3
    for kind in Class:
        assert held(after, kind) == [1, 2, 3]
    write(after, range(4, 6))
    assert all(held(after, kind) == [1, 2, 3, 4, 5] for kind in Class)
    after.close()
    made.close()


def test_killed_in_the_middle_of_the_last_record(tmp_path: Path) -> None:
    made = Spool(tmp_path / "a", BYTES_MAX)
    write(made, range(1, 4))
    made.close()
    size = (tmp_path / "a" / "a-00000001.spool").stat().st_size
    for cut in (1, 10, 40):
        folder = tmp_path / f"b{cut}"
        shutil.copytree(tmp_path / "a", folder)
        os.truncate(folder / "a-00000001.spool", size - cut)
        after = Spool(folder, BYTES_MAX)
        assert after.number == 2 and after.places["live"].end_ns == 2
        assert held(after, Class.DETAIL) == [1, 2] and not any(after.damaged_bytes_n.values())
        after.close()


@pytest.mark.parametrize("kind", list(Class))
def test_a_full_disk_leaves_nothing_of_an_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Class
) -> None:
    made = Spool(tmp_path, BYTES_MAX)
    write(made, range(1, 3))
    write_to = os.write

    def full(fd: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{fd}").readlink().name.startswith(f"{kind}-"):
            return write_to(fd, data[: len(data) // 2])  # as much as there was room for
        return write_to(fd, data)

    monkeypatch.setattr(stream.os, "write", full)
    with pytest.raises(OSError):
        write(made, range(3, 4))
    monkeypatch.undo()
    assert made.number == 2 and all(held(made, one) == [1, 2] for one in Class)
    write(made, range(3, 5))
    assert all(held(made, one) == [1, 2, 3, 4] for one in Class)
    made.close()


def test_a_real_disk_that_is_full(tmp_path: Path) -> None:
    """A tmpfs of one megabyte, in a mount namespace of its own."""
    code = """
import sys
from pathlib import Path
from tests.sidecar.test_spool import BYTES_MAX, Class, Spool, held, place_of
import random
made = Spool(Path(sys.argv[1]), BYTES_MAX)
rng, number = random.Random(1), 0
try:
    for number in range(1, 1000):
        junk = {kind: rng.randbytes(20_000).hex().encode() + b"\\n" for kind in Class}
        made.commit(number, junk, place_of(number))
except OSError as error:
    assert error.errno == 28, error
kept = [held(made, kind) for kind in Class]
assert kept == [list(range(1, number))] * 3 and number > 5, (number, kept)
made.close()
again = Spool(Path(sys.argv[1]), BYTES_MAX)
assert again.number == number - 1
print("kept", again.number)
"""
    run = f"exec {sys.executable} -c '{code}' {tmp_path}"
    script = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && {run}"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kept ")


def test_a_damaged_middle_is_passed_over_and_told(tmp_path: Path) -> None:
    made = Spool(tmp_path, BYTES_MAX)
    write(made, range(1, 6))
    path = tmp_path / "b-00000001.spool"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    made.close()
    again = Spool(tmp_path, BYTES_MAX)
    assert len(held(again, Class.SHOULD)) == 4 and again.damaged_bytes_n[Class.SHOULD] > 0
    assert held(again, Class.MUST) == [1, 2, 3, 4, 5]
    write(again, range(6, 7))
    assert held(again, Class.SHOULD)[-1] == 6
    again.close()


@pytest.mark.parametrize("content", [b"", b"x", b"LCPLACE1" + bytes(60)])
def test_places_that_are_lost_are_begun_anew(tmp_path: Path, content: bytes) -> None:
    made = Spool(tmp_path, BYTES_MAX)
    write(made, range(1, 4))
    made.close()
    (tmp_path / "places-1").write_bytes(content)
    again = Spool(tmp_path, BYTES_MAX)
    assert (again.number, again.places) == (3, {})
    again.close()


def test_the_names_that_are_remembered_are_bounded() -> None:
    many = {str(n): Place(n, n) for n in range(3 * KEPT_MAX)}
    assert sorted(newest(many), key=int) == [str(n) for n in range(2 * KEPT_MAX, 3 * KEPT_MAX)]


def test_a_folder_belongs_to_one(tmp_path: Path) -> None:
    made = Spool(tmp_path, BYTES_MAX)
    with pytest.raises(SpoolError, match=f"another sidecar .process {os.getpid()}"):
        Spool(tmp_path, BYTES_MAX)
    made.close()
    Spool(tmp_path, BYTES_MAX).close()


def test_what_is_worth_least_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SEGMENT_BYTES", 1)  # a segment a record
    made = Spool(tmp_path, BYTES_MAX)
    write(made, range(1, 21))
    made.bytes_max = int(made.bytes_n * 41 / 60 / 0.95)  # without DETAIL it is still too much
    gone = made.make_room()
    assert {kind for kind, _ in gone} == {Class.DETAIL, Class.SHOULD}
    assert held(made, Class.MUST) == list(range(1, 21)) and held(made, Class.DETAIL) == [20]
    first = gone[0][1]
    assert (first.records_n, first.lines_n, first.from_ns, first.to_ns) == (1, 1, 1, 1)
    made.bytes_max = 1
    made.make_room()
    assert all(held(made, kind) == [20] for kind in Class)
    made.bytes_max = BYTES_MAX
    assert made.make_room() == []
    made.close()


def test_a_disk_without_room_counts_like_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SEGMENT_BYTES", 1)
    made = Spool(tmp_path, BYTES_MAX)
    write(made, range(1, 21))
    assert made.make_room() == []
    monkeypatch.setattr(spool, "DISK_RESERVE_BYTES", 1 << 62)
    assert len(made.make_room()) == 3 * 19
    made.close()


def test_killed_when_a_new_segment_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SEGMENT_BYTES", 1)
    made = Spool(tmp_path, BYTES_MAX)
    write(made, range(1, 4))
    for one in made.streams.values():
        one._begin_segment(4)
    made.close()
    again = Spool(tmp_path, BYTES_MAX)
    assert again.number == 3 and again.places["live"].end_ns == 3
    assert all(held(again, kind) == [1, 2, 3] for kind in Class)
    write(again, range(4, 6))
    assert all(held(again, kind) == [1, 2, 3, 4, 5] for kind in Class)
    again.close()


def test_segments_follow_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SEGMENT_BYTES", 200)
    made = Stream(tmp_path, "a", None)
    for number in range(1, 30):
        made.append(number, number, b"m a=1i 1\n")
    assert made.segments_n > 5 and made.end.segment == made.segments_n
    middle = None
    for n, piece in enumerate(made.pieces(made.begin, made.end)):
        if n == 13:
            middle = piece.end
    assert middle is not None
    rest = [p.found.number for p in made.pieces(middle, made.end) if isinstance(p.found, Record)]
    assert rest == list(range(15, 30))
    assert list(made.pieces(made.end, made.end)) == []
    assert list(made.pieces(Position(99, 0), Position(99, 5))) == []
    made.take_back(29)
    assert made.last_number == 28
    made.close()


def test_errors_of_the_disk_are_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Spool(tmp_path, BYTES_MAX)

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(stream.os, "fdatasync", broken)
    with pytest.raises(OSError, match="broken"):
        write(made, range(1, 2))
    monkeypatch.undo()
    assert made.number == 0 and all(held(made, kind) == [] for kind in Class)
    write(made, range(1, 3))
    assert all(held(made, kind) == [1, 2] for kind in Class)
    made.close()
