"""The data model (sidecar.model and its parts): what an interval becomes."""

from pathlib import Path

import numpy as np
import pytest

from appliance.abi.counters import COUNTER_TABLE, REJECT_BASE, Counter
from appliance.abi.event import EventKind
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.refusal import Reject
from appliance.abi.telemetry import LIMIT_ROWS_MAX, STAGE_TABLE, Stage
from appliance.abi.trading_state import Cause, TradingState
from sidecar import event_points, instrument_points, model
from sidecar.buckets import BOUNDS_NS
from sidecar.interval import Interval
from sidecar.model import points
from sidecar.point import Class, Point
from sidecar.region_reader import RegionReader
from tests.sidecar.regions import NOW_NS, Run

END_NS = NOW_NS + 10**9


@pytest.fixture
def run(tmp_path: Path):
    made = Run(tmp_path, symbols=("BTCUSDT", "ETHUSDT"))
    yield made
    made.end()


def read(run: Run, end_ns: int = END_NS) -> Interval:
    reader = RegionReader(run.path)
    interval = reader.read(end_ns)
    reader.close()
    assert interval is not None
    return interval


def of(run: Run, measurement: str, **tags: str) -> list[Point]:
    found = [p for p in points(read(run)) if p.measurement == measurement]
    return [p for p in found if all(p.tags.get(k) == v for k, v in tags.items())]


def test_counters_have_their_measurement(run: Run) -> None:
    run.count(Counter.ORDERS_SENT, 5)
    run.count(Counter.GAPS, 2)
    run.region.telemetry.counters[REJECT_BASE + Reject.POSITION, 0] = 3
    (orders,) = of(run, "lc_orders")
    assert orders.tags == {"host": model.HOST, "proc": "live", "kind": "new"}
    assert orders.fields == {"total": 5, "delta": 5} and orders.time_ns == END_NS
    assert [p.fields["total"] for p in of(run, "lc_reject", reason="position")] == [3]
    assert [p.fields["total"] for p in of(run, "lc_counter", counter="gaps")] == [2]
    assert set(model.ORDER_KINDS) <= {c.name.lower() for c in COUNTER_TABLE}


def test_latency_and_its_heat_map_are_the_same_values(run: Run) -> None:
    values = [20, 30, 30, 70, 5_000, 3_000_000]
    for value in values:
        run.stage(Stage.TICK_TO_TRADE, value)
    (latency,) = of(run, "lc_latency")
    assert latency.tags["stage"] == "tick_to_trade"
    fields = latency.fields
    assert (fields["n"], fields["min"], fields["p50"], fields["sum"]) == (6, 20, 30, sum(values))
    assert 3_000_000 <= fields["max"] <= 3_000_000 * 1.01
    heat = {p.tags["le"]: p.fields["n"] for p in of(run, "lc_hist")}
    assert heat == {"24": 1, "32": 2, "96": 1, "6144": 1, str(BOUNDS_NS[-1]): 1}
    assert all(p.kind is Class.DETAIL for p in of(run, "lc_hist"))


def test_a_position_in_the_venues_units(run: Run) -> None:
    status = run.region.telemetry.status[0]
    status.position_lots, status.cost_tick_lots, status.mark_ticks = -450, -2_700_450, 6_002
    status.realised_tick_lots, status.unrealised_tick_lots = 77, -9
    status.open_orders_n, status.fills_n, status.bid_ticks, status.ask_ticks = 3, 9, 6_000, 0
    (position,) = of(run, "lc_position", symbol="BTCUSDT")
    assert position.fields["qty"] == -0.0045 and position.fields["avg_px"] == 60.01
    assert position.fields["rpnl"] == 77e-7 and position.fields["notional"] == -0.270090
    assert (position.fields["open_orders"], position.fields["fills"]) == (3, 9)
    (feed,) = of(run, "lc_feed", symbol="BTCUSDT")
    assert feed.fields["bid"] == 60.0 and np.isnan(feed.fields["ask"])
    assert feed.fields["stale_ns"] == -1
    assert np.isnan(instrument_points.NOTHING)
    (flat,) = of(run, "lc_position", symbol="ETHUSDT")
    assert np.isnan(flat.fields["avg_px"]) and flat.fields["qty"] == 0.0


def test_the_heart_and_the_state(run: Run) -> None:
    run.region.set_process(trading_state=TradingState.REDUCE_ONLY)
    run.region.telemetry.process[0].state_cause = Cause.GUARDIAN
    run.region.telemetry.process[0].state_ns = END_NS - 7 * 10**9
    (state,) = of(run, "lc_state")
    assert (state.fields["trading_state"], state.fields["cause"]) == (1, Cause.GUARDIAN)
    assert state.fields["since_s"] == 7 and state.kind is Class.MUST
    (heart,) = of(run, "lc_hb")
    assert heart.fields["seq"] == 1 and heart.fields["restarts"] == 1
    assert heart.fields["mode"] == "live" and heart.fields["epoch"] > 0


def test_how_much_of_each_limit_is_used(run: Run) -> None:
    run.region.set_limits([("gross_max", 50, 100), ("BTCUSDT position_max", 80, 100)])
    whole, own = of(run, "lc_gate")
    assert (whole.tags["gate"], whole.tags["symbol"]) == ("gross_max", "")
    assert (own.tags["gate"], own.tags["symbol"]) == ("position_max", "BTCUSDT")
    assert whole.fields == {"used": 50, "limit": 100, "util": 0.5, "state": 0}
    assert own.fields["state"] == 1
    run.region.set_limits([("BTCUSDT position_max", 100, 100)])  # the other one is off now
    (own,) = of(run, "lc_gate")
    assert (own.tags["gate"], own.fields["util"], own.fields["state"]) == ("position_max", 1.0, 2)


def test_events_of_one_nanosecond_are_points_of_their_own(run: Run) -> None:
    for key in range(2_500):
        run.event(key, NOW_NS + key // 1_000)
    found = of(run, "lc_event", kind="fill")
    assert [p.fields["order"] for p in found] == list(range(2_500))
    assert len({p.time_ns for p in found}) == 2_500
    assert all(abs(p.time_ns - NOW_NS) <= 10_000 for p in found)


def test_events_of_a_recording_stand_in_the_interval_that_read_them(run: Run) -> None:
    for key in range(3):
        run.event(key, 1_600_000_000_000_000_000)
    interval = read(run)
    found = [p for p in points(interval) if p.measurement == "lc_event"]
    assert all(interval.start_ns - 10_000 <= p.time_ns <= interval.end_ns for p in found)
    assert len({p.time_ns for p in found}) == 3
    assert all(p.fields["market_ns"] == 1_600_000_000_000_000_000 for p in found)


def test_what_an_event_means(run: Run) -> None:
    run.event(1, kind=EventKind.BOOK_STATE)
    run.event(2, kind=EventKind.REFUSED)
    run.event(3, kind=999)
    book, refused, unknown = of(run, "lc_event")
    assert event_points.name_of(EventKind, 4) == "refused"
    assert book.tags["kind"] == "book_state" and book.fields["state"] == "empty"
    assert refused.fields["reason"] == "none" and unknown.tags["kind"] == "999"


def worst(tmp_path: Path) -> Interval:
    """Everything that an appliance can have."""
    run = Run(tmp_path, "worst", symbols=tuple(f"S{n}USDT" for n in range(INSTRUMENTS_MAX)))
    run.region.telemetry.counters[:, 0] = 1
    for stage in Stage:
        for bound in BOUNDS_NS:
            run.stage(stage, bound)
    for kind in EventKind:
        run.event(1, kind=kind)
    run.region.set_limits((f"S{n} x", 1, 2) for n in range(LIMIT_ROWS_MAX))
    interval = read(run)
    run.end()
    return interval


def test_the_number_of_series_is_bounded(tmp_path: Path) -> None:
    found: dict[str, set] = {}
    for point in points(worst(tmp_path)):
        found.setdefault(point.measurement, set()).add(tuple(sorted(point.tags.items())))
    bounds = {
        "lc_hist": len(Stage) * len(BOUNDS_NS),
        "lc_latency": len(STAGE_TABLE),
        "lc_position": INSTRUMENTS_MAX,
        "lc_feed": INSTRUMENTS_MAX,
        "lc_gate": LIMIT_ROWS_MAX,
        "lc_event": len(EventKind) * (INSTRUMENTS_MAX + 1),
        "lc_reject": len(Reject),
        "lc_orders": len(model.ORDER_KINDS),
        "lc_counter": len(COUNTER_TABLE),
        "lc_fault": 64,
        "lc_mark": 2,
        "lc_hiccup": 1,
        "lc_ring": 16,
        **dict.fromkeys(("lc_hb", "lc_state", "lc_proc"), 1),
    }
    assert {name: len(series) for name, series in found.items() if len(series) > bounds[name]} == {}
    assert sum(map(len, found.values())) < 1_500


def test_a_field_has_one_type(tmp_path: Path, run: Run) -> None:
    types: dict[tuple[str, str], set] = {}
    for interval in (worst(tmp_path), read(run)):
        for point in points(interval):
            for name, value in point.fields.items():
                types.setdefault((point.measurement, name), set()).add(type(value))
    assert {where: kinds for where, kinds in types.items() if len(kinds) > 1} == {}
