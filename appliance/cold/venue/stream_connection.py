"""A connection to market streams, or to USD-M's user data: /ws, /stream, and their paths."""

import json
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold.venue.connection import Connection, Times
from appliance.cold.venue.faults import FaultBox
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.hub import compact

_STREAMS_MAX: Final = 1024
_PROPERTIES: Final = "SET_PROPERTY", "GET_PROPERTY"
_METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", *_PROPERTIES)


class _Misunderstood(Exception):
    """A request that is refused; code and text are Binance's [web-socket-streams.md]."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.message = f"Invalid request: {text}" if code == 2 else text


class StreamConnection(Connection):
    """``scope`` is USD-M's path: public, market or private; empty on spot, which has none."""

    def __init__(self, floor: Floor, box: FaultBox, times: Times, address: str, scope: str) -> None:
        super().__init__(floor, box, times, address)
        self._scope = scope
        self._streams: list[str] = []
        self._asked: tuple[list[str], bool, bool] = ([], False, False)

    def ask(self, streams: list[str], combined: bool, microseconds: bool) -> None:
        """What the URL says."""
        self._asked = streams, combined, microseconds

    def opened(self) -> None:
        streams, self.outlet.combined, self.outlet.microseconds = self._asked
        self._subscribe(streams)

    def left(self) -> None:
        self._unsubscribe(list(self._streams))

    def shutdown_notice(self, now_ms: int) -> dict[str, Any]:
        event = {"e": "serverShutdown", "E": now_ms}
        return {"stream": "!serverShutdown", "data": event} if self.outlet.combined else event

    def heard(self, text: str) -> None:
        """SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY and GET_PROPERTY."""
        number: object = None
        try:
            asked = json.loads(text)
            if not isinstance(asked, dict):
                raise _Misunderstood(2, "expected a map")
            number = asked.get("id")
            if not isinstance(number, int | str | None):
                number = None
                raise _Misunderstood(2, "request ID must be an integer, a string or null")
            result = self._carry_out(asked)
        except (ValueError, RecursionError):
            self._answer({"error": {"code": 3, "msg": "Invalid JSON: expected value"}})
        except _Misunderstood as no:
            self._answer({"error": {"code": no.code, "msg": no.message}, "id": number})
        else:
            self._answer({"result": result, "id": number})

    def _carry_out(self, asked: dict[str, Any]) -> object:
        method, params = asked.get("method"), asked.get("params", [])
        if method is None:
            raise _Misunderstood(2, "missing field `method`")
        if method not in _METHODS:
            known = ", ".join(f"`{name}`" for name in _METHODS)
            raise _Misunderstood(2, f"unknown variant `{method}`, expected one of {known}")
        if not isinstance(params, list):
            raise _Misunderstood(2, "params must be a list")
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._streams)
        if method in _PROPERTIES:
            return self._property(params, sets=method == "SET_PROPERTY")
        if not all(isinstance(stream, str) for stream in params):
            raise _Misunderstood(2, "a stream's name must be a string")
        if method == "UNSUBSCRIBE":
            self._unsubscribe(params)
        elif len(set(self._streams) | set(params)) > _STREAMS_MAX:
            raise _Misunderstood(2, f"more than {_STREAMS_MAX} streams")
        else:
            self._subscribe(params)
        return None

    def _property(self, params: list[Any], *, sets: bool) -> object:
        """``combined`` is the only one."""
        if params[:1] != ["combined"]:
            raise _Misunderstood(0, "Unknown property")
        if not sets:
            return self.outlet.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise _Misunderstood(1, "Invalid value type: expected Boolean")
        self.outlet.combined = params[1]
        return None

    def _answer(self, form: dict[str, Any]) -> None:
        self.outlet.send(compact(form))

    def _subscribe(self, streams: list[str]) -> None:
        """A stream of another path is taken and stays silent, as at the venue."""
        for stream in streams:
            if stream in self._streams:
                continue
            self._streams.append(stream)
            if self.floor.market == Market.SPOT or self.floor.hub.scope_of(stream) == self._scope:
                self.floor.hub.subscribe(stream, self.outlet)

    def _unsubscribe(self, streams: list[str]) -> None:
        for stream in streams:
            if stream in self._streams:
                self._streams.remove(stream)
                self.floor.hub.unsubscribe(stream, self.outlet)
