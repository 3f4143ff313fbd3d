"""``sidecar run`` (sidecar.run_command) as a process: signals, files, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.abi.counters import Counter
from appliance.abi.telemetry import REGION_DIRECTORY
from appliance.cold.journal_archive import Archive
from sidecar.__main__ import main
from tests.sidecar.captures import CapturedRun, frames
from tests.sidecar.reading import points_in
from tests.sidecar.regions import Run
from tests.strategies.journals import filled

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run():
    made = Run(Path(REGION_DIRECTORY), f"sidecar-test-{os.getpid()}")
    yield made
    made.end()


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "sidecar", "run", *map(str, words)]


def start(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*words),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def until_it_samples(folder: Path) -> None:
    until_s = time.monotonic() + 60
    while not (folder / "status.json").exists():
        assert time.monotonic() < until_s
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_record_without_any_server(run: Run, tmp_path: Path, number: int) -> None:
    name = f"sidecar-test-{os.getpid()}"
    run.count(Counter.FILLS, 3)
    folder = tmp_path / "spool"
    process = start("--region", name, "--spool", folder, "--json")
    until_it_samples(folder)
    run.count(Counter.FILLS, 4)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and err == f"sidecar run: watching {name}\n"
    told = json.loads(out)
    assert told["sender"] is None and told["sampler"]["intervals_n"] >= 2
    assert json.loads((folder / "status.json").read_text())["running"] is False
    fills = [p for p in points_in(folder) if p.tags.get("kind") == "fill"]
    assert sum(p.fields["delta"] for p in fills) == 7, "what was counted last is there, too"


def test_for_a_while_and_for_people(run: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        command("--spool", tmp_path / "spool", "--for", 1.5),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and "points recorded" in done.stdout
    assert "sidecar run: watching " in done.stderr
    assert "recording to" in done.stderr and "Traceback" not in done.stderr


def test_a_region_of_something_else_is_told_once(tmp_path: Path) -> None:
    name = f"sidecar-bad-{os.getpid()}"
    path = Path(REGION_DIRECTORY) / f"lonecore-{name}.telemetry"
    path.write_bytes(b"x" * 9_000)
    try:
        done = subprocess.run(
            command("--region", name, "--spool", tmp_path, "--for", 2.5),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        path.unlink()
    assert done.returncode == 0
    assert done.stderr.count("is not a telemetry region") == 1 and "watching" not in done.stderr


def test_what_is_wrong_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for words in (["nothing.toml"], ["--spool", str(tmp_path / "file")]):
        assert main(["run", *words]) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("sidecar run: ") and err.count("\n") == 1


def test_two_on_one_spool(run: Run, tmp_path: Path) -> None:
    first = start("--spool", tmp_path)
    until_it_samples(tmp_path)
    second = start("--spool", tmp_path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 2 and f"another sidecar (process {first.pid})" in err
    first.terminate()
    assert first.wait(60) == 0
    assert first.communicate()


def test_a_server_that_is_away_holds_nobody_up(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "sidecar.toml"
    config.write_text(
        f'[spool]\nfolder = "{tmp_path}/spool"\n'
        '[influx]\nurl = "http://127.0.0.1:1"\napi = "v1"\nbucket = "x"\n'
    )
    process = start(config, "--json")
    until_it_samples(tmp_path / "spool")
    until_s = time.monotonic() + 60
    while True:
        told = json.loads((tmp_path / "spool" / "status.json").read_text())
        if told["sampler"]["intervals_n"] >= 3 and told["sender"]["state"] == "waiting":
            break
        assert time.monotonic() < until_s
        time.sleep(0.1)
    process.terminate()
    out, _ = process.communicate(timeout=60)
    told = json.loads(out)
    assert process.returncode == 0 and "refused" in told["sender"]["said"]
    assert told["sender"]["lines_n"] == 0 and not told["sender"]["all_sent"]


def test_frames_and_journals_too(tmp_path: Path) -> None:
    """All that a sidecar keeps, by one configuration; and `sidecar status` says so."""
    name = f"sidecar-all-{os.getpid()}"
    made = CapturedRun(Path(REGION_DIRECTORY), name)
    journal = filled(tmp_path / "live.journal", 9)
    archive = Archive(journal.path, journal.words, journal.notes)
    config = tmp_path / "sidecar.toml"
    config.write_text(
        f'regions = ["{name}"]\n[spool]\nfolder = "spool"\n[recorder]\nfolder = "raw"\n'
        '[journal]\nfiles = ["live.journal"]\ncopy_to = "copy"\n'
    )
    process = start(config)
    until_it_samples(tmp_path / "spool")
    try:
        made.say(b'{"stream":"btcusdt@trade"}')
        archive.step()
        time.sleep(2.2)
        done = subprocess.run(
            [sys.executable, "-m", "sidecar", "status", name, "--spool", tmp_path / "spool"],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "400"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "1 frames in" in done.stdout and "0 records behind" in done.stdout
    finally:
        process.terminate()
        out, err = process.communicate(timeout=60)
        made.end()
        archive.close()
        journal.close()
    assert process.returncode == 0, err
    assert f"1 frames in {tmp_path / 'raw'}" in out and "9 records of" in out
    assert frames(tmp_path / "raw" / name / "spot", "BTCUSDT") == [b'{"stream":"btcusdt@trade"}']
    (copy,) = (tmp_path / "copy").iterdir()
    assert copy.read_bytes() == (tmp_path / copy.name).read_bytes()
    own = [p for p in points_in(tmp_path / "spool") if p.measurement == "lc_side"][-1]
    kept = {k: own.fields[k] for k in ("frames", "lost_frames", "journal_behind", "journal_faults")}
    assert kept == {"frames": 1, "lost_frames": 0, "journal_behind": 0, "journal_faults": 0}
