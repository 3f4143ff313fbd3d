"""The reader's side: what it refuses, what it says of the writer, and how it reads."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.abi import region as region_module
from appliance.abi import region_view
from appliance.abi import telemetry as layout
from appliance.abi.counters import FAULT_BASE, REJECT_BASE, Counter
from appliance.abi.event import EventKind
from appliance.abi.layout import records
from appliance.abi.limits import EVENT_RING_SLOTS, INSTRUMENTS_MAX
from appliance.abi.market import INSTRUMENT, Fault, Market, symbol_words
from appliance.abi.refusal import Reject
from appliance.abi.region import RegionError, RegionMissing, attach, find, header_crc
from appliance.abi.region_report import Health
from appliance.abi.telemetry import Lifecycle, Stage
from appliance.abi.version import ABI_MAJOR, ABI_MINOR
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.hot import telemetry as hot_telemetry
from appliance.hot.jit import JIT_DISABLED, hot


@hot
def write_events(t, first, n):
    for k in range(first, first + n):
        index = hot_telemetry.event_begin(t, EventKind.SENT, -1)
        t.events.slots[index].order_key = k
        hot_telemetry.event_commit(t)


@hot
def stages(t, taken):
    for value in taken:
        hot_telemetry.stage(t, Stage.PASS, value)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[TelemetryRegion]:
    with TelemetryRegion.create("t", mode="demo", directory=tmp_path) as made:
        symbols = ("BTCUSDT", "币安人生USDT", "BTCUSDT")
        instruments = records(3, INSTRUMENT)
        for record, symbol in zip(instruments, symbols, strict=True):
            record.symbol = symbol_words(symbol)
            record.market = Market.SPOT
        instruments[2].market = Market.USDM
        made.set_instruments(instruments)
        yield made


def edited(written: TelemetryRegion, name: str, value: object, *, crc: bool = True) -> Path:
    """A copy of the region whose header has another ``name``."""
    content = bytearray(written.path.read_bytes())
    header = np.frombuffer(content, layout.HEADER, 1)
    header[name] = value
    if crc:
        header["crc"] = header_crc(header.tobytes())
    path = written.path.with_suffix(".edited")
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RegionError) as caught:
        attach(path)
    text = str(caught.value)
    assert "\n" not in text and str(path) in text
    return text


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(RegionMissing, match="nothing runs there"):
        attach(tmp_path / "none")
    assert "cannot be mapped" in refusal(tmp_path)


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    assert "cut short" in refusal(path)
    path.write_bytes(b"x" * 10_000)
    assert "not a telemetry region" in refusal(path)
    path.write_bytes(bytes(10_000))
    assert "not ready" in refusal(path)


@pytest.mark.parametrize("size_bytes", [1, 4095, 4096, 500_000, layout.REGION_BYTES - 1])
def test_a_truncated_file(written: TelemetryRegion, tmp_path: Path, size_bytes: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(written.path.read_bytes()[:size_bytes])
    assert "cut short" in refusal(path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("magic", b"LONECOR2", "not a telemetry region"),
        ("endian_mark", 0x04030201, "kind of machine"),
        ("major", 3, f"version 3.{ABI_MINOR} of the layout"),
        ("major", 1, f"version 1.{ABI_MINOR} of the layout"),
        ("layout_hash", 1, "another layout"),
    ],
)
def test_another_version(written: TelemetryRegion, name: str, value: object, words: str) -> None:
    assert words in refusal(edited(written, name, value))


def test_another_minor_version_is_welcome(written: TelemetryRegion) -> None:
    with attach(edited(written, "minor", 7)) as view:
        assert view.identity.abi == f"{ABI_MAJOR}.7"


def test_a_damaged_header(written: TelemetryRegion) -> None:
    assert "damaged" in refusal(edited(written, "pid", 1, crc=False))


def test_not_ready(written: TelemetryRegion, tmp_path: Path) -> None:
    content = bytearray(written.path.read_bytes())
    content[layout.READY_OFFSET : layout.READY_OFFSET + 8] = bytes(8)
    path = tmp_path / "early"
    path.write_bytes(content)
    assert "not ready" in refusal(path)


def test_the_mapping_is_read_only(written: TelemetryRegion) -> None:
    with attach(written.path) as view:
        assert not view._counters.flags.writeable and not view._status_words.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            view._counters[0] = 1


def test_counters_by_name(written: TelemetryRegion) -> None:
    values = written.telemetry.counters
    values[Counter.GAPS, 0] = 2
    values[REJECT_BASE + Reject.PRICE_COLLAR, 0] = 3
    values[FAULT_BASE + Fault.OFF_GRID, 0] = 4
    del values
    with attach(written.path) as view:
        told = view.counters()
    assert (told["gaps"], told["reject.price_collar"], told["fault.off_grid"]) == (2, 3, 4)
    assert sum(told.values()) == 9


def test_stages(written: TelemetryRegion) -> None:
    taken = np.random.default_rng(3).integers(0, 100_000, 2000)
    stages(written.telemetry, taken)
    with attach(written.path) as view:
        summary = view.stages()["pass"]
        assert view.stages()["gate"] == (0,) * 7
        assert view.histogram(Stage.PASS).sum() == 2000
    assert (summary.n, summary.max_ns, summary.min_ns) == (2000, taken.max(), taken.min())
    assert summary.mean_ns == taken.sum() // 2000
    ordered = np.sort(taken)
    for told, rank in ((summary.p50_ns, 999), (summary.p99_ns, 1979), (summary.p999_ns, 1997)):
        assert abs(told - ordered[rank]) * 100 <= ordered[rank]


def test_symbols_of_two_markets_stay_apart(written: TelemetryRegion) -> None:
    with attach(written.path) as view:
        assert list(view.statuses()) == ["BTCUSDT", "币安人生USDT", "BTCUSDT.USDM"]
        for outside in (-1, INSTRUMENTS_MAX):
            with pytest.raises(IndexError):
                view.status(outside)


def test_a_record_that_never_gets_complete(written: TelemetryRegion) -> None:
    t = written.telemetry
    with attach(written.path) as view:
        t.status[0].bid_ticks = 5
        good = view.status(0)
        assert good is not None and good["bid_ticks"][0] == 5
        hot_telemetry.begin_status(t, 0)
        hot_telemetry.begin_status(t, 1)
        t.status[0].bid_ticks = 6
        last = view.status(0)
        assert last is not None and last["bid_ticks"][0] == 5, "a torn read was given"
        assert view.status(1) is None
        assert view.torn_given_up_n == 2
        assert view.torn_retries_n == 2 * region_view.SEQLOCK_TRIES_MAX
        assert list(view.statuses()) == ["BTCUSDT", "BTCUSDT.USDM"]
        hot_telemetry.end_status(t, 0)
        fresh = view.status(0)
        assert fresh is not None and fresh["bid_ticks"][0] == 6
    del t


def test_events_in_order_and_what_was_missed(written: TelemetryRegion) -> None:
    t = written.telemetry
    with attach(written.path) as view:
        assert len(view.latest_events(5)) == 0
        write_events(t, 0, 10)
        assert view.latest_events(3)["order_key"].tolist() == [7, 8, 9]
        got, missed = view.events(4)
        assert (got["order_key"].tolist(), missed) == ([0, 1, 2, 3], 0)
        if JIT_DISABLED:
            return
        write_events(t, 10, 2 * EVENT_RING_SLOTS)
        assert view.latest_events(2)["order_key"].tolist() == [
            2 * EVENT_RING_SLOTS + 8,
            2 * EVENT_RING_SLOTS + 9,
        ]
        seen = 4
        while True:
            got, missed = view.events(1000)
            if missed == 0 and len(got) == 0:
                break
            seen += len(got) + missed
        assert seen == 2 * EVENT_RING_SLOTS + 10


def test_health_of_a_living_writer(written: TelemetryRegion) -> None:
    with attach(written.path) as view:
        assert view.health() is Health.STARTING and view.heartbeat_age_ns() is None
        written.set_lifecycle(Lifecycle.RUNNING)
        hot_telemetry.beat(written.telemetry, time.time_ns())
        assert view.health(10**12) is Health.RUNNING
        hot_telemetry.beat(written.telemetry, time.time_ns() - 10**11)
        assert view.health() is Health.STALE and not view.health().is_good
        assert view.health(10**12) is Health.RUNNING
        written.path.unlink()
        assert view.health(10**12) is Health.GONE and not view.restarted()


def test_a_clock_set_back_hides_no_dead_loop(
    written: TelemetryRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.set_lifecycle(Lifecycle.RUNNING)
    hot_telemetry.beat(written.telemetry, time.time_ns() + 3600 * 10**9)
    with attach(written.path) as view:
        assert view.health() is Health.RUNNING
        now_ns = time.monotonic_ns()
        monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns + 5 * 10**9)
        assert view.health() is Health.STALE
        hot_telemetry.beat(written.telemetry, time.time_ns() + 3600 * 10**9)
        assert view.health() is Health.RUNNING


def test_another_pid_or_boot_is_a_dead_one(written: TelemetryRegion) -> None:
    for name, value in (("start_clock_ticks", 1), ("boot_id", b"other"), ("pid", 2**22 + 1)):
        with attach(edited(written, name, value)) as view:
            assert view.health() is Health.DEAD


def test_the_clock_pair_is_of_one_moment(written: TelemetryRegion) -> None:
    with attach(written.path) as view:
        monotonic_ns, realtime_ns = view.clock_pair()
    offset_ns = time.time_ns() - time.monotonic_ns()
    assert abs((realtime_ns - monotonic_ns) - offset_ns) < 10**9


def test_find(written: TelemetryRegion, tmp_path: Path) -> None:
    assert find("/x/y") == Path("/x/y")
    assert find("t", tmp_path) == written.path == find(None, tmp_path)
    with TelemetryRegion.create("later", mode="demo", directory=tmp_path) as later:
        assert find(None, tmp_path) == later.path
        later.close(unlink=False)
        assert find(None, tmp_path) == written.path, "a living run comes before an ended one"
    with pytest.raises(RegionMissing, match="nothing runs here"):
        find(None, tmp_path / "none")
    with pytest.raises(RegionError, match="no name"):
        find("a b")
    assert region_module.region_path("t").parent == Path(layout.REGION_DIRECTORY)
