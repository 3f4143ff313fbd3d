"""Order requests as text: read back with json and Decimal, and held against the protocol."""

import json
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.layout import records
from appliance.abi.limits import ORDER_TEXT_BYTES, ORDERS_MAX
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.abi.trading import ORDER, ORDER_SLOT_BITS, Side, TimeInForce
from appliance.abi.units import INT64_MAX
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.order_text import (
    EPOCH_MAX,
    HEAD_BYTES_MAX,
    ID_BYTES,
    NO_KEY,
    Templates,
    client_id,
    is_writable,
    key_of_cancel_id,
    key_of_client_id,
    make_templates,
    write_cancel,
    write_place,
)

EPOCH = 0x00C0FFEE
NOW_NS = 1_723_161_255_208_999_999
KEY = 0x1234 << ORDER_SLOT_BITS | 0x3F
KEYS = st.builds(
    lambda generation, slot: generation << ORDER_SLOT_BITS | slot,
    st.integers(1, INT64_MAX >> ORDER_SLOT_BITS),
    st.integers(0, ORDERS_MAX - 1),
)


def instrument(
    symbol: str = "BTCUSDT",
    market: int = Market.SPOT,
    price: tuple[str, int] = ("0.01", 2),
    quantity: tuple[str, int] = ("0.00001", 5),
) -> Any:
    rows = records(1, INSTRUMENT)
    rows[0].symbol[:] = symbol_words(symbol)
    rows[0].market = market
    rows[0].tradable = 1
    rows[0].price_grid_e8 = int(Decimal(price[0]) * 10**8)
    rows[0].price_decimals = price[1]
    rows[0].quantity_grid_e8 = int(Decimal(quantity[0]) * 10**8)
    rows[0].quantity_decimals = quantity[1]
    rows[0].price_step_ticks = rows[0].quantity_step_lots = 1
    return rows


def place(
    templates: Templates,
    price_ticks: int = 6_183_763,
    quantity_lots: int = 100,
    side: int = Side.BUY,
    tif: int = TimeInForce.GTC,
    key: int = KEY,
    now_ns: int = NOW_NS,
) -> bytes:
    orders = records(1, ORDER)
    orders[0].side = side
    orders[0].time_in_force = tif
    orders[0].price_ticks = price_ticks
    orders[0].quantity_lots = quantity_lots
    text = np.full(ORDER_TEXT_BYTES, 0xFF, np.uint8)
    length = write_place(templates, orders[0], key, now_ns, text)
    assert (text[length:] == 0xFF).all()
    return bytes(text[:length])


def as_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8).copy()


def test_an_order_as_the_protocol_wants_it() -> None:
    request = json.loads(place(make_templates(instrument(), EPOCH)))
    assert request == {
        "id": "lc-00c0ffee-000000001234-003f",
        "method": "order.place",
        "params": {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "price": "61837.63",
            "quantity": "0.00100",
            "newClientOrderId": "lc-00c0ffee-000000001234-003f",
            "newOrderRespType": "ACK",
            "timestamp": 1723161255208,
        },
    }


def test_a_cancel_as_the_protocol_wants_it() -> None:
    templates = make_templates(instrument(), EPOCH)
    text = np.zeros(ORDER_TEXT_BYTES, np.uint8)
    length = write_cancel(templates, 0, KEY, NOW_NS, text)
    assert json.loads(bytes(text[:length])) == {
        "id": "lx-00c0ffee-000000001234-003f",
        "method": "order.cancel",
        "params": {
            "symbol": "BTCUSDT",
            "origClientOrderId": "lc-00c0ffee-000000001234-003f",
            "timestamp": 1723161255208,
        },
    }


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("market", "tif", "kind"),
    [
        (Market.SPOT, TimeInForce.GTC, {"type": "LIMIT", "timeInForce": "GTC"}),
        (Market.SPOT, TimeInForce.IOC, {"type": "LIMIT", "timeInForce": "IOC"}),
        (Market.SPOT, TimeInForce.POST_ONLY, {"type": "LIMIT_MAKER"}),
        (Market.USDM, TimeInForce.GTC, {"type": "LIMIT", "timeInForce": "GTC"}),
        (Market.USDM, TimeInForce.IOC, {"type": "LIMIT", "timeInForce": "IOC"}),
        (Market.USDM, TimeInForce.POST_ONLY, {"type": "LIMIT", "timeInForce": "GTX"}),
    ],
)
def test_sides_and_types(market: int, tif: int, kind: dict[str, str], side: Side) -> None:
    templates = make_templates(instrument(market=market), EPOCH)
    params = json.loads(place(templates, side=side, tif=tif))["params"]
    assert params["side"] == side.name
    assert {k: params[k] for k in ("type", "timeInForce") if k in params} == kind


@pytest.mark.parametrize("symbol", ["这是测试币456", 'A"B\\C', "A" * 32, "1"])
def test_any_symbol(symbol: str) -> None:
    templates = make_templates(instrument(symbol), EPOCH)
    assert json.loads(place(templates))["params"]["symbol"] == symbol


@st.composite
def grids(draw: st.DrawFn) -> tuple[str, int]:
    """A grid and the decimals of its texts, which may be more than the grid needs."""
    least = draw(st.integers(0, 8))
    multiple = draw(st.sampled_from([1, 2, 5, 25, 50, 3]))
    return f"{Decimal(multiple).scaleb(-least):f}", draw(st.integers(least, 8))


@settings(deadline=None, max_examples=60 if JIT_DISABLED else 200)
@given(
    grids() | st.sampled_from([("0.05", 2), ("0.00000001", 8), ("1", 0), ("10", 0), ("0.1", 8)]),
    grids(),
    st.integers(1, 10**9) | st.integers(1, 300),
    st.integers(1, 10**9) | st.integers(1, 300),
    KEYS,
    st.sampled_from(list(Side)),
    st.sampled_from(list(TimeInForce)),
    st.integers(0, 2**62),
)
def test_texts_read_back_as_the_same_order(
    price: tuple[str, int],
    quantity: tuple[str, int],
    price_ticks: int,
    quantity_lots: int,
    key: int,
    side: int,
    tif: int,
    now_ns: int,
) -> None:
    templates = make_templates(instrument(price=price, quantity=quantity), EPOCH)
    assert is_writable(templates, 0, price_ticks, quantity_lots)
    request = json.loads(place(templates, price_ticks, quantity_lots, side, tif, key, now_ns))
    params = request["params"]
    for text, (grid, decimals), count in (
        (params["price"], price, price_ticks),
        (params["quantity"], quantity, quantity_lots),
    ):
        assert Decimal(text) == Decimal(grid) * count
        pattern = rf"(0|[1-9]\d*)\.\d{{{decimals}}}" if decimals else r"0|[1-9]\d*"
        assert re.fullmatch(pattern, text)
    assert params["timestamp"] == now_ns // 1_000_000
    own = params["newClientOrderId"]
    assert request["id"] == own == client_id(EPOCH, key)
    assert key_of_client_id(as_bytes(own), EPOCH) == key


def test_the_longest_numbers_fit() -> None:
    coarse = ("0.00000001", 8)
    rows = instrument("长" * 10, Market.USDM, coarse, coarse)
    templates = make_templates(rows, EPOCH_MAX)
    longest = place(
        templates, INT64_MAX, INT64_MAX, Side.SELL, TimeInForce.POST_ONLY, INT64_MAX, INT64_MAX
    )
    assert json.loads(longest)["params"]["price"] == "92233720368.54775807"
    assert templates.lengths.max() < HEAD_BYTES_MAX


def test_what_cannot_be_written_exactly_is_refused() -> None:
    templates = make_templates(instrument(price=("0.05", 2)), EPOCH)
    most = INT64_MAX // 5
    assert is_writable(templates, 0, most, INT64_MAX)
    assert json.loads(place(templates, most))["params"]["price"] == str(Decimal(most * 5) / 100)
    for i, ticks, lots in (
        (0, most + 1, 1),
        (0, 0, 1),
        (0, -1, 1),
        (0, 1, 0),
        (0, 1, -1),
        (-1, 1, 1),
        (1, 1, 1),
    ):
        assert not is_writable(templates, i, ticks, lots)


@pytest.mark.parametrize("field", ["symbol", "market", "price_grid_e8", "quantity_grid_e8"])
def test_an_instrument_that_is_not_complete_has_no_text(field: str) -> None:
    rows = instrument()
    rows[field] = 0
    assert not is_writable(make_templates(rows, EPOCH), 0, 1, 1)


@pytest.mark.parametrize(
    ("grid", "decimals"), [("0.05", 1), ("0.00000001", 7), ("1", 9), ("1", -1)]
)
def test_a_grid_that_its_decimals_cannot_express(grid: str, decimals: int) -> None:
    with pytest.raises(ValueError, match="BTCUSDT"):
        make_templates(instrument(price=(grid, decimals)), EPOCH)


def test_a_symbol_with_a_control_character() -> None:
    with pytest.raises(ValueError, match="control"):
        make_templates(instrument("A\nB"), EPOCH)


@pytest.mark.parametrize("epoch", [-1, EPOCH_MAX + 1])
def test_an_epoch_out_of_range(epoch: int) -> None:
    with pytest.raises(ValueError, match="epoch"):
        make_templates(instrument(), epoch)


@settings(deadline=None, max_examples=100)
@given(KEYS, st.integers(0, EPOCH_MAX))
def test_ids_carry_the_key(key: int, epoch: int) -> None:
    own, cancel = client_id(epoch, key), client_id(epoch, key, "x")
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,36}", own) and len(own) == ID_BYTES
    assert key_of_client_id(as_bytes(own), epoch) == key
    assert key_of_cancel_id(as_bytes(cancel), epoch) == key
    assert key_of_client_id(as_bytes(cancel), epoch) == NO_KEY
    assert key_of_cancel_id(as_bytes(own), epoch) == NO_KEY
    assert key_of_client_id(as_bytes(own), epoch ^ 1) == NO_KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "autoclose-1723161255208000000",
        "lc-00c0ffee-000000001234-003",
        "lc-00c0ffee-000000001234-003f0",
        "lc-00c0ffee-00000000123g-003f",
        "lc-00c0ffee-00000000123/-003f",
        "lc-00C0FFEE-000000001234-003f",
        "lc-00c0ffee_000000001234-003f",
        "lc-00c0ffee-000000001234_003f",
        "lc_00c0ffee-000000001234-003f",
        "lc-00c0ffee-800000000000-003f",
        "xc-00c0ffee-000000001234-003f",
    ],
)
def test_ids_of_others(text: str) -> None:
    assert key_of_client_id(as_bytes(text), EPOCH) == NO_KEY
