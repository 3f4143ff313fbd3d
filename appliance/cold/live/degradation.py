"""What takes trading away when the appliance or the venue is not what it should be.

Three things are looked at once a second: how long a pass of the loop takes (p99 since the last
look), how far the venue's clock is away, and how old the oldest book is. Each has two bounds:
beyond the first only orders that reduce go out, beyond the second none, and what is open is
cancelled. Both stay until a person resumes. A bound counts when two looks in a row are beyond it.
(What the gate refuses for the moment, a stale book or a clock that is not known, mends itself.)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from appliance.abi.histogram_layout import percentiles
from appliance.abi.market import BookState
from appliance.abi.telemetry import Stage
from appliance.abi.trading_state import Cause, TradingState
from appliance.abi.units import NS_PER_MS
from appliance.hot.core import Core

EVERY_S: Final = 1.0
LOOKS: Final = 2


@dataclass(frozen=True)
class Bounds:
    """In ms; ``reduce_ms`` < ``halt_ms``."""

    reduce_ms: int
    halt_ms: int

    def state_at(self, value_ms: int) -> TradingState:
        if value_ms > self.halt_ms:
            return TradingState.HALTED
        return TradingState.REDUCE_ONLY if value_ms > self.reduce_ms else TradingState.ACTIVE

    def of(self, state: TradingState) -> int:
        return self.halt_ms if state is TradingState.HALTED else self.reduce_ms


Lower = Callable[[TradingState, Cause, int, int], None]  # state, cause, observed and bound, ms


class Degradation:
    """``look`` as often as you like; it does so once a second."""

    def __init__(self, core: Core, bounds: dict[Cause, Bounds], lower: Lower) -> None:
        """``bounds`` of OVERLOAD, CLOCK and FEED."""
        self._core = core
        self._bounds = bounds
        self._lower = lower
        self._due_s = 0.0
        self._passes = core.telemetry.histograms[Stage.PASS].copy()
        self._beyond: dict[Cause, list[TradingState]] = {cause: [] for cause in bounds}
        self._told: dict[Cause, TradingState] = {}

    def look(self, clock_offset_ns: int, now_ns: int) -> None:
        """``now_ns``: wall clock, as books have it."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + EVERY_S
        seen = {
            Cause.OVERLOAD: self._pass_ms(),
            Cause.CLOCK: abs(clock_offset_ns) // NS_PER_MS,
            Cause.FEED: self._feed_ms(now_ns),
        }
        for cause, bounds in self._bounds.items():
            self._judge(cause, bounds, seen[cause])

    def _judge(self, cause: Cause, bounds: Bounds, value_ms: int) -> None:
        states = [*self._beyond[cause], bounds.state_at(value_ms)][-LOOKS:]
        self._beyond[cause] = states
        state = max(states) if len(states) == LOOKS else TradingState.ACTIVE
        before = self._told.get(cause, TradingState.ACTIVE)
        if state < before:
            self._lower(state, cause, value_ms, bounds.of(state))
        self._told[cause] = state

    def _pass_ms(self) -> int:
        """p99 of the passes since the last look."""
        now: Any = self._core.telemetry.histograms[Stage.PASS].copy()
        new = now - self._passes
        self._passes = now
        return percentiles(new, [99])[0] // NS_PER_MS

    def _feed_ms(self, now_ns: int) -> int:
        """Since the last event of the book that waits longest; one that never was counts not."""
        references = self._core.gate.references
        ages_ns = [
            now_ns - int(reference.book_ns)
            for reference in references
            if reference.book_ns > 0 and reference.book_state != BookState.EMPTY
        ]
        return max(0, *ages_ns, 0) // NS_PER_MS
