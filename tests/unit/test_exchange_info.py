"""Grids and filters from exchangeInfo."""

import copy
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.abi.units import UNSET
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import (
    decimal_e8,
    decimals_of,
    load_exchange_info,
    parse_exchange_info,
)

SPOT: dict[str, Any] = {
    "timezone": "UTC",
    "symbols": [
        {
            "symbol": "ETHBTC",
            "status": "TRADING",
            "quoteAssetPrecision": 8,
            "isSpotTradingAllowed": True,
            "filters": [
                {
                    "filterType": "PRICE_FILTER",
                    "minPrice": "0.00000100",
                    "maxPrice": "922327.00000000",
                    "tickSize": "0.00000100",
                },
                {
                    "filterType": "LOT_SIZE",
                    "minQty": "0.00010000",
                    "maxQty": "100000.00000000",
                    "stepSize": "0.00010000",
                },
                {"filterType": "MIN_NOTIONAL", "minNotional": "0.00010000"},
                {"filterType": "NEW_IN_2030", "limit": 10},
            ],
        }
    ],
}
USDM: dict[str, Any] = {
    "futuresType": "U_MARGINED",
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "contractType": "PERPETUAL",
            "marginAsset": "USDT",
            "pricePrecision": 2,
            "baseAssetPrecision": 8,
            "filters": [
                {
                    "minPrice": "556.80",
                    "maxPrice": "4529764",
                    "filterType": "PRICE_FILTER",
                    "tickSize": "0.10",
                },
                {
                    "stepSize": "0.001",
                    "filterType": "LOT_SIZE",
                    "maxQty": "1000",
                    "minQty": "0.001",
                },
                {"notional": "100", "filterType": "MIN_NOTIONAL"},
            ],
        }
    ],
}


def changed(document: dict[str, Any], number: int, **values: object) -> dict[str, Any]:
    """The document with other values in filter ``number`` of its first symbol."""
    new = copy.deepcopy(document)
    new["symbols"][0]["filters"][number] |= values
    return new


def test_spot() -> None:
    info = parse_exchange_info(SPOT)
    rules = info.rules["ETHBTC"]
    assert info.market == rules.market == Market.SPOT
    assert rules.tradable
    assert (rules.price_grid_e8, rules.price_decimals) == (100, 6)
    assert (rules.quantity_grid_e8, rules.quantity_decimals) == (10_000, 4)
    assert (rules.price_min_e8, rules.price_max_e8) == (100, 92_232_700_000_000)
    assert (rules.quantity_min_e8, rules.quantity_max_e8) == (10_000, 10_000_000_000_000)
    assert rules.notional_min_e8 == 10_000
    assert info.unused_filters == ("NEW_IN_2030",)
    assert not info.refused


def test_usdm_decimals_come_from_the_tick() -> None:
    rules = parse_exchange_info(USDM).rules["BTCUSDT"]
    assert rules.market == Market.USDM
    assert (rules.price_grid_e8, rules.price_decimals) == (10_000_000, 1)  # pricePrecision says 2
    assert (rules.quantity_grid_e8, rules.quantity_decimals) == (100_000, 3)
    assert rules.notional_min_e8 == 100 * 10**8


def test_zero_disables() -> None:
    price = changed(SPOT, 0, tickSize="0.00000000", minPrice="0", maxPrice="0.0")
    rules = parse_exchange_info(price).rules["ETHBTC"]
    assert (rules.price_grid_e8, rules.price_decimals) == (1, 8)
    assert rules.price_min_e8 == rules.price_max_e8 == UNSET


def test_the_stricter_notional_counts() -> None:
    document = copy.deepcopy(SPOT)
    document["symbols"][0]["filters"].append({"filterType": "NOTIONAL", "minNotional": "5.0"})
    assert parse_exchange_info(document).rules["ETHBTC"].notional_min_e8 == 5 * 10**8
    del document["symbols"][0]["filters"][2:]
    assert parse_exchange_info(document).rules["ETHBTC"].notional_min_e8 == UNSET


def test_what_may_not_be_traded() -> None:
    for key, value in (
        ("status", "BREAK"),
        ("status", None),
        ("isSpotTradingAllowed", False),
        ("filters", []),
        ("filters", None),
    ):
        document = copy.deepcopy(SPOT)
        document["symbols"][0][key] = value
        assert not parse_exchange_info(document).rules["ETHBTC"].tradable


@pytest.mark.parametrize(
    ("number", "values", "says"),
    [
        (0, {"tickSize": "0.000000001"}, "finer than 8"),
        (0, {"tickSize": 0.01}, "not a decimal"),
        (0, {"tickSize": "-0.1"}, "not a decimal"),
        (0, {"tickSize": "1e-4"}, "not a decimal"),
        (0, {"maxPrice": "9" * 12}, "too large"),
        (1, {"stepSize": "٠.١"}, "not a decimal"),
        (1, {"stepSize": ""}, "not a decimal"),
    ],
)
def test_a_symbol_that_does_not_fit_is_refused_alone(
    number: int, values: dict[str, object], says: str
) -> None:
    document = changed(SPOT, number, **values)
    good = copy.deepcopy(SPOT["symbols"][0]) | {"symbol": "LTCBTC"}
    document["symbols"] += [good, {"status": "TRADING"}, 7, good | {"symbol": "X" * 33}]
    info = parse_exchange_info(document)
    assert list(info.rules) == ["LTCBTC"]
    assert says in info.refused["ETHBTC"]
    assert set(info.refused) == {"ETHBTC", "?", "X" * 33}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"futuresType": "COIN_MARGINED", "symbols": [{}]}, "neither spot nor USD-M"),
        ({"symbols": [{"symbol": "A", "contractSize": 100}]}, "neither spot nor USD-M"),
        ({"symbols": [{"symbol": "A"}]}, "neither spot nor USD-M"),
        ({"symbols": []}, "neither spot nor USD-M"),
        ({"futuresType": "U_MARGINED", "symbols": []}, "no usable symbol"),
    ],
)
def test_documents_that_are_refused(document: dict[str, Any], says: str) -> None:
    with pytest.raises(ApplianceError, match=says):
        parse_exchange_info(document)


def test_files(tmp_path: Path) -> None:
    text = json.dumps(SPOT).encode()
    line = b"https://h/exchangeInfo -> 1633998511.132921: " + text + b"\nconfiguration: {}\n"
    pretty = json.dumps(SPOT, indent=2).encode()
    want = parse_exchange_info(SPOT)
    for data in (text, text + b"\n\n", line, pretty, gzip.compress(text), gzip.compress(line)):
        path = tmp_path / "info"
        path.write_bytes(data)
        assert load_exchange_info(path) == want


@pytest.mark.parametrize("data", [b"{}", b"[1]", b"hello\n", b'{"symbols":[', b'{"symbols":7}'])
def test_files_that_hold_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "info"
    path.write_bytes(data)
    with pytest.raises(ApplianceError, match="holds no"):
        load_exchange_info(path)
    path.write_bytes(gzip.compress(json.dumps(SPOT).encode())[:-40])
    with pytest.raises(ApplianceError, match="holds no whole exchangeInfo"):
        load_exchange_info(path)


@settings(deadline=None, max_examples=200)
@given(st.decimals(0, 10**10, places=8, allow_nan=False))
def test_decimals_are_exact(value: Decimal) -> None:
    assert decimal_e8(f"{value:f}") == int(value * 10**8)


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 10**12))
def test_decimals_of_is_just_enough(grid_e8: int) -> None:
    decimals = decimals_of(grid_e8)
    assert grid_e8 % 10 ** (8 - decimals) == 0
    assert decimals == 0 or grid_e8 % 10 ** (9 - decimals) != 0
