"""One run of the loop over frames: instruments, strategy, limits, region, loop, report.

Import only after compile_cache.prepare: everything hot is imported from here on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from appliance.abi import control as c
from appliance.abi.market import Market, symbol_text
from appliance.abi.telemetry import Lifecycle
from appliance.abi.trading import TradingState
from appliance.abi.units import NO_ID
from appliance.cold import boot, compile_cache
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.instrument_table import Instruments
from appliance.cold.limits import RiskLimits, demo_limits, load_limits
from appliance.cold.loop import Feed, HotLoop
from appliance.cold.quarantine import Quarantine
from appliance.cold.recording import Arena
from appliance.cold.strategy_loader import Strategy
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.cold.warm_up import warm_up
from appliance.hot.core import Core
from appliance.hot.reporter import RING_ROWS

Say = Callable[[str], None]


@dataclass
class Session:
    """What is running, and what the report is made of."""

    instruments: Instruments
    strategy: Strategy
    limits: RiskLimits
    core: Core
    region: TelemetryRegion
    loop: HotLoop
    desk: ClerkDesk
    quarantine: Quarantine
    start_s: float
    warm: bool
    notes: list[str] = field(default_factory=list)

    def feed(self, arena: Arena) -> Feed:
        """The arena's frames with the instrument of each snapshot told."""
        return Feed(self.core, arena, hints_of(arena, self.instruments.symbols))

    def close(self, state: Lifecycle = Lifecycle.CLEAN) -> None:
        if self.loop.running:
            self.loop.abandon()
        self.loop.purity.close()
        self.region.close(state)


def hints_of(arena: Arena, symbols: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Instrument of each REST frame, by the recording's hint or as the only one; else -1."""
    known = {symbol: i for i, symbol in enumerate(symbols)}
    only = 0 if len(symbols) == 1 else NO_ID
    by_hint = np.array([known.get(name, NO_ID) for name in arena.symbols] + [only], np.int64)
    return np.where(arena.is_rest != 0, by_hint[arena.hints], NO_ID).astype(np.int64)


def start(
    name: str,
    mode: str,
    instruments: Instruments,
    first_prices_e8: Sequence[int],
    strategy: Strategy,
    limits_file: Path | None,
    cache: tuple[Path, bool],
    *,
    epoch: int,
    lockstep: bool,
    speed: float | None,
    frames_total_n: int,
    process_started_s: float,
    say: Say,
) -> Session:
    """Everything up to the first frame. ``cache`` is what compile_cache.prepare returned."""
    records = instruments.records
    notes = list(instruments.notes)
    if limits_file is None:
        ticks = [
            max(1, price_e8 // int(record.price_grid_e8))
            for price_e8, record in zip(first_prices_e8, records, strict=True)
        ]
        limits = demo_limits(records, ticks)
        notes.append("no risk file given: limits for demonstration, from the first price")
    else:
        limits = load_limits(limits_file, records)
        notes += [f"{limits_file}: nothing trades under {s}" for s in limits.unused_symbols]
    cycles = boot.calibrated()
    region = TelemetryRegion.create(name, mode=mode, strategy=strategy.name, cycles=cycles)
    try:
        region.set_instruments(records)
        say(
            "compiling the loop (once for this version and strategy)"
            if not cache[1]
            else "loading the loop"
        )
        core = boot.make_core(
            records,
            instruments.symbols,
            strategy,
            region.telemetry,
            epoch=epoch,
            cycles=cycles,
        )
        capacities = (
            len(core.ingress.words) * 8,
            len(core.to_clerk.words) * 8,
            len(core.market.slots),
            len(core.gateway.requests.slots),
            len(core.gateway.egress.slots),
            len(core.gateway.reports.slots),
        )
        region.set_rings(list(zip(RING_ROWS, capacities, strict=True)))
        run = boot.compile_loop(core, strategy)
        compile_cache.mark_complete(cache[0])
        limits.write(core.gate.account, core.gate.limits)
        core.gate.account[0].trading_state = TradingState.ACTIVE
        core.control[c.LOCKSTEP] = int(lockstep)
        clerk = Clerk(
            [
                (
                    symbol_text(record.symbol),
                    Market(int(record.market)),
                    int(record.price_grid_e8),
                    int(record.quantity_grid_e8),
                )
                for record in records
            ]
        )
        quarantine = Quarantine()
        desk = ClerkDesk(core, clerk, quarantine)
        loop = HotLoop(core, run, desk)
        say("warming up")
        loop.prepare(lambda: warm_up(run, strategy, cycles))
        boot.prefault(core)
        region.set_process(
            trading_state=TradingState.ACTIVE,
            speed_milli=0 if speed is None else round(speed * 1000),
            frames_total_n=frames_total_n,
            started_ns=time.time_ns(),
        )
        region.set_lifecycle(Lifecycle.RUNNING)
        boot.freeze()
    except BaseException:
        region.close(Lifecycle.FAILED)
        raise
    return Session(
        instruments=instruments,
        strategy=strategy,
        limits=limits,
        core=core,
        region=region,
        loop=loop,
        desk=desk,
        quarantine=quarantine,
        start_s=time.time() - process_started_s,
        warm=cache[1],
        notes=notes,
    )
