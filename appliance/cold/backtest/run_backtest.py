"""One backtest from plan to result. Import only after compile_cache.prepare."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.abi.history import Queue
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.cold import boot
from appliance.cold.backtest import latencies
from appliance.cold.backtest.engine import Assumptions, Engine
from appliance.cold.backtest.inputs import History
from appliance.cold.backtest.ledger import Fees, ledger_of
from appliance.cold.backtest.outcome import Outcome
from appliance.cold.backtest.request import Request, queue_of
from appliance.cold.backtest.results import remarks_of, results_of
from appliance.cold.instrument_table import Instruments
from appliance.cold.limits import demo_limits, give_paper_funds, load_limits
from appliance.cold.replay_command import Screen
from appliance.cold.strategy_loader import Strategy
from appliance.hot.core import Core
from appliance.hot.rings import make_rings
from appliance.hot.strategy import slot
from appliance.hot.telemetry import make_telemetry
from appliance.hot.trading_state import rearm, set_phase


@dataclass(frozen=True)
class Plan:
    """What a command wants to run."""

    history: History
    strategy: Strategy
    limits_file: Path | None
    assumed: Assumptions
    assumptions: dict[str, Any]  # the same, and the fees, as the result tells them
    fees: Fees
    capital_e8: int


def plan_of(request: Request, strategy: Strategy) -> Plan:
    """The same as objects. ApplianceError: a file of latencies that is none."""
    latency, told = latencies.parse(request.latency)
    queue, exponent = queue_of(request.queue)
    return Plan(
        History(request.wanted),
        strategy,
        Path(request.limits) if request.limits else None,
        Assumptions(
            latency, Queue[queue.upper()], exponent, request.partial_fills, request.sample_ns
        ),
        {"latency": told, **request.assumptions},
        Fees(request.maker, request.taker),
        request.capital_e8,
    )


def learn(plan: Plan, screen: Screen) -> Instruments:
    """What the history is of. ApplianceError: whatever is wrong with it."""
    with screen.task("reading", None) as progress:
        return plan.history.learn(progress)


def run(plan: Plan, instruments: Instruments, screen: Screen, *, warm: bool) -> Outcome:
    """Once through the history. ApplianceError for whatever is wrong with the request."""
    history, strategy = plan.history, plan.strategy
    core, notes = ready_core(instruments, strategy, plan.limits_file)
    prices = [max(1, ticks) for ticks in instruments.first_prices_ticks]
    slot.bind(strategy.on_market)
    screen.say("loading the engine" if warm else "compiling the engine (once for this version)")
    boot.compile_strategy(core, strategy)
    sources = history.sources(instruments)
    engine = Engine(core, sources, prices, plan.assumed)
    with screen.task("running", None) as progress:
        noted = engine.run(lambda rows_n: progress(rows_n, 0))
    ledger = ledger_of(noted, core, plan.fees, plan.capital_e8)
    result = results_of(noted, core, instruments.symbols, ledger, plan.assumed.sample_ns)
    result["strategy"] = {"name": strategy.name, "params": strategy.values}
    result["assumptions"] = plan.assumptions
    result["notes"] = notes + history.notes() + remarks_of(noted, ledger, instruments.symbols)
    return Outcome(instruments, noted, ledger, result)


def ready_core(
    instruments: Instruments, strategy: Strategy, limits_file: Path | None
) -> tuple[Core, list[str]]:
    """A core that may trade under the limits of the file, or those for demonstration."""
    records, symbols = instruments.records, instruments.symbols
    telemetry, rings = make_telemetry(len(symbols)), make_rings(1 << 20)
    core = boot.make_core(records, symbols, strategy, telemetry, rings, epoch=0)
    notes = list(instruments.notes)
    if limits_file is not None:
        limits = load_limits(limits_file, records)
        notes += [f"{limits_file}: nothing trades under {s}" for s in limits.unused_symbols]
        notes += [f"{limits_file}: {line}" for line in limits.off()]
        limits = limits.for_history()
    else:
        limits = demo_limits(records, [max(1, n) for n in instruments.first_prices_ticks])
        notes.append("no risk file given: limits for demonstration, from the first price")
    limits.write(core.gate)
    give_paper_funds(core.gate)
    rearm(core.gate.account, TradingState.ACTIVE, Cause.START, 0)
    set_phase(core.gate.account, Phase.READY, Cause.START, 0)
    return core, notes
