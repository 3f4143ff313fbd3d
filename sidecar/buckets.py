"""From the appliance's 3,840 histogram buckets to the few that a heat map shows, without a loss.

Two bounds to a doubling, 16, 24, 32, 48 .. 2,097,152 ns, and one bucket above: each bound is also
one of the fine buckets', so that a coarse count is an exact sum. Counts of intervals add up.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.abi.histogram_layout import VALUE_MAX, bucket_high, bucket_index, bucket_low
from appliance.abi.limits import HISTOGRAM_BUCKETS

_DOUBLINGS: Final = range(4, 21)
BOUNDS_NS: Final = (
    *(bound for k in _DOUBLINGS for bound in (1 << k, 3 << k - 1)),
    1 << _DOUBLINGS.stop,
    VALUE_MAX,
)
# Upper bounds are inclusive: a value of exactly 16 ns counts in the bucket "16".
_EDGES: Final = np.array([0] + [bucket_index(bound) + 1 for bound in BOUNDS_NS[:-1]])


def coarse(counts: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """(upper bound in ns, how many) of each bucket that holds any."""
    sums = np.add.reduceat(counts, _EDGES)
    return [(BOUNDS_NS[k], int(sums[k])) for k in np.flatnonzero(sums)]


def least_and_most(counts: npt.NDArray[np.int64]) -> tuple[int, int]:
    """The bounds of what was counted, at most 1 % wide of the truth; of nothing: zeros."""
    held = np.flatnonzero(counts)
    return (bucket_low(int(held[0])), bucket_high(int(held[-1]))) if len(held) else (0, 0)


assert len(_EDGES) == len(BOUNDS_NS) and _EDGES[-1] < HISTOGRAM_BUCKETS
