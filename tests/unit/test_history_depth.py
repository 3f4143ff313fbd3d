"""The array book of a backtest (appliance.hot.backtest.depth): levels, its window, clearing."""

import random

import pytest

from appliance.hot.backtest.depth import (
    NOBODY,
    Depth,
    clear_side,
    lots_at,
    make_depth,
    next_level,
    set_level,
)
from appliance.hot.jit import JIT_DISABLED, hot

STEPS = 2_000 if JIT_DISABLED else 20_000


@hot
def put(depth, k, signed, lots):
    return set_level(depth, k, signed, lots)


@hot
def at(depth, k, signed):
    return lots_at(depth, k, signed)


def walked(depth: Depth, k: int) -> list[tuple[int, int]]:
    """(price, lots) from the best on."""
    found, signed = [], int(depth.sides[k].best)
    while signed != NOBODY:
        found.append((signed, int(at(depth, k, signed))))
        signed = int(next_level(depth, k, signed))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_market_that_wanders_off_takes_its_window_along(seed: int) -> None:
    """Both sides against dictionaries; the market moves by many windows, up and down."""
    rng = random.Random(seed)
    depth = make_depth((8, 8))
    books: list[dict[int, int]] = [{}, {}]
    middle = 10_000
    for step in range(STEPS):
        middle += rng.choice((-3, -1, 0, 0, 1, 3)) + (1 if (step // 4000) % 2 else -1) * (step & 1)
        side = rng.choice((0, 1))
        # an orderly market: what the other side has in the way is taken away first
        ticks = middle - rng.randint(1, 40) if side == 0 else middle + rng.randint(1, 40)
        signed = ticks if side == 0 else -ticks
        for other in [s for s in books[side ^ 1] if s >= -signed]:
            put(depth, 2 + (side ^ 1), other, 0)
            del books[side ^ 1][other]
        lots = rng.randint(0, 3)
        before = put(depth, 2 + side, signed, lots)
        if before >= 0:
            assert before == books[side].pop(signed, 0)
            if lots:
                books[side][signed] = lots
        # what the window has left behind is forgotten; near the touch nothing is
        low = int(depth.sides[2 + side].low)
        books[side] = {s: n for s, n in books[side].items() if s >= low}
        if books[side]:
            assert int(depth.sides[2 + side].best) == max(books[side])
        if step % 97 == 0:
            for k in (0, 1):
                assert walked(depth, 2 + k) == sorted(books[k].items(), reverse=True)
    assert walked(depth, 0) == [] == walked(depth, 1), "the other instrument"


def test_levels_far_off_are_counted_and_not_kept() -> None:
    depth = make_depth((8,))
    assert put(depth, 0, 5_000, 7) == 0
    assert put(depth, 0, 3_000, 7) == -1 and depth.sides[0].outside_n == 1
    assert put(depth, 0, 9_000, 0) == -1 and depth.sides[0].outside_n == 2
    assert (int(depth.sides[0].best), at(depth, 0, 3_000)) == (5_000, 0)


@pytest.mark.parametrize(
    ("until", "left"), [(0, []), (98, [(97, 1)]), (101, [(100, 1), (98, 1), (97, 1)])]
)
def test_a_side_is_cleared_as_far_as_told(until: int, left: list[tuple[int, int]]) -> None:
    depth = make_depth((8,))
    for ticks in (97, 98, 100, 102):
        put(depth, 0, ticks, 1)
    put(depth, 1, -104, 2)
    clear_side(depth, 0, until)
    assert walked(depth, 0) == left and walked(depth, 1) == [(-104, 2)]
    assert put(depth, 0, 96, 1) == 0 and walked(depth, 0) == [*left, (96, 1)]


def test_a_crossed_book_goes_by_what_came_last() -> None:
    depth = make_depth((8,))
    for ticks, lots in ((101, 1), (102, 2), (104, 3)):
        put(depth, 1, -ticks, lots)
    put(depth, 0, 99, 5)
    put(depth, 0, 102, 6)  # the venue has not taken 101 and 102 away yet
    assert (int(depth.sides[0].best), int(depth.sides[1].best)) == (102, -104)
    for ticks in (101, 102):
        put(depth, 1, -ticks, 0)
    assert walked(depth, 1) == [(-104, 3)]
