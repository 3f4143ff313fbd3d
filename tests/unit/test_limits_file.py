"""The risk file: exact integers, or one clear line."""

import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.limits import ORDER_RATE_MAX, ORDERS_MAX
from appliance.abi.risk_limits import OFF
from appliance.abi.units import E8, UNSET
from appliance.cold import limits
from appliance.cold.errors import ApplianceError
from appliance.cold.limits import (
    load_limits,
    parse_limits,
)
from appliance.cold.risk_keys import ACCOUNT_KEYS, INSTRUMENT_KEYS
from tests.strategies.instruments import BTCUSDT, instruments
from tests.strategies.risk_text import ACCOUNT, DEFAULT

KEYS = sorted(set(re.findall(r"^\w+", ACCOUNT + DEFAULT, re.MULTILINE)))
TEXTS = ("order_types", "currency", "day_starts_at_utc")
NUMBERS = [key for key in KEYS if key not in TEXTS]


def complaint(text: str, made=BTCUSDT) -> str:
    """The one line that a wrong file gets."""
    with pytest.raises(ApplianceError) as caught:
        parse_limits(text, made, "risk.toml")
    line = str(caught.value)
    assert line.startswith("risk.toml: ") and "\n" not in line and len(line) < 400
    return line


def test_human_units_become_integers_of_the_grid() -> None:
    text = changed("fee_pct", '"0.075"').replace('day_loss_max = "1000000"', "day_loss_max = 250.5")
    limits = parse_limits(text.replace("00:00", "17:30"), BTCUSDT)
    assert limits.account == {
        "order_rate_max": 100,
        "order_rate_window_ns": 1_000_000_000,
        "open_orders_max": 200,
        "message_rate_max": 1000,
        "message_rate_window_ns": 1_000_000_000,
        "venue_rate_max": 1000,
        "venue_rate_window_ns": 1_000_000_000,
        "venue_day_max": OFF,
        "gross_max_e8": 10**16,
        "net_max_e8": 10**16,
        "leverage_max_pct": 2000,
        "day_value_max_e8": OFF,
        "runaway_max": OFF,
        "runaway_window_ns": 1_000_000_000,
        "messages_per_fill_max": OFF,
        "messages_per_fill_after_n": 1000,
        "rejects_in_row_max": OFF,
        "day_loss_max_e8": 25_050_000_000,
        "drawdown_max_e8": 10**14,
        "guardian_age_max_ns": OFF,
        "clock_offset_max_ns": OFF,
    }
    assert limits.instruments == (
        {
            "position_max_lots": 50_000,
            "quantity_max_lots": 10_000,
            "notional_max_tick_lots": 100_000_000_000,
            "collar_ppm": 5_000,
            "open_orders_max": 50,
            "book_age_max_ns": 1_500_000_000,
            "reference_age_max_ns": 250_000,
            "order_types": 0b111,
            "open_orders_side_max": 25,
            "open_notional_max_tick_lots": 500_000_000_000,
            "repeat_window_ns": 1_000_000,
            "window_collar_ppm": 500_000,
            "collar_window_ns": 60_000_000_000,
            "event_age_max_ns": OFF,
            "day_quantity_max_lots": OFF,
            "losses_in_row_max": OFF,
            "fee_ppm": 750,
        },
    )
    assert limits.day_starts_ns == (17 * 60 + 30) * 60 * 10**9
    assert limits.unused_symbols == ()


def test_the_example_of_the_documentation_is_a_whole_file() -> None:
    text = (limits.__doc__ or "").split("::\n", 1)[1].split("\nEvery key must", 1)[0]
    got = parse_limits(textwrap.dedent(text), BTCUSDT)
    assert got.instruments[0]["position_max_lots"] == 20_000, "its own, not the default's"
    assert got.off() == ["the account's guardian_age_max_ms is off"]


def test_what_is_off_is_told() -> None:
    lines = parse_limits(ACCOUNT + DEFAULT, BTCUSDT).off()
    assert "the account's guardian_age_max_ms is off" in lines
    assert "BTCUSDT: day_quantity_max is off" in lines
    assert len(lines) == 7 + 3


def test_what_may_be_off_and_what_may_not() -> None:
    for key in (*ACCOUNT_KEYS, *INSTRUMENT_KEYS):
        if key.name == "order_types":
            continue
        text = changed(key.name, '"off"')
        if key.may_be_off:
            assert parse_limits(text, BTCUSDT)
        else:
            assert "cannot be off" in complaint(text)


@pytest.mark.parametrize("value", ["5", '"usdt"', '""', '"US DT"', '"EUR"', "[]"])
def test_a_currency_that_is_none_or_another(value: str) -> None:
    said = complaint(changed("currency", value))
    assert "is no name of an asset" in said or "BTCUSDT is not quoted in EUR" in said


@pytest.mark.parametrize("value", ['"24:00"', '"0:00"', '"12:60"', "12", '"12:00:00"', "12:00:00"])
def test_a_time_of_day_that_is_none(value: str) -> None:
    assert "is no time as" in complaint(changed("day_starts_at_utc", value))


def test_a_symbol_overrides_the_default_key_by_key() -> None:
    made = instruments(("BTCUSDT", 1_000_000, 1_000), ("ETHUSDT", 1_000_000, 10_000))
    own = '[symbol.ETHUSDT]\nposition_max = 8\n[symbol.DOGEUSDT]\ncollar_pct = "2"\n'
    limits = parse_limits(ACCOUNT + DEFAULT + own, made)
    btc, eth = limits.instruments
    assert (btc["position_max_lots"], btc["quantity_max_lots"]) == (50_000, 10_000)
    assert (eth["position_max_lots"], eth["quantity_max_lots"]) == (80_000, 1_000)
    assert limits.unused_symbols == ("DOGEUSDT",)


def test_a_file_without_default_but_with_every_symbol() -> None:
    own = DEFAULT.replace("[default]", "[symbol.BTCUSDT]")
    assert parse_limits(ACCOUNT + own, BTCUSDT) == parse_limits(ACCOUNT + DEFAULT, BTCUSDT)


def test_symbols_that_are_not_ascii() -> None:
    made = instruments(("币安人生USDT", 1_000_000, 1_000))
    own = DEFAULT.replace("[default]", '[symbol."币安人生USDT"]')
    assert parse_limits(ACCOUNT + own, made).instruments[0]["position_max_lots"] == 50_000


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
    assert limits.instruments[0]["order_types"] == expected


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
        ("notional_max", "0.00000009", "is below the least: 0.0000001"),
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
        (
            ACCOUNT + "order_rate = 5\n",
            "[account]: unknown key order_rate (did you mean order_rate_max?)",
        ),
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
        ("", "currency is missing"),
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
    assert load_limits(tmp_path / "good.toml", BTCUSDT).account["open_orders_max"] == 200


@given(st.integers(1, 10**12), st.sampled_from([1, 10, 1_000, 10**8, 3, 25_000, 10**9]))
def test_any_quantity_on_the_grid_is_exact(lots: int, grid_e8: int) -> None:
    whole, rest = divmod(lots * grid_e8, E8)
    made = instruments(("BTCUSDT", 1_000_000, grid_e8))
    grid = f"quantity_max = {grid_e8 // E8}.{grid_e8 % E8:08}"
    text = changed("position_max", f"{whole}.{rest:08}").replace("quantity_max = 0.1", grid)
    got = parse_limits(text, made).instruments[0]
    assert (got["position_max_lots"], got["quantity_max_lots"]) == (lots, 1)


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_line(text: str) -> None:
    complaint(text)
