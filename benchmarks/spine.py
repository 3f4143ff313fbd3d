"""A loop ready to run over given frames: what the benchmarks of the whole pipeline share."""

from functools import cache
from typing import Any

import numpy as np

from appliance.abi import control as c
from appliance.abi.histogram_layout import percentiles
from appliance.abi.telemetry import Stage
from appliance.abi.trading_state import TradingState
from appliance.abi.units import NS_PER_S
from appliance.cold import boot, grid, instrument_table
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.limits import demo_limits, give_paper_funds
from appliance.cold.loop import Feed, HotLoop, repeated, run_flat_out
from appliance.cold.quarantine import Quarantine
from appliance.cold.recording import Arena
from appliance.cold.session import hints_of
from appliance.cold.strategy_loader import Strategy, load_strategy
from appliance.cold.warm_up import warm_up
from appliance.hot.core import Core
from appliance.hot.rings import make_rings
from appliance.hot.telemetry import make_telemetry

FOREVER_NS = 1 << 60


@cache
def loaded(name: str) -> Strategy:
    """Loaded once: a process has one strategy."""
    return load_strategy(name, {})


def let_everything_pass(core: Core) -> None:
    """Every order passes the gate; a benchmark may leave the differences out."""
    gate = core.gate
    gate.account_limits["order_rate_window_ns"] = gate.limits["order_rate_window_ns"] = 1
    gate.account_limits["message_rate_window_ns"] = gate.limits["repeat_window_ns"] = 1
    gate.limits["open_notional_max_tick_lots"] = FOREVER_NS
    gate.limits["position_max_lots"] = 1 << 50
    gate.limits["book_age_max_ns"] = gate.limits["reference_age_max_ns"] = FOREVER_NS
    gate.limits["open_orders_side_max"] = gate.limits["open_orders_max"] = 1000
    gate.account_limits["open_orders_max"] = 1000
    core.control[c.SILENCE_MAX_NS] = FOREVER_NS


class Spine:
    """Builds, compiles and warms; ``play`` runs the arena from a fresh state."""

    def __init__(self, arena: Arena, strategy_name: str, *, wide: bool = False) -> None:
        self.arena = arena
        strategy = loaded(strategy_name)
        learnt = grid.learn([arena])
        instruments = instrument_table.build(learnt, None, None)
        cycles = boot.calibrated()
        self.telemetry = make_telemetry(len(instruments.symbols))
        self.core = boot.make_core(
            instruments.records,
            instruments.symbols,
            strategy,
            self.telemetry,
            make_rings(),
            epoch=0,
            cycles=cycles,
        )
        run = boot.compile_loop(self.core, strategy)
        gate = self.core.gate
        demo_limits(instruments.records, instruments.first_prices_ticks).write(gate)
        give_paper_funds(gate)
        if wide:
            let_everything_pass(self.core)
        gate.account[0].trading_state = TradingState.ACTIVE
        self.core.control[c.LOCKSTEP] = 1
        records = instruments.records
        listing = [
            (symbol, records[i].market, records[i].price_grid_e8, records[i].quantity_grid_e8)
            for i, symbol in enumerate(instruments.symbols)
        ]
        desk = ClerkDesk(self.core, Clerk(listing), Quarantine())
        self._hints = hints_of(arena, instruments.symbols, alone=instruments.alone)
        self._checkpoint = boot.Checkpoint(self.core)
        boot.prefault(self.core)
        self._made = (run, desk, strategy, cycles)

    def play(self, times: int = 1) -> HotLoop:
        """The arena ``times`` times, each from the fresh state; the loop that did it."""
        run, desk, strategy, cycles = self._made
        self._checkpoint.restore()
        loop = HotLoop(self.core, run, desk)
        loop.prepare(lambda: warm_up(run, strategy, cycles))
        feed = Feed(self.core, self.arena, self._hints)
        run_flat_out(loop, repeated(feed, times, self._checkpoint.restore), lambda: None, 5.0)
        loop.purity.close()
        return loop

    def percentile_ns(self, stage: Stage, percent: float) -> float:
        return float(percentiles(self.telemetry.histograms[stage], [percent])[0])

    def forget_latency(self) -> None:
        self.telemetry.histograms[:] = 0
        self.telemetry.counters[:] = 0


def frames_per_s(loop: HotLoop, frames_n: int) -> float:
    return frames_n * NS_PER_S / loop.busy_ns


def only(arena: Arena, wanted: Any) -> Arena:
    """The frames whose index ``wanted`` (bool array) marks."""
    import dataclasses

    names = ("starts", "lengths", "receive_ns", "is_rest", "hints")
    return dataclasses.replace(arena, **{n: getattr(arena, n)[wanted] for n in names})


def has(arena: Arena, text: bytes) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which frames contain ``text``."""
    return np.array([text in arena.frame(i) for i in range(len(arena))])
