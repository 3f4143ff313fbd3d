"""Rate limits as clients see them: headers, rateLimits, 429 with Retry-After, then 418."""

import pytest
from websockets.exceptions import InvalidStatus

from appliance.abi.market import Market
from tests.venue.conftest import OpenVenue
from tests.venue.raw_client import RawClient
from tests.venue.running_venue import RunningVenue
from tests.venue.signed import API_PATHS, ORDER_PATHS, Reply, api_ask, ask, limit_order

BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
DEPTH = {Market.SPOT: "/api/v3/depth", Market.USDM: "/fapi/v1/depth"}
# (limit, weight) of binance-protocol 2 and 5
WEIGHTS = {
    Market.SPOT: [(100, 5), (101, 25), (500, 25), (1000, 50), (5000, 250)],
    Market.USDM: [(50, 2), (100, 5), (500, 10), (1000, 20)],
}
MINUTE, TEN_SECONDS = 60, 10


def used(reply: Reply) -> int:
    return reply.shown("X-MBX-USED-WEIGHT-1M")


@BOTH
def test_used_weight_is_in_the_header(open_venue: OpenVenue, market: Market) -> None:
    """The differences between replies; a minute may begin in between, once."""
    venue = open_venue()
    rolled = 0
    before = used(ask(venue, "GET", DEPTH[market], symbol="BTCUSDT", limit=5))
    for limit, weight in WEIGHTS[market]:
        after = used(ask(venue, "GET", DEPTH[market], symbol="BTCUSDT", limit=limit))
        rolled += after < before
        assert after in (before + weight, weight)
        before = after
    assert rolled <= 1
    failed = ask(venue, "GET", DEPTH[market], symbol="NONE", limit=5)
    assert (failed.status, failed.form["code"]) == (400, -1121)
    assert used(failed) > 0, "a refused request counts, and shows it"


@BOTH
def test_429_and_whoever_goes_on_is_banned(open_venue: OpenVenue, market: Market) -> None:
    venue = open_venue()
    limit = WEIGHTS[market][-1][0]

    def first(status: int, most: int) -> Reply:
        for _ in range(most):
            reply = ask(venue, "GET", DEPTH[market], symbol="BTCUSDT", limit=limit)
            if reply.status == status:
                return reply
            assert reply.status in (200, 429)
        pytest.fail(f"no {status} in {most} requests")

    too_many = first(429, 300)
    assert too_many.form["code"] == -1003 and "data" not in too_many.form
    assert 1 <= too_many.shown("Retry-After") <= MINUTE
    banned = first(418, 300)
    assert banned.form["code"] == -1003 and "banned until" in banned.form["msg"]
    assert MINUTE < banned.shown("Retry-After") <= 2 * MINUTE, "two minutes at least"
    assert ask(venue, "GET", DEPTH[market].replace("depth", "ping")).status == 418
    with pytest.raises(InvalidStatus) as refused:
        RawClient(venue, API_PATHS[market])
    assert refused.value.response.status_code == 418
    assert int(refused.value.response.headers["Retry-After"]) >= MINUTE
    with RawClient(venue, "/ws" if market == Market.SPOT else "/public/ws") as streams:
        assert not streams.over, "market streams weigh nothing"


@BOTH
def test_orders_are_counted_where_there_is_an_account(
    open_venue: OpenVenue, market: Market
) -> None:
    venue = open_venue()
    keys, other = venue.new_keys(market), venue.new_keys(market)
    names = {"X-MBX-ORDER-COUNT-10S", f"X-MBX-ORDER-COUNT-1{'D' if market == 1 else 'M'}"}
    counts = []
    for _ in range(2):
        placed = ask(venue, "POST", ORDER_PATHS[market], keys=keys, **limit_order(venue, market))
        assert placed.status == 200
        assert {name for name in placed.headers if "ORDER-COUNT" in name} == names
        counts.append([placed.shown(name) for name in sorted(names)])
    assert counts[0] == [1, 1] and counts[1][1] == 2 and counts[1][0] in (1, 2)
    elsewhere = ask(venue, "POST", ORDER_PATHS[market], keys=other, **limit_order(venue, market))
    assert [elsewhere.shown(name) for name in sorted(names)] == [1, 1]
    queried = ask(venue, "GET", f"{ORDER_PATHS[market]}", keys=keys, symbol="BTCUSDT", orderId=1)
    assert not any("ORDER-COUNT" in name for name in queried.headers), "a query is no order"


def test_too_many_orders(open_venue: OpenVenue) -> None:
    venue = open_venue()
    keys = venue.new_keys(Market.SPOT)
    order = limit_order(venue, Market.SPOT)
    for _ in range(120):  # 50 in 10 s; a new ten seconds may begin meanwhile
        reply = ask(venue, "POST", ORDER_PATHS[Market.SPOT], keys=keys, **order)
        if reply.status != 200:
            break
    assert (reply.status, reply.form["code"]) == (429, -1015)
    assert reply.form["msg"] == "Too many new orders; current limit is 50 orders per 10 SECOND."
    assert 1 <= reply.shown("Retry-After") <= TEN_SECONDS
    open_orders = ask(venue, "GET", "/api/v3/openOrders", keys=keys, symbol="BTCUSDT")
    assert len(open_orders.form) >= 50, "queries are still served"


@BOTH
def test_the_api_lists_limits_with_every_reply(open_venue: OpenVenue, market: Market) -> None:
    venue = open_venue()
    keys = venue.new_keys(market)
    with RawClient(venue, API_PATHS[market]) as client:
        connecting = 2 if market == Market.SPOT else 5
        first = api_ask(client, "ping", {})["rateLimits"]
        assert [(w["rateLimitType"], w["interval"], w["intervalNum"]) for w in first] == [
            ("REQUEST_WEIGHT", "MINUTE", 1)
        ]
        assert first[0]["count"] in (1, connecting + 1)
        assert first[0]["limit"] == (6000 if market == Market.SPOT else 2400)
        placed = api_ask(client, "order.place", limit_order(venue, market), keys)
        assert placed["status"] == 200
        counted = {(w["rateLimitType"], w["interval"]): w["count"] for w in placed["rateLimits"]}
        second = "DAY" if market == Market.SPOT else "MINUTE"
        assert set(counted) == {
            ("REQUEST_WEIGHT", "MINUTE"),
            ("ORDERS", "SECOND"),
            ("ORDERS", second),
        }
        assert counted["ORDERS", second] == 1
        weighed = counted["REQUEST_WEIGHT", "MINUTE"]
        assert weighed <= first[0]["count"], "an order that is accepted weighs nothing"
        refused = api_ask(client, "order.place", limit_order(venue, market), None)
        assert refused["status"] == 400 and "rateLimits" in refused


@BOTH
def test_limits_can_be_left_out(venue: RunningVenue, market: Market) -> None:
    with RawClient(venue, f"{API_PATHS[market]}?returnRateLimits=false") as client:
        assert "rateLimits" not in api_ask(client, "ping", {})
        assert "rateLimits" in api_ask(client, "ping", {"returnRateLimits": True})
    with RawClient(venue, API_PATHS[market]) as client:
        assert "rateLimits" not in api_ask(client, "ping", {"returnRateLimits": False})


def test_the_api_says_when_to_come_again(open_venue: OpenVenue) -> None:
    venue = open_venue()
    with RawClient(venue, API_PATHS[Market.SPOT]) as client:
        for _ in range(60):
            reply = api_ask(client, "depth", {"symbol": "BTCUSDT", "limit": 5000})
            if reply["status"] != 200:
                break
    assert (reply["status"], reply["error"]["code"]) == (429, -1003)
    data = reply["error"]["data"]
    assert 0 < data["retryAfter"] - data["serverTime"] <= MINUTE * 1000
    assert data["retryAfter"] % (MINUTE * 1000) == 0, "windows are aligned to the clock"
