"""A backtest, step by step: the loop's strategy, gate and order table on a market of history.

    rows ─► venue.py (the venue's time) ─► reports ─► order table, gate
      └───► local.py (our time) ─► view ─► strategy ─► RISK GATE ─► gateway ─► requests ─► venue.py

A step is a message that comes in here, or a timer of the strategy. Before it, everything that
happens at the venue until then has happened, and every report that is here by then is applied:
what the strategy sees, and what the gate knows, is what they would have seen and known live.

``run_history`` comes back whenever the cold side has to do something: bring more rows, or take away
what was noted down.
"""

from enum import IntEnum, unique
from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.control import (
    COMMAND,
    EVENTS_WANTED,
    LEVELS_WANTED,
    NOW_NS,
    TIMER_DUE_NS,
    TIMER_NS,
    Command,
)
from appliance.abi.history import (
    AT_EXCHANGE,
    AT_LOCAL,
    GAP,
    GAP_LEAST_NS,
    IS_LEVEL,
    LAST,
    REFUSALS,
    SAMPLE,
)
from appliance.abi.layout import records, slot_dtype
from appliance.abi.market import BookState, Event
from appliance.abi.refusal import Reject
from appliance.abi.units import INT64_MAX
from appliance.hot.backtest.depth import Depth
from appliance.hot.backtest.flights import landed, next_arrival
from appliance.hot.backtest.local import NOTHING, copy_levels, on_local_levels, on_local_row
from appliance.hot.backtest.samples import (
    GAPS_N,
    GAPS_SIZE,
    MESSAGE_NS,
    NEEDS,
    PAUSE_NS,
    REFUSALS_SIZE,
    SAMPLE_DUE_NS,
    SAMPLES_SIZE,
    STEPS_N,
    WORDS_N,
    note_gap,
    note_refusals,
    sample_touches,
)
from appliance.hot.backtest.venue import on_levels, on_request, on_row
from appliance.hot.backtest.venue_state import LOG_N, LOG_RESERVE, Venue
from appliance.hot.backtest.wire import send_requests, take_reports
from appliance.hot.halt import poll_halt
from appliance.hot.jit import hot, hot_inline, hot_part
from appliance.hot.memory import copy_record
from appliance.hot.notes import tell_notes
from appliance.hot.strategy.api import COUNT
from appliance.hot.trader import ask_strategy, value_market

STEPS_PER_CALL: Final = 1 << 18  # a tenth of a second, or so
REQUESTS_PER_STEP: Final = 1 << 16
REPORTS_PER_STEP: Final = 1 << 16


@unique
class Back(IntEnum):
    """Why run_history came back."""

    STOPPED = 0
    ROWS = 1  # of instrument words[NEEDS] are used up on one side
    TAKE = 2  # the log or the samples are nearly full
    END = 3
    PAUSE = 4  # for a progress bar, and a user who has had enough
    MOMENT = 5  # words[PAUSE_NS] is over


# Where the two sides are in the rows of an instrument.
CURSOR: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("exchange_at", "<i8"),  # index of the next row
        ("local_at", "<i8"),
        ("end", "<i8"),
        ("is_last", "<i8"),  # 1: nothing comes behind ``end``
    ]
)


class Simulation(NamedTuple):
    venue: Venue
    depth: Depth  # as we know it
    cursors: Any  # CURSOR[n]
    samples: Any  # SAMPLE[SAMPLES_SIZE]
    refusals: Any  # REFUSALS[REFUSALS_SIZE]
    gaps: Any  # GAP[GAPS_SIZE]
    refused: np.ndarray  # int64[len(Reject)]: what of the counters is noted down
    words: np.ndarray  # int64[WORDS_N]: samples.py


def make_simulation(venue: Venue, depth: Depth, n: int) -> Simulation:
    """Nothing has happened yet, and there are no rows."""
    words = np.zeros(WORDS_N, np.int64)
    words[SAMPLE_DUE_NS] = words[PAUSE_NS] = INT64_MAX
    samples, refusals = records(SAMPLES_SIZE, SAMPLE), records(REFUSALS_SIZE, REFUSALS)
    refused = np.zeros(len(Reject), np.int64)
    cursors, gaps = records(n, CURSOR), records(GAPS_SIZE, GAP)
    return Simulation(venue, depth, cursors, samples, refusals, gaps, refused, words)


@hot_inline
def _next_at(rows, at, end, mark):
    """The next row from ``at`` on that has this mark; ``end``: none."""
    while at < end and rows[at].kind & mark == 0:
        at += 1
    return at


@hot_part
def _advance(venue, cursors, rows, until_ns):
    """Everything that happens at the venue until then. -1, or the instrument that needs rows."""
    for _ in range(REQUESTS_PER_STEP):
        # rows before a request that comes at the same time
        at = next_arrival(venue.requests, until_ns)
        first, end, time_ns = np.int64(0), np.int64(cursors.shape[0]), until_ns
        if at >= 0:
            first = venue.requests.messages[at].instrument
            end = first + 1
            time_ns = venue.requests.arrivals_ns[at]
        for i in range(first, end):
            cursor = cursors[i]
            at_row, end_row = cursor.exchange_at, cursor.end
            while at_row < end_row:
                row = rows[at_row]
                if row.kind & AT_EXCHANGE != 0:
                    if row.exchange_ns > time_ns:
                        break
                    if row.kind & IS_LEVEL != 0:
                        depth = venue.depth
                        at_row = on_levels(
                            depth.sides, depth.lots, venue.own, rows, at_row, end_row, i, time_ns
                        )
                        if at_row >= end_row:
                            break
                        row = rows[at_row]
                        if row.exchange_ns > time_ns:
                            break
                    on_row(venue, i, row)
                at_row += 1
            cursor.exchange_at = at_row
            if at_row >= end_row and cursor.is_last == 0:
                return np.int64(i)
        if at < 0:
            break
        on_request(venue, venue.requests.messages[at], time_ns)
        landed(venue.requests)
    return np.int64(-1)


@hot
def _first_message(cursors, rows):
    """The instrument whose message comes in first, and when; -1: none, -2 - i: i needs rows."""
    first, first_ns = np.int64(-1), np.int64(INT64_MAX)
    for i in range(cursors.shape[0]):
        cursor = cursors[i]
        at = _next_at(rows, cursor.local_at, cursor.end, AT_LOCAL)
        cursor.local_at = at
        if at >= cursor.end:
            if cursor.is_last == 0:
                return np.int64(-2 - i), np.int64(0)
            continue
        if rows[at].local_ns < first_ns:
            first, first_ns = np.int64(i), rows[at].local_ns
    return first, first_ns


@hot_part
def _ask(core, sim, i, now_ns):
    """The strategy's turn for instrument ``i``."""
    view = core.latest[i]
    if core.control[LEVELS_WANTED] != 0:
        copy_levels(sim.depth, i, view)
    ask_strategy(core, view, i, now_ns)
    if core.intents.words[COUNT] != 0:
        copy_record(core.seen, 0, core.latest, i)  # for tell_notes


@hot_part
def _message(core, sim, rows, i, now_ns):
    """The next message of instrument ``i`` comes in."""
    if now_ns - sim.words[MESSAGE_NS] > GAP_LEAST_NS:
        note_gap(sim.gaps, sim.words, now_ns)
    sim.words[MESSAGE_NS] = now_ns
    cursor = sim.cursors[i]
    at, end = cursor.local_at, cursor.end
    event = np.int64(NOTHING)
    while at < end and event == NOTHING:
        if rows[at].kind & (AT_LOCAL | LAST) == AT_LOCAL:
            at = on_local_levels(sim.depth.sides, sim.depth.lots, rows, at, end, i)
            if at >= end:
                break
        if rows[at].kind & AT_LOCAL != 0:
            event = on_local_row(core, sim.depth, i, rows[at])
        at += 1
    cursor.local_at = at
    if event != NOTHING:
        value_market(core, core.latest[i], i, now_ns)
        if core.control[EVENTS_WANTED] >> event & 1 != 0:
            _ask(core, sim, i, now_ns)


@hot_part
def _timer(core, sim, now_ns):
    """A timer of the strategy: it looks at every instrument that there is a book of."""
    for i in range(core.latest.shape[0]):
        view = core.latest[i]
        if view.book_state == BookState.LIVE:
            view.event = Event.TIMER
            view.receive_ns = now_ns
            view.trade_ticks = 0
            view.trade_lots = 0
            _ask(core, sim, i, now_ns)
    core.control[TIMER_DUE_NS] += core.control[TIMER_NS]


@hot
def run_history(core, sim, rows):
    """Steps until the cold side has to do something (Back). Again: goes on where it was."""
    words = sim.words
    venue = sim.venue
    control = core.control
    while control[COMMAND] == Command.RUN:
        i, now_ns = _first_message(sim.cursors, rows)
        if i < -1:
            words[NEEDS] = -2 - i
            return np.int64(Back.ROWS)
        is_timer = control[TIMER_NS] != 0 and control[TIMER_DUE_NS] < now_ns
        if is_timer:
            now_ns = control[TIMER_DUE_NS]
        is_over = i < 0
        if is_over:
            now_ns = np.int64(INT64_MAX)
        if now_ns > words[PAUSE_NS]:
            return np.int64(Back.MOMENT)
        if venue.words[LOG_N] + LOG_RESERVE > venue.log.shape[0] or words[GAPS_N] == GAPS_SIZE:
            return np.int64(Back.TAKE)
        if words[SAMPLE_DUE_NS] < now_ns and not is_over:
            if not note_refusals(core.telemetry.counters, sim.refused, sim.refusals, words):
                return np.int64(Back.TAKE)
            if not sample_touches(sim.depth, sim.samples, words, now_ns):
                return np.int64(Back.TAKE)
        needs = _advance(venue, sim.cursors, rows, now_ns)
        if needs >= 0:
            words[NEEDS] = needs
            return np.int64(Back.ROWS)
        if is_over:  # what is under way comes in; nobody is asked any more
            take_reports(core, venue, now_ns)
            return np.int64(Back.END)
        control[NOW_NS] = now_ns
        take_reports(core, venue, now_ns)
        if is_timer:
            _timer(core, sim, now_ns)
        else:
            _message(core, sim, rows, i, now_ns)
        poll_halt(core)
        send_requests(core, venue, now_ns)
        tell_notes(core)
        words[STEPS_N] += 1
        if words[STEPS_N] & (STEPS_PER_CALL - 1) == 0:
            return np.int64(Back.PAUSE)
    return np.int64(Back.STOPPED)
