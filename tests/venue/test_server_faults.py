"""Faults as clients meet them: from the start, and switched on while the venue runs."""

import json
import time
import urllib.error
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.cold.venue.faults import Faults
from tests.venue.conftest import OpenVenue
from tests.venue.raw_client import RawClient
from tests.venue.running_venue import RunningVenue, eventually
from tests.venue.signed import API_PATHS, ORDER_PATHS, api_ask, ask, limit_order

BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
TRADES = "/ws/btcusdt@trade"
SOME = 30  # messages


def trade_ids(client: RawClient, count: int = SOME) -> list[int]:
    return [client.message()["t"] for _ in range(count)]


def test_nothing_is_wrong_by_default(open_venue: OpenVenue) -> None:
    venue = open_venue()
    assert venue.get("/venue/faults") == {
        **dict.fromkeys(("drop", "duplicate", "reorder", "delay", "fragment", "split"), 0),
        **dict.fromkeys(("disconnect", "error_before", "error_after", "slow_read_ms"), 0),
        "silent": False,
        "delay_ms": 100,
        "clock_ms": 0,
        "on": "streams",
        "seed": 1,
        "event": "",
        "times": 0,
        "hits": 0,
    }
    with RawClient(venue, TRADES) as client:
        ids = trade_ids(client)
        assert ids == list(range(ids[0], ids[0] + SOME))


def test_dropped(open_venue: OpenVenue) -> None:
    with RawClient(open_venue(faults=Faults(drop=0.5)), TRADES) as client:
        ids = trade_ids(client)
        assert ids == sorted(set(ids)) and ids[-1] - ids[0] >= SOME


def test_duplicated(open_venue: OpenVenue) -> None:
    with RawClient(open_venue(faults=Faults(duplicate=1.0)), TRADES) as client:
        ids = trade_ids(client)
        assert ids[::2] == ids[1::2] == list(range(ids[0], ids[0] + SOME // 2))


def test_reordered(open_venue: OpenVenue) -> None:
    with RawClient(open_venue(faults=Faults(reorder=0.5)), TRADES) as client:
        ids = trade_ids(client, 60)
        assert ids != sorted(ids)
        whole = set(range(min(ids) + 1, max(ids) - 1))
        assert len(set(ids)) == len(ids) and whole <= set(ids), "late, but not lost"


def test_delayed(open_venue: OpenVenue) -> None:
    """However slow this machine is: nothing comes sooner than it may."""
    venue = open_venue()
    with RawClient(venue, TRADES) as client:
        client.message()
        venue.post("/venue/faults", {"delay": 1.0, "delay_ms": 700})
        # What was made before may be on its way already, however much that is.
        posted_ms = time.time() * 1000
        client.until(lambda m: m["T"] > posted_ms)
        shown = []
        for _ in range(5):
            message = client.message()
            shown.append(message["t"])
            assert time.time() * 1000 - message["T"] >= 700 - 1, "a stamp is a whole millisecond"
        assert shown == sorted(shown)


@pytest.mark.parametrize("market", ["", "/public"])
def test_fragmented(open_venue: OpenVenue, market: str) -> None:
    """One message in several frames; whole messages are what they were."""
    with RawClient(open_venue(faults=Faults(fragment=1.0)), market + TRADES) as client:
        frames = [client.frame() for _ in range(40)]
        opcodes = [(int(f.opcode), f.fin) for f in frames if f is not None]
        assert opcodes[:4] == [(1, False), (0, False), (0, False), (0, True)]
        assert set(opcodes) == {(1, False), (0, False), (0, True)}
        ids = trade_ids(client)
        assert ids == list(range(ids[0], ids[0] + SOME))


def test_split(open_venue: OpenVenue) -> None:
    """A frame that comes in pieces: no read holds a whole one."""
    venue = open_venue(faults=Faults(split=1.0))
    with RawClient(venue, "/ws/btcusdt@markPrice") as client:
        asked = {"method": "LIST_SUBSCRIPTIONS", "id": 1}
        client.bytes_by_read.clear()
        reply = client.asked(asked)
        assert reply["result"] == ["btcusdt@markPrice"]
        size = len(json.dumps(reply, separators=(",", ":"))) + 2
        assert sum(client.bytes_by_read) == size and max(client.bytes_by_read) < size


def test_silent_but_alive(open_venue: OpenVenue) -> None:
    """Connected, pings answered, and not a message: what a watchdog per stream is for."""
    venue = open_venue(faults=Faults(silent=True))
    with RawClient(venue, TRADES) as client:
        before = len(
            venue.call(lambda: venue.floor(Market.SPOT).exchange.instrument("BTCUSDT").prints)
        )
        eventually(
            lambda: (
                len(
                    venue.call(
                        lambda: venue.floor(Market.SPOT).exchange.instrument("BTCUSDT").prints
                    )
                )
                > before + 5
            ),
            "more trades",
        )
        client.ping(b"alive?")
        frame = client.frame()
        assert frame is not None and frame.opcode == 0xA, "the first that came is the pong"
        venue.post("/venue/faults", {"silent": False})
        assert trade_ids(client, 3)


def test_disconnected_without_goodbye(open_venue: OpenVenue) -> None:
    with RawClient(open_venue(faults=Faults(disconnect=0.2)), TRADES) as client:
        client.drain()
        assert client.close_code == 1006


def test_a_slow_reader(open_venue: OpenVenue) -> None:
    """The venue takes its time over what clients send; what it sends itself is not late."""
    venue = open_venue(faults=Faults(slow_read_ms=300))
    with RawClient(venue, "/stream?streams=btcusdt@trade") as client:
        client.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        before = 0
        while "id" not in (message := client.message()):
            before += 1
        assert message["id"] == 1 and before > 0


def test_on_whose_connections(open_venue: OpenVenue) -> None:
    venue = open_venue(faults=Faults(duplicate=1.0, on="api"))
    with RawClient(venue, TRADES) as streams, RawClient(venue, "/ws-api/v3") as api:
        ids = trade_ids(streams)
        assert ids == sorted(set(ids))
        api.send({"id": "x", "method": "ping"})
        assert [api.message()["id"] for _ in range(2)] == ["x", "x"]


def order_of(venue: RunningVenue, market: Market, keys: Any, client_id: str) -> Any:
    return ask(
        venue, "GET", ORDER_PATHS[market], keys=keys, symbol="BTCUSDT", origClientOrderId=client_id
    )


@BOTH
@pytest.mark.parametrize("way", ["REST", "API"])
@pytest.mark.parametrize("done", [False, True])
def test_a_5xx_leaves_the_outcome_open(
    open_venue: OpenVenue, market: Market, way: str, done: bool
) -> None:
    """The order was placed, or it was not: only a query tells."""
    venue = open_venue()
    keys = venue.new_keys(market)
    order = limit_order(venue, market) | {"newClientOrderId": "mine-1"}
    fault = "error_after" if done else "error_before"
    venue.post("/venue/faults", {fault: 1.0})
    if way == "REST":
        reply = ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order)
        status, code = reply.status, reply.form["code"]
    else:
        with RawClient(venue, API_PATHS[market]) as client:
            answer = api_ask(client, "order.place", order, keys)
            status, code = answer["status"], answer["error"]["code"]
    assert (status, code) == ((504, -1007) if done else (503, -1008))
    venue.post("/venue/faults", {fault: 0})
    found = order_of(venue, market, keys, "mine-1")
    if done:
        assert (found.status, found.form["status"]) == (200, "NEW")
    else:
        assert (found.status, found.form["code"]) == (400, -2013)


@BOTH
def test_a_wrong_clock(open_venue: OpenVenue, market: Market) -> None:
    """It is told to clients, and it judges their timestamps."""
    venue = open_venue(faults=Faults(clock_ms=-7000))
    keys = venue.new_keys(market)
    path = "/api/v3" if market == Market.SPOT else "/fapi/v1"
    order = limit_order(venue, market)
    refused = ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order)
    assert (refused.status, refused.form["code"]) == (400, -1021)
    assert "1000ms ahead" in refused.form["msg"]
    told_ms = ask(venue, "GET", f"{path}/time").form["serverTime"]
    placed = ask(venue, "POST", ORDER_PATHS[market], keys=keys, timestamp=told_ms, **order)
    assert placed.status == 200
    venue.post("/venue/faults", {"clock_ms": 20_000})
    late = ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order)
    assert late.form["code"] == -1021 and "recvWindow" in late.form["msg"]
    after_ms = ask(venue, "GET", f"{path}/time").form["serverTime"]
    assert 27_000 <= after_ms - told_ms < 60_000
    stream = "/ws/btcusdt@trade" if market == Market.SPOT else "/public/ws/btcusdt@trade"
    with RawClient(venue, stream) as client:
        assert client.message()["E"] >= after_ms


def test_switching_at_run_time_says_what_is_on(open_venue: OpenVenue) -> None:
    venue = open_venue(faults=Faults(drop=0.25))
    on = venue.post("/venue/faults", {"duplicate": 0.5, "seed": 9})
    assert (on["drop"], on["duplicate"], on["seed"]) == (0.25, 0.5, 9)
    assert venue.get("/venue/faults") == on
    for wrong, words in (
        ({"drop": 2}, "probability"),
        ({"nothing": 1}, "no fault is called"),
        ({"on": "mars"}, "none of"),
        ([1], "JSON object"),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            venue.post("/venue/faults", wrong)  # type: ignore[arg-type]
        with refused.value as reply:
            assert reply.code == 400 and words in json.load(reply)["msg"]
    assert venue.get("/venue/faults") == on, "nothing of it was taken"


def test_a_market_that_stands_still(open_venue: OpenVenue) -> None:
    venue = open_venue()

    def last_id() -> int:
        return int(venue.get("/venue/state?depth=1")["spot"]["books"]["BTCUSDT"]["lastUpdateId"])

    first = last_id()
    eventually(lambda: last_id() > first)
    assert venue.post("/venue/market", {"moves": False}) == {"moves": False}
    stood = last_id()
    time.sleep(0.3)
    assert last_id() == stood
    venue.post("/venue/market", {"moves": True})
    eventually(lambda: last_id() > stood)
    for wrong in ({}, {"moves": 1}, [True]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            venue.post("/venue/market", wrong)  # type: ignore[arg-type]
        refused.value.close()
        assert refused.value.code == 400
