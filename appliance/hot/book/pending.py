"""Differences that wait for a snapshot, and where an event stands to a book.

Headers and levels have a ring each. When there is no room the oldest go, which is safe because a
snapshot older than the oldest one left is refused.

Only sync.py calls this.
"""

from appliance.abi.book import Anchor
from appliance.abi.counters import Counter
from appliance.abi.limits import PENDING_DIFFS_MAX, PENDING_LEVELS_MAX
from appliance.abi.market import ASK_LOTS, ASK_TICKS, BID_LOTS, BID_TICKS, Market
from appliance.abi.units import NO_ID
from appliance.hot.jit import hot, hot_inline

OLD = 0
CONTINUES = 1
BEYOND = 2

DIFF_MASK = PENDING_DIFFS_MAX - 1
LEVEL_MASK = PENDING_LEVELS_MAX - 1


@hot_inline
def verdict_of(market, anchor, local_id, first_id, last_id, previous_id):
    """Where an event stands to a book of id ``local_id``: OLD, CONTINUES or BEYOND."""
    if market == Market.SPOT:
        if last_id <= local_id:
            return OLD
        if first_id <= local_id + 1:
            return CONTINUES
    elif market == Market.USDM:
        if anchor == Anchor.SNAPSHOT:
            if last_id < local_id:
                return OLD
            if previous_id != NO_ID and previous_id <= local_id:
                return CONTINUES
        else:
            if last_id <= local_id:
                return OLD
            if previous_id == local_id:
                return CONTINUES
    return BEYOND


@hot
def _make_room(books, i, levels_n, counters):
    """Level position for ``levels_n`` levels in one piece; drops the oldest events if need be."""
    pending = books.pending[i]
    position = pending.levels_tail
    if (position & LEVEL_MASK) + levels_n > PENDING_LEVELS_MAX:
        position += PENDING_LEVELS_MAX - (position & LEVEL_MASK)
    while pending.head < pending.tail:  # at most PENDING_DIFFS_MAX
        oldest = pending.levels_at[pending.head & DIFF_MASK]
        if (
            pending.tail - pending.head < PENDING_DIFFS_MAX
            and position + levels_n - oldest <= PENDING_LEVELS_MAX
        ):
            break
        pending.head += 1
        books.heads[i].dropped_n += 1
        counters[Counter.DIFFS_DROPPED, 0] += 1
    return position


@hot
def buffer(books, i, diff, levels, counters, now_ns):
    """Keep an event until a snapshot comes."""
    pending = books.pending[i]
    levels_n = diff.bid_n + diff.ask_n
    position = _make_room(books, i, levels_n, counters)
    at = pending.tail & DIFF_MASK
    pending.first_ids[at] = diff.first_id
    pending.last_ids[at] = diff.last_id
    pending.previous_ids[at] = diff.previous_id
    pending.exchange_ns[at] = diff.event_ns
    pending.receive_ns[at] = now_ns
    pending.levels_at[at] = position
    pending.bid_n[at] = diff.bid_n
    pending.ask_n[at] = diff.ask_n
    start = position & LEVEL_MASK
    for k in range(diff.bid_n):
        pending.ticks[start + k] = levels[BID_TICKS, k]
        pending.lots[start + k] = levels[BID_LOTS, k]
    start += diff.bid_n
    for k in range(diff.ask_n):
        pending.ticks[start + k] = levels[ASK_TICKS, k]
        pending.lots[start + k] = levels[ASK_LOTS, k]
    pending.levels_tail = position + levels_n
    pending.tail += 1
    books.heads[i].buffered_n += 1
    counters[Counter.DIFFS_BUFFERED, 0] += 1


@hot
def pending_verdict(books, i, anchor, local_id):
    """Where the oldest buffered event stands to a book of id ``local_id``."""
    pending = books.pending[i]
    at = pending.head & DIFF_MASK
    return verdict_of(
        books.heads[i].market,
        anchor,
        local_id,
        pending.first_ids[at],
        pending.last_ids[at],
        pending.previous_ids[at],
    )
