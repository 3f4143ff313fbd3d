"""Our best levels against the venue's bookTicker of the same id (appliance.hot.book.parity)."""

import pytest

from appliance.abi.book import BIDS, LEVELS_CHANGED, STATE_CHANGED
from appliance.abi.counters import Counter
from appliance.abi.limits import PARITY_TOPS_MAX
from appliance.hot.book.parity import compare
from tests.oracle.reference_book import Diff, Snapshot
from tests.strategies.books import HotBook

OURS = 0
VENUE = 1
TOP = (99, 1, 101, 1)


def event(update_id: int, bids=None, asks=None) -> Diff:  # type: ignore[no-untyped-def]
    return Diff(update_id, update_id, -1, bids or {}, asks or {})


def live() -> HotBook:
    """A LIVE book at id 10 whose top is TOP."""
    book = HotBook("spot")
    book.snapshot(Snapshot(9, {99: 1}, {101: 1}))
    book.depth(event(10))
    assert (book.state, book.top()) == ("LIVE", TOP)
    return book


def counts(book: HotBook) -> tuple[int, int]:
    head = book.head
    found = int(head.compared_n), int(head.mismatched_n)
    shown = book.counter(Counter.PARITY_COMPARED), book.counter(Counter.PARITY_MISMATCHED)
    assert found == shown
    return found


def test_the_ticker_may_come_after_its_event() -> None:
    book = live()
    assert book.ticker(10, TOP) == 0
    assert (book.state, counts(book)) == ("LIVE", (1, 0))


def test_the_ticker_may_come_before_its_event() -> None:
    book = live()
    book.ticker(12, (98, 3, 101, 1))
    book.depth(event(11, {99: 2}))
    assert counts(book) == (0, 0)
    book.depth(event(12, {99: 0, 98: 3}))
    assert (book.state, counts(book)) == ("LIVE", (1, 0))


@pytest.mark.parametrize("field", range(4))
@pytest.mark.parametrize("ticker_first", [True, False])
def test_each_number_counts(field: int, ticker_first: bool) -> None:
    book = live()
    other = tuple(n + (k == field) for k, n in enumerate(TOP))
    if ticker_first:
        book.ticker(11, other)  # type: ignore[arg-type]
        flags = book.depth(event(11))
    else:
        book.depth(event(11))
        flags = book.ticker(11, other)  # type: ignore[arg-type]
    assert flags == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, counts(book)) == ("STALE", "MISMATCH", (1, 1))
    assert (book.top(), book.held(BIDS)) == ((0, 0, 0, 0), {})


def test_after_a_mismatch_only_a_snapshot_helps() -> None:
    book = live()
    book.ticker(10, (1, 1, 2, 2))
    book.depth(event(11))
    assert (book.state, book.reason) == ("STALE", "MISMATCH")
    book.snapshot(Snapshot(10, {99: 1}, {101: 1}))
    assert (book.state, book.head.resyncs_n) == ("LIVE", 1)
    book.ticker(11, TOP)
    assert (book.state, counts(book)) == ("LIVE", (2, 1))


def test_what_a_wrong_book_said_is_not_compared_again() -> None:
    book = live()
    for k in (11, 12, 13):
        book.depth(event(k))
    for k in (11, 12, 13):
        book.ticker(k, (1, 1, 2, 2))
    assert counts(book) == (1, 1)


def test_an_empty_side_equals_an_empty_side() -> None:
    book = live()
    book.depth(event(11, {}, {101: 0}))
    book.ticker(11, (99, 1, 0, 0))
    assert (book.state, counts(book)) == ("LIVE", (1, 0))


def test_events_that_waited_for_a_snapshot_are_compared_too() -> None:
    book = HotBook("spot")
    for k in (10, 11, 12):
        book.depth(event(k, {90 + k: 1}))
    book.ticker(10, (100, 1, 105, 1))
    book.ticker(11, (101, 1, 105, 1))
    book.snapshot(Snapshot(9, {99: 1}, {105: 1}))
    book.ticker(12, (102, 1, 105, 1))
    assert (book.state, counts(book)) == ("LIVE", (3, 0))


def test_a_mismatch_among_waiting_events_keeps_the_rest_waiting() -> None:
    book = HotBook("spot")
    for k in (10, 11, 12):
        book.depth(event(k, {90 + k: 1}))
    book.ticker(11, (1, 1, 2, 2))
    book.snapshot(Snapshot(9, {99: 1}, {105: 1}))
    assert (book.state, book.reason, book.head.applied_n) == ("STALE", "MISMATCH", 2)
    book.snapshot(Snapshot(11, {99: 1}, {105: 1}))
    assert (book.state, book.head.last_id) == ("LIVE", 12)


def test_ids_that_only_one_stream_has_are_skipped() -> None:
    book = live()
    for k in range(11, 200):
        if k % 3:
            book.depth(Diff(k - (k % 3 == 1), k, -1, {}, {}))
        if k % 2:
            book.ticker(k, TOP)
    both = sum(k % 3 != 0 and k % 2 == 1 for k in range(11, 200))
    assert (book.state, counts(book)) == ("LIVE", (both, 0))
    assert all(queue.tail - queue.head <= 2 for queue in book.books.tops)


def test_an_id_that_was_said_before_is_not_compared_again() -> None:
    book = live()
    book.ticker(10, TOP)
    book.ticker(10, (1, 1, 2, 2))
    book.ticker(9, (1, 1, 2, 2))
    assert (book.state, counts(book)) == ("LIVE", (1, 0))


def test_without_tickers_the_oldest_tops_are_dropped() -> None:
    book = live()
    more = 7
    for k in range(11, 10 + PARITY_TOPS_MAX + more):
        book.depth(event(k))
    assert book.counter(Counter.PARITY_DROPPED) == more
    book.ticker(10 + more - 1, TOP)
    assert counts(book) == (0, 0), "dropped"
    book.ticker(10 + more, TOP)
    assert counts(book) == (1, 0), "the oldest left"


def test_without_a_book_the_oldest_tickers_are_dropped() -> None:
    book = HotBook("spot")
    for k in range(PARITY_TOPS_MAX + 3):
        book.ticker(k + 1, TOP)
    assert book.counter(Counter.PARITY_DROPPED) == 3
    assert book.state == "EMPTY"


def test_reset_lets_ids_start_again() -> None:
    book = live()
    book.ticker(10, TOP)
    book.reset()
    book.snapshot(Snapshot(1, {99: 1}, {101: 1}))
    book.depth(event(2))
    book.ticker(2, TOP)
    assert (book.state, counts(book)) == ("LIVE", (2, 0))


def test_books_do_not_mix() -> None:
    book = HotBook("spot", 2, 1)
    compare(book.books, 0, OURS, 5, *TOP, book.counters)
    compare(book.books, 1, VENUE, 5, *TOP, book.counters)
    assert counts(book) == (0, 0)
    assert compare(book.books, 0, VENUE, 5, *TOP, book.counters) == 0
    assert book.books.heads[0].compared_n == 1
