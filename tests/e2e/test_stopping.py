"""Stopped in the middle: one line, the exit code of the signal, nothing left behind."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import REGIONS, Appliance
from tests.live.run_file import WORKER


def slow(synthetic: Callable[..., Path]) -> Path:
    return synthetic("minute.gz", 60.0, frames_per_s=200)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("regions")
def test_stopped_in_the_middle(
    appliance: Appliance, synthetic: Callable[..., Path], number: signal.Signals
) -> None:
    name = f"e2e-{WORKER}-{number.name}"
    done = appliance.interrupted(
        number, "replay", slow(synthetic), "--speed", 1, "--name", name, name=name
    )
    assert done.code == 128 + number
    assert len(done.err.strip().splitlines()) == 1 and "stopped" in done.err
    assert done.out == ""
    assert not (REGIONS / f"lonecore-{name}.telemetry").exists()


_AT_THE_IMPORT_OF = """
import sys

class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
sys.argv = ["appliance", "top"]
from appliance.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["numpy", "appliance.cold.command_line", "appliance.cold.top"])
def test_stopped_while_modules_load(module: str) -> None:
    code = _AT_THE_IMPORT_OF.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "appliance: stopped"


def test_a_demo_that_is_stopped_tells_what_it_saw(
    live_appliance: Appliance, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    arguments = ("demo", "--json", "--seconds", 60, "--report", report)
    done = live_appliance.interrupted(signal.SIGINT, *arguments, name="demo")
    assert (done.code, done.err) == (0, "")
    assert report.read_text() == done.out
    assert "stopped by hand" in done.report["notes"]
    assert not (REGIONS / "lonecore-demo.telemetry").exists()


def test_nobody_reads_the_output(appliance: Appliance, session_file: Path) -> None:
    """As with ``| head``: no traceback."""
    with appliance.start("replay", session_file, "--json") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1 and err == ""
