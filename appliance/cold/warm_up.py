"""Runs the compiled loop over a made-up session before the real one, on arrays of its own.

Code is paged in and branches are met before they matter; what goes wrong here stops the start.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.abi.trading_state import TradingState
from appliance.abi.units import UNSET
from appliance.cold import boot
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.exchange_info import decimals_of
from appliance.cold.limits import demo_limits, give_paper_funds
from appliance.cold.quarantine import Quarantine
from appliance.cold.strategy_loader import Strategy
from appliance.cold.synthetic.faults import Faults, inject
from appliance.cold.synthetic.session import generate
from appliance.cold.synthetic.symbols import contracts
from appliance.hot.core import Core
from appliance.hot.frame_ring import push
from appliance.hot.rings import Rings, make_rings
from appliance.hot.telemetry import make_telemetry

SECONDS: Final = 3
SYMBOL: Final = "BTCUSDT"
RING_BYTES: Final = 8 * 1024 * 1024


class WarmUpError(RuntimeError):
    """The loop does not do what it should on a session that we know: a defect of ours."""


def warm_up(run: Callable[[Core], int], strategy: Strategy, cycles: tuple[int, int]) -> int:
    """Both markets with faults in them; the number of frames. Raises WarmUpError."""
    return sum(_run_one(run, strategy, cycles, market) for market in (Market.SPOT, Market.USDM))


def warm_core(strategy: Strategy, cycles: tuple[int, int], market: Market) -> tuple[Core, Rings]:
    """A core of one instrument, SYMBOL, with limits that let everything pass, and its rings."""
    contract = contracts((SYMBOL,), market)[0]
    instrument = records(1, INSTRUMENT)
    for name in INSTRUMENT.names or ():
        if name.startswith(("price_m", "quantity_m", "notional_m")):
            instrument[name] = UNSET
        elif name.endswith(("step_ticks", "step_lots")):
            instrument[name] = 1
    record = instrument[0]
    record.symbol[:] = symbol_words(contract.symbol)
    record.market = market
    record.tradable = 1
    record.price_grid_e8 = contract.price_grid_e8
    record.price_decimals = decimals_of(contract.price_grid_e8)
    record.quantity_grid_e8 = contract.quantity_grid_e8
    record.quantity_decimals = decimals_of(contract.quantity_grid_e8)
    rings = make_rings(RING_BYTES)
    core = boot.make_core(
        instrument,
        [SYMBOL],
        strategy,
        make_telemetry(1),
        rings,
        epoch=0,
        cycles=cycles,
    )
    demo_limits(instrument, [1000]).write(core.gate)
    give_paper_funds(core.gate)
    for limit in ("position_max_lots", "quantity_max_lots", "notional_max_tick_lots"):
        core.gate.limits[limit] = 1 << 50
    core.gate.account[0].trading_state = TradingState.ACTIVE
    return core, rings


def _run_one(
    run: Callable[[Core], int], strategy: Strategy, cycles: tuple[int, int], market: Market
) -> int:
    core, _ = warm_core(strategy, cycles, market)
    control = core.control
    control[c.DRAIN] = 1
    control[c.LOCKSTEP] = 1
    record = core.gate.instruments[0]
    grids = (int(record.price_grid_e8), int(record.quantity_grid_e8))
    desk = ClerkDesk(core, Clerk([(SYMBOL, market, *grids)]), Quarantine())
    faults = Faults(dropped=(12,), duplicated=(5,), crossed=(18,), garbage=(7,), cut=(9,))
    lines = generate(
        1, SECONDS, symbols=(SYMBOL,), market=market, snapshot_at_s=(0.25, 1.0, 1.5, 2.0)
    )
    frames_n = 0
    control[c.COMMAND] = c.Command.RUN
    for line in inject(lines, faults):
        data = np.frombuffer(line.frame, np.uint8)
        hint = 0 if line.is_rest else -1
        push(core.ingress, data, 0, len(data), line.receive_ns or 0, hint, 0, frames_n)
        frames_n += 1
    while run(core) == c.Left.CLERK:
        desk.serve()
    counters = core.telemetry.counters
    if counters[Counter.MARKET_RECORDS, 0] == 0 or counters[Counter.FRAMES, 0] < frames_n:
        raise WarmUpError(f"warm-up on {market.name}: the loop took {counters[Counter.FRAMES, 0]}")
    return frames_n
