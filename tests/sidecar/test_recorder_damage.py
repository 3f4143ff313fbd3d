"""What the recorder finds amiss (sidecar.recorder.run_recorder): left alone, set aside, or said."""

from pathlib import Path

import pytest

from sidecar.recorder.manifest import Manifest
from sidecar.recorder.run_recorder import RunRecorder
from tests.sidecar.captures import CapturedRun, frames

pytestmark = pytest.mark.usefixtures("each_step_commits")


def depth(n: int) -> bytes:
    return b'{"stream":"x@depth","data":{"u":%d}}' % n


@pytest.mark.parametrize("harm", ["shorter", "gone"])
def test_a_file_that_lost_what_was_sure(shm: Path, tmp_path: Path, harm: str) -> None:
    run = CapturedRun(shm)
    root = tmp_path / "rec"
    folder = root / "live" / "spot"
    recorder = RunRecorder(run.path, root)
    run.say(depth(1))
    recorder.step()
    recorder.close()
    (file,) = folder.glob("*.gz")
    if harm == "shorter":
        file.write_bytes(file.read_bytes()[:-3])
    else:
        file.unlink()
    recorder = RunRecorder(run.path, root)
    run.say(depth(2))
    recorder.step()
    told = Manifest.load(folder)
    assert [(one.why, one.lost_frames) for one in told.gaps] == [("file_damaged", 1)]
    assert frames(folder, "BTCUSDT") == [depth(2)]
    assert len(list(folder.glob("*.damaged"))) == (harm == "shorter")


@pytest.mark.parametrize("name", ["manifest.json", "recording.json"])
@pytest.mark.parametrize("content", ["{", "[]", '{"files": [{"file": 1, "other": 2}]}'])
def test_a_manifest_that_is_damaged_is_left_alone(
    shm: Path, tmp_path: Path, name: str, content: str
) -> None:
    """Nothing is recorded over what we do not understand; the user is told the file."""
    run = CapturedRun(shm)
    folder = tmp_path / "rec" / "live" / "spot"
    folder.mkdir(parents=True)
    (folder / name).write_text(content)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    run.say(depth(1))
    assert not recorder.step()
    assert str(folder) in recorder.complaint
    assert (folder / name).read_text() == content and not list(folder.glob("*.gz"))


def test_strangers_in_the_folder_are_kept(shm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rec" / "live" / "spot"
    folder.mkdir(parents=True)
    (folder / "btcusdt_20231114_000.gz").write_bytes(b"mine")
    run = CapturedRun(shm)
    recorder = RunRecorder(run.path, tmp_path / "rec")
    run.say(depth(1))
    recorder.step()
    assert (folder / "btcusdt_20231114_000.gz.uncommitted").read_bytes() == b"mine"
    assert frames(folder, "BTCUSDT") == [depth(1)]


def test_rings_that_are_none_or_of_another_run(shm: Path, tmp_path: Path) -> None:
    run = CapturedRun(shm)
    ring = run.ring.path
    whole = ring.read_bytes()
    ring.write_bytes(b"nothing")
    recorder = RunRecorder(run.path, tmp_path / "rec")
    assert not recorder.step() and "no capture ring" in recorder.complaint
    other = bytearray(whole)
    other[34 * 8] ^= 1  # the epoch
    ring.write_bytes(bytes(other))
    assert not recorder.step() and recorder.is_idle
    ring.write_bytes(whole)
    recorder.step()
    assert not recorder.is_idle and recorder.complaint == ""
