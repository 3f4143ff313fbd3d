"""Spans that the loop's own histograms do not tell: the floor of a core, its clocks, a ring.

Each is taken many times and counted into a row of buckets (abi/histogram_layout.py). What takes a
few nanoseconds is taken in batches: the span of one is then that of the batch, rounded to the
nearest, so that reading the clock does not count.
"""

from typing import Final

from appliance.hot.cpu import cycles, cycles_to_ns, realtime_ns
from appliance.hot.histogram import record
from appliance.hot.jit import hot
from appliance.hot.ring import claim, peek, publish, release

BATCH: Final = 64
LOST_FROM_NS: Final = 1_000
ROUNDS_MAX: Final = 1 << 40


@hot
def gaps(rows, row, span_cycles, lost, mult, shift):
    """Reads the counter over and over: what lies between two readings. The longest, in ns;
    ``lost[0]``: the sum of those above LOST_FROM_NS.

    The core does nothing else: a long gap is the machine's.
    """
    longest = 0
    lost[0] = 0
    began = cycles()
    before = began
    for _ in range(ROUNDS_MAX):
        now = cycles()
        span_ns = cycles_to_ns(now - before, mult, shift)
        record(rows, row, span_ns)
        longest = max(longest, span_ns)
        if span_ns > LOST_FROM_NS:
            lost[0] += span_ns
        if now - began > span_cycles:
            break
        before = cycles()  # what counting it took is left out
    return longest


@hot
def clock_cost(rows, row, batches, is_wall, scratch, mult, shift):
    """One reading of the cycle counter, or of the wall clock. The sum of the readings: used."""
    used = 0
    for _ in range(batches):
        began = cycles()
        if is_wall:
            for _ in range(BATCH):
                used ^= realtime_ns(scratch)
        else:
            for _ in range(BATCH):
                used ^= cycles()
        span_ns = cycles_to_ns(cycles() - began, mult, shift)
        record(rows, row, (span_ns + BATCH // 2) // BATCH)
    return used


@hot
def ring_hop(rows, row, batches, ring, mult, shift):
    """A record of one cache line into a ring and out of it. The sum of what came out."""
    used = 0
    for _ in range(batches):
        began = cycles()
        for n in range(BATCH):
            slot = claim(ring)
            ring.slots[slot].sequence = n
            publish(ring)
            slot = peek(ring)
            used += ring.slots[slot].sequence
            release(ring)
        span_ns = cycles_to_ns(cycles() - began, mult, shift)
        record(rows, row, (span_ns + BATCH // 2) // BATCH)
    return used
