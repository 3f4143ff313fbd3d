"""The risk limits of a run, in the units of its records: from a risk file, or for demonstration.

::

    [account]
    currency = "USDT"                # what every instrument is quoted in
    day_starts_at_utc = "00:00"      # the figures of the day begin anew
    order_rate_max = 100             # orders sent in any window, acknowledged or not
    order_rate_window_ms = 1000
    open_orders_max = 200
    message_rate_max = 200           # orders and cancels; cancels always pass, but they count
    message_rate_window_ms = 1000
    venue_rate_max = 40              # the venue's own limit of orders, less your margin
    venue_rate_window_ms = 10000
    venue_day_max = 120000
    gross_max = "200000"             # worst positions of all instruments, whatever their signs
    net_max = "100000"               # with their signs
    leverage_max = 3                 # gross to equity (USD-M)
    day_value_max = "5000000"        # traded today and open
    runaway_max = 200                # executions and rejects in any window
    runaway_window_ms = 10000
    messages_per_fill_max = 500      # today
    messages_per_fill_after = 1000   # once there were so many
    rejects_in_row_max = 5
    day_loss_max = "2000"            # halts
    drawdown_max = "3000"            # from the best profit of the run; halts
    guardian_age_max_ms = "off"      # since its heart beat last
    clock_offset_max_ms = 250        # of the venue's clock to ours, what is unsure of it included

    [default]                        # for each symbol that says nothing else
    position_max = "0.5"             # base asset; position and all open orders
    quantity_max = "0.1"             # of one order
    notional_max = "10000"           # quote asset, of one order
    collar_pct = "0.5"               # from the middle of the touch
    window_collar_pct = "5"          # from every middle of the last
    collar_window_ms = 60000
    open_orders_max = 50
    open_orders_side_max = 25
    open_notional_max = "50000"      # of all open orders together
    book_age_max_ms = 1500
    reference_age_max_ms = 1500
    event_age_max_ms = 2000          # by the venue's own clock
    order_types = ["GTC", "IOC", "POST_ONLY"]
    repeat_window_ms = 1             # the same order again: not sooner
    day_quantity_max = "50"          # traded today and open
    losses_in_row_max = 10           # round trips
    fee_pct = "0.1"                  # the most that a trade costs; profit is counted after it

    [symbol.BTCUSDT]                 # instead of the default's
    position_max = "0.2"

Every key must be given, and none may be zero: a limit that nobody set refuses every order. Some may
be "off" (risk_keys.py), and whoever starts the run is told which. A replay has no guardian and no
venue with a clock: there these two limits do not count. Numbers may be written as text.
What a limit does beyond refusing: abi/refusal.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.gate import EXPOSURE_LOTS_MAX
from appliance.abi.limits import ORDER_RATE_MAX, ORDERS_MAX
from appliance.abi.market import symbol_text
from appliance.abi.risk_limits import OFF, OFF_NAMES, ORDER_TYPES_ALL, PPM
from appliance.abi.units import E8, INT64_MAX, NS_PER_MS, NS_PER_S
from appliance.cold.errors import ApplianceError
from appliance.cold.risk_file import RiskFile
from appliance.cold.risk_keys import ACCOUNT_KEYS, INSTRUMENT_KEYS, ORDER_RATE_FIELDS
from appliance.hot.gate import Gate

Records = np.ndarray[Any, np.dtype[np.void]]

DEMO_POSITION_QUOTE: Final = 50_000
DEMO_ORDER_QUOTE: Final = 10_000
DEMO_COLLAR_PPM: Final = PPM // 100
DEMO_WINDOW_PPM: Final = PPM // 10
DEMO_WINDOW_NS: Final = 60 * NS_PER_S
DEMO_OPEN_ORDERS_MAX: Final = 50
DEMO_ORDER_RATE_MAX: Final = 100  # a second
DEMO_AGE_MAX_NS: Final = 3 * NS_PER_S // 2
DEMO_REPEAT_NS: Final = NS_PER_MS
DEMO_FEE_PPM: Final = PPM // 1000

# What nobody measures in a replay.
LIVE_FIELDS: Final = ("guardian_age_max_ns", "clock_offset_max_ns")

# All money of the account adds up within an int64: hot/valuation.py.
MONEY_MAX: Final = (1 << 60) - 1
# Of a paper account, which has no end of it.
PAPER_FUNDS_E8: Final = MONEY_MAX


@dataclass(frozen=True)
class RiskLimits:
    """Every limit of a run by its field in ACCOUNT_LIMITS and LIMITS. ``unused_symbols``: sections
    that no instrument matched; tell the user, because a misspelt one leaves its instrument on the
    default."""

    account: Mapping[str, int]
    instruments: tuple[Mapping[str, int], ...]
    day_starts_ns: int = 0
    currency: str = ""  # of the account; demonstration does without
    unused_symbols: tuple[str, ...] = ()
    symbols: tuple[str, ...] = field(default=(), compare=False)

    def write(self, gate: Gate) -> None:
        """Into the gate, with what turns its instruments' money into the account's. The trading
        state stays as it is. Cold, before the loop runs."""
        assert len(gate.limits) == len(self.instruments) and min(self.account.values()) > 0
        gate.account["day_starts_ns"] = self.day_starts_ns
        for name, value in self.account.items():
            gate.account_limits[name] = value
        for i, limits in enumerate(self.instruments):
            assert min(limits.values()) > 0
            for name, value in limits.items():
                gate.limits[name][i] = value
        for name in ORDER_RATE_FIELDS:
            gate.limits[name] = self.account[name]
        for i in range(len(gate.limits)):
            _write_value(gate.valuations[i], gate.instruments[i], len(gate.limits))

    def for_history(self) -> "RiskLimits":
        """Without the limits on what only a live run has: a guardian, and a venue with a clock."""
        return replace(self, account={**self.account, **dict.fromkeys(LIVE_FIELDS, OFF)})

    def off(self) -> list[str]:
        """What the user switched off, a line each."""
        account = [k.name for k in ACCOUNT_KEYS if _is_off(k.field, self.account[k.field])]
        lines = [f"the account's {name} is off" for name in account]
        for symbol, limits in zip(self.symbols, self.instruments, strict=False):
            own = [k.name for k in INSTRUMENT_KEYS if _is_off(k.field, limits[k.field])]
            lines += [f"{symbol}: {name} is off" for name in own]
        return lines


def give_paper_funds(gate: Gate) -> None:
    """No end of money, and of each base asset as much as a short position may be. Before the loop
    runs."""
    gate.account["funds_known"] = 1
    gate.account["funds_e8"] = PAPER_FUNDS_E8
    gate.valuations["base_owned_lots"] = gate.limits["position_max_lots"]


def _is_off(field_name: str, value: int) -> bool:
    return field_name in OFF_NAMES and value == OFF


def _write_value(value: Any, instrument: Any, instruments_n: int) -> None:
    """VALUATION: a tick of a lot in the account's money, times 10**8."""
    grid_e16 = int(instrument["price_grid_e8"]) * int(instrument["quantity_grid_e8"])
    common = gcd(grid_e16, E8)
    if grid_e16 < 1 or grid_e16 // common > MONEY_MAX:
        return  # zeros: the gate refuses every order of it
    value["value_multiple"] = grid_e16 // common
    value["value_divisor"] = E8 // common
    value["most_tick_lots"] = MONEY_MAX // instruments_n // (grid_e16 // common)


def load_limits(path: Path, instruments: Records) -> RiskLimits:
    """The limits of INSTRUMENT[n] from a risk file. ApplianceError with one line if it is wrong."""
    return limits_of(RiskFile.read(path), instruments)


def parse_limits(text: str, instruments: Records, where: str = "risk file") -> RiskLimits:
    """``load_limits`` of a text; ``where`` stands before each complaint."""
    return limits_of(RiskFile.parse(text, where), instruments)


def limits_of(file: RiskFile, instruments: Records) -> RiskLimits:
    """A risk file in the units of INSTRUMENT[n]. ApplianceError: a limit is missing, or no fit."""
    symbols = [symbol_text(words) for words in instruments["symbol"]]
    where = f"{file.where}: [account]"
    if not file.currency:
        raise ApplianceError(f"{where}: currency is missing")
    if file.day_starts_ns < 0:
        raise ApplianceError(f"{where}: day_starts_at_utc is missing")
    for symbol in symbols:
        if not symbol.endswith(file.currency):
            raise ApplianceError(
                f"{where}: {symbol} is not quoted in {file.currency}: money of two currencies"
                " cannot be added up, so they need a run each"
            )
    return RiskLimits(
        {key.field: key.convert(file.account, None, where) for key in ACCOUNT_KEYS},
        tuple(
            _instrument_limits(file, symbol, record)
            for symbol, record in zip(symbols, instruments, strict=True)
        ),
        file.day_starts_ns,
        file.currency,
        tuple(sorted(set(file.own) - set(symbols))),
        tuple(symbols),
    )


def _instrument_limits(file: RiskFile, symbol: str, record: Any) -> Mapping[str, int]:
    where = f"{file.where}: {symbol}"
    if int(record["price_grid_e8"]) < 1 or int(record["quantity_grid_e8"]) < 1:
        raise ApplianceError(f"{where}: its price and quantity grid are not known")
    section = file.of(symbol)
    return {key.field: key.convert(section, record, where) for key in INSTRUMENT_KEYS}


def demo_limits(instruments: Records, prices_ticks: Sequence[int]) -> RiskLimits:
    """Limits for replay and demo where no file is given, from each instrument's first price.

    Always at least what the venue's smallest order needs. Never for live trading; the caller says
    that they were used. ValueError for a price below one tick or a grid that is not known.
    """
    account = {key.field: OFF for key in ACCOUNT_KEYS} | {
        "order_rate_max": DEMO_ORDER_RATE_MAX,
        "order_rate_window_ns": NS_PER_S,
        "open_orders_max": min(ORDERS_MAX, DEMO_OPEN_ORDERS_MAX * max(1, len(instruments))),
        "message_rate_max": ORDER_RATE_MAX,
        "message_rate_window_ns": NS_PER_S,
        "venue_rate_window_ns": NS_PER_S,
        "runaway_window_ns": NS_PER_S,
    }
    return RiskLimits(
        account,
        tuple(
            _demo_instrument(record, int(price_ticks))
            for record, price_ticks in zip(instruments, prices_ticks, strict=True)
        ),
    )


def _demo_instrument(record: Any, price_ticks: int) -> Mapping[str, int]:
    grid_e16 = int(record["price_grid_e8"]) * int(record["quantity_grid_e8"])
    if price_ticks < 1 or grid_e16 < 1:
        raise ValueError(f"no limits from a price of {price_ticks} ticks, a grid of {grid_e16}e-16")
    tick_lots_max = DEMO_ORDER_QUOTE * E8 * E8 // grid_e16
    # What the venue's smallest order takes, twice over, so that a falling price leaves room.
    notional_lots = -(-int(record["notional_min_tick_lots"]) // price_ticks)
    least_lots = max(1, int(record["quantity_min_lots"]), 2 * notional_lots)
    step_lots = max(1, int(record["quantity_step_lots"]))
    least_lots = -(-least_lots // step_lots) * step_lots
    order_lots = max(least_lots, tick_lots_max // price_ticks)
    position_lots = order_lots * DEMO_POSITION_QUOTE // DEMO_ORDER_QUOTE
    notional_max_tick_lots = min(max(tick_lots_max, 2 * least_lots * price_ticks), INT64_MAX)
    # Both sides at the greatest position.
    open_tick_lots = 2 * notional_max_tick_lots * DEMO_POSITION_QUOTE // DEMO_ORDER_QUOTE
    return {
        "position_max_lots": min(position_lots, EXPOSURE_LOTS_MAX),
        "quantity_max_lots": min(order_lots, EXPOSURE_LOTS_MAX),
        "notional_max_tick_lots": notional_max_tick_lots,
        "collar_ppm": DEMO_COLLAR_PPM,
        "open_orders_max": DEMO_OPEN_ORDERS_MAX,
        "book_age_max_ns": DEMO_AGE_MAX_NS,
        "reference_age_max_ns": DEMO_AGE_MAX_NS,
        "order_types": ORDER_TYPES_ALL,
        "open_orders_side_max": DEMO_OPEN_ORDERS_MAX,
        "open_notional_max_tick_lots": min(open_tick_lots, INT64_MAX),
        "repeat_window_ns": DEMO_REPEAT_NS,
        "window_collar_ppm": DEMO_WINDOW_PPM,
        "collar_window_ns": DEMO_WINDOW_NS,
        "event_age_max_ns": OFF,  # of a recording, nobody knows what its clocks told
        "day_quantity_max_lots": OFF,
        "losses_in_row_max": OFF,
        "fee_ppm": DEMO_FEE_PPM,
    }
