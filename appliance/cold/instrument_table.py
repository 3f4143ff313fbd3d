"""INSTRUMENT records from what a recording shows and what the venue says of its symbols.

Books are decoded on a grid that holds every number of the recording; orders keep to the venue's
tick and step, which are multiples of that grid. Bounds are rounded to the side on which fewer
orders pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, Final

import numpy as np

from appliance.abi.layout import records as make_records
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.abi.units import E8, INT64_MAX, UNSET
from appliance.cold.canonical import decimal_text
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import (
    FINEST_GRID_E8,
    ExchangeInfo,
    SymbolRules,
    decimals_of,
)
from appliance.cold.frame_event import short
from appliance.cold.grid import Learnt, chosen

Records = np.recarray[tuple[int], np.dtype[np.void]]

_FILTERS: Final = (
    "price_min_ticks",
    "price_max_ticks",
    "quantity_min_lots",
    "quantity_max_lots",
    "notional_min_tick_lots",
)
_MARKET_NAMES: Final = {Market.SPOT: "spot", Market.USDM: "USD-M"}
# What is left of a venue's tick when its zeros are gone. A divisor of few numbers can be anything.
_TICK_FIGURES: Final = frozenset((1, 2, 5, 25))


@dataclass(frozen=True)
class Instruments:
    """``records[i]`` is INSTRUMENT i, of the symbol ``symbols[i]``."""

    records: Records
    symbols: tuple[str, ...]
    first_prices_ticks: tuple[int, ...]  # 0: the recording has no price
    notes: tuple[str, ...]  # lines that the user should see
    alone: bool = False  # the recording has no other symbol


def build(
    learnt: Sequence[Learnt],
    rules: ExchangeInfo | None,
    wanted: Sequence[str] | None = None,
) -> Instruments:
    """Records of all that was learnt, or of those ``wanted`` in that order.

    With ``rules`` an instrument that is not in them, or that they do not let trade, gets its book
    and no orders. Without, the grid of the recording is all that is known: fit for replay, never
    for live orders. ApplianceError: a symbol that is not there, or rules of another market.
    """
    by_symbol = {one.symbol: one for one in learnt}
    symbols = chosen(list(by_symbol), wanted)
    rows = make_records(len(symbols), INSTRUMENT)
    notes: list[str] = []
    first_prices = []
    for index, symbol in enumerate(symbols):
        record: Any = rows[index]
        one = by_symbol[symbol]
        record.symbol[:] = symbol_words(symbol)
        record.market = one.market
        for name in (*_FILTERS, "price_step_ticks", "quantity_step_lots"):
            record[name] = UNSET
        if rules is None:
            notes += _from_recording(record, one)
        else:
            notes += _from_rules(record, one, rules)
        first_prices.append(one.first_price_e8 // int(record.price_grid_e8))
    alone = len(symbols) == 1 and by_symbol[symbols[0]].alone
    return Instruments(rows, tuple(symbols), tuple(first_prices), tuple(notes), alone)


def _from_recording(record: Any, one: Learnt) -> list[str]:
    """Nothing is known but the recording."""
    grids = _plausible(one.price_grid_e8), _plausible(one.quantity_grid_e8)
    _set_grids(record, *grids)
    record.price_step_ticks = record.quantity_step_lots = 1
    record.tradable = int(one.first_price_e8 > 0)
    tick, lot = (decimal_text(1, grid_e8) for grid_e8 in grids)
    note = f"grid learnt from the recording: {_shown(one)} tick {tick}, lot {lot}"
    return [note if record.tradable else f"{_shown(one)}: no price in the recording, so no orders"]


def _from_rules(record: Any, one: Learnt, info: ExchangeInfo) -> list[str]:
    if one.market != info.market:
        raise ApplianceError(
            f"{_shown(one)} is recorded on {_MARKET_NAMES[one.market]},"
            f" this exchangeInfo is of {_MARKET_NAMES[info.market]}"
        )
    rules = info.rules.get(one.symbol)
    if rules is None:
        why = info.refused.get(one.symbol, "it is not in the exchangeInfo")
        return [*_from_recording(record, one), f"{_no_orders(record, one)}: {why}"]
    tick_e8, lot_e8 = rules.price_grid_e8, rules.quantity_grid_e8
    price_grid_e8 = gcd(tick_e8, one.price_grid_e8)
    quantity_grid_e8 = gcd(lot_e8, one.quantity_grid_e8)
    _set_grids(record, price_grid_e8, quantity_grid_e8)
    record.price_step_ticks = tick_e8 // price_grid_e8
    record.quantity_step_lots = lot_e8 // quantity_grid_e8
    _set_filters(record, rules)
    record.tradable = int(rules.tradable)
    notes = [
        f"{_shown(one)}: the recording has {what} between two {steps} of {decimal_text(1, step)};"
        f" its book is kept on {decimal_text(1, grid)}, orders keep to the {steps[:-1]}"
        for what, steps, step, grid in (
            ("prices", "ticks", tick_e8, price_grid_e8),
            ("quantities", "lots", lot_e8, quantity_grid_e8),
        )
        if grid != step
    ]
    if not rules.tradable:
        why = "its status or filters in the exchangeInfo forbid them"
        notes.append(f"{_no_orders(record, one)}: {why}")
    return notes


def _no_orders(record: Any, one: Learnt) -> str:
    record.tradable = 0
    return f"no orders for {_shown(one)}"


def _set_grids(record: Any, price_grid_e8: int, quantity_grid_e8: int) -> None:
    """Decimals follow from the grid: an order's text must be exact for each of its multiples."""
    record.price_grid_e8, record.price_decimals = price_grid_e8, decimals_of(price_grid_e8)
    record.quantity_grid_e8 = quantity_grid_e8
    record.quantity_decimals = decimals_of(quantity_grid_e8)


def _set_filters(record: Any, rules: SymbolRules) -> None:
    """On the record's grids: least values rounded up, greatest ones down."""
    tick_e8, lot_e8 = int(record.price_grid_e8), int(record.quantity_grid_e8)
    if rules.price_min_e8 != UNSET:
        record.price_min_ticks = -(-rules.price_min_e8 // tick_e8)
    if rules.price_max_e8 != UNSET:
        record.price_max_ticks = rules.price_max_e8 // tick_e8
    if rules.quantity_min_e8 != UNSET:
        record.quantity_min_lots = -(-rules.quantity_min_e8 // lot_e8)
    if rules.quantity_max_e8 != UNSET:
        record.quantity_max_lots = rules.quantity_max_e8 // lot_e8
    if rules.notional_min_e8 != UNSET:
        least = -(-rules.notional_min_e8 * E8 // (tick_e8 * lot_e8))
        record.notional_min_tick_lots = min(least, INT64_MAX)


def _plausible(grid_e8: int) -> int:
    """A learnt grid, or the power of ten below it if no venue would have such a tick.

    One price alone is its own divisor; the power of ten holds it as well.
    """
    if grid_e8 <= 0:
        return FINEST_GRID_E8
    figures, power = grid_e8, 1
    while figures % 10 == 0:
        figures //= 10
        power *= 10
    return grid_e8 if figures in _TICK_FIGURES else power


def _shown(one: Learnt) -> str:
    return short(one.symbol)[1:-1]
