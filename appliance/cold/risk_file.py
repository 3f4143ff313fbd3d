"""A risk file as it was written: decimals by section, before any instrument gives them units."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from appliance.abi.trading import TimeInForce
from appliance.abi.units import NS_PER_S
from appliance.cold.errors import ApplianceError
from appliance.cold.risk_keys import (
    ACCOUNT_KEYS,
    INSTRUMENT_KEYS,
    OFF_DECIMAL,
    OFF_TEXT,
    RiskKey,
    Unit,
)

_DECIMAL_TEXT: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_EXPONENT_MAX: Final = 40  # far beyond any limit: exact arithmetic with more takes for ever
_DIGITS_MAX: Final = 81

_CURRENCY: Final = re.compile(r"[A-Z0-9]{1,16}", re.ASCII)
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
# Of [account], beside its limits.
CURRENCY: Final = "currency"
DAY_STARTS: Final = "day_starts_at_utc"

_BY_NAME: Final = {
    "account": {key.name: key for key in ACCOUNT_KEYS},
    "instrument": {key.name: key for key in INSTRUMENT_KEYS},
}

Section = dict[str, Decimal]


@dataclass(frozen=True)
class RiskFile:
    """Sections of limits; ``where`` stands before each complaint about them."""

    where: str
    currency: str  # which every instrument is quoted in; "": missing
    day_starts_ns: int  # after midnight UTC; -1: missing
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
        instrument = _BY_NAME["instrument"]
        own = {s: _section(sections, s, instrument, where, "symbol.") for s in sections}
        account = dict(_table(document, "account", where))
        here = f"{where}: [account]"
        currency = _currency(account.pop(CURRENCY, None), here)
        day_starts_ns = _day_starts_ns(account.pop(DAY_STARTS, None), here)
        return cls(
            where,
            currency,
            day_starts_ns,
            _section({"account": account}, "account", _BY_NAME["account"], where),
            _section(document, "default", instrument, where),
            own,
        )

    def of(self, symbol: str) -> Section:
        """What holds for a symbol: its own limits, the default's for the rest."""
        return {**self.default, **self.own.get(symbol, {})}

    def missing(self, symbols: Sequence[str]) -> list[str]:
        """A line for each limit that no section gives."""
        given = {CURRENCY: self.currency, DAY_STARTS: self.day_starts_ns + 1, **self.account}
        names = (CURRENCY, DAY_STARTS, *_BY_NAME["account"])
        account = [f"[account]: {name}" for name in names if not given.get(name)]
        own = [
            f"{symbol}: {name}"
            for symbol in symbols
            for name in _BY_NAME["instrument"]
            if name not in self.of(symbol)
        ]
        return [f"{self.where}: {what} is missing" for what in account + own]


def _table(document: Mapping[str, Any], name: str, where: str, prefix: str = "") -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ApplianceError(f"{where}: {prefix}{_named(name)} must be a section")
    return table


def _section(
    document: Mapping[str, Any],
    name: str,
    known: Mapping[str, RiskKey],
    where: str,
    prefix: str = "",
) -> Section:
    """The numbers of a section, each of a known key, finite and above zero; {} if it is absent."""
    table = _table(document, name, where, prefix)
    here = f"{where}: [{prefix}{_named(name)}]"
    _refuse_unknown(table, tuple(known), here, "key")
    return {key: parse_value(known[key], value, f"{here} {key}") for key, value in table.items()}


def parse_value(key: RiskKey, value: object, where: str) -> Decimal:
    """What stands behind a key, as a number. ApplianceError with one line if it cannot stand."""
    if key.unit is Unit.TYPES:
        return _order_types(value, where)
    if value == OFF_TEXT:
        if not key.may_be_off:
            raise ApplianceError(f"{where}: this limit cannot be off")
        return OFF_DECIMAL
    return _decimal(value, where)


def _currency(value: object, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ApplianceError(f"{where} {CURRENCY}: {_shown(value)} is no name of an asset")
    return value


def _day_starts_ns(value: object, where: str) -> int:
    if value is None:
        return -1
    match = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ApplianceError(f'{where} {DAY_STARTS}: {_shown(value)} is no time as "00:00"')
    return (int(match[1]) * 60 + int(match[2])) * 60 * NS_PER_S


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str, noun: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise ApplianceError(f"{where}: unknown {noun} {_named(key)} ({hint})")


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
