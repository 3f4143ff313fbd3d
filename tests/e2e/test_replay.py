"""``appliance replay`` over made-up sessions: what it says, that it says the same twice."""

import json
import os
import pty
import select
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.line import Line
from appliance.cold.synthetic import Faults, inject
from tests.e2e.conftest import ROOT, Appliance, Report, wait_for
from tests.strategies.risk_text import risk_text

MEASURED = ("latency_ns", "purity", "start", "start_s", "loop_s", "frames_per_s")
TRADED = ("orders", "cancels", "fills", "rejects", "position", "pnl")
MAKER = ROOT / "appliance" / "hot" / "strategy" / "market_maker.py"
PURE = {
    "nrt_allocations": 0,
    "compilations": 0,
    "minor_faults": 0,
    "major_faults": 0,
    "rss_growth_bytes": 0,
}
WIDE = {
    "notional_max": 100000,
    "collar_pct": 1,
    "open_orders_side_max": 50,
    "open_notional_max": 1000000,
    "reference_age_max_ms": 1500,
}


def facts(report: Report, *but: str) -> Report:
    """What must be the same whenever the input is."""
    return {key: value for key, value in report.items() if key not in (*MEASURED, *but)}


def without_snapshots(lines: list[Line]) -> list[Line]:
    return [line for line in lines if not line.is_rest]


def is_depth(line: Line) -> bool:
    return b"@depth@100ms" in line.frame[:64]


@pytest.fixture(scope="module")
def plain(appliance: Appliance, session_file: Path) -> Report:
    return appliance.replay(session_file, "--verify-book")


def test_the_report_has_what_is_promised(plain: Report) -> None:
    promised = {
        *("frames", "decoded", "quarantined", "gaps", "resyncs", "book", "orders", "fills"),
        *("rejects", "position", "pnl", "latency_ns", "purity", "start_s"),
    }
    assert promised <= plain.keys()
    assert plain["frames"] == plain["recording"]["frames"] == sum(plain["decoded"].values()) > 1000
    assert set(plain["book"]) == set(plain["position"]) == set(plain["pnl"])
    for book in plain["book"].values():
        assert book["state"] == "live" and book["live_fraction"] > 0.8
        assert book["compared"] > 0 and book["mismatched"] == book["crossed"] == 0
    assert plain["gaps"] == plain["resyncs"] == plain["quarantined"] == 0
    assert plain["orders"] > 0 and plain["fills"] > 0
    for row in plain["latency_ns"].values():
        assert set(row) == {"n", "p50", "p99", "p999", "max"}
        assert 0 <= row["p50"] <= row["p99"] <= row["p999"] <= row["max"] and row["n"] > 0


def test_the_second_start_is_warm_and_the_loop_pure(plain: Report) -> None:
    assert plain["start"] == "warm"
    assert plain["purity"] == PURE


def test_the_same_input_gives_the_same_bytes(
    appliance: Appliance, session_file: Path, plain: Report
) -> None:
    again = appliance.replay(session_file)
    assert json.dumps(facts(again)) == json.dumps(facts(plain))


def test_a_file_that_is_not_packed_says_the_same(
    appliance: Appliance, synthetic: Callable[..., Path], plain: Report
) -> None:
    path = synthetic("plain.log", symbols=("BTCUSDT", "ETHUSDT"))
    assert facts(appliance.replay(path)) == facts(plain)


def test_two_files_are_one_session(
    appliance: Appliance, synthetic: Callable[..., Path], plain: Report
) -> None:
    first = synthetic("1.gz", symbols=("BTCUSDT", "ETHUSDT"), change=lambda lines: lines[:2001])
    second = synthetic("2.gz", symbols=("BTCUSDT", "ETHUSDT"), change=lambda lines: lines[2001:])
    assert facts(appliance.replay(first, second)) == facts(plain)


def test_people_get_tables_and_no_progress_without_a_terminal(
    appliance: Appliance, session_file: Path
) -> None:
    done = appliance("replay", session_file)
    assert done.code == 0 and done.err == ""
    for word in ("frames in", "BTCUSDT", "ETHUSDT", "latency", "orders", "while looping"):
        assert word in done.out
    assert "\x1b" not in done.out
    with pytest.raises(ValueError):
        json.loads(done.out)


def test_progress_is_for_terminals(appliance: Appliance, session_file: Path) -> None:
    """Standard error is a terminal here; standard output stays a document."""
    ours, theirs = pty.openpty()
    with appliance.start("replay", session_file, stderr=theirs, TERM="xterm") as process:
        os.close(theirs)
        assert process.stdout is not None
        shown = b""
        wait_for(lambda: process.poll() is not None or bool(select.select([ours], [], [], 0)[0]))
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        out = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert b"loading the loop" in shown and b"\x1b[" in shown
    assert "frames in" in out and "\x1b" not in out


def test_without_a_snapshot_nothing_lives(
    appliance: Appliance, synthetic: Callable[..., Path]
) -> None:
    path = synthetic("blind.gz", change=without_snapshots)
    done = appliance("replay", path, "--json", "--verify-book")
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == 1 and "no book came to life" in done.err
    report = done.report
    assert report["orders"] == report["fills"] == 0
    assert report["book"]["BTCUSDT"]["live_fraction"] == 0
    assert report["book"]["BTCUSDT"]["state"] == "syncing"
    assert appliance("replay", path).code == 0  # nobody asked for proof


def test_a_lost_difference(appliance: Appliance, synthetic: Callable[..., Path]) -> None:
    """One gap, stale until a snapshot fits, and not one order meanwhile."""

    def lost(lines: list[Line]) -> list[Line]:
        return list(inject(iter(lines), Faults(dropped=(20,))))

    def until_it_shows(lines: list[Line]) -> list[Line]:
        depths = [number for number, line in enumerate(lines) if is_depth(line)]
        return [line for line in lines[: depths[21]] if line is not lines[depths[20]]]

    stale = appliance.replay(synthetic("lost.gz", change=lost), "--verify-book")
    book = stale["book"]["BTCUSDT"]
    assert (stale["gaps"], stale["resyncs"], book["gaps"]) == (1, 0, 1)
    assert (book["state"], book["reason"]) == ("stale", "gap")
    assert 0.2 < book["live_fraction"] < 0.5
    cut = appliance.replay(synthetic("cut.gz", change=until_it_shows))
    assert cut["gaps"] == 0 and cut["book"]["BTCUSDT"]["state"] == "live"
    assert stale["orders"] == cut["orders"] > 0

    healed = appliance.replay(
        synthetic("healed.gz", change=lost, snapshot_at_s=(0.25, 4.0)), "--verify-book"
    )
    book = healed["book"]["BTCUSDT"]
    assert (healed["gaps"], healed["resyncs"], book["state"]) == (1, 1, "live")
    assert healed["orders"] > stale["orders"]
    assert 0.5 < book["live_fraction"] < 0.9


def test_at_a_pace_the_orders_are_the_same(
    appliance: Appliance, session_file: Path, plain: Report
) -> None:
    """And everything else but the fraction: a timer that looks at the clock bounds its span."""
    paced = appliance.replay(session_file, "--speed", 20)
    assert facts(paced, "book") == facts(plain, "book")
    for symbol, book in plain["book"].items():
        other = paced["book"][symbol]
        assert other.pop("live_fraction") == pytest.approx(book["live_fraction"], abs=0.01)
        assert other == {key: value for key, value in book.items() if key != "live_fraction"}


def test_three_times_is_three_times_the_same(
    appliance: Appliance, session_file: Path, plain: Report
) -> None:
    thrice = appliance.replay(session_file, "--repeat", 3)
    for key in ("frames", "orders", "cancels", "fills"):
        assert thrice[key] == 3 * plain[key]
    assert thrice["decoded"] == {kind: 3 * n for kind, n in plain["decoded"].items()}
    assert thrice["rejects"] == {reason: 3 * n for reason, n in plain["rejects"].items()}
    assert (thrice["position"], thrice["pnl"]) == (plain["position"], plain["pnl"])
    assert thrice["purity"] == PURE


def test_only_some_symbols(appliance: Appliance, session_file: Path, plain: Report) -> None:
    """The other symbol's frames are strangers, and its snapshot is nobody else's."""
    report = appliance.replay(session_file, "--symbols", "ETHUSDT", "--verify-book")
    assert list(report["book"]) == ["ETHUSDT"]
    for key in ("compared", "mismatched", "applied", "ignored", "bid_levels", "ask_levels"):
        assert report["book"]["ETHUSDT"][key] == plain["book"]["ETHUSDT"][key]
    assert report["orders"] > 0
    assert report["decoded"]["stranger"] > 0
    assert report["frames"] == plain["frames"]


def test_a_snapshot_that_nobody_named(appliance: Appliance, synthetic: Callable[..., Path]) -> None:
    """Among several symbols it is nobody's, also where only one is wanted (USD-M ids would fit)."""

    def without_names(lines: list[Line]) -> list[Line]:
        others = [line for line in lines if line.symbol != "ETHUSDT"]
        return [line._replace(symbol=None) for line in others]

    path = synthetic(
        "nameless.gz",
        symbols=("BTCUSDT", "ETHUSDT"),
        market=Market.USDM,
        snapshot_at_s=(0.5, 2.0, 4.0),
        change=without_names,
    )
    report = appliance.replay(path, "--symbols", "ETHUSDT")
    book = report["book"]["ETHUSDT"]
    assert (book["state"], book["applied"], book["crossed"]) == ("syncing", 0, 0)
    assert report["orders"] == 0


def test_usdm(appliance: Appliance, synthetic: Callable[..., Path]) -> None:
    path = synthetic("usdm.gz", symbols=("BTCUSDT", "ETHUSDT"), market=Market.USDM)
    report = appliance.replay(path, "--verify-book")
    assert report["decoded"]["agg_trade"] > 0
    assert all(book["state"] == "live" for book in report["book"].values())
    assert report["orders"] > 0


def test_parameters(appliance: Appliance, session_file: Path, plain: Report) -> None:
    given = "quote_lots=20, edge_ticks=3"
    report = appliance.replay(session_file, "--params", given)
    wanted = plain["strategy"]["params"] | {"quote_lots": 20, "edge_ticks": 3}
    assert report["strategy"] == {"name": "market_maker", "params": wanted}
    assert facts(report) != facts(plain)


def test_limits(appliance: Appliance, session_file: Path, tmp_path: Path) -> None:
    """A quote of 10 lots is 0.0001 BTC or 0.001 ETH: what is too large is refused, and says so."""
    risk = tmp_path / "risk.toml"
    own = '[symbol.XRPUSDT]\nposition_max = "1"\n'
    risk.write_text(risk_text(**WIDE, quantity_max="0.0001") + own)

    report = appliance.replay(session_file, "--limits", risk)
    assert report["rejects"]["quantity_max"] > 0
    assert report["position"]["ETHUSDT"]["bought"] == report["position"]["ETHUSDT"]["sold"] == "0"
    assert report["position"]["BTCUSDT"]["bought"] != "0"
    assert any("XRPUSDT" in note for note in report["notes"])


def test_a_strategy_by_its_path(
    appliance: Appliance, session_file: Path, tmp_path: Path, plain: Report
) -> None:
    """The same name and source: the same compiled code."""
    shutil.copy(MAKER, tmp_path)
    assert facts(appliance.replay(session_file, "--strategy", tmp_path / MAKER.name)) == facts(
        plain
    )


@pytest.mark.soak
def test_other_strategies(appliance: Appliance, session_file: Path, tmp_path: Path) -> None:
    """Each is compiled from nothing."""
    mine = tmp_path / "mine.py"
    mine.write_text(MAKER.read_text())
    changed: dict[str, Any] = {"LONECORE_CACHE": str(tmp_path / "cache")}
    for name in ("idle", "imbalance_taker", str(mine)):
        done = appliance("replay", session_file, "--json", "--strategy", name, **changed)
        assert done.code == 0, done.err
        assert done.report["start"] == "cold"
        assert (done.report["orders"] > 0) == (name != "idle")
