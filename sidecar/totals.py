"""What a run's telemetry has counted up to one moment; the difference of two is an interval."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.abi.limits import HISTOGRAM_BUCKETS
from appliance.abi.region_view import RegionView
from appliance.abi.telemetry import Stage

STAGES_N: Final = len(Stage)
Buckets = npt.NDArray[np.int64]


def _no_buckets() -> Buckets:
    return np.zeros((STAGES_N, HISTOGRAM_BUCKETS), np.int64)


@dataclass
class Totals:
    """Cumulative, since the run began. ``Totals()`` is that beginning."""

    counters: dict[str, int] = field(default_factory=dict)  # by label
    buckets: Buckets = field(default_factory=_no_buckets)  # [stage, bucket]
    sums_ns: list[int] = field(default_factory=lambda: [0] * STAGES_N)
    events_n: int = 0  # read or missed: the place in the event ring

    def at_least(self, before: "Totals") -> "Totals":
        """Totals only grow within a run: what seems to have shrunk was read torn."""
        return Totals(
            {label: max(n, before.counters.get(label, 0)) for label, n in self.counters.items()},
            np.maximum(self.buckets, before.buckets),
            [max(now, then) for now, then in zip(self.sums_ns, before.sums_ns, strict=True)],
            max(self.events_n, before.events_n),
        )

    def since(self, before: "Totals") -> "Totals":
        """What was added to an earlier moment of the same run."""
        return Totals(
            {label: n - before.counters.get(label, 0) for label, n in self.counters.items()},
            self.buckets - before.buckets,
            [now - then for now, then in zip(self.sums_ns, before.sums_ns, strict=True)],
            self.events_n - before.events_n,
        )


def read_totals(view: RegionView) -> Totals:
    """Of the region as it is now; the events are where their reader stands."""
    return Totals(
        view.counters(),
        np.stack([view.histogram(stage) for stage in Stage]),
        [view.stage_sum_ns(stage) for stage in Stage],
        view.events_position,
    )
