"""A connection to the WebSocket API: orders, queries, sessions, user data (binance-protocol 3)."""

import json
import time
from typing import Any, Final

from appliance.abi.market import Market
from appliance.abi.units import NS_PER_MS
from appliance.cold.venue.account import Account
from appliance.cold.venue.connection import Connection
from appliance.cold.venue.credentials import ApiKey, sorted_payload
from appliance.cold.venue.desk import Asked, Call, Operation, Security
from appliance.cold.venue.execution import Message
from appliance.cold.venue.hub import compact
from appliance.cold.venue.refusal import Refused, illegal, missing
from appliance.cold.venue.user_data import Sink

_SESSION_WEIGHT: Final = 2
_CONNECT_WEIGHT: Final = {Market.SPOT: 2, Market.USDM: 5}
_OK: Final = 200
_ID_CHARS_MAX: Final = 36
_NO_REQUEST: Final = (-1135, "JSON Request is not valid.")


def texts_of(params: dict[str, Any]) -> dict[str, str]:
    """Parameters as the texts that are signed; a decimal number keeps its digits."""
    texts = {}
    for name, value in params.items():
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, list | dict):
            texts[name] = compact(value).decode()
        elif value is not None:
            texts[name] = str(value)
    return texts


class ApiConnection(Connection):
    """One client; a session is a key that has logged on."""

    api = True
    returns_limits = True
    _session: ApiKey | None = None
    _authorized_ms = 0
    _connected_ms = 0

    def admit(self, now_ns: int) -> None:
        weight = _CONNECT_WEIGHT[self.floor.market]
        self.floor.quotas.charge(self.address, weight, now_ns)

    def opened(self) -> None:
        self._connected_ms = self.floor.clock.ms(time.time_ns())
        self._subscriptions: dict[int, tuple[Account, Sink]] = {}
        self._subscription_n = 0
        self._own = {
            operation.name: operation
            for operation in (
                Operation("session.logon", self._logon, Security.SIGNED, _SESSION_WEIGHT),
                Operation("session.status", self._status, weight=_SESSION_WEIGHT),
                Operation("session.logout", self._logout, weight=_SESSION_WEIGHT),
            )
        }
        if self.floor.market == Market.SPOT:
            named = (
                ("session.subscriptions", self._listed, Security.NONE),
                ("userDataStream.subscribe", self._subscribe, Security.NONE),
                ("userDataStream.subscribe.signature", self._subscribe_signed, Security.SIGNED),
                ("userDataStream.unsubscribe", self._unsubscribe, Security.NONE),
            )
            for name, handler, security in named:
                self._own[name] = Operation(name, handler, security, _SESSION_WEIGHT)

    def left(self) -> None:
        for account, sink in self._subscriptions.values():
            self.floor.user_data.detach(account, sink)

    def shutdown_notice(self, now_ms: int) -> dict[str, Any]:
        return {"event": {"e": "serverShutdown", "E": now_ms}}

    def heard(self, text: str) -> None:
        """One request, one reply."""
        number: Any = None
        owner, shows = 0, self.returns_limits
        now_ns = time.time_ns()
        try:
            request = json.loads(text, parse_float=str)
            if not isinstance(request, dict) or not _is_id(request.get("id")):
                raise Refused(*_NO_REQUEST)
            number = request.get("id")
            method, params = request.get("method"), request.get("params") or {}
            if not isinstance(method, str) or not isinstance(params, dict):
                raise Refused(*_NO_REQUEST)
            texts = texts_of(params)
            shows = texts.get("returnRateLimits", str(shows)).lower() == "true"
            result, owner = self._carry_out(method, texts, now_ns)
            reply = {"id": number, "status": _OK, "result": result}
        except (ValueError, RecursionError):
            refused = Refused(*_NO_REQUEST)
            reply = {"id": None, "status": refused.status, "error": _error(refused)}
        except Refused as refused:
            reply = {"id": number, "status": refused.status, "error": _error(refused)}
        if shows:
            owner = owner or (self._session.account.owner if self._session else 0)
            reply["rateLimits"] = self.floor.quotas.listed(self.address, owner, now_ns)
        self.outlet.send(compact(reply))

    def _carry_out(self, method: str, texts: dict[str, str], now_ns: int) -> tuple[object, int]:
        floor = self.floor
        floor.advance(now_ns)
        operation = self._own.get(method) or floor.market_desk.table.get(("WS", method))
        if operation is None:
            raise illegal("method", "a method of this API")
        payload = sorted_payload(texts)
        asked = Asked(
            texts,
            self.address,
            texts.get("apiKey", ""),
            texts.get("signature", ""),
            (payload,),
            self._session,
        )
        return floor.desk.serve(operation, asked, now_ns)

    def _logon(self, call: Call) -> dict[str, Any]:
        """Ed25519 keys only."""
        if not call.params.has("apiKey"):
            raise missing("apiKey")
        if not call.key.is_ed25519:
            raise Refused(-4056, "HMAC_SHA256 API key is not supported.")
        self._session = call.key
        self._authorized_ms = self.floor.clock.ms(call.now_ns)
        return self._status(call)

    def _logout(self, call: Call) -> dict[str, Any]:
        self._session, self._authorized_ms = None, 0
        return self._status(call)

    def _status(self, call: Call) -> dict[str, Any]:
        return {
            "apiKey": self._session.text if self._session else None,
            "authorizedSince": self._authorized_ms or None,
            "connectedSince": self._connected_ms,
            "returnRateLimits": self.returns_limits,
            "serverTime": self.floor.clock.ns(call.now_ns) // NS_PER_MS,
            "userDataStream": any(
                self._session is not None and account is self._session.account
                for account, _ in self._subscriptions.values()
            ),
        }

    def _subscribe(self, _call: Call) -> dict[str, Any]:
        """Of the session's account. Refused (-2015) without a session."""
        if self._session is None:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self._attach(self._session.account)

    def _subscribe_signed(self, call: Call) -> dict[str, Any]:
        return self._attach(call.account)

    def _attach(self, account: Account) -> dict[str, Any]:
        if any(account is known for known, _ in self._subscriptions.values()):
            raise Refused(-2035, "User Data Stream subscription already active.")
        number = self._subscription_n
        self._subscription_n += 1

        def sink(message: Message) -> None:
            self.outlet.send(compact({"subscriptionId": number, "event": message}))

        self._subscriptions[number] = account, sink
        self.floor.user_data.attach(account, sink)
        return {"subscriptionId": number}

    def _unsubscribe(self, call: Call) -> dict[str, Any]:
        """One, or all."""
        wanted = call.params.integer("subscriptionId", -1)
        numbers = [n for n in self._subscriptions if wanted in (-1, n)]
        if not numbers:
            raise Refused(-2036, "User Data Stream subscription not active.")
        for number in numbers:
            self.floor.user_data.detach(*self._subscriptions.pop(number))
        return {}

    def _listed(self, _call: Call) -> list[dict[str, Any]]:
        return [{"subscriptionId": number} for number in self._subscriptions]


def _is_id(number: object) -> bool:
    """What a request may be numbered with: an integer, a short text, null."""
    if isinstance(number, str):
        return len(number) <= _ID_CHARS_MAX
    return number is None or (isinstance(number, int) and not isinstance(number, bool))


def _error(refused: Refused) -> dict[str, Any]:
    error = {"code": refused.code, "msg": refused.message}
    return error if refused.data is None else error | {"data": refused.data}
