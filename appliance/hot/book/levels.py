"""The memory of all books, and every level of each: set, best, view.

``i`` is an instrument, ``side`` BIDS or ASKS. Only the hot loop calls the compiled functions.
"""

from typing import NamedTuple

import numpy as np

from appliance.abi.book import ASKS, BIDS, BOOK, BOOK_PENDING, BOOK_SIDE, BOOK_TOPS, SIDES
from appliance.abi.layout import records
from appliance.abi.limits import INSTRUMENTS_MAX, VIEW_LEVELS
from appliance.abi.market import BookState
from appliance.abi.units import NO_ID
from appliance.hot.book.side import best, copy_best, forget, set_key
from appliance.hot.jit import hot


class Books(NamedTuple):
    """The books of all instruments; see abi/book.py for what each array holds."""

    heads: np.ndarray  # [n] of BOOK
    sides: np.ndarray  # [2 n] of BOOK_SIDE
    pending: np.ndarray  # [n] of BOOK_PENDING
    tops: np.ndarray  # [2 n] of BOOK_TOPS


def make_books(count: int, heads: np.ndarray | None = None) -> Books:
    """Memory for ``count`` books, all EMPTY. ``heads`` may be BOOK records in shared memory.

    The caller sets ``heads[i].market``: a book of an unknown market never syncs.
    """
    if not 1 <= count <= INSTRUMENTS_MAX:
        raise ValueError(f"{count} books; 1 to {INSTRUMENTS_MAX} are possible")
    books = Books(
        records(count, BOOK) if heads is None else heads,
        records(SIDES * count, BOOK_SIDE),
        records(count, BOOK_PENDING),
        records(SIDES * count, BOOK_TOPS),
    )
    books.heads["last_id"] = NO_ID
    books.tops["newest_id"] = NO_ID
    books.sides["sign"][BIDS::SIDES] = 1
    books.sides["sign"][ASKS::SIDES] = -1
    return books


@hot
def set_level(books, i, side, ticks, lots, counters):
    """Set the quantity of one price; 0 lots removes it, also if it was not there."""
    record = books.sides[SIDES * i + side]
    set_key(record, record.sign * ticks, lots, counters)


@hot
def clear(books, i):
    """Forget all levels of book ``i``."""
    forget(books.sides[SIDES * i + BIDS])
    forget(books.sides[SIDES * i + ASKS])


@hot
def level_count(books, i, side):
    """Levels held, 0..BOOK_LEVELS_MAX."""
    return books.sides[SIDES * i + side].levels_n


@hot
def best_ticks(books, i, side):
    """Best price held (whatever the book's state), or NO_PRICE."""
    return best(books.sides[SIDES * i + side])[0]


@hot
def best_lots(books, i, side):
    """Quantity at the best price held (whatever the book's state), or 0."""
    return best(books.sides[SIDES * i + side])[1]


@hot
def copy_view(books, i, market_record):
    """Write bid_n, ask_n and the four level arrays of a MARKET record: best first, zeros behind.

    A book that is not LIVE shows no level.
    """
    if books.heads[i].state == BookState.LIVE:
        bids = books.sides[SIDES * i + BIDS]
        market_record.bid_n = copy_best(bids, market_record.bids_ticks, market_record.bids_lots)
        asks = books.sides[SIDES * i + ASKS]
        market_record.ask_n = copy_best(asks, market_record.asks_ticks, market_record.asks_lots)
        return
    market_record.bid_n = 0
    market_record.ask_n = 0
    for k in range(VIEW_LEVELS):
        market_record.bids_ticks[k] = 0
        market_record.bids_lots[k] = 0
        market_record.asks_ticks[k] = 0
        market_record.asks_lots[k] = 0
