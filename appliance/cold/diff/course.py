"""What one side did: its decisions, and what it held and had open at every moment.

The live side is told by the journal (live_course.py), the other by the backtest (replayed.py); both
become a Course, and compare.py knows nothing else of them. Plain Python: it is read, not raced.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

PLACE, CANCEL = "order", "cancel"


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
    """One side; lists in the order of their times."""

    decisions: list[Decision] = field(default_factory=list)
    fills: dict[str, list[Fill]] = field(default_factory=lambda: defaultdict(list))
    orders: dict[str, list[OpenOrder]] = field(default_factory=lambda: defaultdict(list))
    refusals: list[Refusal] = field(default_factory=list)
    begun_with_lots: dict[str, int] = field(default_factory=dict)

    def position_lots(self, symbol: str, now_ns: int) -> int:
        """As known before ``now_ns``."""
        fills = self.fills[symbol]
        count = bisect_left(fills, now_ns, key=lambda fill: fill.time_ns)
        lots = sum(fill.signed_lots for fill in fills[:count])
        return self.begun_with_lots.get(symbol, 0) + lots

    def open_orders(self, symbol: str, now_ns: int) -> list[tuple[int, int]]:
        """(side, price) of what was open before ``now_ns``."""
        orders = self.orders[symbol]
        until = bisect_left(orders, now_ns, key=lambda order: order.start_ns)
        return sorted(
            (order.side, order.price_ticks)
            for order in orders[:until]
            if not order.end_ns or order.end_ns >= now_ns
        )

    def refused(self, symbol: str, now_ns: int, within_ns: int) -> str:
        """Why its gate refused about then; "": it did not."""
        for refusal in self.refusals:
            is_then = refusal.since_ns - within_ns <= now_ns <= refusal.until_ns + within_ns
            if is_then and refusal.symbol in ("", symbol):
                return refusal.reason
        return ""


class Heard:
    """When messages of a symbol came in, by the recording."""

    def __init__(self, times_ns: dict[str, list[int]]) -> None:
        self._times = times_ns

    def has(self, symbol: str, now_ns: int, within_ns: int) -> bool:
        times = self._times.get(symbol, [])
        at = bisect_right(times, now_ns + within_ns)
        return at > 0 and times[at - 1] >= now_ns - within_ns
