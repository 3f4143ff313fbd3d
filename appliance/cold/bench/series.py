"""What was measured: a histogram a round for each quantity, so that its own unrest is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from appliance.abi.histogram_layout import bucket_high, bucket_index, percentiles
from appliance.abi.limits import HISTOGRAM_BUCKETS

PERCENTS: Final = (50.0, 99.0, 99.9)
NAMES: Final = ("p50_ns", "p99_ns", "p999_ns")

Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Series:
    """One quantity. ``rounds``: int64[HISTOGRAM_BUCKETS] each; ``longest_ns`` beside each."""

    name: str
    title: str
    rounds: list[Counts] = field(default_factory=list)
    longest_ns: list[int] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)  # of the wire: frames without an order

    def add(self, counts: Counts, longest_ns: int, unanswered: int = 0) -> None:
        self.rounds.append(counts.copy())
        self.longest_ns.append(int(longest_ns))
        self.unanswered.append(unanswered)

    @property
    def counts(self) -> Counts:
        """All rounds together."""
        total: Counts = np.sum(self.rounds, axis=0, dtype=np.int64)
        return total

    def figures(self) -> dict[str, int]:
        """Over all rounds, in ns."""
        values = dict(zip(NAMES, percentiles(self.counts, PERCENTS), strict=True))
        return {**values, "max_ns": max(self.longest_ns, default=0), "n": int(self.counts.sum())}

    def buckets(self) -> list[list[int]]:
        """Of all rounds together: index and count, where there is any."""
        counts = self.counts
        return [[int(k), int(counts[k])] for k in np.flatnonzero(counts)]

    def by_round(self) -> dict[str, list[int]]:
        """Each percentile of each round."""
        rows = [percentiles(counts, PERCENTS) for counts in self.rounds]
        return {name: [row[k] for row in rows] for k, name in enumerate(NAMES)}


def dense(buckets: Sequence[Sequence[int]]) -> Counts:
    """int64[HISTOGRAM_BUCKETS] of ``Series.buckets``."""
    counts = np.zeros(HISTOGRAM_BUCKETS, np.int64)
    for index, count in buckets:
        counts[index] = count
    return counts


def longest_of(counts: Counts) -> int:
    """The highest value of the last bucket that holds any; 0: none does."""
    used = np.flatnonzero(counts)
    return bucket_high(int(used[-1])) if len(used) else 0


def counts_of(values_ns: Sequence[int]) -> Counts:
    """A histogram of plain values."""
    counts = np.zeros(HISTOGRAM_BUCKETS, np.int64)
    for value in values_ns:
        counts[bucket_index(int(value))] += 1
    return counts
