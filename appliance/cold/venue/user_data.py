"""Who reads an account's user data: subscriptions of the WebSocket API, and listen keys.

Spot: ``userDataStream.subscribe``, one per account and connection [binance-protocol 4]. USD-M: a
listen key that lives 60 minutes after it was last kept alive [binance-protocol 5].
"""

import secrets
from collections.abc import Callable
from typing import Final

from appliance.abi.units import NS_PER_S
from appliance.cold.venue.account import Account
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.execution import Message
from appliance.cold.venue.hub import Hub
from appliance.cold.venue.refusal import Refused

_LIFE_NS: Final = 3600 * NS_PER_S
Sink = Callable[[Message], None]


class _ListenKey:
    def __init__(self, text: str, account: Account, until_ns: int) -> None:
        self.text = text
        self.account = account
        self.until_ns = until_ns


class UserData:
    """``deliver`` is the settlement's."""

    def __init__(self, hub: Hub, clock: VenueClock) -> None:
        self._hub = hub
        self._clock = clock
        self._sinks: dict[int, list[Sink]] = {}
        self._keys: dict[int, _ListenKey] = {}  # by owner: one each

    def deliver(self, account: Account, message: Message) -> None:
        for sink in tuple(self._sinks.get(account.owner, ())):
            sink(message)
        key = self._keys.get(account.owner)
        if key is not None:
            self._hub.tell(key.text, message)

    def attach(self, account: Account, sink: Sink) -> None:
        self._sinks.setdefault(account.owner, []).append(sink)

    def detach(self, account: Account, sink: Sink) -> None:
        self._sinks[account.owner].remove(sink)

    def start(self, account: Account, now_ns: int) -> str:
        """The account's listen key: a new one, or the one it has, which lives on."""
        key = self._keys.get(account.owner)
        if key is None:
            key = _ListenKey(secrets.token_hex(32), account, 0)
            self._keys[account.owner] = key
        key.until_ns = now_ns + _LIFE_NS
        return key.text

    def keep_alive(self, account: Account, now_ns: int) -> str:
        """Refused (-1125) if there is none."""
        if account.owner not in self._keys:
            raise Refused(-1125, "This listenKey does not exist.")
        return self.start(account, now_ns)

    def stop(self, account: Account) -> None:
        self._keys.pop(account.owner, None)

    def advance(self, now_ns: int) -> None:
        """End the keys whose time is up."""
        for owner, key in list(self._keys.items()):
            if key.until_ns <= now_ns:
                del self._keys[owner]
                event_ms = self._clock.ms(now_ns)
                message = {"e": "listenKeyExpired", "E": event_ms, "listenKey": key.text}
                self._hub.tell(key.text, message)
