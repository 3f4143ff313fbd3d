"""What one side did: its decisions, and what it held and had open at every moment.

The live side is told by the journal (live_course.py), the other by the backtest (replayed.py); both
become a Course, and compare.py knows nothing else of them.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

PLACE, CANCEL = "order", "cancel"
Times = np.ndarray[Any, np.dtype[np.int64]]


class Decision(NamedTuple):
    """What left: an order, or the cancel of one. ``time_ns``: of what it was an answer to."""

    time_ns: int
    symbol: str
    what: str  # PLACE, CANCEL
    side: int
    price_ticks: int
    quantity_lots: int

    @property
    def same(self) -> tuple[str, str, int, int, int]:
        """All but the time."""
        return self.symbol, self.what, self.side, self.price_ticks, self.quantity_lots


class OpenOrder(NamedTuple):
    """An order from when it left until its end was known; ``end_ns`` 0: it had none."""

    start_ns: int
    end_ns: int
    side: int
    price_ticks: int


class Fill(NamedTuple):
    time_ns: int  # when it was known here
    signed_lots: int
    price_ticks: int


class Refusal(NamedTuple):
    """Of the gate, somewhere between two times. ``symbol`` "": of any."""

    symbol: str
    since_ns: int
    until_ns: int
    reason: str


@dataclass
class Course:
    """One side; lists in the order of their times. It is asked when it is complete."""

    decisions: list[Decision] = field(default_factory=list)
    fills: dict[str, list[Fill]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[str, list[OpenOrder]] = field(default_factory=lambda: defaultdict(list))
    refusals: list[Refusal] = field(default_factory=list)
    begun_with_lots: dict[str, int] = field(default_factory=dict)
    _arrays: dict[tuple[str, str], Times] = field(default_factory=dict)  # made when asked for

    def position_lots(self, symbol: str, now_ns: int) -> int:
        """As known before ``now_ns``."""
        times, lots = self._table("fills", symbol)[:, :2].T
        count = int(np.searchsorted(times, now_ns))
        return self.begun_with_lots.get(symbol, 0) + int(lots[:count].sum())

    def fill_times_ns(self, symbol: str) -> Times:
        times: Times = self._table("fills", symbol)[:, 0]
        return times

    def open_orders(self, symbol: str, now_ns: int) -> list[tuple[int, int]]:
        """(side, price) of what was open before ``now_ns``."""
        starts, ends, sides, ticks = self._table("orders", symbol).T
        at = np.flatnonzero((starts < now_ns) & ((ends == 0) | (ends >= now_ns)))
        return sorted(zip(sides[at].tolist(), ticks[at].tolist(), strict=True))

    def refused(self, symbol: str, now_ns: int, within_ns: int) -> str:
        """Why its gate refused about then; "": it did not."""
        for refusal in self.refusals:
            is_then = refusal.since_ns - within_ns <= now_ns <= refusal.until_ns + within_ns
            if is_then and refusal.symbol in ("", symbol):
                return refusal.reason
        return ""

    def _table(self, which: str, symbol: str) -> Times:
        if (which, symbol) not in self._arrays:
            rows = (self.fills if which == "fills" else self.orders)[symbol]
            width = len(Fill._fields) if which == "fills" else len(OpenOrder._fields)
            self._arrays[which, symbol] = np.array(rows, np.int64).reshape(-1, width)
        return self._arrays[which, symbol]


class Heard:
    """When messages of a symbol came in, by the recording; rising."""

    def __init__(self, times_ns: dict[str, Times]) -> None:
        self._times = times_ns

    def has(self, symbol: str, now_ns: int, within_ns: int) -> bool:
        times = self._times.get(symbol)
        if times is None:
            return False
        at = int(np.searchsorted(times, now_ns + within_ns, side="right"))
        return at > 0 and int(times[at - 1]) >= now_ns - within_ns
