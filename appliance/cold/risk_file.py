"""A risk file as it was written: decimals by section, before any instrument gives them units."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from appliance.abi.trading import TimeInForce
from appliance.cold.errors import ApplianceError

_DECIMAL_TEXT: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_EXPONENT_MAX: Final = 40  # far beyond any limit: exact arithmetic with more takes for ever
_DIGITS_MAX: Final = 81

ACCOUNT_KEYS: Final = ("order_rate_max", "order_rate_window_ms", "open_orders_max")
INSTRUMENT_KEYS: Final = (
    "position_max",
    "quantity_max",
    "notional_max",
    "collar_pct",
    "open_orders_max",
    "book_age_max_ms",
    "reference_age_max_ms",
    "order_types",
    "open_orders_side_max",
    "open_notional_max",
    "repeat_window_ms",
)

Section = dict[str, Decimal]


@dataclass(frozen=True)
class RiskFile:
    """Sections of limits; ``where`` stands before each complaint about them."""

    where: str
    account: Section
    default: Section
    own: Mapping[str, Section]  # by symbol

    @classmethod
    def read(cls, path: Path) -> "RiskFile":
        """ApplianceError with one line if it is wrong."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ApplianceError(f"cannot read the risk file {path}: {reason}") from None
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "risk file") -> "RiskFile":
        """``read`` of a text."""
        try:
            document = tomllib.loads(text, parse_float=_decimal_or_nan)
        except tomllib.TOMLDecodeError as error:
            raise ApplianceError(f"{where}: not TOML: {error}") from None
        except (ValueError, RecursionError):
            raise ApplianceError(f"{where}: not TOML: a number or a nesting too long") from None
        _refuse_unknown(document, ("account", "default", "symbol"), where, "section")
        sections = _table(document, "symbol", where)
        own = {s: _section(sections, s, INSTRUMENT_KEYS, where, "symbol.") for s in sections}
        default = _section(document, "default", INSTRUMENT_KEYS, where)
        return cls(where, _section(document, "account", ACCOUNT_KEYS, where), default, own)

    def of(self, symbol: str) -> Section:
        """What holds for a symbol: its own limits, the default's for the rest."""
        return {**self.default, **self.own.get(symbol, {})}

    def missing(self, symbols: Sequence[str]) -> list[str]:
        """A line for each limit that no section gives."""
        account = [f"[account]: {key}" for key in ACCOUNT_KEYS if key not in self.account]
        own = [f"{s}: {key}" for s in symbols for key in INSTRUMENT_KEYS if key not in self.of(s)]
        return [f"{self.where}: {what} is missing" for what in account + own]


def _table(document: Mapping[str, Any], name: str, where: str, prefix: str = "") -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ApplianceError(f"{where}: {prefix}{_named(name)} must be a section")
    return table


def _section(
    document: Mapping[str, Any], name: str, known: Sequence[str], where: str, prefix: str = ""
) -> dict[str, Decimal]:
    """The numbers of a section, each of a known key, finite and above zero; {} if it is absent."""
    table = _table(document, name, where, prefix)
    here = f"{where}: [{prefix}{_named(name)}]"
    _refuse_unknown(table, known, here, "key")
    return {
        key: (_order_types if key == "order_types" else _decimal)(value, f"{here} {key}")
        for key, value in table.items()
    }


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str, noun: str) -> None:
    for key in table:
        if key not in known:
            expected = ", ".join(known)
            raise ApplianceError(f"{where}: unknown {noun} {_named(key)} (known: {expected})")


def _order_types(value: object, where: str) -> Decimal:
    """A list of names as the limit ``order_types``: bit TimeInForce."""
    names = value if isinstance(value, list) else []
    known = [kind.name for kind in TimeInForce]
    if not names or len(set(map(repr, names))) < len(names) or any(n not in known for n in names):
        expected = ", ".join(known)
        raise ApplianceError(f"{where}: {_shown(value)} is not a list of some of: {expected}")
    return Decimal(sum(1 << TimeInForce[name] for name in names))


def _decimal(value: object, where: str) -> Decimal:
    text = isinstance(value, str) and _DECIMAL_TEXT.fullmatch(value)
    if text or (isinstance(value, int) and not isinstance(value, bool)):
        value = Decimal(value)  # type: ignore[arg-type]
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ApplianceError(f"{where}: {_shown(value)} is not a decimal number")
    if value <= 0:
        raise ApplianceError(f"{where}: {_shown(value)} must be greater than zero")
    if not -_EXPONENT_MAX < value.adjusted() < _EXPONENT_MAX or len(str(value)) > _DIGITS_MAX:
        raise ApplianceError(f"{where}: {_shown(value)} is out of range")
    return value


def _named(key: str) -> str:
    return key if key.isprintable() and len(key) <= _DIGITS_MAX else _shown(key)


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _DIGITS_MAX else f"{text[:_DIGITS_MAX]}..."


def _decimal_or_nan(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")
