"""Gateway, order table and paper venue under a venue that loses, repeats, reorders and invents.

A plain dictionary follows what each report must lead to; after every step exposure, positions,
the free list and the lists of own orders are compared with it in full.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.journal import make_journal
from appliance.abi.layout import records
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.market import INSTRUMENT, MARKET, BookState, Event, Market, symbol_words
from appliance.abi.refusal import Reject
from appliance.abi.trading import (
    EGRESS,
    ORDER_SLOT_BITS,
    ORDER_SLOT_MASK,
    POSITION,
    REPORT,
    REQUEST,
    OrderState,
    Report,
    Side,
)
from appliance.hot.gateway import RECANCEL_NS, cancel, make_gateway, poll_reports, send
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.order_reports import FOREIGN_FILL, FOREIGN_KEY, ILLEGAL, LATE_FILL, STRAY
from appliance.hot.order_text import make_templates
from appliance.hot.orders import FIRST_FREE, LAST_FREE, LIVE_N, key_of, make_orders
from appliance.hot.own_orders import NONE, OLDER
from appliance.hot.paper import make_paper, on_market, poll_requests
from appliance.hot.ring import claim, make_ring, peek, publish, release

EXAMPLES = 15 if JIT_DISABLED else 20
STEPS = 100
INSTRUMENTS_N = 2
SIDES = (Side.BUY, Side.SELL)

ENDS = {Report.CANCELED: OrderState.CANCELED, Report.EXPIRED: OrderState.EXPIRED}


@dataclass
class Order:
    """What the model knows of an order, live or ended."""

    instrument: int
    side: int
    price: int
    lots: int
    number: int  # of its sending
    state: int = OrderState.SENT
    filled: int = 0
    live: bool = True

    @property
    def leaves(self) -> int:
        return max(self.lots - self.filled, 0)


class Model:
    """Orders by key, positions, and what each report must lead to: written out, no table."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.by_slot: dict[int, int] = {}
        self.positions = [0] * INSTRUMENTS_N
        self.met: set[tuple[int, int]] = set()  # state and report
        self.results: set[int] = set()

    def sent(self, key: int, order: Order) -> None:
        self.orders[key] = order
        self.by_slot[key & ORDER_SLOT_MASK] = key

    def fill(self, order: Order, report: Any) -> bool:
        lots, price = int(report.quantity_lots), int(report.price_ticks)
        if report.instrument != order.instrument or report.side != order.side:
            return False
        if lots <= 0 or price <= 0:
            return False
        self.positions[order.instrument] += order.side * lots
        order.filled += lots
        return True

    def apply(self, report: Any) -> int:
        order = self.orders.get(int(report.order_key))
        if order is not None:
            state = order.state if order.live else OrderState.FREE
            self.met.add((state, int(report.report)))
        result = self.outcome(report)
        self.results.add(result)
        return result

    def outcome(self, report: Any) -> int:
        key, kind = int(report.order_key), int(report.report)
        if key == FOREIGN_KEY and kind == Report.FILL:
            self.positions[report.instrument] += int(report.side) * int(report.quantity_lots)
            return FOREIGN_FILL
        order = self.orders.get(key)
        if order is None or self.by_slot[key & ORDER_SLOT_MASK] != key:
            return STRAY
        if not order.live:
            if kind == Report.FILL and order.leaves and self.fill(order, report):
                return LATE_FILL
            return STRAY
        if kind == Report.FILL:
            if not self.fill(order, report):
                return ILLEGAL
            order.state = OrderState.PARTIAL if order.leaves else OrderState.FILLED
            order.live = order.leaves > 0
            return order.state
        fresh = order.state in (OrderState.SENT, OrderState.UNKNOWN)
        if kind == Report.ACCEPTED:
            if order.state == OrderState.OPEN:
                return ILLEGAL
            order.state = OrderState.PARTIAL if order.filled else OrderState.OPEN
        elif kind == Report.REJECTED:
            if not fresh:
                return ILLEGAL
            order.state, order.live = OrderState.REJECTED, False
        elif kind in ENDS:
            order.state, order.live = ENDS[Report(kind)], False
        elif kind == Report.UNKNOWN:
            order.state = OrderState.UNKNOWN
        return order.state  # CANCEL_REJECTED changes nothing


class Desk:
    """The compiled side: gateway and paper venue, with the reports of the venue in our hands."""

    def __init__(self, slots_n: int = ORDERS_MAX) -> None:
        instruments = records(INSTRUMENTS_N, INSTRUMENT)
        for i in range(INSTRUMENTS_N):
            instruments[i].symbol[:] = symbol_words(f"COIN{i}USDT")
            instruments[i].market = Market.SPOT
            instruments[i].price_grid_e8 = instruments[i].quantity_grid_e8 = 1_000_000
            instruments[i].price_decimals = instruments[i].quantity_decimals = 2
            instruments[i].price_step_ticks = instruments[i].quantity_step_lots = 1
        self.positions = records(INSTRUMENTS_N, POSITION)
        self.account = records(1, GATE_ACCOUNT)
        self.orders = make_orders()
        self.slots_n = slots_n  # fewer than the table has: it fills up, and slots are used again
        self.orders.words[LAST_FREE] = slots_n - 1
        self.orders.table[slots_n - 1].next_free = NONE
        self.inbound = make_ring(64, REPORT)
        self.gateway = make_gateway(
            self.orders,
            self.positions,
            self.account,
            make_templates(instruments, 1),
            make_ring(1024, REQUEST),
            make_ring(1024, EGRESS),
            self.inbound,
            make_ring(64, REPORT),
            make_journal(1024),
        )
        self.paper = make_paper(INSTRUMENTS_N)
        self.outbound = make_ring(4096, REPORT)  # of the paper venue
        self.record = records(1, MARKET)
        self.counters = np.zeros((256, 16), np.int64)
        self.now_ns = 1_000_000
        self.cancelled_ns: dict[int, int] = {}
        self.sent_n = 0
        self.model = Model()
        self.traded = [0] * INSTRUMENTS_N  # by the paper venue

    def send(self, instrument: int, side: int, price: int, lots: int, tif: int) -> None:
        arguments = (instrument, side, price, lots, tif, 0, self.now_ns, self.counters)
        slot = send(self.gateway, *arguments)
        if sum(order.live for order in self.model.orders.values()) == self.slots_n:
            assert slot == -Reject.ORDER_TABLE_FULL
            return
        assert slot >= 0
        self.sent_n += 1
        key = int(key_of(self.orders, slot))
        self.model.sent(key, Order(instrument, side, price, lots, self.sent_n))

    def cancel_any(self, pick: int) -> None:
        live = [key for key, order in self.model.orders.items() if order.live]
        if live:
            key = live[pick % len(live)]
            slot = key & ORDER_SLOT_MASK
            self.now_ns += RECANCEL_NS // 3
            paced = self.now_ns - self.cancelled_ns.get(key, -RECANCEL_NS) < RECANCEL_NS
            expected = int(not self.orders.table[slot].cancel_sent and not paced)
            assert cancel(self.gateway, slot, self.now_ns, self.counters) == expected
            if expected:
                self.cancelled_ns[key] = self.now_ns

    def market(self, instrument: int, middle: int, spread: int, is_trade: bool) -> None:
        record = self.record[0]
        record.instrument = instrument
        record.touch_id += 1
        record.book_state = BookState.LIVE
        record.bid_ticks, record.ask_ticks = middle - spread, middle + spread
        record.bid_lots = record.ask_lots = 7
        record.event = Event.TRADE if is_trade else Event.DEPTH
        record.trade_ticks = middle if is_trade else 0
        on_market(self.paper, self.record, 0, self.outbound, self.now_ns)

    def venue_reports(self) -> list[Any]:
        """Let the paper venue answer, and take what it says."""
        while poll_requests(self.paper, self.gateway.requests, self.outbound, self.now_ns):
            pass
        while peek(self.gateway.egress) >= 0:
            release(self.gateway.egress)
        found = []
        while (index := peek(self.outbound)) >= 0:
            report = records(1, REPORT)
            report[0] = self.outbound.slots[index]
            release(self.outbound)
            if report[0].report == Report.FILL:
                lots = int(report[0].side) * int(report[0].quantity_lots)
                self.traded[int(report[0].instrument)] += lots
            found.append(report[0])
        return found

    def deliver(self, report: Any) -> None:
        self.inbound.slots[claim(self.inbound)] = report
        publish(self.inbound)
        expected = self.model.apply(report)
        assert poll_reports(self.gateway, 1, self.counters) == 1
        assert self.gateway.outcomes[0] == expected
        assert self.gateway.applied[0].tobytes() == report.tobytes()

    def check(self) -> None:
        live = {key: order for key, order in self.model.orders.items() if order.live}
        for key, order in live.items():
            slot = key & ORDER_SLOT_MASK
            record = self.orders.table[slot]
            assert key_of(self.orders, slot) == key
            assert (record.state, record.filled_lots) == (order.state, order.filled)
            assert record.quantity_lots - record.filled_lots == order.leaves > 0
        for i in range(INSTRUMENTS_N):
            mine = [order for order in live.values() if order.instrument == i]
            rec = self.positions[i]
            assert rec.open_buy_lots == sum(o.leaves for o in mine if o.side == Side.BUY)
            assert rec.open_sell_lots == sum(o.leaves for o in mine if o.side == Side.SELL)
            buys, sells = ([o for o in mine if o.side == side] for side in (Side.BUY, Side.SELL))
            assert (rec.open_buy_orders_n, rec.open_sell_orders_n) == (len(buys), len(sells))
            assert rec.open_notional_tick_lots == sum(o.leaves * o.price for o in mine)
            assert rec.own_bid_ticks == max((o.price for o in buys), default=0)
            assert rec.own_ask_ticks == min((o.price for o in sells), default=0)
            assert rec.position_lots == self.model.positions[i]
            assert rec.position_lots == rec.bought_lots - rec.sold_lots
        assert self.account[0].open_orders_n == len(live) == self.orders.words[LIVE_N]
        self.check_lists(live)

    def check_lists(self, live: dict[int, Order]) -> None:
        next_free = self.orders.table["next_free"].tolist()
        slot, free = int(self.orders.words[FIRST_FREE]), []
        while slot != NONE and len(free) <= self.slots_n:
            free.append(slot)
            slot = next_free[slot]
        used = {key & ORDER_SLOT_MASK for key in live}
        assert len(free) == len(set(free)) == self.slots_n - len(live)
        assert used.isdisjoint(free)
        assert not free or free[-1] == self.orders.words[LAST_FREE]
        for i in range(INSTRUMENTS_N):
            for column, side in enumerate(SIDES):
                mine = [
                    (o.number, k) for k, o in live.items() if (o.instrument, o.side) == (i, side)
                ]
                slot, found = int(self.orders.newest[i, column]), []
                while slot != NONE and len(found) <= len(mine):
                    found.append(slot)
                    slot = int(self.orders.links[slot, OLDER])
                assert found == [key & ORDER_SLOT_MASK for _, key in sorted(mine, reverse=True)]


# Steps of a hostile run, and of one in which the venue's reports are only late and out of order
HOSTILE = "send send cancel market deliver deliver deliver repeat lose invent invent foreign"
DISORDERLY = "send send cancel market market deliver deliver"
FOREIGN_KEYS = (FOREIGN_KEY, FOREIGN_KEY, 5, 1 << ORDER_SLOT_BITS | 900, (1 << 63) - 1)


def steps_of(rng: Random, names: str) -> Iterator[tuple[Any, ...]]:
    """Random steps, drawn here because lists that Hypothesis draws hardly ever trade."""
    for _ in range(STEPS):
        name = rng.choice(names.split())
        instrument, side = rng.randrange(INSTRUMENTS_N), rng.choice(SIDES)
        pick = rng.randrange(1000)
        kind = rng.choice([*Report, Report.FILL])
        if name == "send":
            price = rng.randint(97, 103)
            yield name, instrument, side, price, rng.randint(1, 20), rng.randrange(3)
        elif name == "market":
            yield name, instrument, rng.randint(98, 102), rng.randint(1, 3), rng.random() < 0.3
        elif name == "invent":
            lots = rng.choice([-1, 0, 1, 1, 2, 3, 25])
            yield name, pick, kind, lots, rng.random() < 0.1
        elif name == "foreign":
            yield name, rng.choice(FOREIGN_KEYS), kind, side, rng.randint(1, 9)
        else:
            yield name, pick


def act(desk: Desk, waiting: list[Any], step: tuple[Any, ...]) -> None:
    """One step; ``waiting`` are the venue's reports that did not arrive yet."""
    name, *values = step
    if name == "send":
        desk.send(*values)
    elif name == "cancel":
        desk.cancel_any(values[0])
    elif name == "market":
        desk.market(*values)
    elif name == "invent":
        invent(desk, *values)
    elif name == "foreign":
        key, kind, side, lots = values
        desk.deliver(made_report(kind, key, 1, side, lots))
    elif waiting:
        report = waiting[values[0] % len(waiting)]
        if name != "repeat":
            waiting[:] = [other for other in waiting if other is not report]
        if name != "lose":
            desk.deliver(report)
    waiting += desk.venue_reports()


def made_report(kind: int, key: int, instrument: int, side: int, lots: int) -> Any:
    report = records(1, REPORT)[0]
    report.report, report.order_key, report.instrument = kind, key, instrument
    report.side, report.price_ticks, report.quantity_lots = side, 100, lots
    report.venue_ns = 5
    return report


def invent(desk: Desk, pick: int, kind: int, lots: int, is_crooked: bool) -> None:
    """A report that the venue never wrote, mostly of a live order."""
    keys = [key for key, order in desk.model.orders.items() if order.live or pick % 4 == 0]
    if not keys:
        return
    key = keys[pick % len(keys)]
    order = desk.model.orders[key]
    side = -order.side if is_crooked else order.side
    desk.deliver(made_report(kind, key, order.instrument, side, lots))


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(0, 2**32), st.sampled_from([3, 8, ORDERS_MAX]))
def test_whatever_arrives_the_books_balance(seed: int, slots_n: int) -> None:
    desk, waiting = Desk(slots_n), []
    for step in steps_of(Random(seed), HOSTILE):
        act(desk, waiting, step)
        desk.check()


def test_such_runs_meet_every_report_in_every_state() -> None:
    met, results = set(), set()
    for seed in range(30):
        desk, waiting = Desk(8), []
        for step in steps_of(Random(seed), HOSTILE):
            act(desk, waiting, step)
        desk.check()
        met |= desk.model.met
        results |= desk.model.results
    live = (OrderState.SENT, OrderState.OPEN, OrderState.PARTIAL, OrderState.UNKNOWN)
    assert met >= {(state, kind) for state in (*live, OrderState.FREE) for kind in Report}
    ends = {OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED}
    assert results == {*live, *ends, STRAY, ILLEGAL, LATE_FILL, FOREIGN_FILL}


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(0, 2**32))
def test_delay_and_disorder_lose_no_fill_and_no_exposure(seed: int) -> None:
    """Nobody invents anything here: the venue's own reports, each once, in any order."""
    rng = Random(seed)
    desk, waiting = Desk(), []
    for step in steps_of(rng, DISORDERLY):
        act(desk, waiting, step)
        for resting in desk.paper.resting[desk.paper.resting["order_key"] != 0]:
            order = desk.model.orders[int(resting.order_key)]
            assert order.live and order.leaves >= resting.leaves_lots
    rng.shuffle(waiting)
    for report in waiting:
        desk.deliver(report)
    desk.check()
    assert [int(lots) for lots in desk.positions["position_lots"]] == desk.traded
    resting_n = int((desk.paper.resting["order_key"] != 0).sum())
    assert desk.account[0].open_orders_n == resting_n
