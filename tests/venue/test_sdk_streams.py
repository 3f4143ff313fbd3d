"""Market streams as Binance's own clients read them: one book, one tape, whichever way it is seen.

The oracles are the synchronisation rules of binance-protocol 2 and 5 on plain dictionaries, and
that different streams tell of one market: the same states of the book, the same trades.

What is behind it: ``appliance.cold.venue.hub``, ``appliance.cold.venue.stream_connection``.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.running_venue import RunningVenue
from tests.venue.sdk import arrived

SYMBOL = "BTCUSDT"
LEVELS = 10
WANTED = 8  # of every kind, before a conclusion is drawn
Half = dict[Decimal, Decimal]
Levels = list[tuple[Decimal, Decimal]]
Heard = dict[str, list[Any]]
# stream -> the client's method for it and what it is asked
SPOT = {
    "depth": ("diff_book_depth", {"update_speed": "100ms"}),
    "partial": ("partial_book_depth", {"levels": str(LEVELS), "update_speed": "100ms"}),
    "ticker": ("book_ticker", {}),
    "trade": ("trade", {}),
    "aggTrade": ("agg_trade", {}),
}
USDM = {
    "depth": ("diff_book_depth_streams", {"update_speed": "100ms"}),
    "partial": ("partial_book_depth_streams", {"levels": LEVELS, "update_speed": "100ms"}),
    "ticker": ("individual_symbol_book_ticker_streams", {}),
    "aggTrade": ("aggregate_trade_streams", {}),
    "mark": ("mark_price_stream", {"update_speed": "1s"}),
}
TABLES = {Market.SPOT: SPOT, Market.USDM: USDM}


def figures(levels: Any) -> Levels:
    """Levels as numbers; the clients have them as lists or as models around lists."""
    plain = [getattr(level, "root", level) for level in levels]
    return [(Decimal(price), Decimal(quantity)) for price, quantity in plain]


class Book:
    """A book kept by the venue's own description of how one is kept."""

    def __init__(self, market: Market, snapshot: Any) -> None:
        self._usdm = market == Market.USDM
        self.last = snapshot.last_update_id
        self.bids: Half = dict(figures(snapshot.bids))
        self.asks: Half = dict(figures(snapshot.asks))
        self._synchronised = False

    def apply(self, change: Any) -> None:
        """Fails if the venue left something out."""
        old = change.u < self.last if self._usdm else change.u <= self.last
        if old:
            return
        if not self._synchronised:
            first = change.pu if self._usdm else change.U - 1
            assert first <= self.last, "the first change follows the snapshot"
        else:
            previous = change.pu if self._usdm else change.U - 1
            assert previous == self.last, "nothing is missing"
        self._synchronised = True
        self.last = change.u
        for half, levels in ((self.bids, change.b), (self.asks, change.a)):
            for price, quantity in figures(levels):
                if quantity:
                    half[price] = quantity
                else:
                    half.pop(price, None)

    def best(self, levels_n: int) -> tuple[Levels, Levels]:
        """Best first."""
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        return bids[:levels_n], asks[:levels_n]


def best_first(partial: Any) -> tuple[Levels, Levels]:
    """A partial book of either market; each writes its levels in its own order."""
    bids = partial.bids if hasattr(partial, "bids") else partial.b
    asks = partial.asks if hasattr(partial, "asks") else partial.a
    return sorted(figures(bids), reverse=True), sorted(figures(asks))


def state_of(partial: Any) -> int:
    """The id of the state of the book that a partial book shows."""
    return int(partial.last_update_id if hasattr(partial, "last_update_id") else partial.u)


def check_books(market: Market, snapshot: Any, heard: Heard) -> int:
    """Changes, partial books and tickers agree; the number of states that were compared."""
    partials = {state_of(partial): partial for partial in heard["partial"]}
    tickers = {ticker.u: ticker for ticker in heard["ticker"]}
    book = Book(market, snapshot)
    compared = 0
    for change in heard["depth"]:
        book.apply(change)
        if book.last != change.u:
            continue  # older than the snapshot
        bids, asks = book.best(LEVELS)
        assert bids[0][0] < asks[0][0], "a book is never crossed"
        if change.u in partials:
            assert (bids, asks) == best_first(partials[change.u])
            compared += 1
        if change.u in tickers:
            ticker = tickers[change.u]
            assert bids[0] == (Decimal(ticker.b), Decimal(ticker.B))
            assert asks[0] == (Decimal(ticker.a), Decimal(ticker.A))
    return compared


def check_trades(heard: Heard) -> None:
    """No trade is missing, and each is in one aggregate."""
    together = heard["aggTrade"]
    assert [t.a for t in together] == list(range(together[0].a, together[0].a + len(together)))
    for before, after in pairwise(together):
        assert after.f == before.l + 1
    trades = {trade.t: trade for trade in heard.get("trade", ())}
    assert list(trades) == list(range(min(trades, default=0), max(trades, default=-1) + 1))
    for one in together:
        parts = [trades[number] for number in range(one.f, one.l + 1) if number in trades]
        if len(parts) == one.l - one.f + 1:
            assert {(part.p, part.m) for part in parts} == {(one.p, one.m)}
            assert sum(Decimal(part.q) for part in parts) == Decimal(one.q)


def check_clock(heard: Heard, own_ms: Callable[[Any], int]) -> None:
    """Event times never go back in one stream."""
    for name, messages in heard.items():
        times = [own_ms(message) for message in messages if getattr(message, "E", None)]
        assert times == sorted(times), name


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_streams_tell_of_one_market(venue: RunningVenue, market: Market) -> None:
    heard: Heard = {}
    keys = venue.new_keys(market)
    rest = sdk.rest(venue, market, keys)

    async def listen() -> tuple[Any, list[int]]:
        async with sdk.streams(venue, market) as client:
            for name, (method, asked) in TABLES[market].items():
                stream = await getattr(client, method)(SYMBOL.lower(), **asked)
                stream.on("message", heard.setdefault(name, []).append)
            await arrived(lambda: heard["depth"], "a change")
            book = rest.order_book if market == Market.USDM else rest.depth
            limit = 1000 if market == Market.USDM else 5000
            snapshot = await asyncio.to_thread(lambda: book(SYMBOL, limit=limit).data())
            asked = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.010"}
            await asyncio.to_thread(rest.new_order, **asked)
            trades = rest.account_trade_list if market == Market.USDM else rest.my_trades
            mine = [trade.id for trade in await asyncio.to_thread(lambda: trades(SYMBOL).data())]
            for name in heard:
                enough = 1 if name == "mark" else WANTED
                await arrived(lambda: len(heard[name]) >= enough, name)  # noqa: B023
            await arrived(lambda: heard["aggTrade"][-1].l >= mine[-1], "the own trade")
            await arrived(
                lambda: (
                    sum(state_of(p) > snapshot.last_update_id for p in heard["partial"]) > WANTED
                ),
                "partial books",
            )
            return snapshot, mine

    snapshot, mine = asyncio.run(listen())
    assert check_books(market, snapshot, heard) >= WANTED
    check_trades(heard)
    check_clock(heard, lambda message: int(message.E))
    for trade_id in mine:  # private and public tape are one
        assert any(one.f <= trade_id <= one.l for one in heard["aggTrade"])
    assert all(not sdk.missing(messages) for messages in heard.values())


def test_unsubscribing_and_asking(venue: RunningVenue) -> None:
    async def body() -> None:
        async with sdk.streams(venue, Market.SPOT) as client:
            stream = await client.book_ticker(SYMBOL.lower())
            heard: list[Any] = []
            stream.on("message", heard.append)
            await arrived(lambda: heard, "a message")
            assert (await client.list_subscribe())["result"] == [f"{SYMBOL.lower()}@bookTicker"]
            await stream.unsubscribe()
            assert (await client.list_subscribe())["result"] == []

    asyncio.run(body())
