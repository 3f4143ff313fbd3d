"""A book of history: an array of lots by price, its best price kept beside it.

A book has two sides. Prices of the selling side are negated, so on both the best is the greatest
and every rule is written once. A side keeps the prices of a window around the touch in an array
that is a ring: when the market moves off, the window goes along. Levels outside it are not kept.

Books may cross for a moment, when a venue tells of the new level before it takes the old one away.
Then the newer price stands, and the other side's best is the next one behind it.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.layout import records, slot_dtype
from appliance.abi.units import INT64_MAX
from appliance.hot.jit import hot, hot_inline

NOBODY: Final = -(1 << 62)  # best of a side that is empty
WINDOW_BITS_MIN: Final = 8
WINDOW_BITS_MAX: Final = 23

# Prices below are signed: ticks of a bid, minus ticks of an ask.
BOOK_SIDE: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("best", "<i8"),
        ("worst", "<i8"),  # no level is farther from the touch than this
        ("low", "<i8"),  # the window
        ("high", "<i8"),
        ("offset", "<i8"),  # of its first element in ``lots``
        ("mask", "<i8"),
        ("outside_n", "<i8"),  # changes to levels outside the window
    ]
)


class Depth(NamedTuple):
    """Books of n instruments: sides[2 * i] buys, sides[2 * i + 1] sells."""

    sides: Any  # BOOK_SIDE[2 * n]
    lots: np.ndarray  # int64, the windows of all sides


def make_depth(bits: "tuple[int, ...]") -> Depth:
    """Empty books; ``bits[i]``: log2 of the ticks that the window of instrument i holds."""
    sides = records(2 * len(bits), BOOK_SIDE)
    offset = 0
    for k in range(len(sides)):
        side: Any = sides[k]
        size = 1 << bits[k // 2]
        side.best, side.worst = NOBODY, INT64_MAX
        side.offset, side.mask = offset, size - 1
        side.low, side.high = 1, 0  # no window yet
        offset += size
    return Depth(sides, np.zeros(offset, np.int64))


@hot_inline
def lots_at(depth, k, signed):
    """Lots of side ``k`` at a signed price."""
    side = depth.sides[k]
    if signed < side.low or signed > side.high:
        return np.int64(0)
    return depth.lots[side.offset + (signed & side.mask)]


@hot
def next_level(depth, k, signed):
    """The best price of side ``k`` that is worse than ``signed``, or NOBODY."""
    side = depth.sides[k]
    offset, mask = side.offset, side.mask
    first = min(signed - 1, side.high)
    for s in range(first, max(side.worst, side.low) - 1, -1):
        if depth.lots[offset + (s & mask)] > 0:
            return s
    return np.int64(NOBODY)


@hot_inline
def set_level(depth, k, signed, lots):
    """Side ``k`` has ``lots`` at the signed price. The lots before; -1: outside the window."""
    side = depth.sides[k]
    if signed > side.high or signed < side.low:
        if not _moved(depth, k, signed, lots):
            return np.int64(-1)
    at = side.offset + (signed & side.mask)
    before = depth.lots[at]
    depth.lots[at] = lots
    if lots == 0:
        if signed == side.best:
            side.best = next_level(depth, k, signed)
    else:
        if signed > side.best:
            side.best = signed
            other = depth.sides[k ^ 1]
            if other.best >= -signed:
                other.best = next_level(depth, k ^ 1, -signed)
        side.worst = min(side.worst, signed)
    return before


@hot
def _moved(depth, k, signed, lots):
    """Moves the window of side ``k`` to where the market is. False: the level is too far off."""
    side = depth.sides[k]
    size = side.mask + 1
    centre = signed
    if side.low <= side.high:
        if signed < side.low and side.best != NOBODY:
            centre = side.best
        low = centre - size // 2
        if lots == 0 or signed < low or abs(low - side.low) < size // 4:
            side.outside_n += 1
            return False
        for s in range(side.low, side.high + 1):  # forgotten, if outside the new one
            if s < low or s >= low + size:
                depth.lots[side.offset + (s & side.mask)] = 0
        if side.best < low:
            side.best, side.worst = NOBODY, INT64_MAX
        else:
            side.worst = max(side.worst, low)
    side.low = centre - size // 2
    side.high = side.low + size - 1
    return True


@hot
def clear_side(depth, k, signed):
    """Takes the levels of side ``k`` from the touch to ``signed`` away; 0: all of them."""
    side = depth.sides[k]
    if side.low > side.high or side.best == NOBODY:
        return
    last = max(side.worst, side.low)
    if signed != 0:
        last = max(last, signed)
    for s in range(last, min(side.best, side.high) + 1):
        depth.lots[side.offset + (s & side.mask)] = 0
    side.best = next_level(depth, k, last)
    if side.best == NOBODY:
        side.worst = INT64_MAX
