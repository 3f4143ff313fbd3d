"""``sidecar status``: what it says, its exit codes, and that it needs no compiler."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.abi import telemetry as layout
from appliance.abi.counters import Counter
from appliance.abi.region import header_crc
from appliance.abi.telemetry import Lifecycle, Stage
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot import telemetry as hot_telemetry
from appliance.hot.jit import hot
from sidecar.__main__ import main
from sidecar.status import EXIT_NO, EXIT_OK, EXIT_USAGE

ROOT = Path(__file__).resolve().parents[2]


@hot
def stage_and_beat(t, now_ns):
    hot_telemetry.stage(t, Stage.GATE, 25)
    hot_telemetry.beat(t, now_ns)


@pytest.fixture
def region(tmp_path: Path) -> Iterator[TelemetryRegion]:
    with TelemetryRegion.create("t", mode="live", strategy="s", directory=tmp_path) as made:
        made.telemetry.counters[Counter.FRAMES, 0] = 1234
        made.set_rings([("frames", 8)])
        made.set_lifecycle(Lifecycle.RUNNING)
        stage_and_beat(made.telemetry, time.time_ns())
        yield made


def test_healthy(region: TelemetryRegion, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(region.path), "--json", "--age", "86400"]) == EXIT_OK
    told = json.loads(capsys.readouterr().out)
    assert told["healthy"] is True and told["health"] == "running"
    assert told["counters"]["frames"] == 1234
    assert told["stages"]["gate"]["n"] == 1 and told["stages"]["gate"]["max_ns"] == 25
    assert told["abi"] == told["reader_abi"] and told["beats"] == 1
    assert told["rings"][0]["name"] == "frames"


def test_for_people(region: TelemetryRegion, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(region.path), "--age", "86400"]) == 0
    out = capsys.readouterr().out
    assert "running" in out and "1,234" in out and "gate" in out and "\x1b" not in out


def test_stale_and_ended(region: TelemetryRegion, capsys: pytest.CaptureFixture[str]) -> None:
    hot_telemetry.beat(region.telemetry, time.time_ns() - 60 * 10**9)
    assert main(["status", str(region.path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["health"] == "stale"
    region.close(unlink=False)
    assert main(["status", str(region.path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["health"] == "ended"


def test_dead(region: TelemetryRegion, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(region.path.read_bytes())
    header = np.frombuffer(content, layout.HEADER, 1)
    header["start_clock_ticks"] = 1
    header["crc"] = header_crc(header.tobytes())
    path = region.path.with_suffix(".dead")
    path.write_bytes(content)
    assert main(["status", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["health"] == "dead"


def test_wrong_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path / "none")]) == EXIT_NO
    (tmp_path / "x").write_bytes(b"x" * 9000)
    assert main(["status", str(tmp_path / "x")]) == EXIT_USAGE
    assert main(["status", str(tmp_path / "x"), "--json"]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 2 and "Traceback" not in told.err
    assert json.loads(told.out)["healthy"] is False
    for given in (["status", "--age", "0"], ["status", "--age", "nan"], [], ["none"]):
        with pytest.raises(SystemExit) as caught:
            main(given)
        assert caught.value.code == 2


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for given in (["--help"], ["status", "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(given)
        assert caught.value.code == 0
        assert "examples:" in capsys.readouterr().out


def test_it_needs_no_compiler(region: TelemetryRegion) -> None:
    code = (
        "import sys; from sidecar.__main__ import main; "
        f"main(['status', {str(region.path)!r}, '--json']); "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('numba', 'llvmlite', 'rich', 'simdjson') or m.startswith('appliance.cold')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
