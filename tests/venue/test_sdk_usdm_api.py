"""Binance's own USD-M client on the WebSocket API, and the account's user data by listen key.

What is behind it: ``appliance.cold.venue.usdm_reports``, ``appliance.cold.venue.user_data``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from binance_common.signature import Signers
from websockets.sync.client import connect

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.running_venue import WAIT_S, Keys, RunningVenue
from tests.venue.sdk import arrived, data, event, kind_of, refusal

pytestmark = sdk.OLD_AIOHTTP
SYMBOL = "BTCUSDT"
LOW, HIGH = "56000.0", "66000.0"  # nothing gets there in a test's time; both inside the band
BUY = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
BUY |= {"price": LOW, "quantity": "0.010"}
MARKET = {"symbol": SYMBOL, "type": "MARKET"}
# Keys of user data that are there only where they apply: modified and trailing orders, funding.
CONDITIONAL = {"M", "AP", "cr", "S"}
Test = Callable[[Any, list[Any]], Coroutine[Any, Any, None]]


@asynccontextmanager
async def listening(
    venue: RunningVenue, keys: Keys, kind: str
) -> AsyncIterator[tuple[Any, list[Any]]]:
    """A connection for orders, and what a listen key tells on another one.

    An Ed25519 key logs on; an HMAC key, which may not, signs its requests.
    """
    async with (
        sdk.api(venue, Market.USDM, keys, kind) as api,
        sdk.streams(venue, Market.USDM) as streams,
    ):
        if kind == "ed25519":
            # this client has no method of its own for it
            logon = await api.send_signed_message(
                {"method": "session.logon", "params": {}},
                Signers.get_signer(keys.pem_file),
                session_logon=True,
            )
            assert logon.data()["result"]["apiKey"] == keys.ed25519_key
        key = (await data(api.start_user_data_stream())).result.listen_key
        stream = await streams.user_data(key)
        told: list[Any] = []
        stream.on("message", told.append)
        yield api, told


@pytest.fixture(params=sdk.KINDS)
def trading(
    request: pytest.FixtureRequest, venue: RunningVenue, usdm_keys: Keys
) -> Callable[[Test], None]:
    """Runs a test on such a connection, once with each kind of key."""

    def run(test: Test) -> None:
        async def body() -> None:
            async with listening(venue, usdm_keys, request.param) as (api, told):
                await test(api, told)

        asyncio.run(body())

    return run


def updates(told: list[Any], order_id: int) -> list[Any]:
    """The ORDER_TRADE_UPDATEs of an order."""
    events = [event(m).o for m in told if kind_of(m) == "OrderTradeUpdate"]
    return [update for update in events if update.i == order_id]


def test_reads(venue: RunningVenue, usdm_keys: Keys) -> None:
    async def body() -> None:
        async with sdk.api(venue, Market.USDM, usdm_keys) as api:
            for call in (
                api.symbol_order_book_ticker(symbol=SYMBOL),
                api.symbol_price_ticker(),
                api.symbol_price_ticker(symbol=SYMBOL),
                api.account_information(),
                api.account_information_v2(),
                api.futures_account_balance(),
                api.futures_account_balance_v2(),
                api.position_information(),
                api.position_information_v2(symbol=SYMBOL),
            ):
                assert not sdk.missing(await data(call))
            # its model of this one reply looks for the levels in the wrong place
            book = (await data(api.order_book(symbol=SYMBOL, limit=5))).result
            assert book.last_update_id and len(book.additional_properties["bids"]) == 5

    asyncio.run(body())


def test_an_order_lives(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        placed = (await data(api.new_order(**BUY, new_client_order_id="mine"))).result
        assert (placed.status, placed.client_order_id) == ("NEW", "mine")
        found = (await data(api.query_order(SYMBOL, orig_client_order_id="mine"))).result
        assert (found.order_id, found.status) == (placed.order_id, "NEW")
        canceled = (await data(api.cancel_order(SYMBOL, order_id=placed.order_id))).result
        assert canceled.status == "CANCELED"
        await arrived(lambda: len(updates(told, placed.order_id)) == 2, "both updates")
        new, gone = updates(told, placed.order_id)
        assert (new.x, new.X, new.c, new.z, new.b) == ("NEW", "NEW", "mine", "0", "560")
        assert (gone.x, gone.X, gone.c, gone.b) == ("CANCELED", "CANCELED", "mine", "0")
        assert all(sdk.missing(update) <= CONDITIONAL for update in (new, gone))
        code, text = await refusal(api.cancel_order(SYMBOL, order_id=placed.order_id))
        assert (code, text) == (-2011, "Unknown order sent.")

    trading(body)


def test_a_fill_is_told_thrice(trading: Callable[[Test], None]) -> None:
    """TRADE_LITE, which is quicker, the account, and the order: one of each for each trade."""

    async def body(api: Any, told: list[Any]) -> None:
        asked = MARKET | {"new_order_resp_type": "RESULT"}
        order = (await data(api.new_order(**asked, side="SELL", quantity="0.500"))).result
        assert (order.status, order.executed_qty) == ("FILLED", "0.500")
        await arrived(
            lambda: any(u.X == "FILLED" for u in updates(told, order.order_id)), "the last fill"
        )
        kinds = [kind_of(message) for message in told]
        assert kinds[0] == "OrderTradeUpdate"
        fills = (len(kinds) - 1) // 3
        assert kinds[1:] == ["TradeLite", "AccountUpdate", "OrderTradeUpdate"] * fills
        assert all(sdk.missing(event(message)) <= CONDITIONAL for message in told)
        new, *trades = updates(told, order.order_id)
        lites = [event(message) for message in told[1::3]]
        accounts = [event(message).a for message in told[2::3]]
        assert new.x == "NEW" and {trade.x for trade in trades} == {"TRADE"}
        assert [lite.t for lite in lites] == [trade.t for trade in trades]
        assert [(lite.L, lite.l) for lite in lites] == [(trade.L, trade.l) for trade in trades]
        quantity, fees = Decimal(0), Decimal(0)
        for trade, account in zip(trades, accounts, strict=True):
            quantity += Decimal(trade.l)
            fees += Decimal(trade.n)
            assert Decimal(trade.z) == quantity
            assert Decimal(account.P[0].pa) == -quantity
            assert Decimal(account.B[0].wb) == 1_000_000 - fees, "nothing is realised yet"
            assert account.m == "ORDER"
        assert quantity == Decimal("0.5")

    trading(body)


def test_a_resting_order_is_met(venue: RunningVenue, usdm_keys: Keys) -> None:
    """Both sides hear of the same trade; the maker pays the lower fee."""

    async def body() -> None:
        async with (
            listening(venue, usdm_keys, "ed25519") as (maker, maker_told),
            listening(venue, venue.new_keys(Market.USDM), "hmac") as (taker, taker_told),
        ):
            ticker = (await data(maker.symbol_order_book_ticker(symbol=SYMBOL))).actual_instance
            asked = BUY | {"price": ticker.result.bid_price}
            mine = (await data(maker.new_order(**asked))).result.order_id
            for _ in range(1000):  # those before it in the queue are met first
                await data(taker.new_order(**MARKET, side="SELL", quantity="1"))
                if (await data(maker.query_order(SYMBOL, order_id=mine))).result.status != "NEW":
                    break
            fills = await arrived(
                lambda: [u for u in updates(maker_told, mine) if u.x == "TRADE"], "the fill"
            )
            fill = fills[0]
            assert (fill.m, fill.S, fill.L) == (True, "BUY", ticker.result.bid_price)
            # 0.02 %
            fee = Decimal(fill.l) * Decimal(fill.L) * 2 / 10_000
            assert Decimal(fill.n) == pytest.approx(fee, abs=Decimal("1e-8"))
            theirs = await arrived(
                lambda: [
                    event(m)
                    for m in taker_told
                    if kind_of(m) == "TradeLite" and event(m).t == fill.t
                ],
                "the other side",
            )
            assert [(t.S, t.m, t.L, t.l) for t in theirs] == [("SELL", False, fill.L, fill.l)]

    asyncio.run(body())


def test_refusals(trading: Callable[[Test], None]) -> None:
    async def body(api: Any, told: list[Any]) -> None:
        for changes, expected in (
            ({"time_in_force": "GTX", "price": HIGH}, -5022),
            ({"time_in_force": "FOK"}, -5021),
            ({"reduce_only": "true"}, -2022),
            ({"price": "56000.05"}, -4014),
            ({"quantity": "320", "price": "64000"}, -2019),
            ({"symbol": "NOSUCHTHING"}, -1121),
        ):
            code, _ = await refusal(api.new_order(**BUY | changes))
            assert code == expected
        code, _ = await refusal(api.query_order(SYMBOL, order_id=1))
        assert code == -2013
        assert not told, "nobody hears of orders that were not taken"

    trading(body)


@pytest.mark.parametrize("form", ["/private/ws/{}", "/private/ws?listenKey={}&events=X"])
def test_listen_keys_in_urls(venue: RunningVenue, usdm_keys: Keys, form: str) -> None:
    client = sdk.rest(venue, Market.USDM, usdm_keys)
    key = client.start_user_data_stream().data().listen_key
    with connect(venue.ready["usdm"]["streams"] + form.format(key)) as socket:
        socket.ping().wait(WAIT_S)  # it is served
        order = client.new_order(**BUY).data()
        told = json.loads(socket.recv(WAIT_S))
        assert (told["e"], told["o"]["i"]) == ("ORDER_TRADE_UPDATE", order.order_id)


def test_a_listen_key_is_one_account_s(venue: RunningVenue, usdm_keys: Keys) -> None:
    client = sdk.rest(venue, Market.USDM, usdm_keys)
    stranger = sdk.rest(venue, Market.USDM, venue.new_keys(Market.USDM))
    key = client.start_user_data_stream().data().listen_key
    with connect(venue.ready["usdm"]["streams"] + f"/private/ws/{key}") as socket:
        socket.ping().wait(WAIT_S)
        stranger.new_order(**BUY)
        order = client.new_order(**BUY).data()
        assert json.loads(socket.recv(WAIT_S))["o"]["i"] == order.order_id
