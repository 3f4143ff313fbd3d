"""Binance's own USD-M client on REST: what it reads, what it trades.

The oracles are the client's strict models (it logs a warning for each reply that does not fit) and
the rules of binance-protocol 5.

What is behind it: ``appliance.cold.venue.usdm_desk``, ``appliance.cold.venue.usdm_forms``.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from binance_common.errors import BadRequestError

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.running_venue import Keys, RunningVenue, eventually

# What the venue says only where it applies: trailing stops, the other futures family.
CONDITIONAL = {"activate_price", "price_rate", "cum_base", "pair", "base_qty", "margin_asset"}
# Each filter of exchangeInfo is one model with the keys of all; settlePlan is no more.
OF_OTHERS = {
    *("limit", "max_price", "max_qty", "min_price", "min_qty", "multiplier_decimal", "notional"),
    *("multiplier_down", "multiplier_up", "settle_plan", "step_size", "tick_size"),
}
SYMBOL = "BTCUSDT"
LOW, HIGH = "56000.0", "66000.0"  # nothing gets there in a test's time; both inside the band
LIMIT = {"symbol": SYMBOL, "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.010"}
MARKET = {"symbol": SYMBOL, "type": "MARKET", "new_order_resp_type": "RESULT"}


@pytest.fixture(autouse=True)
def _all_replies_fit(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not sdk.misfits(caplog)


@pytest.fixture(params=sdk.KINDS)
def client(request: pytest.FixtureRequest, venue: RunningVenue, usdm_keys: Keys) -> Any:
    return sdk.rest(venue, Market.USDM, usdm_keys, request.param)


def position(client: Any) -> Decimal:
    return Decimal(client.position_information_v3(SYMBOL).data()[0].position_amt)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("test_connectivity", {}),
        ("check_server_time", {}),
        ("exchange_information", {}),
        ("order_book", {"symbol": SYMBOL, "limit": 5}),
        ("symbol_order_book_ticker", {}),
        ("symbol_order_book_ticker", {"symbol": SYMBOL}),
        ("symbol_price_ticker", {"symbol": SYMBOL}),
        ("symbol_price_ticker_v2", {}),
        ("mark_price", {}),
        ("mark_price", {"symbol": SYMBOL}),
        ("account_information_v2", {}),
        ("account_information_v3", {}),
        ("futures_account_balance_v2", {}),
        ("futures_account_balance_v3", {}),
        ("position_information_v2", {"symbol": SYMBOL}),
        ("position_information_v3", {"symbol": SYMBOL}),
        ("get_current_position_mode", {}),
        ("get_current_multi_assets_mode", {}),
        ("change_initial_leverage", {"symbol": SYMBOL, "leverage": 10}),
        ("start_user_data_stream", {}),
    ],
    ids=str,
)
def test_reads(client: Any, name: str, asked: dict[str, Any]) -> None:
    reply = getattr(client, name)(**asked)
    assert reply.status == 200
    assert sdk.missing(reply.data()) <= OF_OTHERS


def test_public_trades_are_complete(client: Any) -> None:
    order = client.new_order(**MARKET, side="BUY", quantity="0.001").data()
    mine = {trade.id for trade in client.account_trade_list(SYMBOL).data()}
    assert order.status == "FILLED" and mine
    trades = client.recent_trades_list(SYMBOL, limit=1000).data()
    ids = [trade.id for trade in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids))) and mine <= set(ids)
    together = client.compressed_aggregate_trades_list(SYMBOL, limit=1000).data()
    assert [t.a for t in together] == list(range(together[0].a, together[0].a + len(together)))
    assert not sdk.missing([trades, together])


def test_an_order_lives(client: Any) -> None:
    placed = client.new_order(**LIMIT, side="BUY", price=LOW, new_client_order_id="mi:n/e.1").data()
    assert (placed.status, placed.executed_qty) == ("NEW", "0.000")
    assert not sdk.missing(placed) - CONDITIONAL
    for query in (client.query_order, client.query_current_open_order):
        found = query(SYMBOL, orig_client_order_id="mi:n/e.1").data()
        assert (found.order_id, found.status) == (placed.order_id, "NEW")
        assert not sdk.missing(found) - CONDITIONAL
    assert [o.order_id for o in client.current_all_open_orders().data()] == [placed.order_id]
    # 0.010 at 56000 with the leverage of 20
    account = client.account_information_v3().data()
    assert Decimal(account.total_open_order_initial_margin) == Decimal("0.010") * 56000 / 20
    canceled = client.cancel_order(SYMBOL, order_id=placed.order_id).data()
    assert (canceled.status, canceled.order_id) == ("CANCELED", placed.order_id)
    assert not sdk.missing(canceled) - CONDITIONAL
    assert client.current_all_open_orders().data() == []
    assert client.all_orders(SYMBOL).data()[-1].status == "CANCELED"


def test_a_position_is_opened_and_closed(client: Any) -> None:
    start = Decimal(client.futures_account_balance_v3().data()[0].balance)
    opened = client.new_order(**MARKET, side="SELL", quantity="0.200").data()
    assert (opened.status, opened.executed_qty) == ("FILLED", "0.200")
    assert position(client) == Decimal("-0.2")
    closed = client.new_order(**MARKET, side="BUY", quantity="0.200", reduce_only="true").data()
    assert closed.reduce_only and closed.status == "FILLED"
    assert position(client) == 0
    trades = client.account_trade_list(SYMBOL).data()
    assert not sdk.missing(trades) - CONDITIONAL
    value = {
        side: sum(Decimal(t.price) * Decimal(t.qty) for t in trades if t.side == side)
        for side in ("BUY", "SELL")
    }
    fees = sum(Decimal(t.commission) for t in trades)
    assert sum(Decimal(t.realized_pnl) for t in trades) == pytest.approx(
        value["SELL"] - value["BUY"], abs=Decimal("1e-6")
    )
    # a taker pays 0.05 %
    assert fees == pytest.approx((value["SELL"] + value["BUY"]) * 5 / 10_000, abs=Decimal("1e-6"))
    end = Decimal(client.futures_account_balance_v3().data()[0].balance)
    assert end - start == pytest.approx(value["SELL"] - value["BUY"] - fees, abs=Decimal("1e-6"))


def test_an_ack_shows_the_order_as_it_was_taken(client: Any) -> None:
    asked = MARKET | {"new_order_resp_type": "ACK"}
    ack = client.new_order(**asked, side="BUY", quantity="0.001").data()
    assert (ack.status, ack.executed_qty) == ("NEW", "0.000")
    found = client.query_order(SYMBOL, order_id=ack.order_id).data()
    assert (found.status, found.executed_qty) == ("FILLED", "0.001")
    assert Decimal(found.cum_quote) == Decimal(found.avg_price) * Decimal("0.001")


def test_times_in_force(client: Any) -> None:
    for time_in_force, price, status in (
        ("GTX", LOW, "NEW"),
        ("IOC", LOW, "EXPIRED"),
        ("IOC", HIGH, "FILLED"),
        ("FOK", HIGH, "FILLED"),
    ):
        asked = LIMIT | {"time_in_force": time_in_force, "new_order_resp_type": "RESULT"}
        assert client.new_order(**asked, side="BUY", price=price).data().status == status
    for time_in_force, price, code in (("GTX", HIGH, -5022), ("FOK", LOW, -5021)):
        asked = LIMIT | {"time_in_force": time_in_force, "new_client_order_id": "refused"}
        with pytest.raises(BadRequestError) as refused:
            client.new_order(**asked, side="BUY", price=price)
        assert refused.value.args[0] == code
        with pytest.raises(BadRequestError) as unknown:  # not in the history, as the text says
            client.query_order(SYMBOL, orig_client_order_id="refused")
        assert unknown.value.args == (-2013, "Order does not exist.")


def test_cancel_all(client: Any) -> None:
    for side, price in (("BUY", LOW), ("SELL", HIGH)):
        client.new_order(**LIMIT, side=side, price=price)
    assert client.cancel_all_open_orders(SYMBOL).data().code == 200
    assert client.current_all_open_orders().data() == []
    assert client.cancel_all_open_orders(SYMBOL).data().code == 200, "also with nothing to cancel"


def test_the_dead_man_s_switch_cancels(client: Any) -> None:
    """Of its symbol only."""
    order = client.new_order(**LIMIT, side="BUY", price=LOW).data()
    other = LIMIT | {"symbol": "ETHUSDT", "price": "2300.00", "quantity": "0.100"}
    client.new_order(**other, side="BUY")
    reply = client.auto_cancel_all_open_orders(SYMBOL, countdown_time=50).data()
    assert (reply.symbol, reply.countdown_time) == (SYMBOL, "50")
    eventually(
        lambda: client.query_order(SYMBOL, order_id=order.order_id).data().status == "CANCELED",
        "the cancel",
    )
    assert [o.symbol for o in client.current_all_open_orders().data()] == ["ETHUSDT"]


def test_listen_keys(client: Any) -> None:
    key = client.start_user_data_stream().data().listen_key
    assert client.start_user_data_stream().data().listen_key == key, "it has one, which lives on"
    assert client.keepalive_user_data_stream().status == 200
    assert client.close_user_data_stream().status == 200
    with pytest.raises(BadRequestError) as refused:
        client.keepalive_user_data_stream()
    assert refused.value.args == (-1125, "This listenKey does not exist.")
    assert client.start_user_data_stream().data().listen_key != key
