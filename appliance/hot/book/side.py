"""One side of a book: sorted levels in memory that is laid out once. Flat cost, no allocation.

A directory of up to 512 leaves of up to 64 levels, both sorted by key. The key is the price in
ticks for bids and its negative for asks, so on both sides the best level is the last entry of the
last leaf, and one piece of code serves both.

Two neighbouring leaves always hold more than LEAF_MERGE_LEVELS levels together (limits.py shows
that the leaves then suffice):

* a full leaf splits into halves of LEAF_LEVELS / 2 = 32, and no leaf is empty, so 32 + 1 > 32;
* a deletion that leaves two neighbours with 32 or less makes them one. Each of them had more than
  32 with its other neighbour before, and the one that lost a level lost only one: one merge is
  enough.

``side`` is a BOOK_SIDE record. Only the other modules of this package call this.
"""

from appliance.abi.book import KEYS, LOTS
from appliance.abi.counters import Counter
from appliance.abi.limits import (
    BOOK_LEVELS_MAX,
    LEAF_LEVELS,
    LEAF_MERGE_LEVELS,
    LEAVES_MAX,
    VIEW_LEVELS,
)
from appliance.abi.units import NO_PRICE
from appliance.hot.jit import hot, hot_inline

_HALF = LEAF_LEVELS // 2
_LEAF_MASK = LEAVES_MAX - 1  # leaf numbers and directory positions
_LEAVES_MASK = 2 * LEAVES_MAX - 1  # counts of leaves
_COUNT_MASK = 2 * LEAF_LEVELS - 1  # counts of levels in a leaf, and slots
assert _HALF + 1 > LEAF_MERGE_LEVELS  # or a split would break the invariant
assert LEAF_LEVELS & (LEAF_LEVELS - 1) == 0 and LEAVES_MAX & _LEAF_MASK == 0


@hot_inline
def leaf_at(side, position):
    """Number of the leaf at ``position`` of the directory.

    The masks here and below change nothing. They show the compiler that a value is not negative,
    so that it need not test each index for "counted from the end" and can use vectors.
    """
    return side.leaves[position & _LEAF_MASK] & _LEAF_MASK


@hot_inline
def count_at(side, leaf):
    """Levels in the leaf of that number, 0..LEAF_LEVELS."""
    return side.counts[leaf] & _COUNT_MASK


@hot_inline
def _position_of(side, key):
    """Directory position of the leaf where ``key`` is or belongs. The side is not empty."""
    lows = side.lows
    span = (side.leaves_n - 1) & _LEAF_MASK
    if key >= lows[span]:  # most changes are near the touch
        return span
    base = 0
    while span > 1:  # the last leaf whose low is <= key, else the first leaf
        half = span >> 1
        base += half * (lows[base + half] <= key)
        span -= half
    return base & _LEAF_MASK


@hot_inline
def _slot_of(keys, count, key):
    """How many of the leaf's ``count`` >= 1 keys are below ``key``."""
    base = 0
    span = count
    while span > 1:
        half = span >> 1
        base += half * (keys[base + half - 1] < key)
        span -= half
    return (base + (keys[base] < key)) & _COUNT_MASK


@hot_inline
def _put(values, at, count, value):
    """Insert ``value`` at index ``at`` of ``count`` values. Upwards: that vectorises."""
    for k in range(count - at):
        next_value = values[at + k]
        values[at + k] = value
        value = next_value
    values[count] = value


@hot_inline
def _pull(values, at, count):
    """Remove the value at index ``at`` of ``count`` values."""
    for k in range(count - at - 1):
        values[at + k] = values[at + k + 1]


@hot
def _drop_leaf(side, position):
    """Take the leaf at ``position`` out of the directory and give its memory back."""
    position = position & _LEAF_MASK
    count = side.leaves_n & _LEAVES_MASK
    side.free[side.free_n] = leaf_at(side, position)
    side.free_n += 1
    _pull(side.lows, position, count)
    _pull(side.leaves, position, count)
    side.leaves_n = count - 1


@hot
def _add_leaf(side, position, key):
    """Put an unused, empty leaf with lowest key ``key`` at ``position`` of the directory."""
    position = position & _LEAF_MASK
    count = side.leaves_n & _LEAVES_MASK
    if side.free_n > 0:
        side.free_n -= 1
        leaf = side.free[side.free_n] & _LEAF_MASK
    else:
        leaf = side.used_n & _LEAF_MASK
        side.used_n += 1
    _put(side.lows, position, count, key)
    _put(side.leaves, position, count, leaf)
    side.leaves_n = count + 1
    side.counts[leaf] = 0
    return leaf


@hot
def _split(side, position):
    """Move the upper half of the full leaf at ``position`` to a new one behind it."""
    lower = leaf_at(side, position)
    upper = _add_leaf(side, position + 1, side.levels[lower, KEYS, _HALF])
    for k in range(_HALF):
        side.levels[upper, KEYS, k] = side.levels[lower, KEYS, _HALF + k]
        side.levels[upper, LOTS, k] = side.levels[lower, LOTS, _HALF + k]
    side.counts[lower] = _HALF
    side.counts[upper] = _HALF


@hot
def _merge(side, position):
    """Append the leaf behind ``position`` to the one at ``position``."""
    lower = leaf_at(side, position)
    upper = leaf_at(side, position + 1)
    count = count_at(side, lower)
    more = count_at(side, upper)
    for k in range(more):
        side.levels[lower, KEYS, count + k] = side.levels[upper, KEYS, k]
        side.levels[lower, LOTS, count + k] = side.levels[upper, LOTS, k]
    side.counts[lower] = count + more
    _drop_leaf(side, position + 1)


@hot
def _shrink(side, position, count):
    """Keep the invariant after the leaf at ``position`` lost a level and has ``count`` left."""
    if count == 0:
        _drop_leaf(side, position)  # its neighbours had 32 and more each: no merge is due
    elif position > 0 and count_at(side, leaf_at(side, position - 1)) + count <= LEAF_MERGE_LEVELS:
        _merge(side, position - 1)
    elif (
        position + 1 < side.leaves_n
        and count_at(side, leaf_at(side, position + 1)) + count <= LEAF_MERGE_LEVELS
    ):
        _merge(side, position)


@hot
def _delete(side, position, slot):
    """Remove the level in ``slot`` of the leaf at directory ``position``."""
    leaf = leaf_at(side, position)
    count = count_at(side, leaf)
    keys = side.levels[leaf, KEYS]
    _pull(keys, slot, count)
    _pull(side.levels[leaf, LOTS], slot, count)
    side.lows[position] = keys[0]
    side.counts[leaf] = count - 1
    side.levels_n -= 1
    if count <= LEAF_MERGE_LEVELS:
        _shrink(side, position, count - 1)


@hot
def _insert(side, position, slot, key, lots):
    """Put a new level at ``slot`` of the leaf at ``position``, which has room."""
    leaf = leaf_at(side, position)
    count = count_at(side, leaf)
    keys = side.levels[leaf, KEYS]
    _put(keys, slot, count, key)
    _put(side.levels[leaf, LOTS], slot, count, lots)
    side.lows[position] = keys[0]
    side.counts[leaf] = count + 1
    side.levels_n += 1


@hot
def _insert_with_care(side, key, lots, counters):
    """Insert where the side is empty, or full, or the leaf is.

    A full side loses the level farthest from the touch, which may be the new one.
    """
    if side.levels_n >= BOOK_LEVELS_MAX:
        counters[Counter.LEVELS_PRUNED, 0] += 1
        if key < side.lows[0]:
            return
        _delete(side, 0, 0)
    if side.leaves_n == 0:
        _add_leaf(side, 0, key)
        _insert(side, 0, 0, key, lots)
        return
    position = _position_of(side, key)
    if count_at(side, leaf_at(side, position)) == LEAF_LEVELS:
        _split(side, position)
        position = _position_of(side, key)
    leaf = leaf_at(side, position)
    slot = _slot_of(side.levels[leaf, KEYS], count_at(side, leaf), key)
    _insert(side, position, slot, key, lots)


@hot
def set_key(side, key, lots, counters):
    """Set, add or remove (``lots`` = 0) one level; removing what is not there is fine."""
    if side.leaves_n == 0:
        if lots != 0:
            _insert_with_care(side, key, lots, counters)
        return
    position = _position_of(side, key)
    leaf = leaf_at(side, position)
    count = count_at(side, leaf)
    keys = side.levels[leaf, KEYS]
    slot = _slot_of(keys, count, key)
    if slot < count and keys[slot] == key:
        if lots != 0:
            side.levels[leaf, LOTS, slot] = lots
        else:
            _delete(side, position, slot)
    elif lots != 0:
        if count < LEAF_LEVELS and side.levels_n < BOOK_LEVELS_MAX:
            _insert(side, position, slot, key, lots)
        else:
            _insert_with_care(side, key, lots, counters)


@hot
def set_levels(side, ticks, lots, counters):
    """Set the levels of two arrays of equal length.

    An empty side is filled from the end: a snapshot is best first, and worst first it only appends.
    """
    count = len(ticks)
    first = 0
    step = 1
    if side.levels_n == 0:
        first = count - 1
        step = -1
    sign = side.sign
    for k in range(count):
        at = first + k * step
        set_key(side, sign * ticks[at], lots[at], counters)


@hot
def forget(side):
    """Hold no level."""
    side.levels_n = 0
    side.leaves_n = 0
    side.used_n = 0
    side.free_n = 0


@hot
def best(side):
    """(ticks, lots) of the best level; (NO_PRICE, 0) of an empty side."""
    if side.leaves_n == 0:
        return NO_PRICE, 0
    leaf = leaf_at(side, side.leaves_n - 1)
    slot = count_at(side, leaf) - 1
    return side.levels[leaf, KEYS, slot] * side.sign, side.levels[leaf, LOTS, slot]


@hot
def copy_best(side, ticks, lots):
    """Write the best VIEW_LEVELS levels, best first, zeros behind. Returns how many there are."""
    count = min(side.levels_n, VIEW_LEVELS)
    position = side.leaves_n
    keys = side.levels[0, KEYS]
    quantities = side.levels[0, LOTS]
    left = 0
    sign = side.sign
    for k in range(count):
        if left == 0:
            position -= 1
            leaf = leaf_at(side, position)
            keys = side.levels[leaf, KEYS]
            quantities = side.levels[leaf, LOTS]
            left = count_at(side, leaf)
        left -= 1
        ticks[k] = sign * keys[left]
        lots[k] = quantities[left]
    for k in range(count, VIEW_LEVELS):
        ticks[k] = 0
        lots[k] = 0
    return count
