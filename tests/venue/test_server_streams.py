"""Market streams: URLs, subscriptions and the replies to them, paths of USD-M."""

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.venue.raw_client import RawClient
from tests.venue.running_venue import RunningVenue

SPOT, USDM = "", "/public"
BOTH = pytest.mark.parametrize("path", [SPOT, USDM])


def of_stream(name: str) -> Any:
    return lambda message: message.get("stream") == name


@BOTH
def test_a_raw_stream_sends_bare_events(venue: RunningVenue, path: str) -> None:
    with RawClient(venue, f"{path}/ws/btcusdt@trade") as client:
        for _ in range(3):
            message = client.message()
            assert message["e"] == "trade" and message["s"] == "BTCUSDT"


@BOTH
def test_several_raw_streams_in_one_url(venue: RunningVenue, path: str) -> None:
    with RawClient(venue, f"{path}/ws/btcusdt@bookTicker/ethusdt@bookTicker") as client:
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert client.until(lambda m, s=symbol: m["s"] == s)["b"]


@BOTH
def test_combined_streams_tell_their_names(venue: RunningVenue, path: str) -> None:
    names = "btcusdt@trade", "ethusdt@depth@100ms"
    with RawClient(venue, f"{path}/stream?streams={'/'.join(names)}") as client:
        for name in names:
            message = client.until(of_stream(name))
            assert set(message) == {"stream", "data"}
            assert message["data"]["s"] == name[:7].upper()


@BOTH
def test_subscribe_and_unsubscribe(venue: RunningVenue, path: str) -> None:
    with RawClient(venue, f"{path}/stream") as client:
        ask = {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "ethusdt@bookTicker"], "id": 1}
        assert client.asked(ask) == {"result": None, "id": 1}
        client.until(of_stream("btcusdt@trade"))
        client.until(of_stream("ethusdt@bookTicker"))
        listed = client.asked({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert listed == {"result": ["btcusdt@trade", "ethusdt@bookTicker"], "id": 2}
        drop = {"method": "UNSUBSCRIBE", "params": ["ethusdt@bookTicker"], "id": "three"}
        assert client.asked(drop) == {"result": None, "id": "three"}
        for _ in range(20):
            assert client.message()["stream"] == "btcusdt@trade"
        left = client.asked({"method": "LIST_SUBSCRIPTIONS", "id": 4})
        assert left["result"] == ["btcusdt@trade"]


def test_subscribing_twice_sends_once(venue: RunningVenue) -> None:
    with RawClient(venue, "/stream?streams=btcusdt@trade") as client:
        client.asked({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
        ids = [client.message()["data"]["t"] for _ in range(10)]
        assert ids == sorted(set(ids))


def test_combined_is_a_property(venue: RunningVenue) -> None:
    with RawClient(venue, "/ws/btcusdt@bookTicker") as client:
        assert client.asked({"method": "GET_PROPERTY", "params": ["combined"], "id": 1}) == {
            "result": False,
            "id": 1,
        }
        setting = {"method": "SET_PROPERTY", "params": ["combined", True], "id": 2}
        assert client.asked(setting) == {"result": None, "id": 2}
        assert client.message()["stream"] == "btcusdt@bookTicker"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{no json", 3, "Invalid JSON"),
        ("[]", 2, "Invalid request"),
        ("{}", 2, "missing field"),
        ('{"method":"JOIN","params":[],"id":1}', 2, "unknown variant `JOIN`"),
        ('{"method":"SUBSCRIBE","params":"btcusdt@trade","id":1}', 2, "Invalid request"),
        ('{"method":"SUBSCRIBE","params":["btcusdt@trade",7],"id":1}', 2, "Invalid request"),
        ('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":{}}', 2, "Invalid request"),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1, "expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0, "Unknown property"),
    ],
)
def test_what_is_not_understood(venue: RunningVenue, text: str, code: int, words: str) -> None:
    """Codes 0 to 3 as Binance's documents list them; the connection stays."""
    with RawClient(venue, "/ws") as client:
        client.send(text)
        reply = client.message()
        error = reply["error"]
        assert error["code"] == code and words in error["msg"]
        assert client.asked({"method": "LIST_SUBSCRIPTIONS", "id": 9})["result"] == []


def test_no_more_than_1024_streams(venue: RunningVenue) -> None:
    names = [f"x{number}@trade" for number in range(1024)]
    with RawClient(venue, "/ws") as client:
        asked = {"method": "SUBSCRIBE", "params": names, "id": 1}
        assert client.asked(asked) == {"result": None, "id": 1}
        more = client.asked({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
        assert more["error"]["code"] == 2
        again = client.asked({"method": "SUBSCRIBE", "params": names[:5], "id": 3})
        assert again == {"result": None, "id": 3}, "those are there already"


def test_microseconds_where_the_url_asks(venue: RunningVenue) -> None:
    with RawClient(venue, "/ws/btcusdt@trade?timeUnit=MICROSECOND") as client:
        message = client.message()
        assert (len(str(message["E"])), len(str(message["T"]))) == (16, 16)
    with RawClient(venue, "/ws/btcusdt@trade") as client:
        assert len(str(client.message()["E"])) == 13


@pytest.mark.parametrize(
    ("path", "stream", "flows"),
    [
        ("/public", "btcusdt@depth@100ms", True),
        ("/public", "btcusdt@bookTicker", True),
        ("/public", "btcusdt@depth5@100ms", True),
        ("/public", "btcusdt@depth@0ms", True),
        ("/market", "btcusdt@aggTrade", True),
        ("/market", "btcusdt@markPrice@1s", True),
        ("/market", "btcusdt@bookTicker", False),
        ("/public", "btcusdt@aggTrade", False),
        ("/private", "btcusdt@aggTrade", False),
    ],
)
def test_usdm_serves_a_stream_on_its_own_path(
    venue: RunningVenue, path: str, stream: str, flows: bool
) -> None:
    """On another path it is taken, and stays silent: the trap of 2026-04."""
    other = {"/public": "btcusdt@bookTicker", "/market": "ethusdt@aggTrade"}.get(path)
    with RawClient(venue, f"{path}/stream") as client:
        asked = {"method": "SUBSCRIBE", "params": [stream], "id": 1}
        assert client.asked(asked) == {"result": None, "id": 1}
        if flows:
            assert client.message()["stream"] == stream
        elif other is not None:
            client.asked({"method": "SUBSCRIBE", "params": [other], "id": 2})
            assert {client.message()["stream"] for _ in range(20)} == {other}
        assert stream in client.asked({"method": "LIST_SUBSCRIPTIONS", "id": 3})["result"]


@pytest.mark.parametrize("path", ["/public", "/ws-fapi/v2", "/ws-api", "/other/ws", "/wsx"])
def test_no_such_path(venue: RunningVenue, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        RawClient(venue, path)
    assert refused.value.response.status_code == 404


def test_a_stream_that_does_not_exist_stays_silent(venue: RunningVenue) -> None:
    with RawClient(venue, "/stream?streams=nosuch@trade/btcusdt@nothing/btcusdt@trade") as client:
        assert {client.message()["stream"] for _ in range(5)} == {"btcusdt@trade"}
