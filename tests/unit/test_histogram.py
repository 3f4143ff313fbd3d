"""Histogram buckets against a slow definition, sorted values, and HdrHistogram if it is there."""

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi import histogram_layout as geometry
from appliance.abi.limits import HISTOGRAM_BUCKETS, STAGES_MAX
from appliance.abi.telemetry import (
    STAGE_MAX_NS,
    STAGE_MIN_NS,
    STAGE_N,
    STAGE_SUM_NS,
    Stage,
)
from appliance.abi.units import INT64_MAX
from appliance.hot import histogram, telemetry
from appliance.hot.jit import JIT_DISABLED, hot

VALUES_N = 500 if JIT_DISABLED else 20_000
values = st.integers(0, 2**36) | st.integers(0, 2**36).map(lambda v: v >> (v % 37))


def slow_lows() -> list[int]:
    """The lowest value of each bucket, written down bucket by bucket."""
    lows = list(range(256))
    width = 2
    while len(lows) < HISTOGRAM_BUCKETS:
        start = lows[-1] + width // 2
        lows += [start + i * width for i in range(128)]
        width *= 2
    return lows


LOWS = slow_lows()


@hot
def compiled_index(value):
    return histogram.bucket_index(value)


@hot
def record_all(rows, stage, taken):
    for value in taken:
        histogram.record(rows, stage, value)


@hot
def stage_all(t, which, taken):
    for value in taken:
        telemetry.stage(t, which, value)


def slow_index(value: int) -> int:
    return bisect_right(LOWS, max(value, 0)) - 1


def test_the_slow_definition_has_as_many_buckets() -> None:
    assert len(LOWS) == HISTOGRAM_BUCKETS
    assert LOWS[-1] < 2**36 <= LOWS[-1] + (LOWS[-1] - LOWS[-2])


def test_every_edge() -> None:
    for index, low in enumerate(LOWS):
        assert geometry.bucket_low(index) == histogram.bucket_low(index) == low
        high = LOWS[index + 1] - 1 if index + 1 < len(LOWS) else 2**36 - 1
        assert geometry.bucket_high(index) == histogram.bucket_high(index) == high
        for value in (low, high):
            assert geometry.bucket_index(value) == compiled_index(value) == index


@given(values | st.integers(-(2**63), 2**63 - 1))
@settings(max_examples=300)
def test_the_compiled_index_is_the_slow_one(value: int) -> None:
    assert compiled_index(value) == geometry.bucket_index(value) == slow_index(value)


@given(values)
@settings(max_examples=300)
def test_no_value_is_more_than_one_percent_away(value: int) -> None:
    index = compiled_index(value)
    for shown in (geometry.bucket_low(index), geometry.bucket_high(index)):
        assert abs(shown - value) * 100 <= value


def test_negative_counts_as_zero_and_too_large_in_the_last() -> None:
    rows = np.zeros((STAGES_MAX, HISTOGRAM_BUCKETS), np.int64)
    record_all(rows, Stage.BOOK, np.array([-1, -(2**63), 2**36, 2**63 - 1]))
    assert rows[Stage.BOOK, 0] == 2 and rows[Stage.BOOK, -1] == 2
    assert rows.sum() == 4


def test_counts_are_those_of_numpy() -> None:
    taken = np.random.default_rng(1).lognormal(7, 3, VALUES_N).astype(np.int64)
    rows = np.zeros((STAGES_MAX, HISTOGRAM_BUCKETS), np.int64)
    record_all(rows, Stage.GATE, taken)
    expected, _ = np.histogram(taken, np.array([*LOWS, 2**36]))
    assert (rows[Stage.GATE] == expected).all()
    assert rows.sum() == len(taken)


@given(
    st.lists(values, min_size=1, max_size=200),
    st.floats(0, 100) | st.sampled_from([50, 99, 99.9, 100]),
)
def test_percentiles_are_those_of_the_sorted_values(taken: list[int], percent: float) -> None:
    counts = np.zeros(HISTOGRAM_BUCKETS, np.int64)
    for value in taken:
        counts[slow_index(value)] += 1
    milli = round(percent * 1000)
    rank = max(-(-milli * len(taken) // 100_000), 1)
    exact = sorted(taken)[rank - 1]
    (told,) = geometry.percentiles(counts, [percent])
    assert slow_index(told) == slow_index(exact)
    assert told >= min(exact, 2**36 - 1) and (told - exact) * 100 <= exact


def test_percentiles_of_nothing_are_zero() -> None:
    assert geometry.percentiles(np.zeros(HISTOGRAM_BUCKETS, np.int64), [50, 100]) == [0, 0]


def test_a_stage_knows_count_sum_and_extremes() -> None:
    t = telemetry.make_telemetry(1, event_slots=2)
    row = t.stage_words[Stage.DECODE]
    assert row[STAGE_N] == 0 and row[STAGE_MIN_NS] == INT64_MAX
    taken = np.array([700, 3, 2**40, -5, 90])
    stage_all(t, Stage.DECODE, taken)
    assert row[STAGE_N] == 5 == t.histograms[Stage.DECODE].sum()
    assert row[STAGE_SUM_NS] == 700 + 3 + 2**40 + 0 + 90
    assert row[STAGE_MIN_NS] == 0 and row[STAGE_MAX_NS] == 2**40
    assert t.histograms.sum() == 5


def test_hdrhistogram_has_the_same_buckets() -> None:
    hdrh = pytest.importorskip("hdrh.histogram")
    other = hdrh.HdrHistogram(1, 2**36 - 1, 2)
    rng = np.random.default_rng(2)
    for value in [*range(1, 600), *(int(v) for v in rng.integers(1, 2**36, 500))]:
        index = geometry.bucket_index(value)
        assert other.get_lowest_equivalent_value(value) == geometry.bucket_low(index)
        assert other.get_highest_equivalent_value(value) == geometry.bucket_high(index)
