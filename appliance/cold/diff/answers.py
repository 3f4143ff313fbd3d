"""The venue's answers of a live session, given to a backtest that repeats it.

So a fill that the simulated venue would have guessed otherwise does not make two sessions of one:
what both know is the same, and a decision that differs, differs by itself.

An answer to live's order goes to its twin, the backtest's order with the same side, price and
quantity from the same moment. A fill of an order without one is booked all the same, as live's was.
An order or a cancel that live never sent is refused, as soon as it is clear that live did not.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from appliance.abi.trading import ORDER_SLOT_BITS, OrderState, Report
from appliance.cold.diff.course import CANCEL, Course, OpenOrder
from appliance.cold.diff.live_course import LiveSession, Told
from appliance.hot.core import Core
from appliance.hot.order_reports import FOREIGN_KEY
from appliance.hot.ring import claim, publish

_ENDS: Final = (Report.CANCELED, Report.REJECTED, Report.EXPIRED)


@dataclass
class _Twin:
    key: int  # of the backtest's order
    start_ns: int
    end_ns: int = 0


class Answers:
    """Of one session to the core of its backtest. Times are live's but where ``shift`` says so."""

    def __init__(
        self,
        session: LiveSession,
        core: Core,
        symbols: tuple[str, ...],
        shift_ns: int,
        within_ns: int,
    ) -> None:
        self._session, self._core = session, core
        self._index = {symbol: i for i, symbol in enumerate(symbols)}
        self._shift_ns, self._within_ns = shift_ns, within_ns
        self._twins: dict[int, _Twin] = {}  # by live's key
        self._keys = list(session.intents)
        self._next = 0  # of the keys: live had sent those in front of it
        self._without: list[int] = []  # keys of late, whose twins were not found yet
        self._claimed: set[int] = set()  # keys of the backtest's orders that are twins
        self._booked: dict[int, tuple[int, int]] = {}  # by live's key: lots, value
        self._cancels = sorted(
            (one.time_ns, one.symbol, one.side, one.price_ticks)
            for one in session.course.decisions
            if one.what == CANCEL
        )

    def moments(self) -> list[tuple[int, Any]]:
        """For Engine.run."""
        return [
            (told.time_ns + self._shift_ns, lambda told=told: self._answer(told))
            for told in self._session.reports
        ]

    def open_orders(self, course: Course) -> None:
        """What the backtest had open, as far as live had it too."""
        for live_key, twin in self._twins.items():
            intent = self._session.intents[live_key]
            order = OpenOrder(twin.start_ns, twin.end_ns, intent.side, intent.price_ticks)
            course.orders[intent.symbol].append(order)

    def _answer(self, told: Told) -> None:
        self._refuse_strays(told.time_ns)
        twin = self._twin_of(told.order_key)
        if twin is not None:
            self._push(told, twin.key)
            if told.report in _ENDS or told.is_end:
                twin.end_ns = told.time_ns
        elif told.report == Report.FILL:
            self._push(told, FOREIGN_KEY)

    def _twin_of(self, live_key: int) -> _Twin | None:
        if live_key in self._twins:
            return self._twins[live_key]
        intent = self._session.intents[live_key]
        for key, order in self._live_orders():
            sent_ns = int(order.sent_ns) - self._shift_ns
            if (
                key not in self._claimed
                and int(order.instrument) == self._index[intent.symbol]
                and int(order.side) == intent.side
                and int(order.price_ticks) == intent.price_ticks
                and int(order.quantity_lots) == intent.quantity_lots
                and abs(sent_ns - intent.time_ns) <= self._within_ns
            ):
                self._claimed.add(key)
                self._twins[live_key] = _Twin(key, sent_ns)
                return self._twins[live_key]
        return None

    def _time_of(self, live_key: int) -> int:
        return self._session.intents[live_key].time_ns

    def _live_orders(self) -> list[tuple[int, Any]]:
        table: Any = self._core.gateway.orders.table
        slots = np.flatnonzero(table.state != OrderState.FREE).tolist()
        return [(int(table[s].generation) << ORDER_SLOT_BITS | s, table[s]) for s in slots]

    def _refuse_strays(self, now_ns: int) -> None:
        """Orders and cancels of the backtest that live had not sent within its time."""
        over_ns = now_ns + self._shift_ns - self._within_ns
        while self._next < len(self._keys) and self._time_of(self._keys[self._next]) < now_ns:
            self._without.append(self._keys[self._next])
            self._next += 1
        since_ns = now_ns - 2 * self._within_ns
        self._without = [
            key
            for key in self._without
            if self._twin_of(key) is None and self._time_of(key) >= since_ns
        ]
        for key, order in self._live_orders():
            if key not in self._claimed and int(order.sent_ns) < over_ns:
                self._tell(order, key, Report.REJECTED)
            elif (
                order.cancel_sent and int(order.cancel_ns) < over_ns and not self._cancelled(order)
            ):
                self._tell(order, key, Report.CANCEL_REJECTED)

    def _cancelled(self, order: Any) -> bool:
        """Live cancelled the same order at about the same time."""
        since_ns = int(order.cancel_ns) - self._shift_ns - self._within_ns
        wanted = int(order.instrument), int(order.side), int(order.price_ticks)
        first = bisect_left(self._cancels, (since_ns,))
        last = bisect_left(self._cancels, (since_ns + 2 * self._within_ns + 1,))
        return any(
            (self._index[symbol], side, ticks) == wanted
            for _, symbol, side, ticks in self._cancels[first:last]
        )

    def _push(self, told: Told, key: int) -> None:
        lots, value = self._booked.get(told.order_key, (0, 0))
        more, more_value = told.filled_lots - lots, told.filled_tick_lots - value
        self._booked[told.order_key] = told.filled_lots, told.filled_tick_lots
        is_foreign = key == FOREIGN_KEY
        if is_foreign and more <= 0:
            return
        intent = self._session.intents[told.order_key]
        self._write(
            report=Report.FILL if is_foreign else told.report,
            order_key=key,
            instrument=self._index[intent.symbol],
            side=intent.side,
            price_ticks=more_value // more if more > 0 else told.price_ticks,
            quantity_lots=more if more > 0 else told.quantity_lots,
            tells_total=int(not is_foreign),
            filled_lots=0 if is_foreign else told.filled_lots,
            filled_tick_lots=0 if is_foreign else told.filled_tick_lots,
            venue_ns=told.time_ns + self._shift_ns,
            venue_id=told.venue_id,
        )

    def _tell(self, order: Any, key: int, report: Report) -> None:
        self._write(
            report=report,
            order_key=key,
            instrument=int(order.instrument),
            side=int(order.side),
            venue_ns=int(order.sent_ns),
        )

    def _write(self, **fields: int) -> None:
        ring = self._core.gateway.reports
        at = int(claim(ring))
        assert at >= 0, "the loop empties it before every step"
        record = ring.slots[at]
        for name in record.dtype.names:
            record[name] = int(fields.get(name, 0))
        publish(ring)
