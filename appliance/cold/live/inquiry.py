"""Asks the venue what became of orders: the unknown ones, and all of them after a blind moment."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from appliance.abi.trading import ORDER_SLOT_BITS, OrderState, Report
from appliance.cold.live.order_messages import OrderMessages, Said
from appliance.cold.live.report_sink import ReportSink
from appliance.cold.live.rest_client import MustWait, Refused, RestClient, RestError, Unclear
from appliance.hot.order_text import client_id
from appliance.hot.orders import Orders

# The venue refuses what is older when it arrives, and looks again before its engine takes it
# (binance-protocol 3, recvWindow default): so later it can say for certain that it never came.
RECEIVE_WINDOW_MS: Final = 5000
CERTAIN_S: Final = (RECEIVE_WINDOW_MS + 1500) / 1000
NO_SUCH_ORDER: Final = -2013
ASK_AGAIN_S: Final = 0.5
# A message about an order may be lost on a connection that seems alive: who is live is asked for
# now and then, whatever is known of it; not all at once.
LOOK_AGAIN_S: Final = 20.0
LOOKS_APART_S: Final = 0.1
SIDE_BY_SIDE: Final = 8  # cancels at the end
CANCEL_ONE_S: Final = 3.0  # then it is tried again, on another connection if need be
_ANSWER_S: Final = 60.0  # an answer is waited for so long at most


@dataclass(frozen=True)
class Doubt:
    """A live order, as the table shows it."""

    key: int
    instrument: int
    seen_s: float  # since when it is known here; time.monotonic, which no clock step can move


class Inquiry:
    """Reads the loop's order table (each word whole, nothing more) and asks by client order id."""

    def __init__(
        self,
        orders: Orders,
        symbols: tuple[str, ...],
        epoch: int,
        rest: RestClient,
        messages: OrderMessages,
        sink: ReportSink,
    ) -> None:
        self._orders = orders
        self._symbols = symbols
        self._epoch = epoch
        self._rest = rest
        self._messages = messages
        self._sink = sink
        self._not_before_s: dict[int, float] = {}  # order key: it is not asked for earlier
        self._seen_s: dict[int, float] = {}  # order key: when it was first seen
        self._looked_s: dict[int, float] = {}  # order key: when it was asked for without a doubt
        self._next_look_s = 0.0
        self.asked_n = 0
        self.failed = ""  # why the last question had no answer

    def due(self) -> list[Doubt]:
        """Orders that are to be asked for now; each is ``settle``d once.

        The unknown ones, and now and then one of which nothing was asked for long.
        """
        now_s = time.monotonic()
        doubts = self.live(unknown_only=True)
        keys = {doubt.key for doubt in doubts}
        self._not_before_s = {k: s for k, s in self._not_before_s.items() if k in keys}
        due = [doubt for doubt in doubts if self._not_before_s.get(doubt.key, 0.0) <= now_s]
        for doubt in due:
            self._not_before_s[doubt.key] = now_s + _ANSWER_S
        return due or self._long_unseen(now_s, keys)

    def _long_unseen(self, now_s: float, unknown: set[int]) -> list[Doubt]:
        """The order that was not looked at for longest, if that is long enough."""
        if now_s < self._next_look_s:
            return []
        self._next_look_s = now_s + LOOKS_APART_S
        live = [doubt for doubt in self.live(unknown_only=False) if doubt.key not in unknown]
        looked_s = {d.key: self._looked_s.get(d.key, d.seen_s) for d in live}
        self._looked_s = looked_s
        longest = min(live, key=lambda d: looked_s[d.key], default=None)
        if longest is None or now_s - looked_s[longest.key] < LOOK_AGAIN_S:
            return []
        looked_s[longest.key] = now_s
        return [longest]

    async def settle(self, doubt: Doubt) -> None:
        """Ask; without an answer that is certain, allow the next question in a while."""
        self.asked_n += 1
        wait_s = ASK_AGAIN_S
        try:
            await self.ask(doubt)
        except RestError as error:
            self.failed = str(error)
            if isinstance(error, MustWait):
                wait_s = max(wait_s, error.seconds)
        self._not_before_s[doubt.key] = time.monotonic() + wait_s

    async def cancel_all(self, gone: set[int] | None = None) -> int:
        """Cancel every live order over REST, a few side by side; how many there were.

        ``gone``: keys to leave alone; those that the venue has cancelled are added. An order that
        cannot be cancelled has ended, and its report was lost, or it has not arrived yet: it is
        asked for.
        """
        few = asyncio.Semaphore(SIDE_BY_SIDE)
        cancelled = set() if gone is None else gone

        async def cancel(doubt: Doubt) -> None:
            try:
                async with few, asyncio.timeout(CANCEL_ONE_S):
                    try:
                        reply = await self._rest.signed("DELETE", "/order", self._params(doubt))
                    except Refused:
                        await self.ask(doubt)
                        return
                cancelled.add(doubt.key)
                said = self._messages.order_status(reply, doubt.key, time.time_ns())
                if said is not None:
                    self._sink.push(said)
            except (RestError, TimeoutError) as error:
                self.failed = str(error) or "/order: no answer in time"
            except (KeyError, ValueError, TypeError, ArithmeticError) as error:
                self.failed = f"/order: {type(error).__name__}: {error}"  # cancelled all the same

        doubts = [doubt for doubt in self.live(unknown_only=False) if doubt.key not in cancelled]
        await asyncio.gather(*map(cancel, doubts))
        return len(doubts)

    def _params(self, doubt: Doubt) -> dict[str, str | int]:
        return {
            "symbol": self._symbols[doubt.instrument],
            "origClientOrderId": client_id(self._epoch, doubt.key),
        }

    def live(self, *, unknown_only: bool) -> list[Doubt]:
        """Orders that are exposure; a report for one that has just ended is a stray, no more."""
        table = self._orders.table
        states = table["state"].copy()
        now_s, seen_s = time.monotonic(), {}
        wanted = []
        for slot in (states != OrderState.FREE).nonzero()[0].tolist():
            order = table[slot]
            key = int(order.generation) << ORDER_SLOT_BITS | slot
            seen_s[key] = self._seen_s.get(key, now_s)
            if not unknown_only or states[slot] == OrderState.UNKNOWN:
                wanted.append(Doubt(key, int(order.instrument), seen_s[key]))
        self._seen_s = seen_s
        return wanted

    async def ask(self, doubt: Doubt) -> bool:
        """Ask for one order and pass the answer on. False: it may still come. RestError: no answer.

        What counts is its age when the question left: while the answer travels it may arrive.
        """
        age_s = time.monotonic() - doubt.seen_s
        try:
            order = await self._rest.signed("GET", "/order", self._params(doubt))
        except Refused as refused:
            if refused.code != NO_SUCH_ORDER:
                raise
            if age_s < CERTAIN_S:
                return False
            # One that was open is no order that the venue rejects: it is in doubt first.
            self.doubt(doubt)
            self._push(Report.REJECTED, doubt)
            return True
        try:
            said = self._messages.order_status(order, doubt.key, time.time_ns())
            if said is not None:
                self._sink.push(said)
        except (KeyError, ValueError, TypeError, ArithmeticError) as error:
            raise Unclear(f"/order: {type(error).__name__}: {error}") from None
        if said is None:
            raise Unclear("/order: a symbol or a state that nobody knows")
        return True

    def doubt(self, doubt: Doubt) -> None:
        """Call the order UNKNOWN, whatever it was: it is ``due`` until there is an answer."""
        self._push(Report.UNKNOWN, doubt)

    def _push(self, report: Report, doubt: Doubt) -> None:
        self._sink.push(Said(report, doubt.key, doubt.instrument, venue_ns=time.time_ns()))
