"""Levels of one book: what is set, removed, best, viewed (appliance.hot.book.levels and .side)."""

import numpy as np
import pytest

from appliance.abi.book import ASKS, BIDS, SIDES
from appliance.abi.counters import Counter
from appliance.abi.layout import records
from appliance.abi.limits import (
    BOOK_LEVELS_MAX,
    INSTRUMENTS_MAX,
    LEAF_LEVELS,
    LEAF_MERGE_LEVELS,
    VIEW_LEVELS,
)
from appliance.abi.market import MARKET, BookState
from appliance.hot.book.levels import (
    Books,
    best_lots,
    best_ticks,
    clear,
    copy_view,
    level_count,
    make_books,
    set_level,
)
from appliance.hot.book.side import best, set_levels
from tests.strategies.books import held, make_counters


@pytest.fixture
def books() -> Books:
    return make_books(2)


def put(books: Books, side: int, levels: dict[int, int], i: int = 0) -> None:
    counters = make_counters()
    for ticks, lots in levels.items():
        set_level(books, i, side, ticks, lots, counters)


def test_an_empty_side_has_no_best(books: Books) -> None:
    for side in (BIDS, ASKS):
        assert best_ticks(books, 0, side) == best_lots(books, 0, side) == 0
        assert level_count(books, 0, side) == 0
        assert best(books.sides[side]) == (0, 0)


def test_best_is_the_highest_bid_and_the_lowest_ask(books: Books) -> None:
    for side, expected in ((BIDS, (103, 3)), (ASKS, (101, 1))):
        put(books, side, {102: 2, 103: 3, 101: 1})
        assert (best_ticks(books, 0, side), best_lots(books, 0, side)) == expected


def test_zero_lots_remove_also_what_is_not_there(books: Books) -> None:
    put(books, BIDS, {50: 0})
    assert held(books, 0, BIDS) == {}
    put(books, BIDS, {50: 7, 40: 1})
    put(books, BIDS, {45: 0, 60: 0, 30: 0})
    assert held(books, 0, BIDS) == {40: 1, 50: 7}
    put(books, BIDS, {50: 0})
    assert best_ticks(books, 0, BIDS) == 40
    put(books, BIDS, {40: 0})
    assert held(books, 0, BIDS) == {}


def test_a_new_quantity_replaces_the_old(books: Books) -> None:
    put(books, ASKS, {50: 7})
    put(books, ASKS, {50: 9})
    assert held(books, 0, ASKS) == {50: 9}


def test_books_and_sides_are_apart(books: Books) -> None:
    put(books, BIDS, {1: 1}, i=0)
    put(books, ASKS, {2: 2}, i=1)
    assert [held(books, i, s) for i in (0, 1) for s in (BIDS, ASKS)] == [{1: 1}, {}, {}, {2: 2}]
    clear(books, 1)
    assert held(books, 1, ASKS) == {}
    assert held(books, 0, BIDS) == {1: 1}


def test_a_full_leaf_splits_into_halves(books: Books) -> None:
    put(books, BIDS, dict.fromkeys(range(1, LEAF_LEVELS + 1), 1))
    rec = books.sides[BIDS]
    assert rec.leaves_n == 1
    put(books, BIDS, {LEAF_LEVELS + 1: 1})
    assert [int(rec.counts[n]) for n in rec.leaves[: rec.leaves_n]] == [32, 33]
    assert sorted(held(books, 0, BIDS)) == list(range(1, LEAF_LEVELS + 2))


def test_thin_neighbours_become_one_leaf(books: Books) -> None:
    put(books, BIDS, dict.fromkeys(range(LEAF_LEVELS + 1), 1))
    rec = books.sides[BIDS]
    for ticks in range(0, LEAF_LEVELS + 1, 2):
        assert rec.leaves_n == 2, f"{rec.levels_n} levels do not belong into one leaf yet"
        put(books, BIDS, {ticks: 0})
    assert (rec.leaves_n, rec.levels_n) == (1, LEAF_MERGE_LEVELS)
    assert rec.used_n == rec.free_n + rec.leaves_n == 2
    assert sorted(held(books, 0, BIDS)) == list(range(1, LEAF_LEVELS + 1, 2))


def test_an_emptied_leaf_is_free(books: Books) -> None:
    put(books, BIDS, dict.fromkeys(range(2 * LEAF_LEVELS), 1))
    rec = books.sides[BIDS]
    leaves_n = int(rec.leaves_n)
    put(books, BIDS, dict.fromkeys(range(LEAF_MERGE_LEVELS), 0))
    assert (rec.leaves_n, rec.free_n) == (leaves_n - 1, 1)
    put(books, BIDS, dict.fromkeys(range(2 * LEAF_LEVELS), 0))
    assert (rec.leaves_n, rec.levels_n, rec.free_n) == (0, 0, rec.used_n)


@pytest.mark.parametrize("side", [BIDS, ASKS])
def test_a_full_side_drops_the_farthest(books: Books, side: int) -> None:
    counters = make_counters()
    ticks = np.arange(1, BOOK_LEVELS_MAX + 1, dtype=np.int64) * 2
    set_levels(books.sides[side], ticks, np.ones(len(ticks), np.int64), counters)
    nearest, farthest = (ticks[-1], ticks[0]) if side == BIDS else (ticks[0], ticks[-1])
    outwards = -1 if side == BIDS else 1

    set_level(books, 0, side, int(farthest) + outwards, 5, counters)
    assert counters[Counter.LEVELS_PRUNED, 0] == 1
    assert int(farthest) + outwards not in held(books, 0, side), "the new one was the farthest"
    set_level(books, 0, side, int(farthest), 7, counters)
    assert counters[Counter.LEVELS_PRUNED, 0] == 1, "it was there"
    set_level(books, 0, side, int(nearest) - outwards, 5, counters)
    assert counters[Counter.LEVELS_PRUNED, 0] == 2
    after = held(books, 0, side)
    assert len(after) == BOOK_LEVELS_MAX
    assert int(farthest) not in after
    assert best_ticks(books, 0, side) == nearest - outwards


@pytest.mark.parametrize("count", [0, 1, VIEW_LEVELS - 1, VIEW_LEVELS, 200])
def test_view_is_best_first_and_zero_behind(books: Books, count: int) -> None:
    views = records(2, MARKET)
    view = views[1]
    for name in ("bids_ticks", "bids_lots", "asks_ticks", "asks_lots"):
        view[name][:] = 99
    put(books, BIDS, {1000 - 3 * k: k + 1 for k in range(count)})
    put(books, ASKS, {1001 + 3 * k: k + 1 for k in range(count)})
    books.heads[0].state = BookState.LIVE
    copy_view(books, 0, view)
    n = min(count, VIEW_LEVELS)
    zeros = [0] * (VIEW_LEVELS - n)
    assert (view.bid_n, view.ask_n) == (n, n)
    assert view.bids_ticks.tolist() == [1000 - 3 * k for k in range(n)] + zeros
    assert view.asks_ticks.tolist() == [1001 + 3 * k for k in range(n)] + zeros
    assert view.bids_lots.tolist() == view.asks_lots.tolist() == list(range(1, n + 1)) + zeros
    assert not views[0].bids_ticks.any()


@pytest.mark.parametrize("state", [s for s in BookState if s != BookState.LIVE])
def test_a_book_that_is_not_live_shows_nothing(books: Books, state: BookState) -> None:
    view = records(1, MARKET)[0]
    put(books, BIDS, {10: 1})
    books.heads[0].state = BookState.LIVE
    copy_view(books, 0, view)
    assert view.bid_n == 1
    books.heads[0].state = state
    copy_view(books, 0, view)
    assert view.bid_n == view.ask_n == 0
    assert not view.bids_ticks.any()
    assert not view.bids_lots.any()


@pytest.mark.parametrize("count", [0, INSTRUMENTS_MAX + 1])
def test_how_many_books(count: int) -> None:
    with pytest.raises(ValueError, match="books"):
        make_books(count)


def test_heads_may_be_shared() -> None:
    heads = make_books(3).heads
    books = make_books(3, heads)
    assert books.heads is heads
    assert len(books.sides) == len(books.tops) == SIDES * 3
