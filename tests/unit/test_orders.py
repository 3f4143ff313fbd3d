"""The order table: the state machine pair by pair, slots and keys, exposure, odd fills."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.counters import Counter
from appliance.abi.layout import records
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.trading import (
    ORDER_SLOT_BITS,
    POSITION,
    REPORT,
    OrderState,
    Report,
    Side,
    TimeInForce,
)
from appliance.hot.order_reports import (
    FOREIGN_FILL,
    FOREIGN_KEY,
    ILLEGAL,
    LATE_FILL,
    STRAY,
    apply_report,
)
from appliance.hot.orders import (
    FIRST_FREE,
    LIVE_N,
    Orders,
    key_of,
    make_orders,
    open_order,
    open_orders_n,
    slot_of,
)
from appliance.hot.own_orders import NONE, older_order, own_order

PRICE = 100
LOTS = 10


@dataclass
class Desk:
    orders: Orders
    positions: Any
    account: Any
    counters: np.ndarray

    def open(self, side: int = Side.BUY, instrument: int = 0, lots: int = LOTS) -> int:
        return int(
            open_order(
                self.orders,
                self.positions,
                self.account,
                instrument,
                side,
                PRICE,
                lots,
                TimeInForce.GTC,
                5,
                1_000,
            )
        )

    def key(self, slot: int) -> int:
        return int(key_of(self.orders, slot))

    def report(self, kind: int, key: int, lots: int = 0, price: int = PRICE, **more: int) -> int:
        report = records(1, REPORT)
        report[0].report = kind
        report[0].order_key = key
        report[0].side = more.get("side", Side.BUY)
        report[0].instrument = more.get("instrument", 0)
        report[0].venue_ns = 2_000
        report[0].venue_id = more.get("venue_id", 77)
        if kind == Report.FILL:
            report[0].price_ticks = price
            report[0].quantity_lots = lots
        return int(
            apply_report(self.orders, self.positions, self.account, report[0], self.counters)
        )

    def count(self, counter: Counter) -> int:
        return int(self.counters[counter, 0])

    def open_lots(self) -> tuple[int, int, int, int]:
        rec = self.positions[0]
        return (
            int(rec.open_buy_lots),
            int(rec.open_sell_lots),
            int(open_orders_n(rec)),
            int(self.account[0].open_orders_n),
        )


@pytest.fixture
def desk() -> Desk:
    counters = np.zeros((256, 16), np.int64)
    return Desk(make_orders(), records(2, POSITION), records(1, GATE_ACCOUNT), counters)


# How to bring an order into a state, and what each report then leads to (ILLEGAL: nothing).
S, R = OrderState, Report
PATHS = {
    S.SENT: [],
    S.OPEN: [R.ACCEPTED],
    S.PARTIAL: [R.ACCEPTED, R.FILL],
    S.UNKNOWN: [R.UNKNOWN],
}
#          ACCEPTED   FILL 1     CANCELED    REJECTED    EXPIRED    CANCEL_REJ. UNKNOWN
EXPECTED = {
    S.SENT: [S.OPEN, S.PARTIAL, S.CANCELED, S.REJECTED, S.EXPIRED, S.SENT, S.UNKNOWN],
    S.OPEN: [ILLEGAL, S.PARTIAL, S.CANCELED, ILLEGAL, S.EXPIRED, S.OPEN, S.UNKNOWN],
    S.PARTIAL: [S.PARTIAL, S.PARTIAL, S.CANCELED, ILLEGAL, S.EXPIRED, S.PARTIAL, S.UNKNOWN],
    S.UNKNOWN: [S.OPEN, S.PARTIAL, S.CANCELED, S.REJECTED, S.EXPIRED, S.UNKNOWN, S.UNKNOWN],
}
ENDS = {
    S.FILLED: Counter.ORDERS_FILLED,
    S.CANCELED: Counter.ORDERS_CANCELED,
    S.REJECTED: Counter.ORDERS_REJECTED,
    S.EXPIRED: Counter.ORDERS_EXPIRED,
}
PAIRS = [
    (state, kind, after)
    for state, row in EXPECTED.items()
    for kind, after in zip(R, row, strict=True)
]


@pytest.mark.parametrize(("state", "kind", "after"), PAIRS)
def test_every_report_in_every_live_state(desk: Desk, state: S, kind: R, after: int) -> None:
    slot = desk.open()
    key = desk.key(slot)
    for step in PATHS[state]:
        desk.report(step, key, lots=1)
    order = desk.orders.table[slot]
    assert order.state == state
    filled = int(order.filled_lots)
    before = desk.orders.table.tobytes()

    assert desk.report(kind, key, lots=1) == after

    if after == ILLEGAL:
        assert desk.orders.table.tobytes() == before
        assert desk.count(Counter.REPORTS_ILLEGAL) == 1
    else:
        assert desk.count(Counter.REPORTS_ILLEGAL) == 0
    filled += kind == R.FILL
    assert desk.positions[0].position_lots == filled == order.filled_lots
    if after in ENDS:
        assert order.state == S.FREE
        assert desk.count(ENDS[S(after)]) == 1
        assert desk.open_lots() == (0, 0, 0, 0)
        assert slot_of(desk.orders, key) == NONE
    else:
        assert order.state == (state if after == ILLEGAL else after)
        assert desk.open_lots() == (LOTS - filled, 0, 1, 1)
        assert slot_of(desk.orders, key) == slot


@pytest.mark.parametrize("state", list(PATHS))
def test_the_last_fill_ends_an_order_in_any_live_state(desk: Desk, state: S) -> None:
    slot = desk.open()
    key = desk.key(slot)
    for step in PATHS[state]:
        desk.report(step, key, lots=1)
    rest = LOTS - int(desk.orders.table[slot].filled_lots)
    assert desk.report(R.FILL, key, lots=rest) == S.FILLED
    assert desk.open_lots() == (0, 0, 0, 0)
    assert desk.positions[0].position_lots == LOTS


@pytest.mark.parametrize("kind", list(R))
@pytest.mark.parametrize("end", [S.FREE, S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED])
def test_no_report_moves_an_order_out_of_an_end(desk: Desk, end: S, kind: R) -> None:
    assert desk.orders.transitions[end, kind] == NONE


@pytest.mark.parametrize("kind", [k for k in R if k != R.FILL])
@pytest.mark.parametrize("last", [R.CANCELED, R.FILL])
def test_reports_after_the_end_are_strays(desk: Desk, last: R, kind: R) -> None:
    key = desk.key(desk.open())
    desk.report(last, key, lots=LOTS)
    before = (desk.orders.table.tobytes(), desk.positions.tobytes())
    assert desk.report(kind, key) == STRAY
    assert (desk.orders.table.tobytes(), desk.positions.tobytes()) == before
    assert desk.count(Counter.REPORTS_STRAY) == 1


def test_the_acceptance_after_a_fill_and_out_of_unknown(desk: Desk) -> None:
    slot = desk.open()
    key = desk.key(slot)
    assert desk.report(R.FILL, key, lots=4) == S.PARTIAL
    assert desk.report(R.UNKNOWN, key) == S.UNKNOWN
    assert desk.open_lots() == (6, 0, 1, 1)  # unknown keeps its exposure
    assert desk.report(R.ACCEPTED, key, venue_id=99) == S.PARTIAL
    assert desk.orders.table[slot].venue_id == 99


def test_a_fill_after_the_cancel_is_booked_once(desk: Desk) -> None:
    """The cancel's answer and the fill travel on different sockets."""
    slot = desk.open()
    key = desk.key(slot)
    desk.report(R.CANCELED, key)
    assert desk.report(R.FILL, key, lots=LOTS) == LATE_FILL
    assert desk.positions[0].position_lots == LOTS
    assert desk.open_lots() == (0, 0, 0, 0)
    assert desk.report(R.FILL, key, lots=LOTS) == STRAY  # complete: can only be a repetition
    assert desk.positions[0].position_lots == LOTS
    assert desk.count(Counter.FILLS) == 1
    assert desk.count(Counter.REPORTS_ILLEGAL) == 1
    assert desk.count(Counter.REPORTS_STRAY) == 1


def test_a_repeated_last_fill_is_a_stray(desk: Desk) -> None:
    key = desk.key(desk.open())
    assert desk.report(R.FILL, key, lots=LOTS) == S.FILLED
    assert desk.report(R.FILL, key, lots=LOTS) == STRAY
    assert desk.positions[0].position_lots == LOTS


def test_an_overfill_is_booked_and_the_exposure_stops_at_zero(desk: Desk) -> None:
    key = desk.key(desk.open(Side.SELL))
    other = desk.open(Side.SELL, lots=3)
    assert desk.report(R.FILL, key, lots=LOTS + 5, side=Side.SELL) == S.FILLED
    assert desk.positions[0].position_lots == -LOTS - 5
    assert desk.open_lots() == (0, 3, 1, 1)
    assert desk.count(Counter.REPORTS_ILLEGAL) == 1
    assert slot_of(desk.orders, desk.key(other)) == other


def test_fills_that_make_no_sense_change_nothing(desk: Desk) -> None:
    key = desk.key(desk.open())
    before = (desk.orders.table.tobytes(), desk.positions.tobytes())
    assert desk.report(R.FILL, key, lots=0) == ILLEGAL
    assert desk.report(R.FILL, key, lots=1, price=0) == ILLEGAL
    assert desk.report(R.FILL, key, lots=1, side=Side.SELL) == ILLEGAL
    assert desk.report(R.FILL, key, lots=1, instrument=1) == ILLEGAL
    assert desk.report(99, key) == ILLEGAL
    assert desk.report(-1, key) == ILLEGAL
    assert (desk.orders.table.tobytes(), desk.positions.tobytes()) == before
    assert desk.count(Counter.REPORTS_ILLEGAL) == desk.count(Counter.REPORTS) == 6


def test_foreign_fills_change_the_position_only(desk: Desk) -> None:
    """Liquidation, settlement, an order by hand: the venue traded for us."""
    desk.open()
    assert desk.report(R.FILL, FOREIGN_KEY, lots=3, side=Side.SELL) == FOREIGN_FILL
    assert desk.positions[0].position_lots == -3
    assert desk.open_lots() == (LOTS, 0, 1, 1)
    assert desk.report(R.FILL, FOREIGN_KEY, lots=3, instrument=2) == STRAY
    assert desk.report(R.CANCELED, FOREIGN_KEY) == STRAY
    assert desk.count(Counter.REPORTS_STRAY) == 3


@pytest.mark.parametrize(
    "key", [0, 5, FOREIGN_KEY, -7, ORDERS_MAX, 1 << ORDER_SLOT_BITS | ORDERS_MAX, (1 << 63) - 1]
)
def test_keys_of_nobody(desk: Desk, key: int) -> None:
    assert slot_of(desk.orders, key) == NONE
    assert desk.report(R.CANCELED, key) == STRAY
    if key != FOREIGN_KEY:
        assert desk.report(R.FILL, key, lots=1) == STRAY
    assert desk.positions[0].fills_n == 0


def test_the_table_fills_up_and_slots_are_used_again_oldest_first(desk: Desk) -> None:
    slots = [desk.open(lots=1) for _ in range(ORDERS_MAX)]
    assert sorted(slots) == list(range(ORDERS_MAX))
    before = (desk.orders.table.tobytes(), desk.positions.tobytes(), desk.account.tobytes())
    assert desk.open() == NONE
    after = (desk.orders.table.tobytes(), desk.positions.tobytes(), desk.account.tobytes())
    assert after == before
    keys = {slot: desk.key(slot) for slot in slots}
    for slot in (9, 3, 700):
        desk.report(R.CANCELED, keys[slot])
    assert [desk.open(lots=1) for _ in range(4)] == [9, 3, 700, NONE]
    assert desk.key(9) == keys[9] + (1 << ORDER_SLOT_BITS)
    assert slot_of(desk.orders, keys[9]) == NONE
    assert desk.report(R.FILL, keys[9], lots=1) == STRAY  # of the slot's earlier use
    assert desk.positions[0].fills_n == 0
    assert desk.orders.words[LIVE_N] == ORDERS_MAX == desk.account[0].open_orders_n
    assert desk.orders.words[FIRST_FREE] == NONE


def test_own_orders_newest_first_per_instrument_and_side(desk: Desk) -> None:
    buys = [desk.open() for _ in range(3)]
    sell = desk.open(Side.SELL)
    other = desk.open(instrument=1)
    assert own_order(desk.orders, 0, Side.BUY) == buys[2]
    assert own_order(desk.orders, 0, Side.SELL) == sell
    assert own_order(desk.orders, 1, Side.BUY) == other
    assert own_order(desk.orders, 1, Side.SELL) == NONE
    desk.report(R.CANCELED, desk.key(buys[1]))  # from the middle
    assert older_order(desk.orders, buys[2]) == buys[0]
    desk.report(R.CANCELED, desk.key(buys[2]))  # the newest
    assert own_order(desk.orders, 0, Side.BUY) == buys[0]
    assert older_order(desk.orders, buys[0]) == NONE
    desk.report(R.CANCELED, desk.key(buys[0]))
    assert own_order(desk.orders, 0, Side.BUY) == NONE


def test_a_cancel_may_be_sent_again_when_it_failed(desk: Desk) -> None:
    slot = desk.open()
    key = desk.key(slot)
    for kind, flag in ((R.ACCEPTED, 1), (R.CANCEL_REJECTED, 0), (R.UNKNOWN, 0)):
        desk.orders.table[slot].cancel_sent = 1
        desk.report(kind, key)
        assert desk.orders.table[slot].cancel_sent == flag


def test_what_an_order_remembers(desk: Desk) -> None:
    slot = desk.open(Side.SELL, instrument=1)
    order = desk.orders.table[slot]
    key = desk.key(slot)
    for price, lots in ((101, 2), (103, 5)):
        desk.report(R.FILL, key, lots=lots, price=price, side=Side.SELL, instrument=1)
    assert (order.filled_lots, order.filled_tick_lots) == (7, 101 * 2 + 103 * 5)
    assert (order.tag, order.sent_ns, order.updated_ns) == (5, 1_000, 2_000)
    assert (order.price_ticks, order.quantity_lots) == (PRICE, LOTS)
    assert desk.positions[1].position_lots == -7
    assert desk.positions[1].open_sell_lots == 3
