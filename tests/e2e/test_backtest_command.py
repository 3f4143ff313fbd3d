"""``appliance backtest`` over made-up sessions: what it says, that it says it again, bad input.

appliance.cold.backtest_command, appliance.cold.backtest.run_backtest,
appliance.cold.backtest.inputs, appliance.cold.backtest.summary, appliance.cold.backtest.engine,
appliance.hot.backtest.wire
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.abi.market import Market
from appliance.cold import recording
from appliance.cold.synthetic import generate
from tests.e2e.conftest import ROOT

QUOTER = ROOT / "tests" / "backtest" / "quoter.py"
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def backtest(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "backtest", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def result(*words: str | Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(backtest(*words, "--json").stdout)
    return told


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "session.gz"
    recording.write(path, generate(2, 60.0, symbols=SYMBOLS, market=Market.USDM))
    return path


@pytest.fixture(scope="module")
def plain(session: Path) -> dict[str, Any]:
    return result(session, "--strategy", QUOTER, "--sample", "1", "--latency", "1,1")


def test_two_symbols_are_traded_and_the_money_adds_up(plain: dict[str, Any]) -> None:
    assert plain["orders"] > 100 and plain["fills"] > 10 and plain["samples"] >= 58
    profits = [plain["by_symbol"][symbol]["profit"] for symbol in SYMBOLS]
    assert sum(profits) == pytest.approx(plain["profit"], abs=1e-7)
    assert sum(plain["by_hour"].values()) == pytest.approx(plain["profit"], abs=1e-7)
    assert plain["total_return"] == pytest.approx(plain["profit"] / plain["capital"])
    assert plain["fees"] > 0 and plain["sharpe_ratio"] is not None
    assert plain["assumptions"]["latency"] == "1 ms to the venue, 1 ms back"


def test_again_is_the_same(session: Path, plain: dict[str, Any]) -> None:
    words = (session, "--strategy", QUOTER, "--sample", "1", "--latency", "1,1")
    assert result(*words) == plain


def test_what_is_assumed_matters(session: Path, plain: dict[str, Any]) -> None:
    common = (session, "--strategy", QUOTER, "--sample", "1")
    slow = result(*common, "--latency", "50,50")
    guess = result(*common, "--latency", "1,1", "--queue", "power_3:2", "--partial-fills")
    free = result(*common, "--latency", "1,1", "--maker-fee", "0", "--taker-fee", "0")
    assert len({one["profit"] for one in (plain, slow, guess, free)}) == 4
    assert free["fees"] == 0 and free["fills"] == plain["fills"]
    assert free["profit"] == pytest.approx(plain["profit"] + plain["fees"])


def test_a_strategy_that_never_trades(session: Path) -> None:
    words = (session, "--strategy", QUOTER, "--params", "half_ticks=0", "--symbols", "ETHUSDT")
    told = result(*words)
    assert (told["orders"], told["profit"], told["sharpe_ratio"]) == (0, 0.0, None)
    shown = backtest(*words).stdout
    assert "Sharpe ratio" in shown and "not defined" in shown


def test_bad_requests_are_told_in_a_line(session: Path, tmp_path: Path) -> None:
    (tmp_path / "no.npz").write_bytes(b"nothing")
    np.savez(tmp_path / "other.npz", data=np.zeros(3))
    for words, said in (
        ((session, "--queue", "fair"), "--queue fair"),
        ((session, "--latency", "fast"), "--latency fast"),
        ((session, "--maker-fee", "x"), "--maker-fee x: not a number"),
        ((session, "--capital", "0"), "--capital 0"),
        ((session, "--symbols", "XRPUSDT"), "XRPUSDT"),
        ((session, "--params", "nonsense=1"), "nonsense"),
        ((tmp_path / "none.gz",), "none.gz"),
        ((tmp_path / "no.npz",), "not an .npz of hftbacktest"),
        ((tmp_path / "other.npz",), "other fields"),
        ((session, tmp_path / "no.npz"), "cannot be mixed"),
    ):
        done = backtest(*words, code=2)
        assert said in done.stderr and done.stderr.count("\n") == 1, done.stderr
