"""What a backtest leaves: appliance.cold.backtest.series, appliance.cold.backtest.report and
appliance.cold.backtest.outcome, read again by other programs."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from appliance.abi.history import REFUSALS
from appliance.abi.refusal import Reject
from appliance.abi.units import E8
from appliance.cold.backtest.ledger import ledger_of
from appliance.cold.backtest.outcome import Outcome
from appliance.cold.backtest.report import page, thinned
from appliance.cold.backtest.results import results_of
from appliance.cold.backtest.series import drawdown_of, write_npz, write_parquet
from tests.unit.test_backtest_results import CAPITAL_E8, FEES, MINUTE_NS, START_NS, run_of


@pytest.fixture
def outcome() -> Outcome:
    noted, core = run_of((2, 1, 990, 300, 1), (5, -1, 1010, 100, 1), (9, -1, 1004, 300, 0))
    refusals = np.zeros(2, REFUSALS).view(np.recarray)
    refusals.time_ns, refusals.count_n = START_NS + MINUTE_NS, (3, 4)
    refusals.reason = (Reject.POSITION, Reject.SELF_CROSS)
    noted = replace(noted, refusals=refusals)
    ledger = ledger_of(noted, core, FEES, CAPITAL_E8)
    result = results_of(noted, core, ("BTCUSDT",), ledger, MINUTE_NS)
    assumed = {"latency": "5 ms", "queue": "power", "fills": "whole"}
    result["refusals"] = {"position": 3, "self_cross": 4}
    result["assumptions"] = assumed | {"maker_fee_pct": 0.02, "taker_fee_pct": 0.07}
    result["strategy"] = {"name": "<mine>", "params": {"ticks": 5}}
    result["notes"] = ["a note with <b>"]
    instruments: Any = SimpleNamespace(symbols=("BTCUSDT",), records=core.gate.instruments)
    return Outcome(instruments, noted, ledger, result)


def test_the_series_add_up_to_the_result(outcome: Outcome, tmp_path: Path) -> None:
    write_npz(tmp_path / "series.npz", outcome)
    with np.load(tmp_path / "series.npz") as found:
        assert found["symbols"].tolist() == ["BTCUSDT"]
        equity = found["equity_e8"]
        assert (equity[-1] - CAPITAL_E8) / E8 == outcome.result["profit"]
        assert (found["profit_e8"].sum(axis=0) + CAPITAL_E8 == equity).all()
        cash = -(found["fill_side"] * found["fill_price_ticks"] * found["fill_quantity_lots"])
        held = (found["fill_side"] * found["fill_quantity_lots"]).sum()
        worth2 = held * found["middle2_ticks"][0][-1] + 2 * cash.sum()
        assert worth2 * 10 // 2 - found["fill_fee_e8"].sum() == found["profit_e8"][0][-1]
        assert held == found["position_lots"][0][-1] == -100
        names = [str(found["reasons"][reason]) for reason in found["refusal_reason"]]
        assert dict(zip(names, found["refusal_count"].tolist(), strict=True)) == {
            "position": 3,
            "self_cross": 4,
        }
        assert found["drawdown"].min() == pytest.approx(outcome.result["max_drawdown"])


def test_parquet_has_the_same(outcome: Outcome, tmp_path: Path) -> None:
    write_parquet(tmp_path, outcome)
    equity = pyarrow.parquet.read_table(tmp_path / "equity.parquet").to_pydict()
    assert equity["equity_e8"] == outcome.ledger.equity_e8.tolist()
    assert equity["position_lots_BTCUSDT"][-1] == -100
    fills = pyarrow.parquet.read_table(tmp_path / "fills.parquet").to_pydict()
    assert fills["symbol"] == ["BTCUSDT"] * 3 and fills["side"] == [1, -1, -1]
    refusals = pyarrow.parquet.read_table(tmp_path / "refusals.parquet").to_pydict()
    assert refusals["reason"] == ["position", "self_cross"]


def test_a_drawdown_is_from_the_peak_before() -> None:
    assert drawdown_of([100, 110, 99, 120]).tolist() == [0, 0, pytest.approx(-0.1), 0]


class Page(HTMLParser):
    """Whatever a page would fetch, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.text: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        if tag in ("script", "img", "iframe", "link"):
            self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text.append(data.strip())


def test_the_report_needs_nothing_else(outcome: Outcome) -> None:
    text = page(outcome)
    read = Page()
    read.feed(text)
    assert read.fetched == [], "no other file, no network"
    shown = " ".join(read.text)
    for words in ("<mine> on BTCUSDT", "Sharpe ratio", "self_cross", "ticks", "a note with <b>"):
        assert words in shown, words
    titles = re.findall(r'"text":"([^"]+)"', text)
    for title in ("Equity", "Drawdown, %", "Refused by the gate", "BTCUSDT: price and fills"):
        assert title in titles, title
    assert "Profit by hour" in titles and "BTCUSDT: position" in titles
    assert len(text) < 8 << 20


def test_a_long_line_keeps_its_extremes() -> None:
    values = np.sin(np.arange(100_000) / 5000)
    values[77_777], values[5], values[99_999] = 9.0, -9.0, 3.0
    values[200:300] = np.nan
    kept = thinned(values, 1000)
    assert len(kept) <= 1002 and {0, 5, 77_777, 99_999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    assert thinned(values[:50], 1000).tolist() == list(range(50))
