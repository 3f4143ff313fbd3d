"""One event of each kind written by hand, and the clerk's verdict on variations of it."""

import json
from typing import Any

from appliance.cold.clerk import Clerk
from appliance.cold.verdict import Verdict
from tests.strategies.frames import INSTRUMENTS

BTCUSDT, BTCUSDC, CHINESE, SATS, NIKKEI = range(5)
CLERK = Clerk(INSTRUMENTS)

DEPTH = {
    "e": "depthUpdate",
    "E": 1723161255000,
    "s": "BTCUSDT",
    "U": 100,
    "u": 105,
    "b": [["61837.63000000", "3.78826000"], ["61837.00", "0"]],
    "a": [["61838", "0.00001"]],
}
TICKER = {"u": 9, "s": "BTCUSDT", "b": "1.01", "B": "2", "a": "1.02", "A": "0.5"}
TRADE = {
    "e": "trade",
    "E": 1723161255000,
    "T": 1723161254999,
    "s": "BTCUSDT",
    "t": 7,
    "p": "10.5",
    "q": "1",
    "m": True,
}
AGG_TRADE = {key: value for key, value in TRADE.items() if key != "t"} | {"e": "aggTrade", "a": 8}
SNAPSHOT = {"lastUpdateId": 42, "bids": [["1.5", "2"]], "asks": [["2", "3"]]}


def decide(event: Any, stream: str | None = None, hint: int = -1) -> Verdict:
    document = event if stream is None else {"stream": stream, "data": event}
    return CLERK.decide(json.dumps(document).encode(), instrument_hint=hint)


def decide_text(text: str | bytes, hint: int = -1) -> Verdict:
    return CLERK.decide(text if isinstance(text, bytes) else text.encode(), instrument_hint=hint)


def without(event: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != key}
