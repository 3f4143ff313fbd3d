"""Writes the order journal (abi/journal.py): a record is complete before what it tells of happens.

``words`` is Journal.words. One writer: cold code before the loop starts, then the loop alone.
"""

from typing import Any, Final

from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    CHECK,
    CHECKED_WORDS,
    HEAD,
    HEADER_WORDS,
    KEEPING,
    OVERFLOWED,
    RECORD_WORDS,
    SALT,
    JournalKind,
    Keeping,
)
from appliance.abi.limits import INSTRUMENTS_MAX
from appliance.abi.trading import ORDER_SLOT_BITS, ORDER_SLOT_MASK
from appliance.abi.units import NS_PER_S
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.crc32c import check_of
from appliance.hot.jit import hot, hot_inline
from appliance.hot.order_reports import FOREIGN_FILL, ILLEGAL, REPEATED, STRAY

NONE: Final = -1
_ROOM_WITHOUT_END: Final = 1 << 62

_HALF_BITS: Final = 32
_HALF: Final = (1 << _HALF_BITS) - 1


@hot_inline
def room_n(words):
    """How many records may be written before what is not archived would be overwritten."""
    if words[KEEPING] == Keeping.OVERWRITE:
        return _ROOM_WITHOUT_END
    if words[KEEPING] != Keeping.ARCHIVE:
        return 0
    # ARCHIVED: what stood in those records is on the disk (pairs with cold/journal_archive.py)
    return words[CAPACITY] - (words[HEAD] - load_acquire(words, ARCHIVED))


@hot
def append(
    words,
    time_ns,
    kind,
    side,
    instrument,
    reason,
    order_key,
    price_ticks,
    quantity_lots,
    filled_lots,
    filled_tick_lots,
    venue_id,
    observed,
    limit,
    tag,
):
    """Write one JOURNAL record. 1, or 0: there is no room, and OVERFLOWED counts one more.

    kind, side, instrument and reason must fit 32 bits.
    """
    if room_n(words) <= 0:
        words[OVERFLOWED] += 1
        return 0
    sequence = words[HEAD] + 1
    at = HEADER_WORDS + (sequence & (words[CAPACITY] - 1)) * RECORD_WORDS
    words[at] = sequence
    words[at + 1] = time_ns
    words[at + 2] = side << _HALF_BITS | kind
    words[at + 3] = reason << _HALF_BITS | instrument & _HALF
    words[at + 4] = order_key
    words[at + 5] = 0
    words[at + 6] = price_ticks
    words[at + 7] = quantity_lots
    words[at + 8] = filled_lots
    words[at + 9] = filled_tick_lots
    words[at + 10] = venue_id
    words[at + 11] = observed
    words[at + 12] = limit
    words[at + 13] = tag
    return commit(words, at, sequence)


@hot
def append_row(words: Any, row: Any) -> int:
    """Write a record made elsewhere: int64[CHECKED_WORDS], whose sequence is set here. 1, or 0."""
    if room_n(words) <= 0:
        words[OVERFLOWED] += 1
        return 0
    sequence = words[HEAD] + 1
    at = HEADER_WORDS + (sequence & (words[CAPACITY] - 1)) * RECORD_WORDS
    for k in range(1, CHECKED_WORDS):
        words[at + k] = row[k]
    words[at] = sequence
    return commit(words, at, sequence)


@hot_inline
def commit(words, at, sequence):
    """The record at word ``at`` is filled: give it its check, and show it."""
    words[at + CHECK] = check_of(words, at, CHECKED_WORDS, words[SALT])
    # WRITTEN: the record is whole before HEAD counts it (pairs with whoever reads the file)
    store_release(words, HEAD, sequence)
    return 1


@hot
def write_order(words, table, kind, slot, now_ns):
    """What is about to happen to the order in ``slot`` of ORDER[], or was just done with it."""
    order = table[slot]
    return append(
        words,
        now_ns,
        kind,
        order.side,
        order.instrument,
        0,
        order.generation << ORDER_SLOT_BITS | slot,
        order.price_ticks,
        order.quantity_lots,
        order.filled_lots,
        order.filled_tick_lots,
        order.venue_id,
        0,
        order.time_in_force,
        order.tag,
    )


@hot
def write_report(words, table, account, report, outcome, now_ns):
    """A report of the venue and its outcome (apply_report), if it changed anything."""
    if outcome == STRAY or outcome == ILLEGAL or outcome == REPEATED:
        return 1
    kind = JournalKind.ACKNOWLEDGED + report.report
    after = max(outcome, 0)
    profit_e8 = account[0].profit_e8
    peak_e8 = account[0].profit_peak_e8
    if outcome == FOREIGN_FILL:
        lots, price = report.quantity_lots, report.price_ticks
        key, side, i = report.order_key, report.side, report.instrument
        number = report.venue_id
        return append(
            words, now_ns, kind, side, i, 0, key, price, lots, 0, 0, number, profit_e8, peak_e8, 0
        )
    order = table[report.order_key & ORDER_SLOT_MASK]
    return append(
        words,
        now_ns,
        kind,
        order.side,
        order.instrument,
        after,
        report.order_key,
        report.price_ticks,
        report.quantity_lots,
        order.filled_lots,
        order.filled_tick_lots,
        report.venue_id,
        profit_e8,
        peak_e8,
        0,
    )


@hot
def write_refusal(journal, refusal):
    """What the gate refused (REFUSAL): the first of its kind at once, then one a second."""
    i = min(max(refusal.instrument, 0), INSTRUMENTS_MAX - 1)
    last = journal.refusals[i]
    now_ns = refusal.time_ns
    is_same = last[0] == refusal.reason and 0 <= now_ns - last[1] < NS_PER_S
    if is_same:
        last[2] += 1
        return 1
    more_n = last[2]
    last[0] = refusal.reason
    last[1] = now_ns
    last[2] = 0
    return append(
        journal.words,
        now_ns,
        JournalKind.GATE_REFUSAL.value,
        refusal.side,
        refusal.instrument,
        refusal.reason,
        NONE,
        refusal.price_ticks,
        refusal.quantity_lots,
        more_n,
        0,
        0,
        refusal.observed,
        refusal.limit,
        0,
    )


@hot
def write_state(words, account, now_ns):
    """The appliance is in another state, and why (GATE_ACCOUNT)."""
    state = account[0]
    cause, now = state.state_cause, state.trading_state
    reason, seen, limit = state.state_reason, state.state_observed, state.state_limit
    profit_e8, peak_e8 = state.profit_e8, state.profit_peak_e8
    return append(
        words,
        now_ns,
        JournalKind.STATE.value,
        0,
        NONE,
        cause,
        NONE,
        seen,
        limit,
        profit_e8,
        peak_e8,
        0,
        now,
        reason,
        0,
    )


@hot
def write_command(words, record, now_ns):
    """An operation that a person or a process posted (OPERATION), with its answer."""
    return append(
        words,
        now_ns,
        JournalKind.COMMAND.value,
        0,
        record.instrument,
        record.operation,
        record.uid,
        record.limit,
        record.value,
        0,
        0,
        record.pid,
        record.result,
        record.after_state,
        0,
    )


@hot
def write_day(words: Any, account: Any, now_ns: int) -> int:
    """The figures of the day as they are: at its beginning, and when a process goes on with it."""
    day = account[0]
    return append(
        words,
        now_ns,
        JournalKind.DAY.value,
        0,
        NONE,
        0,
        day.day_ends_ns,
        day.venue_day_ends_ns,
        day.messages_n - day.day_messages_n,
        day.fills_n - day.day_fills_n,
        day.venue_day_orders_n,
        day.day_turnover_e8,
        day.day_profit_e8,
        day.profit_peak_e8,
        0,
    )
