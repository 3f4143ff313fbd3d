"""Two courses side by side: which decisions are the same, and why the others are not.

A decision has its twin in the other course if everything but the time is the same and the times are
close. For each that has none the first of these that holds is its cause:

=========  ========================================================================================
refused    the other side's gate refused about then
market     the recording has no message of that moment: what live saw is not in it
position   the two did not hold the same: a fill that one had and the other had not
orders     the two had not the same orders open: an answer that came sooner, later, or not
earlier    the same everywhere, but the strategy may remember an earlier difference
strategy   the same everywhere, and no difference before: source, parameters or limits differ
=========  ========================================================================================
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from appliance.cold.diff.course import Course, Decision, Heard
from appliance.cold.figures import time_of_day

FILLS_LOOKED_AT: Final = 100


@dataclass(frozen=True)
class Difference:
    """A decision that one side alone took."""

    decision: Decision
    by: str  # "live" or "backtest"
    cause: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """``apart_ns``: of each pair, how much later live was."""

    same_n: int
    apart_ns: tuple[int, ...]
    differences: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        apart = sorted(abs(one) for one in self.apart_ns)
        return {
            "same": self.same_n,
            "different": len(self.differences),
            "at_other_times": sum(one > 0 for one in apart),
            "apart_most_us": apart[-1] / 1000 if apart else None,
            "causes": dict(Counter(one.cause for one in self.differences)),
            "differences": [
                {
                    "time_ns": one.decision.time_ns,
                    "by": one.by,
                    "symbol": one.decision.symbol,
                    "what": one.decision.what,
                    "side": one.decision.side,
                    "price_ticks": one.decision.price_ticks,
                    "quantity_lots": one.decision.quantity_lots,
                    "cause": one.cause,
                    "why": one.why,
                }
                for one in self.differences
            ],
        }


def compare(live: Course, backtest: Course, heard: Heard, within_ns: int) -> Comparison:
    """``within_ns``: how far apart the times of two may be that are the same."""
    pairs, alone = _paired(live.decisions, backtest.decisions, within_ns)
    differences = []
    seen: set[str] = set()
    for decision, is_live in alone:
        own, other = (live, backtest) if is_live else (backtest, live)
        cause, why = _cause(
            decision,
            own,
            other,
            heard,
            within_ns,
            is_live=is_live,
            is_first=decision.symbol not in seen,
        )
        seen.add(decision.symbol)
        differences.append(Difference(decision, "live" if is_live else "backtest", cause, why))
    return Comparison(len(pairs), tuple(a - b for a, b in pairs), tuple(differences))


def _paired(
    live: list[Decision], backtest: list[Decision], within_ns: int
) -> tuple[list[tuple[int, int]], list[tuple[Decision, bool]]]:
    """Times of those that are the same, and those that are alone (with: is it live's?)."""
    waiting: Mapping[Any, list[int]] = defaultdict(list)
    for decision in backtest:
        insort(waiting[decision.same], decision.time_ns)
    pairs, alone = [], []
    for decision in live:
        times = waiting[decision.same]
        at = bisect_left(times, decision.time_ns)
        near = [k for k in (at - 1, at) if 0 <= k < len(times)]
        best = min(near, key=lambda k: abs(times[k] - decision.time_ns), default=None)
        if best is None or abs(times[best] - decision.time_ns) > within_ns:
            alone.append((decision, True))
        else:
            pairs.append((decision.time_ns, times.pop(best)))
    left = Counter((same, time_ns) for same, times in waiting.items() for time_ns in times)
    for decision in backtest:
        if left[decision.same, decision.time_ns] > 0:
            left[decision.same, decision.time_ns] -= 1
            alone.append((decision, False))
    return pairs, sorted(alone)


def _cause(
    decision: Decision,
    own: Course,
    other: Course,
    heard: Heard,
    within_ns: int,
    *,
    is_live: bool,
    is_first: bool,
) -> tuple[str, str]:
    now_ns, symbol = decision.time_ns, decision.symbol
    names = ("live", "backtest") if is_live else ("backtest", "live")
    if reason := other.refused(symbol, now_ns, within_ns):
        return "refused", f"the gate of {names[1]} refused about then: {reason}"
    if is_live and not heard.has(symbol, now_ns, within_ns):
        return "market", "the recording has no message of this moment"
    held = own.position_lots(symbol, now_ns), other.position_lots(symbol, now_ns)
    if held[0] != held[1]:
        since = _parted(own, other, symbol, now_ns)
        told = f"{names[0]} held {held[0]:+,} lots, {names[1]} {held[1]:+,}"
        return "position", f"{told}{since}"
    orders = own.open_orders(symbol, now_ns), other.open_orders(symbol, now_ns)
    if orders[0] != orders[1]:
        more = Counter(orders[0]) - Counter(orders[1])
        fewer = Counter(orders[1]) - Counter(orders[0])
        return (
            "orders",
            f"open with {names[0]} only: {_shown(more)}; with {names[1]} only: {_shown(fewer)}",
        )
    if not is_first:
        return "earlier", "all is the same again; the strategy may remember an earlier difference"
    return "strategy", "all that it saw was the same: its source, parameters or limits differ"


def _parted(own: Course, other: Course, symbol: str, now_ns: int) -> str:
    """Since which fill the positions differ, if it was not too long ago."""
    times = np.union1d(own.fill_times_ns(symbol), other.fill_times_ns(symbol))
    times = times[times < now_ns]
    for time_ns in times[::-1][:FILLS_LOOKED_AT].tolist():
        if own.position_lots(symbol, time_ns) == other.position_lots(symbol, time_ns):
            return f", since {time_of_day(time_ns)}"
    return ", from the start" if len(times) < FILLS_LOOKED_AT else ", for long"


def _shown(orders: "Counter[tuple[int, int]]") -> str:
    names = {1: "buy", -1: "sell"}
    return ", ".join(f"{names[side]} at {ticks}" for side, ticks in orders.elements()) or "nothing"
