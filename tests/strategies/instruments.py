"""INSTRUMENT records by their grids."""

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, symbol_words
from appliance.abi.units import UNSET


def instruments(*grids: tuple[str, int, int]):
    """(symbol, price grid, quantity grid), both times 10**8; no filters of the venue."""
    made = records(len(grids), INSTRUMENT)
    for n, (symbol, price_grid_e8, quantity_grid_e8) in enumerate(grids):
        made[n].symbol[:] = symbol_words(symbol)
        made[n].price_grid_e8 = price_grid_e8
        made[n].quantity_grid_e8 = quantity_grid_e8
        for name in INSTRUMENT.names[7:]:
            made[name][n] = UNSET
        made[n].price_step_ticks = made[n].quantity_step_lots = 1
    return made


BTCUSDT = instruments(("BTCUSDT", 1_000_000, 1_000))  # 0.01 and 0.00001
