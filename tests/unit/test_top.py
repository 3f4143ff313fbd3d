"""The terminal view: what it shows, how wide and high it gets, and how it ends."""

import argparse
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from appliance.abi.counters import FAULT_BASE, REJECT_BASE, Counter
from appliance.abi.event import EventKind
from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, BookReason, BookState, Fault, symbol_words
from appliance.abi.refusal import Reject
from appliance.abi.region import attach
from appliance.abi.telemetry import Lifecycle, Stage
from appliance.abi.trading import Side
from appliance.abi.trading_state import TradingState
from appliance.cold import top
from appliance.cold.figures import amount, duration, time_of_day
from appliance.cold.snapshot import rates_per_s, snapshot
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.cold.top_view import render
from appliance.hot import telemetry as hot_telemetry
from appliance.hot.jit import hot

SYMBOLS = ("BTCUSDT", "ETHUSDT", "币安人生USDT")


@hot
def work(t, now_ns):
    for which in range(8):
        for k in range(100):
            hot_telemetry.stage(t, which, 100 * (which + 1) + k)
    hot_telemetry.beat(t, now_ns)


@hot
def tell(t, kind, instrument, values):
    """values: receive_ns, price, lots, side, reason, observed, limit, latency."""
    index = hot_telemetry.event_begin(t, kind, instrument)
    event = t.events.slots[index]
    event.receive_ns = values[0]
    event.price_ticks = values[1]
    event.quantity_lots = values[2]
    event.side = values[3]
    event.reason = values[4]
    event.observed = values[5]
    event.limit = values[6]
    event.latency_ns = values[7]
    hot_telemetry.event_commit(t)


def fill_in(region: TelemetryRegion) -> None:
    t = region.telemetry
    instruments = records(len(SYMBOLS), INSTRUMENT)
    for record, symbol in zip(instruments, SYMBOLS, strict=True):
        record.symbol = symbol_words(symbol)
        record.price_grid_e8, record.price_decimals = 1_000_000, 2
        record.quantity_grid_e8, record.quantity_decimals = 1000, 5
        record.price_step_ticks = record.quantity_step_lots = 1
    region.set_instruments(instruments)
    region.set_rings([("frames", 1 << 26), ("market", 1024)])
    region.set_process(
        trading_state=TradingState.ACTIVE, frames_total_n=4_000_000, speed_milli=1000
    )
    for i in range(len(SYMBOLS)):
        status = t.status[i]
        status.book_state = BookState.LIVE
        status.bid_ticks, status.ask_ticks = 10_900_000, 10_900_001
        status.position_lots, status.cost_tick_lots, status.fills_n = 5, 5 * 10_899_000, 2
        status.realised_tick_lots, status.unrealised_tick_lots = 10_000_000, 5_000
    t.status[1].book_state, t.status[1].book_reason = BookState.STALE, BookReason.GAP
    t.counters[Counter.FRAMES, 0] = 1_234_567
    t.counters[Counter.GATE_REFUSED, 0] = 9
    t.counters[REJECT_BASE + Reject.PRICE_COLLAR, 0] = 8
    t.counters[REJECT_BASE + Reject.POSITION, 0] = 1
    t.counters[FAULT_BASE + Fault.NOT_JSON, 0] = 3
    t.process[0].frames_done_n = 1_000_000
    t.process[0].now_ns = 1_700_000_000_123_000_000
    hot_telemetry.ring_use(t, 1, 17, 4)
    now_ns = 1_700_000_000_123_000_000
    tell(t, EventKind.FILL, 0, (now_ns, 10_900_000, 100, Side.BUY, 0, 0, 0, 1234))
    tell(t, EventKind.REFUSED, 2, (now_ns, 5, 7, Side.SELL, Reject.POSITION, 1200, 1000, 0))
    tell(t, EventKind.BOOK_STATE, 1, (now_ns, 0, 0, 0, BookReason.GAP, BookState.STALE, 0, 0))
    tell(t, EventKind.QUARANTINED, -1, (now_ns, 0, 0, 0, Fault.NOT_JSON, 33, 0, 0))
    region.set_lifecycle(Lifecycle.RUNNING)
    work(t, time.time_ns())


@pytest.fixture
def region(tmp_path: Path) -> Iterator[TelemetryRegion]:
    with TelemetryRegion.create("t", mode="replay", strategy="maker", directory=tmp_path) as made:
        fill_in(made)
        yield made


@pytest.fixture
def now(region: TelemetryRegion) -> dict[str, Any]:
    with attach(region.path) as view:
        return snapshot(view)


def text(*arguments: Any, width: int = 80, **more: Any) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, legacy_windows=False)
    console.print(render(arguments[0], *arguments[1:], width=width, **more))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def later(now: dict[str, Any], seconds: float, **counters: int) -> dict[str, Any]:
    return now | {
        "taken_ns": now["taken_ns"] + int(seconds * 1e9),
        "counters": now["counters"] | counters,
    }


def test_a_snapshot_is_json_with_everything(now: dict[str, Any]) -> None:
    told = json.loads(json.dumps(now))
    assert told["health"] == "running" and told["trading_state"] == "ACTIVE"
    assert told["counters"]["frames"] == 1_234_567
    assert told["rejects"] == {"price_collar": 8, "position": 1}
    assert told["quarantined"] == {"not_json": 3}
    assert list(told["latency_ns"]) == [stage.name.lower() for stage in Stage]
    assert told["latency_ns"]["gate"]["n"] == 100
    assert told["books"]["BTCUSDT"]["bid"] == 109_000.00
    assert told["books"]["ETHUSDT"]["reason"] == "GAP"
    position = told["positions"]["BTCUSDT"]
    assert position["position"] == 0.00005 and position["average_price"] == 108_990.0
    assert position["realised"] == 1.0 and position["pnl"] == 1.0005
    assert told["rings"][1] == {
        "name": "market", "capacity": 1024, "used": 17, "high_water": 17, "missed": 4
    }  # fmt: skip
    assert [e["kind"] for e in told["events"]] == ["FILL", "REFUSED", "BOOK_STATE", "QUARANTINED"]
    assert told["events"][0]["price"] == 109_000.0 and told["events"][0]["side"] == "BUY"
    assert told["events"][1]["reason"] == "POSITION"
    assert told["events"][2]["observed"] == "STALE"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40), (200, 50)])
def test_it_fits_the_terminal(now: dict[str, Any], width: int, height: int) -> None:
    now["events"] = now["events"] * 10
    lines = text(now, later(now, -1), width=width, height=height)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width
    picture = "\n".join(lines)
    for words in ("latency", "tick-to-trade", "frames", "BTCUSDT", "109,000.00", "STALE gap",
                  "price collar", "market", "QUARANTINED", "25%", "ACTIVE"):  # fmt: skip
        assert words in picture, words


def test_many_symbols_leave_room(now: dict[str, Any]) -> None:
    for i in range(60):
        now["books"][f"S{i}"] = now["books"]["BTCUSDT"]
        now["positions"][f"S{i}"] = now["positions"]["BTCUSDT"]
    lines = text(now, width=80, height=24)
    assert len(lines) <= 24 and any("more" in line for line in lines)
    assert any(line.startswith("events") for line in lines)
    assert sum(line.startswith("S") for line in text(now, width=80)) >= 60


def test_wide_terminals_show_more(now: dict[str, Any]) -> None:
    assert not any("resyncs" in line for line in text(now, width=80))
    assert any("resyncs" in line for line in text(now, width=160))


def test_rates_are_growth_over_time(now: dict[str, Any]) -> None:
    after = later(now, 2.0, frames=now["counters"]["frames"] + 5000)
    assert rates_per_s(after, now)["frames"] == 2500
    line = next(line for line in text(after, now) if " frames " in line and "feed" in line)
    assert "2,500" in line
    assert rates_per_s(after, None) == {}
    assert rates_per_s(after, now | {"epoch": 1}) == {}, "nothing is subtracted across runs"
    assert rates_per_s(now, now) == {}


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ("dead", "THE PROCESS IS GONE"),
        ("stale", "NO SIGN OF LIFE"),
        ("ended", "ended in order"),
        ("failed", "ENDED BY AN ERROR"),
        ("gone", "removed"),
    ],
)
def test_what_is_not_well_is_said(now: dict[str, Any], health: str, words: str) -> None:
    assert words in "\n".join(text(now | {"health": health})[:2])


def test_an_empty_run(tmp_path: Path) -> None:
    with TelemetryRegion.create("e", mode="demo", directory=tmp_path) as made:
        with attach(made.path) as view:
            now = snapshot(view)
        picture = "\n".join(text(now, height=24))
    assert "HALTED" in picture and "no heartbeat yet" in picture and "none so far" in picture


@pytest.mark.parametrize(
    ("ns", "told"),
    [(0, "0 ns"), (999, "999 ns"), (1000, "1.00 µs"), (12_345, "12.3 µs"), (999_499, "999 µs"),
     (999_500, "1.00 ms"), (68_719_476_736, "68.7 s")],
)  # fmt: skip
def test_durations(ns: int, told: str) -> None:
    assert duration(ns) == told


@pytest.mark.parametrize(
    ("n", "told"),
    [(0, "0"), (9999, "9,999"), (12_345, "12.3k"), (999_499, "999k"), (999_500, "1.00M"),
     (10**9, "1.00G"), (2 * 10**12, "2.00T")],
)  # fmt: skip
def test_amounts(n: int, told: str) -> None:
    assert amount(n) == told


def test_time_of_day() -> None:
    assert time_of_day(1_700_000_000_123_456_789) == "22:13:20.123"


# --- the command ----------------------------------------------------------------------------------


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    top.add_parser(parser.add_subparsers())
    return parser.parse_args(["top", *given])


def test_once_is_plain_text(region: TelemetryRegion, capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments(str(region.path), "--once")
    assert args.run(args) == 0
    out = capsys.readouterr().out
    assert "tick-to-trade" in out and "\x1b" not in out


def test_json_is_one_document(region: TelemetryRegion, capsys: pytest.CaptureFixture[str]) -> None:
    args = arguments(str(region.path), "--json")
    assert args.run(args) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "t" and told["rates_per_s"]["frames"] == 0


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert top.run(arguments(str(tmp_path / "none"))) == 1
    (tmp_path / "x").write_bytes(b"x" * 9000)
    assert top.run(arguments(str(tmp_path / "x"))) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 2 and "Traceback" not in err
    for interval in ("0", "nan", "x", "99999"):
        with pytest.raises(SystemExit) as caught:
            arguments("--interval", interval)
        assert caught.value.code == 2


def test_a_new_run_is_followed(region: TelemetryRegion, tmp_path: Path) -> None:
    watch = top._Watch(attach(region.path))
    watch.look()
    assert watch.previous is not None and watch.note == ""
    epoch = watch.now["epoch"]
    region.close()
    watch.look()
    assert watch.now["health"] == "ended" and watch.now["epoch"] == epoch
    assert watch.now["counters"]["frames"] == 1_234_567, "the last figures stay"
    with TelemetryRegion.create("t", mode="replay", directory=tmp_path):
        watch.look()
        assert watch.now["epoch"] != epoch and watch.previous is None
        assert "restarted" in watch.note
        watch.look()
        assert watch.now["health"] == "starting"
    watch.view.close()


def test_ctrl_c_is_a_clean_end(region: TelemetryRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = []

    def sleep(_: float) -> None:
        pictures.append(1)
        if len(pictures) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    for terminal in (True, False):
        pictures.clear()
        file = io.StringIO()
        console = Console(file=file, force_terminal=terminal, width=80, height=24)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        assert top.run(arguments(str(region.path)), console) == 0
        assert "tick-to-trade" in file.getvalue()
