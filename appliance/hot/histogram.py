"""Latency histograms: the bucket of a value, found without a branch, and counting into it.

Geometry and picture: ``appliance/abi/histogram_layout.py``. Buckets only grow, each one is one
aligned word, so readers need no lock: they subtract what they saw before.
"""

from typing import Any

from appliance.abi.histogram_layout import HALF_BITS, SUB_BUCKET_BITS, VALUE_MAX
from appliance.abi.limits import HISTOGRAM_SUB_BUCKETS
from appliance.hot.jit import JIT_DISABLED, hot, hot_inline

_SUB_BUCKET_MASK = HISTOGRAM_SUB_BUCKETS - 1

if JIT_DISABLED:

    def leading_zeros(value: int) -> int:
        """Zero bits before the highest one of a positive int64; 64 for 0."""
        return 64 - int(value).bit_length()

else:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic  # type: ignore[untyped-decorator]
    def leading_zeros(_typing: Any, value: Any) -> Any:
        """Zero bits before the highest one of a positive int64; 64 for 0."""

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), False))

        return types.int64(types.int64), codegen


@hot_inline
def bucket_index(value: int) -> int:
    """Bucket of ``value``: 0 for a negative one, the last for one beyond VALUE_MAX."""
    value = min(max(value, 0), VALUE_MAX)
    # Setting the low 8 bits makes everything below 256 magnitude 0 without asking.
    magnitude = (64 - SUB_BUCKET_BITS) - leading_zeros(value | _SUB_BUCKET_MASK)
    return (magnitude << HALF_BITS) + (value >> magnitude)


@hot
def bucket_low(index: int) -> int:
    """Lowest value of bucket ``index``."""
    magnitude = max((index >> HALF_BITS) - 1, 0)
    return (index - (magnitude << HALF_BITS)) << magnitude


@hot
def bucket_high(index: int) -> int:
    """Highest value of bucket ``index``."""
    magnitude = max((index >> HALF_BITS) - 1, 0)
    return ((index - (magnitude << HALF_BITS) + 1) << magnitude) - 1


@hot_inline
def record(histogram_rows, stage, value):  # type: ignore[no-untyped-def]
    """Count ``value`` (ns) into row ``stage`` of int64[STAGES_MAX, HISTOGRAM_BUCKETS]."""
    histogram_rows[stage, bucket_index(value)] += 1
