"""The engine running quoter.py, as peer.py runs its twin: same words, same answers."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from appliance.cold import compile_cache
from appliance.cold.strategy_loader import load_strategy, source_of

QUOTER = str(Path(__file__).with_name("quoter.py"))
FUNDS_LOTS = 1 << 40


def instrument(tick_e8: int, lot_e8: int) -> Any:
    """One record, USD-M, without filters."""
    from appliance.abi.layout import records
    from appliance.abi.market import INSTRUMENT, Market, symbol_words
    from appliance.abi.units import UNSET
    from appliance.cold.exchange_info import decimals_of

    made = records(1, INSTRUMENT)
    for name in INSTRUMENT.names or ():
        if name.startswith(("price_m", "quantity_m", "notional_m")):
            made[name] = UNSET
    one: Any = made[0]
    one.symbol[:] = symbol_words("BTCUSDT")
    one.market, one.tradable = Market.USDM, 1
    one.price_grid_e8, one.price_decimals = tick_e8, decimals_of(tick_e8)
    one.quantity_grid_e8, one.quantity_decimals = lot_e8, decimals_of(lot_e8)
    one.price_step_ticks = one.quantity_step_lots = 1
    return made


def wide_core(instruments: Any, strategy: Any) -> Any:
    """A core that is ACTIVE, whose limits nothing reaches."""
    from appliance.abi.market import symbol_text
    from appliance.abi.trading_state import TradingState
    from appliance.cold.boot import make_core
    from appliance.cold.limits import demo_limits, give_paper_funds
    from appliance.hot.rings import make_rings
    from appliance.hot.telemetry import make_telemetry

    symbols = [symbol_text(one["symbol"]) for one in instruments]
    telemetry = make_telemetry(len(symbols))
    core = make_core(instruments, symbols, strategy, telemetry, make_rings(1 << 20), epoch=0)
    demo_limits(instruments, [1000] * len(symbols)).write(core.gate)
    for name in ("position_max_lots", "quantity_max_lots", "notional_max_tick_lots"):
        core.gate.limits[name] = FUNDS_LOTS
    for name in ("collar_ppm", "window_collar_ppm"):
        core.gate.limits[name] = 900_000
    give_paper_funds(core.gate)
    core.gate.account[0].trading_state = TradingState.ACTIVE
    return core


def assumptions(settings: dict[str, Any]) -> Any:
    import numpy as np

    from appliance.abi.history import Queue
    from appliance.cold.backtest.engine import Assumptions
    from appliance.hot.backtest.latency import make_latency

    if "latency_orders" in settings:
        orders = np.array(settings["latency_orders"])
    else:
        entry_ns, response_ns = settings["latency_ns"]
        orders = np.array([[1, 1 + entry_ns, 1 + entry_ns + response_ns]])
    return Assumptions(
        make_latency(orders),
        Queue[settings["queue"]],
        settings["power"],
        bool(settings.get("partial")),
    )


def traced(noted: Any, core: Any, settings: dict[str, Any], middle: float) -> dict[str, Any]:
    """Orders, fills and the end, as peer.py tells them; money in floats here, and only here."""
    from appliance.abi.history import Happened

    placed = (Happened.PLACED, Happened.REFUSED, Happened.LOST)
    sent, fills, fee = [], [], 0.0
    unit = settings["tick"] * settings["lot"]
    for one in noted.log:
        which = 1 if one.side > 0 else 2
        if one.event in placed:
            sent.append([int(one.sent_ns), which, int(one.price_ticks)])
        elif one.event in (Happened.CANCELED, Happened.CANCEL_REJECTED):
            sent.append([int(one.sent_ns), -which, int(one.price_ticks)])
        elif one.event == Happened.FILL:
            values = (one.exchange_ns, one.side, one.price_ticks, one.quantity_lots)
            fills.append([int(value) for value in values])
            rate = settings["maker_fee"] if one.maker else settings["taker_fee"]
            fee += rate * float(one.price_ticks * one.quantity_lots) * unit
    position = core.gate.positions[0]
    held = float(position.position_lots) * settings["lot"]
    cash = float(position.cash_tick_lots) * unit
    return {
        "sent": sent,
        "fills": fills,
        "position": held,
        "equity": cash + held * middle - fee,
        "fee": fee,
        "middle": middle,
    }


def serve(data_path: str, settings_path: str) -> None:
    import numpy as np

    from appliance.cold.backtest.engine import Engine
    from appliance.cold.backtest.history import InMemory, mark_messages
    from appliance.cold.backtest.npz import rows_of
    from appliance.hot.strategy import slot

    settings = json.loads(Path(settings_path).read_text())
    strategy = load_strategy(QUOTER, {"half_ticks": str(settings["half_ticks"])})
    slot.bind(strategy.on_market)
    grids = round(settings["tick"] * 1e8), round(settings["lot"] * 1e8)
    with np.load(data_path) as file:
        rows = rows_of(file["data"], *grids)
    mark_messages(rows)
    source = InMemory(rows)
    records = instrument(*grids)
    assumed = assumptions(settings)

    def run() -> tuple[float, dict[str, Any]]:
        core = wide_core(records, strategy)
        engine = Engine(
            core,
            [source],
            [round(settings["price"] / settings["tick"])],
            assumed,
            buffer_rows=settings.get("buffer_rows", 0),
        )
        began = time.perf_counter()
        noted = engine.run()
        took_s = time.perf_counter() - began
        sides = engine.sim.depth.sides
        middle = float(sides[0].best - sides[1].best) / 2 * settings["tick"]
        return took_s, traced(noted, core, settings, middle)

    run()  # compiles
    print("ready", len(source.rows), flush=True)
    for line in sys.stdin:
        took_s, told = run()
        print(json.dumps(told) if line.strip() == "trace" else took_s, flush=True)


if __name__ == "__main__":
    compile_cache.prepare(source_of(QUOTER))
    serve(*sys.argv[1:])
