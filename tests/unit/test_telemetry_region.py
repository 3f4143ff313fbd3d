"""The writer's side: who may own a name, what is there when, how it ends."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.abi import telemetry as layout
from appliance.abi.counters import Counter
from appliance.abi.event import EventKind
from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.abi.region import RegionError, attach, region_path
from appliance.abi.region_report import Health
from appliance.abi.telemetry import Lifecycle, Stage
from appliance.abi.trading_state import TradingState
from appliance.cold import region_owner
from appliance.cold.errors import ApplianceError
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot import telemetry as hot_telemetry
from appliance.hot.jit import hot

ROOT = Path(__file__).resolve().parents[2]


@hot
def one_pass(t, now_ns):
    t.counters[Counter.FRAMES, 0] += 3
    hot_telemetry.stage(t, Stage.BOOK, 700)
    hot_telemetry.begin_status(t, 1)
    t.status[1].bid_ticks = 41
    t.status[1].ask_ticks = 42
    hot_telemetry.end_status(t, 1)
    index = hot_telemetry.event_begin(t, EventKind.FILL, 1)
    t.events.slots[index].price_ticks = 41
    hot_telemetry.event_commit(t)
    hot_telemetry.ring_use(t, 0, 7, 1)
    hot_telemetry.ring_use(t, 0, 5, 2)
    hot_telemetry.beat(t, now_ns)


def instruments(*symbols: str):  # type: ignore[no-untyped-def]
    made = records(len(symbols), INSTRUMENT)
    for record, symbol in zip(made, symbols, strict=True):
        record.symbol = symbol_words(symbol)
        record.market = Market.USDM
        record.price_grid_e8 = 1_000_000
        record.quantity_grid_e8 = 1000
        record.price_step_ticks = record.quantity_step_lots = 1
    return made


def make(folder: Path, name: str = "t", **more: Any) -> TelemetryRegion:
    return TelemetryRegion.create(name, mode="replay", directory=folder, **more)


def test_what_the_loop_writes_the_reader_sees(tmp_path: Path) -> None:
    with make(tmp_path, strategy="maker", cycles=(5, 26)) as region:
        region.set_instruments(instruments("BTCUSDT", "ETHUSDT"))
        region.set_rings([("frames", 1024)])
        region.set_process(trading_state=TradingState.ACTIVE, frames_total_n=9)
        one_pass(region.telemetry, time.time_ns())
        with attach(region.path) as view:
            assert view.identity.mode == "replay" and view.identity.strategy == "maker"
            assert view.counters()["frames"] == 3
            assert view.stage(Stage.BOOK).n == 1 and view.stage(Stage.BOOK).max_ns == 700
            assert list(view.statuses()) == ["BTCUSDT", "ETHUSDT"]
            status = view.statuses()["ETHUSDT"]
            assert (status["bid_ticks"][0], status["ask_ticks"][0]) == (41, 42)
            assert status["market"][0] == Market.USDM
            events, missed = view.events(10)
            assert missed == 0 and events["price_ticks"].tolist() == [41]
            assert events["kind"].tolist() == [EventKind.FILL]
            assert events["symbol"][0].tobytes().rstrip(b"\0") == b"ETHUSDT"
            assert view.rings() == [("frames", 1024, 5, 7, 2)]
            assert view.process()["trading_state"] == TradingState.ACTIVE
            assert view.process()["frames_total_n"] == 9
            assert view.beats_n == 1 and view.heartbeat_age_ns() is not None


def test_an_event_starts_with_zeros(tmp_path: Path) -> None:
    t = hot_telemetry.make_telemetry(1, event_slots=2)
    t.events.slots.view(np.recarray)[:] = np.frombuffer(b"\x7f" * 256, t.events.slots.dtype)
    index = hot_telemetry.event_begin(t, EventKind.QUARANTINED, -1)
    event = t.events.slots[index]
    told = {n: event[n] for n in event.dtype.names if n not in ("sequence", "kind", "symbol")}
    assert told.pop("instrument") == -1
    assert set(told.values()) == {0} and not np.any(event["symbol"])


def test_the_ready_word_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before: list[bytes] = []

    def publish(self: TelemetryRegion) -> None:
        path = region_path("t", tmp_path)
        with pytest.raises(RegionError, match="not ready"):
            attach(path)
        before.append(path.read_bytes())
        original(self)

    original = TelemetryRegion._publish
    monkeypatch.setattr(TelemetryRegion, "_publish", publish)
    with make(tmp_path) as region:
        after = np.frombuffer(region.path.read_bytes(), np.int64)
        differ = np.flatnonzero(after != np.frombuffer(before[0], np.int64))
        assert differ.tolist() == [layout.READY_OFFSET // 8]
        attach(region.path).close()


def test_a_living_owner_keeps_its_name(tmp_path: Path) -> None:
    with make(tmp_path) as region:
        with pytest.raises(ApplianceError, match="still runs"):
            make(tmp_path)
        with make(tmp_path, "other"):
            pass
        assert attach(region.path).health().is_good


def leave_behind(folder: Path) -> None:
    """A process that makes the region and dies without a word."""
    code = textwrap.dedent(f"""
        import os
        from appliance.cold.telemetry_region import TelemetryRegion
        region = TelemetryRegion.create("t", mode="replay", directory={str(folder)!r})
        region.telemetry.counters[0, 0] = 77
        os._exit(9)
    """)
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 9


def test_the_dead_make_room_and_their_readers_notice(tmp_path: Path) -> None:
    leave_behind(tmp_path)
    old = attach(region_path("t", tmp_path))
    assert old.health() is Health.DEAD and not old.restarted()
    with make(tmp_path) as region:
        assert old.health() is Health.REPLACED and old.restarted()
        assert old.counters()["frames"] == 77
        with attach(region.path) as new:
            assert new.identity.epoch != old.identity.epoch
            assert new.counters()["frames"] == 0
    old.close()


def test_another_versions_file_is_not_taken(tmp_path: Path) -> None:
    path = region_path("t", tmp_path)
    path.write_bytes(b"LONECORE" + b"\x02" * 4088)
    with pytest.raises(ApplianceError, match="another version"):
        make(tmp_path)


def test_a_file_that_is_no_region_makes_room(tmp_path: Path) -> None:
    region_path("t", tmp_path).write_bytes(bytes(100))
    with make(tmp_path) as region:
        attach(region.path).close()


@pytest.mark.parametrize("name", ["", "a/b", "../x", "-x", "ä", "x" * 49])
def test_names_are_file_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ApplianceError, match="no name"):
        make(tmp_path, name)


def test_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match="cannot open"):
        make(tmp_path / "none")


def test_it_ends_in_order(tmp_path: Path) -> None:
    region = make(tmp_path)
    view = attach(region.path)
    region.set_lifecycle(Lifecycle.DRAINED)
    assert view.health() is Health.DRAINED
    region.close()
    region.close()
    assert view.health() is Health.ENDED
    assert not region.path.exists()


def test_an_exception_is_a_failure_and_the_file_can_stay(tmp_path: Path) -> None:
    region = make(tmp_path)
    region.close(Lifecycle.FAILED, unlink=False)
    assert attach(region.path).health() is Health.FAILED
    with pytest.raises(ZeroDivisionError), make(tmp_path, "u") as other:
        view = attach(other.path)
        _ = 1 // 0
    assert view.health() is Health.FAILED


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_owner, "_LOCK_PAUSE_S", 0.0)
    with region_owner.only_one(tmp_path), pytest.raises(ApplianceError, match="is locked"):
        make(tmp_path)
    make(tmp_path).close()


def test_too_many_rings_are_refused(tmp_path: Path) -> None:
    with make(tmp_path) as region, pytest.raises(ValueError, match="16 can be shown"):
        region.set_rings([("r", 1)] * (layout.RINGS_MAX + 1))
