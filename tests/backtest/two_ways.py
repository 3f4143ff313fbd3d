"""A recording two ways, with the same simulated venue: its frames through the live loop's feed, and
its rows through the engine. ``python -m tests.backtest.two_ways RECORDING STRATEGY SHIFT_NS``
prints what the venue noted down of each.

The live loop takes frames as it always does; only where its sockets would be stands the venue of
the backtest: before each frame it is brought up to date and its reports come in, afterwards it
takes what was sent.
"""

import json
import sys
from typing import Any

from appliance.cold import compile_cache
from appliance.cold.strategy_loader import load_strategy, source_of


def noted(log: Any) -> list[list[int]]:
    names = [name for name in log.dtype.names if name not in ("reserved", "order_key")]
    return [[int(entry[name]) for name in names] for entry in log]


def main(recording: str, strategy_name: str, shift_ns: int) -> None:
    import numpy as np

    from appliance.abi import control as c
    from appliance.cold import grid, instrument_table
    from appliance.cold.backtest.engine import Assumptions, Engine
    from appliance.cold.backtest.frames import RecordedHistory
    from appliance.cold.backtest.history import InMemory
    from appliance.cold.backtest.latencies import constant
    from appliance.cold.clerk_desk import ClerkDesk
    from appliance.cold.loop import Feed
    from appliance.cold.quarantine import Quarantine
    from appliance.cold.recording import load
    from appliance.cold.session import clerk_of, hints_of
    from appliance.hot.backtest.simulation import Back
    from appliance.hot.backtest.venue_state import LOG_N
    from appliance.hot.strategy import slot
    from tests.backtest.ours import wide_core

    strategy = load_strategy(strategy_name, {})
    slot.bind(strategy.on_market)
    from tests.backtest.live_way import live_way

    arena = load([recording])
    arena.receive_ns[:] += shift_ns
    instruments = instrument_table.build(grid.learn([arena]), None)
    symbols = instruments.symbols
    history = RecordedHistory(instruments, [arena])
    sources = [InMemory(np.concatenate(list(one.blocks()))) for one in history.sources()]
    odd = [(s.shift_ns, s.early_n, s.late_n) for s in history.sorters]
    prices = list(instruments.first_prices_ticks)
    engines = []
    for _ in range(2):
        core = wide_core(instruments.records, strategy)
        assumed = Assumptions(constant(2_000_000, 1_000_000))
        engines.append(Engine(core, sources, prices, assumed))
    by_rows = engines[0].run()

    core, sim = engines[1].core, engines[1].sim
    core.control[c.LOCKSTEP] = 1
    desk = ClerkDesk(core, clerk_of(instruments), Quarantine())
    feed = Feed(core, arena, hints_of(arena, symbols, alone=instruments.alone))
    for one, cursor in zip(engines[1]._feeds, sim.cursors, strict=True):
        one.refill(cursor)
    while feed.left_n:
        feed.push(1000)
        while live_way(core, sim, engines[1]._rows) == Back.ROWS:
            desk.serve()
    live = sim.venue.log[: sim.venue.words[LOG_N]]
    told = {"odd": odd, "rows": noted(by_rows.log), "frames": noted(live)}
    print(json.dumps(told))


if __name__ == "__main__":
    compile_cache.prepare(source_of(sys.argv[2]))
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
