"""The guardian of a run that stands still, is gone, or ends as it should.

appliance.cold.guard_command, guardian and live.kill_switch, process by process.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.e2e.conftest import REGIONS, WARM_S, Appliance, is_running, wait_for
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import VenueProcess

pytestmark = pytest.mark.usefixtures("regions")
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


class Bench:
    """A venue, a run that trades on it, and its guardian."""

    def __init__(
        self, appliance: Appliance, venue: VenueProcess, config: Path, market: Market
    ) -> None:
        self.appliance, self.venue, self.config = appliance, venue, config
        self.market = market.name.lower()
        self.name = run_name(venue.ready["port"])
        self.trading: subprocess.Popen[str]
        self.events: list[dict[str, Any]] = []

    def open_n(self) -> int:
        return len(self.venue.account(self.market)["openOrders"])

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.appliance("status", self.name, "--json").out)
        return told

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """A run with open orders beside its guardian; ``events`` afterwards."""
        with (
            self.appliance.start("guard", self.config, "--json") as guard,
            self.appliance.start("run", self.config, "--json") as self.trading,
        ):
            try:
                wait_for(lambda: is_running(self.name) or self.trading.poll() is not None)
                wait_for(lambda: self.open_n() > 0)
                yield
                guard.send_signal(signal.SIGTERM)
                out, err = guard.communicate(timeout=WARM_S)
                assert guard.returncode == 0 and "Traceback" not in err, err
                self.events = json.loads(out)["events"]
            finally:
                guard.kill()
                self.trading.kill()

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]


@pytest.fixture
def bench(live_appliance: Appliance, tmp_path: Path, market: Market) -> Iterator[Bench]:
    options = ["--market", market.name.lower(), "--symbols", ",".join(SYMBOLS)]
    with VenueProcess(tmp_path, *options) as venue:
        yield Bench(live_appliance, venue, write_run(tmp_path, venue.ready, market), market)


def still(bench: Bench, what: Callable[[], int], seconds: float = 1.0) -> None:
    """It stays so."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        assert what() == 0
        time.sleep(0.1)


@BOTH
def test_a_run_that_stands_still(bench: Bench) -> None:
    with bench.guarded():
        os.kill(bench.trading.pid, signal.SIGSTOP)
        try:
            wait_for(lambda: bench.open_n() == 0)
            still(bench, bench.open_n)
        finally:
            os.kill(bench.trading.pid, signal.SIGCONT)
        wait_for(lambda: bench.status()["trading_state"] == "HALTED")
        assert bench.status()["state"]["cause"] == "GUARDIAN"
        still(bench, bench.open_n)
        done = bench.appliance("resume", bench.name, "--reason", "the test goes on")
        assert done.code == 0, done.err
        wait_for(lambda: bench.open_n() > 0)
        bench.trading.send_signal(signal.SIGINT)
        out, _ = bench.trading.communicate(timeout=WARM_S)
        assert json.loads(out)["session"]["left_open"] == []
        time.sleep(0.5)
    assert bench.names()[:3] == ["guarding", "acting", "cancelled"]
    assert bench.names()[-1] == "waiting" and "failed" not in bench.names()


@BOTH
def test_a_run_that_was_killed(bench: Bench) -> None:
    with bench.guarded():
        bench.trading.kill()
        wait_for(lambda: bench.open_n() == 0)
        time.sleep(0.5)
    for path in REGIONS.glob(f"lonecore-{bench.name}.*"):
        path.unlink()  # the next run would
    assert bench.names() == ["guarding", "acting", "cancelled"]
    assert "is dead" in bench.events[1]["text"]


@pytest.mark.parametrize("market", [Market.SPOT])
def test_a_run_that_ends_well_is_left_alone(bench: Bench) -> None:
    with bench.guarded():
        bench.trading.send_signal(signal.SIGINT)
        bench.trading.communicate(timeout=WARM_S)
        time.sleep(0.5)
    assert bench.names() == ["guarding", "waiting"]


def test_what_cannot_be_guarded(appliance: Appliance, tmp_path: Path) -> None:
    paper = tmp_path / "paper.toml"
    paper.write_text('mode = "paper"\nmarket = "spot"\nsymbols = ["BTCUSDT"]\n')
    appliance("guard", paper).refused("nothing to guard")
    appliance("guard", tmp_path / "none.toml").refused("No such file")
    appliance("guard", paper, "--heartbeat-max-ms", "5").refused("must be 50 to 60000")
