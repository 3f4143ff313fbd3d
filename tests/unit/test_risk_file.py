"""A risk file before it meets an instrument: what is missing is told at once, line by line."""

from decimal import Decimal
from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.risk_file import ACCOUNT_KEYS, INSTRUMENT_KEYS, RiskFile

WHOLE = """
[account]
order_rate_max = 90
order_rate_window_ms = 1000
open_orders_max = 60
[default]
position_max = "0.5"
quantity_max = 0.1
notional_max = "10000"
collar_pct = 1
open_orders_max = 50
book_age_max_ms = 1500
reference_age_max_ms = 1500
order_types = ["GTC", "IOC", "POST_ONLY"]
open_orders_side_max = 50
open_notional_max = "1000000"
repeat_window_ms = 1
[symbol.ETHUSDT]
position_max = 8
"""


def test_own_limits_come_before_the_default() -> None:
    file = RiskFile.parse(WHOLE)
    assert file.missing(["BTCUSDT", "ETHUSDT"]) == []
    assert file.of("BTCUSDT")["position_max"] == Decimal("0.5")
    assert file.of("ETHUSDT") == file.of("BTCUSDT") | {"position_max": Decimal(8)}


@pytest.mark.parametrize("key", INSTRUMENT_KEYS)
def test_a_missing_limit_is_missing_for_each_symbol_without_it(key: str) -> None:
    text = "\n".join(
        line
        for line in WHOLE.splitlines()
        if not line.startswith(key) or "= 8" in line or "= 60" in line
    )
    missing = RiskFile.parse(text, "r.toml").missing(["BTCUSDT", "ETHUSDT"])
    both = [f"r.toml: {symbol}: {key} is missing" for symbol in ("BTCUSDT", "ETHUSDT")]
    assert missing == (both[:1] if key == "position_max" else both)


def test_nothing_is_given() -> None:
    missing = RiskFile.parse("", "r.toml").missing(["BTCUSDT"])
    assert len(missing) == len(ACCOUNT_KEYS) + len(INSTRUMENT_KEYS)
    assert missing[0] == "r.toml: [account]: order_rate_max is missing"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match=r"cannot read the risk file .*none\.toml: No such"):
        RiskFile.read(tmp_path / "none.toml")
