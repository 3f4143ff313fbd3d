"""The recorder (sidecar.recorder.run_recorder, sidecar.recorder.tape, sidecar.recorder.manifest,
sidecar.recorder.own_frames): every frame once and in order, or a gap that says so."""

import errno
import json
import random
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.telemetry import Lifecycle
from sidecar.recorder import tape
from sidecar.recorder.manifest import GAPS_MAX, Gap, Manifest
from sidecar.recorder.run_recorder import RunRecorder
from sidecar.recorder.tape import Tape, day_of
from tests.sidecar.captures import CapturedRun, check_manifest, frames, lines, marks
from tests.sidecar.regions import NOW_NS

DAY_NS = 86_400 * 10**9


pytestmark = pytest.mark.usefixtures("each_step_commits")


def drain(recorder: RunRecorder) -> None:
    while recorder.step():
        pass


def of(run: CapturedRun, symbol: str) -> list[bytes]:
    return [frame for _, name, frame in run.said if name == symbol]


def depth(n: int, size: int = 40) -> bytes:
    return b'{"stream":"x@depth","data":{"u":%d,"pad":"%s"}}' % (n, b"." * (n % size))


def test_a_file_for_each_symbol_in_the_form_of_the_field(shm: Path, tmp_path: Path) -> None:
    run = CapturedRun(shm)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    for n in range(300):
        run.say(depth(n), n % 2)
    run.say(b'{"result":null,"id":1}', -1)
    drain(recorder)
    run.end()
    drain(recorder)
    folder = tmp_path / "rec" / "live" / "spot"
    told = check_manifest(folder)
    for symbol in ("BTCUSDT", "ETHUSDT", "others"):
        found = lines(folder, symbol)
        assert found == [(at, frame) for at, name, frame in run.said if name == symbol]
    assert [one["file"] for one in told["files"]] == [
        f"{name}_{day_of(NOW_NS)}_000.gz" for name in ("btcusdt", "ethusdt", "others")
    ]
    assert told["gaps"] == [] and recorder.is_idle and recorder.told()["frames"] == 301


@pytest.mark.parametrize("seed", range(12))
def test_killed_and_refused_at_any_moment(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A recorder that dies, or a disk that is full, at any call that writes: nothing is missing
    and nothing twice, for the ring held it all."""
    rng = random.Random(seed)
    calls = Calls(monkeypatch, rng)
    run = CapturedRun(shm, capacity=1 << 19)
    root = tmp_path / "rec"
    recorder = RunRecorder(run.path, root)
    n = 0
    for _ in range(60):
        for _ in range(rng.randrange(40)):
            run.say(depth(n), rng.randrange(2), after_ns=rng.choice([0, 1, 10**6, DAY_NS // 9]))
            n += 1
        calls.fail_at(rng.randrange(25), death=rng.random() < 0.6)
        try:
            drain(recorder)
        except Killed:
            recorder.close()
            recorder = RunRecorder(run.path, root)
    calls.fail_at(None)
    drain(recorder)
    run.end()
    drain(recorder)
    folder = root / "live" / "spot"
    told = check_manifest(folder)
    assert told["gaps"] == [] and calls.failed_n > 20
    for symbol in run.symbols:
        assert frames(folder, symbol) == of(run, symbol)
    everything = sorted(line for symbol in run.symbols for line in lines(folder, symbol))
    assert [frame for _, frame in everything] == [frame for _, _, frame in run.said]
    assert len({at for at, _ in everything}) == n  # the order of all of them is kept


class Killed(BaseException):
    """As kill -9: nothing runs any more."""


class Calls:
    """Lets the calls that reach the disk fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> None:
        self._left: int | None = None
        self._death = False
        self._rng = rng
        self.failed_n = 0
        for owner, name in (
            (tape.os, "fdatasync"),
            (tape.os, "fsync"),
            (tape.os, "truncate"),
            (Path, "replace"),
            (Path, "open"),
            (tape.gzip, "compress"),
        ):
            monkeypatch.setattr(owner, name, self._around(getattr(owner, name)))

    def fail_at(self, calls: int | None, *, death: bool = False) -> None:
        self._left, self._death = calls, death

    def _around(self, real: Any) -> Any:
        def call(*words: Any, **named: Any) -> Any:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    self._left = None if self._death else self._left
                    self.failed_n += 1
                    if self._death:
                        raise Killed
                    if self._left is not None and self._left < -3:
                        self._left = None
                    raise OSError(errno.ENOSPC, "No space left on device")
            return real(*words, **named)

        return call


def test_what_is_read_again_counts_once(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    run = CapturedRun(shm, capacity=1 << 14)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    with monkeypatch.context() as patched:
        patched.setattr(tape.os, "fdatasync", full)
        for n in range(400):  # more than the ring holds
            run.say(depth(n))
            if n % 9 == 0:
                recorder.step()
        assert recorder.told()["frames"] == 0 and "full" in recorder.complaint
    drain(recorder)
    run.say(depth(1))
    drain(recorder)
    told = recorder.told()
    assert told["frames"] + told["lost_frames"] == len(run.said) and told["frames"] > 0


def test_what_was_overwritten_is_a_gap(shm: Path, tmp_path: Path) -> None:
    run = CapturedRun(shm, capacity=1 << 14)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    run.say(depth(0))
    drain(recorder)
    for n in range(500):
        run.say(depth(n), n % 2)
    drain(recorder)
    run.say(depth(1), 1)
    drain(recorder)
    run.end()
    drain(recorder)
    folder = tmp_path / "rec" / "live" / "spot"
    (gap,) = check_manifest(folder)["gaps"]
    assert gap["why"] == "overwritten_in_the_ring" and gap["lost_frames"] == 500
    assert recorder.told()["lost_frames"] == 500
    assert [mark["lost_frames"] for mark in marks(folder, "ETHUSDT")] == [500]
    assert len(frames(folder, "BTCUSDT") + frames(folder, "ETHUSDT")) + 500 == len(run.said)
    assert lines(folder, "ETHUSDT")[0][1].startswith(b'{"stream": "ethusdt@gap"')


def test_a_run_that_nobody_recorded_to_its_end(shm: Path, tmp_path: Path) -> None:
    """What came after the last commit, nobody knows: that is said, once."""
    root = tmp_path / "rec"
    for turn in range(3):
        run = CapturedRun(shm)
        recorder = RunRecorder(run.path, root)
        run.now_ns += turn * 10**9
        run.say(depth(turn))
        drain(recorder)
        if turn == 0:
            run.end()  # and its recorder sees no more of it
            recorder.close()
        else:
            run.end()
            drain(recorder)
    folder = root / "live" / "spot"
    told = check_manifest(folder)
    assert [(one["why"], one["lost_frames"]) for one in told["gaps"]] == [
        ("end_of_run_not_recorded", None)
    ]
    assert frames(folder, "BTCUSDT") == [depth(n) for n in range(3)]
    assert [mark["why"] for mark in marks(folder, "BTCUSDT")] == ["end_of_run_not_recorded"]


def test_a_run_that_was_killed_is_recorded_to_its_end(shm: Path, tmp_path: Path) -> None:
    """Its ring is there as long as nobody takes its name."""
    run = CapturedRun(shm)
    for n in range(9):
        run.say(depth(n))
    run.region.close(Lifecycle.FAILED, unlink=False)  # the ring stays, as after a kill
    recorder = RunRecorder(run.path, tmp_path / "rec")
    drain(recorder)
    folder = tmp_path / "rec" / "live" / "spot"
    assert frames(folder, "BTCUSDT") == of(run, "BTCUSDT") and recorder.is_idle
    before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    for again in (recorder, RunRecorder(run.path, tmp_path / "rec")):
        drain(again)
        assert again.is_idle
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    assert check_manifest(folder)["gaps"] == []


def test_files_of_a_day_and_of_a_size(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape, "SEGMENT_BYTES_MAX", 400)
    run = CapturedRun(shm)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    for n in range(40):
        run.say(depth(n), after_ns=DAY_NS // 16)
        drain(recorder)
    folder = tmp_path / "rec" / "live" / "spot"
    told = check_manifest(folder)["files"]
    assert frames(folder, "BTCUSDT") == of(run, "BTCUSDT")
    assert {day_of(one["first_ns"]) for one in told} == {day_of(one["last_ns"]) for one in told}
    assert all(day_of(one["first_ns"]) in one["file"] for one in told)
    assert len({one["file"][:-7] for one in told}) >= 2 and len(told) > 4


def test_a_clock_that_was_set_back_begins_another_file(shm: Path, tmp_path: Path) -> None:
    """A reader of recordings drops lines that go back in time; a little is only straightened."""
    run = CapturedRun(shm)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    for after_ns in (10**9, -500, -(10**6), -(3600 * 10**9), 10):
        run.say(depth(1), after_ns=after_ns)
    drain(recorder)
    folder = tmp_path / "rec" / "live" / "spot"
    at = [stamp - NOW_NS for stamp, _ in lines(folder, "BTCUSDT")]
    hour = 3600 * 10**9
    first = 10**9
    assert at[:3] == [first, first + 1, first + 2]
    assert at[3:] == [first - 500 - 10**6 - hour, first - 500 - 10**6 - hour + 10]
    assert len(list(folder.glob("btcusdt_*.gz"))) == 2


def test_frames_that_are_no_line(shm: Path, tmp_path: Path) -> None:
    run = CapturedRun(shm)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    run.say(b'{\n"a": 1}', -1)
    run.say(b"", -1)
    run.say(b"\xff\x00 no text", -1)
    run.say(b'{"stream":"ethusdt@trade","data":{"e":"new"}}', -1)
    run.say(b'{"data":{"s":"BTCUSDT"}}', -1)
    run.say(b'{"data":{"s":"LTCUSDT"}}', -1)
    run.say(b"[1]", -1)
    drain(recorder)
    folder = tmp_path / "rec" / "live" / "spot"
    wrapped = [json.loads(frame)["data"]["base64"] for frame in frames(folder, "others")[:2]]
    assert wrapped == ["ewoiYSI6IDF9", ""]
    assert frames(folder, "others")[2:] == [
        b"\xff\x00 no text",
        b'{"data":{"s":"LTCUSDT"}}',
        b"[1]",
    ]
    assert len(frames(folder, "ethusdt")) == len(frames(folder, "btcusdt")) == 1


def test_gaps_are_bounded(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    for n in range(GAPS_MAX + 5):
        manifest.note_gap(Gap("x", n, n))
    assert len(manifest.gaps) == GAPS_MAX and manifest.gaps_n == GAPS_MAX + 5
    manifest.store()
    assert Manifest.load(tmp_path).gaps_n == GAPS_MAX + 5


def test_names_of_files(tmp_path: Path) -> None:
    for symbol in ("BTCUSDT", "币安人生USDT", "A/B", "..X"):
        made = Tape(tmp_path, symbol)
        made.add(NOW_NS, b"{}")
        made.write()
        assert made.segment is not None
        assert (tmp_path / made.segment.file).parent == tmp_path
        assert (tmp_path / made.segment.file).stat().st_size == made.segment.bytes > 0
