"""One run of the loop over frames: instruments, strategy, limits, region, loop, report.

Import only after compile_cache.prepare: everything hot is imported from here on.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from appliance.abi import control as c
from appliance.abi.journal import Journal
from appliance.abi.market import Market
from appliance.abi.refusal import Block
from appliance.abi.telemetry import Lifecycle
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.abi.units import NO_ID, NS_PER_MS
from appliance.cold import boot, mapping
from appliance.cold.capture_region import CaptureRegion
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.compile_cache import Cache
from appliance.cold.control_region import ControlRegion
from appliance.cold.instrument_table import Instruments
from appliance.cold.limits import RiskLimits, demo_limits, give_paper_funds, load_limits
from appliance.cold.loop import Feed, HotLoop
from appliance.cold.placement import ANYWHERE, Placement
from appliance.cold.quarantine import Quarantine
from appliance.cold.recording import Arena
from appliance.cold.ring_region import RingRegion
from appliance.cold.run_journal import RunJournal
from appliance.cold.strategy_loader import Strategy
from appliance.cold.telemetry_region import TelemetryRegion
from appliance.cold.warm_up import warm_up
from appliance.hot.core import Core
from appliance.hot.reporter import RING_ROWS
from appliance.hot.trading_state import rearm, set_phase
from appliance.hot.wire.links import Links, make_links

Say = Callable[[str], None]
# By whether the code is in the cache.
_COMPILING = {True: "loading the loop", False: "compiling the loop (once for this version)"}


@dataclass
class Session:
    """What is running, and what the report is made of."""

    instruments: Instruments
    strategy: Strategy
    limits: RiskLimits
    core: Core
    region: TelemetryRegion
    rings: RingRegion
    control: ControlRegion
    capture: CaptureRegion | None  # of a run over sockets
    links: Links | None
    loop: HotLoop
    desk: ClerkDesk
    quarantine: Quarantine
    start_s: float
    warm: bool
    notes: list[str] = field(default_factory=list)

    def feed(self, arena: Arena) -> Feed:
        """The arena's frames with the instrument of each snapshot told."""
        instruments = self.instruments
        return Feed(self.core, arena, hints_of(arena, instruments.symbols, alone=instruments.alone))

    def close(self, state: Lifecycle = Lifecycle.CLEAN) -> None:
        if self.loop.running:
            self.loop.abandon()
        self.loop.purity.close()
        self.control.close()
        self.rings.close()
        if self.capture is not None:
            self.capture.close()
        self.region.close(state)


def hints_of(
    arena: Arena, symbols: Sequence[str], *, alone: bool
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Instrument of each REST frame, by the recording's hint or as the only one; else -1.

    ``alone``: the recording has no other symbol. One that was chosen among others is not given the
    snapshots that nobody named: on USD-M the others' ids would even fit.
    """
    known = {symbol: i for i, symbol in enumerate(symbols)}
    only = 0 if alone and len(symbols) == 1 else NO_ID
    by_hint = np.array([known.get(name, NO_ID) for name in arena.symbols] + [only], np.int64)
    return np.where(arena.is_rest != 0, by_hint[arena.hints], NO_ID).astype(np.int64)


@dataclass(frozen=True)
class Plan:
    """What a command wants to run."""

    name: str  # of the telemetry region
    mode: str
    instruments: Instruments
    strategy: Strategy
    limits_file: Path | None
    cache: Cache
    speed: float | None  # None: as fast as possible
    frames_total_n: int
    process_started_s: float
    say: Say
    rings_folder: Path | None = None  # None: beside the telemetry region
    epoch: int = 0  # of the client order ids
    live: bool = False  # over sockets
    sends_orders: bool = False  # to the venue; else the paper venue in the loop has them
    book_silence_ms: int = 1500
    answer_timeout_ms: int = 0
    placement: Placement = ANYWHERE
    journal: RunJournal | None = None  # None: nobody will read what happened

    @property
    def loop_journal(self) -> Journal | None:
        """What the loop writes to."""
        return None if self.journal is None else self.journal.journal


def start(plan: Plan) -> Session:
    """Everything up to the first frame."""
    limits, notes = _limits(plan)
    cycles = boot.calibrated()
    region = TelemetryRegion.create(
        plan.name, mode=plan.mode, strategy=plan.strategy.name, cycles=cycles
    )
    rings, control, capture, links = None, None, None, None
    try:
        rings = RingRegion(region.path, plan.rings_folder)
        control = ControlRegion(region.path)
        region.set_instruments(plan.instruments.records)
        plan.say(_COMPILING[plan.cache.warm])
        core = boot.make_core(
            plan.instruments.records,
            plan.instruments.symbols,
            plan.strategy,
            region.telemetry,
            rings.rings,
            epoch=plan.epoch,
            cycles=cycles,
            mailbox=control.mailbox,
            journal=plan.loop_journal,
        )
        region.set_rings(_ring_capacities(core))
        capture, links = _sockets(region, rings) if plan.live else (None, None)
        run = boot.compile_loop(core, plan.strategy, links)
        limits.write(core.gate)
        _set_control(core, plan)
        notes += _begin_journal(core, plan)
        plan.cache.complete()
        quarantine = Quarantine()
        desk = ClerkDesk(core, clerk_of(plan.instruments), quarantine)
        loop = HotLoop(core, run, desk)
        plan.say("warming up")
        loop.prepare(lambda: _rehearse(run, plan, cycles), plan.placement)
        boot.prefault((core, links))
        notes += mapping.lock_all()
        region.set_process(
            trading_state=TradingState.ACTIVE,
            speed_milli=0 if plan.speed is None else round(plan.speed * 1000),
            frames_total_n=plan.frames_total_n,
            started_ns=time.time_ns(),
        )
        boot.freeze()
        region.set_lifecycle(Lifecycle.RUNNING)  # last: whoever waits for it finds it ready
    except BaseException:
        for made in (control, rings, capture):
            if made is not None:
                made.close()
        region.close(Lifecycle.FAILED)
        raise
    return Session(
        instruments=plan.instruments,
        strategy=plan.strategy,
        limits=limits,
        core=core,
        region=region,
        rings=rings,
        control=control,
        capture=capture,
        links=links,
        loop=loop,
        desk=desk,
        quarantine=quarantine,
        start_s=time.time() - plan.process_started_s,
        warm=plan.cache.warm,
        notes=notes,
    )


def _sockets(region: TelemetryRegion, rings: RingRegion) -> tuple[CaptureRegion, Links]:
    capture = CaptureRegion(region.path, region.epoch)
    return capture, make_links(secrets.randbits(62), rings.rings.to_desk, capture.capture)


def _begin_journal(core: Core, plan: Plan) -> list[str]:
    """The loop goes on where the journal ended; what the user should hear."""
    if plan.journal is None:
        return []
    return plan.journal.begin(core, plan.instruments, plan.epoch, live=plan.sends_orders)


def _set_control(core: Core, plan: Plan) -> None:
    """Orders stay blocked until the session has reconciled and knows the venue's clock."""
    account = core.gate.account[0]
    if plan.sends_orders:
        account.session_blocks = int(Block.RECONCILING | Block.CLOCK)
        account.link_blocks = int(Block.LINK | Block.USER_DATA)
    now_ns = time.time_ns()
    rearm(core.gate.account, TradingState.ACTIVE, Cause.START, now_ns)
    phase = Phase.RECONCILING if plan.sends_orders else Phase.READY
    set_phase(core.gate.account, phase, Cause.START, now_ns)
    if not plan.sends_orders:
        give_paper_funds(core.gate)
    control = core.control
    control[c.LOCKSTEP] = int(not plan.live)
    control[c.PAPER] = int(not plan.sends_orders)
    control[c.SILENCE_MAX_NS] = plan.book_silence_ms * NS_PER_MS
    control[c.ANSWER_MAX_NS] = plan.answer_timeout_ms * NS_PER_MS


def _rehearse(run: Callable[[Core], int], plan: Plan, cycles: tuple[int, int]) -> None:
    if not plan.live:
        warm_up(run, plan.strategy, cycles)
        return
    from appliance.cold.live.rehearsal import rehearse

    rehearse(plan.strategy, cycles)


def _limits(plan: Plan) -> tuple[RiskLimits, list[str]]:
    """The risk limits, and what the user should hear about them and the instruments."""
    records = plan.instruments.records
    notes = list(plan.instruments.notes)
    if plan.limits_file is not None:
        limits = load_limits(plan.limits_file, records)
        notes += [f"{plan.limits_file}: nothing trades under {s}" for s in limits.unused_symbols]
        notes += [f"{plan.limits_file}: {line}" for line in limits.off()]
        return limits if plan.live else limits.for_history(), notes
    limits = demo_limits(records, [max(1, n) for n in plan.instruments.first_prices_ticks])
    notes.append("no risk file given: limits for demonstration, from the first price")
    return limits, notes


def _ring_capacities(core: Core) -> list[tuple[str, int]]:
    capacities = (
        len(core.ingress.words) * 8,
        len(core.to_clerk.words) * 8,
        len(core.market.slots),
        len(core.gateway.requests.slots),
        len(core.gateway.egress.slots),
        len(core.gateway.reports.slots),
    )
    return list(zip(RING_ROWS, capacities, strict=True))


def clerk_of(instruments: Instruments) -> Clerk:
    names = ("market", "price_grid_e8", "quantity_grid_e8")
    columns = zip(*(instruments.records[name].tolist() for name in names), strict=True)
    return Clerk(
        [
            (symbol, Market(market), price_grid_e8, quantity_grid_e8)
            for symbol, (market, price_grid_e8, quantity_grid_e8) in zip(
                instruments.symbols, columns, strict=True
            )
        ]
    )
