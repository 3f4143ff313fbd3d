"""Binance's own spot client on the WebSocket API: sessions, orders, and the account's user data.

What is behind it: ``appliance.cold.venue.api_connection``, ``appliance.cold.venue.spot_reports``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.running_venue import Keys, RunningVenue
from tests.venue.sdk import arrived, data, event, kind_of, refusal

pytestmark = sdk.OLD_AIOHTTP
SYMBOL = "BTCUSDT"
FAR_BUY, FAR_SELL = "50000.00", "75000.00"  # nothing there in a test's time
BUY = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
BUY |= {"price": FAR_BUY, "quantity": "0.00200000"}
MARKET = {"symbol": SYMBOL, "type": "MARKET"}
Test = Callable[[Any, list[Any]], Coroutine[Any, Any, None]]


@asynccontextmanager
async def subscribed(
    venue: RunningVenue, keys: Keys, kind: str
) -> AsyncIterator[tuple[Any, list[Any]]]:
    """A connection that gets its account's user data, which gathers in the list.

    An Ed25519 key logs on and subscribes; an HMAC key, which may not log on, signs its requests.
    """
    async with sdk.api(venue, Market.SPOT, keys, kind) as api:
        if kind == "ed25519":
            session = (await data(api.session_logon())).result
            assert session.api_key == keys.ed25519_key and session.authorized_since
            subscription = await api.user_data_stream_subscribe()
        else:
            subscription = await api.user_data_stream_subscribe_signature()
        told: list[Any] = []
        subscription.stream.on("message", told.append)
        yield api, told


@pytest.fixture(params=sdk.KINDS)
def trading(
    request: pytest.FixtureRequest, venue: RunningVenue, spot_keys: Keys
) -> Callable[[Test], None]:
    """Runs a test on a subscribed connection, once with each kind of key."""

    def run(test: Test) -> None:
        async def body() -> None:
            async with subscribed(venue, spot_keys, request.param) as (api, told):
                await test(api, told)

        asyncio.run(body())

    return run


def reports(told: list[Any], order_id: int) -> list[Any]:
    """The executionReports of an order."""
    events = [event(message) for message in told if kind_of(message) == "ExecutionReport"]
    return [report for report in events if report.i == order_id]


def ended(told: list[Any], order_id: int) -> bool:
    """True if the order is known to be filled."""
    return any(report.X == "FILLED" for report in reports(told, order_id))


def test_reads(venue: RunningVenue, spot_keys: Keys) -> None:
    async def body() -> None:
        async with sdk.api(venue, Market.SPOT, spot_keys) as api:
            for call in (
                api.ping(),
                api.time(),
                api.depth(symbol=SYMBOL, limit=5),
                api.trades_recent(symbol=SYMBOL, limit=5),
                api.trades_aggregate(symbol=SYMBOL, limit=5),
                api.ticker_book(symbol=SYMBOL),
                api.ticker_book(symbols=[SYMBOL, "ETHUSDT"]),
                api.ticker_price(),
                api.account_status(),
                api.account_rate_limits_orders(),
            ):
                assert not sdk.missing(await data(call))
            # its model of this one reply takes no notice of the result
            info = (await data(api.exchange_info(symbol=SYMBOL))).additional_properties["result"]
            assert [entry["symbol"] for entry in info["symbols"]] == [SYMBOL]

    asyncio.run(body())


def test_an_order_lives(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        placed = (await data(api.order_place(**BUY, new_client_order_id="mine"))).result
        assert placed.status == "NEW" and placed.client_order_id == "mine"
        found = (await data(api.order_status(SYMBOL, orig_client_order_id="mine"))).result
        assert (found.order_id, found.status) == (placed.order_id, "NEW")
        listed = (await data(api.open_orders_status(symbol=SYMBOL))).result
        assert [order.order_id for order in listed] == [placed.order_id]
        canceled = (await data(api.order_cancel(SYMBOL, order_id=placed.order_id))).result
        assert (canceled.status, canceled.orig_client_order_id) == ("CANCELED", "mine")
        await arrived(lambda: len(told) == 4, "the user data")
        kinds = [kind_of(message) for message in told]
        assert kinds == ["ExecutionReport", "OutboundAccountPosition"] * 2
        new, gone = reports(told, placed.order_id)
        assert (new.x, new.X, new.c, new.C, new.w, new.t) == ("NEW", "NEW", "mine", "", True, -1)
        assert (gone.x, gone.X, gone.C, gone.w) == ("CANCELED", "CANCELED", "mine", False)
        assert gone.c == canceled.client_order_id != "mine", "the cancel has an id of its own"
        locked = [
            {balance.a: Decimal(balance.l) for balance in event(message).B}["USDT"]
            for message in told[1::2]
        ]
        assert locked == [Decimal("100"), Decimal("0")]

    trading(body)


def test_a_fill_is_told_step_by_step(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        order = (await data(api.order_place(**MARKET, side="BUY", quantity="0.5"))).result
        assert order.status == "FILLED"
        await arrived(lambda: ended(told, order.order_id), "the last fill")
        new, *fills = reports(told, order.order_id)
        assert (new.x, new.X) == ("NEW", "NEW")
        assert [fill.x for fill in fills] == ["TRADE"] * len(order.fills)
        quantity = value = Decimal(0)
        for fill, shown in zip(fills, order.fills, strict=True):
            quantity += Decimal(fill.l)
            value += Decimal(fill.Y)
            assert (Decimal(fill.z), Decimal(fill.Z)) == (quantity, value)
            assert (fill.t, fill.L, fill.l) == (shown.trade_id, shown.price, shown.qty)
            assert (fill.n, fill.N, fill.m) == (shown.commission, "BTC", False)
        assert quantity == Decimal("0.5") and value == Decimal(order.cummulative_quote_qty)
        trades = (await data(api.my_trades(SYMBOL))).result
        assert [trade.id for trade in trades] == [fill.t for fill in fills]

    trading(body)


def test_what_does_not_rest_is_told_to_expire(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        for time_in_force, reason in (
            ("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"),
            ("FOK", "UNFILLED_FOK_ORDER_EXPIRED"),
        ):
            asked = BUY | {"time_in_force": time_in_force}
            order = (await data(api.order_place(**asked))).result.order_id
            await arrived(lambda: len(reports(told, order)) == 2, "both reports")  # noqa: B023
            _, gone = reports(told, order)
            assert (gone.x, gone.X, gone.eR) == ("EXPIRED", "EXPIRED", reason)
            assert (gone.z, gone.w, gone.C) == ("0.00000000", False, "")

    trading(body)


def test_a_resting_order_is_met(venue: RunningVenue, spot_keys: Keys) -> None:
    """Both sides hear of the same trade."""

    async def body() -> None:
        other_keys = venue.new_keys(Market.SPOT)
        async with (
            subscribed(venue, spot_keys, "ed25519") as (maker, maker_told),
            subscribed(venue, other_keys, "hmac") as (taker, taker_told),
        ):
            book = (await data(maker.depth(symbol=SYMBOL, limit=5))).result
            asked = BUY | {"price": book.bids[0][0]}
            mine = (await data(maker.order_place(**asked))).result.order_id
            for _ in range(1000):  # those before it in the queue are met first
                await data(taker.order_place(**MARKET, side="SELL", quantity="0.5"))
                found = (await data(maker.order_status(SYMBOL, order_id=mine))).result
                if found.status == "FILLED":
                    break
            await arrived(lambda: ended(maker_told, mine), "the fill")
            fill = reports(maker_told, mine)[-1]
            assert (fill.X, fill.m, fill.L, fill.w) == ("FILLED", True, book.bids[0][0], False)
            theirs = await arrived(
                lambda: [
                    event(message)
                    for message in taker_told
                    if kind_of(message) == "ExecutionReport" and event(message).t == fill.t
                ],
                "the other side",
            )
            assert len(theirs) == 1
            assert (theirs[0].S, theirs[0].m, theirs[0].L) == ("SELL", False, fill.L)

    asyncio.run(body())


def test_cancel_and_replace(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        first = (await data(api.order_place(**BUY))).result.order_id
        asked = BUY | {"cancel_order_id": first, "cancel_replace_mode": "STOP_ON_FAILURE"}
        both = (await data(api.order_cancel_replace(**asked))).result
        assert (both.cancel_result, both.new_order_result) == ("SUCCESS", "SUCCESS")
        second = both.new_order_response.order_id
        code, _ = await refusal(api.order_cancel_replace(**asked))
        assert code == -2022
        code, _ = await refusal(
            api.order_cancel_replace(**asked | {"cancel_replace_mode": "ALLOW_FAILURE"})
        )
        assert code == -2021, "the new order is there, the cancel was not possible"
        listed = (await data(api.open_orders_status())).result
        assert len(listed) == 2 and listed[0].order_id == second
        canceled = (await data(api.open_orders_cancel_all(SYMBOL))).result
        assert len(canceled) == 2
        assert (await data(api.open_orders_status())).result == []
        await arrived(lambda: len(told) == 12, "the user data")
        steps = [event(m).x for m in told if kind_of(m) == "ExecutionReport"]
        assert steps == ["NEW", "CANCELED", "NEW", "NEW", "CANCELED", "CANCELED"]

    trading(body)


def test_refusals(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        assert await refusal(api.order_cancel(SYMBOL, order_id=1)) == (
            -2011,
            "Unknown order sent.",
        )
        assert await refusal(api.order_status(SYMBOL, order_id=1)) == (
            -2013,
            "Order does not exist.",
        )
        assert await refusal(api.open_orders_cancel_all(SYMBOL)) == (-2011, "Unknown order sent.")
        post_only = MARKET | {"type": "LIMIT_MAKER", "price": FAR_SELL, "quantity": "0.001"}
        assert await refusal(api.order_place(**post_only, side="BUY")) == (
            -2010,
            "Order would immediately match and take.",
        )
        assert await refusal(api.order_place(**BUY | {"quantity": "100"})) == (
            -2010,
            "Account has insufficient balance for requested action.",
        )
        assert await refusal(api.order_place(**BUY | {"price": "50000.001"})) == (
            -1013,
            "Filter failure: PRICE_FILTER",
        )
        assert (await data(api.order_test(**BUY))).status == 200
        assert not told, "nobody hears of orders that were not taken"

    trading(body)


def test_sessions(venue: RunningVenue, spot_keys: Keys) -> None:
    async def body() -> None:
        async with sdk.api(venue, Market.SPOT, spot_keys, "ed25519") as api:
            code, _ = await refusal(api.send_message({"method": "userDataStream.subscribe",
                                                      "params": {}}))  # fmt: skip
            assert code == -2015, "not without a session"
            await data(api.session_logon())
            await api.user_data_stream_subscribe()
            code, text = await refusal(
                api.send_message({"method": "userDataStream.subscribe", "params": {}})
            )
            assert (code, text) == (-2035, "User Data Stream subscription already active.")
            assert len((await data(api.session_subscriptions())).result) == 1
            assert (await data(api.session_status())).result.user_data_stream
            assert (await data(api.account_status())).status == 200, "by the session"
            await data(api.user_data_stream_unsubscribe())
            assert (await data(api.session_subscriptions())).result == []
            session = (await data(api.session_logout())).result
            assert session.api_key is None and session.authorized_since is None
            assert (await data(api.account_status())).status == 200, "signed again"
        async with sdk.api(venue, Market.SPOT, spot_keys, "hmac") as api:
            code, _ = await refusal(api.session_logon())
            assert code == -4056, "Ed25519 only"

    asyncio.run(body())


@pytest.mark.parametrize("kind", sdk.KINDS)
def test_signatures_that_are_another_key_s(venue: RunningVenue, spot_keys: Keys, kind: str) -> None:
    other = venue.new_keys(Market.SPOT)
    mixed = Keys(spot_keys.hmac_key, other.hmac_secret, spot_keys.ed25519_key, other.pem_file)

    async def body() -> None:
        async with sdk.api(venue, Market.SPOT, mixed, kind) as api:
            expected = -1022, "Signature for this request is not valid."
            assert await refusal(api.account_status()) == expected
            assert await refusal(api.order_place(**BUY)) == expected

    asyncio.run(body())


def test_limits_are_not_shown_if_not_wanted(venue: RunningVenue, spot_keys: Keys) -> None:
    """The wish is one of the parameters that are signed."""

    async def body() -> None:
        wanted = {"return_rate_limits": False}
        async with sdk.api(venue, Market.SPOT, spot_keys, **wanted) as api:
            assert "rate_limits" in sdk.missing(await data(api.account_status()))

    asyncio.run(body())
