"""Messages about orders as the venue writes them, and every way to change them."""

import json

from hypothesis import strategies as st

from tests.strategies.order_forms import (
    CANCEL_ID,
    ORDER_ID,
    execution_report,
    queried,
    reply,
    trade_update,
)
from tests.strategies.spoilt import BAD_TOKENS, BAD_VALUES

EXECUTIONS = [
    {},
    {"x": "TRADE", "X": "FILLED", "l": "0.3", "L": "0.1026441", "z": "0.5", "Z": "0.05132205"},
    {"x": "TRADE", "X": "PARTIALLY_FILLED", "S": "SELL", "m": True, "l": "0.1", "z": "0.1"}
    | {"L": "0.0000001", "Z": "0.00000001", "t": 77},
    {"x": "CANCELED", "X": "CANCELED", "c": "x", "C": ORDER_ID, "z": "0.2", "Z": "0.02052882"},
    {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"},
    {"x": "EXPIRED", "X": "EXPIRED"},
    {"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"},
    {"s": "FINEBTC", "x": "TRADE", "l": "5", "z": "7", "L": "0.00000003", "Z": "0.00000021"},
    {"s": "币安USDT", "x": "TRADE", "l": "5", "z": "7", "L": "0.03", "Z": "0.21"},
]


def compact(document: object) -> bytes:
    """As the venue writes it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def cancelled(**changed: object) -> dict[str, object]:
    return {**queried(status="CANCELED"), "origClientOrderId": ORDER_ID} | changed


DECIMALS = st.one_of(
    st.builds("{}.{:0{}d}".format, st.integers(0, 10**7), st.integers(0, 999), st.integers(1, 9)),
    st.integers(0, 10**12).map(str),
    st.sampled_from([value for value in BAD_VALUES if isinstance(value, str)]),
)
VALUES = st.one_of(
    DECIMALS,
    st.sampled_from(BAD_VALUES),
    st.integers(-(2**63), 2**64),
    st.sampled_from(
        [
            "ETHBTC",
            "BTCUSDT",
            "FINEBTC",
            "ODDUSDT",
            ORDER_ID,
            CANCEL_ID,
            "BUY",
            "SELL",
            "TRADE",
            "NEW",
            "FILLED",
        ]
    ),
)
FORMS = st.one_of(
    st.sampled_from(EXECUTIONS).map(lambda changed: execution_report(**changed)),
    st.just(trade_update(x="TRADE", l="0.001", z="0.003", L="64000.1")),
    st.just(reply(ORDER_ID, symbol="ETHBTC", orderId=12)),
    st.sampled_from(["CANCELED", "FILLED"]).map(
        lambda status: reply(CANCEL_ID, **cancelled(status=status, executedQty="0.2"))
    ),
)


@st.composite
def changed_messages(draw: st.DrawFn) -> bytes:
    """A sound message with some values, members or bytes changed."""
    document = json.loads(json.dumps(draw(FORMS)))
    parts = [document, *(value for value in document.values() if isinstance(value, dict))]
    for _ in range(draw(st.integers(0, 2))):
        part = draw(st.sampled_from(parts))
        key = draw(st.sampled_from([*part, "e", "event", "data", "C", "error"]))
        if draw(st.integers(0, 5)) == 0:
            part.pop(key, None)
        else:
            part[key] = draw(VALUES)
    wrap = draw(st.sampled_from(["", "", "event", "data"]))
    message = compact({wrap: document} if wrap else document)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(message)))
        change = draw(st.sampled_from(["flip", "drop", "insert", "double", "token"]))
        some = draw(st.sampled_from([b'"', b",", b"0", b"}", b"{", b" ", b"\xc3\xa9", b"\x80"]))
        if change == "flip" and at < len(message):
            flipped = message[at] ^ (1 << draw(st.integers(0, 7)))
            message = message[:at] + bytes([flipped]) + message[at + 1 :]
        elif change == "drop":
            message = message[:at] + message[at + draw(st.integers(1, 8)) :]
        elif change == "insert":
            message = message[:at] + some + message[at:]
        elif change == "double":
            message = message[:at] + message[at : at + 16] + message[at:]
        elif change == "token":
            colon = message.find(b":", at)
            comma = message.find(b",", colon)
            if colon >= 0 and comma >= 0:
                token = draw(st.sampled_from(BAD_TOKENS)).encode()
                message = message[: colon + 1] + token + message[comma:]
    return message
