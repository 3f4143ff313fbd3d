"""``appliance backtest`` over made-up sessions: what it says, that it says it again, bad input.

appliance.cold.backtest_command, appliance.cold.backtest.run_backtest,
appliance.cold.backtest.inputs, appliance.cold.backtest.summary, appliance.cold.backtest.engine,
appliance.hot.backtest.wire, appliance.hot.backtest.samples, appliance.cold.backtest.outputs,
appliance.cold.backtest.request
"""

import gzip
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
from tests.unit.test_run_command import key_text

QUOTER = ROOT / "tests" / "backtest" / "quoter.py"
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def backtest(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    return appliance("backtest", *words, code=code)


def appliance(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "appliance", *map(str, words)],
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


REBATE = ("--sample", "1", "--latency", "1,1", "--maker-fee", "-0.01")


def test_from_history_to_a_live_run(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebate makes the quoter rich: limits, a second run under them, a certificate, and live
    takes it; without the rebate it is refused in words."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    out = tmp_path / "out"
    certify = (session, "--strategy", QUOTER, "--out", out, "--certify", "--parquet")
    done = backtest(*certify, *REBATE, "--json", code=1)
    assert json.loads(done.stdout)["certificate"]["refused"] == [
        "days of data 0.0006944: at least 5 is needed",
        "fills 69: at least 100 is needed",
    ]
    assert not (out / "certificate.json").exists()
    lowered = ("--min-days", "0", "--min-fills", "20")
    told = result(*certify, *REBATE, *lowered)
    assert told["certificate"] == {"file": str(out / "certificate.json"), "refused": []}
    names = {path.name for path in out.iterdir()}
    assert names >= {"report.html", "result.json", "series.npz", "risk.toml", "fills.parquet"}
    assert json.loads((out / "result.json").read_text()) == told
    plain = result(session, "--strategy", QUOTER, *REBATE)
    assert plain["profit"] != told["profit"], "the second run is under narrower limits"
    under = result(session, "--strategy", QUOTER, *REBATE, "--limits", out / "risk.toml")
    assert under["profit"] == told["profit"] and under["refusals"] == told["refusals"]

    config = tmp_path / "run.toml"
    key = tmp_path / "key.json"
    key.write_text(key_text())
    key.chmod(0o600)
    config.write_text(
        f"""mode = "live"
        market = "usdm"
        symbols = ["BTCUSDT", "ETHUSDT"]
        strategy.file = "{QUOTER}"
        risk.file = "out/risk.toml"
        certificate.file = "out/certificate.json"
        journal.folder = "journal"
        keys.file = "key.json"
        """
    )
    done = appliance("run", config, "--check")
    assert "fine (live, BTCUSDT, ETHUSDT)" in done.stdout
    assert "certified with a threshold below the usual: days of data 0, usual is 5" in done.stderr
    risk = out / "risk.toml"
    risk.write_text(risk.read_text().replace("day_loss_max", "day_loss_max ", 1))
    done = appliance("run", config, "--check", code=1)
    assert "not certified: the risk file is" in done.stderr

    shown = backtest(*certify, "--sample", "1", *lowered, code=1).stdout
    assert "not profitable enough" in shown and "Sharpe ratio -" in shown
    assert not (out / "certificate.json").exists(), "one of an earlier run does not stay"


def test_nothing_traded_gives_no_limits(session: Path, tmp_path: Path) -> None:
    words = (session, "--strategy", QUOTER, "--params", "half_ticks=0", "--out", tmp_path)
    told = result(*words)
    assert told["limits"] is None and any("not traded" in note for note in told["notes"])
    done = backtest(*words, "--certify", "--json", code=1)
    assert "not traded" in json.loads(done.stdout)["certificate"]["refused"][0]
    assert (tmp_path / "report.html").exists() and not (tmp_path / "risk.toml").exists()


def changed(session: Path, path: Path, change: Any) -> Path:
    """The first lines of the session, as ``change`` leaves them."""
    with gzip.open(session) as file, gzip.open(path, "wb") as out:
        out.writelines(change(file.readlines()[:12_000]))
    return path


def later(line: bytes, by_ns: int) -> bytes:
    time_ns, _, rest = line.partition(b" ")
    return b"%d %s" % (int(time_ns) + by_ns, rest) if time_ns.isdigit() else line


def test_histories_that_are_odd(session: Path, tmp_path: Path) -> None:
    """What is wrong with each is told, and nothing is made up."""
    words = ("--strategy", QUOTER, "--sample", "1")

    def told(change: Any) -> dict[str, Any]:
        return result(changed(session, tmp_path / "odd.gz", change), *words)

    whole = told(lambda lines: lines)
    twice = told(lambda lines: [line for line in lines for _ in (0, 1)])
    for name in ("profit", "fills", "orders"):
        assert twice[name] == whole[name], "a message that comes twice happened once"
    half = 6_000
    gap = told(lambda lines: lines[:half] + [later(x, 300 * 10**9) for x in lines[half:]])
    assert gap["gaps"] == 1 and gap["gaps_s"] == pytest.approx(300, abs=1)
    assert any("nothing was heard 1 times" in note for note in gap["notes"])
    assert gap["refusals"]["book_old"] > 0 and gap["samples"] <= whole["samples"] + 2
    for change, said in (
        (lambda lines: lines[::-1], "receive time runs backwards"),
        (lambda lines: [x for x in lines if b"lastUpdateId" not in x], "was never whole"),
        (lambda lines: [x for x in lines if b"rade" in x], "was never whole"),
    ):
        odd = told(change)
        assert (odd["orders"], odd["profit"], odd["sharpe_ratio"]) == (0, 0.0, None)
        assert any(said in note for note in odd["notes"]), odd["notes"]
    for change in (lambda _: [], lambda _: [b"hello\n", b"1 {}\n"]):
        path = changed(session, tmp_path / "none.gz", change)
        done = backtest(path, *words, code=2)
        assert "none.gz" in done.stderr or "no market data" in done.stderr


def test_bad_requests_are_told_in_a_line(session: Path, tmp_path: Path) -> None:
    (tmp_path / "no.npz").write_bytes(b"nothing")
    np.savez(tmp_path / "other.npz", data=np.zeros(3))
    for words, said in (
        ((session, "--queue", "fair"), "--queue fair"),
        ((session, "--latency", "fast"), "--latency fast"),
        ((session, "--maker-fee", "x"), "--maker-fee x: not a number"),
        ((session, "--capital", "0"), "--capital 0"),
        ((session, "--certify"), "need --out"),
        ((session, "--min-sharpe", "good"), "--min-sharpe good: not a number"),
        ((session, "--valid-days", "1000"), "--valid-days 1000: it may be 0 to 366"),
        ((session, "--out", session / "x"), "Not a directory"),
        ((session, "--symbols", "XRPUSDT"), "XRPUSDT"),
        ((session, "--params", "nonsense=1"), "nonsense"),
        ((tmp_path / "none.gz",), "none.gz"),
        ((tmp_path / "no.npz",), "not an .npz of hftbacktest"),
        ((tmp_path / "other.npz",), "other fields"),
        ((session, tmp_path / "no.npz"), "cannot be mixed"),
    ):
        done = backtest(*words, code=2)
        assert said in done.stderr and done.stderr.count("\n") == 1, done.stderr
