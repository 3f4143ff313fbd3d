"""The counter, the pause and the wall clock, compiled and not."""

import platform
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.hot.cpu import cycles, cycles_now, cycles_to_ns, pause, realtime_ns
from appliance.hot.jit import JIT_DISABLED, hot


@hot
def look(scratch):
    first = cycles()
    pause()
    now_ns = realtime_ns(scratch)
    return first, cycles(), now_ns


def test_the_counter_runs_forward():
    seen = [cycles_now() for _ in range(100)]
    assert seen == sorted(seen) and seen[-1] > seen[0]
    first, second, _ = look(np.zeros(2, np.int64))
    assert second > first


def test_realtime_is_the_wall_clock():
    scratch = np.zeros(2, np.int64)
    look(scratch)
    before = time.time_ns()
    now_ns = look(scratch)[2]
    assert before <= now_ns <= time.time_ns()


def test_twins_are_callable_from_python():
    assert cycles() <= cycles()
    assert pause() is None
    assert abs(realtime_ns(np.zeros(2, np.int64)) - time.time_ns()) < 60 * 10**9


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 60 * 5 * 10**9), st.integers(1, (60 << 26) // 300))
def test_cycles_to_ns_is_exact_integer_arithmetic(span_cycles, mult):
    assert cycles_to_ns(span_cycles, mult, 26) == (span_cycles * mult) // 2**26


@pytest.mark.skipif(
    JIT_DISABLED or platform.machine() != "x86_64", reason="x86-64 instructions, compiled"
)
def test_compiled_code_reads_the_counter_directly():
    look(np.zeros(2, np.int64))
    code = look.inspect_asm(look.signatures[0])
    assert code.count("rdtsc") == 2
    assert "pause" in code and "clock_gettime" in code
    assert "NRT_Allocate" not in code
