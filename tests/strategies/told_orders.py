"""An order's life as the venue tells it, message by message, and the code that hears it."""

from dataclasses import dataclass, field
from random import Random

import numpy as np

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.layout import records
from appliance.abi.trading import POSITION, REPORT, OrderState, Report, Side
from appliance.hot.order_reports import apply_report
from appliance.hot.orders import LIVE_N, key_of, make_orders, open_order, open_orders_n, slot_of
from appliance.hot.own_orders import NONE

SPOT, USDM = True, False  # whether reports of fills tell what all of them were worth


@dataclass
class Told:
    """One message of the venue, as plain numbers."""

    report: int
    price: int = 0
    lots: int = 0
    tells_total: int = 1
    total: int = 0
    worth: int = 0


@dataclass
class VenueOrder:
    """The truth: an order of ``lots`` and what happened to it, as the venue tells it."""

    side: int
    lots: int
    fills: list[tuple[int, int]] = field(default_factory=list)  # (lots, price)
    end: int = Report.ACCEPTED
    tells_worth: bool = SPOT

    @property
    def filled(self) -> int:
        return sum(lots for lots, _ in self.fills)

    @property
    def worth(self) -> int:
        return sum(lots * price for lots, price in self.fills)

    def messages(self) -> list[Told]:
        """Everything that is said of it, in order, but for the last word."""
        said, total, worth = [Told(Report.ACCEPTED)], 0, 0
        for lots, price in self.fills:
            total += lots
            worth += lots * price
            shown = worth if self.tells_worth else 0
            said.append(Told(Report.FILL, price, lots, 1, total, shown))
        if self.end in (Report.CANCELED, Report.EXPIRED):
            said.append(Told(self.end, 0, 0, 1, total, worth if self.tells_worth else 0))
        return said

    def last_word(self) -> Told:
        """The answer to a query, which tells everything on both markets."""
        price = self.worth // self.filled if self.end == Report.FILL else 0
        lots = self.filled if self.end == Report.FILL else 0
        return Told(self.end, price, lots, 1, self.filled, self.worth)


class Table:
    """The compiled side."""

    def __init__(self, order: VenueOrder) -> None:
        self.truth = order
        self.orders = make_orders()
        self.positions = records(1, POSITION)
        self.account = records(1, GATE_ACCOUNT)
        self.counters = np.zeros((256, 16), np.int64)
        self.slot = int(
            open_order(
                self.orders, self.positions, self.account, 0, order.side, 100, order.lots, 0, 0, 1
            )
        )
        self.key = int(key_of(self.orders, self.slot))

    def hear(self, told: Told, *, instrument: int = 0, side: int = 0) -> int:
        report = records(1, REPORT)
        row = report[0]
        row.report, row.order_key, row.side = told.report, self.key, side or self.truth.side
        row.instrument = instrument
        row.price_ticks, row.quantity_lots = told.price, told.lots
        row.tells_total, row.filled_lots = told.tells_total, told.total
        row.filled_tick_lots, row.venue_ns, row.venue_id = told.worth, 5, 6
        return int(
            apply_report(self.orders, self.positions, self.account, report[0], self.counters)
        )

    def lose_sight(self) -> None:
        """What the loop says itself when nobody answers."""
        self.hear(Told(Report.UNKNOWN, tells_total=0))

    @property
    def exposure(self) -> tuple[int, int, int]:
        position = self.positions[0]
        return position.open_buy_lots, position.open_sell_lots, open_orders_n(position)

    def check_running(self) -> None:
        """At any moment: never more than the truth, and what is not booked is still exposure."""
        record, position = self.orders.table[self.slot], self.positions[0]
        assert 0 <= record.filled_lots <= self.truth.filled
        assert position.position_lots == self.truth.side * record.filled_lots
        assert position.cash_tick_lots == -self.truth.side * record.filled_tick_lots
        if slot_of(self.orders, self.key) != NONE:
            leaves = self.truth.lots - record.filled_lots
            buys, sells = (leaves, 0) if self.truth.side == Side.BUY else (0, leaves)
            assert self.exposure == (buys, sells, 1)

    def check_end(self) -> None:
        """When the last word has come."""
        record, position = self.orders.table[self.slot], self.positions[0]
        assert record.filled_lots == self.truth.filled
        assert record.filled_tick_lots == self.truth.worth
        assert position.position_lots == self.truth.side * self.truth.filled
        assert position.cash_tick_lots == -self.truth.side * self.truth.worth
        assert position.bought_lots + position.sold_lots == self.truth.filled
        live = self.truth.end == Report.ACCEPTED
        assert self.orders.words[LIVE_N] == self.account[0].open_orders_n == int(live)
        if live:
            expected = OrderState.PARTIAL if self.truth.filled else OrderState.OPEN
            assert record.state == expected
        else:
            assert self.exposure == (0, 0, 0)
        self.check_running()


def made(rng: Random, end: int, tells_worth: bool) -> VenueOrder:
    """An order with a life that leads to ``end``."""
    order = VenueOrder(rng.choice((Side.BUY, Side.SELL)), 0, [], end, tells_worth)
    order.fills = [
        (rng.randint(1, 9), rng.randint(90, 110)) for _ in range(rng.randint(end == Report.FILL, 5))
    ]
    order.lots = order.filled + (0 if end == Report.FILL else rng.randint(1, 9))
    return order


def disturbed(rng: Random, messages: list[Told], in_order: bool) -> list[Told]:
    """Some lost, some twice or more often; shuffled unless ``in_order``."""
    picked = [m for m in messages for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if not in_order:
        rng.shuffle(picked)
    return picked
