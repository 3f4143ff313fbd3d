"""What state a book is in, and what is served of it: only a LIVE book serves a price.

Only sync.py calls this. Times are of the receive clock.
"""

from appliance.abi.book import ASKS, BIDS, LEVELS_CHANGED, SIDES, STATE_CHANGED, Anchor
from appliance.abi.counters import Counter
from appliance.abi.market import BookReason, BookState
from appliance.abi.units import NO_PRICE
from appliance.hot.book.levels import clear
from appliance.hot.book.parity import compare_ours, forget_ours
from appliance.hot.book.side import best
from appliance.hot.jit import hot, hot_inline


@hot_inline
def tell_time(head, now_ns):
    """Account the time since the last look."""
    if head.first_ns == 0:
        head.first_ns = now_ns
        head.last_ns = now_ns
    if now_ns > head.last_ns:
        if head.state == BookState.LIVE:
            head.live_ns += now_ns - head.last_ns
        head.last_ns = now_ns


@hot
def set_state(head, state, reason, now_ns):
    """Returns STATE_CHANGED if this is news."""
    if head.state == state and head.reason == reason:
        return 0
    head.state = state
    head.reason = reason
    head.since_ns = now_ns
    return STATE_CHANGED


@hot
def hide_best(head):
    """A book that is not LIVE serves no price."""
    head.bid_ticks = NO_PRICE
    head.bid_lots = 0
    head.ask_ticks = NO_PRICE
    head.ask_lots = 0


@hot
def forget_levels(books, i):
    """The levels rest on nothing any more."""
    head = books.heads[i]
    clear(books, i)
    head.anchor = Anchor.NONE
    head.bid_levels_n = 0
    head.ask_levels_n = 0
    hide_best(head)


@hot
def fail(books, i, reason, now_ns):
    """The book is wrong or incomplete: it is STALE and needs a snapshot."""
    forget_levels(books, i)
    if reason != BookReason.GAP:
        forget_ours(books, i)
    set_state(books.heads[i], BookState.STALE, reason, now_ns)
    return LEVELS_CHANGED | STATE_CHANGED


@hot
def gap(books, i, counters, now_ns):
    """The ids do not continue."""
    books.heads[i].gaps_n += 1
    counters[Counter.GAPS, 0] += 1
    return fail(books, i, BookReason.GAP, now_ns)


@hot
def settle(books, i, last_id, exchange_ns, receive_ns, counters, now_ns):
    """The levels of an event that continues the book are written: what do they make of it?"""
    head = books.heads[i]
    by_snapshot = head.anchor == Anchor.SNAPSHOT
    head.anchor = Anchor.EVENT
    head.last_id = last_id
    head.exchange_ns = exchange_ns
    head.last_event_ns = receive_ns
    head.applied_n += 1
    bids = books.sides[SIDES * i + BIDS]
    asks = books.sides[SIDES * i + ASKS]
    head.bid_levels_n = bids.levels_n
    head.ask_levels_n = asks.levels_n
    head.bid_ticks, head.bid_lots = best(bids)
    head.ask_ticks, head.ask_lots = best(asks)
    both = head.bid_ticks != NO_PRICE and head.ask_ticks != NO_PRICE
    if both and head.bid_ticks >= head.ask_ticks:
        head.crossed_n += 1
        counters[Counter.CROSSED, 0] += 1
        return fail(books, i, BookReason.CROSSED, now_ns)
    if compare_ours(books, i, counters) != 0:
        return fail(books, i, BookReason.MISMATCH, now_ns)
    if head.state != BookState.LIVE:
        if by_snapshot and head.lives_n > 0:
            head.resyncs_n += 1
            counters[Counter.RESYNCS, 0] += 1
        head.lives_n += 1
    return LEVELS_CHANGED | set_state(head, BookState.LIVE, BookReason.NONE, now_ns)
