"""Configuration files of ``appliance run`` against a venue of ours."""

import json
import os
from pathlib import Path
from typing import Any, Final

from appliance.abi.market import Market
from tests.strategies.risk_text import risk_text

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
RISK: Final = risk_text(
    order_rate_max=90,
    open_orders_max=60,
    position_max=50,
    quantity_max=5,
    notional_max=1000000,
    collar_pct=5,
    reference_age_max_ms=1500,
    open_orders_side_max=30,
    open_notional_max=1000000,
)


# Of this pytest worker and what it starts: others leave its regions alone.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def run_name(port: int) -> str:
    """Of the run that trades on the venue at ``port``."""
    return f"e2e-{WORKER}-run-{port}"


def write_run(
    folder: Path,
    ready: dict[str, Any],
    market: Market,
    *,
    mode: str = "live",
    strategy: object = "market_maker",
    extra_ca: str = "",
    **session: int,
) -> Path:
    """``run.toml`` and ``risk.toml`` in ``folder``; ``ready`` is what the venue said."""
    name = market.name.lower()
    urls = ready[name]
    (folder / "risk.toml").write_text(RISK)
    lines = [
        f'mode = "{mode}"',
        *(["testnet = true"] if mode == "live" else []),
        f'market = "{name}"',
        f"symbols = {json.dumps(SYMBOLS)}",
        f'name = "{run_name(ready["port"])}"',
        "[strategy]",
        f'file = "{strategy}"',
        "[venue]",
        f'rest = "{urls["rest"]}"',
        f'streams = "{urls["streams"]}"',
        f'orders = "{urls["ws_api"]}"',
        *([f'extra_ca = "{extra_ca}"'] if extra_ca else []),
        "[risk]",
        'file = "risk.toml"',
        "[degrade]",
        "pass_ms = [60000, 70000]",  # whoever else has the machine at present
        "[journal]",
        'folder = "journal"',
        *(["[keys]", f'file = "{urls["keys"]["ed25519"]}"'] if mode == "live" else []),
        "[session]",
        *(f"{key} = {value}" for key, value in session.items()),
    ]
    path = folder / "run.toml"
    path.write_text("\n".join(lines) + "\n")
    return path
