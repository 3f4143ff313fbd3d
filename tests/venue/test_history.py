"""What one can ask of the past: from an id on, of a time, the latest; and how deep a book is.

What is behind it: ``appliance.cold.venue.market_desk``.
"""

from typing import Any

import pytest

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.conftest import OpenVenue
from tests.venue.running_venue import RunningVenue

SYMBOL = "BTCUSDT"
FAR = "56000.0"  # nothing gets there in a test's time; inside every band
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
# The clients' names of one thing, by market.
NAMES = {
    Market.SPOT: {"trades": "my_trades", "tape": "agg_trades", "book": "depth"},
    Market.USDM: {
        "trades": "account_trade_list",
        "tape": "compressed_aggregate_trades_list",
        "book": "order_book",
    },
}


class Client:
    """Binance's client of a market, by names of our own."""

    def __init__(self, venue: RunningVenue, market: Market) -> None:
        self._rest = sdk.rest(venue, market, venue.new_keys(market))
        self._names = NAMES[market]

    def ask(self, what: str, **asked: Any) -> Any:
        return getattr(self._rest, self._names.get(what, what))(symbol=SYMBOL, **asked).data()

    def buy(self, **asked: Any) -> Any:
        return self.ask("new_order", side="BUY", quantity="0.010", **asked)


@BOTH
def test_public_trades(venue: RunningVenue, market: Market) -> None:
    client = Client(venue, market)
    for _ in range(3):
        client.buy(type="MARKET")
    tape = client.ask("tape", limit=5)  # the oldest that is kept may go meanwhile
    ids = [trade.a for trade in tape]
    assert len(ids) >= 3 and ids == sorted(set(ids))
    some = client.ask("tape", from_id=ids[1], limit=2)
    assert [trade.a for trade in some] == ids[1:3], "the first ones from there on"
    assert [trade.a for trade in client.ask("tape", from_id=ids[-1], limit=1)] == ids[-1:]
    assert [trade.a for trade in client.ask("tape", limit=1)] >= ids[-1:], "the latest"
    times = [trade.T for trade in tape]
    found = client.ask("tape", start_time=times[0], end_time=times[1], limit=1000)
    assert {times[0], times[1]} <= {trade.T for trade in found}
    assert all(times[0] <= trade.T <= times[1] for trade in found)


@BOTH
def test_own_trades(venue: RunningVenue, market: Market) -> None:
    client = Client(venue, market)
    orders = [client.buy(type="MARKET").order_id for _ in range(3)]
    every = client.ask("trades")
    ids = [trade.id for trade in every]
    assert ids == sorted(set(ids)) and {trade.order_id for trade in every} == set(orders)
    of_one = client.ask("trades", order_id=orders[1])
    assert of_one and {trade.order_id for trade in of_one} == {orders[1]}
    assert [trade.id for trade in client.ask("trades", from_id=ids[1], limit=1)] == [ids[1]]
    assert [trade.id for trade in client.ask("trades", limit=1)] == ids[-1:]
    started = client.ask("trades", start_time=every[0].time, limit=1)
    assert [trade.id for trade in started] == ids[:1], "from there on, not the latest"
    assert client.ask("trades", start_time=every[-1].time + 60_000) == []


@BOTH
def test_own_orders(venue: RunningVenue, market: Market) -> None:
    client = Client(venue, market)
    resting = {"type": "LIMIT", "time_in_force": "GTC", "price": FAR}
    ids = [client.buy(**resting).order_id for _ in range(3)]
    client.ask("cancel_order" if market == Market.USDM else "delete_order", order_id=ids[0])
    every = client.ask("all_orders")
    assert [order.order_id for order in every] == ids, "those that have ended, too"
    assert [o.order_id for o in client.ask("all_orders", order_id=ids[1], limit=1)] == [ids[1]]
    assert [o.order_id for o in client.ask("all_orders", limit=1)] == [ids[2]]
    started = client.ask("all_orders", start_time=every[0].time, limit=1)
    assert [order.order_id for order in started] == [ids[0]]
    assert client.ask("all_orders", start_time=every[2].time + 60_000) == []


@BOTH
def test_how_deep_a_book_is(open_venue: OpenVenue, market: Market) -> None:
    """Without a limit spot shows 100 levels, USD-M 500."""
    venue = open_venue(markets=[market], actions_per_s=1)
    client = Client(venue, market)
    whole = len(client.ask("book", limit=1000).bids)
    default = 100 if market == Market.SPOT else 500
    assert len(client.ask("book").bids) == min(default, whole)
    assert whole > 100
    assert len(client.ask("book", limit=5).bids) == 5
