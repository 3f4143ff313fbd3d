"""One run of the trading process, from the configuration to the report.

Compile before connect: the loop is compiled and rehearsed before the first socket is opened.
"""

import asyncio
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from appliance.abi.operator import Operation, control_path
from appliance.abi.trading_state import Cause, TradingState
from appliance.cold import service_manager, testnet
from appliance.cold import session as loop_session
from appliance.cold.certificate_check import Certified
from appliance.cold.compile_cache import Cache
from appliance.cold.control_region import Answer, NotAnswered, post
from appliance.cold.errors import ApplianceError
from appliance.cold.instrument_table import Instruments
from appliance.cold.live import compiling, venue_rules
from appliance.cold.live.channel import Say
from appliance.cold.live.degradation import Bounds
from appliance.cold.live.endpoints import endpoints_of
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.last_orders import LastOrders
from appliance.cold.live.link_table import LinkTable
from appliance.cold.live.live_session import LiveSession
from appliance.cold.live.loose_threads import LooseThreads
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.recovery import recovery_of
from appliance.cold.live.rest_client import RestClient, rest_tls
from appliance.cold.live.session_report import report
from appliance.cold.live.session_settings import Settings
from appliance.cold.live.stopping import Stopping
from appliance.cold.run_config import RunConfig
from appliance.cold.run_journal import RunJournal
from appliance.cold.strategy_loader import Strategy
from appliance.cold.tls_client import TlsContext, TlsRefused
from appliance.hot.order_text import EPOCH_MAX

HALT_WITHIN_S: Final = 0.2
TELL_WITHIN_S: Final = 5.0
DEGRADE: Final = {"pass": Cause.OVERLOAD, "clock": Cause.CLOCK, "feed": Cause.FEED}


class TradingRun:
    """``run`` once."""

    def __init__(
        self,
        config: RunConfig,
        key: ApiKey | None,
        strategy: Strategy,
        certified: Certified | None,
        cache: Cache,
        rings_folder: Path | None,
        say: Say,
        process_started_s: float,
    ) -> None:
        self._config = config
        self._key = key
        self._strategy = strategy
        self._certified = certified
        self._cache = cache
        self._rings_folder = rings_folder
        self._say = say
        self._started_s = process_started_s
        self._endpoints = endpoints_of(config)
        extra_ca = config.file("venue.extra_ca")
        try:
            self._tls = TlsContext(extra_ca)
            self._rest_tls = rest_tls(extra_ca)
        except (TlsRefused, OSError) as error:
            raise ApplianceError(f"venue.extra_ca: {extra_ca}: {error}") from None
        self._stopped = asyncio.Event()
        self.session: LiveSession | None = None
        self.made: loop_session.Session | None = None
        self._last_orders: LastOrders | None = None
        self._journal: RunJournal | None = None
        self._telling: asyncio.Future[Answer] | None = None  # the oldest of the session's outbox

    def stop(self) -> None:
        """End the run in good order; from the thread of the asyncio loop."""
        self._stopped.set()

    def _on_signal(self, number: int) -> None:
        """A second Ctrl-C, while orders are being cancelled, ends that too."""
        if number == signal.SIGINT and self._last_orders is not None:
            self._last_orders.hurry()
        self.stop()

    async def run(self, seconds: float | None, watch: Callable[[], None] | None = None) -> Any:
        """Until ``seconds`` are over, ``stop``, Ctrl-C or a refusal; the report."""
        asyncio.get_running_loop().set_default_executor(LooseThreads())
        with Stopping() as stopping:
            await compiling.compile_live(self._strategy, self._cache, self._say)
            if (folder := self._config.file("journal.folder")) is not None:
                venue = "" if self._key is None else self._endpoints.rest
                self._journal = RunJournal(folder, self._config.name, self._say, venue)
            rest = RestClient(self._endpoints, self._rest_tls, self._key)
            try:
                self._say(
                    f"asking {self._endpoints.rest} for the rules of {len(self._config.symbols)}"
                )
                instruments = await venue_rules.ask(rest, self._config)
                self._check_certificate(instruments)
                foreign = await self._recover(rest, instruments)
                made = self.made = loop_session.start(self._plan(instruments))
                made.notes += foreign
                stopping.hear(self._on_signal)
                try:
                    return await self._session(made, rest, seconds, watch)
                finally:
                    made.loop.stop()
                    made.loop.join(5.0)
                    made.close()
            finally:
                await rest.close()
                if self._journal is not None:
                    self._journal.close()

    def _check_certificate(self, instruments: Instruments) -> None:
        """A parameter in ticks or lots means something else on another grid. NotCertified."""
        if self._certified is not None:
            grids = venue_rules.grids_of(instruments).items()
            self._certified.check_again({s: (g.price_e8, g.quantity_e8) for s, (_, g) in grids})

    async def _recover(self, rest: RestClient, instruments: Instruments) -> list[str]:
        """Journal and venue agree afterwards; what was found that is not ours."""
        if self._journal is None or self._key is None:
            return []
        self._say("comparing the journal with the venue")
        market, foreign = self._config.market, self._config.values["session.foreign"]
        recovery = recovery_of(rest, instruments, self._journal, market, self._say, foreign)
        await recovery.run()
        return recovery.comparison.foreign

    def _plan(self, instruments: Instruments) -> loop_session.Plan:
        config = self._config
        return loop_session.Plan(
            name=config.name,
            mode=testnet.MODE if config.values["testnet"] else config.mode,
            instruments=instruments,
            strategy=self._strategy,
            limits_file=config.file("risk.file"),
            cache=self._cache._replace(warm=True),
            speed=1.0,
            frames_total_n=0,
            process_started_s=self._started_s,
            say=self._say,
            rings_folder=self._rings_folder,
            # Two runs of one account must differ, also if they start together.
            epoch=1 + secrets.randbelow(EPOCH_MAX),
            live=True,
            sends_orders=self._key is not None,
            book_silence_ms=config.number("session.book_silence_ms"),
            answer_timeout_ms=config.number("session.answer_timeout_ms"),
            journal=self._journal,
            placement=config.placement,
        )

    async def _session(
        self,
        made: loop_session.Session,
        rest: RestClient,
        seconds: float | None,
        watch: Callable[[], None] | None,
    ) -> Any:
        assert made.links is not None
        table = LinkTable(made.links)
        symbols = made.instruments.symbols
        epoch = int(made.core.gateway.templates.epoch[0])
        session = self.session = LiveSession(
            Settings(
                endpoints=self._endpoints,
                symbols=symbols,
                currency=made.limits.currency,
                epoch=epoch,
                silence_s=self._config.number("session.stream_silence_ms") / 1000,
                life_s=self._config.number("session.rotate_after_min") * 60.0,
                alert_pct=self._config.number("session.alert_pct"),
                degrade={
                    cause: Bounds(*self._config.values[f"degrade.{name}_ms"])
                    for name, cause in DEGRADE.items()
                },
                compare_every_s=self._config.number("session.compare_every_s"),
                takes_foreign=self._config.values["session.foreign"] == "take",
                seed=time.time_ns(),
            ),
            made.core,
            table,
            made.desk,
            rest,
            OrderMessages(self._config.market, epoch, venue_rules.grids_of(made.instruments)),
            self._key,
            self._tls,
            self._say,
        )
        session.alerts.tell = made.region.set_limits
        made.loop.start(lambda: False)
        started_s = time.monotonic()
        trades = f"{self._config.mode}: trading {', '.join(symbols)}"
        self._say(f"{trades}; Ctrl-C ends")
        service_manager.ready(trades)

        def is_over() -> bool:
            if watch is not None:
                watch()
            made.region.update_clock()
            self._tell_loop(made, session)
            over = seconds is not None and time.monotonic() - started_s >= seconds
            return over or self._stopped.is_set() or not made.loop.running

        try:
            await session.run(is_over)
        finally:  # whatever ended it: our orders would trade on without us
            try:
                left = await self._cancel_all(session, epoch)
            finally:
                if self._stopped.is_set():
                    made.notes.append("stopped by hand")
                await session.close()
                made.loop.stop()
                made.loop.join(5.0)
                result = report(made, session)
                if self._journal is not None:
                    result["journal"] = self._journal.facts()
                table.free_all()
        result["session"]["left_open"] = left
        return result

    def _tell_loop(self, made: loop_session.Session, session: LiveSession) -> None:
        """The oldest of what the session found out; it is said until the loop has heard it."""
        if self._telling is not None:
            if not self._telling.done():
                return
            if failure := self._telling.exception():
                self._say(f"the loop did not hear of {session.outbox[0].operation.name}: {failure}")
            else:
                session.outbox.popleft()
            self._telling = None
        if session.outbox:
            one = session.outbox[0]
            said = (control_path(made.region.path), one.operation, one.text, TELL_WITHIN_S)
            self._telling = asyncio.ensure_future(asyncio.to_thread(post, *said, one.of_limit))

    async def _cancel_all(self, session: LiveSession, epoch: int) -> list[str]:
        """Nothing of ours stays on the venue's book; client ids of what may. New orders are
        blocked first."""
        if self._key is None:
            return []
        assert self.made is not None
        await _halt(self.made)
        last = self._last_orders = LastOrders(session, epoch)
        await last.cancel()
        self._say(f"cancelled {last.cancelled_n} open orders")
        if left := last.left():
            why = "ended at once: " if last.hurried else ""
            self._say(f"{why}{len(left)} orders may still be open: {', '.join(left)}")
        return left


async def _halt(made: loop_session.Session) -> None:
    """No new order from here on, said to the loop in the way that it is always said."""
    path = control_path(made.region.path)
    try:
        await asyncio.to_thread(post, path, Operation.STOP, "the run ends", HALT_WITHIN_S)
    except (NotAnswered, ApplianceError):  # it stands still, or has ended: nobody else decides
        made.core.gate.account[0].trading_state = TradingState.HALTED
