"""The symbols that the made-up venue lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.abi.limits import INSTRUMENTS_MAX, SYMBOL_BYTES_MAX
from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import decimal_e8, decimals_of

# Grids as the venue has them; prices about where they have been. start, tick, step
_SPOT: Final = {
    "BTCUSDT": ("61837.63", "0.01", "0.00001"),
    "ETHUSDT": ("2443.67", "0.01", "0.0001"),
    "BNBUSDT": ("580.20", "0.01", "0.001"),
    "SOLUSDT": ("145.21", "0.01", "0.001"),
    "XRPUSDT": ("0.5904", "0.0001", "0.1"),
    "DOGEUSDT": ("0.12345", "0.00001", "1"),
}
_USDM: Final = {
    "BTCUSDT": ("61800.2", "0.1", "0.001"),
    "ETHUSDT": ("2442.31", "0.01", "0.001"),
    "BNBUSDT": ("580.18", "0.01", "0.01"),
    "SOLUSDT": ("145.190", "0.001", "1"),
    "XRPUSDT": ("0.5903", "0.0001", "0.1"),
    "DOGEUSDT": ("0.12343", "0.00001", "1"),
}
_ANY: Final = ("100.00", "0.01", "0.001")
ORDER_QUOTE: Final = 2000  # a usual order, in the quote asset
_SPOT_DECIMALS: Final = 8  # spot writes eight, whatever the grid


@dataclass(frozen=True, slots=True)
class Contract:
    """A symbol with its grids, the price it starts at and how its numbers are written."""

    symbol: str
    market: Market
    price_grid_e8: int
    quantity_grid_e8: int
    start_ticks: int
    order_lots: int  # of a usual order
    price_digits: int  # behind the point, in frames
    quantity_digits: int


def contracts(symbols: Sequence[str], market: Market) -> list[Contract]:
    """The contracts of ``symbols``; a name that we do not know gets middling grids.

    Raises ApplianceError for a name that the venue could not have.
    """
    if not 0 < len(symbols) <= INSTRUMENTS_MAX or len(set(symbols)) != len(symbols):
        raise ApplianceError(f"a session has 1 to {INSTRUMENTS_MAX} symbols, each of them once")
    return [_contract(symbol, market) for symbol in symbols]


def _contract(symbol: str, market: Market) -> Contract:
    usable = symbol.isalnum() or symbol.replace("_", "").isalnum()
    if not usable or len(symbol.encode()) > SYMBOL_BYTES_MAX or symbol != symbol.upper():
        raise ApplianceError(f"{symbol!r} is no symbol; one looks like BTCUSDT")
    table = _USDM if market == Market.USDM else _SPOT
    start, tick, step = table.get(symbol, _ANY)
    start_e8, price_grid_e8, quantity_grid_e8 = map(decimal_e8, (start, tick, step))
    spot = market == Market.SPOT
    return Contract(
        symbol=symbol,
        market=market,
        price_grid_e8=price_grid_e8,
        quantity_grid_e8=quantity_grid_e8,
        start_ticks=start_e8 // price_grid_e8,
        order_lots=max(1, ORDER_QUOTE * E8 * E8 // (start_e8 * quantity_grid_e8)),
        # USD-M writes prices to pricePrecision, which is often finer than the tick
        price_digits=_SPOT_DECIMALS if spot else max(2, decimals_of(price_grid_e8)),
        quantity_digits=_SPOT_DECIMALS if spot else decimals_of(quantity_grid_e8),
    )


def decimal_text(value_e8: int, digits: int) -> str:
    """``value_e8`` with ``digits`` behind the point; it must not have more."""
    whole, fraction = divmod(value_e8, E8)
    return f"{whole}.{fraction:08d}"[: -(8 - digits) or None] if digits else str(whole)
