"""Reports into the loop's ring: all of them, in order, whatever room there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.trading import REPORT, Report
from appliance.cold.live.order_messages import Said
from appliance.cold.live.report_sink import ReportSink
from appliance.hot.ring import make_ring, peek, release

FOREIGN = -1
SLOTS = 4


def taken(ring, at_most: int = 1000) -> list[dict[str, int]]:
    found = []
    while len(found) < at_most and (index := int(peek(ring))) >= 0:
        found.append({name: int(ring.slots[index][name]) for name in REPORT.names or ()})
        release(ring)
    return found


def foreign_fill(trade_id: int, **more: int) -> Said:
    return Said(Report.FILL, FOREIGN, **({"instrument": 0} | more), trade_id=trade_id)


def test_a_record_holds_what_was_said() -> None:
    ring = make_ring(SLOTS, REPORT)
    numbers = {name: 100 + n for n, name in enumerate(REPORT.names or ())}
    numbers["report"] = Report.FILL
    ReportSink(ring).push(Said(**numbers, trade_id=5))
    assert taken(ring) == [numbers]


@settings(max_examples=20)
@given(st.lists(st.integers(0, SLOTS + 2), max_size=30))
def test_what_finds_no_room_waits_and_keeps_its_place(rooms: list[int]) -> None:
    ring = make_ring(SLOTS, REPORT)
    sink, found = ReportSink(ring), []
    for n, room in enumerate(rooms):
        sink.push(Said(Report.ACCEPTED, n, 0))
        found += taken(ring, room)
        sink.flush()
        assert sink.pushed_n + sink.waiting_n == n + 1
    while more := taken(ring):
        found += more
        sink.flush()
    assert [one["order_key"] for one in found] == list(range(len(rooms)))
    assert (sink.pushed_n, sink.waiting_n) == (len(rooms), 0)


def test_a_foreign_fill_counts_once_whoever_repeats_it() -> None:
    ring = make_ring(64, REPORT)
    sink = ReportSink(ring)
    for trade_id in (1, 2, 1, 3, 2, 1):
        sink.push(foreign_fill(trade_id, venue_id=9, quantity_lots=trade_id))
    assert [one["quantity_lots"] for one in taken(ring)] == [1, 2, 3]


def test_the_same_trade_number_of_another_symbol_or_order_is_another_fill() -> None:
    """Two orders of the account that trade with each other have one trade id."""
    ring = make_ring(64, REPORT)
    sink = ReportSink(ring)
    for _ in range(2):
        sink.push(foreign_fill(1, venue_id=9, side=1))
        sink.push(foreign_fill(1, venue_id=10, side=-1))
        sink.push(foreign_fill(1, venue_id=9, instrument=1))
    assert [(o["venue_id"], o["instrument"]) for o in taken(ring)] == [(9, 0), (10, 0), (9, 1)]


def test_own_reports_are_handed_on_however_often_they_come() -> None:
    ring = make_ring(64, REPORT)
    sink = ReportSink(ring)
    for _ in range(3):
        sink.push(Said(Report.FILL, 5, 0, trade_id=1))
        sink.push(Said(Report.ACCEPTED, FOREIGN, 0))
    assert [one["order_key"] for one in taken(ring)] == [5, FOREIGN] * 3


@pytest.mark.parametrize("name", ["venue_id", "filled_lots", "filled_tick_lots", "order_key"])
@pytest.mark.parametrize("number", [1 << 63, -(1 << 70)])
def test_a_number_that_no_record_holds_is_refused_and_stops_nothing(name, number) -> None:
    ring = make_ring(SLOTS, REPORT)
    sink = ReportSink(ring)
    with pytest.raises(ValueError, match="too large"):
        sink.push(
            Said(**({"report": Report.FILL, "order_key": 3, "instrument": 0} | {name: number}))
        )
    sink.push(Said(Report.ACCEPTED, 4, 0))
    assert [one["order_key"] for one in taken(ring)] == [4]
