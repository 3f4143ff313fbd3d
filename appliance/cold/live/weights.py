"""What we may use of the venue's request weight, which it counts by the minute of its clock."""

from collections.abc import Callable
from typing import Final

from appliance.abi.market import Market

# Of the weight of a minute; the rest is for others on this address. Snapshots, of which there may
# be many at once, leave something for questions about orders and cancels.
PUBLIC_SHARE: Final = 0.6
SIGNED_SHARE: Final = 0.9
MINUTE_S: Final = 60.0
# As we ask (binance-protocol 2, 3 and 5); what is not here weighs 1.
_WEIGHTS: Final = {
    Market.SPOT: {"/depth": 50, "/exchangeInfo": 20, "/order": 4, "/account": 20}
    | {"/openOrders": 6, "/myTrades": 20},
    Market.USDM: {"/depth": 20, "/userTrades": 5, "/fapi/v3/positionRisk": 5},
}


class Weights:
    """``venue_s``: the venue's time, seconds since the Unix epoch."""

    def __init__(self, market: Market, venue_s: Callable[[], float]) -> None:
        self._of_path = _WEIGHTS[market]
        self._venue_s = venue_s
        self._minute = -1  # that ``used`` belongs to
        self._on_their_way = 0
        self.most = 0  # per minute; 0: not known yet
        self.used = 0

    def wait_s(self, path: str, share: float) -> float:
        """How long until there is room for a request; 0: it may go now.

        What is on its way counts: the venue has not told of it yet.
        """
        self._turn()
        wanted = self.used + self._on_their_way + self._of_path.get(path, 1)
        if not self.most or wanted <= self.most * share:
            return 0.0
        return MINUTE_S - self._venue_s() % MINUTE_S

    def begin(self, path: str) -> int:
        """A request leaves. What ``end`` wants to know of it."""
        self._on_their_way += self._of_path.get(path, 1)
        return self._turn()

    def end(self, path: str, begun: int, told: int | None) -> None:
        """It is over. ``told``: what the venue said was used; None: nothing, so it counts in full.

        What was begun in an earlier minute may be told of either, and is left out: the next one
        tells. Answers overtake each other, so the greatest of a minute is the latest.
        """
        weight = self._of_path.get(path, 1)
        self._on_their_way -= weight
        if self._turn() == begun:
            self.used = self.used + weight if told is None else max(self.used, told)

    def _turn(self) -> int:
        """The venue's minute, in which it counts from zero."""
        minute = int(self._venue_s() // MINUTE_S)
        if minute != self._minute:
            self._minute, self.used = minute, 0
        return minute
