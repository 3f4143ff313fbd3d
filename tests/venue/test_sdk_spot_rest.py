"""Binance's own spot client on REST: what it reads, what it trades.

The oracles are the client's strict models (it logs a warning for each reply that does not fit) and
the rules of binance-protocol 3 and 4.

What is behind it: ``appliance.cold.venue.rest``, ``appliance.cold.venue.desk``,
``appliance.cold.venue.spot_desk``, ``appliance.cold.venue.spot_forms``.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from binance_common.errors import BadRequestError, ClientError

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.running_venue import Keys, RunningVenue

# What the venue says only where it applies: other order types, SOR, pegs, strategies, prevention.
CONDITIONAL = {
    *("expiry_reason", "iceberg_qty", "pegged_price", "prevented_match_id", "prevented_quantity"),
    *("peg_offset_type", "peg_offset_value", "peg_price_type", "stop_price", "strategy_id"),
    *("strategy_type", "trailing_delta", "trailing_time", "used_sor", "working_floor"),
}
# exchangeInfo shares models with replies that have more.
OF_OTHERS = {"count", "multiplier_exponent", "price_exponent", "qty_exponent", "sors"}
SYMBOL = "BTCUSDT"
FAR_BUY, FAR_SELL = "50000.00", "75000.00"  # nothing there in a test's time
LIMIT = {"symbol": SYMBOL, "type": "LIMIT", "time_in_force": "GTC"}


@pytest.fixture(autouse=True)
def _all_replies_fit(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not sdk.misfits(caplog)


@pytest.fixture(params=sdk.KINDS)
def client(request: pytest.FixtureRequest, venue: RunningVenue, spot_keys: Keys) -> Any:
    return sdk.rest(venue, Market.SPOT, spot_keys, request.param)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("ping", {}),
        ("time", {}),
        ("exchange_info", {}),
        ("exchange_info", {"symbol": SYMBOL}),
        ("exchange_info", {"symbols": [SYMBOL, "ETHUSDT"]}),
        ("depth", {"symbol": SYMBOL, "limit": 5}),
        ("ticker_book_ticker", {}),
        ("ticker_book_ticker", {"symbol": SYMBOL}),
        ("ticker_price", {}),
        ("ticker_price", {"symbol": SYMBOL}),
        ("get_account", {}),
        ("rate_limit_order", {}),
    ],
    ids=str,
)
def test_reads(client: Any, name: str, asked: dict[str, Any]) -> None:
    reply = getattr(client, name)(**asked)
    assert reply.status == 200
    assert sdk.missing(reply.data()) <= OF_OTHERS


def test_what_is_read_makes_sense(client: Any) -> None:
    info = client.exchange_info().data()
    assert {s.symbol for s in info.symbols} == {SYMBOL, "ETHUSDT"}
    book = client.depth(SYMBOL, limit=20).data()
    bids = [Decimal(price) for price, _ in book.bids]
    asks = [Decimal(price) for price, _ in book.asks]
    assert len(bids) == len(asks) == 20
    assert bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0]
    bought = client.new_order(side="BUY", symbol=SYMBOL, type="MARKET", quantity="0.001").data()
    for trades, identity in (
        (client.get_trades(SYMBOL, limit=1000).data(), "id"),
        (client.agg_trades(SYMBOL, limit=1000).data(), "a"),
    ):
        ids = [getattr(trade, identity) for trade in trades]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        assert not sdk.missing(trades)
        if identity == "id":
            assert {fill.trade_id for fill in bought.fills} <= set(ids)


def test_an_order_lives(client: Any) -> None:
    placed = client.new_order(
        **LIMIT, side="BUY", quantity="0.002", price=FAR_BUY, new_client_order_id="mine"
    ).data()
    assert (placed.status, placed.executed_qty, placed.fills) == ("NEW", "0.00000000", [])
    assert sdk.missing(placed) <= CONDITIONAL
    found = client.get_order(SYMBOL, orig_client_order_id="mine").data()
    assert found.order_id == placed.order_id and found.is_working
    assert sdk.missing(found) <= CONDITIONAL
    assert [o.order_id for o in client.get_open_orders(SYMBOL).data()] == [placed.order_id]
    # what it may cost is locked: 0.002 times 50000
    locked = {b.asset: b.locked for b in client.get_account().data().balances}
    assert Decimal(locked["USDT"]) == 100
    canceled = client.delete_order(SYMBOL, order_id=placed.order_id).data()
    assert (canceled.status, canceled.orig_client_order_id) == ("CANCELED", "mine")
    assert sdk.missing(canceled) <= CONDITIONAL
    assert client.get_open_orders().data() == []
    assert client.all_orders(SYMBOL).data()[-1].status == "CANCELED"
    locked = {b.asset: b.locked for b in client.get_account().data().balances}
    assert Decimal(locked["USDT"]) == 0


def test_a_market_order_is_filled_and_paid(client: Any) -> None:
    before = {b.asset: Decimal(b.free) for b in client.get_account().data().balances}
    order = client.new_order(side="BUY", symbol=SYMBOL, type="MARKET", quantity="0.5").data()
    assert (order.status, order.executed_qty) == ("FILLED", "0.50000000")
    quantity = sum(Decimal(fill.qty) for fill in order.fills)
    paid = sum(Decimal(fill.qty) * Decimal(fill.price) for fill in order.fills)
    fees = sum(Decimal(fill.commission) for fill in order.fills)
    assert quantity == Decimal("0.5")
    assert abs(Decimal(order.cummulative_quote_qty) - paid) < Decimal("1e-6")
    assert {fill.commission_asset for fill in order.fills} == {"BTC"}
    after = {b.asset: Decimal(b.free) for b in client.get_account().data().balances}
    assert after["BTC"] - before["BTC"] == quantity - fees
    assert before["USDT"] - after["USDT"] == Decimal(order.cummulative_quote_qty)
    trades = client.my_trades(SYMBOL).data()
    assert [t.id for t in trades] == [fill.trade_id for fill in order.fills]
    assert all(t.is_buyer and not t.is_maker for t in trades)
    assert not sdk.missing(trades)


def test_a_market_order_by_value(client: Any) -> None:
    order = client.new_order(
        side="SELL", symbol=SYMBOL, type="MARKET", quote_order_qty="1000"
    ).data()
    assert order.status == "FILLED" and order.orig_quote_order_qty == "1000.00000000"
    step_value = Decimal("0.00001") * 75_000
    assert 1000 - step_value <= Decimal(order.cummulative_quote_qty) <= 1000


@pytest.mark.parametrize(
    ("time_in_force", "reason"),
    [("IOC", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("FOK", "UNFILLED_FOK_ORDER_EXPIRED")],
)
def test_orders_that_do_not_rest(client: Any, time_in_force: str, reason: str) -> None:
    asked = LIMIT | {"time_in_force": time_in_force, "side": "BUY", "quantity": "0.001"}
    order = client.new_order(**asked, price=FAR_BUY).data()
    assert (order.status, order.executed_qty) == ("EXPIRED", "0.00000000")
    assert client.get_order(SYMBOL, order_id=order.order_id).data().expiry_reason == reason
    taken = client.new_order(**asked, price=FAR_SELL).data()
    assert (taken.status, taken.executed_qty) == ("FILLED", "0.00100000")
    assert all(Decimal(fill.price) < Decimal(FAR_SELL) for fill in taken.fills)
    assert client.get_open_orders().data() == []


def test_post_only(client: Any) -> None:
    asked = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001"}
    order = client.new_order(**asked, price=FAR_BUY).data()
    assert order.status is None, "LIMIT_MAKER is answered with an ACK"
    assert client.get_order(SYMBOL, order_id=order.order_id).data().status == "NEW"
    with pytest.raises(BadRequestError) as refused:
        client.new_order(**asked, price=FAR_SELL)
    assert refused.value.args == (-2010, "Order would immediately match and take.")


@pytest.mark.parametrize(
    ("form", "has"), [("ACK", set()), ("RESULT", {"status"}), ("FULL", {"status", "fills"})]
)
def test_forms_of_the_reply(client: Any, form: str, has: set[str]) -> None:
    asked = LIMIT | {"side": "BUY", "quantity": "0.001", "price": FAR_BUY}
    order = client.new_order(**asked, new_order_resp_type=form).data()
    assert {"status", "fills"} - sdk.missing(order) == has


def test_order_test_places_nothing(client: Any) -> None:
    asked = LIMIT | {"side": "BUY", "quantity": "0.001", "price": FAR_BUY}
    assert client.order_test(**asked).status == 200
    assert client.get_open_orders().data() == []


def test_cancel_and_replace(client: Any) -> None:
    first = client.new_order(**LIMIT, side="BUY", quantity="0.001", price=FAR_BUY).data()
    asked = LIMIT | {"side": "BUY", "quantity": "0.002", "price": "50001.00"}
    asked |= {"cancel_order_id": first.order_id, "cancel_replace_mode": "STOP_ON_FAILURE"}
    both = client.order_cancel_replace(**asked).data()
    assert (both.cancel_result, both.new_order_result) == ("SUCCESS", "SUCCESS")
    assert both.cancel_response.order_id == first.order_id
    assert both.cancel_response.status == "CANCELED"
    second = both.new_order_response.order_id
    assert [o.order_id for o in client.get_open_orders().data()] == [second]
    with pytest.raises(BadRequestError) as refused:  # the first is gone: neither is done
        client.order_cancel_replace(**asked)
    assert refused.value.args[0] == -2022
    assert [o.order_id for o in client.get_open_orders().data()] == [second]
    with pytest.raises(ClientError) as partly:  # 409: one part is done
        client.order_cancel_replace(**asked | {"cancel_replace_mode": "ALLOW_FAILURE"})
    assert partly.value.args[1] == "Order cancel-replace partially failed."
    assert len(client.get_open_orders().data()) == 2


def test_cancel_restrictions(client: Any) -> None:
    order = client.new_order(**LIMIT, side="BUY", quantity="0.001", price=FAR_BUY).data()
    with pytest.raises(BadRequestError) as refused:
        client.delete_order(
            SYMBOL, order_id=order.order_id, cancel_restrictions="ONLY_PARTIALLY_FILLED"
        )
    assert refused.value.args == (-2011, "Order was not canceled due to cancel restrictions.")
    asked = {"order_id": order.order_id, "cancel_restrictions": "ONLY_NEW"}
    canceled = client.delete_order(SYMBOL, **asked, new_client_order_id="the-cancel").data()
    assert (canceled.status, canceled.client_order_id) == ("CANCELED", "the-cancel")


def test_cancel_all(client: Any) -> None:
    for side, price in (("BUY", FAR_BUY), ("SELL", FAR_SELL)):
        client.new_order(**LIMIT, side=side, quantity="0.001", price=price)
    assert [o.status for o in client.delete_open_orders(SYMBOL).data()] == ["CANCELED"] * 2
    assert client.get_open_orders().data() == []
    with pytest.raises(BadRequestError) as refused:
        client.delete_open_orders(SYMBOL)
    assert refused.value.args == (-2011, "Unknown order sent.")


def test_limits_are_told_in_headers(client: Any) -> None:
    reply = client.new_order(**LIMIT, side="BUY", quantity="0.001", price=FAR_BUY)
    told = {(limit.rateLimitType, limit.interval) for limit in reply.rate_limits}
    assert told == {("REQUEST_WEIGHT", "MINUTE"), ("ORDERS", "SECOND"), ("ORDERS", "DAY")}
