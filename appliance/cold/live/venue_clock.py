"""How far the venue's clock is ahead of ours, from its own answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from appliance.abi.gate import CLOCK_AGE_MAX_NS
from appliance.abi.units import INT64_MAX, NS_PER_MS, NS_PER_S
from appliance.cold.live.rest_client import RestClient, RestError, Unclear, parsed

PROBES: Final = 5
EVERY_S: Final = 30.0
RETRY_S: Final = 2.0
AGE_MAX_S: Final = CLOCK_AGE_MAX_NS / NS_PER_S  # an offset that is older is not known
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
    """Measures the offset from time to time; the gate judges it (clock_offset_max_ms)."""

    def __init__(
        self, rest: RestClient, max_ns: Callable[[], int], say: Callable[[str], None]
    ) -> None:
        """``max_ns``: the gate's limit at present; when it is first passed, that is said."""
        self._rest = rest
        self._max_ns = max_ns
        self._say = say
        self._due_s = 0.0
        self._known_s = -AGE_MAX_S
        self._is_beyond = False
        self.offset_ns = 0
        self.most_ns = 0  # that it can be, whichever clock is ahead
        self.seen_ns = 0  # when that was measured, by our clock
        self.failed = ""

    @property
    def is_known(self) -> bool:
        """Measured, and not long ago."""
        return time.monotonic() - self._known_s < AGE_MAX_S

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
        self.most_ns = abs(found.offset_ns) + found.error_ns
        is_beyond = self.most_ns > self._max_ns()
        if is_beyond and not self._is_beyond:
            ahead_ms, error_ms = found.offset_ns / NS_PER_MS, found.error_ns / NS_PER_MS
            self._say(
                f"clock: the venue's is {ahead_ms:.1f} ms ahead of ours (+-{error_ms:.1f});"
                f" beyond {self._max_ns() // NS_PER_MS} ms only orders that reduce go out"
            )
        self._is_beyond = is_beyond
        self._known_s = time.monotonic()
        self.seen_ns = time.time_ns()
        self.offset_ns = self._rest.clock_offset_ns = found.offset_ns
