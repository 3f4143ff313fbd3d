"""Every way in which spot says no: Binance's own code and message [binance-protocol 3 and 4].

What is behind it: ``appliance.cold.venue.spot_rules``.
"""

from typing import Any

import pytest
from binance_common.errors import BadRequestError, UnauthorizedError

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.conftest import OpenVenue
from tests.venue.running_venue import Keys, RunningVenue

SYMBOL = "BTCUSDT"
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
ORDER |= {"quantity": "0.001", "price": "50000.00"}
NO_FUNDS = (-2010, "Account has insufficient balance for requested action.")
LEGAL_DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


def _without(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


def _filter(name: str) -> tuple[int, str]:
    return -1013, f"Filter failure: {name}"


def _missing(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def _illegal(name: str, legal: str) -> tuple[int, str]:
    return -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."


def _needless(name: str) -> tuple[int, str]:
    return -1106, f"Parameter '{name}' sent when not required."


MARKET = {"type": "MARKET"} | _without("time_in_force", "price")
BY_VALUE = MARKET | _without("quantity")
# start price 61837.63, tick 0.01, step 0.00001; at most 323.4 BTC, 32.34 by a market order
REFUSALS = {
    "finer than the tick": ({"price": "50000.001"}, _filter("PRICE_FILTER")),
    "under the lowest price": ({"price": "0"}, _filter("PRICE_FILTER")),
    "over the highest price": ({"price": "99999999"}, _filter("PRICE_FILTER")),
    "over the band": ({"price": "400000"}, _filter("PERCENT_PRICE_BY_SIDE")),
    "under the band": ({"price": "10000"}, _filter("PERCENT_PRICE_BY_SIDE")),
    "finer than the step": ({"quantity": "0.001001"}, _filter("LOT_SIZE")),
    "no quantity": ({"quantity": "0"}, _filter("LOT_SIZE")),
    "over the largest": ({"quantity": "1000"}, _filter("LOT_SIZE")),
    "over the largest at market": (MARKET | {"quantity": "33"}, _filter("MARKET_LOT_SIZE")),
    "worth too little": ({"quantity": "0.00001"}, _filter("NOTIONAL")),
    "worth too much": ({"quantity": "200"}, _filter("NOTIONAL")),
    "worth too little at market": (MARKET | {"quantity": "0.00001"}, _filter("NOTIONAL")),
    "too dear": ({"quantity": "100"}, NO_FUNDS),
    "more than it has": ({"side": "SELL", "symbol": "ETHUSDT", "price": "2500", "quantity": "1001"},
                         NO_FUNDS),
    "by value, more than it has": (BY_VALUE | {"quote_order_qty": "2000000"}, NO_FUNDS),
    "by too small a value": (BY_VALUE | {"quote_order_qty": "4.99"}, _filter("NOTIONAL")),
    "too fine a number": ({"price": "50000.0000000001"},
                          (-1111, "Parameter 'price' has too much precision.")),
    "no number": ({"price": "1e5"}, _illegal("price", LEGAL_DECIMAL)),
    "no such symbol": ({"symbol": "NOSUCHTHING"}, (-1121, "Invalid symbol.")),
    "no such side": ({"side": "HOLD"}, (-1117, "Invalid side.")),
    "no such type": ({"type": "WISH"}, (-1116, "Invalid orderType.")),
    "no such time in force": ({"time_in_force": "GTX"}, (-1115, "Invalid timeInForce.")),
    "no time in force": (_without("time_in_force"), _missing("timeInForce")),
    "no price": (_without("price"), _missing("price")),
    "neither quantity": (MARKET | _without("quantity"), _missing("quantity")),
    "a price at market": ({"type": "MARKET"} | _without("time_in_force"), _needless("price")),
    "a time in force at market": ({"type": "MARKET"} | _without("price"),
                                  _needless("timeInForce")),
    "a strange client id": ({"new_client_order_id": "not/legal"},
                            _illegal("newClientOrderId", "^[a-zA-Z0-9-_]{1,36}$")),
    "takes though it may not": ({"type": "LIMIT_MAKER", "price": "75000"} |
                                _without("time_in_force"),
                                (-2010, "Order would immediately match and take.")),
}  # fmt: skip


@pytest.fixture
def client(venue: RunningVenue, spot_keys: Keys) -> Any:
    return sdk.rest(venue, Market.SPOT, spot_keys)


@pytest.mark.parametrize("case", REFUSALS)
def test_orders_that_are_refused(client: Any, case: str) -> None:
    changes, expected = REFUSALS[case]
    asked = {name: value for name, value in (ORDER | changes).items() if value is not None}
    with pytest.raises(BadRequestError) as refused:
        client.new_order(**asked)
    assert refused.value.args == expected
    assert client.get_open_orders().data() == []
    free = {b.asset: (b.free, b.locked) for b in client.get_account().data().balances}
    assert free["USDT"] == ("1000000.00000000", "0.00000000")


def test_a_client_id_is_used_once_among_open_orders(client: Any) -> None:
    order = client.new_order(**ORDER, new_client_order_id="mine").data()
    with pytest.raises(BadRequestError) as refused:
        client.new_order(**ORDER, new_client_order_id="mine")
    assert refused.value.args == (-2010, "Duplicate order sent.")
    client.delete_order(SYMBOL, order_id=order.order_id)
    again = client.new_order(**ORDER, new_client_order_id="mine").data()
    found = client.get_order(SYMBOL, orig_client_order_id="mine").data()
    assert found.order_id == again.order_id != order.order_id


def test_orders_that_are_not_there(client: Any) -> None:
    for call, expected in (
        (client.delete_order, (-2011, "Unknown order sent.")),
        (client.get_order, (-2013, "Order does not exist.")),
    ):
        with pytest.raises(BadRequestError) as refused:
            call(SYMBOL, order_id=1)
        assert refused.value.args == expected
        with pytest.raises(BadRequestError) as refused:
            call(SYMBOL, orig_client_order_id="never")
        assert refused.value.args == expected


def test_another_account_cannot_see_or_cancel(venue: RunningVenue, client: Any) -> None:
    order = client.new_order(**ORDER).data()
    stranger = sdk.rest(venue, Market.SPOT, venue.new_keys(Market.SPOT))
    with pytest.raises(BadRequestError) as refused:
        stranger.delete_order(SYMBOL, order_id=order.order_id)
    assert refused.value.args[0] == -2011
    assert stranger.get_open_orders().data() == []
    assert client.get_order(SYMBOL, order_id=order.order_id).data().status == "NEW"


def test_max_num_orders(client: Any) -> None:
    limit = next(
        one.actual_instance.max_num_orders
        for one in client.exchange_info(symbol=SYMBOL).data().symbols[0].filters
        if type(one.actual_instance).__name__ == "MaxNumOrdersFilter"
    )
    for _ in range(limit):
        client.new_order(**ORDER | {"new_order_resp_type": "ACK"})
    with pytest.raises(BadRequestError) as refused:
        client.new_order(**ORDER)
    assert refused.value.args == _filter("MAX_NUM_ORDERS")
    assert len(client.get_open_orders(SYMBOL).data()) == limit


def test_max_position(open_venue: OpenVenue) -> None:
    """One symbol has it: what one has and what one is about to buy."""
    venue = open_venue(markets=[Market.SPOT], symbols=["BNBUSDT"])
    client = sdk.rest(venue, Market.SPOT, venue.demo_keys(Market.SPOT))
    entry = client.exchange_info(symbol="BNBUSDT").data().symbols[0]
    most = next(
        float(one.actual_instance.max_position)
        for one in entry.filters
        if type(one.actual_instance).__name__ == "MaxPositionFilter"
    )
    owned = float(client.get_account().data().balances[0].free)
    asked = ORDER | {"symbol": "BNBUSDT", "price": "300.00", "time_in_force": "GTC"}
    # the bound is far away: get there by giving the account more
    floor = venue.floor(Market.SPOT)
    account = floor.exchange.accounts[0]
    venue.call(lambda: setattr(account.balance("BNB"), "free_e8", int((most - 1) * 10**8)))
    client.new_order(**asked | {"quantity": "0.6"})
    with pytest.raises(BadRequestError) as refused:
        client.new_order(**asked | {"quantity": "0.5"})
    assert refused.value.args == _filter("MAX_POSITION")
    client.new_order(**asked | {"quantity": "0.4"})
    client.new_order(**asked | {"side": "SELL", "price": "900.00", "quantity": "5"})
    assert owned < most


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("short!", (-2014, "API-key format invalid.")),
        ("A" * 64, (-2015, "Invalid API-key, IP, or permissions for action.")),
    ],
)
def test_keys_that_are_none(
    venue: RunningVenue, spot_keys: Keys, key: str, expected: tuple[int, str]
) -> None:
    wrong = Keys(key, spot_keys.hmac_secret, spot_keys.ed25519_key, spot_keys.pem_file)
    with pytest.raises(UnauthorizedError) as refused:
        sdk.rest(venue, Market.SPOT, wrong).get_account()
    assert refused.value.args == expected


@pytest.mark.parametrize("kind", sdk.KINDS)
def test_signatures_that_are_another_key_s(venue: RunningVenue, spot_keys: Keys, kind: str) -> None:
    other = venue.new_keys(Market.SPOT)
    mixed = Keys(spot_keys.hmac_key, other.hmac_secret, spot_keys.ed25519_key, other.pem_file)
    with pytest.raises(BadRequestError) as refused:
        sdk.rest(venue, Market.SPOT, mixed, kind).get_account()
    assert refused.value.args == (-1022, "Signature for this request is not valid.")


@pytest.mark.parametrize(
    ("clock_ms", "text"),
    [
        (600_000, "Timestamp for this request is outside of the recvWindow."),
        (-600_000, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
def test_clocks_that_disagree(open_venue: OpenVenue, clock_ms: int, text: str) -> None:
    venue = open_venue(markets=[Market.SPOT])
    venue.post("/venue/faults", {"clock_ms": clock_ms})
    client = sdk.rest(venue, Market.SPOT, venue.demo_keys(Market.SPOT))
    with pytest.raises(BadRequestError) as refused:
        client.get_account(recv_window=60_000)
    assert refused.value.args == (-1021, text)
