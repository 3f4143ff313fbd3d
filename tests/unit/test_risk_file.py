"""A risk file before it meets an instrument: what is missing is told at once, line by line."""

from decimal import Decimal
from pathlib import Path

import pytest

from appliance.cold.errors import ApplianceError
from appliance.cold.risk_file import RiskFile
from appliance.cold.risk_keys import ACCOUNT_KEYS, INSTRUMENT_KEYS
from tests.strategies.risk_text import risk_text

WHOLE = risk_text(open_orders_max=60) + "[symbol.ETHUSDT]\nposition_max = 8\n"
NAMES = [key.name for key in INSTRUMENT_KEYS]
OF_BOTH = ("open_orders_max",)


def test_own_limits_come_before_the_default() -> None:
    file = RiskFile.parse(WHOLE)
    assert file.missing(["BTCUSDT", "ETHUSDT"]) == []
    assert file.of("BTCUSDT")["position_max"] == Decimal("0.5")
    assert file.of("ETHUSDT") == file.of("BTCUSDT") | {"position_max": Decimal(8)}


@pytest.mark.parametrize("key", [name for name in NAMES if name not in OF_BOTH])
def test_a_missing_limit_is_missing_for_each_symbol_without_it(key: str) -> None:
    text = "\n".join(
        line for line in WHOLE.splitlines() if not line.startswith(f"{key} =") or "= 8" in line
    )
    missing = RiskFile.parse(text, "r.toml").missing(["BTCUSDT", "ETHUSDT"])
    both = [f"r.toml: {symbol}: {key} is missing" for symbol in ("BTCUSDT", "ETHUSDT")]
    assert missing == (both[:1] if key == "position_max" else both)


def test_nothing_is_given() -> None:
    missing = RiskFile.parse("", "r.toml").missing(["BTCUSDT"])
    assert len(missing) == 2 + len(ACCOUNT_KEYS) + len(INSTRUMENT_KEYS)
    assert missing[0] == "r.toml: [account]: currency is missing"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ApplianceError, match=r"cannot read the risk file .*none\.toml: No such"):
        RiskFile.read(tmp_path / "none.toml")
