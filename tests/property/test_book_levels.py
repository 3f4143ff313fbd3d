"""Any sequence of level changes against dicts that prune, in every order that hurts."""

from bisect import insort

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.book import ASKS, BIDS, KEYS
from appliance.abi.counters import Counter
from appliance.abi.limits import BOOK_LEVELS_MAX, LEAF_LEVELS, LEAVES_MAX
from appliance.hot.book.levels import best_lots, best_ticks, level_count, make_books, set_level
from appliance.hot.book.side import set_levels
from appliance.hot.jit import JIT_DISABLED
from tests.oracle.reference_book import (
    Levels,
    best_first,
    change,
)
from tests.strategies.books import held, make_counters

EXAMPLES = 8 if JIT_DISABLED else 40
CHANGES = 1_500 if JIT_DISABLED else 12_000
CHUNK = 500 if JIT_DISABLED else 3_000


class PrunedSide:
    """A dict that holds BOOK_LEVELS_MAX levels at most: the farthest goes, or the new one."""

    def __init__(self, side: int) -> None:
        self.sign = 1 if side == BIDS else -1
        self.levels: Levels = {}
        self.keys: list[int] = []
        self.pruned = 0

    def set(self, ticks: int, lots: int) -> None:
        key = self.sign * ticks
        if ticks not in self.levels:
            if not lots:
                return
            if len(self.levels) == BOOK_LEVELS_MAX:
                self.pruned += 1
                if key < self.keys[0]:
                    return
                del self.levels[self.sign * self.keys.pop(0)]
            insort(self.keys, key)
        elif not lots:
            self.keys.remove(key)
        change(self.levels, {ticks: lots})


CHANGE = st.tuples(st.integers(1, 300), st.one_of(st.just(0), st.integers(1, 10**12)))


@settings(max_examples=EXAMPLES)
@given(st.sampled_from([BIDS, ASKS]), st.lists(CHANGE, max_size=40 if JIT_DISABLED else 300))
def test_each_change_leaves_a_sound_side(side: int, changes: list[tuple[int, int]]) -> None:
    books, counters = make_books(2), make_counters()
    expected: Levels = {}
    for ticks, lots in changes:
        set_level(books, 1, side, ticks, lots, counters)
        change(expected, {ticks: lots})
        assert held(books, 1, side) == expected
        best = best_first(expected, side == BIDS)[0] if expected else (0, 0)
        assert (best_ticks(books, 1, side), best_lots(books, 1, side)) == best
        assert level_count(books, 1, side) == len(expected)
    assert not any(held(books, 0, s) for s in (BIDS, ASKS))
    assert not held(books, 1, 1 - side)


def _near(rng: np.random.Generator, n: int) -> np.ndarray:
    drift = np.cumsum(rng.integers(-2, 3, n))
    return 1_000_000 + drift - rng.geometric(0.05, n)


def _thin_out(rng: np.random.Generator, n: int) -> np.ndarray:
    return 1_000_000 + rng.permutation(n) // 2


PATTERNS = {
    "near the touch": _near,
    "everywhere": lambda rng, n: rng.integers(1, 12_000, n),
    "few": lambda rng, n: rng.integers(1, LEAF_LEVELS + 2, n),
    "ascending": lambda rng, n: np.arange(1, n + 1),
    "descending": lambda rng, n: np.arange(n, 0, -1),
    "from both ends": lambda rng, n: np.where(np.arange(n) % 2, np.arange(n), 2 * n - np.arange(n)),
    "closing in": lambda rng, n: 1 + (np.arange(n) * (n // 2 | 1)) % n,
    "thinning out": _thin_out,
}


@pytest.mark.parametrize("side", [BIDS, ASKS])
@pytest.mark.parametrize("removed", [0.0, 0.5])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_many_changes(pattern: str, removed: float, side: int) -> None:
    rng = np.random.default_rng(len(pattern) + int(10 * removed))
    books, counters = make_books(1), make_counters()
    expected = PrunedSide(side)
    ticks = PATTERNS[pattern](rng, CHANGES).astype(np.int64)
    ticks = np.maximum(ticks, 1)
    lots = np.where(rng.random(CHANGES) < removed, 0, rng.integers(1, 1000, CHANGES))
    for start in range(0, CHANGES, CHUNK):
        part = slice(start, start + CHUNK)
        if start == 0:  # arrays are read from the end into an empty side: one price, one quantity
            set_level(books, 0, side, int(ticks[0]), 1, counters)
            expected.set(int(ticks[0]), 1)
        set_levels(books.sides[side], ticks[part], lots[part], counters)
        for level in zip(ticks[part].tolist(), lots[part].tolist(), strict=True):
            expected.set(*level)
        if not expected.levels:  # would be read from the end next
            break
        assert held(books, 0, side) == expected.levels
        assert counters[Counter.LEVELS_PRUNED, 0] == expected.pruned
    # Take everything away again, the fullest leaves first and last
    for left in rng.permutation(list(expected.levels))[:CHUNK].tolist():
        set_level(books, 0, side, left, 0, counters)
        expected.set(left, 0)
    assert held(books, 0, side) == expected.levels


@pytest.mark.compiled
@pytest.mark.parametrize("side", [BIDS, ASKS])
def test_full_side_keeps_what_is_near(side: int) -> None:
    rng = np.random.default_rng(side)
    books, counters = make_books(1), make_counters()
    rec = books.sides[side]
    expected = PrunedSide(side)
    ticks = rng.permutation(3 * BOOK_LEVELS_MAX).astype(np.int64) + 1
    lots = rng.integers(1, 9, len(ticks))
    set_level(books, 0, side, int(ticks[0]), 1, counters)
    expected.set(int(ticks[0]), 1)
    set_levels(rec, ticks, lots, counters)
    for level in zip(ticks.tolist(), lots.tolist(), strict=True):
        expected.set(*level)
    assert held(books, 0, side) == expected.levels
    assert len(expected.levels) == BOOK_LEVELS_MAX
    assert counters[Counter.LEVELS_PRUNED, 0] == expected.pruned == 2 * BOOK_LEVELS_MAX
    nearest = sorted(ticks.tolist(), reverse=side == BIDS)[:BOOK_LEVELS_MAX]
    assert sorted(held(books, 0, side)) == sorted(nearest)


@pytest.mark.compiled
@pytest.mark.parametrize("side", [BIDS, ASKS])
def test_the_leaves_suffice_for_the_worst_full_side(side: int) -> None:
    """Rising keys make leaves of 32; thin each second one out to 1, and fill up again behind."""
    books, counters = make_books(1), make_counters()
    rec = books.sides[side]
    sign = 1 if side == BIDS else -1
    top = sign * 10_000_000
    for _ in range(12):
        room = BOOK_LEVELS_MAX - int(rec.levels_n)
        for key in range(top + 1, top + 1 + room):
            set_level(books, 0, side, sign * key, 1, counters)
        top += room
        for position in range(int(rec.leaves_n) - 3, 0, -2):
            leaf = int(rec.leaves[position])
            for key in rec.levels[leaf, KEYS, 1 : rec.counts[leaf]].tolist():
                set_level(books, 0, side, sign * key, 0, counters)
        held(books, 0, side)
    assert rec.leaves_n > 0.9 * LEAVES_MAX
    assert counters[Counter.LEVELS_PRUNED, 0] == 0
