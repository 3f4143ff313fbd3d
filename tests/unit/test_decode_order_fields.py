"""Quantities and quote amounts of orders, exactly or not at all."""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT
from appliance.hot.decode.order_fields import (
    KEY_ALL_VALUE,
    KEY_SYMBOL,
    instrument_at,
    units_in,
    value_in,
)
from appliance.hot.decode.scan import GIVE_UP
from appliance.hot.decode.spans import find_values, make_spans
from appliance.hot.decode.symbols import add_symbol, make_symbols
from tests.unit.test_decode_spans import as_text

SPANS = make_spans()
MAX = 2**63 - 1
DECIMALS = st.builds(
    lambda whole, fraction, n: f"{whole}.{fraction:0{n}d}"[: len(str(whole)) + 1 + n],
    st.integers(0, 10**12),
    st.integers(0, 10**8 - 1),
    st.integers(1, 10),
)


def spread(document: object):
    message = json.dumps(document).encode()
    text = as_text(message)
    assert find_values(text, 0, len(message), SPANS) >= 0
    return text


@given(
    DECIMALS,
    st.sampled_from([0, 1, 3, 10, 1_000_000, 100_000_000]),
    st.sampled_from([0, 1, 7, 1_000, 10_000_000, 10**15]),
)
def test_a_quote_amount_in_tick_lots(amount: str, price_e8: int, quantity_e8: int) -> None:
    instrument = records(1, INSTRUMENT)
    instrument[0].price_grid_e8, instrument[0].quantity_grid_e8 = price_e8, quantity_e8
    said = int(value_in(spread({"Z": amount}), SPANS, KEY_ALL_VALUE, instrument[0]))
    if price_e8 * quantity_e8 == 0:
        assert said == GIVE_UP
        return
    exact = Fraction(amount) * 10**16 / (price_e8 * quantity_e8)
    if said >= 0:
        assert said == exact
    elif exact.denominator == 1 and exact < MAX // 4:
        # given up: finer than 10**-8, or an odd grid below it
        fine = Fraction(amount) * 10**8
        odd = price_e8 * quantity_e8 % 10**8 != 0 and 10**8 % (price_e8 * quantity_e8) != 0
        assert odd or fine.denominator != 1 or price_e8 * quantity_e8 >= 10**18


@pytest.mark.parametrize(
    ("text", "units"),
    [
        *[("0.3", 3), ("0", 0), ("12345678901.1", 123456789011), ("0.05", GIVE_UP)],
        *[("-0.1", GIVE_UP), ("", GIVE_UP), ("1e1", GIVE_UP), ("0.3 ", GIVE_UP), (3, GIVE_UP)],
    ],
)
def test_units(text: object, units: int) -> None:
    assert units_in(spread({"Z": text}), SPANS, KEY_ALL_VALUE, 10_000_000) == units


def test_the_symbol_itself_and_nothing_else() -> None:
    symbols = make_symbols()
    add_symbol(symbols, "BTCUSDT", 3)
    for name, i in {"BTCUSDT": 3, "btcusdt": -1, "BTCUSD": -1, "": -1, "X" * 60: -1}.items():
        assert instrument_at(spread({"s": name}), SPANS, KEY_SYMBOL, symbols) == i
    assert instrument_at(spread({"s": 5}), SPANS, KEY_SYMBOL, symbols) == -1
    assert instrument_at(spread({}), SPANS, KEY_SYMBOL, symbols) == -1
