"""What the venue says of its symbols: grids and filters, exactly, as integers times 10**8.

Source: ``exchangeInfo`` of spot (``/api/v3``) and USD-M (``/fapi/v1``); binance-protocol 1 and 5.
The number of decimals of an order comes from tick and step, never from ``pricePrecision``, which
differs from the tick on a quarter of the recorded USD-M symbols.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import simdjson

from appliance.abi.limits import SYMBOL_BYTES_MAX
from appliance.abi.market import Market
from appliance.abi.units import E8, E8_DECIMALS, INT64_MAX, UNSET
from appliance.cold.byte_lines import ByteLines
from appliance.cold.errors import ApplianceError

_INFO_BYTES_MAX: Final = 256 << 20
_USED_FILTERS: Final = frozenset({"PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL", "NOTIONAL"})
FINEST_GRID_E8: Final = 1


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """One symbol. ``UNSET`` where the venue gives no bound."""

    symbol: str
    market: Market
    tradable: bool
    price_grid_e8: int  # the finest we can hold where the venue has disabled the tick
    price_decimals: int  # digits behind the point in an order
    quantity_grid_e8: int
    quantity_decimals: int
    price_min_e8: int = UNSET
    price_max_e8: int = UNSET
    quantity_min_e8: int = UNSET
    quantity_max_e8: int = UNSET
    notional_min_e8: int = UNSET


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """All symbols of one market."""

    market: Market
    rules: Mapping[str, SymbolRules]
    refused: Mapping[str, str] = field(default_factory=dict)  # symbol: why we cannot trade it
    unused_filters: tuple[str, ...] = ()  # filter types that exist and are not in the rules


def load_exchange_info(path: str | Path) -> ExchangeInfo:
    """Read ``exchangeInfo`` from a file, plain or gzip.

    Either the JSON document alone, or a line ``<url> -> <seconds>: <document>`` among others.
    Raises ApplianceError.
    """
    path = Path(path)
    lines: list[bytes] = []
    size = 0
    source = ByteLines(path, line_bytes_max=_INFO_BYTES_MAX)
    for batch in source:
        lines += batch
        size += sum(map(len, batch))
        if size > _INFO_BYTES_MAX:
            raise ApplianceError(f"{path} is too large for an exchangeInfo")
    document = _document(lines)
    if document is None:
        cut = " whole" if source.endings.truncated else ""
        raise ApplianceError(
            f"{path} holds no{cut} exchangeInfo; save the reply of /api/v3/exchangeInfo"
            " or /fapi/v1/exchangeInfo"
        )
    try:
        return parse_exchange_info(document)
    except ApplianceError as error:
        raise ApplianceError(f"{path}: {error}") from None


def _document(lines: list[bytes]) -> Mapping[str, Any] | None:
    """The first JSON object with symbols: the whole file, or the tail of one of its lines."""
    candidates = [b"\n".join(lines)]
    for line in lines:
        if b'"symbols"' in line and b"{" in line:
            candidates.append(line[line.index(b"{") :])
    for text in candidates:
        try:
            document = simdjson.Parser().parse(text, True)
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("symbols"), list):
            return document
    return None


def parse_exchange_info(document: Mapping[str, Any]) -> ExchangeInfo:
    """Rules of every symbol of a parsed ``exchangeInfo``.

    A symbol that cannot be held exactly is refused, the others are not harmed. Raises
    ApplianceError if the document is of another product or holds no usable symbol.
    """
    market = recognise_market(document)
    rules: dict[str, SymbolRules] = {}
    refused: dict[str, str] = {}
    unused: set[str] = set()
    for entry in document["symbols"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("symbol"), str):
            refused["?"] = "an entry without a symbol"
            continue
        name = entry["symbol"]
        try:
            rules[name] = _rules(name, entry, market)
        except ValueError as error:
            refused[name] = str(error)
        unused.update(kind for kind in _filters(entry) if kind not in _USED_FILTERS)
    if not rules:
        why = next(iter(refused.values()), "there is none in it")
        raise ApplianceError(f"no usable symbol in this exchangeInfo: {why}")
    return ExchangeInfo(market, rules, refused, tuple(sorted(unused)))


def recognise_market(document: Mapping[str, Any]) -> Market:
    """Spot or USD-M, by the fields that only one of them has. Raises ApplianceError."""
    kind = document.get("futuresType")
    entries = [entry for entry in document["symbols"] if isinstance(entry, dict)]
    first: Mapping[str, Any] = entries[0] if entries else {}
    if kind not in (None, "U_MARGINED") or "contractSize" in first:
        raise ApplianceError("this exchangeInfo is neither spot nor USD-M futures")
    if kind is not None or "contractType" in first or "marginAsset" in first:
        return Market.USDM
    if "isSpotTradingAllowed" in first or "quoteAssetPrecision" in first:
        return Market.SPOT
    raise ApplianceError("this exchangeInfo has the fields of neither spot nor USD-M futures")


def _rules(name: str, entry: Mapping[str, Any], market: Market) -> SymbolRules:
    """ValueError says why the symbol is refused."""
    if not 0 < len(name.encode()) <= SYMBOL_BYTES_MAX:
        raise ValueError(f"its name is longer than {SYMBOL_BYTES_MAX} bytes")
    filters = _filters(entry)
    price = filters.get("PRICE_FILTER", {})
    lot = filters.get("LOT_SIZE", {})
    price_grid, price_decimals = _grid(price, "tickSize")
    quantity_grid, quantity_decimals = _grid(lot, "stepSize")
    tradable = entry.get("status") == "TRADING" and entry.get("isSpotTradingAllowed", True) is True
    return SymbolRules(
        symbol=name,
        market=market,
        tradable=tradable and bool(price) and bool(lot),
        price_grid_e8=price_grid,
        price_decimals=price_decimals,
        quantity_grid_e8=quantity_grid,
        quantity_decimals=quantity_decimals,
        price_min_e8=_bound(price, "minPrice"),
        price_max_e8=_bound(price, "maxPrice"),
        quantity_min_e8=_bound(lot, "minQty"),
        quantity_max_e8=_bound(lot, "maxQty"),
        notional_min_e8=_notional_min(filters),
    )


def _filters(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = entry.get("filters")
    if not isinstance(found, list):
        return {}
    return {
        item["filterType"]: item
        for item in found
        if isinstance(item, dict) and isinstance(item.get("filterType"), str)
    }


def _grid(rule: Mapping[str, Any], key: str) -> tuple[int, int]:
    """Grid and decimals. A missing or zero step disables the rule: then the finest grid holds all.

    Spot may disable tickSize with 0 [binance-protocol, filters.md].
    """
    grid_e8 = decimal_e8(rule[key]) if key in rule else 0
    if grid_e8 == 0:
        return FINEST_GRID_E8, E8_DECIMALS
    return grid_e8, decimals_of(grid_e8)


def _bound(rule: Mapping[str, Any], key: str) -> int:
    """A bound, or UNSET where the venue has none or has disabled it with 0."""
    value = decimal_e8(rule[key]) if key in rule else 0
    return value if value > 0 else UNSET


def _notional_min(filters: Mapping[str, Mapping[str, Any]]) -> int:
    """The stricter of what MIN_NOTIONAL and NOTIONAL ask for; the key differs by market."""
    return max(
        _bound(filters.get("MIN_NOTIONAL", {}), "minNotional"),
        _bound(filters.get("MIN_NOTIONAL", {}), "notional"),
        _bound(filters.get("NOTIONAL", {}), "minNotional"),
    )


def decimals_of(grid_e8: int) -> int:
    """Digits behind the point that a multiple of ``grid_e8`` can need."""
    decimals = E8_DECIMALS
    while decimals > 0 and grid_e8 % 10 == 0:
        grid_e8 //= 10
        decimals -= 1
    return decimals


def decimal_e8(text: object) -> int:
    """``"0.0010"`` as 100_000. ValueError if it is no plain decimal or does not fit exactly."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError(f"{text!r} is not a decimal number")
    whole, point, fraction = text.partition(".")
    if not whole.isdigit() or (point and not fraction.isdigit()):
        raise ValueError(f"{text!r} is not a decimal number")
    kept, rest = fraction[:E8_DECIMALS], fraction[E8_DECIMALS:]
    if rest.strip("0"):
        raise ValueError(f"{text} is finer than {E8_DECIMALS} decimals")
    value = int(whole) * E8 + int(kept.ljust(E8_DECIMALS, "0"))
    if value > INT64_MAX:
        raise ValueError(f"{text} is too large")
    return value
