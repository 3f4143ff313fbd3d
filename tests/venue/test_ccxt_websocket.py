"""ccxt.pro at the venue: its books, trades and user data by WebSocket, and its WebSocket orders."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import ccxt.pro
import pytest

from appliance.abi.market import Market
from tests.venue.ccxt_client import settings
from tests.venue.conftest import OpenVenue
from tests.venue.running_venue import WAIT_S, Keys, RunningVenue
from tests.venue.sdk import arrived

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
SYMBOLS = {Market.SPOT: SPOT, Market.USDM: PERPETUAL}
MARKETS = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM], ids=["spot", "usdm"])
LOW, HIGH, SIZE = 50_000.0, 70_000.0, 0.01
CALM_A_S = 5  # actions of the market
T = TypeVar("T")


@asynccontextmanager
async def client(venue: RunningVenue, market: Market, keys: Keys) -> AsyncIterator[Any]:
    spot = market == Market.SPOT
    kind = ccxt.pro.binance if spot else ccxt.pro.binanceusdm
    exchange = kind(settings(venue, keys, "spot" if spot else "linear"))
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def run(work: Awaitable[T]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(work, 2 * WAIT_S)

    return asyncio.run(bounded())


async def until(watch: Callable[[], Awaitable[Any]], found: Callable[[Any], Any]) -> Any:
    """Watch until what came is what is looked for."""
    while not found(seen := await watch()):
        pass
    return seen


async def subscribed(exchange: Any, market: Market) -> None:
    """Until its user data would arrive: what happens before is lost, as at Binance."""
    if market == Market.SPOT:
        await exchange.authenticate({"type": "spot"})
        return

    def is_open() -> bool:
        return any("/private/" in url and c.connection for url, c in exchange.clients.items())

    await arrived(is_open, "user data")


@MARKETS
def test_its_book_is_the_venues(open_venue: OpenVenue, market: Market) -> None:
    """ccxt keeps a book from a snapshot and differences, and counts ids by Binance's rules."""
    venue = open_venue(markets=[market], actions_per_s=CALM_A_S)
    symbol = SYMBOLS[market]

    async def compare() -> None:
        async with client(venue, market, venue.demo_keys(market)) as exchange:

            async def both() -> tuple[Any, Any]:
                return await exchange.watch_order_book(symbol), await exchange.fetch_order_book(
                    symbol, 1000
                )

            first = (await exchange.watch_order_book(symbol))["nonce"]
            mine, whole = await until(
                both, lambda books: first < books[0]["nonce"] == books[1]["nonce"]
            )
            assert [level[:2] for level in mine["bids"]] == whole["bids"]
            assert [level[:2] for level in mine["asks"]] == whole["asks"]

    run(compare())


@MARKETS
def test_market_streams(venue: RunningVenue, market: Market) -> None:
    symbol = SYMBOLS[market]

    async def watch() -> None:
        async with client(venue, market, venue.new_keys(market)) as exchange:
            for trade in await exchange.watch_trades(symbol):
                assert trade["symbol"] == symbol and LOW < trade["price"] < HIGH
                assert trade["side"] in ("buy", "sell")
            touch = (await exchange.watch_bids_asks([symbol]))[symbol]
            assert LOW < touch["bid"] < touch["ask"] < HIGH
            if market == Market.USDM:
                assert LOW < (await exchange.watch_mark_price(symbol))["markPrice"] < HIGH

    run(watch())


@MARKETS
def test_user_data(venue: RunningVenue, market: Market) -> None:
    """Spot by a signed subscription, USD-M by listen key: ccxt's own choice."""
    symbol = SYMBOLS[market]

    async def watch() -> None:
        async with client(venue, market, venue.new_keys(market)) as exchange:
            heard = [
                asyncio.create_task(exchange.watch_orders(symbol)),
                asyncio.create_task(exchange.watch_my_trades(symbol)),
                asyncio.create_task(exchange.watch_balance()),
            ]
            await subscribed(exchange, market)
            order = await exchange.create_order(symbol, "market", "buy", SIZE)
            orders, trades, _ = await asyncio.gather(*heard)
            assert {seen["id"] for seen in orders} == {order["id"]}
            assert {trade["order"] for trade in trades} == {order["id"]}
            known = await exchange.fetch_order(order["id"], symbol)

            def ends(seen: list[Any]) -> bool:
                return seen[-1]["status"] == "closed"

            if not ends(orders):
                orders = await until(lambda: exchange.watch_orders(symbol), ends)
            assert orders[-1]["filled"] == SIZE
            assert orders[-1]["cost"] == pytest.approx(known["cost"])

    run(watch())


@MARKETS
def test_orders_by_websocket(venue: RunningVenue, market: Market) -> None:
    symbol = SYMBOLS[market]

    async def trade() -> None:
        async with client(venue, market, venue.new_keys(market)) as exchange:
            order = await exchange.create_order_ws(symbol, "limit", "buy", SIZE, LOW)
            known = await exchange.fetch_order_ws(order["id"], symbol)
            assert (known["status"], known["price"], known["amount"]) == ("open", LOW, SIZE)
            gone = await exchange.cancel_order_ws(order["id"], symbol)
            assert gone["status"] == "canceled"
            with pytest.raises(ccxt.OrderNotFound):
                await exchange.cancel_order_ws(order["id"], symbol)
            filled = await exchange.create_order_ws(symbol, "market", "buy", SIZE)
            assert (await exchange.fetch_order_ws(filled["id"], symbol))["status"] == "closed"

    run(trade())


def test_spot_by_websocket(venue: RunningVenue, spot_keys: Keys) -> None:
    async def trade() -> None:
        async with client(venue, Market.SPOT, spot_keys) as exchange:
            old = await exchange.create_order_ws(SPOT, "limit", "buy", SIZE, LOW)
            new = await exchange.edit_order_ws(old["id"], SPOT, "limit", "buy", SIZE, LOW + 1)
            (known,) = await exchange.fetch_open_orders_ws(SPOT)
            assert (known["id"], known["price"]) == (new["id"], LOW + 1)
            await exchange.cancel_all_orders_ws(SPOT)
            assert await exchange.fetch_open_orders_ws(SPOT) == []
            every = await exchange.fetch_orders_ws(SPOT)
            assert [order["status"] for order in every] == ["canceled", "canceled"]
            account = (await exchange.fetch_balance_ws())["info"]
            assert {entry["asset"] for entry in account["balances"]} >= {"BTC", "USDT"}

    run(trade())


def test_usdm_by_websocket(venue: RunningVenue, usdm_keys: Keys) -> None:
    async def trade() -> None:
        async with client(venue, Market.USDM, usdm_keys) as exchange:
            book = await exchange.fetch_order_book_ws(PERPETUAL, 5)
            assert book["bids"][0][0] < book["asks"][0][0]
            await exchange.create_order_ws(PERPETUAL, "market", "sell", SIZE)
            (position,) = await exchange.fetch_positions_ws([PERPETUAL])
            assert (position["side"], position["contracts"]) == ("short", SIZE)
            assert 0 < (await exchange.fetch_balance_ws())["USDT"]["total"] < 1_000_000

    run(trade())
