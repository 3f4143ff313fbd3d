"""Faults on demand: which, how often, and on what. Everything follows from the seed."""

from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any, Final

from appliance.abi.units import NS_PER_MS
from appliance.cold.errors import ApplianceError
from appliance.cold.venue.refusal import Refused

_TARGETS: Final = ("streams", "api", "all")
_HEAD_BYTES: Final = 160  # an event says early what it is
_SPARED: Final = ("ping", "time")  # by faults of requests


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are probabilities of a message or request, 0 to 1. All off by default."""

    drop: float = 0.0  # the message is not sent
    duplicate: float = 0.0  # sent twice
    reorder: float = 0.0  # sent after the next one
    delay: float = 0.0  # sent ``delay_ms`` late, and what follows it too
    delay_ms: int = 100
    fragment: float = 0.0  # sent as WebSocket fragments
    split: float = 0.0  # its bytes are sent in small pieces with pauses
    disconnect: float = 0.0  # the connection breaks off instead
    silent: bool = False  # connected, answers pings, sends nothing
    slow_read_ms: int = 0  # pause before each message of a client is read
    error_before: float = 0.0  # 5xx, the request was not carried out
    error_after: float = 0.0  # 5xx, though the request was carried out
    clock_ms: int = 0  # what the venue's clock is wrong by
    on: str = "streams"  # whose messages are spoilt: streams, api (WebSocket API) or all
    event: str = ""  # only messages of this event (``e``), for instance depthUpdate
    times: int = 0  # so many in all and then no more; 0: no end
    seed: int = 1

    @classmethod
    def parse(cls, texts: list[str]) -> "Faults":
        """Of ``--fault NAME=VALUE``. Raises ApplianceError."""
        named: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals:
                raise ApplianceError(f"--fault {text}: say NAME=VALUE, for instance drop=0.01")
            named[name] = value
        return cls().changed(named)

    def changed(self, named: dict[str, Any]) -> "Faults":
        """These faults with some of them set anew. Raises ApplianceError."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        values: dict[str, Any] = {}
        for name, value in named.items():
            kind = kinds.get(name)
            if kind is None:
                raise ApplianceError(f"no fault is called {name!r}; there are {', '.join(kinds)}")
            values[name] = _read(name, kind, value)
        return replace(self, **values)


def _read(name: str, kind: type, value: Any) -> Any:
    try:
        if kind is bool:
            found: Any = {"true": True, "false": False}[str(value).lower()]
        else:
            found = kind(value)
    except (ValueError, TypeError, KeyError) as error:
        raise ApplianceError(f"fault {name}: {value!r} is no {kind.__name__}") from error
    if kind is float and not 0 <= found <= 1:
        raise ApplianceError(f"fault {name}: {value!r} is no probability from 0 to 1")
    if name == "on" and found not in _TARGETS:
        raise ApplianceError(f"fault on: {value!r} is none of {', '.join(_TARGETS)}")
    if kind is int and found < 0 and name != "clock_ms":
        raise ApplianceError(f"fault {name}: {value!r} is less than 0")
    return found


class FaultBox:
    """The faults that are on now, and the dice."""

    def __init__(self, faults: Faults) -> None:
        self.set(faults)

    def set(self, faults: Faults) -> None:
        """From now on; the dice begin anew."""
        self.faults = faults
        self.hits_n = 0
        self._mark = f'"e":"{faults.event}"'.encode() if faults.event else b""
        self._random = Random(faults.seed).random

    @property
    def skew_ns(self) -> int:
        return self.faults.clock_ms * NS_PER_MS

    def hits(self, share: float) -> bool:
        """Throw the dice; ``silent`` and ``slow_read_ms`` know none."""
        if share <= 0 or 0 < self.faults.times <= self.hits_n or self._random() >= share:
            return False
        self.hits_n += 1
        return True

    def spoils(self, api: bool, payload: bytes) -> bool:
        """True if this message of such a connection may be spoilt at all."""
        wanted = self.faults.on in ("all", "api" if api else "streams")
        return wanted and self._mark in payload[:_HEAD_BYTES]

    def spoil_request(self, name: str, done: bool) -> None:
        """Raises Refused with 503 or -1007: what became of the request is not known to clients."""
        if name in _SPARED:
            return
        if not done and self.hits(self.faults.error_before):
            raise Refused(-1008, "Server is currently overloaded with other requests.", 503)
        if done and self.hits(self.faults.error_after):
            text = "Timeout waiting for response from backend server. Send status unknown;"
            raise Refused(-1007, f"{text} execution status unknown.", 504)
