"""Spans and orders noted on the way: each told once, in order, as they were."""

from appliance.abi import control as c
from appliance.abi.event import EventKind
from appliance.abi.limits import INTENTS_MAX
from appliance.abi.telemetry import STAGE_MAX_NS, STAGE_N, STAGE_SUM_NS, Stage
from appliance.abi.trading import Side
from appliance.hot.broadcast import make_cursor, read
from appliance.hot.gateway import send
from appliance.hot.jit import hot
from appliance.hot.notes import (
    SPANS_MAX,
    TIMED_EVERY,
    begin_frame,
    note_order,
    note_span,
    stage_begins,
    stage_over,
    tell_notes,
)
from appliance.hot.orders import key_of
from tests.strategies.cores import small_core

NOW_NS = 1_700_000_000_000_000_000


@hot
def note_one_span(core, which, span_cycles):
    note_span(core.notes, which, span_cycles)


@hot
def note_one_order(core, slot, span_cycles):
    note_order(core.notes, slot, span_cycles)


@hot
def stages_of_frames(core, n):
    """``n`` frames of two stages that follow one another. How many of them were timed."""
    timed = 0
    for _ in range(n):
        begin_frame(core.notes)
        began = stage_begins(core.notes)
        between = stage_over(core.notes, Stage.DECODE, began)
        over = stage_over(core.notes, Stage.BOOK, between)
        timed += (began > 0) & (began <= between) & (between <= over)
        if began == 0 and (between != 0 or over != 0):
            return -1
        tell_notes(core)
    return timed


@hot
def tell(core):
    tell_notes(core)


def core_of_two_cycles_a_ns():
    core = small_core()
    core.control[c.CYCLES_MULT], core.control[c.CYCLES_SHIFT] = 1, 1
    return core


def told(core, cursor):
    slots, found = core.telemetry.events.slots[:1].copy(), []
    while read(core.telemetry.events, cursor, slots):
        found.append(slots[0].copy())
    return found


def test_nothing_is_told_before_it_is_asked_for_and_nothing_twice() -> None:
    core = core_of_two_cycles_a_ns()
    words = core.telemetry.stage_words[Stage.GATE]
    for span in (200, 400):
        note_one_span(core, Stage.GATE, span)
    assert words[STAGE_N] == 0
    for _ in range(2):
        tell(core)
        assert (words[STAGE_N], words[STAGE_SUM_NS], words[STAGE_MAX_NS]) == (2, 300, 200)


def test_an_order_is_told_with_its_key_and_latency() -> None:
    core = core_of_two_cycles_a_ns()
    cursor = make_cursor(core.telemetry.events, from_start=False)
    core.seen[0].receive_ns = NOW_NS
    core.seen[0].exchange_ns = NOW_NS - 7
    counters = core.telemetry.counters
    slot = int(send(core.gateway, 0, Side.SELL, 6_000_000, 5, 0, 0, NOW_NS, counters))
    note_one_order(core, slot, 3_000)
    note_one_span(core, Stage.TICK_TO_TRADE, 3_000)
    tell(core)
    tell(core)
    (event,) = told(core, cursor)
    assert (event.kind, event.instrument, event.side) == (EventKind.SENT, 0, Side.SELL)
    assert (event.receive_ns, event.exchange_ns, event.latency_ns) == (NOW_NS, NOW_NS - 7, 1500)
    assert (event.price_ticks, event.quantity_lots) == (6_000_000, 5)
    assert event.order_key == key_of(core.gateway.orders, slot)


def test_more_than_there_is_room_for_harms_nothing() -> None:
    core = core_of_two_cycles_a_ns()
    cursor = make_cursor(core.telemetry.events, from_start=False)
    counters = core.telemetry.counters
    slot = int(send(core.gateway, 0, Side.BUY, 6_000_000, 5, 0, 0, NOW_NS, counters))
    for _ in range(SPANS_MAX + 9):
        note_one_span(core, Stage.FEED, 2)
        note_one_order(core, slot, 2)
    tell(core)
    assert core.telemetry.stage_words[Stage.FEED, STAGE_N] == SPANS_MAX
    assert len(told(core, cursor)) == INTENTS_MAX


def test_one_frame_in_so_many_is_timed_the_first_among_them() -> None:
    core = core_of_two_cycles_a_ns()
    words = core.telemetry.stage_words
    assert stages_of_frames(core, 1) == 1
    for frames_n in (TIMED_EVERY - 1, 1, 10 * TIMED_EVERY):
        before = int(words[Stage.BOOK, STAGE_N])
        timed = stages_of_frames(core, frames_n)
        assert timed == {TIMED_EVERY - 1: 0, 1: 1}.get(frames_n, 10)
        assert words[Stage.DECODE, STAGE_N] == words[Stage.BOOK, STAGE_N] == before + timed
