"""The states of a book and what brings them about.

Covers appliance.hot.book.sync and appliance.hot.book.state.
"""

import pytest

from appliance.abi.book import ASKS, BIDS, LEVELS_CHANGED, STATE_CHANGED, Anchor
from appliance.abi.counters import Counter
from appliance.abi.market import Market
from tests.oracle.reference_book import Diff, Snapshot
from tests.strategies.books import HotBook

NOTHING = (0, 0, 0, 0)
TOP = (99, 1, 101, 1)


def spot(first: int, last: int, bids=None, asks=None) -> Diff:  # type: ignore[no-untyped-def]
    return Diff(first, last, -1, bids or {}, asks or {})


def usdm(previous: int, last: int, bids=None, asks=None) -> Diff:  # type: ignore[no-untyped-def]
    return Diff(previous + 2, last, previous, bids or {}, asks or {})


def snapshot(last: int) -> Snapshot:
    return Snapshot(last, {99: 1, 98: 2}, {101: 1, 102: 2})


def live(market: str = "spot", now_ns: int = 10) -> HotBook:
    """A LIVE book at id 20."""
    book = HotBook(market)
    book.depth(spot(11, 20) if market == "spot" else usdm(10, 20), now_ns)
    book.snapshot(snapshot(15), now_ns)
    assert (book.state, book.reason, book.top()) == ("LIVE", "NONE", TOP)
    return book


# --- getting live --------------------------------------------------------------------------------


def test_a_book_of_an_unknown_market_never_syncs() -> None:
    book = HotBook("spot")
    book.head.market = Market.UNKNOWN
    book.depth(spot(11, 20))
    book.snapshot(snapshot(15))
    assert (book.state, book.head.snapshots_refused_n) == ("SYNCING", 1)
    book.reset()
    book.snapshot(snapshot(20))
    book.depth(spot(21, 22))
    assert (book.state, book.head.applied_n) == ("SYNCING", 0)


def test_differences_wait_for_a_snapshot() -> None:
    book = HotBook("spot")
    assert book.state == "EMPTY"
    assert book.depth(spot(1, 10, {50: 5})) == STATE_CHANGED
    assert book.depth(spot(11, 20, {99: 7})) == 0
    assert (book.state, book.top()) == ("SYNCING", NOTHING)
    assert book.snapshot(snapshot(12)) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.top()) == ("LIVE", (99, 7, 101, 1))
    assert book.held(BIDS) == {99: 7, 98: 2}
    head = book.head
    assert (head.last_id, head.applied_n, head.ignored_n, head.buffered_n) == (20, 1, 1, 2)


def test_a_snapshot_that_is_too_old_is_refused() -> None:
    book = HotBook("spot")
    book.depth(spot(11, 20))
    assert book.snapshot(snapshot(9)) == 0
    assert (book.state, book.counter(Counter.SNAPSHOTS_REFUSED)) == ("SYNCING", 1)
    book.snapshot(snapshot(10))
    assert book.state == "LIVE"


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_a_snapshot_first_waits_for_the_event_that_continues(market: str) -> None:
    book = HotBook(market)
    old, first = (spot(5, 14), spot(15, 20)) if market == "spot" else (usdm(5, 14), usdm(14, 20))
    assert book.snapshot(snapshot(15)) == STATE_CHANGED
    assert (book.state, book.top()) == ("SYNCING", NOTHING)
    assert book.depth(old) == 0
    assert (book.state, book.head.ignored_n) == ("SYNCING", 1)
    assert book.depth(first) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.top(), book.head.resyncs_n) == ("LIVE", TOP, 0)


def test_an_event_beyond_a_waiting_snapshot_discards_it() -> None:
    book = HotBook("spot")
    book.snapshot(snapshot(15))
    assert book.depth(spot(17, 20)) == 0
    head = book.head
    assert (book.state, head.anchor, head.gaps_n) == ("SYNCING", Anchor.NONE, 0)
    assert (head.snapshots_refused_n, head.buffered_n) == (1, 1)
    book.snapshot(snapshot(16))
    assert (book.state, head.last_id) == ("LIVE", 20)


def test_a_newer_snapshot_replaces_a_waiting_one_and_an_older_does_not() -> None:
    book = HotBook("spot")
    book.snapshot(snapshot(15))
    book.snapshot(Snapshot(14, {1: 1}, {2: 1}))
    assert (book.head.last_id, book.held(BIDS)) == (15, {99: 1, 98: 2})
    book.snapshot(Snapshot(18, {97: 1}, {103: 1}))
    book.depth(spot(19, 19))
    assert book.top() == (97, 1, 103, 1)


def test_usdm_applies_the_event_of_the_snapshots_own_id_again() -> None:
    book = HotBook("usdm")
    book.depth(usdm(10, 20, {99: 1}))
    book.snapshot(snapshot(20))
    assert (book.state, book.head.applied_n, book.top()) == ("LIVE", 1, TOP)


# --- staying live --------------------------------------------------------------------------------


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_old_events_are_ignored_and_snapshots_too(market: str) -> None:
    book = live(market)
    old = spot(11, 20, {99: 0}) if market == "spot" else usdm(10, 20, {99: 0})
    assert book.depth(old) == 0
    assert book.snapshot(Snapshot(30, {1: 1}, {2: 1})) == 0
    assert (book.state, book.top(), book.head.last_id) == ("LIVE", TOP, 20)
    assert (book.head.ignored_n, book.counter(Counter.DIFFS_IGNORED)) == (1, 1)
    assert book.head.snapshots_refused_n == 0


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_a_gap_takes_the_levels_away_at_once(market: str) -> None:
    book = live(market)
    events = [(22, 25), (26, 30)] if market == "spot" else [(21, 25), (25, 30)]
    make = spot if market == "spot" else usdm
    assert book.depth(make(*events[0]), 50) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, book.top()) == ("STALE", "GAP", NOTHING)
    assert (book.held(BIDS), book.held(ASKS), book.head.since_ns) == ({}, {}, 50)
    book.depth(make(*events[1], {99: 8}))
    assert (book.head.gaps_n, book.counter(Counter.GAPS)) == (1, 1)
    assert book.snapshot(snapshot(24)) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, book.top()) == ("LIVE", "NONE", (99, 8, 101, 1))
    assert (book.head.resyncs_n, book.counter(Counter.RESYNCS), book.head.lives_n) == (1, 1, 2)


def test_a_gap_within_the_buffer_keeps_what_is_behind_it() -> None:
    book = HotBook("spot")
    for ids in ((1, 10), (11, 20), (23, 30), (31, 40)):
        book.depth(spot(*ids))
    book.snapshot(snapshot(5))
    assert (book.state, book.reason, book.head.gaps_n) == ("STALE", "GAP", 1)
    assert (book.head.applied_n, book.top()) == (2, NOTHING)
    book.snapshot(snapshot(15))
    assert (book.state, book.head.snapshots_refused_n) == ("STALE", 1)
    book.snapshot(snapshot(25))
    assert (book.state, book.head.last_id, book.head.gaps_n) == ("LIVE", 40, 1)


def test_a_crossed_book_needs_a_snapshot() -> None:
    book = live()
    assert book.depth(spot(21, 22, {101: 5})) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, book.top()) == ("STALE", "CROSSED", NOTHING)
    assert (book.head.crossed_n, book.counter(Counter.CROSSED)) == (1, 1)
    book.depth(spot(23, 24))
    assert (book.state, book.head.gaps_n) == ("STALE", 0)
    book.snapshot(snapshot(23))
    assert (book.state, book.top()) == ("LIVE", TOP)


def test_a_side_may_be_empty() -> None:
    book = live()
    book.depth(spot(21, 22, {}, {101: 0, 102: 0}))
    assert (book.state, book.top()) == ("LIVE", (99, 1, 0, 0))
    book.depth(spot(23, 24, {200: 1}))
    assert (book.state, book.top()) == ("LIVE", (200, 1, 0, 0))


# --- time ----------------------------------------------------------------------------------------


def test_silence_hides_the_book_until_the_next_event() -> None:
    book = live(now_ns=1_000)
    assert book.silent(1_500, 500) == 0
    assert book.silent(1_501, 500) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, book.top()) == ("STALE", "SILENT", NOTHING)
    assert book.silent(1_600, 500) == 0
    assert book.snapshot(snapshot(30)) == 0, "the chain is whole: no snapshot is needed"
    assert book.depth(spot(21, 22, {99: 4}), 1_700) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, book.top()) == ("LIVE", "NONE", (99, 4, 101, 1))
    head = book.head
    assert (head.silences_n, book.counter(Counter.SILENCES), head.resyncs_n) == (1, 1, 0)
    book.silent(1_800, 500)
    assert (head.first_ns, head.last_ns, head.live_ns) == (1_000, 1_800, 501 + 100)


def test_a_silent_book_still_sees_the_gap() -> None:
    book = live(now_ns=1_000)
    book.silent(9_000, 500)
    book.depth(spot(30, 31), 9_100)
    assert (book.state, book.reason, book.head.gaps_n) == ("STALE", "GAP", 1)


@pytest.mark.parametrize("unset", [0, -1])
def test_without_a_limit_every_book_is_silent(unset: int) -> None:
    book = live(now_ns=1_000)
    book.silent(1_000, unset)
    assert book.reason == "SILENT"


def test_a_clock_that_steps_back_does_no_harm() -> None:
    book = live(now_ns=1_000)
    assert book.silent(10, 500) == 0
    book.depth(spot(21, 22), 20)
    assert (book.state, book.head.last_ns, book.head.live_ns) == ("LIVE", 1_000, 0)


def test_times_of_an_event() -> None:
    book = HotBook("spot")
    book.depth(spot(11, 20), now_ns=70, event_ns=60)
    book.snapshot(snapshot(15), now_ns=90)
    head = book.head
    assert (head.last_event_ns, head.exchange_ns, head.since_ns) == (70, 60, 90)
    book.depth(spot(21, 22), now_ns=100, event_ns=95)
    assert (head.last_event_ns, head.exchange_ns, head.since_ns) == (100, 95, 90)


# --- reset ---------------------------------------------------------------------------------------


def test_reset_forgets_all_but_the_statistics() -> None:
    book = live()
    assert book.reset(77) == LEVELS_CHANGED | STATE_CHANGED
    assert (book.state, book.reason, book.top()) == ("STALE", "RESET", NOTHING)
    assert (book.head.last_id, book.head.since_ns, book.head.applied_n) == (-1, 77, 1)
    book.depth(spot(2, 3))  # another connection, lower ids
    book.snapshot(snapshot(1))
    assert (book.state, book.head.resyncs_n, book.head.gaps_n) == ("LIVE", 1, 0)


def test_reset_before_it_was_live() -> None:
    book = HotBook("spot")
    book.depth(spot(1, 2))
    assert book.reset() == STATE_CHANGED
    assert (book.state, book.reason) == ("EMPTY", "RESET")
    book.snapshot(snapshot(0))
    assert book.state == "SYNCING"
    assert book.head.applied_n == 0, "the buffer is empty"
