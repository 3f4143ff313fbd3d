"""The risk file: limits in human units, turned into integers of each instrument's grid.

::

    [account]
    order_rate_max = 100
    order_rate_window_ms = 1000
    open_orders_max = 200

    [default]                      # for every instrument, unless its own section says otherwise
    position_max = "0.5"           # base quantity
    quantity_max = "0.1"           # base quantity of one order
    notional_max = "10000"         # quote value of one order
    collar_pct = 1                 # distance from the middle of the touch
    open_orders_max = 50
    book_age_max_ms = 1500
    reference_age_max_ms = 1500
    order_types = ["GTC", "IOC", "POST_ONLY"]
    open_orders_side_max = 25
    open_notional_max = "50000"    # quote value of all open orders
    repeat_window_ms = 1           # the same side, price and quantity again: not sooner

    [symbol.ETHUSDT]
    position_max = "8"

Numbers may be strings; both are read as decimals, never as binary fractions. The code has no
defaults: what no section says is an error, and so is what the program does not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.abi.gate import EXPOSURE_LOTS_MAX, ORDER_TYPES_ALL, PPM
from appliance.abi.limits import ORDER_RATE_MAX, ORDERS_MAX
from appliance.abi.market import symbol_text
from appliance.abi.units import E8, INT64_MAX, NS_PER_MS, NS_PER_S
from appliance.cold.errors import ApplianceError
from appliance.cold.risk_file import RiskFile

Records = np.ndarray[Any, np.dtype[np.void]]

DEMO_POSITION_QUOTE: Final = 50_000
DEMO_ORDER_QUOTE: Final = 10_000
DEMO_COLLAR_PPM: Final = PPM // 100
DEMO_OPEN_ORDERS_MAX: Final = 50
DEMO_ORDER_RATE_MAX: Final = 100  # a second
DEMO_AGE_MAX_NS: Final = 3 * NS_PER_S // 2
DEMO_REPEAT_NS: Final = NS_PER_MS


@dataclass(frozen=True)
class AccountLimits:
    """Fields of GATE_ACCOUNT."""

    order_rate_max: int
    order_rate_window_ns: int
    open_orders_max: int


@dataclass(frozen=True)
class InstrumentLimits:
    """Fields of LIMITS, but for the order rate, which is the account's."""

    position_max_lots: int
    quantity_max_lots: int
    notional_max_tick_lots: int
    collar_ppm: int
    open_orders_max: int
    book_age_max_ns: int
    reference_age_max_ns: int
    order_types: int
    open_orders_side_max: int
    open_notional_max_tick_lots: int
    repeat_window_ns: int


@dataclass(frozen=True)
class RiskLimits:
    """Every limit of a run. ``unused_symbols``: sections that no instrument matched; tell the
    user, because a misspelt one leaves its instrument on the default."""

    account: AccountLimits
    instruments: tuple[InstrumentLimits, ...]
    unused_symbols: tuple[str, ...] = ()

    def write(self, account: Records, limits: Records) -> None:
        """Into GATE_ACCOUNT[1] and LIMITS[n]. The trading state stays as it is."""
        assert len(limits) == len(self.instruments) and min(astuple(self.account)) > 0
        for field in fields(self.account):
            account[field.name][0] = getattr(self.account, field.name)
        for index, instrument in enumerate(self.instruments):
            assert min(astuple(instrument)) > 0
            for field in fields(instrument):
                limits[field.name][index] = getattr(instrument, field.name)
        limits["order_rate_max"] = self.account.order_rate_max
        limits["order_rate_window_ns"] = self.account.order_rate_window_ns


def load_limits(path: Path, instruments: Records) -> RiskLimits:
    """The limits of INSTRUMENT[n] from a risk file. ApplianceError with one line if it is wrong."""
    return limits_of(RiskFile.read(path), instruments)


def parse_limits(text: str, instruments: Records, where: str = "risk file") -> RiskLimits:
    """``load_limits`` of a text; ``where`` stands before each complaint."""
    return limits_of(RiskFile.parse(text, where), instruments)


def limits_of(file: RiskFile, instruments: Records) -> RiskLimits:
    """A risk file in the units of INSTRUMENT[n]. ApplianceError: a limit is missing, or no fit."""
    symbols = [symbol_text(words) for words in instruments["symbol"]]
    return RiskLimits(
        _account_limits(file.account, f"{file.where}: [account]"),
        tuple(
            _instrument_limits(file.of(symbol), record, f"{file.where}: {symbol}")
            for symbol, record in zip(symbols, instruments, strict=True)
        ),
        tuple(sorted(set(file.own) - set(symbols))),
    )


def demo_limits(instruments: Records, prices_ticks: Sequence[int]) -> RiskLimits:
    """Limits for replay and demo where no file is given, from each instrument's first price.

    Always at least what the venue's smallest order needs. Never for live trading; the caller says
    that they were used. ValueError for a price below one tick or a grid that is not known.
    """
    open_orders_max = min(ORDERS_MAX, DEMO_OPEN_ORDERS_MAX * max(1, len(instruments)))
    return RiskLimits(
        AccountLimits(DEMO_ORDER_RATE_MAX, NS_PER_S, open_orders_max),
        tuple(
            _demo_instrument(record, int(price_ticks))
            for record, price_ticks in zip(instruments, prices_ticks, strict=True)
        ),
    )


def _demo_instrument(record: Any, price_ticks: int) -> InstrumentLimits:
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
    return InstrumentLimits(
        position_max_lots=min(position_lots, EXPOSURE_LOTS_MAX),
        quantity_max_lots=min(order_lots, EXPOSURE_LOTS_MAX),
        notional_max_tick_lots=notional_max_tick_lots,
        collar_ppm=DEMO_COLLAR_PPM,
        open_orders_max=DEMO_OPEN_ORDERS_MAX,
        book_age_max_ns=DEMO_AGE_MAX_NS,
        reference_age_max_ns=DEMO_AGE_MAX_NS,
        order_types=ORDER_TYPES_ALL,
        open_orders_side_max=DEMO_OPEN_ORDERS_MAX,
        open_notional_max_tick_lots=min(open_tick_lots, INT64_MAX),
        repeat_window_ns=DEMO_REPEAT_NS,
    )


def _account_limits(section: Mapping[str, Decimal], where: str) -> AccountLimits:
    return AccountLimits(
        _whole(section, "order_rate_max", Fraction(1), ORDER_RATE_MAX, where),
        _whole(section, "order_rate_window_ms", Fraction(NS_PER_MS), INT64_MAX, where),
        _whole(section, "open_orders_max", Fraction(1), ORDERS_MAX, where),
    )


def _instrument_limits(section: Mapping[str, Decimal], record: Any, where: str) -> InstrumentLimits:
    tick_e8, lot_e8 = int(record["price_grid_e8"]), int(record["quantity_grid_e8"])
    if tick_e8 < 1 or lot_e8 < 1:
        raise ApplianceError(f"{where}: its price and quantity grid are not known")
    lots, tick_lots = Fraction(E8, lot_e8), Fraction(E8 * E8, lot_e8 * tick_e8)
    ms = Fraction(NS_PER_MS)
    return InstrumentLimits(
        position_max_lots=_whole(section, "position_max", lots, EXPOSURE_LOTS_MAX, where),
        quantity_max_lots=_whole(section, "quantity_max", lots, EXPOSURE_LOTS_MAX, where),
        notional_max_tick_lots=_money(section, "notional_max", tick_lots, where),
        collar_ppm=_whole(section, "collar_pct", Fraction(PPM, 100), PPM, where),
        open_orders_max=_whole(section, "open_orders_max", Fraction(1), ORDERS_MAX, where),
        book_age_max_ns=_whole(section, "book_age_max_ms", ms, INT64_MAX, where),
        reference_age_max_ns=_whole(section, "reference_age_max_ms", ms, INT64_MAX, where),
        order_types=_whole(section, "order_types", Fraction(1), ORDER_TYPES_ALL, where),
        open_orders_side_max=_whole(
            section, "open_orders_side_max", Fraction(1), ORDERS_MAX, where
        ),
        open_notional_max_tick_lots=_money(section, "open_notional_max", tick_lots, where),
        repeat_window_ns=_whole(section, "repeat_window_ms", ms, INT64_MAX, where),
    )


def _whole(
    section: Mapping[str, Decimal], key: str, per_unit: Fraction, most: int, where: str
) -> int:
    """``section[key]`` times ``per_unit``, exactly: an integer from 1 to ``most``."""
    exact = _exact(section, key, per_unit, most, where)
    if exact.denominator != 1:
        step = _plain(1 / per_unit)
        raise ApplianceError(f"{where}: {key} = {section[key]} is not a multiple of {step}")
    return exact.numerator


def _money(section: Mapping[str, Decimal], key: str, per_unit: Fraction, where: str) -> int:
    """Like ``_whole``, but rounded down: what is compared with it are whole tick_lots, so the
    greatest one that does not exceed the limit is the limit."""
    exact = _exact(section, key, per_unit, INT64_MAX, where)
    if exact < 1:
        step = _plain(1 / per_unit)
        raise ApplianceError(f"{where}: {key} = {section[key]} is below a tick of a lot, {step}")
    return int(exact)


def _exact(
    section: Mapping[str, Decimal], key: str, per_unit: Fraction, most: int, where: str
) -> Fraction:
    if key not in section:
        raise ApplianceError(f"{where}: {key} is missing")
    exact = Fraction(section[key]) * per_unit
    if exact > most:
        bound = _plain(most / per_unit)
        raise ApplianceError(f"{where}: {key} = {section[key]} is too large: {bound} at most")
    return exact


def _plain(number: Fraction) -> str:
    """As a decimal without exponent, to the 16th digit (a tick times a lot needs no more)."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.16f}"
    return text.rstrip("0").rstrip(".")
