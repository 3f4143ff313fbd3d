"""Before the loop starts: what the journal does not know the venue is asked, until the two agree.

1. Every order whose end the journal does not tell is cancelled, and asked for until its end and all
   that it traded are certain.
2. Open orders that are nobody's we know are foreign: cancelled, or a reason not to start.
3. The account's own trades since the last comparison are ours, or foreign: booked, or a reason
   not to start. Ours must come to what the journal says of their order.
4. On USD-M positions must be what the venue says they are. (On spot there are none; a balance also
   moves by deposits and fees.)

Each finding is a record of the journal before the next question is asked: a kill in between changes
nothing, it is found again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from appliance.abi.journal import JournalKind
from appliance.abi.market import Market
from appliance.abi.trading import OrderState, Report
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_start import symbols_of
from appliance.cold.journal_text import ledger_of, order_text
from appliance.cold.ledger import JournalOrder, Symbol
from appliance.cold.live import venue_rules
from appliance.cold.live.comparison import Comparison, Params
from appliance.cold.live.endpoints import endpoints_of
from appliance.cold.live.inquiry import CERTAIN_S, NO_SUCH_ORDER
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.order_messages import Grid, OrderMessages, Said
from appliance.cold.live.rest_client import (
    Refused,
    RestClient,
    RestError,
    Unclear,
    parsed,
    patiently,
    rest_tls,
)
from appliance.cold.run_config import RunConfig
from appliance.cold.run_journal import RunJournal

TRIES: Final = 5
_ENDED: Final = {
    Report.FILL: (JournalKind.FILL, OrderState.FILLED),
    Report.CANCELED: (JournalKind.CANCELED, OrderState.CANCELED),
    Report.REJECTED: (JournalKind.REFUSED, OrderState.REJECTED),
    Report.EXPIRED: (JournalKind.EXPIRED, OrderState.EXPIRED),
}


class Recovery:
    """``run`` once, before the loop is made."""

    def __init__(
        self,
        rest: RestClient,
        market: Market,
        symbols: list[Symbol],
        journal: RunJournal,
        say: Callable[[str], None],
        *,
        takes_foreign: bool,
    ) -> None:
        """``symbols``: of this run. ``takes_foreign``: cancel and book what is not ours."""
        self._rest = rest
        self._market = market
        self._journal = journal
        self._say = say
        self._began_s = time.monotonic()
        self.comparison = Comparison(
            self._ask, market, symbols, journal, takes_foreign=takes_foreign
        )

    async def run(self) -> None:
        """NotReconciled; ApplianceError: the venue does not answer."""
        try:
            await self._settle_orders()
            comparison = self.comparison
            await comparison.orders()
            told = await patiently(lambda: self._rest.public("/time"), TRIES)
            await comparison.trades(int(parsed("/time", told)["serverTime"]))
            if self._market == Market.USDM:
                await comparison.positions()
        except RestError as error:
            raise ApplianceError(f"cannot compare the journal with the venue: {error}") from None
        except (KeyError, ValueError, TypeError, ArithmeticError) as error:
            text = f"{type(error).__name__}: {error}"
            raise ApplianceError(
                f"an answer of the venue is not what it should be: {text}"
            ) from None

    async def _ask(self, method: str, path: str, params: Params | None = None) -> Any:
        """The document of a signed request. RestError."""
        return await patiently(lambda: self._rest.signed(method, path, params), TRIES)

    # ---- our orders ---------------------------------------------------------------------------

    async def _settle_orders(self) -> None:
        open_orders = list(self._journal.ledger.orders.values())
        for order in open_orders:
            await self._settle(order)
        if open_orders:
            self._say(f"{len(open_orders)} orders of earlier runs are settled")

    async def _settle(self, order: JournalOrder) -> None:
        """Cancel it, or learn how it ended."""
        params: Params = {
            "symbol": order.symbol.name,
            "origClientOrderId": order_text(order.epoch, order.key),
        }
        while True:
            try:
                reply = await self._ask("DELETE", "/order", params)
            except Refused:
                reply = await self._found(params)
            if reply is None:
                self._end(order, Said(Report.REJECTED, order.key, -1))
                return
            said = self._messages(order).order_status(reply, order.key, time.time_ns())
            if said is None:
                raise Unclear(f"/order: a state that nobody knows: {reply.get('status')!r}")
            if said.report in _ENDED:
                self._end(order, said)
                return
            await asyncio.sleep(0.2)  # it is open and could not be cancelled: once more

    async def _found(self, params: Params) -> Any:
        """The order as the venue knows it; None: it never came, for certain."""
        while True:
            try:
                return await self._ask("GET", "/order", params)
            except Refused as refused:
                if refused.code != NO_SUCH_ORDER:
                    raise
            wait_s = CERTAIN_S - (time.monotonic() - self._began_s)
            if wait_s <= 0:
                return None
            await asyncio.sleep(min(wait_s, 0.5))

    def _messages(self, order: JournalOrder) -> OrderMessages:
        """In the units of the session that sent it."""
        symbol = order.symbol
        grid = Grid(symbol.price_grid_e8, symbol.quantity_grid_e8)
        return OrderMessages(self._market, order.epoch, {symbol.name: (0, grid)})

    def _end(self, order: JournalOrder, said: Said) -> None:
        kind, state = _ENDED[said.report]
        lots = max(said.filled_lots, order.filled_lots)
        value = said.filled_tick_lots if lots > order.filled_lots else order.filled_tick_lots
        self._journal.write(
            kind,
            self._journal.index_of(order.symbol),
            side=order.side,
            reason=state,
            order_key=order.key,
            epoch=order.epoch,
            price_ticks=order.price_ticks,
            quantity_lots=order.quantity_lots,
            filled_lots=lots,
            filled_tick_lots=value,
            venue_id=said.venue_id,
        )


def recovery_of(
    rest: RestClient, instruments: Any, journal: RunJournal, market: Market, say: Any, foreign: str
) -> Recovery:
    """For the configured symbols."""
    takes = foreign == "take"
    return Recovery(rest, market, symbols_of(instruments), journal, say, takes_foreign=takes)


async def reconcile(config: RunConfig, key: ApiKey, say: Callable[[str], None]) -> dict[str, Any]:
    """Settle what earlier runs left, without a loop: what the journal adds up to then.

    NotReconciled, ApplianceError.
    """
    folder = config.file("journal.folder")
    assert folder is not None
    journal = RunJournal(folder, config.name, say, endpoints_of(config).rest)
    try:
        tls = rest_tls(config.file("venue.extra_ca"))
        rest = RestClient(endpoints_of(config), tls, key)
        try:
            instruments = await venue_rules.ask(rest, config)
            foreign = config.values["session.foreign"]
            recovery = recovery_of(rest, instruments, journal, config.market, say, foreign)
            await recovery.run()
        finally:
            await rest.close()
        notes = [*journal.notes, *recovery.comparison.foreign]
        return {**ledger_of(journal.ledger), "notes": notes}
    except OSError as error:
        raise ApplianceError(f"venue.extra_ca: {error}") from None
    finally:
        journal.close()
