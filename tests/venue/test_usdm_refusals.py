"""Every way in which USD-M says no, and what reduce-only may do [binance-protocol 5].

What is behind it: ``appliance.cold.venue.usdm_rules``.
"""

import time
from decimal import Decimal
from typing import Any

import pytest
from binance_common.errors import BadRequestError, UnauthorizedError

from appliance.abi.market import Market
from tests.venue import sdk
from tests.venue.conftest import OpenVenue
from tests.venue.running_venue import Keys, RunningVenue

SYMBOL = "BTCUSDT"
LOW, HIGH = "56000.0", "66000.0"  # nothing gets there in a test's time; both inside the band
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
ORDER |= {"quantity": "0.010", "price": LOW}
POST_ONLY = (
    "Due to the order could not be executed as maker, the Post Only order will be rejected."
    " The order will not be recorded in the order history"
)
KILLED = (
    "Due to the order could not be filled immediately, the FOK order has been rejected."
    " The order will not be recorded in the order history"
)
ALGO = "Order type not supported for this endpoint. Please use the Algo Order API."
TOO_SMALL = "Order's notional must be no smaller than 5 (unless you choose reduce only)."
TOO_SOON = "Timestamp for the GTD must be larger than now plus 600 seconds."
TOO_FINE = (-1111, "Precision is over the maximum defined for this asset.")
REDUCE_ONLY = (-2022, "ReduceOnly Order is rejected.")


def _without(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


def _missing(name: str) -> tuple[int, str]:
    return -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


MARKET = {"type": "MARKET"} | _without("time_in_force", "price")
# price 61800, tick 0.1 written with two digits, step 0.001; at most 320 BTC, 32 at market
REFUSALS = {
    "a price of nothing": ({"price": "0"}, (-4001, "Price less than 0.")),
    "too high a price": ({"price": "99999999"}, (-4002, "Price greater than max price.")),
    "too low a price": ({"price": "0.01"}, (-4013, "Price less than min price.")),
    "finer than the tick": ({"price": "56000.05"}, (-4014, "Price not increased by tick size.")),
    "finer than a price is written": ({"price": "56000.001"}, TOO_FINE),
    "no quantity": ({"quantity": "0"}, (-4003, "Quantity less than or equal to zero.")),
    "finer than the step": ({"quantity": "0.0101"}, TOO_FINE),
    "too large": ({"quantity": "321"}, (-4005, "Quantity greater than max quantity.")),
    "too large at market": (MARKET | {"quantity": "33"},
                            (-4005, "Quantity greater than max quantity.")),
    "worth too little": ({"symbol": "ETHUSDT", "price": "2300", "quantity": "0.002"},
                         (-4164, TOO_SMALL)),
    "more than the margin": ({"quantity": "320", "price": "64000"},
                             (-2019, "Margin is insufficient.")),
    "would take": ({"time_in_force": "GTX", "price": HIGH}, (-5022, POST_ONLY)),
    "cannot be filled": ({"time_in_force": "FOK"}, (-5021, KILLED)),
    "nothing to reduce": ({"reduce_only": "true"}, REDUCE_ONLY),
    "a stop order": ({"type": "STOP_MARKET"}, (-4120, ALGO)),
    "the other mode": ({"position_side": "LONG"},
                       (-4061, "Order's position side does not match user's setting.")),
    "good till the past": ({"time_in_force": "GTD", "good_till_date": 1_700_000_000_000},
                           (-4205, TOO_SOON)),
    "no time": ({"time_in_force": "GTD"}, _missing("goodTillDate")),
    "no such symbol": ({"symbol": "NOSUCHTHING"}, (-1121, "Invalid symbol.")),
    "no such side": ({"side": "HOLD"}, (-1117, "Invalid side.")),
    "no such type": ({"type": "WISH"}, (-1116, "Invalid orderType.")),
    "no such time in force": ({"time_in_force": "DAY"}, (-1115, "Invalid timeInForce.")),
    "no price": (_without("price"), _missing("price")),
    "no size": (_without("quantity"), _missing("quantity")),
    "a price at market": ({"type": "MARKET"} | _without("time_in_force"),
                          (-1106, "Parameter 'price' sent when not required.")),
}  # fmt: skip


@pytest.fixture
def client(venue: RunningVenue, usdm_keys: Keys) -> Any:
    return sdk.rest(venue, Market.USDM, usdm_keys)


def place(client: Any, **changes: Any) -> Any:
    asked = {name: value for name, value in (ORDER | changes).items() if value is not None}
    return client.new_order(**asked).data()


def refused(client: Any, **changes: Any) -> tuple[int, str]:
    with pytest.raises(BadRequestError) as no:
        place(client, **changes)
    return no.value.args


@pytest.mark.parametrize("case", REFUSALS)
def test_orders_that_are_refused(client: Any, case: str) -> None:
    changes, expected = REFUSALS[case]
    assert refused(client, **changes) == expected
    assert client.current_all_open_orders().data() == []


@pytest.mark.parametrize(
    ("side", "factor", "code", "word"),
    [("BUY", "1.2", -4016, "higher"), ("SELL", "0.8", -4024, "lower")],
)
def test_the_band_around_the_mark(
    client: Any, side: str, factor: str, code: int, word: str
) -> None:
    """One may ask for a worse price than the market's, but not for a much worse one."""
    mark = Decimal(client.mark_price(SYMBOL).data().actual_instance.mark_price)
    beyond = str((mark * Decimal(factor)).quantize(Decimal("0.1")))
    found, text = refused(client, side=side, price=beyond)
    assert found == code
    assert text.startswith(f"Limit price can't be {word} than ")
    bound = Decimal(text.rsplit(" ", 1)[1].removesuffix("."))
    band = Decimal("1.15") if side == "BUY" else Decimal("0.85")
    assert bound == pytest.approx(mark * band, rel=Decimal("0.01"))
    # the far side of the market is no matter of the band
    far = {"BUY": "30000.0", "SELL": "90000.0"}[side]
    assert place(client, side=side, price=far).status == "NEW"


def test_a_client_id_is_used_once_among_open_orders(client: Any) -> None:
    place(client, new_client_order_id="mine")
    assert refused(client, new_client_order_id="mine") == (-4116, "ClientOrderId is duplicated.")
    client.cancel_order(SYMBOL, orig_client_order_id="mine")
    assert place(client, new_client_order_id="mine").status == "NEW"


def test_orders_that_are_not_there(client: Any) -> None:
    for call, expected in (
        (client.cancel_order, (-2011, "Unknown order sent.")),
        (client.query_order, (-2013, "Order does not exist.")),
        (client.query_current_open_order, (-2013, "Order does not exist.")),
    ):
        with pytest.raises(BadRequestError) as no:
            call(SYMBOL, order_id=1)
        assert no.value.args == expected


def test_an_order_that_ended_is_not_among_the_open_ones(client: Any) -> None:
    order = place(client)
    client.cancel_order(SYMBOL, order_id=order.order_id)
    assert client.query_order(SYMBOL, order_id=order.order_id).data().status == "CANCELED"
    with pytest.raises(BadRequestError) as no:
        client.query_current_open_order(SYMBOL, order_id=order.order_id)
    assert no.value.args == (-2013, "Order does not exist.")


def test_reduce_only(client: Any) -> None:
    place(client, **MARKET, quantity="0.010")
    assert refused(client, side="BUY", reduce_only="true") == REDUCE_ONLY, "the wrong side"
    more = {"side": "SELL", "price": HIGH, "reduce_only": "true"}
    assert refused(client, **more, quantity="0.011") == REDUCE_ONLY, "more than there is"
    # reduce-only orders may be worth next to nothing
    first = place(client, **more, quantity="0.004")
    assert refused(client, **more, quantity="0.007") == REDUCE_ONLY, "together more than there is"
    second = place(client, **more, quantity="0.006")
    # closing otherwise leaves less than both would: the newest ends
    place(client, **MARKET, side="SELL", quantity="0.005")
    statuses = [
        client.query_order(SYMBOL, order_id=order.order_id).data().status
        for order in (first, second)
    ]
    assert statuses == ["NEW", "EXPIRED"]
    place(client, **MARKET, side="SELL", quantity="0.005")
    assert client.query_order(SYMBOL, order_id=first.order_id).data().status == "EXPIRED"
    assert client.current_all_open_orders().data() == []


def test_reduce_only_may_be_worth_little(client: Any) -> None:
    eth = {"symbol": "ETHUSDT", "quantity": "0.010"}
    place(client, **MARKET | eth)
    sell = eth | {"side": "SELL", "price": "2600.00", "quantity": "0.001"}
    assert refused(client, **sell)[0] == -4164
    assert place(client, **sell, reduce_only="true").status == "NEW"


def test_good_till_a_date(client: Any) -> None:
    later_ms = (int(time.time()) + 3600) * 1000
    order = place(client, time_in_force="GTD", good_till_date=later_ms + 123)
    found = client.query_order(SYMBOL, order_id=order.order_id).data()
    assert (found.status, found.time_in_force) == ("NEW", "GTD")
    assert found.good_till_date == later_ms, "whole seconds are kept"


def test_max_num_orders(client: Any) -> None:
    entry = client.exchange_information().data().symbols[0]
    limit = next(one.limit for one in entry.filters if one.filter_type == "MAX_NUM_ORDERS")
    for _ in range(limit):
        place(client)
    assert refused(client) == (-2025, "Reach max open order limit.")
    assert len(client.current_all_open_orders(SYMBOL).data()) == limit


def test_leverage(client: Any) -> None:
    for leverage in (0, 126):
        with pytest.raises(BadRequestError) as no:
            client.change_initial_leverage(SYMBOL, leverage)
        assert no.value.args == (-4028, f"Leverage {leverage} is not valid")
    # 15 BTC at 56000 are 840,000 of a million: 320 BTC need 17.92 million without leverage
    client.change_initial_leverage(SYMBOL, 1)
    assert refused(client, quantity="20")[0] == -2019
    assert place(client, quantity="15").status == "NEW"


@pytest.mark.parametrize("kind", sdk.KINDS)
def test_signatures_that_are_another_key_s(venue: RunningVenue, usdm_keys: Keys, kind: str) -> None:
    other = venue.new_keys(Market.USDM)
    mixed = Keys(usdm_keys.hmac_key, other.hmac_secret, usdm_keys.ed25519_key, other.pem_file)
    with pytest.raises(BadRequestError) as no:
        sdk.rest(venue, Market.USDM, mixed, kind).account_information_v3()
    assert no.value.args == (-1022, "Signature for this request is not valid.")


def test_keys_of_the_other_market(venue: RunningVenue, spot_keys: Keys) -> None:
    with pytest.raises(UnauthorizedError) as no:
        sdk.rest(venue, Market.USDM, spot_keys).account_information_v3()
    assert no.value.args == (-2015, "Invalid API-key, IP, or permissions for action.")


@pytest.mark.parametrize("clock_ms", [600_000, -600_000])
def test_clocks_that_disagree(open_venue: OpenVenue, clock_ms: int) -> None:
    venue = open_venue(markets=[Market.USDM])
    venue.post("/venue/faults", {"clock_ms": clock_ms})
    client = sdk.rest(venue, Market.USDM, venue.demo_keys(Market.USDM))
    with pytest.raises(BadRequestError) as no:
        client.account_information_v3()
    assert no.value.args[0] == -1021
