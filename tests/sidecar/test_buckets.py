"""Coarse buckets (sidecar.buckets) hold exactly what the fine ones did."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.histogram_layout import VALUE_MAX, bucket_index
from appliance.abi.limits import HISTOGRAM_BUCKETS
from sidecar.buckets import BOUNDS_NS, coarse, least_and_most


def counts_of(values: list[int]) -> np.ndarray:
    counts = np.zeros(HISTOGRAM_BUCKETS, np.int64)
    for value in values:
        counts[bucket_index(value)] += 1
    return counts


@given(st.lists(st.integers(0, 256) | st.integers(0, VALUE_MAX), max_size=50))
def test_each_value_lies_in_the_bucket_of_its_bound(values: list[int]) -> None:
    found = dict(coarse(counts_of(values)))
    want: dict[int, int] = {}
    for value in values:
        # A fine bucket is at most 1/128 wide: a value just above a bound may share the bound's.
        fits = [bound for bound in BOUNDS_NS if bucket_index(value) <= bucket_index(bound)]
        want[fits[0]] = want.get(fits[0], 0) + 1
    assert found == want
    assert all(isinstance(bound, int) for bound in found)


def test_bounds_are_exact_where_values_are() -> None:
    for value, bound in ((15, 16), (16, 16), (17, 24), (24, 24), (25, 32), (96, 96), (97, 128)):
        assert coarse(counts_of([value])) == [(bound, 1)]
    assert coarse(counts_of([VALUE_MAX])) == [(VALUE_MAX, 1)]
    assert len(BOUNDS_NS) == 36 and list(BOUNDS_NS) == sorted(BOUNDS_NS)


def test_least_and_most() -> None:
    assert least_and_most(counts_of([])) == (0, 0)
    assert least_and_most(counts_of([7, 40, 100])) == (7, 100)
    low, high = least_and_most(counts_of([1_000_000]))
    assert low <= 1_000_000 <= high <= low * 129 // 128
