"""Keeps a book in step with the venue by its ids. EMPTY -> SYNCING -> LIVE -> STALE -> LIVE ..

Rules: binance-protocol, "Book sync" of spot and of USD-M futures. With L the id of a snapshot:

* Spot. An event with u <= L is old. One with U <= L + 1 <= u continues (the documents ask for
  U <= L, which refuses the legal case U = L + 1), and so does one with U <= previous u + 1 later.
* USD-M. After a snapshot, u < L is old and pu <= L <= u continues (ids jump, so L may fall between
  pu and U; re-applying the event with u = L changes nothing). Later pu must be the previous u.
* An event that starts beyond is a gap: the levels are no longer served at once, it and all later
  ones are buffered, and a snapshot is needed.

Events that come before the snapshot are buffered; if there are too many the oldest go, which is
safe because a snapshot older than the oldest one left is refused.

A book with an unbroken chain of events (LIVE, or STALE because it was SILENT) takes no snapshot:
its ids prove that nothing was missed.

Only the hot loop calls this. Times are of the receive clock.
"""

from appliance.abi.book import ASKS, BIDS, LEVELS_CHANGED, SIDES, Anchor
from appliance.abi.counters import Counter
from appliance.abi.market import (
    ASK_LOTS,
    ASK_TICKS,
    BID_LOTS,
    BID_TICKS,
    BookReason,
    BookState,
)
from appliance.abi.units import NO_ID
from appliance.hot.book.levels import clear
from appliance.hot.book.parity import compare_venue, forget_all
from appliance.hot.book.pending import (
    BEYOND,
    CONTINUES,
    DIFF_MASK,
    LEVEL_MASK,
    OLD,
    buffer,
    pending_verdict,
    verdict_of,
)
from appliance.hot.book.side import set_levels
from appliance.hot.book.state import (
    fail,
    forget_levels,
    gap,
    hide_best,
    set_state,
    settle,
    tell_time,
)
from appliance.hot.jit import hot

assert ASK_TICKS - BID_TICKS == ASK_LOTS - BID_LOTS


@hot
def _write(books, i, frame, levels, counters):
    """Write the levels of a frame into the book."""
    for side in range(SIDES):
        count = frame.bid_n
        if side == ASKS:
            count = frame.ask_n
        row = side * (ASK_TICKS - BID_TICKS)
        ticks = levels[BID_TICKS + row][:count]
        lots = levels[BID_LOTS + row][:count]
        set_levels(books.sides[SIDES * i + side], ticks, lots, counters)
    counters[Counter.LEVELS_APPLIED, 0] += frame.bid_n + frame.ask_n


@hot
def _apply_pending(books, i, counters, now_ns):
    """Apply the oldest buffered event and let it go."""
    pending = books.pending[i]
    at = pending.head & DIFF_MASK
    pending.head += 1
    start = pending.levels_at[at] & LEVEL_MASK
    for side in range(SIDES):
        stop = start + pending.bid_n[at]
        if side == ASKS:
            stop = start + pending.ask_n[at]
        ticks = pending.ticks[start:stop]
        lots = pending.lots[start:stop]
        set_levels(books.sides[SIDES * i + side], ticks, lots, counters)
        start = stop
    counters[Counter.LEVELS_APPLIED, 0] += pending.bid_n[at] + pending.ask_n[at]
    return settle(
        books,
        i,
        pending.last_ids[at],
        pending.exchange_ns[at],
        pending.receive_ns[at],
        counters,
        now_ns,
    )


@hot
def _ignore(head, counters):
    """An event older than the book."""
    head.ignored_n += 1
    counters[Counter.DIFFS_IGNORED, 0] += 1


@hot
def on_depth(books, i, decoded, levels, counters, now_ns):
    """Take a depth difference of instrument ``i``, received at ``now_ns``.

    ``decoded`` is an array of one DECODED record, ``levels`` int64[LEVEL_ROWS, ..]. Returns
    LEVELS_CHANGED and STATE_CHANGED, or-ed.
    """
    head = books.heads[i]
    diff = decoded[0]
    tell_time(head, now_ns)
    if head.anchor == Anchor.NONE:
        buffer(books, i, diff, levels, counters, now_ns)
        if head.state == BookState.EMPTY:
            return set_state(head, BookState.SYNCING, BookReason.NONE, now_ns)
        return 0
    verdict = verdict_of(
        head.market, head.anchor, head.last_id, diff.first_id, diff.last_id, diff.previous_id
    )
    if verdict == OLD:
        _ignore(head, counters)
        return 0
    if verdict == CONTINUES:
        _write(books, i, diff, levels, counters)
        return settle(books, i, diff.last_id, diff.event_ns, now_ns, counters, now_ns)
    flags = 0
    if head.anchor == Anchor.EVENT:
        flags = gap(books, i, counters, now_ns)
    else:  # the snapshot is older than this event: only now do we see it
        _refuse(head, counters)
        forget_levels(books, i)
    buffer(books, i, diff, levels, counters, now_ns)
    return flags


@hot
def _refuse(head, counters):
    """A snapshot that is too old."""
    head.snapshots_refused_n += 1
    counters[Counter.SNAPSHOTS_REFUSED, 0] += 1


@hot
def _load(books, i, snapshot, levels, counters):
    """Take the levels of a snapshot."""
    clear(books, i)
    _write(books, i, snapshot, levels, counters)
    head = books.heads[i]
    head.anchor = Anchor.SNAPSHOT
    head.last_id = snapshot.last_id
    head.bid_levels_n = books.sides[SIDES * i + BIDS].levels_n
    head.ask_levels_n = books.sides[SIDES * i + ASKS].levels_n


@hot
def _catch_up(books, i, counters, now_ns):
    """Apply what is buffered to the snapshot that was just loaded."""
    head = books.heads[i]
    pending = books.pending[i]
    flags = 0
    while pending.head < pending.tail:  # at most PENDING_DIFFS_MAX
        verdict = pending_verdict(books, i, head.anchor, head.last_id)
        if verdict == OLD:
            pending.head += 1
            _ignore(head, counters)
        elif verdict == CONTINUES:
            flags |= _apply_pending(books, i, counters, now_ns)
        else:
            flags |= gap(books, i, counters, now_ns)
        if head.anchor == Anchor.NONE:
            break  # what remains waits for the next snapshot
    return flags


@hot
def on_snapshot(books, i, decoded, levels, counters, now_ns):
    """Take a REST snapshot of instrument ``i``; arguments and result as of ``on_depth``."""
    head = books.heads[i]
    pending = books.pending[i]
    snapshot = decoded[0]
    tell_time(head, now_ns)
    if head.anchor == Anchor.EVENT or (
        head.anchor == Anchor.SNAPSHOT and snapshot.last_id <= head.last_id
    ):
        return 0
    while pending.head < pending.tail:  # at most PENDING_DIFFS_MAX
        verdict = pending_verdict(books, i, Anchor.SNAPSHOT, snapshot.last_id)
        if verdict == CONTINUES:
            break
        if verdict == BEYOND:
            _refuse(head, counters)
            return 0
        pending.head += 1
        _ignore(head, counters)
    _load(books, i, snapshot, levels, counters)
    flags = 0
    if head.state == BookState.EMPTY:
        flags = set_state(head, BookState.SYNCING, BookReason.NONE, now_ns)
    return flags | _catch_up(books, i, counters, now_ns)


@hot
def on_ticker(books, i, decoded, counters, now_ns):
    """Take a bookTicker of instrument ``i``: it checks the book. Result as of ``on_depth``."""
    tell_time(books.heads[i], now_ns)
    if compare_venue(books, i, decoded[0], counters) == 0:
        return 0
    if books.heads[i].anchor != Anchor.EVENT:
        return 0  # what differed is no longer served
    return fail(books, i, BookReason.MISMATCH, now_ns)


@hot
def check_silence(books, i, now_ns, silence_max_ns, counters):
    """Make a LIVE book STALE that heard no event for longer than ``silence_max_ns``.

    Its levels stay: the next event that continues brings it back. A limit that is not positive
    (unset) is always exceeded.
    """
    head = books.heads[i]
    if head.state == BookState.EMPTY:
        return 0
    tell_time(head, now_ns)
    if head.state != BookState.LIVE:
        return 0
    if silence_max_ns > 0 and now_ns - head.last_event_ns <= silence_max_ns:
        return 0
    head.silences_n += 1
    counters[Counter.SILENCES, 0] += 1
    hide_best(head)
    return LEVELS_CHANGED | set_state(head, BookState.STALE, BookReason.SILENT, now_ns)


@hot
def reset(books, i, reason, now_ns):
    """Start again, for ``reason`` (BookReason): after a reconnect, or when asked to.

    Nothing of the old connection remains but the statistics.
    """
    head = books.heads[i]
    tell_time(head, now_ns)
    served = head.state == BookState.LIVE
    pending = books.pending[i]
    pending.head = pending.tail
    forget_levels(books, i)
    forget_all(books, i)
    head.last_id = NO_ID
    state = BookState.EMPTY
    if head.lives_n > 0:
        state = BookState.STALE
    flags = set_state(head, state, reason, now_ns)
    if served:
        flags |= LEVELS_CHANGED
    return flags
