"""The engine of one market: clients' orders through the matching engines, and what comes of them.

It is told the time and never asks for it. Market data goes to ``publish``, user data to
``settlement.deliver``, while it happens.
"""

import heapq
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from appliance.abi.market import Market
from appliance.abi.units import NS_PER_MS, NS_PER_S
from appliance.cold.synthetic.matching import Order, Prevention
from appliance.cold.synthetic.tape import Aggregate, Print, Touch
from appliance.cold.venue.account import Account
from appliance.cold.venue.execution import Reports
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Draft
from appliance.cold.venue.refusal import (
    INVALID_SYMBOL,
    UNKNOWN_ORDER,
    Refused,
    failed_filter,
    rejected,
)
from appliance.cold.venue.settlement import Settlement

_ASLEEP_NS: Final = 5 * NS_PER_S  # behind the clock by more: no catching up


class Printed(NamedTuple):
    """What one action put on an instrument's tape."""

    instrument: Instrument
    at_ns: int
    prints: list[Print]
    aggregates: list[Aggregate]
    touch: Touch | None


Publish = Callable[[Printed], None]


class Exchange:
    """One market: its instruments, its accounts."""

    def __init__(self, market: Market, instruments: Sequence[Instrument], reports: Reports) -> None:
        self.market = market
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.accounts: list[Account] = []
        self.moves = True  # False: nobody but clients acts
        self.publish: Publish = lambda _printed: None
        self.on_first_fill: Callable[[Account], None] = lambda _account: None  # of an order
        self.settlement = Settlement(reports)
        self._order_id = 10_000_000_000
        # by owner: what an action has traded that is not booked yet, as the engine goes on
        self._unbooked: dict[int, int] = {}
        for instrument in instruments:
            instrument.engine.allow = partial(self._allow, instrument)
        self._due = [(i.source.next_ns, n, i) for n, i in enumerate(instruments)]
        heapq.heapify(self._due)
        self._timers: list[tuple[int, int]] = []  # good till (ns), order id
        self._countdowns: dict[tuple[int, str], int] = {}  # (owner, symbol): when to cancel (ns)

    def instrument(self, symbol: str) -> Instrument:
        """Refused (-1121) if it is not listed."""
        found = self.instruments.get(symbol)
        if found is None:
            raise Refused(*INVALID_SYMBOL)
        return found

    def advance(self, now_ns: int) -> None:
        """Let the market act up to ``now_ns``, and do what clients' orders have due."""
        while self.moves and self._due[0][0] <= now_ns:
            due_ns, number, instrument = self._due[0]
            taker = instrument.source.act()
            self._settle(instrument, None, taker, due_ns)
            if instrument.source.next_ns < now_ns - _ASLEEP_NS:
                instrument.source.resume(now_ns)
            heapq.heapreplace(self._due, (instrument.source.next_ns, number, instrument))
        while self._timers and self._timers[0][0] <= now_ns:
            _, order_id = heapq.heappop(self._timers)
            for account in self.accounts:
                if order_id in account.open:
                    self.expire(account.open[order_id], now_ns)
        for (owner, symbol), at_ns in list(self._countdowns.items()):
            if at_ns <= now_ns:
                del self._countdowns[owner, symbol]
                for order in self.accounts[owner - 1].open_of(symbol):
                    self.cancel(order, now_ns)

    @property
    def next_ns(self) -> int:
        """When the market acts next."""
        return self._due[0][0]

    def count_down(self, account: Account, symbol: str, at_ns: int) -> None:
        """Cancel all orders of the account in ``symbol`` at ``at_ns``; 0: not any more."""
        if at_ns:
            self._countdowns[account.owner, symbol] = at_ns
        else:
            self._countdowns.pop((account.owner, symbol), None)

    def place(self, account: Account, draft: Draft, now_ns: int) -> ClientOrder:
        """Take an order; it may have ended when this returns. Raises Refused."""
        instrument = self.instrument(draft.symbol)
        lots = self.check(account, draft)
        self._order_id += 1
        order = ClientOrder(self._order_id, account, draft, lots, now_ns, now_ns)
        self.settlement.begin(instrument, order, now_ns)
        if draft.time_in_force == "FOK" and not self._fills(instrument, account, draft):
            order.expiry_reason = "UNFILLED_FOK_ORDER_EXPIRED"
            self._end(instrument, order, "EXPIRED", now_ns)
            return order
        limit_ticks = draft.price_ticks or self._worst_ticks(instrument, draft.side)
        if limit_ticks and lots:
            order.number = instrument.engine.place(
                draft.side,
                limit_ticks,
                lots,
                rests=draft.rests,
                owner=account.owner,
                prevention=draft.prevention,
            )
            if order.number:
                instrument.resting[order.number] = order
            self._settle(instrument, order, draft.side, now_ns)
        if order.is_open and not order.number:
            order.expiry_reason = (
                "UNFILLED_IOC_QUANTITY_EXPIRED" if draft.price_ticks else "INSUFFICIENT_LIQUIDITY"
            )
            self._end(instrument, order, "EXPIRED", now_ns)
        elif order.is_open and draft.good_till_ms:
            heapq.heappush(self._timers, (draft.good_till_ms * NS_PER_MS, order.order_id))
        return order

    def check(self, account: Account, draft: Draft) -> int:
        """All that the engine asks of an order before it takes it; its lots. Raises Refused."""
        instrument = self.instrument(draft.symbol)
        if any(order.draft.client_id == draft.client_id for order in account.open.values()):
            if self.market == Market.USDM:
                raise Refused(-4116, "ClientOrderId is duplicated.")
            raise rejected("Duplicate order sent.")
        if draft.post_only and self._available(instrument, draft):
            if self.market == Market.USDM:
                raise Refused(
                    -5022,
                    "Due to the order could not be executed as maker, the Post Only order will be"
                    " rejected. The order will not be recorded in the order history",
                )
            raise rejected("Order would immediately match and take.")
        lots, worst_e8 = self._cost(instrument, account, draft)
        if not lots and draft.quote_e8:
            raise failed_filter("LOT_SIZE")
        account.check(instrument, draft, lots, worst_e8)
        killed = draft.time_in_force == "FOK" and not self._fills(instrument, account, draft)
        if killed and self.market == Market.USDM:
            raise Refused(
                -5021,
                "Due to the order could not be filled immediately, the FOK order has been"
                " rejected. The order will not be recorded in the order history",
            )
        return lots

    def cancel(self, order: ClientOrder, now_ns: int, cancel_id: str = "") -> None:
        """Take an order back. Refused (-2011) if it is not open."""
        if not order.is_open:
            raise Refused(*UNKNOWN_ORDER)
        order.canceled_by = cancel_id
        self._withdraw(order, "CANCELED", now_ns)

    def expire(self, order: ClientOrder, now_ns: int) -> None:
        """The venue ends an open order."""
        self._withdraw(order, "EXPIRED", now_ns)

    def _withdraw(self, order: ClientOrder, kind: str, now_ns: int) -> None:
        instrument = self.instruments[order.draft.symbol]
        instrument.engine.cancel(order.number)
        self._record(instrument, 0, now_ns)
        self._end(instrument, order, kind, now_ns)

    def _end(self, instrument: Instrument, order: ClientOrder, kind: str, now_ns: int) -> None:
        instrument.resting.pop(order.number, None)
        self.settlement.end(instrument, order, kind, now_ns)

    def _available(self, instrument: Instrument, draft: Draft) -> int:
        """Lots that the order could take at its limit."""
        limit_ticks = draft.price_ticks or self._worst_ticks(instrument, draft.side)
        return instrument.engine.half(-draft.side).lots_up_to(limit_ticks)

    def _worst_ticks(self, instrument: Instrument, side: int) -> int:
        """The far end of the other half: the limit of a market order; 0: it is empty."""
        other = instrument.engine.half(-side)
        return other.keys[0] * other.sign if other.keys else 0

    def _fills(self, instrument: Instrument, account: Account, draft: Draft) -> bool:
        """True if all of the order can trade: orders of the same owner are in its way."""
        left = draft.lots
        for order in instrument.engine.reach(draft.side, draft.price_ticks):
            if not _gives_way(order, account, draft):
                if order.owner == account.owner and draft.prevention != Prevention.NONE:
                    return False
                left -= order.lots
            if left <= 0:
                return True
        return False

    def _cost(self, instrument: Instrument, account: Account, draft: Draft) -> tuple[int, int]:
        """Lots, and the most that they can cost in the quote asset.

        A market order is worked out order by order: nothing moves before it is placed.
        """
        if draft.price_ticks:
            return draft.lots, instrument.quote_e8(draft.price_ticks, draft.lots)
        lots = cost_e8 = 0
        worst_ticks = self._worst_ticks(instrument, draft.side)
        for order in instrument.engine.reach(draft.side, worst_ticks):
            if _gives_way(order, account, draft):
                continue
            if draft.quote_e8:
                lot_e8 = max(1, instrument.quote_e8(order.price_ticks, 1))
                taken = min(order.lots, (draft.quote_e8 - cost_e8) // lot_e8)
            else:
                taken = min(order.lots, draft.lots - lots)
            lots += taken
            cost_e8 += instrument.quote_e8(order.price_ticks, taken)
            if taken < order.lots:
                break
        return (lots, draft.quote_e8) if draft.quote_e8 else (draft.lots, cost_e8)

    def _settle(
        self, instrument: Instrument, order: ClientOrder | None, side: int, now_ns: int
    ) -> None:
        """Book what the engine just did; ``order`` is the client's that took, if it was one's."""
        engine = instrument.engine
        fills, prevented = engine.fills, engine.prevented
        prints = self._record(instrument, side if fills else 0, now_ns)
        touched: dict[int, ClientOrder] = {}
        for fill, trade in zip(fills, prints, strict=True) if prints else ():
            maker = instrument.resting.get(fill.maker)
            if order is not None:
                self._fill(instrument, order, trade, False, now_ns)
            if maker is not None:
                self._fill(instrument, maker, trade, True, now_ns)
                touched[maker.order_id] = maker
        for match in prevented if order is not None else ():
            assert order is not None
            maker = instrument.resting[match.maker]
            self.settlement.prevent(instrument, maker, order, match, now_ns)
            if not maker.is_open:
                instrument.resting.pop(match.maker, None)
        engine.fills, engine.prevented = [], []
        self._unbooked.clear()
        for maker in touched.values():
            self._trim(instrument, maker.account, now_ns)
        if order is not None and fills:
            self._trim(instrument, order.account, now_ns)

    def _fill(
        self, instrument: Instrument, order: ClientOrder, trade: Print, maker: bool, now_ns: int
    ) -> None:
        if not order.filled_lots:
            self.on_first_fill(order.account)
        self.settlement.fill(instrument, order, trade, maker, now_ns)
        if not order.is_open:
            instrument.resting.pop(order.number, None)

    def _allow(self, instrument: Instrument, maker: Order, lots: int) -> int:
        """Lots that a client's resting order may trade: a reduce-only one closes and no more."""
        order = instrument.resting[maker.number]
        side, owner = order.draft.side, order.account.owner
        unbooked = self._unbooked.get(owner, 0)
        if order.draft.reduce_only:
            lots = min(lots, order.account.closable(instrument, side, unbooked))
        self._unbooked[owner] = unbooked + side * lots
        return lots

    def _trim(self, instrument: Instrument, account: Account, now_ns: int) -> None:
        """Reduce-only orders that would no longer only reduce are ended, the newest first."""
        for order in reversed(account.open_of(instrument.symbol)):
            if order.draft.reduce_only and order.number and not account.may_reduce(instrument):
                self.expire(order, now_ns)

    def _record(self, instrument: Instrument, taker: int, now_ns: int) -> list[Print]:
        """Onto the tape, and out."""
        before_id = instrument.tape.last_id
        prints, aggregates, touch = instrument.tape.note(now_ns, taker)
        instrument.prints.extend(prints)
        instrument.aggregates.extend(aggregates)
        if instrument.tape.last_id != before_id:
            self.publish(Printed(instrument, now_ns, prints, aggregates, touch))
        return prints


def _gives_way(order: Order, account: Account, draft: Draft) -> bool:
    """True if self-trade prevention takes ``order`` out, for what comes to trade past it."""
    return order.owner == account.owner and draft.prevention == Prevention.EXPIRE_MAKER
