"""Runs the appliance as its users do: a process of its own, one cache of compiled code for all.

The loop is compiled once for the session (and not at all if the last session's code still fits):
workers that come second wait at a file lock.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.region import RegionError, attach
from appliance.abi.telemetry import Lifecycle
from appliance.cold.line import Line, write
from appliance.cold.synthetic import generate
from tests.live.run_file import WORKER, write_run
from tests.live.venue_process import VenueProcess

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "test-cache"
REGIONS = Path("/dev/shm")
COLD_S = 280  # a machine that is busy, and nothing compiled
WARM_S = 120

Report = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """A finished process."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Report:
        """Standard output as the one JSON document that it must be."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document

    def refused(self, *words: str) -> str:
        """The one line on standard error of a wrong request, which has ``words`` in it."""
        assert self.code == 2, (self.code, self.err[-2000:])
        assert self.out == ""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err[-2000:]
        assert lines[0].startswith("appliance ") and "Traceback" not in self.err
        for word in words:
            assert word in lines[0], lines[0]
        return lines[0]


def _hear_signals() -> None:
    """Ignored signals are inherited: a shell's & ignores SIGINT, nohup SIGHUP."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Appliance:
    """``python -m appliance`` with a cache directory."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache = cache
        self.folder = folder  # of the child; made for the test session
        hidden = ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK", "NUMBA_CACHE_DIR", "COLUMNS")
        self._environment = {k: v for k, v in os.environ.items() if k not in hidden}
        self._environment |= {"LONECORE_CACHE": str(cache), "PYTHONPATH": str(ROOT)}

    def start(
        self, *arguments: object, stderr: int = subprocess.PIPE, **changed: str
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "appliance", *map(str, arguments)],
            cwd=self.folder,
            env=self._environment | changed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            preexec_fn=_hear_signals,
        )

    def __call__(self, *arguments: object, timeout_s: float = WARM_S, **changed: str) -> Done:
        with self.start(*arguments, **changed) as process:
            try:
                out, err = process.communicate(timeout=timeout_s)
            except BaseException:
                process.kill()
                raise
        return Done(process.returncode, out, err)

    def replay(self, *arguments: object, code: int = 0) -> Report:
        """The report of ``replay --json``, silent on standard error unless the answer is no."""
        done = self("replay", "--json", *arguments)
        assert done.code == code, done.err[-3000:]
        assert code or done.err == ""
        return done.report

    def interrupted(self, number: signal.Signals, *arguments: object, name: str) -> Done:
        """Started, and stopped by a signal half a second after its region says that it runs."""
        with self.start(*arguments) as process:
            try:
                wait_for(lambda: is_running(name) or process.poll() is not None)
                time.sleep(0.5)
                process.send_signal(number)
                out, err = process.communicate(timeout=WARM_S)
            except BaseException:
                process.kill()
                raise
        return Done(process.returncode, out, err)


def is_running(name: str) -> bool:
    try:
        with attach(REGIONS / f"lonecore-{name}.telemetry") as view:
            return view.lifecycle == Lifecycle.RUNNING
    except RegionError:
        return False


def wait_for(ready: Callable[[], bool], timeout_s: float = WARM_S) -> None:
    end = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a made-up session to a file, with whatever ``change`` makes of its lines."""
    folder = tmp_path_factory.mktemp("recordings")

    def make(
        name: str,
        seconds: float = 6.0,
        change: Callable[[list[Line]], list[Line]] = lambda lines: lines,
        seed: int = 1,
        **options: Any,
    ) -> Path:
        path = folder / name
        write(path, change(list(generate(seed, seconds, **options))))
        return path

    return make


@pytest.fixture(scope="session")
def session_file(synthetic: Callable[..., Path]) -> Path:
    """Six seconds of two spot symbols."""
    return synthetic("plain.gz", symbols=("BTCUSDT", "ETHUSDT"))


@pytest.fixture(scope="session")
def appliance(tmp_path_factory: pytest.TempPathFactory, session_file: Path) -> Appliance:
    """Ready: the loop with the default strategy is compiled."""
    CACHE.mkdir(parents=True, exist_ok=True)
    made = Appliance(CACHE, tmp_path_factory.mktemp("where"))
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = made("replay", session_file, "--json", timeout_s=COLD_S)
    assert done.code == 0, done.err[-3000:]
    return made


@pytest.fixture(scope="session")
def live_appliance(tmp_path_factory: pytest.TempPathFactory) -> Appliance:
    """Ready: the loop over sockets with the default strategy is compiled."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("live")
    made = Appliance(CACHE, folder)
    with (CACHE / "lock").open("w") as lock, VenueProcess(folder, "--market", "spot") as venue:
        fcntl.flock(lock, fcntl.LOCK_EX)
        config = write_run(folder, venue.ready, Market.SPOT, mode="paper")
        done = made("run", config, "--seconds", 1, "--json", timeout_s=COLD_S)
    assert done.code == 0, done.err[-3000:]
    return made


@pytest.fixture
def regions() -> Iterator[set[str]]:
    """Names of telemetry regions there were before; afterwards there are no more."""
    before = {path.name for path in REGIONS.glob(f"*lonecore-e2e-{WORKER}-*")}
    yield before
    left = {path.name for path in REGIONS.glob(f"*lonecore-e2e-{WORKER}-*")} - before
    for name in left:
        (REGIONS / name).unlink()
    assert not left, f"left behind in {REGIONS}: {sorted(left)}"
