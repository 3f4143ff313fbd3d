"""The backtest of a live session's recording, as a Course.

It trades from the moment of live's first order on, begins with what live held, and is halted,
reduced or stopped when live was. It is told what the venue told live (answers.py); or, set free,
the simulated venue answers, with latencies like those of live's own orders. Import only after
compile_cache.prepare.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from appliance.abi.history import AT_LOCAL, Happened
from appliance.abi.refusal import Block, Reject
from appliance.abi.trading_state import Cause, TradingState
from appliance.abi.units import NS_PER_MS
from appliance.cold import boot, instrument_table
from appliance.cold.backtest import latencies, run_backtest
from appliance.cold.backtest.engine import Assumptions, Engine, Noted
from appliance.cold.backtest.history import Rows, Source
from appliance.cold.backtest.recordings import Recordings
from appliance.cold.backtest.run_backtest import Plan
from appliance.cold.backtest.wanted import Wanted
from appliance.cold.diff.answers import Answers
from appliance.cold.diff.course import (
    CANCEL,
    PLACE,
    Course,
    Decision,
    Fill,
    Heard,
    OpenOrder,
    Refusal,
    Times,
)
from appliance.cold.diff.live_course import LiveSession
from appliance.cold.errors import ApplianceError
from appliance.cold.exchange_info import load_exchange_info
from appliance.cold.grid import Learnt
from appliance.cold.instrument_table import Instruments
from appliance.cold.journal_start import POSITION_FIELDS
from appliance.cold.replay_command import Screen
from appliance.hot.backtest.latency import Latency, make_latency
from appliance.hot.backtest.venue_state import SCRIPTED
from appliance.hot.core import Core
from appliance.hot.strategy import slot
from appliance.hot.trading_state import rearm

SAMPLE_NS: Final = 100 * NS_PER_MS  # of refusals: how exactly their moment is known
_CANCELS: Final = (Happened.CANCELED, Happened.CANCEL_REJECTED)


@dataclass(frozen=True)
class Replayed:
    course: Course
    heard: Heard
    notes: list[str]


def latency_of(session: LiveSession, shift_ns: int) -> Latency | None:
    """Along those of live's orders; None: none was answered. How long each was on its way there is
    not in the journal: half of the time until the answer."""
    if not len(session.latencies):
        return None
    sent, answered = session.latencies[:, 0] + shift_ns, session.latencies[:, 1] + shift_ns
    return make_latency(np.stack((sent, (sent + answered) // 2, answered), axis=1))


def replayed(
    plan: Plan, session: LiveSession, screen: Screen, *, within_ns: int, is_free: bool
) -> Replayed:
    """``is_free``: the simulated venue answers, not live's own.

    ApplianceError: the recording is not of this session.
    """
    recordings = Recordings(plan.history.wanted)
    instruments = _instruments(recordings, plan.history.wanted, session, screen)
    sources = [_Listening(source) for source in recordings.sources(instruments)]
    # The recorder's clock was so far behind the venue's, by each symbol's messages.
    shifts = recordings.shifts_ns
    shift_ns = max(shifts.values())
    core, notes = run_backtest.ready_core(instruments, plan.strategy, plan.limits_file)
    for i, symbol in enumerate(instruments.symbols):
        if (position := session.positions.get(symbol)) is not None:
            for name in POSITION_FIELDS:
                core.gate.positions[i][name] = position[name]
    core.gate.account[0].session_blocks = int(Block.RECONCILING)
    slot.bind(plan.strategy.on_market)
    boot.compile_strategy(core, plan.strategy)
    assumed = plan.assumed
    latency = latencies.constant(0, 0)  # it is noted down at the moment at which it is sent
    if is_free:
        latency = latency_of(session, shift_ns) or assumed.latency
    engine = Engine(
        core,
        sources,
        [max(1, ticks) for ticks in instruments.first_prices_ticks],
        Assumptions(latency, assumed.queue, assumed.power, assumed.partial_fills, SAMPLE_NS),
    )
    moments = _moments(session, core, shift_ns)
    answers = Answers(session, core, instruments.symbols, shift_ns, within_ns)
    if not is_free:
        engine.sim.venue.words[SCRIPTED] = 1
        moments = sorted(moments + answers.moments(), key=lambda one: one[0])
    with screen.task("running", None) as progress:
        noted = engine.run(lambda n: progress(n, 0), moments)
    course = _course(noted, shifts)
    heard = {
        symbol: source.heard_ns() - shift
        for (symbol, shift), source in zip(shifts.items(), sources, strict=True)
    }
    course.begun_with_lots = dict(session.course.begun_with_lots)
    if not is_free:
        course.fills = session.course.fills
        course.orders.clear()
        answers.open_orders(course)
    for orders in course.orders.values():
        orders.sort()
    return Replayed(course, Heard(heard), notes + recordings.notes())


def _instruments(
    recordings: Recordings, wanted: Wanted, session: LiveSession, screen: Screen
) -> Instruments:
    """On live's own grids: prices in ticks must be the same numbers."""
    with screen.task("reading", None) as progress:
        learnt = {one.symbol: one for one in recordings.learn(progress)}
    made = []
    for symbol in session.symbols:
        if (one := learnt.get(symbol.name)) is None:
            raise ApplianceError(f"the recording has no {symbol.name}, which live traded")
        if (
            one.price_grid_e8 % symbol.price_grid_e8
            or one.quantity_grid_e8 % symbol.quantity_grid_e8
        ):
            raise ApplianceError(f"{symbol.name}: the recording is on another grid than live was")
        made.append(
            Learnt(
                symbol.name,
                one.market,
                symbol.price_grid_e8,
                symbol.quantity_grid_e8,
                one.first_price_e8,
                one.frames_n,
                alone=one.alone,
            )
        )
    info = wanted.exchange_info
    names = tuple(symbol.name for symbol in session.symbols)
    return instrument_table.build(made, load_exchange_info(info) if info else None, names)


class _Listening:
    """A source that remembers when messages came in; its first block is read at once."""

    def __init__(self, source: Source) -> None:
        self._blocks = iter(source.blocks())
        self._first = next(self._blocks, None)
        self._times: list[Times] = []

    def blocks(self) -> Iterator[Rows]:
        for block in self._all():
            self._times.append(np.unique(block[block["kind"] & AT_LOCAL != 0]["local_ns"]))
            yield block

    def _all(self) -> Iterator[Rows]:
        if self._first is not None:
            yield self._first
        yield from self._blocks

    def heard_ns(self) -> Times:
        """Rising."""
        return np.unique(np.concatenate(self._times)) if self._times else np.zeros(0, np.int64)


def _moments(session: LiveSession, core: Core, shift_ns: int) -> list[tuple[int, Any]]:
    """When live began to trade, and what was done to it later."""

    def begin() -> None:
        core.gate.account[0].session_blocks = 0

    def move(state: int, now_ns: int) -> Any:
        return lambda: rearm(core.gate.account, TradingState(state), Cause.OPERATOR, now_ns)

    decisions = session.course.decisions
    first_ns = decisions[0].time_ns if decisions else session.last_ns
    moments = [(first_ns + shift_ns - 1, begin)]
    for time_ns, state in session.states:
        moments.append((time_ns + shift_ns, move(state, time_ns + shift_ns)))
    return sorted(moments, key=lambda one: one[0])


def _course(noted: Noted, shifts: Mapping[str, int]) -> Course:
    """What the venue noted down, in live's own time."""
    symbols = tuple(shifts)
    course = Course()
    begun: dict[int, Any] = {}  # order_key -> its first entry
    left_lots: dict[int, int] = {}
    ends_ns: dict[int, int] = {}
    for entry in noted.log:
        key, event = int(entry.order_key), int(entry.event)
        symbol = symbols[int(entry.instrument)]
        sent_ns = int(entry.sent_ns) - shifts[symbol]
        known_ns = int(entry.local_ns) - shifts[symbol]
        side, ticks, lots = int(entry.side), int(entry.price_ticks), int(entry.quantity_lots)
        if event in _CANCELS:
            course.decisions.append(Decision(sent_ns, symbol, CANCEL, side, ticks, lots))
        elif key not in begun:
            begun[key], left_lots[key] = entry, lots
            course.decisions.append(Decision(sent_ns, symbol, PLACE, side, ticks, lots))
        if event == Happened.FILL:
            course.fills[symbol].append(Fill(known_ns, side * lots, ticks))
            left_lots[key] -= lots
        if event not in (Happened.PLACED, Happened.FILL, Happened.CANCEL_REJECTED) or (
            event == Happened.FILL and left_lots[key] <= 0
        ):
            ends_ns[key] = known_ns
    for key, first in begun.items():
        symbol = symbols[int(first.instrument)]
        start_ns = int(first.sent_ns) - shifts[symbol]
        order = OpenOrder(start_ns, ends_ns.get(key, 0), int(first.side), int(first.price_ticks))
        course.orders[symbol].append(order)
    for name in symbols:
        course.fills[name].sort()
    course.decisions.sort()
    shift_ns = max(shifts.values())
    course.refusals = [
        Refusal(
            "",
            int(one.time_ns) - shift_ns - SAMPLE_NS,
            int(one.time_ns) - shift_ns,
            Reject(int(one.reason)).name.lower(),
        )
        for one in noted.refusals
        if int(one.reason) != Reject.BLOCKED
    ]
    return course
