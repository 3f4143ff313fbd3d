"""Bounds of the loop's own latency, the venue's clock and the feed's age.

appliance.cold.live.degradation, and session_settings, which carries the bounds.
"""

from typing import Any

import pytest

from appliance.abi.histogram_layout import bucket_index
from appliance.abi.market import BookState
from appliance.abi.telemetry import Stage
from appliance.abi.trading_state import Cause, TradingState
from appliance.cold.live import degradation
from appliance.cold.live.degradation import Bounds, Degradation
from tests.strategies.cores import small_core

MS = 1_000_000
NOW_NS = 1_700_000_000_000_000_000
BOUNDS = {
    Cause.OVERLOAD: Bounds(5, 100),
    Cause.CLOCK: Bounds(400, 2_000),
    Cause.FEED: Bounds(3_000, 30_000),
}
REDUCE_ONLY, HALTED = TradingState.REDUCE_ONLY, TradingState.HALTED


class Bench:
    def __init__(self) -> None:
        self.core = small_core(("BTCUSDT", "ETHUSDT"))
        self.told: list[tuple[Any, ...]] = []
        self.made = Degradation(self.core, BOUNDS, lambda *told: self.told.append(told))

    def look(self, *, clock_ms: int = 0, feed_ms: int = 0, passes_ms: tuple[int, ...] = ()) -> None:
        for value in passes_ms:
            self.core.telemetry.histograms[Stage.PASS][bucket_index(value * MS)] += 1
        self.core.gate.references.book_ns = NOW_NS - feed_ms * MS
        self.made.look(clock_ms * MS, NOW_NS)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(degradation, "EVERY_S", 0.0)
    made = Bench()
    made.core.gate.references.book_state = BookState.LIVE
    return made


@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_that_is_too_far_away(bench: Bench, sign: int) -> None:
    for offset_ms in (400, 400, 401, 400, 401):
        bench.look(clock_ms=sign * offset_ms)
    assert bench.told == [], "never twice in a row"
    bench.look(clock_ms=sign * 500)
    assert bench.told == [(REDUCE_ONLY, Cause.CLOCK, 500, 400)]
    bench.look(clock_ms=sign * 600)
    assert len(bench.told) == 1
    for _ in range(2):
        bench.look(clock_ms=sign * 2_001)
    assert bench.told[1:] == [(HALTED, Cause.CLOCK, 2_001, 2_000)]


def test_a_feed_that_is_too_old(bench: Bench) -> None:
    for age_ms in (3_000, 3_001, 3_002):
        bench.look(feed_ms=age_ms)
    assert bench.told == [(REDUCE_ONLY, Cause.FEED, 3_002, 3_000)]
    bench.core.gate.references.book_state = BookState.STALE
    for _ in range(2):
        bench.look(feed_ms=31_000)
    assert bench.told[-1] == (HALTED, Cause.FEED, 31_000, 30_000)


def test_the_oldest_book_counts_and_one_that_never_was_does_not(bench: Bench) -> None:
    references = bench.core.gate.references
    references.book_ns = 0
    references[1].book_state = BookState.EMPTY
    for _ in range(3):
        bench.made.look(0, NOW_NS)
    assert bench.told == []
    references[0].book_ns = NOW_NS - 5_000 * MS
    for _ in range(2):
        bench.made.look(0, NOW_NS)
    assert bench.told == [(REDUCE_ONLY, Cause.FEED, 5_000, 3_000)]


def test_passes_that_take_too_long(bench: Bench) -> None:
    """The p99 of the passes since the last look; earlier ones are forgotten."""
    quick = (1,) * 99
    bench.look(passes_ms=(*quick, 50))
    bench.look(passes_ms=(*quick, 50))
    assert bench.told == [], "one in a hundred"
    bench.look(passes_ms=(*quick, 50, 50))
    bench.look(passes_ms=quick)
    bench.look(passes_ms=(*quick, 50, 50))
    bench.look(passes_ms=(*quick, 50, 50))
    ((state, cause, observed_ms, bound_ms),) = bench.told
    assert (state, cause, bound_ms) == (REDUCE_ONLY, Cause.OVERLOAD, 5) and observed_ms >= 50
    for _ in range(2):
        bench.look(passes_ms=(500,))
    assert bench.told[-1][0] == HALTED


def test_what_is_over_and_comes_again_is_told_again(bench: Bench) -> None:
    for clock_ms in (500, 500, 0, 0, 500, 500):
        bench.look(clock_ms=clock_ms)
    assert [told[0] for told in bench.told] == [REDUCE_ONLY, REDUCE_ONLY]


def test_it_looks_once_a_second() -> None:
    made = Bench()
    for _ in range(5):
        made.look(clock_ms=9_000)
    assert made.told == []
