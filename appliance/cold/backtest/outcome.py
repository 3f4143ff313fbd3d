"""What a backtest leaves: its figures, and the series that they were made of."""

from dataclasses import dataclass
from typing import Any

from appliance.cold.backtest.engine import Noted
from appliance.cold.backtest.ledger import Ledger
from appliance.cold.instrument_table import Instruments


@dataclass(frozen=True)
class Outcome:
    """Of one run. ``result``: plain values, as in the JSON document."""

    instruments: Instruments
    noted: Noted
    ledger: Ledger
    result: dict[str, Any]
