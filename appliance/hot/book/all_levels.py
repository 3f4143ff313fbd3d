"""A book whole, level by level: for history, the loop itself never needs it."""

from appliance.abi.book import KEYS, LOTS
from appliance.hot.book.side import count_at, leaf_at
from appliance.hot.jit import hot


@hot
def copy_all(side, ticks, lots):
    """Every level, worst first, into arrays of BOOK_LEVELS_MAX. Returns how many there are."""
    n = 0
    for position in range(side.leaves_n):
        leaf = leaf_at(side, position)
        for k in range(count_at(side, leaf)):
            ticks[n] = side.sign * side.levels[leaf, KEYS, k]
            lots[n] = side.levels[leaf, LOTS, k]
            n += 1
    return n
