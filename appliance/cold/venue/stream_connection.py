"""A connection to market streams, or to USD-M's user data: /ws, /stream, and their paths."""

import json
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold.venue.connection import Connection, Times
from appliance.cold.venue.faults import FaultBox
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.hub import compact

_STREAMS_MAX: Final = 1024


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
        try:
            asked = json.loads(text)
            method, params, number = asked["method"], asked.get("params", []), asked.get("id")
        except (ValueError, TypeError, KeyError):
            self._answer({"error": {"code": 3, "msg": "Invalid JSON: expected value"}})
            return
        wrong = not isinstance(params, list) or not all(isinstance(p, str) for p in params[:1])
        result: object = None
        if wrong:
            self._answer({"error": {"code": 2, "msg": "Invalid request: params"}, "id": number})
            return
        if method == "SUBSCRIBE":
            if len(self._streams) + len(params) > _STREAMS_MAX:
                text = f"Invalid request: more than {_STREAMS_MAX} streams"
                self._answer({"error": {"code": 2, "msg": text}, "id": number})
                return
            self._subscribe(params)
        elif method == "UNSUBSCRIBE":
            self._unsubscribe(params)
        elif method == "LIST_SUBSCRIPTIONS":
            result = list(self._streams)
        elif method == "GET_PROPERTY":
            result = self.outlet.combined
        elif method == "SET_PROPERTY" and len(params) == 2:
            self.outlet.combined = bool(params[1])
        else:
            known = "one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`"
            text = f"Invalid request: unknown variant `{method}`, expected {known}"
            self._answer({"error": {"code": 2, "msg": text}, "id": number})
            return
        self._answer({"result": result, "id": number})

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
