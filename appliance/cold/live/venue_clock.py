"""How far the venue's clock is ahead of ours, from its own answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from appliance.abi.units import INT64_MAX, NS_PER_MS
from appliance.cold.live.rest_client import RestClient, RestError, Unclear, parsed

PROBES: Final = 5
EVERY_S: Final = 30.0
RETRY_S: Final = 2.0
AGE_MAX_S: Final = 300.0  # an offset that is older is not known
_MS_MAX: Final = INT64_MAX // NS_PER_MS


@dataclass(frozen=True)
class Offset:
    """Venue less local. The true one lies within ``error_ns`` of it."""

    offset_ns: int
    error_ns: int


async def measure(rest: RestClient, probes: int = PROBES) -> Offset:
    """The quickest of several probes (Cristian's algorithm: the answer's half way). RestError."""
    best: Offset | None = None
    for _ in range(probes):
        before_ns, tick = time.time_ns(), time.monotonic_ns()
        document = parsed("/time", await rest.public("/time"))
        span_ns = time.monotonic_ns() - tick
        venue_ms = document.get("serverTime") if isinstance(document, dict) else None
        if not isinstance(venue_ms, int) or not 0 < venue_ms < _MS_MAX:
            raise Unclear("/time: there is no serverTime in the answer")
        venue_ns = venue_ms * NS_PER_MS + NS_PER_MS // 2  # told in whole ms
        found = Offset(venue_ns - (before_ns + span_ns // 2), span_ns // 2 + NS_PER_MS // 2)
        if best is None or found.error_ns < best.error_ns:
            best = found
    assert best is not None
    return best


class VenueClock:
    """Measures the offset from time to time and says whether orders may rely on it."""

    def __init__(self, rest: RestClient, offset_max_ms: int, say: Callable[[str], None]) -> None:
        self._rest = rest
        self._max_ns = offset_max_ms * NS_PER_MS
        self._say = say
        self._due_s = 0.0
        self._known_s = -AGE_MAX_S
        self._is_good = False
        self.offset_ns = 0
        self.failed = ""

    @property
    def is_good(self) -> bool:
        """Known, recent, and within the bound."""
        return self._is_good and time.monotonic() - self._known_s < AGE_MAX_S

    def is_due(self) -> bool:
        """Whether it is time to ``look``; asked once, it is about to happen."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + EVERY_S
        return True

    def doubt(self) -> None:
        """The venue objected to our time: measure again at once."""
        self._due_s = 0.0

    async def look(self) -> None:
        """Measure. What fails is tried again soon, and the old value ages."""
        try:
            found = await measure(self._rest)
        except RestError as error:
            self.failed = str(error)
            self._due_s = time.monotonic() + RETRY_S
            return
        good = abs(found.offset_ns) + found.error_ns <= self._max_ns
        if not good and (self._is_good or self._known_s < 0):
            ahead_ms = found.offset_ns / NS_PER_MS
            bound_ms, error_ms = self._max_ns // NS_PER_MS, found.error_ns / NS_PER_MS
            self._say(
                f"clock: the venue's is {ahead_ms:.1f} ms ahead of ours (+-{error_ms:.1f});"
                f" no orders beyond {bound_ms} ms"
            )
        self._is_good = good
        self._known_s = time.monotonic()
        self.offset_ns = self._rest.clock_offset_ns = found.offset_ns
