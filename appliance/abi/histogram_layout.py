"""Geometry of the latency histograms, for readers: index of a value, span of a bucket, percentiles.

The layout of HdrHistogram with 2 significant digits and unit magnitude 0. Values below 256 have a
bucket each; from there every doubling has 128 buckets of equal width, so a bucket's width is at
most 1/128 of its lowest value::

    value        0 .. 255    256 .. 511    512 .. 1023   ...   2**35 .. 2**36 - 1
    width        1           2             4             ...   2**28
    index        0 .. 255    256 .. 383    384 .. 511    ...   3712 .. 3839

Negative values count as 0, larger ones in the last bucket. ``appliance/hot/histogram.py`` is the
compiled twin. Source: HdrHistogram's public description of counts_index_for.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.abi.limits import HISTOGRAM_BUCKETS, HISTOGRAM_SUB_BUCKETS

SUB_BUCKET_BITS: Final = HISTOGRAM_SUB_BUCKETS.bit_length() - 1  # 8
HALF_BITS: Final = SUB_BUCKET_BITS - 1  # 7: buckets per doubling, as a power of two
HALF: Final = 1 << HALF_BITS
MAGNITUDES: Final = HISTOGRAM_BUCKETS // HALF - 1  # doublings, the first 256 values included
VALUE_MAX: Final = (HISTOGRAM_SUB_BUCKETS << (MAGNITUDES - 1)) - 1  # largest that is told apart

_PERCENT_MILLI: Final = 1000  # percentiles are taken in thousandths of a percent, exactly


def bucket_index(value: int) -> int:
    """Bucket of ``value`` (ns): 0 for negative ones, the last one for values beyond VALUE_MAX."""
    value = min(max(value, 0), VALUE_MAX)
    magnitude = max(value.bit_length() - SUB_BUCKET_BITS, 0)
    return (magnitude << HALF_BITS) + (value >> magnitude)


def bucket_low(index: int) -> int:
    """Lowest value that falls into bucket ``index``."""
    magnitude = max((index >> HALF_BITS) - 1, 0)
    return (index - (magnitude << HALF_BITS)) << magnitude


def bucket_high(index: int) -> int:
    """Highest value that falls into bucket ``index`` (the last bucket also holds larger ones)."""
    return bucket_low(index) + (1 << max((index >> HALF_BITS) - 1, 0)) - 1


def percentiles(counts: npt.NDArray[np.int64], percents: Sequence[float]) -> list[int]:
    """For each percentage p: the highest value of the bucket in which p % of them are reached.

    ``counts`` is int64[HISTOGRAM_BUCKETS]; 0 everywhere gives 0s. At least 1 % near the truth, by
    the width of the buckets.
    """
    cumulated = np.cumsum(counts)
    total = int(cumulated[-1])
    values = []
    for percent in percents:
        milli = min(max(round(percent * _PERCENT_MILLI), 0), 100 * _PERCENT_MILLI)
        rank = max(-(-total * milli // (100 * _PERCENT_MILLI)), 1)
        index = int(np.searchsorted(cumulated, rank))
        values.append(bucket_high(index) if total else 0)
    return values


assert HISTOGRAM_SUB_BUCKETS == 1 << SUB_BUCKET_BITS and HISTOGRAM_BUCKETS % HALF == 0
assert bucket_index(VALUE_MAX) == HISTOGRAM_BUCKETS - 1
