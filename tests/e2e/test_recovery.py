"""Starts on what an earlier process left: killed, foreign, or not to be explained.

appliance.cold.live.recovery and comparison against the simulated venue, process by process.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.journal import JournalKind
from appliance.abi.market import Market
from appliance.cold.journal_file import JournalFile, journal_path
from tests.e2e.conftest import WARM_S, Appliance, wait_for
from tests.live.run_file import SYMBOLS, run_name, write_run
from tests.live.venue_process import VenueProcess
from tests.strategies.journals import write

pytestmark = pytest.mark.usefixtures("regions")
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
SECONDS = 3
UNTIL_FILLED_S = 9  # the market has seconds in which nobody takes anything


class Desk:
    """One account on one venue, one configuration, run again and again."""

    def __init__(self, appliance: Appliance, folder: Path, venue: VenueProcess, market: Market):
        self.appliance, self.folder, self.venue, self.market = appliance, folder, venue, market
        self.name = run_name(venue.ready["port"])
        self.config = write_run(folder, venue.ready, market)

    def account(self) -> dict[str, Any]:
        return self.venue.account(self.market.name.lower())

    def run(self, seconds: float = SECONDS) -> dict[str, Any]:
        """A run that must go well; its report."""
        done = self.appliance("run", self.config, "--seconds", seconds, "--json")
        assert done.code == 0, done.err[-3000:]
        self.agree(done.report)
        return done.report

    def agree(self, report: dict[str, Any]) -> None:
        """Positions are the venue's, nothing is open, and the journal tells the same."""
        theirs = self.venue.positions(self.market.name.lower())
        for symbol in SYMBOLS:
            assert Decimal(report["position"][symbol]["quantity"]) == theirs.get(symbol, 0)
        assert self.account()["openOrders"] == []
        ledger = self.journal("--replay")
        assert ledger["open_orders"] == []
        held = {row["symbol"]: Decimal(row["position"]) for row in ledger["positions"]}
        assert {s: held.get(s, 0) for s in SYMBOLS} == {s: theirs.get(s, 0) for s in SYMBOLS}

    def journal(self, *options: str) -> Any:
        done = self.appliance("journal", self.path, "--json", *options)
        assert done.code == 0, done.err
        return json.loads(done.out)

    def epochs(self) -> set[str]:
        """Of the open orders."""
        return {order["clientOrderId"].split("-")[1] for order in self.account()["openOrders"]}

    @property
    def path(self) -> Path:
        return journal_path(self.folder / "journal", self.name)

    def killed(self, after_s: float) -> None:
        """A run ended with SIGKILL while it traded."""
        before = self.epochs()
        with self.appliance.start("run", self.config, "--json") as process:
            try:
                wait_for(lambda: bool(self.epochs() - before))
                time.sleep(after_s)
            finally:
                os.kill(process.pid, signal.SIGKILL)
                process.wait(WARM_S)


@pytest.fixture
def desk(live_appliance: Appliance, tmp_path: Path, market: Market) -> Iterator[Desk]:
    options = ["--market", market.name.lower(), "--symbols", ",".join(SYMBOLS)]
    with VenueProcess(tmp_path, *options) as venue:
        yield Desk(live_appliance, tmp_path, venue, market)


@BOTH
def test_the_next_run_goes_on_with_the_position(desk: Desk) -> None:
    first = desk.run(UNTIL_FILLED_S)
    second = desk.run(UNTIL_FILLED_S)
    assert first["fills"] > 0 and second["fills"] > 0
    kinds = [row["kind"] for row in desk.journal()["records"]]
    assert kinds.count("SESSION") == 2


@BOTH
def test_what_a_killed_run_left_is_cancelled_and_counted(desk: Desk) -> None:
    for after_s in (0.0, 0.31, 0.77):
        desk.killed(after_s)
    open_before = desk.epochs()
    report = desk.run()
    epochs = {row["epoch"] for row in desk.journal("--kind", "SESSION")["records"]}
    assert len(epochs) == 4
    assert open_before <= epochs
    assert report["session"]["live_orders"] == 0
    assert desk.journal("--verify")["faults"] == []


@pytest.mark.parametrize("market", [Market.USDM])
def test_a_difference_that_nothing_explains_is_a_reason_not_to_start(desk: Desk) -> None:
    desk.run()
    file = JournalFile(desk.path)
    write(
        file.journal,
        JournalKind.FILL,
        order_key=-1,
        side=1,
        price_ticks=100,
        quantity_lots=3,
        time_ns=time.time_ns(),
    )
    file.close()
    done = desk.appliance("run", desk.config, "--seconds", "1", "--json")
    assert done.code == 1 and done.out == ""
    assert "BTCUSDT: the journal holds" in done.err and ", the venue " in done.err
    assert "Traceback" not in done.err
