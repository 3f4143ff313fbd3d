"""ccxt trades over REST. Its unified answers are the oracle: it works them out of the venue's."""

from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from appliance.abi.market import Market
from tests.venue.ccxt_client import settings
from tests.venue.running_venue import Keys, RunningVenue

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
LOW, HIGH = 50_000.0, 70_000.0  # far from where BTC trades, and inside every band
SIZE = 0.01


@pytest.fixture
def spot(venue: RunningVenue, spot_keys: Keys) -> Any:
    return ccxt.binance(settings(venue, spot_keys, "spot"))


@pytest.fixture
def usdm(venue: RunningVenue, usdm_keys: Keys) -> Any:
    return ccxt.binanceusdm(settings(venue, usdm_keys, "linear"))


@pytest.fixture(params=[SPOT, PERPETUAL])
def client(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """A client and the symbol that it trades, for what is alike in both markets."""
    name = "spot" if request.param == SPOT else "usdm"
    return request.getfixturevalue(name), request.param


def resting(exchange: Any, symbol: str, **params: Any) -> Any:
    return exchange.create_order(symbol, "limit", "buy", SIZE, LOW, params)


def test_markets(spot: Any, usdm: Any) -> None:
    market = spot.load_markets()[SPOT]
    assert (market["active"], market["base"], market["quote"]) == (True, "BTC", "USDT")
    assert market["precision"] == {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08}
    assert market["limits"]["cost"]["min"] == 5
    market = usdm.load_markets()[PERPETUAL]
    assert (market["active"], market["linear"], market["settle"]) == (True, True, "USDT")
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.001, 0.1)


def test_the_public_market(client: tuple[Any, str]) -> None:
    exchange, symbol = client
    assert exchange.fetch_time() > 1_600_000_000_000
    book = exchange.fetch_order_book(symbol, 5)
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert book["nonce"] and book["bids"][0][0] < book["asks"][0][0]
    touch = exchange.fetch_bids_asks([symbol])[symbol]
    assert touch["bid"] < touch["ask"]
    last = exchange.fetch_last_prices([symbol])[symbol]["price"]
    assert LOW < last < HIGH
    exchange.create_order(symbol, "market", "buy", SIZE)  # the oldest may be of another test
    trade = exchange.fetch_trades(symbol, limit=1)[-1]
    assert trade["side"] in ("buy", "sell") and LOW < trade["price"] < HIGH


def test_an_order_rests_is_known_and_is_taken_back(client: tuple[Any, str]) -> None:
    exchange, symbol = client
    order = resting(exchange, symbol, clientOrderId="mine")
    assert (order["status"], order["price"], order["remaining"]) == ("open", LOW, SIZE)
    for known in (
        exchange.fetch_order(order["id"], symbol),
        exchange.fetch_order(None, symbol, {"origClientOrderId": "mine"}),
        *exchange.fetch_open_orders(symbol),
        *exchange.fetch_orders(symbol),
    ):
        assert (known["id"], known["clientOrderId"]) == (order["id"], "mine")
        assert (known["status"], known["amount"], known["filled"]) == ("open", SIZE, 0)
    assert exchange.cancel_order(order["id"], symbol)["status"] == "canceled"
    assert exchange.fetch_order(order["id"], symbol)["status"] == "canceled"
    assert exchange.fetch_open_orders(symbol) == []


def test_a_market_order_is_filled(client: tuple[Any, str]) -> None:
    exchange, symbol = client
    order = exchange.create_order(symbol, "market", "buy", SIZE)
    known = exchange.fetch_order(order["id"], symbol)
    assert (known["status"], known["filled"]) == ("closed", SIZE)
    trades = exchange.fetch_my_trades(symbol)
    assert sum(trade["amount"] for trade in trades) == pytest.approx(SIZE)
    cost = sum(trade["cost"] for trade in trades)
    assert known["cost"] == pytest.approx(cost)
    assert known["average"] == pytest.approx(cost / SIZE, abs=0.01)
    assert {trade["order"] for trade in trades} == {order["id"]}
    rate, currency, base = (0.001, "BTC", SIZE) if symbol == SPOT else (0.0005, "USDT", cost)
    assert {trade["fee"]["currency"] for trade in trades} == {currency}
    fees = sum(trade["fee"]["cost"] for trade in trades)
    assert fees == pytest.approx(base * rate, abs=1e-7)


def test_times_in_force(client: tuple[Any, str]) -> None:
    exchange, symbol = client

    def placed(price: float, time_in_force: str) -> Any:
        params = {"timeInForce": time_in_force}
        order = exchange.create_order(symbol, "limit", "buy", SIZE, price, params)
        return exchange.fetch_order(order["id"], symbol)

    assert placed(HIGH, "IOC")["status"] == "closed"
    assert placed(HIGH, "FOK")["status"] == "closed"
    missed = placed(LOW, "IOC")
    assert (missed["status"], missed["filled"]) == ("expired", 0)


def test_post_only(client: tuple[Any, str]) -> None:
    exchange, symbol = client
    assert resting(exchange, symbol, postOnly=True)["status"] == "open"
    refused = ccxt.OrderImmediatelyFillable if symbol == SPOT else ccxt.InvalidOrder
    with pytest.raises(refused):
        exchange.create_order(symbol, "limit", "buy", SIZE, HIGH, {"postOnly": True})
    exchange.cancel_all_orders(symbol)
    assert exchange.fetch_open_orders(symbol) == []


# ccxt knows some codes by Binance's own addresses only: what is left is ExchangeError.
@pytest.mark.parametrize(
    ("ask", "refused", "code"),
    [
        (lambda c, symbol: c.cancel_order("123", symbol), ccxt.OrderNotFound, "-2011"),
        (lambda c, symbol: c.fetch_order("123", symbol), ccxt.OrderNotFound, "-2013"),
        (lambda c, symbol: resting(c, symbol, recvWindow=60_001), ccxt.ExchangeError, "-1131"),
        (lambda c, symbol: resting(c, symbol, timestamp=1), ccxt.InvalidNonce, "-1021"),
    ],
    ids=["cancel", "query", "window", "time"],
)
def test_refusals(
    client: tuple[Any, str], ask: Callable[[Any, str], Any], refused: type[Exception], code: str
) -> None:
    with pytest.raises(refused, match=code):
        ask(*client)


def test_wrong_keys(client: tuple[Any, str]) -> None:
    exchange, _ = client
    exchange.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        exchange.fetch_balance()
    exchange.apiKey = "unknown"
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        exchange.fetch_balance()


def test_ed25519_keys(venue: RunningVenue) -> None:
    """ccxt signs with them, too; both kinds of key are of one account."""
    keys = venue.new_keys(Market.SPOT)
    signing = ccxt.binance(settings(venue, keys, "spot", "ed25519"))
    order = resting(signing, SPOT)
    hashing = ccxt.binance(settings(venue, keys, "spot"))
    assert hashing.cancel_order(order["id"], SPOT)["status"] == "canceled"
    keys = venue.new_keys(Market.USDM)
    signing = ccxt.binanceusdm(settings(venue, keys, "linear", "ed25519"))
    order = resting(signing, PERPETUAL)
    hashing = ccxt.binanceusdm(settings(venue, keys, "linear"))
    assert hashing.cancel_order(order["id"], PERPETUAL)["status"] == "canceled"


def test_spot_balances(spot: Any) -> None:
    before = spot.fetch_balance()
    assert before["USDT"]["total"] == before["USDT"]["free"] == 1_000_000
    resting(spot, SPOT)
    after = spot.fetch_balance()["USDT"]
    assert after == {"free": 1_000_000 - LOW * SIZE, "used": LOW * SIZE, "total": 1_000_000}
    with pytest.raises(ccxt.InsufficientFunds):
        spot.create_order(SPOT, "limit", "buy", 20, LOW)


def test_spot_edits_by_cancel_and_replace(spot: Any) -> None:
    order = resting(spot, SPOT)
    changed = spot.edit_order(order["id"], SPOT, "limit", "buy", 2 * SIZE, LOW + 1)
    assert changed["id"] != order["id"]
    assert (changed["price"], changed["amount"]) == (LOW + 1, 2 * SIZE)
    assert [known["id"] for known in spot.fetch_open_orders(SPOT)] == [changed["id"]]


def test_spot_shows_a_strategy_again(spot: Any) -> None:
    placed = resting(spot, SPOT, strategyId=37, strategyType=1_000_001)["info"]
    number = placed["orderId"]  # ccxt takes the strategy's for the order's
    known = spot.fetch_order(number, SPOT)["info"]
    for info in (placed, known, spot.cancel_order(number, SPOT)["info"]):
        assert (info["strategyId"], info["strategyType"]) == (37, 1_000_001)


def test_usdm_position(usdm: Any) -> None:
    assert usdm.fetch_balance()["USDT"]["total"] == 1_000_000
    usdm.set_leverage(10, PERPETUAL)
    usdm.create_order(PERPETUAL, "market", "buy", SIZE)
    (position,) = usdm.fetch_positions([PERPETUAL])
    (trade, *_) = trades = usdm.fetch_my_trades(PERPETUAL)
    entry = sum(each["cost"] for each in trades) / SIZE
    assert (position["side"], position["contracts"]) == ("long", SIZE)
    assert position["entryPrice"] == pytest.approx(entry)
    assert position["leverage"] == 10
    assert position["initialMargin"] == pytest.approx(position["notional"] / 10)
    paid = sum(each["fee"]["cost"] for each in trades)
    assert usdm.fetch_balance()["info"]["totalWalletBalance"] == f"{1_000_000 - paid:.8f}"
    assert trade["takerOrMaker"] == "taker"
    usdm.create_order(PERPETUAL, "market", "sell", SIZE, None, {"reduceOnly": True})
    assert not [p for p in usdm.fetch_positions([PERPETUAL]) if p["contracts"]]
    with pytest.raises(ccxt.ExchangeError, match="-2022"):
        usdm.create_order(PERPETUAL, "market", "sell", SIZE, None, {"reduceOnly": True})


def test_usdm_funding(usdm: Any) -> None:
    funding = usdm.fetch_funding_rate(PERPETUAL)
    assert LOW < funding["markPrice"] < HIGH
    assert funding["fundingTimestamp"] > funding["timestamp"]
