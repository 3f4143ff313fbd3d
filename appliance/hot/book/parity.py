"""The venue checks us: its bookTicker against our best levels, whenever both carry the same id.

The same id may come from the depth stream first or from the ticker stream first, so each side keeps
its tops in a queue until their partner comes. Ids rise strictly in both streams: a top older
than the newest id of the other stream will never meet a partner and goes. Each top is queued once
and leaves once, and no pair of equal ids is missed while the queues have room.

Only the hot loop calls this.
"""

from appliance.abi.book import (
    SIDES,
    TOP_ASK_LOTS,
    TOP_ASK_TICKS,
    TOP_BID_LOTS,
    TOP_BID_TICKS,
    TOP_ID,
)
from appliance.abi.counters import Counter
from appliance.abi.limits import PARITY_TOPS_MAX
from appliance.abi.units import NO_ID
from appliance.hot.jit import hot, hot_inline

_OURS = 0
_VENUE = 1
_MASK = PARITY_TOPS_MAX - 1
_NOT_FOUND = -1


@hot_inline
def _meet(queue, update_id):
    """Drop what is older than ``update_id``. Index of the top with that id, or _NOT_FOUND."""
    while queue.head < queue.tail:  # at most PARITY_TOPS_MAX
        at = queue.head & _MASK
        if queue.tops[at, TOP_ID] >= update_id:
            if queue.tops[at, TOP_ID] > update_id:
                return _NOT_FOUND
            queue.head += 1
            return at
        queue.head += 1
    return _NOT_FOUND


@hot
def _keep(queue, update_id, bid_ticks, bid_lots, ask_ticks, ask_lots):
    """Queue a top. Returns how many (0 or 1) were lost for want of room."""
    lost = 0
    if queue.tail - queue.head >= PARITY_TOPS_MAX:
        queue.head += 1
        lost = 1
    top = queue.tops[queue.tail & _MASK]
    top[TOP_ID] = update_id
    top[TOP_BID_TICKS] = bid_ticks
    top[TOP_BID_LOTS] = bid_lots
    top[TOP_ASK_TICKS] = ask_ticks
    top[TOP_ASK_LOTS] = ask_lots
    queue.tail += 1
    return lost


@hot
def compare(books, i, whose, update_id, bid_ticks, bid_lots, ask_ticks, ask_lots, counters):
    """Take a top of book of ``whose`` stream and compare it with the other's of the same id.

    Returns 1 if they differ, else 0. An empty side is NO_PRICE and 0 lots in both.
    """
    mine = books.tops[SIDES * i + whose]
    other = books.tops[SIDES * i + (1 - whose)]
    if update_id <= mine.newest_id:
        return 0  # said before
    mine.newest_id = update_id
    at = _meet(other, update_id)
    if at == _NOT_FOUND:
        if other.newest_id < update_id:
            counters[Counter.PARITY_DROPPED, 0] += _keep(
                mine, update_id, bid_ticks, bid_lots, ask_ticks, ask_lots
            )
        return 0
    books.heads[i].compared_n += 1
    counters[Counter.PARITY_COMPARED, 0] += 1
    top = other.tops[at]
    if (
        top[TOP_BID_TICKS] == bid_ticks
        and top[TOP_BID_LOTS] == bid_lots
        and top[TOP_ASK_TICKS] == ask_ticks
        and top[TOP_ASK_LOTS] == ask_lots
    ):
        return 0
    books.heads[i].mismatched_n += 1
    counters[Counter.PARITY_MISMATCHED, 0] += 1
    return 1


@hot
def compare_ours(books, i, counters):
    """After an applied event: compare the book's best levels. Returns 1 if they differ."""
    head = books.heads[i]
    return compare(
        books,
        i,
        _OURS,
        head.last_id,
        head.bid_ticks,
        head.bid_lots,
        head.ask_ticks,
        head.ask_lots,
        counters,
    )


@hot
def compare_venue(books, i, ticker, counters):
    """Compare a DECODED bookTicker. Returns 1 if it differs from the book of the same id."""
    return compare(
        books,
        i,
        _VENUE,
        ticker.last_id,
        ticker.bid_ticks,
        ticker.bid_lots,
        ticker.ask_ticks,
        ticker.ask_lots,
        counters,
    )


@hot
def forget_ours(books, i):
    """The book was wrong: what it said must not be compared with anything."""
    ours = books.tops[SIDES * i + _OURS]
    ours.head = ours.tail


@hot
def forget_all(books, i):
    """Start again: ids may, too."""
    for whose in range(SIDES):
        queue = books.tops[SIDES * i + whose]
        queue.head = queue.tail
        queue.newest_id = NO_ID
