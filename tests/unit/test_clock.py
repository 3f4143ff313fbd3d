"""Calibration of the cycle counter against the monotonic clock."""

import time

from appliance.cold.clock import SPAN_NS_MAX, calibrate_cycles
from appliance.hot.cpu import cycles_now, cycles_to_ns


def test_calibrated_cycles_agree_with_the_monotonic_clock():
    mult, shift = calibrate_cycles()
    cycles_now()
    outer_begin = time.monotonic_ns()
    cycles_begin = cycles_now()
    inner_begin = time.monotonic_ns()
    time.sleep(0.05)
    inner_end = time.monotonic_ns()
    cycles_end = cycles_now()
    outer_end = time.monotonic_ns()
    span_ns = cycles_to_ns(cycles_end - cycles_begin, mult, shift)
    # Being interrupted widens the brackets; it cannot make this fail.
    assert 0.99 * (inner_end - inner_begin) <= span_ns <= 1.01 * (outer_end - outer_begin)


def test_a_minute_of_cycles_does_not_overflow():
    mult, shift = calibrate_cycles(1_000_000)
    span_cycles = (SPAN_NS_MAX << shift) // mult
    assert span_cycles * mult < 2**63
    assert abs(cycles_to_ns(span_cycles, mult, shift) - SPAN_NS_MAX) <= 1
