"""Books of the hot loop as tests see them: fed with dicts, read back as dicts, checked inside."""

from itertools import pairwise

import numpy as np

from appliance.abi.book import ASKS, BIDS, KEYS, LOTS, SIDES
from appliance.abi.counters import Counter
from appliance.abi.layout import records
from appliance.abi.limits import (
    BOOK_LEVELS_MAX,
    COUNTERS_MAX,
    LEAF_LEVELS,
    LEAF_MERGE_LEVELS,
    LEAVES_MAX,
    LEVELS_PER_FRAME_MAX,
)
from appliance.abi.market import DECODED, LEVEL_ROWS, BookReason, BookState, Market
from appliance.hot.book.levels import make_books
from appliance.hot.book.sync import check_silence, on_depth, on_snapshot, on_ticker, reset
from tests.oracle.reference_book import Diff, Levels, Snapshot, Top

MARKETS = {"spot": Market.SPOT, "usdm": Market.USDM}


def make_counters() -> np.ndarray:
    return np.zeros((COUNTERS_MAX, 16), np.int64)


def held(books, i: int, side: int) -> Levels:  # type: ignore[no-untyped-def]
    """The levels of a side, worst first. Asserts that its structure is sound."""
    rec = books.sides[SIDES * i + side]
    found: list[tuple[int, int]] = []
    numbers = [int(n) for n in rec.leaves[: rec.leaves_n]]
    free = [int(n) for n in rec.free[: rec.free_n]]
    counts = [int(rec.counts[n]) for n in numbers]
    assert sorted(numbers + free) == list(range(rec.used_n)), "a leaf is lost, or used twice"
    assert rec.used_n <= LEAVES_MAX
    assert sum(counts) == rec.levels_n <= BOOK_LEVELS_MAX
    assert all(1 <= n <= LEAF_LEVELS for n in counts)
    pairs = pairwise(counts)
    assert all(a + b > LEAF_MERGE_LEVELS for a, b in pairs), f"too few in neighbours: {counts}"
    for position, (number, count) in enumerate(zip(numbers, counts, strict=True)):
        keys = rec.levels[number, KEYS, :count].tolist()
        assert rec.lows[position] == keys[0]
        found += zip(keys, rec.levels[number, LOTS, :count].tolist(), strict=True)
    keys = [key for key, _ in found]
    assert all(a < b for a, b in pairwise(keys)), "keys do not rise strictly"
    sign = 1 if side == BIDS else -1
    return {sign * key: lots for key, lots in found}


class HotBook:
    """Book ``i`` of freshly made books, with the scratch that the decoder would fill."""

    def __init__(self, market: str, books_n: int = 1, i: int = 0) -> None:
        self.i = i
        self.books = make_books(books_n)
        self.books.heads[i].market = MARKETS[market]
        self.counters = make_counters()
        self.decoded = records(1, DECODED)
        self.levels = np.zeros((LEVEL_ROWS, LEVELS_PER_FRAME_MAX), np.int64)

    @property
    def head(self):  # type: ignore[no-untyped-def]
        return self.books.heads[self.i]

    @property
    def state(self) -> str:
        return BookState(self.head.state).name

    @property
    def reason(self) -> str:
        return BookReason(self.head.reason).name

    def counter(self, counter: Counter) -> int:
        return int(self.counters[counter, 0])

    def held(self, side: int) -> Levels:
        return held(self.books, self.i, side)

    def top(self) -> Top:
        head = self.head
        return tuple(  # type: ignore[return-value]
            int(n) for n in (head.bid_ticks, head.bid_lots, head.ask_ticks, head.ask_lots)
        )

    def _fill(self, row: int, side: Levels, best: int) -> int:
        for k, (ticks, lots) in enumerate(sorted(side.items(), key=lambda level: best * level[0])):
            self.levels[row, k] = ticks
            self.levels[row + 1, k] = lots
        return len(side)

    def _load(self, last: int, bids: Levels, asks: Levels) -> None:
        rec = self.decoded[0]
        rec.last_id = last
        rec.bid_n = self._fill(0, bids, -1)
        rec.ask_n = self._fill(2, asks, 1)

    def depth(self, diff: Diff, now_ns: int = 1, event_ns: int = 0) -> int:
        self._load(diff.last, diff.bids, diff.asks)
        rec = self.decoded[0]
        rec.first_id, rec.previous_id, rec.event_ns = diff.first, diff.previous, event_ns
        return int(on_depth(self.books, self.i, self.decoded, self.levels, self.counters, now_ns))

    def snapshot(self, snapshot: Snapshot, now_ns: int = 1) -> int:
        self._load(snapshot.last, snapshot.bids, snapshot.asks)
        return int(
            on_snapshot(self.books, self.i, self.decoded, self.levels, self.counters, now_ns)
        )

    def ticker(self, update_id: int, top: Top, now_ns: int = 1) -> int:
        rec = self.decoded[0]
        rec.last_id = update_id
        rec.bid_ticks, rec.bid_lots, rec.ask_ticks, rec.ask_lots = top
        return int(on_ticker(self.books, self.i, self.decoded, self.counters, now_ns))

    def silent(self, now_ns: int, silence_max_ns: int) -> int:
        return int(check_silence(self.books, self.i, now_ns, silence_max_ns, self.counters))

    def reset(self, now_ns: int = 1) -> int:
        return int(reset(self.books, self.i, BookReason.RESET, now_ns))


__all__ = ["ASKS", "BIDS", "HotBook", "held", "make_counters"]
