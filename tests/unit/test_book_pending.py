"""Which event continues a book, and the buffer of those that wait (appliance.hot.book.pending)."""

import pytest

from appliance.abi.book import ASKS, BIDS, Anchor
from appliance.abi.counters import Counter
from appliance.abi.limits import LEVELS_PER_FRAME_MAX, PENDING_DIFFS_MAX, PENDING_LEVELS_MAX
from appliance.abi.market import Market
from appliance.hot.book.pending import BEYOND, CONTINUES, OLD, verdict_of
from tests.oracle.reference_book import Diff, Levels, Snapshot
from tests.strategies.books import HotBook


def spot(update_id: int, bids: Levels, asks: Levels) -> Diff:
    return Diff(update_id, update_id, -1, bids, asks)


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (90, 99, OLD),
        (95, 100, OLD),
        (100, 101, CONTINUES),
        (101, 101, CONTINUES),
        (101, 120, CONTINUES),
        (102, 120, BEYOND),
    ],
)
@pytest.mark.parametrize("anchor", [Anchor.SNAPSHOT, Anchor.EVENT])
def test_spot_ids(anchor: Anchor, first: int, last: int, verdict: int) -> None:
    assert verdict_of(int(Market.SPOT), int(anchor), 100, first, last, -1) == verdict


@pytest.mark.parametrize(
    ("anchor", "previous", "last", "verdict"),
    [
        (Anchor.SNAPSHOT, 80, 99, OLD),
        (Anchor.SNAPSHOT, 90, 100, CONTINUES),
        (Anchor.SNAPSHOT, 90, 110, CONTINUES),
        (Anchor.SNAPSHOT, 100, 110, CONTINUES),
        (Anchor.SNAPSHOT, 101, 110, BEYOND),
        (Anchor.SNAPSHOT, -1, 110, BEYOND),
        (Anchor.EVENT, 80, 99, OLD),
        (Anchor.EVENT, 90, 100, OLD),
        (Anchor.EVENT, 100, 110, CONTINUES),
        (Anchor.EVENT, 99, 110, BEYOND),
        (Anchor.EVENT, 101, 110, BEYOND),
        (Anchor.EVENT, -1, 110, BEYOND),
    ],
)
def test_usdm_ids(anchor: Anchor, previous: int, last: int, verdict: int) -> None:
    found = verdict_of(int(Market.USDM), int(anchor), 100, previous + 5, last, previous)
    assert found == verdict


def test_too_many_differences_drop_the_oldest() -> None:
    book = HotBook("spot")
    more = 5
    for k in range(PENDING_DIFFS_MAX + more):
        book.depth(spot(k, {50 + k % 7: k + 1}, {}))
    assert book.head.dropped_n == book.counter(Counter.DIFFS_DROPPED) == more
    book.snapshot(Snapshot(more - 2, {}, {}))
    assert (book.state, book.head.snapshots_refused_n) == ("SYNCING", 1)
    book.snapshot(Snapshot(more - 1, {}, {}))
    last = PENDING_DIFFS_MAX + more - 1
    assert (book.state, book.head.applied_n) == ("LIVE", PENDING_DIFFS_MAX)
    assert book.head.last_id == last
    newest = {50 + k % 7: k + 1 for k in range(more, last + 1)}
    assert book.held(BIDS) == newest


@pytest.mark.compiled
def test_too_many_levels_drop_the_oldest() -> None:
    """Blocks of uneven size, so that the level ring wraps within one."""
    book = HotBook("spot")
    kept: list[tuple[int, Levels, Levels]] = []
    for k in range(60):
        size = LEVELS_PER_FRAME_MAX if k % 9 == 0 else 1 + 977 * k % 5_000
        bids = dict.fromkeys(range(1, size + 1), k + 1)
        asks = dict.fromkeys(range(20_000, 20_000 + size // 2), k + 1)
        book.depth(spot(k, bids, asks))
        kept.append((k, bids, asks))
        first = int(book.head.dropped_n)
        assert sum(len(b) + len(a) for _, b, a in kept[first:]) <= PENDING_LEVELS_MAX
    assert first > 0
    book.snapshot(Snapshot(first - 2, {}, {}))
    assert book.head.snapshots_refused_n == 1
    book.snapshot(Snapshot(first - 1, {}, {}))
    bids_after: Levels = {}
    asks_after: Levels = {}
    for _, bids, asks in kept[first:]:
        bids_after |= bids
        asks_after |= asks
    assert (book.state, book.held(BIDS), book.held(ASKS)) == ("LIVE", bids_after, asks_after)
    assert book.counter(Counter.DIFFS_DROPPED) == first
