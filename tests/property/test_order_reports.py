"""Reports with totals in any order, repeated, and lost in between: the end is the venue's.

The venue is a list of fills. Whatever of its reports arrives, and however often: when the last
word has come (an end, or the answer to a query), order, position and exposure are what it says.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.counters import Counter
from appliance.abi.gate import GATE_ACCOUNT
from appliance.abi.layout import records
from appliance.abi.trading import POSITION, REPORT, OrderState, Report, Side
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.order_reports import REPEATED, apply_report
from appliance.hot.orders import LIVE_N, NONE, key_of, make_orders, open_order, slot_of

EXAMPLES = 60 if JIT_DISABLED else 200
SPOT, USDM = True, False  # whether reports of fills tell what all of them were worth
ENDS = (Report.FILL, Report.CANCELED, Report.EXPIRED, Report.ACCEPTED)  # ACCEPTED: it still rests


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

    def hear(self, told: Told) -> int:
        report = records(1, REPORT)
        row = report[0]
        row.report, row.order_key, row.side = told.report, self.key, self.truth.side
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
        return position.open_buy_lots, position.open_sell_lots, position.open_orders_n

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


def run(seed: int, end: int, tells_worth: bool) -> Table:
    rng = Random(seed)
    table = Table(made(rng, end, tells_worth))
    for told in disturbed(rng, table.truth.messages(), in_order=rng.random() < 0.3):
        table.hear(told)
        table.check_running()
        if rng.random() < 0.2:
            table.lose_sight()
            table.check_running()
    return table


SEEDS = st.integers(0, 2**32)


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.sampled_from(ENDS), st.booleans())
def test_lost_and_repeated_reports_are_harmless_once_the_last_word_has_come(
    seed: int, end: int, tells_worth: bool
) -> None:
    table = run(seed, end, tells_worth)
    table.hear(table.truth.last_word())
    table.check_end()


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.sampled_from(ENDS), st.booleans())
def test_nothing_that_comes_after_the_end_changes_anything(
    seed: int, end: int, tells_worth: bool
) -> None:
    """Two connections tell of everything while one replaces the other."""
    rng = Random(seed)
    table = Table(made(rng, end, tells_worth))
    for told in table.truth.messages():
        table.hear(told)
    table.hear(table.truth.last_word())
    for told in disturbed(rng, table.truth.messages() * 2, in_order=False):
        table.hear(told)
        table.check_end()


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.booleans())
def test_an_order_that_is_filled_in_the_end(seed: int, tells_worth: bool) -> None:
    table = run(seed, Report.FILL, tells_worth)
    table.hear(table.truth.last_word())
    table.check_end()
    for told in disturbed(Random(seed), table.truth.messages(), in_order=False):
        table.hear(told)
        table.check_end()


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.sampled_from(ENDS))
def test_in_order_and_often_is_as_once(seed: int, end: int) -> None:
    table = Table(made(Random(seed), end, SPOT))
    messages = table.truth.messages()
    for told in messages:
        results = [table.hear(told) for _ in range(Random(seed).randint(2, 4))]
        if told.report == Report.FILL and table.truth.lots > told.total:
            assert results[1:] == [REPEATED] * (len(results) - 1)
        table.check_running()
    table.hear(table.truth.last_word())
    table.check_end()


def partial(side: int = Side.BUY, end: int = Report.CANCELED, tells_worth: bool = SPOT) -> Table:
    """An order of 10 of which 3 and 4 were filled."""
    return Table(VenueOrder(side, 10, [(3, 100), (4, 99)], end, tells_worth))


@pytest.mark.parametrize("tells_worth", [SPOT, USDM])
def test_usdm_fills_do_not_tell_what_was_lost_and_so_the_venue_is_asked(tells_worth: bool) -> None:
    table = partial(tells_worth=tells_worth)
    accepted, _, second, _ = table.truth.messages()
    table.hear(accepted)
    result = table.hear(second)
    record = table.orders.table[table.slot]
    if tells_worth:
        assert (result, record.filled_lots) == (OrderState.PARTIAL, 7)
        assert record.filled_tick_lots == 696
    else:
        assert (result, record.filled_lots) == (OrderState.UNKNOWN, 0)
        assert table.exposure == (10, 0, 1)
        assert table.counters[Counter.REPORTS_ILLEGAL, 0] == 1
    table.hear(table.truth.last_word())
    table.check_end()


@pytest.mark.parametrize("end", [Report.CANCELED, Report.EXPIRED])
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_an_end_tells_of_fills_that_nobody_heard_of(side: int, end: int) -> None:
    table = partial(side, end)
    table.hear(table.truth.messages()[-1])
    table.check_end()


def test_a_fill_that_comes_again_after_the_cancel() -> None:
    table = partial()
    for told in table.truth.messages():
        table.hear(told)
    table.check_end()
    assert table.hear(table.truth.messages()[1]) == REPEATED
    table.check_end()


def test_a_query_of_an_open_order_tells_of_fills_that_nobody_heard_of() -> None:
    table = partial(end=Report.ACCEPTED)
    assert table.hear(table.truth.messages()[0]) == OrderState.OPEN
    assert table.hear(table.truth.last_word()) == OrderState.PARTIAL
    table.check_end()


def test_more_than_was_asked_for_is_booked_and_counted() -> None:
    """The venue is right about what was traded."""
    table = partial()
    result = table.hear(Told(Report.FILL, 100, 12, 1, 12, 1200))
    assert result == OrderState.FILLED
    assert table.positions[0].position_lots == 12 and table.exposure == (0, 0, 0)
    assert table.counters[Counter.REPORTS_ILLEGAL, 0] == 1
