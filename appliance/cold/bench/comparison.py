"""Two results side by side: what changed for certain, and what may be noise.

A figure is the median of its rounds. Its change is called one only if all of the 99 % interval of
the ratio (bootstrap over the rounds of both, Efron 1979) lies beyond five percent, and it is more
than the clock can tell: less than that, two runs of the same host differ by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from appliance.cold.bench.series import NAMES
from appliance.cold.errors import ApplianceError

CONFIDENCE: Final = 0.99
MARGIN: Final = 0.05
MARGIN_NS: Final = 10
RESAMPLES: Final = 4000
ROUNDS_LEAST: Final = 5
WORSE, BETTER, SAME = "worse", "better", "no change shown"


@dataclass(frozen=True)
class Change:
    """Of one figure; ``ratio`` is after to before."""

    series: str
    figure: str
    before_ns: float
    after_ns: float
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        if abs(self.after_ns - self.before_ns) < MARGIN_NS:
            return SAME
        if self.low > 1 + MARGIN:
            return WORSE
        return BETTER if self.high < 1 - MARGIN else SAME


def interval(before: list[int], after: list[int], seed: int = 1) -> tuple[float, float, float]:
    """(ratio of the medians, and the ends of its interval)."""
    chance = np.random.default_rng(seed)
    a, b = np.array(before, np.float64), np.array(after, np.float64)
    a, b = np.maximum(a, 1.0), np.maximum(b, 1.0)  # a span below a nanosecond counts as one
    drawn_a = np.median(chance.choice(a, (RESAMPLES, len(a))), axis=1)
    drawn_b = np.median(chance.choice(b, (RESAMPLES, len(b))), axis=1)
    ends = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    low, high = np.quantile(drawn_b / drawn_a, ends)
    return float(np.median(b) / np.median(a)), float(low), float(high)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every figure that both have. ApplianceError: they cannot be compared."""
    for which, result in (("before", before), ("after", after)):
        if result["facts"]["emulated"]:
            raise ApplianceError(f"{which}: of an emulated machine: it has no figures")
        if result["rounds"] < ROUNDS_LEAST:
            raise ApplianceError(
                f"{which}: {result['rounds']} rounds say nothing of noise: {ROUNDS_LEAST} at least"
            )
    made = []
    for name, one in before["series"].items():
        if (other := after["series"].get(name)) is None:
            continue
        for figure in NAMES:
            a, b = one["by_round"][figure], other["by_round"][figure]
            ratio, low, high = interval(a, b)
            medians = float(np.median(a)), float(np.median(b))
            made.append(Change(name, figure, *medians, ratio, low, high))
    return made
