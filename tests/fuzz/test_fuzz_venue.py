"""Requests of any kind to the venue: each gets an answer, and that is JSON. Nothing falls over."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.cold.venue.api_connection import ApiConnection
from appliance.cold.venue.connection import Connection, Times
from appliance.cold.venue.credentials import ApiKey
from appliance.cold.venue.desk import Call
from appliance.cold.venue.faults import FaultBox, Faults
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.hub import compact
from appliance.cold.venue.listed import made_up
from appliance.cold.venue.params import Params
from appliance.cold.venue.refusal import Refused
from appliance.cold.venue.stream_connection import StreamConnection

BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
SYMBOL = "BTCUSDT"
# What makes sense somewhere, what nearly does, and what never does.
VALUES = st.one_of(
    st.sampled_from([SYMBOL, "ETHUSDT", "BUY", "SELL", "LIMIT", "MARKET", "LIMIT_MAKER", "GTC"]),
    st.sampled_from(["IOC", "FOK", "GTX", "GTD", "true", "false", "ACK", "FULL", "ALLOW_FAILURE"]),
    st.sampled_from(["0", "1", "5", "0.001", "0.01", "60000", "61837.63", "10000000001", "c1"]),
    st.sampled_from(["", " ", "-1", "1e5", "NaN", "9" * 20, "9" * 21, "0." + "1" * 20, "[]", "１"]),
    st.text(max_size=5),
)
NAMES = (
    *("symbol", "symbols", "side", "type", "timeInForce", "price", "quantity", "quoteOrderQty"),
    *("newClientOrderId", "newOrderRespType", "selfTradePreventionMode", "strategyId", "limit"),
    *("strategyType", "orderId", "origClientOrderId", "cancelReplaceMode", "cancelOrderId"),
    *("cancelRestrictions", "fromId", "startTime", "endTime", "reduceOnly", "positionSide"),
    *("goodTillDate", "leverage", "countdownTime", "omitZeroBalances", "priceMatch", "stopPrice"),
)
PARAMS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=9)
ORDERS = st.fixed_dictionaries(
    {"symbol": st.just(SYMBOL), "side": st.sampled_from(["BUY", "SELL"])},
    optional={name: VALUES for name in NAMES if name not in ("symbol", "side")},
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
METHODS = (
    *("ping", "time", "depth", "exchangeInfo", "order.place", "account.status", "session.logon"),
    *("session.status", "userDataStream.subscribe", "userDataStream.unsubscribe", "SUBSCRIBE"),
    *("UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"),
)
REQUESTS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"method": st.sampled_from(METHODS) | JSON},
        optional={"id": JSON, "params": JSON | PARAMS | st.lists(st.text(max_size=9) | JSON)},
    ),
).map(json.dumps)
TEXTS = st.one_of(REQUESTS, REQUESTS, st.text(max_size=20), st.just("[" * 100_000))


def open_floor(market: Market) -> Floor:
    now_ns = time.time_ns()
    listed = made_up(market, [SYMBOL], seed=1, start_ns=now_ns, actions_per_s=1)
    floor = Floor(market, listed, limits_factor=1_000_000)
    floor.open_account("a")
    return floor


class Mouth:
    """An outlet that keeps what is said."""

    combined = microseconds = False

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def send(self, payload: bytes) -> None:
        self.said.append(payload)


def talk(connection: Connection, texts: list[str]) -> None:
    """One answer to each text."""
    mouth = Mouth()
    connection.outlet = mouth  # type: ignore[assignment]
    connection.opened()
    for text in texts:
        mouth.said.clear()
        connection.heard(text)
        assert len(mouth.said) == 1
        assert isinstance(json.loads(mouth.said[0]), dict)
    connection.left()


@BOTH
@settings(max_examples=100)
@given(st.lists(TEXTS, max_size=8))
def test_the_websocket_api_answers_anything(market: Market, texts: list[str]) -> None:
    floor, box = open_floor(market), FaultBox(Faults())
    talk(ApiConnection(floor, box, Times(), "127.0.0.1"), texts)


@BOTH
@settings(max_examples=100)
@given(st.lists(TEXTS, max_size=8))
def test_streams_answer_anything(market: Market, texts: list[str]) -> None:
    floor, box = open_floor(market), FaultBox(Faults())
    scope = "public" if market == Market.USDM else ""
    talk(StreamConnection(floor, box, Times(), "127.0.0.1", scope), texts)


@BOTH
@settings(max_examples=60)
@given(st.data())
def test_every_operation_takes_anything(market: Market, data: st.DataObject) -> None:
    """A result or a refusal, and nothing else; and the account is never in debt."""
    floor = open_floor(market)
    (account,) = floor.exchange.accounts
    operations = list(floor.market_desk.table.values())
    for _ in range(12):
        operation = data.draw(st.sampled_from(operations), "operation")
        texts: dict[str, str] = data.draw(ORDERS if operation.orders else PARAMS, "params")
        call = Call(Params(texts), time.time_ns(), ApiKey("key", account))
        result: Any = None
        with suppress(Refused):
            result = operation.handler(call)
        json.loads(compact(result))
    if market == Market.SPOT:
        balances = account.balances.values()  # type: ignore[attr-defined]
        assert all(b.free_e8 >= 0 and b.locked_e8 >= 0 for b in balances)
