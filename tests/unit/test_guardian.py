"""The guardian's looks, one by one (appliance.cold.guardian), and what it does at the venue
(appliance.cold.live.kill_switch), against a venue of a few rows."""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.operator import BEATS, POSTED, Operation
from appliance.abi.telemetry import Lifecycle
from appliance.cold import guardian
from appliance.cold.control_region import ControlRegion
from appliance.cold.guardian import Doing, Guardian
from appliance.cold.live import kill_switch
from appliance.cold.live.kill_switch import KillSwitch, Swept
from appliance.cold.live.rest_client import Refused, Unclear
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot.telemetry import beat

NAME = f"guarded-{os.getpid()}"
AGE_MS = 20_000  # no machine is as slow as that


class Switch:
    """Says what it was told to say."""

    def __init__(self) -> None:
        self.swept = Swept(found=3)
        self.sweeps_n = 0

    async def until_nothing_is_open(self, _within_s: float) -> Swept:
        self.sweeps_n += 1
        return self.swept


class Bench:
    """A region of this process, as a run would have it, and a guardian of it."""

    def __init__(self, mode: str) -> None:
        self.region = TelemetryRegion.create(NAME, mode=mode, strategy="s", cycles=(1, 0))
        self.control = ControlRegion(self.region.path)
        self.region.set_lifecycle(Lifecycle.RUNNING)
        self.switch = Switch()
        self.said: list[str] = []
        switch: Any = self.switch
        self.guardian = Guardian(self.region.path, switch, AGE_MS, self.said.append)

    def beat(self) -> None:
        beat(self.region.telemetry, time.time_ns())

    def stop(self) -> None:
        """As if the last beat were long ago."""
        beat(self.region.telemetry, time.time_ns() - 2 * AGE_MS * 10**6)

    def look(self) -> Doing:
        asyncio.run(self.guardian.look())
        return self.guardian.doing

    def able(self) -> None:
        self.guardian._able_s = time.monotonic()

    def heart_ns(self) -> int:
        return int(self.control.mailbox.words[BEATS])

    def events(self) -> list[str]:
        return [event["event"] for event in self.guardian.events]

    def close(self) -> None:
        self.guardian._let_go()
        self.control.close()
        self.region.close(Lifecycle.CLEAN)


@pytest.fixture
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(guardian, "SWEEP_AGAIN_S", 0.0)
    made = Bench(getattr(request, "param", "live"))
    made.beat()
    yield made
    made.close()


def test_a_heart_that_beats_is_answered_by_one_that_could_act(bench: Bench) -> None:
    assert bench.look() is Doing.GUARDING
    assert bench.heart_ns() == 0, "it never reached the venue"
    bench.able()
    bench.look()
    assert 0 <= time.time_ns() - bench.heart_ns() < 10**9
    before_ns = bench.heart_ns()
    bench.guardian._able_s -= guardian.ABLE_S
    bench.look()
    assert bench.heart_ns() == before_ns, "it has not reached the venue for long"
    assert bench.events() == ["guarding"] and bench.switch.sweeps_n == 0


def test_a_heart_that_stands_still(bench: Bench) -> None:
    bench.look()
    bench.stop()
    assert bench.look() is Doing.ACTING
    words = bench.control.mailbox.words
    assert words[POSTED] == 1
    assert bench.control.mailbox.operations[0].operation == Operation.GUARD
    bench.switch.swept = Swept()
    bench.look()
    bench.look()
    assert bench.switch.sweeps_n == 3, "it goes on looking"
    assert words[POSTED] == 1, "but says it once"
    assert bench.events() == ["guarding", "acting", "cancelled"]
    bench.beat()
    assert bench.look() is Doing.GUARDING


def test_orders_that_come_up_later_are_told(bench: Bench) -> None:
    bench.look()
    bench.stop()
    for found in (2, 0, 1):
        bench.switch.swept = Swept(found=found)
        bench.look()
    told = [event.get("orders") for event in bench.guardian.events if "orders" in event]
    assert told == [2, 1]


def test_a_venue_that_does_not_answer_is_told_once_and_tried_on(bench: Bench) -> None:
    bench.look()
    bench.stop()
    bench.switch.swept = Swept(found=2, left=2, failed="/openOrders: HTTP 503")
    for _ in range(3):
        bench.look()
    assert bench.events() == ["guarding", "acting", "failed"]
    assert bench.said[-1] == "2 orders may be open: /openOrders: HTTP 503"
    bench.switch.swept = Swept(found=2)
    bench.look()
    assert bench.events()[-1] == "cancelled"


def test_the_venue_is_not_asked_without_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that stands still for a minute must not use up the weight of that minute."""
    monkeypatch.setattr(guardian, "SWEEP_AGAIN_S", 3_600.0)
    bench.look()
    bench.stop()
    for _ in range(20):
        bench.look()
    assert bench.switch.sweeps_n == 1


def test_a_run_that_said_good_bye(bench: Bench) -> None:
    bench.look()
    bench.stop()
    bench.region.close(Lifecycle.CLEAN)
    assert bench.look() is Doing.WAITING
    assert bench.events() == ["guarding", "waiting"] and bench.switch.sweeps_n == 0


@pytest.mark.parametrize("bench", ["paper", "replay"], indirect=True)
def test_only_live_runs_are_guarded(bench: Bench) -> None:
    bench.stop()
    assert bench.look() is Doing.WAITING
    assert bench.events() == [] and bench.heart_ns() == 0


class Rest:
    """Open orders by symbol."""

    def __init__(self, **open_n: int) -> None:
        self.open_n = open_n
        self.calls: list[tuple[str, str, Any]] = []
        self.stubborn = 0  # cancels that change nothing
        self.failures = 0

    async def signed(self, method: str, path: str, params: Any = None) -> Any:
        self.calls.append((method, path, params))
        if self.failures:
            self.failures -= 1
            raise Unclear(f"{path}: HTTP 503")
        symbol = params["symbol"]
        if method == "GET":
            return [{}] * self.open_n[symbol]
        if method == "DELETE":
            if not self.open_n[symbol]:
                raise Refused("unknown order", 400, kill_switch.NOTHING_OPEN)
            if self.stubborn:
                self.stubborn -= 1
            else:
                self.open_n[symbol] = 0
        return {}


def swept(rest: Rest, market: Market = Market.SPOT, within_s: float = 5.0) -> Swept:
    given: Any = rest
    switch = KillSwitch(given, market, tuple(rest.open_n))
    return asyncio.run(switch.until_nothing_is_open(within_s))


@pytest.mark.parametrize(
    ("market", "path"), [(Market.SPOT, "/openOrders"), (Market.USDM, "/allOpenOrders")]
)
def test_every_symbol_is_swept(market: Market, path: str) -> None:
    rest = Rest(A=3, B=0, C=1)
    assert swept(rest, market) == Swept(found=4)
    deleted = [(p, params["symbol"]) for method, p, params in rest.calls if method == "DELETE"]
    assert sorted(deleted) == [(path, "A"), (path, "B"), (path, "C")]


def test_nothing_to_cancel_is_one_look() -> None:
    rest = Rest(A=0, B=0)
    assert swept(rest) == Swept()
    assert [method for method, _, _ in rest.calls] == ["GET", "GET"]


def test_it_goes_on_until_nothing_is_open() -> None:
    rest = Rest(A=2)
    rest.stubborn, rest.failures = 1, 1
    assert swept(rest) == Swept(found=2)


def test_what_stays_open_is_told() -> None:
    rest = Rest(A=2)
    rest.stubborn = 1_000
    told = swept(rest, within_s=0.3)
    assert (told.found, told.left) == (2, 2) and "still open after 0.3 s" in told.failed
    rest = Rest(A=2)
    rest.failures = 1_000
    assert swept(rest, within_s=0.3).failed == "/openOrders: HTTP 503"


def test_the_venues_own_countdown_is_of_usdm() -> None:
    for market, calls in ((Market.SPOT, []), (Market.USDM, [("A", 10_000), ("B", 10_000)])):
        rest: Any = Rest(A=0, B=0)
        asyncio.run(KillSwitch(rest, market, ("A", "B")).count_down(10.0))
        assert [(p["symbol"], p["countdownTime"]) for _, _, p in rest.calls] == calls
