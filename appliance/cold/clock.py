"""Measures how long a cycle of the processor's counter is, once, at start-up."""

import time
from typing import Final

from appliance.hot.cpu import cycles_now

# 60 s times 2**SHIFT ns still fits an int64, and mult then errs by less than one part in 10**7.
SHIFT: Final = 26
SPAN_NS_MAX: Final = 60 * 1_000_000_000
_PROBES: Final = 64

assert SPAN_NS_MAX << SHIFT < 1 << 62


def calibrate_cycles(window_ns: int = 50_000_000) -> tuple[int, int]:
    """(mult, shift) such that ``ns = cycles * mult >> shift`` for spans of up to 60 s.

    Compares the counter with the monotonic clock over ``window_ns`` (sleeps that long); the moment
    at each end is the quickest of several tries, so that being interrupted does not spoil it.
    Raises RuntimeError if the counter does not run.
    """
    cycles_begin, ns_begin = _moment()
    time.sleep(window_ns / 1e9)
    cycles_end, ns_end = _moment()
    span_cycles = cycles_end - cycles_begin
    span_ns = ns_end - ns_begin
    if span_cycles <= 0 or span_ns <= 0:
        raise RuntimeError(f"the cycle counter went {span_cycles} in {span_ns} ns")
    return max(1, (span_ns << SHIFT) // span_cycles), SHIFT


def _moment() -> tuple[int, int]:
    """The counter and the monotonic clock at the same moment."""
    cycles_now()  # compiles it before we measure
    best = (1 << 62, 0, 0)
    for _ in range(_PROBES):
        before = cycles_now()
        now_ns = time.monotonic_ns()
        after = cycles_now()
        best = min(best, (after - before, before + (after - before) // 2, now_ns))
    return best[1], best[2]
