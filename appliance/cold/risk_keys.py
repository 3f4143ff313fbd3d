"""The keys of a risk file: which limit each is, and in which unit a person writes it.

The tables are the whole truth: files are read, limits are set and shown by them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, unique
from fractions import Fraction
from typing import Any, Final

from appliance.abi.gate import EXPOSURE_LOTS_MAX
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.risk_limits import (
    ACCOUNT_LIMIT_NAMES,
    ACCOUNT_MOST,
    LIMIT_NAMES,
    LIMITS_MOST,
    OFF,
    OFF_NAMES,
    PPM,
)
from appliance.abi.units import E8, INT64_MAX, NS_PER_MS
from appliance.cold.errors import ApplianceError

Section = Mapping[str, Decimal]

# In a section: the user wrote "off".
OFF_TEXT: Final = "off"
OFF_DECIMAL: Final = Decimal("Infinity")


@unique
class Unit(Enum):
    """How a number of the file becomes the integer of the record."""

    COUNT = "a count"
    MS = "milliseconds"
    PERCENT = "percent"  # -> millionths
    TIMES = "times the equity"  # -> percent
    LOTS = "units of the base asset"  # -> lots, which it must be a multiple of
    VALUE = "units of the quote asset"  # -> tick_lots, rounded down
    MONEY = "units of the account's currency"  # -> e8, rounded down
    TYPES = "a list of order types"  # -> bits


_SCALES: Final = {
    Unit.COUNT: Fraction(1),
    Unit.MS: Fraction(NS_PER_MS),
    Unit.PERCENT: Fraction(PPM, 100),
    Unit.TIMES: Fraction(100),
    Unit.MONEY: Fraction(E8),
    Unit.TYPES: Fraction(1),
}
# What is compared with these are whole units: the greatest that does not exceed the limit is it.
_ROUNDED: Final = (Unit.VALUE, Unit.MONEY)


@dataclass(frozen=True)
class RiskKey:
    """``name`` in the file is ``field`` of LIMITS or ACCOUNT_LIMITS; ``most``: the greatest value
    in the record's unit."""

    name: str
    field: str
    unit: Unit
    most: int

    @property
    def may_be_off(self) -> bool:
        return self.field in OFF_NAMES

    def convert(self, section: Section, record: Any, where: str) -> int:
        """The limit in the record's unit; ``record``: INSTRUMENT, None for the account's keys.

        ApplianceError with one line: it is missing, too large, or no multiple.
        """
        if self.name not in section:
            raise ApplianceError(f"{where}: {self.name} is missing")
        value = section[self.name]
        if value == OFF_DECIMAL:
            return OFF
        scale = _scale(self.unit, record)
        exact = Fraction(value) * scale
        if exact > self.most:
            bound = plain(self.most / scale)
            raise ApplianceError(f"{where}: {self.name} = {value} is too large: {bound} at most")
        if self.unit in _ROUNDED:
            if exact < 1:
                step = plain(1 / scale)
                raise ApplianceError(f"{where}: {self.name} = {value} is below the least: {step}")
            return int(exact)
        if exact.denominator != 1:
            step = plain(1 / scale)
            raise ApplianceError(f"{where}: {self.name} = {value} is not a multiple of {step}")
        return exact.numerator

    def shown(self, value: int, record: Any) -> str:
        """The limit as a person writes it."""
        if value == OFF and self.may_be_off:
            return OFF_TEXT
        return plain(value / _scale(self.unit, record))


def _scale(unit: Unit, record: Any) -> Fraction:
    if unit is Unit.LOTS:
        return Fraction(E8, int(record["quantity_grid_e8"]))
    if unit is Unit.VALUE:
        return Fraction(E8 * E8, int(record["quantity_grid_e8"]) * int(record["price_grid_e8"]))
    return _SCALES[unit]


def plain(number: Fraction) -> str:
    """As a decimal without exponent, to the 16th digit (a tick times a lot needs no more)."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.16f}"
    return text.rstrip("0").rstrip(".")


_MOST: Final = {
    **dict(zip(LIMIT_NAMES, LIMITS_MOST.tolist(), strict=True)),
    "position_max_lots": EXPOSURE_LOTS_MAX,
    "quantity_max_lots": EXPOSURE_LOTS_MAX,
    "open_orders_max": ORDERS_MAX,
    "open_orders_side_max": ORDERS_MAX,
}
_ACCOUNT_MOST: Final = {
    **dict(zip(ACCOUNT_LIMIT_NAMES, ACCOUNT_MOST.tolist(), strict=True)),
    "open_orders_max": ORDERS_MAX,
}


def _key(name: str, field: str, unit: Unit) -> RiskKey:
    return RiskKey(name, field, unit, _MOST.get(field, INT64_MAX))


def _account_key(name: str, field: str, unit: Unit) -> RiskKey:
    return RiskKey(name, field, unit, _ACCOUNT_MOST.get(field, INT64_MAX))


INSTRUMENT_KEYS: Final = (
    _key("position_max", "position_max_lots", Unit.LOTS),
    _key("quantity_max", "quantity_max_lots", Unit.LOTS),
    _key("notional_max", "notional_max_tick_lots", Unit.VALUE),
    _key("collar_pct", "collar_ppm", Unit.PERCENT),
    _key("open_orders_max", "open_orders_max", Unit.COUNT),
    _key("book_age_max_ms", "book_age_max_ns", Unit.MS),
    _key("reference_age_max_ms", "reference_age_max_ns", Unit.MS),
    _key("order_types", "order_types", Unit.TYPES),
    _key("open_orders_side_max", "open_orders_side_max", Unit.COUNT),
    _key("open_notional_max", "open_notional_max_tick_lots", Unit.VALUE),
    _key("repeat_window_ms", "repeat_window_ns", Unit.MS),
    _key("window_collar_pct", "window_collar_ppm", Unit.PERCENT),
    _key("collar_window_ms", "collar_window_ns", Unit.MS),
    _key("event_age_max_ms", "event_age_max_ns", Unit.MS),
    _key("day_quantity_max", "day_quantity_max_lots", Unit.LOTS),
    _key("losses_in_row_max", "losses_in_row_max", Unit.COUNT),
    _key("fee_pct", "fee_ppm", Unit.PERCENT),
)
ACCOUNT_KEYS: Final = (
    _account_key("order_rate_max", "order_rate_max", Unit.COUNT),
    _account_key("order_rate_window_ms", "order_rate_window_ns", Unit.MS),
    _account_key("open_orders_max", "open_orders_max", Unit.COUNT),
    _account_key("message_rate_max", "message_rate_max", Unit.COUNT),
    _account_key("message_rate_window_ms", "message_rate_window_ns", Unit.MS),
    _account_key("venue_rate_max", "venue_rate_max", Unit.COUNT),
    _account_key("venue_rate_window_ms", "venue_rate_window_ns", Unit.MS),
    _account_key("venue_day_max", "venue_day_max", Unit.COUNT),
    _account_key("gross_max", "gross_max_e8", Unit.MONEY),
    _account_key("net_max", "net_max_e8", Unit.MONEY),
    _account_key("leverage_max", "leverage_max_pct", Unit.TIMES),
    _account_key("day_value_max", "day_value_max_e8", Unit.MONEY),
    _account_key("runaway_max", "runaway_max", Unit.COUNT),
    _account_key("runaway_window_ms", "runaway_window_ns", Unit.MS),
    _account_key("messages_per_fill_max", "messages_per_fill_max", Unit.COUNT),
    _account_key("messages_per_fill_after", "messages_per_fill_after_n", Unit.COUNT),
    _account_key("rejects_in_row_max", "rejects_in_row_max", Unit.COUNT),
    _account_key("day_loss_max", "day_loss_max_e8", Unit.MONEY),
    _account_key("drawdown_max", "drawdown_max_e8", Unit.MONEY),
    _account_key("guardian_age_max_ms", "guardian_age_max_ns", Unit.MS),
    _account_key("clock_offset_max_ms", "clock_offset_max_ns", Unit.MS),
)
assert {key.field for key in ACCOUNT_KEYS} == set(ACCOUNT_LIMIT_NAMES)
# An instrument's order rate is the account's.
ORDER_RATE_FIELDS: Final = ("order_rate_max", "order_rate_window_ns")
assert {key.field for key in INSTRUMENT_KEYS} == set(LIMIT_NAMES) - set(ORDER_RATE_FIELDS)
