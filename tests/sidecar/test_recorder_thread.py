"""All runs of a host (sidecar.recorder.recorder, sidecar.own_folder): found, recorded, bounded."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from sidecar.own_folder import FolderError, take
from sidecar.recorder import run_recorder
from sidecar.recorder.recorder import Recorder
from tests.sidecar.captures import CapturedRun, check_manifest, frames
from tests.sidecar.regions import NOW_NS

GIGABYTE = 1 << 30
PATIENCE_S = 60.0


def frame(n: int) -> bytes:
    return b'{"stream":"btcusdt@depth","data":{"u":%d,"pad":"%s"}}' % (n, b"x" * (n % 90))


def test_every_run_that_there_is(shm: Path, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "rec", GIGABYTE, directory=shm)
    recorder.start()
    runs = [CapturedRun(shm, name) for name in ("one", "two")]
    for n in range(100):
        for run in runs:
            run.say(frame(n))
    deadline_s = time.monotonic() + PATIENCE_S
    while recorder.told()["frames"] < 200 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    runs[0].end()
    recorder.stop()
    told = recorder.told()
    assert (told["frames"], told["lost_frames"], told["said"]) == (200, 0, "")
    for name in ("one", "two"):
        folder = tmp_path / "rec" / name / "spot"
        assert frames(folder, "BTCUSDT") == [frame(n) for n in range(100)]
        check = json.loads((folder / "recording.json").read_text())
        assert check["cursor"]["ended"] == (name == "one")


def test_only_those_that_were_named(shm: Path, tmp_path: Path) -> None:
    runs = [CapturedRun(shm, name) for name in ("one", "two")]
    for run in runs:
        run.say(frame(1))
    recorder = Recorder(tmp_path / "rec", GIGABYTE, ["two", "three"], shm)
    recorder.look()
    recorder.stop()
    assert sorted(path.name for path in (tmp_path / "rec").iterdir() if path.is_dir()) == ["two"]


def test_the_oldest_files_go_first_whoever_wrote_them(
    shm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_recorder, "COMMIT_NS", 0)
    recorder = Recorder(tmp_path / "rec", 3000, directory=shm)
    runs = [CapturedRun(shm, name) for name in ("one", "two")]
    day_ns = 86_400 * 10**9
    for day in range(20):
        for run in runs:
            run.now_ns = NOW_NS + day * day_ns
            run.say(os.urandom(200).hex().encode())
        recorder.look()
        recorder.make_room()
        assert sum(p.stat().st_size for p in (tmp_path / "rec").rglob("*.gz")) <= 3600
    recorder.make_room()
    recorder.stop()
    kept = sorted(path.name for path in (tmp_path / "rec").rglob("*.gz"))
    assert recorder.bytes_n <= 3000 and 6 <= len(kept) <= 14
    for name in ("one", "two"):
        folder = tmp_path / "rec" / name / "spot"
        told = check_manifest(folder)
        dropped = told["dropped"]
        assert dropped["files"] + len(list(folder.glob("*.gz"))) == 20
        assert all(one["last_ns"] > dropped["to_ns"] for one in told["files"])


def test_one_sidecar_a_folder(tmp_path: Path) -> None:
    first = Recorder(tmp_path / "rec", GIGABYTE)
    with pytest.raises(FolderError, match=f"process {os.getpid()}.*--recordings"):
        Recorder(tmp_path / "rec", GIGABYTE)
    first.stop()
    Recorder(tmp_path / "rec", GIGABYTE).stop()
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match=r"file: .*cannot be kept there"):
        take(tmp_path / "file", "it", "elsewhere")


_CHILD = """
import sys
from pathlib import Path
from sidecar.recorder.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), 1 << 30, directory=sys.argv[2])
recorder.start()
print("on", flush=True)
sys.stdin.read()
recorder.stop()
"""


def test_kill_9_loses_nothing_that_the_ring_holds(shm: Path, tmp_path: Path) -> None:
    """Twelve recorders are killed while a run goes on; the last one ends in good order.

    The ring has room for all of it: a recorder that is slow to come up must not lose a frame.
    """
    run = CapturedRun(shm, capacity=1 << 25)
    root = tmp_path / "rec"
    for turn in range(13):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(root), str(shm)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdin is not None and child.stdout is not None
        with child.stdout:
            _say_until(run, time.monotonic() + PATIENCE_S, child.stdout)
            _say_until(run, time.monotonic() + (1.2 if turn == 12 else 0.1 * turn))
            if turn < 12:
                child.send_signal(signal.SIGKILL)
            child.stdin.close()
            assert child.wait(PATIENCE_S) == (0 if turn == 12 else -signal.SIGKILL)
    folder = root / "live" / "spot"
    assert frames(folder, "BTCUSDT") == [said for _, _, said in run.said]
    growing = json.loads((folder / "recording.json").read_text())
    assert growing["cursor"]["number"] == len(run.said)
    assert not (folder / "manifest.json").exists()  # no gap, no file that is over


def _say_until(run: CapturedRun, end_s: float, said: IO[bytes] | None = None) -> None:
    """A frame every 2 ms, until then or until there is something to read."""
    while time.monotonic() < end_s:
        run.say(frame(len(run.said)))
        if said is not None and select.select([said], [], [], 0)[0]:
            assert said.readline() == b"on\n"
            return
        time.sleep(0.002)
    assert said is None, "no word of the recorder"
