"""Any delivery of events: LIVE is the venue's own book, everything else follows the rules."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.book import ASKS, BIDS, LEVELS_CHANGED, STATE_CHANGED
from appliance.abi.counters import Counter
from appliance.hot.jit import JIT_DISABLED
from tests.oracle.reference_book import (
    Diff,
    Levels,
    ReferenceBook,
    Snapshot,
    change,
    top_of,
)
from tests.strategies.books import HotBook

EXAMPLES = 8 if JIT_DISABLED else 40


class Venue:
    """The book at the venue: events in order, and what the book was after each."""

    def __init__(self, market: str, rng: np.random.Generator, events_n: int) -> None:
        self.market, self.rng = market, rng
        self.bids: Levels = {1000 - k: 5 for k in range(1, 8)}
        self.asks: Levels = {1000 + k: 5 for k in range(1, 8)}
        self.events: list[Diff] = []
        self.last = 100
        self.after: dict[int, tuple[Levels, Levels]] = {}
        self.partly: list[tuple[int, Levels, Levels]] = []  # (id, book) also within an event
        self._note(self.last)
        for _ in range(events_n):
            self._event()

    def _note(self, update_id: int) -> None:
        self.partly.append((update_id, dict(self.bids), dict(self.asks)))

    def _changes(self, mid: int, sign: int) -> Levels:
        ticks = mid + sign * self.rng.integers(1, 12, self.rng.integers(0, 5))
        return {int(t): int(self.rng.integers(0, 4)) for t in ticks}

    def _event(self) -> None:
        previous = self.last
        jump = int(self.rng.integers(0, 5)) if self.market == "usdm" else 0
        first = previous + 1 + jump
        bids, asks = self._changes(1000, -1), self._changes(1000, 1)
        self.last = first + int(self.rng.integers(1, 6))
        if jump:
            self._note(int(self.rng.integers(previous, first)))
        change(self.bids, bids)  # bids first: a snapshot may fall between
        self._note(int(self.rng.integers(first, self.last)))
        change(self.asks, asks)
        self._note(self.last)
        pu = previous if self.market == "usdm" else -1
        self.events.append(Diff(first, self.last, pu, bids, asks))
        self.after[self.last] = (dict(self.bids), dict(self.asks))

    def snapshot(self, behind: int) -> Snapshot:
        return Snapshot(*self.partly[max(0, min(behind, len(self.partly) - 1))])


def _agree(hot: HotBook, slow: ReferenceBook) -> None:
    assert (hot.state, hot.reason) == (slow.state, slow.reason)
    assert hot.top() == slow.top()
    assert hot.held(BIDS) == slow.bids
    assert hot.held(ASKS) == slow.asks
    head = hot.head
    if slow.loaded or slow.chained:
        assert head.last_id == slow.local
    counts = {
        "applied": (head.applied_n, None),
        "ignored": (head.ignored_n, Counter.DIFFS_IGNORED),
        "buffered": (head.buffered_n, Counter.DIFFS_BUFFERED),
        "gaps": (head.gaps_n, Counter.GAPS),
        "resyncs": (head.resyncs_n, Counter.RESYNCS),
        "crossed": (head.crossed_n, Counter.CROSSED),
        "refused": (head.snapshots_refused_n, Counter.SNAPSHOTS_REFUSED),
        "silences": (head.silences_n, Counter.SILENCES),
    }
    for name, (value, counter) in counts.items():
        assert value == slow.counts[name], name
        assert counter is None or hot.counter(counter) == value
    assert head.compared_n == slow.tops.compared == hot.counter(Counter.PARITY_COMPARED)
    assert head.mismatched_n == slow.tops.mismatched == hot.counter(Counter.PARITY_MISMATCHED)


def _deliver(venue: Venue, rng: np.random.Generator, faults: float) -> list[tuple[str, object]]:
    """The venue's events as a bad connection delivers them, with snapshots and tickers between."""
    script: list[tuple[str, object]] = []
    for k, diff in enumerate(venue.events):
        if rng.random() < faults:
            what = rng.integers(0, 4)
            if what == 0:
                continue  # lost
            if what == 1:
                script.append(("depth", diff))  # twice
            if what == 2 and k:
                script.append(("depth", venue.events[int(rng.integers(0, k))]))  # again, late
            if what == 3 and k + 1 < len(venue.events):
                script.append(("depth", venue.events[k + 1]))  # early, and again in its place
        if rng.random() < 0.3:
            script.append(("ticker", (diff.last, top_of(*venue.after[diff.last]))))
        script.append(("depth", diff))
        if rng.random() < 0.3:
            script.append(("ticker", (diff.last, top_of(*venue.after[diff.last]))))
        if rng.random() < 0.25:
            newest = next(n for n, at in enumerate(venue.partly) if at[0] == diff.last)
            script.append(("snapshot", venue.snapshot(newest + int(rng.integers(-9, 5)))))
        if rng.random() < 0.02:
            script.append(("silent", None))
        if rng.random() < 0.01:
            script.append(("reset", None))
        if rng.random() < faults / 10:
            script.append(("ticker", (diff.last + 1, (1, 1, 2, 2))))  # ids that nobody has
    return script


def _step(hot: HotBook, slow: ReferenceBook, what: str, said: object, now_ns: int) -> int:
    if what == "depth":
        slow.depth(said)  # type: ignore[arg-type]
        return hot.depth(said, now_ns)  # type: ignore[arg-type]
    if what == "snapshot":
        slow.snapshot(said)  # type: ignore[arg-type]
        return hot.snapshot(said, now_ns)  # type: ignore[arg-type]
    if what == "ticker":
        slow.ticker(*said)  # type: ignore[misc]
        return hot.ticker(*said, now_ns)  # type: ignore[misc]
    if what == "silent":
        slow.silent()
        return hot.silent(now_ns + 10**9, 10**6)
    slow.reset()
    return hot.reset(now_ns)


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(["spot", "usdm"]),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_live_is_the_venues_book_and_everything_else_the_rules(
    market: str, seed: int, faults: float
) -> None:
    rng = np.random.default_rng(seed)
    venue = Venue(market, rng, 20 if JIT_DISABLED else 60)
    hot, slow = HotBook(market, 2, 1), ReferenceBook(market)
    for n, (what, said) in enumerate(_deliver(venue, rng, faults)):
        before = (hot.state, hot.reason, hot.top(), int(hot.head.last_id))
        gaps_n = int(hot.head.gaps_n)
        flags = _step(hot, slow, what, said, n + 1)
        _agree(hot, slow)
        after = (hot.state, hot.reason, hot.top(), int(hot.head.last_id))
        # Within one snapshot a book may live and stumble over the next gap: news, but the same name
        changed = before[:2] != after[:2] or gaps_n != hot.head.gaps_n
        assert bool(flags & STATE_CHANGED) == changed
        if before[2] != after[2] or (hot.state == "LIVE" and before[3] != after[3]):
            assert flags & LEVELS_CHANGED
        if hot.state == "LIVE":
            assert (hot.held(BIDS), hot.held(ASKS)) == venue.after[int(hot.head.last_id)]
    if faults == 0.0:
        assert hot.head.gaps_n == 0
        assert hot.head.mismatched_n == 0


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(["spot", "usdm"]), st.integers(0, 2**32), st.integers(5, 25))
def test_one_lost_event_is_one_gap_and_a_snapshot_mends_it(
    market: str, seed: int, lost: int
) -> None:
    venue = Venue(market, np.random.default_rng(seed), 40)
    hot = HotBook(market)
    hot.depth(venue.events[0])
    hot.snapshot(Snapshot(*venue.partly[0]))
    for diff in venue.events[1:lost] + venue.events[lost + 1 : 35]:
        hot.depth(diff)
    assert (hot.state, hot.reason, hot.head.gaps_n) == ("STALE", "GAP", 1)
    assert hot.top() == (0, 0, 0, 0)
    bids, asks = venue.after[venue.events[30].last]
    hot.snapshot(Snapshot(venue.events[30].last, bids, asks))
    for diff in venue.events[35:]:
        hot.depth(diff)
    assert (hot.state, hot.head.gaps_n, hot.head.resyncs_n) == ("LIVE", 1, 1)
    assert (hot.held(BIDS), hot.held(ASKS)) == (venue.bids, venue.asks)
