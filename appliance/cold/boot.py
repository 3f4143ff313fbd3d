"""Makes a loop that is ready to run: map, compile, warm up, pre-fault, freeze.

Everything happens before the first real frame: afterwards nothing is compiled, allocated or faulted
in. Import this module only after compile_cache.prepare.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numba
import numpy as np

from appliance.abi import control as c
from appliance.abi.journal import Journal, make_journal
from appliance.abi.layout import records
from appliance.abi.limits import BEATS_N
from appliance.abi.market import MARKET
from appliance.abi.operator import BEATS, CONTROL_BYTES, Mailbox, mailbox_in
from appliance.abi.strategy import OWN
from appliance.abi.trading import POSITION
from appliance.abi.units import NO_ID
from appliance.cold.clock import calibrate_cycles
from appliance.cold.errors import ApplianceError
from appliance.cold.strategy_loader import Strategy, make_state
from appliance.cold.strategy_source import explain_compile_error
from appliance.hot.book.levels import make_books
from appliance.hot.broadcast import make_cursor
from appliance.hot.core import Core
from appliance.hot.decode.frame import configure, make_decoder
from appliance.hot.gate import make_gate
from appliance.hot.gateway import make_gateway
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.notes import make_notes
from appliance.hot.order_text import make_templates
from appliance.hot.orders import make_orders
from appliance.hot.paper import make_paper
from appliance.hot.rings import Rings
from appliance.hot.strategy import slot
from appliance.hot.strategy.api import make_intents
from appliance.hot.telemetry import Telemetry
from appliance.hot.wire.links import Links

UNREAD_RECORDS: Final = 1024
BEHIND_NS: Final = 100_000  # what a burst of fifty messages takes, orders and all
SILENCE_MAX_NS: Final = 1_500_000_000  # a live USD-M feed was silent for 1 s once


def make_core(
    instruments: Any,
    symbols: Sequence[str],
    strategy: Strategy,
    telemetry: Telemetry,
    rings: Rings,
    *,
    epoch: int,
    cycles: tuple[int, int] = (0, 0),
    mailbox: Mailbox | None = None,
    journal: Journal | None = None,
) -> Core:
    """Every array of a loop over INSTRUMENT records, HALTED and with no limit set.

    ``mailbox``, ``journal``: None: one that nobody else can see, and that overwrites itself.
    """
    n = len(instruments)
    decoder = make_decoder(instruments)
    books = make_books(n)
    for i, symbol in enumerate(symbols):
        configure(decoder, symbol, i)
        books.heads[i].market = instruments[i].market
    positions = records(n, POSITION)
    mailbox = mailbox or mailbox_in(np.zeros(CONTROL_BYTES, np.uint8))
    gate = make_gate(instruments, positions, n)
    gate = gate._replace(beats=mailbox.words[BEATS : BEATS + BEATS_N])
    latest = records(n, MARKET)
    for i in range(n):
        latest[i].symbol[:] = instruments[i].symbol[:2]
        latest[i].instrument = i
        latest[i].touch_id = -1
    gateway = make_gateway(
        make_orders(),
        positions,
        gate.account,
        make_templates(instruments, epoch),
        rings.requests,
        rings.egress,
        rings.reports,
        rings.from_desk,
        journal or make_journal(UNREAD_RECORDS),
    )
    return Core(
        control=_make_control(strategy, cycles),
        time_spec=np.zeros(2, np.int64),
        ingress=rings.ingress,
        to_clerk=rings.to_clerk,
        from_clerk=rings.from_clerk,
        decoder=decoder,
        books=books,
        latest=latest,
        market=rings.market,
        trade_ids=np.full((n, 2), NO_ID, np.int64),
        unshown=np.zeros(n, np.int64),
        cursor=make_cursor(rings.market, from_start=True),
        seen=records(1, MARKET),
        own=records(1, OWN),
        params=strategy.params,
        state=make_state(strategy, n),
        intents=make_intents(),
        gate=gate,
        gateway=gateway,
        paper=make_paper(n),
        notes=make_notes(),
        telemetry=telemetry,
        mailbox=mailbox,
    )


def _make_control(
    strategy: Strategy, cycles: tuple[int, int]
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    control = np.zeros(c.CONTROL_WORDS, np.int64)
    control[c.SILENCE_MAX_NS], control[c.BEHIND_NS] = SILENCE_MAX_NS, BEHIND_NS
    control[c.CYCLES_MULT], control[c.CYCLES_SHIFT] = cycles
    control[c.PAPER] = c.Matching.PAPER
    control[c.EVENTS_WANTED], control[c.TIMER_NS] = strategy.events, strategy.timer_ns
    control[c.LEVELS_WANTED] = int(strategy.reads_levels)
    return control


def calibrated() -> tuple[int, int]:
    return calibrate_cycles()


def compile_loop(
    core: Core, strategy: Strategy, links: Links | None = None
) -> Callable[[Core], int]:
    """Binds the strategy and compiles the loop (or loads it): calls it once, stopped.

    With ``links`` it is the loop over sockets. Raises ApplianceError if the strategy does not
    compile, naming its line.
    """
    gc.disable()  # a million small objects of the compiler: nothing of it is garbage before the end
    slot.bind(strategy.on_market)
    compile_strategy(core, strategy)
    from appliance.hot import duty_cycle

    run: Callable[[Core], int] = duty_cycle.run
    if links is not None:
        over_sockets: Callable[[Core, Links], int] = duty_cycle.run_live

        def run(core: Core) -> int:
            return over_sockets(core, links)

    assert core.control[c.COMMAND] == c.Command.STOP
    run(core)
    return run


def compile_strategy(core: Core, strategy: Strategy) -> None:
    """The strategy alone and first: its mistakes are told in a second, not after a minute."""
    if JIT_DISABLED:
        return
    arguments = (core.seen[0], core.own[0], core.params[0], core.state[0], core.intents)
    try:
        slot.on_market.compile(tuple(numba.typeof(argument) for argument in arguments))
    except Exception as error:  # the compiler raises KeyErrors of its own, too
        line = strategy.on_market.__code__.co_firstlineno
        raise ApplianceError(explain_compile_error(error, strategy.source, line)) from None


def prefault(value: Any) -> None:
    """Writes to every page of every array, so that the loop never waits for one."""
    for array in _arrays_of(value):
        if array.size:
            flat = np.asarray(array).reshape(-1).view(np.uint8)
            flat[::4096] |= 0
            flat[-1:] |= 0


class Checkpoint:
    """The state of a core as it was, to start again from: all but telemetry and frames."""

    def __init__(self, core: Core) -> None:
        words = (c.NOW_NS, c.SILENCE_DUE_NS, c.TIMER_DUE_NS)  # the rest of control is the run's
        now = tuple(core.control[word : word + 1] for word in words)
        apart = ("control", "ingress", "telemetry", "mailbox")
        parts = [part for name, part in core._asdict().items() if name not in apart]
        kept = (now, core.ingress.header, *parts)
        self._arrays = [(array, array.copy()) for array in _arrays_of(kept)]

    def restore(self) -> None:
        """Puts everything back, in place and without allocating."""
        for array, copy in self._arrays:
            np.copyto(array, copy)


def _arrays_of(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _arrays_of(part)
    elif isinstance(value, np.ndarray):
        yield value


def freeze() -> None:
    """No garbage collection from here on; what exists is never looked at again.

    The compiler's garbage stays: to look for it takes a second, and gives no page back.
    """
    gc.freeze()
    gc.disable()
