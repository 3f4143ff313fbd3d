"""Figures of a backtest: appliance.cold.backtest.metrics against the formulas spelled out, and
appliance.cold.backtest.ledger and
appliance.cold.backtest.results on a log that was added up by hand."""

import math
import statistics
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from appliance.abi.history import GAP, REFUSALS, SAMPLE, VENUE_LOG, Happened
from appliance.abi.layout import records
from appliance.abi.units import E8
from appliance.cold.backtest import metrics
from appliance.cold.backtest.engine import Noted
from appliance.cold.backtest.ledger import Fees, ledger_of
from appliance.cold.backtest.results import remarks_of, results_of
from tests.strategies.cores import small_core

FEES = Fees(Fraction(2, 10_000), Fraction(7, 10_000))
MINUTE_NS = 60 * 10**9
START_NS = 1_700_000_040 * 10**9 // MINUTE_NS * MINUTE_NS
CAPITAL_E8 = 1000 * E8
TRADED = 4e9  # price times quantity that others traded


def curve(seed: int, n: int = 500) -> np.ndarray:
    return 1000 * np.cumprod(1 + np.random.default_rng(seed).normal(1e-4, 3e-3, n))


@pytest.mark.parametrize("seed", range(5))
def test_the_formulas(seed: int) -> None:
    equity = curve(seed)
    values, periods = equity.tolist(), 365 * 24 * 60.0
    returns = [b / a - 1 for a, b in pairwise(values)]
    mean = math.fsum(returns) / len(returns)
    made = metrics.returns_of(equity)
    close = {"rel": 1e-12}
    assert made.tolist() == pytest.approx(returns, **close)
    sharpe = mean / statistics.stdev(returns) * math.sqrt(periods)
    assert metrics.sharpe_ratio(made, periods) == pytest.approx(sharpe, rel=1e-11)
    squares = math.fsum(min(one, 0.0) ** 2 for one in returns) / len(returns)
    sortino = mean * periods / math.sqrt(squares * periods)
    assert metrics.sortino_ratio(made, periods) == pytest.approx(sortino, rel=1e-11)
    peak, fall = 0.0, 0.0
    for value in values:
        peak = max(peak, value)
        fall = min(fall, value / peak - 1)
    assert metrics.max_drawdown(equity) == pytest.approx(fall, **close)
    grown = (values[-1] / values[0]) ** (periods / len(returns)) - 1
    assert metrics.annual_return(equity, periods) == pytest.approx(grown, rel=1e-9)
    assert metrics.calmar_ratio(equity, periods) == pytest.approx(grown / -fall, rel=1e-9)
    assert metrics.total_return(equity) == pytest.approx(values[-1] / values[0] - 1, **close)


def test_what_is_not_defined_is_nan() -> None:
    flat = np.full(100, 1000.0)
    assert metrics.total_return(flat) == 0.0 == metrics.max_drawdown(flat)
    few = curve(1, metrics.RETURNS_LEAST_N)
    for value in (
        metrics.sharpe_ratio(metrics.returns_of(flat), 365.0),
        metrics.sortino_ratio(metrics.returns_of(flat), 365.0),
        metrics.calmar_ratio(flat, 365.0),
        metrics.sharpe_ratio(metrics.returns_of(few), 365.0),
        metrics.annual_return(few[:-1], 365.0),
        metrics.total_return(np.array([1000.0])),
        metrics.total_return(np.array([0.0, 1.0])),
        metrics.max_drawdown(np.array([-1.0, 1.0])),
        metrics.annual_return(np.append(curve(2), -5.0), 365.0),
    ):
        assert math.isnan(value)
    assert np.isnan(metrics.returns_of(np.array([1.0, -1.0, 2.0]))).tolist() == [False, True]


def run_of(*fills: tuple[int, int, int, int, int]) -> tuple[Noted, Any]:
    """(minute, side, ticks, lots, maker); the middle is 1000.5 ticks all the time."""
    core = small_core()
    log = records(len(fills), VENUE_LOG)
    for entry, (minute, side, ticks, lots, maker) in zip(log, fills, strict=True):
        entry.event, entry.order_key = Happened.FILL, minute + 1
        entry.side, entry.price_ticks, entry.quantity_lots = side, ticks, lots
        entry.maker, entry.exchange_ns = maker, START_NS + minute * MINUTE_NS - 1
        entry.local_ns, entry.rested_ns = entry.exchange_ns + 5, 2_000_000
    samples = np.zeros(60, SAMPLE).view(np.recarray)
    samples.time_ns = START_NS + np.arange(60) * MINUTE_NS
    samples.bid_ticks, samples.ask_ticks = 1000, 1001
    core.latest[0].bid_ticks, core.latest[0].ask_ticks = 1000, 1001
    nothing = [np.zeros(0, dtype).view(np.recarray) for dtype in (REFUSALS, GAP)]
    end_ns = START_NS + 60 * MINUTE_NS
    return Noted(log, samples, *nothing, (TRADED,), 7, START_NS, end_ns), core


def test_money_is_added_up_in_integers() -> None:
    """A tick of a lot is 10**6 * 10**3 / 10**16 = 10**-7: 10 of 10**-8 of the quote asset."""
    noted, core = run_of((2, 1, 990, 300, 1), (5, -1, 1010, 100, 1), (9, -1, 1004, 300, 0))
    ledger = ledger_of(noted, core, FEES, CAPITAL_E8)
    paid = [
        round(Fraction(990 * 300 * 10) * FEES.maker),
        round(Fraction(1010 * 100 * 10) * FEES.maker),
        round(Fraction(1004 * 300 * 10) * FEES.taker),
    ]
    worth = 10 * 2001 // 2
    wanted = {
        1: 0,
        2: -990 * 3000 + 300 * worth - paid[0],
        5: -990 * 3000 + 1010 * 1000 + 200 * worth - paid[0] - paid[1],
        59: -990 * 3000 + 1010 * 1000 + 1004 * 3000 - 100 * worth - sum(paid),
    }
    for minute, profit in wanted.items():
        assert ledger.equity_e8[minute] - CAPITAL_E8 == profit, minute
    assert ledger.position_lots[0][[1, 2, 5, 59]].tolist() == [0, 300, 200, -100]
    # the third fill closes 200 of the long position, and opens 100 short
    closing = -990 * 3000 + 1010 * 1000 + 1004 * 2000 - paid[0] - paid[1] - paid[2] * 200 // 300
    first, second = ledger.holdings
    assert (first.profit_e8, first.most_lots, first.is_over) == (closing, 300, True)
    assert (second.profit_e8, second.most_lots) == (wanted[59] - closing, 100)
    assert not second.is_over and first.end_ns == second.start_ns
    assert first.worst_e8 == min(wanted[2], wanted[5], closing)
    told = results_of(noted, core, ("BTCUSDT",), ledger, MINUTE_NS)
    assert told["profit"] == wanted[59] / E8 and told["fees"] == sum(paid) / E8
    assert (told["fills"], told["round_trips"], told["win_rate"]) == (3, 1, float(closing > 0))
    assert told["maker_share"] == 2 / 3 and told["queue_wait_ms"] == 2.0
    assert told["turnover"] == 10 * (990 * 300 + 1010 * 100 + 1004 * 300) / E8
    share = told["turnover"] / (TRADED * 10 / E8)
    assert told["market_volume"] == TRADED * 10 / E8
    assert told["participation"] == pytest.approx(share)
    assert told["capacity"] == pytest.approx(1000 * 0.01 / share)
    assert told["total_return"] == pytest.approx(wanted[59] / CAPITAL_E8)
    assert sum(told["by_hour"].values()) == pytest.approx(told["profit"])
    assert told["by_symbol"] == {"BTCUSDT": {"profit": told["profit"], "position_lots": -100}}


def test_a_strategy_that_never_trades_has_no_ratios() -> None:
    noted, core = run_of()
    ledger = ledger_of(noted, core, FEES, CAPITAL_E8)
    told = results_of(noted, core, ("BTCUSDT",), ledger, MINUTE_NS)
    assert (told["total_return"], told["max_drawdown"], told["profit"]) == (0.0, 0.0, 0.0)
    for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "win_rate", "fill_ratio"):
        assert told[name] is None
    assert told["maker_share"] is None and told["queue_wait_ms"] is None


def test_a_gap_has_no_returns_and_is_told() -> None:
    noted, core = run_of((2, 1, 990, 300, 1))
    gap = np.zeros(1, GAP).view(np.recarray)
    gap.start_ns, gap.end_ns = START_NS + 10 * MINUTE_NS + 1, START_NS + 20 * MINUTE_NS + 1
    with_gap = replace(noted, gaps=gap)
    ledger = ledger_of(with_gap, core, FEES, CAPITAL_E8)
    told = results_of(with_gap, core, ("BTCUSDT",), ledger, MINUTE_NS)
    whole = results_of(noted, core, ("BTCUSDT",), ledger, MINUTE_NS)
    assert whole["samples"] - told["samples"] == 9, "ten minutes, and nine whole intervals in it"
    assert told["gaps"] == 1 and told["gaps_s"] == 600
    assert whole["days"] - told["days"] == pytest.approx(600 / 86_400)
    assert told["profit"] == whole["profit"], "the position was carried across"
    remarks = remarks_of(with_gap, ledger, ("BTCUSDT",))
    assert "nothing was heard 1 times, 600 s" in remarks[0] and "carried across" in remarks[0]
    assert "+300 lots are held" in remarks[1]


def test_what_is_odd_about_the_market_is_told() -> None:
    noted, core = run_of()
    noted.samples.bid_ticks[7] = 1002
    silent = replace(noted, traded_tick_lots=(0.0,))
    ledger = ledger_of(silent, core, FEES, CAPITAL_E8)
    crossed, nobody = remarks_of(silent, ledger, ("BTCUSDT",))
    assert "crossed at 1 of 60" in crossed and "no trades of the market" in nobody
    told = results_of(silent, core, ("BTCUSDT",), ledger, MINUTE_NS)
    assert told["participation"] is None and told["capacity"] is None
