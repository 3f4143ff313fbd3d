"""The risk file: exact integers, or one clear line."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.gate import GATE_ACCOUNT
from appliance.abi.layout import records
from appliance.abi.limits import ORDER_RATE_MAX, ORDERS_MAX
from appliance.abi.trading import LIMITS
from appliance.abi.trading_state import TradingState
from appliance.abi.units import E8, UNSET
from appliance.cold.errors import ApplianceError
from appliance.cold.limits import (
    AccountLimits,
    InstrumentLimits,
    load_limits,
    parse_limits,
)
from tests.strategies.instruments import BTCUSDT, instruments

ACCOUNT = """
[account]
order_rate_max = 100
order_rate_window_ms = 1000
open_orders_max = 200
"""
DEFAULT = """
[default]
position_max = "0.5"
quantity_max = 0.1
notional_max = 10000
collar_pct = 0.5
open_orders_max = 50
book_age_max_ms = 1500
reference_age_max_ms = "0.25"
order_types = ["GTC", "IOC", "POST_ONLY"]
open_orders_side_max = 25
open_notional_max = 50000
repeat_window_ms = 1
"""
KEYS = sorted(set(re.findall(r"^\w+", ACCOUNT + DEFAULT, re.MULTILINE)))
NUMBERS = [key for key in KEYS if key != "order_types"]


def complaint(text: str, made=BTCUSDT) -> str:
    """The one line that a wrong file gets."""
    with pytest.raises(ApplianceError) as caught:
        parse_limits(text, made, "risk.toml")
    line = str(caught.value)
    assert line.startswith("risk.toml: ") and "\n" not in line and len(line) < 300
    return line


def test_human_units_become_integers_of_the_grid() -> None:
    limits = parse_limits(ACCOUNT + DEFAULT, BTCUSDT)
    assert limits.account == AccountLimits(100, 1_000_000_000, 200)
    assert limits.instruments == (
        InstrumentLimits(
            position_max_lots=50_000,
            quantity_max_lots=10_000,
            notional_max_tick_lots=100_000_000_000,
            collar_ppm=5_000,
            open_orders_max=50,
            book_age_max_ns=1_500_000_000,
            reference_age_max_ns=250_000,
            order_types=0b111,
            open_orders_side_max=25,
            open_notional_max_tick_lots=500_000_000_000,
            repeat_window_ns=1_000_000,
        ),
    )
    assert limits.unused_symbols == ()


def test_a_symbol_overrides_the_default_key_by_key() -> None:
    made = instruments(("BTCUSDT", 1_000_000, 1_000), ("ETHUSDT", 1_000_000, 10_000))
    own = '[symbol.ETHUSDT]\nposition_max = 8\n[symbol.DOGEUSDT]\ncollar_pct = "2"\n'
    limits = parse_limits(ACCOUNT + DEFAULT + own, made)
    btc, eth = limits.instruments
    assert (btc.position_max_lots, btc.quantity_max_lots) == (50_000, 10_000)
    assert (eth.position_max_lots, eth.quantity_max_lots) == (80_000, 1_000)
    assert limits.unused_symbols == ("DOGEUSDT",)


def test_a_file_without_default_but_with_every_symbol() -> None:
    own = DEFAULT.replace("[default]", "[symbol.BTCUSDT]")
    assert parse_limits(ACCOUNT + own, BTCUSDT) == parse_limits(ACCOUNT + DEFAULT, BTCUSDT)


def test_symbols_that_are_not_ascii() -> None:
    made = instruments(("币安人生USDT", 1_000_000, 1_000))
    own = DEFAULT.replace("[default]", '[symbol."币安人生USDT"]')
    assert parse_limits(ACCOUNT + own, made).instruments[0].position_max_lots == 50_000


def test_writing_fills_every_field_and_leaves_the_state() -> None:
    account, limits = records(1, GATE_ACCOUNT), records(1, LIMITS)
    for name in LIMITS.names:
        limits[name] = UNSET
    risk = parse_limits(ACCOUNT + DEFAULT, BTCUSDT)
    risk.write(account, limits)
    assert all(limits[name][0] > 0 for name in LIMITS.names)
    assert limits[0].order_rate_max == account[0].order_rate_max == 100
    assert limits[0].order_rate_window_ns == account[0].order_rate_window_ns == 10**9
    for field in fields(InstrumentLimits):
        assert limits[field.name][0] == getattr(risk.instruments[0], field.name)
    assert account[0].open_orders_max == 200
    assert account[0].trading_state == TradingState.HALTED


@pytest.mark.parametrize("key", KEYS)
def test_each_key_missing(key: str) -> None:
    lines = (ACCOUNT + DEFAULT).splitlines()
    text = "\n".join(line for line in lines if not line.startswith(f"{key} ="))
    assert f"{key} is missing" in complaint(text)


@pytest.mark.parametrize("value", ["true", "[1]", "{a = 1}", "2026-11-01", "inf", "-inf", "nan"])
@pytest.mark.parametrize("key", NUMBERS)
def test_each_key_of_a_wrong_type(key: str, value: str) -> None:
    assert "is not a decimal number" in complaint(changed(key, value))


@pytest.mark.parametrize(
    "value", ['"1e3"', '"-1"', '"+1"', '""', '" 1"', '"1,5"', '"1_0"', '"٣"', '"0x10"', "''"]
)
def test_strings_that_are_not_plain_decimals(value: str) -> None:
    assert "is not a decimal number" in complaint(changed("position_max", value))


@pytest.mark.parametrize("value", ["0", "0.0", "-0.0", "-1", "-0.5", '"0"', '"0.000"'])
@pytest.mark.parametrize("key", NUMBERS)
def test_each_key_zero_or_negative(key: str, value: str) -> None:
    assert "must be greater than zero" in complaint(changed(key, value))


@pytest.mark.parametrize(
    "value",
    [
        *('"GTC"', "7", "[]", '["GTX"]', '["gtc"]', '["GTC", "GTC"]', "[0]", "[[]]", "{}", "true"),
        '["GTC", 1]',
    ],
)
def test_order_types_that_do_not_exist(value: str) -> None:
    said = complaint(changed("order_types", value))
    assert "order_types" in said and "is not a list of some of: GTC, IOC, POST_ONLY" in said


@pytest.mark.parametrize(
    ("value", "expected"), [('["GTC"]', 1), ('["IOC"]', 2), ('["POST_ONLY", "GTC"]', 5)]
)
def test_order_types_by_name(value: str, expected: int) -> None:
    limits = parse_limits(changed("order_types", value), BTCUSDT)
    assert limits.instruments[0].order_types == expected


def changed(key: str, value: str) -> str:
    """The file with the first ``key`` set to ``value``."""
    lines = (ACCOUNT + DEFAULT).splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"{key} ="))
    lines[at] = f"{key} = {value}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("position_max", "0.000015", "is not a multiple of 0.00001"),
        ("position_max", '"0.000001"', "is not a multiple of 0.00001"),
        ("quantity_max", "0.100001", "is not a multiple of 0.00001"),
        ("notional_max", "0.00000009", "is below a tick of a lot, 0.0000001"),
        ("collar_pct", "0.00005", "is not a multiple of 0.0001"),
        ("collar_pct", "100.0001", "is too large: 100 at most"),
        ("open_orders_max", "1.5", "is not a multiple of 1"),
        ("open_orders_max", str(ORDERS_MAX + 1), f"is too large: {ORDERS_MAX} at most"),
        ("order_rate_max", str(ORDER_RATE_MAX + 1), f"is too large: {ORDER_RATE_MAX} at most"),
        ("order_rate_max", "99.5", "is not a multiple of 1"),
        ("order_rate_window_ms", "0.0000001", "is not a multiple of 0.000001"),
        ("book_age_max_ms", "1e18", "is too large"),
        ("position_max", "1e30", "is too large"),
        ("notional_max", "1e30", "is too large"),
        ("notional_max", "1e999999", "is out of range"),
        ("notional_max", "1e-999999", "is out of range"),
        ("notional_max", "1" * 200, "is out of range"),
        ("notional_max", "0x" + "f" * 9_000, "is out of range"),
        ("notional_max", "1" * 9_000, "not TOML"),
        ("notional_max", "1e99999999999999999999", "is not a decimal number"),
    ],
)
def test_off_the_grid_or_out_of_range(key: str, value: str, said: str) -> None:
    assert said in complaint(changed(key, value))


def test_the_largest_values_that_are_allowed() -> None:
    for key, value in (
        ("collar_pct", "100"),
        ("order_rate_max", str(ORDER_RATE_MAX)),
        ("open_orders_max", str(ORDERS_MAX)),
        ("notional_max", "922337203685.4775807"),
    ):
        assert parse_limits(changed(key, value), BTCUSDT)
    assert "too large" in complaint(changed("notional_max", "922337203685.4775808"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[acount]\n", "unknown section acount"),
        ("position_max = 1\n", "unknown section position_max"),
        (ACCOUNT + "order_rate = 5\n", "[account]: unknown key order_rate"),
        (ACCOUNT + DEFAULT + "position_min = 1\n", "[default]: unknown key position_min"),
        (ACCOUNT + "[symbol.BTCUSDT]\norder_rate_max = 5\n", "[symbol.BTCUSDT]: unknown key"),
        (ACCOUNT + DEFAULT + "[symbol.OTHER]\nfoo = 5\n", "[symbol.OTHER]: unknown key foo"),
        (ACCOUNT + DEFAULT + "[symbol.OTHER]\ncollar_pct = 'x'\n", "[symbol.OTHER] collar_pct"),
        (ACCOUNT + '[symbol."a\\nb"]\nfoo = 5\n', "unknown key foo"),
        ('["a\\nb"]\n', "unknown section"),
        ("account = 5\n", "account must be a section"),
        ("default = [1]\n", "default must be a section"),
        ("[[symbol]]\n", "symbol must be a section"),
        ("[symbol]\nBTCUSDT = 5\n", "symbol.BTCUSDT must be a section"),
        ("", "order_rate_max is missing"),
        (ACCOUNT, "BTCUSDT: position_max is missing"),
        ("[account\n", "not TOML"),
        ("[account]\n[account]\n", "not TOML"),
        ("x = " + "[" * 5_000, "not TOML"),
    ],
)
def test_wrong_files(text: str, said: str) -> None:
    assert said in complaint(text)


def test_an_instrument_whose_grid_is_not_known() -> None:
    for grids in ((0, 1_000), (1_000, 0), (UNSET, UNSET)):
        said = complaint(ACCOUNT + DEFAULT, instruments(("BTCUSDT", *grids)))
        assert "BTCUSDT: its price and quantity grid are not known" in said


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# \xff\n")
    for name in ("absent.toml", "latin.toml", ""):
        with pytest.raises(ApplianceError, match="cannot read the risk file"):
            load_limits(tmp_path / name, BTCUSDT)
    (tmp_path / "good.toml").write_text(ACCOUNT + DEFAULT)
    assert load_limits(tmp_path / "good.toml", BTCUSDT).account.open_orders_max == 200


@given(st.integers(1, 10**12), st.sampled_from([1, 10, 1_000, 10**8, 3, 25_000, 10**9]))
def test_any_quantity_on_the_grid_is_exact(lots: int, grid_e8: int) -> None:
    whole, rest = divmod(lots * grid_e8, E8)
    made = instruments(("BTCUSDT", 1_000_000, grid_e8))
    grid = f"quantity_max = {grid_e8 // E8}.{grid_e8 % E8:08}"
    text = changed("position_max", f"{whole}.{rest:08}").replace("quantity_max = 0.1", grid)
    got = parse_limits(text, made).instruments[0]
    assert (got.position_max_lots, got.quantity_max_lots) == (lots, 1)


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_line(text: str) -> None:
    complaint(text)
