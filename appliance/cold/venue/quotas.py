"""Counts requests and orders against the venue's limits, as exchangeInfo states them.

Intervals are aligned to the clock: a 10 s window begins at :00, :10, .. [binance-protocol 3].
Whoever goes on after 429 is banned: 418. Weight counts by address, orders by account.
"""

from typing import Any, Final

from appliance.abi.market import Market
from appliance.abi.units import NS_PER_MS, NS_PER_S
from appliance.cold.synthetic.listing import RATE_LIMITS
from appliance.cold.venue.refusal import BANNED, TOO_MANY, Refused

_SECONDS: Final = {"SECOND": 1, "MINUTE": 60, "DAY": 86_400}
_PATIENCE: Final = 10  # requests after 429 until the ban
_WEIGHT: Final = ("REQUEST_WEIGHT", "RAW_REQUESTS")


class _Window:
    """One limit of one address or account."""

    def __init__(self, kind: str, interval: str, number: int, limit: int) -> None:
        self.kind = kind
        self.interval = interval
        self.number = number
        self.limit = limit
        self.span_ns = _SECONDS[interval] * number * NS_PER_S
        self.began_ns = 0
        self.count = 0

    def roll(self, now_ns: int) -> None:
        began_ns = now_ns // self.span_ns * self.span_ns
        if began_ns != self.began_ns:
            self.began_ns = began_ns
            self.count = 0

    @property
    def letter(self) -> str:
        return f"{self.number}{self.interval[0].lower()}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.number,
            "limit": self.limit,
            "count": self.count,
        }


class Quotas:
    """All counters of one market. ``factor`` multiplies every limit; ``ban_s`` is how long."""

    def __init__(self, market: Market, factor: int = 1, ban_s: int = 120) -> None:
        self._limits = RATE_LIMITS[market]
        self._factor = factor
        self._ban_ns = ban_s * NS_PER_S
        self._by_address: dict[str, list[_Window]] = {}
        self._by_account: dict[int, list[_Window]] = {}
        self._impatient: dict[str, int] = {}  # requests of an address after its 429
        self._banned_until_ns: dict[str, int] = {}

    def _windows(self, kinds: tuple[str, ...]) -> list[_Window]:
        return [
            _Window(kind, interval, number, limit * self._factor)
            for kind, interval, number, limit in self._limits
            if kind in kinds
        ]

    def of_address(self, address: str, now_ns: int) -> list[_Window]:
        windows = self._by_address.get(address)
        if windows is None:
            windows = self._by_address[address] = self._windows(_WEIGHT)
        for window in windows:
            window.roll(now_ns)
        return windows

    def of_account(self, owner: int, now_ns: int) -> list[_Window]:
        windows = self._by_account.get(owner)
        if windows is None:
            windows = self._by_account[owner] = self._windows(("ORDERS",))
        for window in windows:
            window.roll(now_ns)
        return windows

    def charge(self, address: str, weight: int, now_ns: int) -> None:
        """Count a request. Refused with 429, or 418 while a ban lasts."""
        until_ns = self._banned_until_ns.get(address, 0)
        if now_ns < until_ns:
            raise _banned(until_ns, now_ns)
        for window in self.of_address(address, now_ns):
            added = weight if window.kind == "REQUEST_WEIGHT" else 1
            if window.count + added > window.limit:
                self._lose_patience(address, now_ns)
                raise _too_much(window, now_ns)
            window.count += added

    def refund(self, address: str, weight: int, now_ns: int) -> None:
        """A request that turned out to weigh nothing: an order that was accepted."""
        for window in self.of_address(address, now_ns):
            if window.kind == "REQUEST_WEIGHT":
                window.count = max(0, window.count - weight)

    def charge_order(self, owner: int, now_ns: int) -> None:
        """Count an order. Refused with -1015."""
        windows = self.of_account(owner, now_ns)
        for window in windows:
            if window.count >= window.limit:
                text = f"{window.limit} orders per {window.number} {window.interval}"
                refused = Refused(-1015, f"Too many new orders; current limit is {text}.", TOO_MANY)
                raise _again(refused, window.began_ns + window.span_ns, now_ns)
        for window in windows:
            window.count += 1

    def filled(self, owner: int) -> None:
        """Spot counts unfilled orders: the first fill of an order takes it out of the count."""
        for window in self._by_account.get(owner, ()):
            window.count = max(0, window.count - 1)

    def headers(self, address: str, owner: int, now_ns: int) -> dict[str, str]:
        """``X-MBX-USED-WEIGHT-1M``, and ``X-MBX-ORDER-COUNT-10S`` where an account is known."""
        found = {
            f"X-MBX-USED-WEIGHT-{window.letter.upper()}": str(window.count)
            for window in self.of_address(address, now_ns)
            if window.kind == "REQUEST_WEIGHT"
        }
        if owner:
            for window in self.of_account(owner, now_ns):
                found[f"X-MBX-ORDER-COUNT-{window.letter.upper()}"] = str(window.count)
        return found

    def listed(self, address: str, owner: int, now_ns: int) -> list[dict[str, Any]]:
        """``rateLimits`` of a reply of the WebSocket API."""
        orders = self.of_account(owner, now_ns) if owner else []
        weights = self.of_address(address, now_ns)
        shown = [window for window in weights if window.kind == "REQUEST_WEIGHT"]
        return [window.as_dict() for window in (*orders, *shown)]

    def _lose_patience(self, address: str, now_ns: int) -> None:
        self._impatient[address] = self._impatient.get(address, 0) + 1
        if self._impatient[address] > _PATIENCE:
            self._impatient[address] = 0
            self._banned_until_ns[address] = now_ns + self._ban_ns
            raise _banned(now_ns + self._ban_ns, now_ns)


def _again(refused: Refused, at_ns: int, now_ns: int) -> Refused:
    refused.retry_after_s = max(1, -((now_ns - at_ns) // NS_PER_S))
    refused.data = {"serverTime": now_ns // NS_PER_MS, "retryAfter": at_ns // NS_PER_MS}
    return refused


def _too_much(window: _Window, now_ns: int) -> Refused:
    what = "request weight" if window.kind == "REQUEST_WEIGHT" else "requests"
    text = f"{window.limit} {what} per {window.number} {window.interval}"
    refused = Refused(
        -1003,
        f"Too much request weight used; current limit is {text}. Please use WebSocket Streams"
        " for live updates to avoid polling the API.",
        TOO_MANY,
    )
    return _again(refused, window.began_ns + window.span_ns, now_ns)


def _banned(until_ns: int, now_ns: int) -> Refused:
    refused = Refused(
        -1003,
        f"Way too much request weight used; IP banned until {until_ns // NS_PER_MS}."
        " Please use WebSocket Streams for live updates to avoid bans.",
        BANNED,
    )
    return _again(refused, until_ns, now_ns)
