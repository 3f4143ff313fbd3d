"""What became of an order: asked of a running venue until it says so, and never sent again."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import OrderState, Report, Side
from appliance.cold.live.inquiry import CERTAIN_S, Doubt
from appliance.cold.venue.server import VenueSettings
from tests.live.parts import Parts, client_id, with_parts
from tests.venue.running_venue import Keys, RunningVenue
from tests.venue.signed import ORDER_PATHS, ask, limit_order

BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    folder = tmp_path_factory.mktemp("keys")
    with RunningVenue(VenueSettings(keys_dir=folder, actions_per_s=50)) as running:
        yield running
        assert running.get("/venue/faults")["error_before"] == 0


def place(venue: RunningVenue, market: Market, keys: Keys, key: int, **changed: Any) -> Any:
    order = limit_order(venue, market, **changed) | {"newClientOrderId": client_id(key)}
    reply = ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order)
    assert reply.status == 200, reply.form
    return reply.form


def all_orders(venue: RunningVenue, market: Market, keys: Keys) -> list[Any]:
    """Everything that was ever placed."""
    path = ORDER_PATHS[market].replace("order", "allOrders")
    return list(ask(venue, "GET", path, keys=keys, symbol="BTCUSDT").form)


@BOTH
def test_an_order_that_rests(venue: RunningVenue, market: Market) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        placed = place(venue, market, keys, key)
        (doubt,) = parts.inquiry.due()
        await parts.inquiry.settle(doubt)
        (report,) = parts.told()
        assert (report.report, report.order_key) == (Report.ACCEPTED, key)
        assert (report.instrument, report.side) == (0, Side.BUY)
        assert (report.tells_total, report.filled_lots) == (1, 0)
        assert report.venue_id == placed["orderId"]

    with_parts(venue, market, keys, work)
    assert len(all_orders(venue, market, keys)) == 1


@BOTH
def test_an_order_that_was_filled_is_booked_at_what_it_cost(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        (bid, _), *_ = venue.get("/venue/state?depth=1")[market.name.lower()]["books"]["BTCUSDT"][
            "bids"
        ]
        price = f"{float(bid) * 1.02:.0f}.0"
        place(venue, market, keys, key, price=price, timeInForce="IOC")
        await parts.inquiry.settle(Doubt(key, 0, time.monotonic()))
        (report,) = parts.told()
        name = "cummulativeQuoteQty" if market == Market.SPOT else "cumQuote"
        (order,) = all_orders(venue, market, keys)
        assert order["status"] == "FILLED"
        grid = parts.messages._grids["BTCUSDT"][1]
        assert (report.report, report.tells_total) == (Report.FILL, 1)
        assert report.filled_lots == grid.lots("0.010") == report.quantity_lots
        assert report.filled_tick_lots == grid.value(order[name]) > 0

    with_parts(venue, market, keys, work)


@BOTH
@pytest.mark.parametrize("way", ["cancel", "expire"])
def test_an_order_that_ended(venue: RunningVenue, market: Market, way: str) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        if way == "cancel":
            place(venue, market, keys, key)
            named = {"symbol": "BTCUSDT", "origClientOrderId": client_id(key)}
            assert ask(venue, "DELETE", ORDER_PATHS[market], keys=keys, **named).status == 200
        else:
            place(venue, market, keys, key, timeInForce="IOC")
        (doubt,) = parts.inquiry.due()
        await parts.inquiry.settle(doubt)
        expected = Report.CANCELED if way == "cancel" else Report.EXPIRED
        assert parts.kinds() == [expected]

    with_parts(venue, market, keys, work)


@BOTH
def test_an_order_that_never_came_is_refused_only_when_it_can_come_no_more(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        young, old = (parts.order(time.time_ns()) for _ in range(2))
        seen_s = time.monotonic() - CERTAIN_S
        assert not await parts.inquiry.ask(Doubt(young, 0, seen_s + 1.0))
        assert parts.told() == []
        assert await parts.inquiry.ask(Doubt(old, 0, seen_s - 0.1))
        *_, report = parts.told()
        assert (report.order_key, report.report) == (old, Report.REJECTED)
        assert report.tells_total == 0

    with_parts(venue, market, keys, work)
    assert all_orders(venue, market, keys) == []


def test_certain_is_later_than_the_venue_could_still_take_it() -> None:
    assert CERTAIN_S >= 5.0 + 1.0


@BOTH
def test_asks_until_there_is_an_answer_and_sends_nothing_again(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        place(venue, market, keys, key)
        venue.post("/venue/faults", {"error_before": 1.0, "times": 3})
        try:
            for n in range(4):
                while not (due := parts.inquiry.due()):
                    await asyncio.sleep(0.01)
                assert len(due) == 1 and parts.inquiry.due() == [], "asked one at a time"
                await parts.inquiry.settle(due[0])
                assert parts.inquiry.asked_n == n + 1
                assert parts.kinds() == ([] if n < 3 else [Report.ACCEPTED])
            assert "-1008" in parts.inquiry.failed
        finally:
            venue.post("/venue/faults", {"error_before": 0.0, "times": 0})

    with_parts(venue, market, keys, work)
    (order,) = all_orders(venue, market, keys)
    assert order["status"] == "NEW"


@BOTH
def test_every_live_order_is_cancelled(venue: RunningVenue, market: Market) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> int:
        for state in (OrderState.OPEN, OrderState.UNKNOWN):
            place(venue, market, keys, parts.order(time.time_ns(), state))
        parts.order(time.time_ns())  # the venue does not know this one
        return await parts.inquiry.cancel_all()

    assert with_parts(venue, market, keys, work) == 3
    assert [o["status"] for o in all_orders(venue, market, keys)] == ["CANCELED"] * 2


@BOTH
def test_one_that_cannot_be_cancelled_is_asked_for(venue: RunningVenue, market: Market) -> None:
    """Its end was told, and nobody heard."""
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns(), OrderState.OPEN)
        place(venue, market, keys, key, timeInForce="IOC")
        await parts.inquiry.cancel_all()
        (report,) = parts.told()
        assert (report.order_key, report.report) == (key, Report.EXPIRED)

    with_parts(venue, market, keys, work)
