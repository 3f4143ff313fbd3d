"""Replaying the journal gives what the loop's own tables hold, to the last unit.

The loop's side is the order model's desk with its hostile venue (test_orders.py); the other is
plain Python over the records (appliance.cold.journal_state). They share no code.
"""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.journal import HEAD, make_journal
from appliance.abi.trading import ORDER_SLOT_MASK, OrderState
from appliance.cold.journal_state import replay
from appliance.cold.journal_text import Describer, ledger_of
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.orders import key_of
from tests.property.test_orders import DISORDERLY, HOSTILE, Desk, act, steps_of
from tests.strategies.journals import EPOCH, in_order, start

EXAMPLES = 15 if JIT_DISABLED else 60
KEPT = (
    *("position_lots", "cost_tick_lots", "realised_tick_lots", "cash_tick_lots"),
    *("turnover_tick_lots", "bought_lots", "sold_lots", "trip_start_tick_lots"),
    "losses_in_row_n",
)


def journalled() -> Desk:
    desk = Desk()
    desk.gateway = desk.gateway._replace(journal=make_journal(4096))
    start(desk.gateway.journal)
    return desk


def told(desk: Desk) -> Any:
    words = desk.gateway.journal.words
    return in_order(words, int(words[HEAD]))


def compare(desk: Desk) -> None:
    ledger = replay(told(desk))
    live = {}
    for slot in (desk.orders.table["state"] != OrderState.FREE).nonzero()[0].tolist():
        order = desk.orders.table[slot]
        live[EPOCH, int(key_of(desk.orders, slot))] = order
    assert set(ledger.orders) == set(live)
    for name, order in live.items():
        mine = ledger.orders[name]
        assert mine.state == order.state
        assert (mine.side, mine.price_ticks) == (order.side, order.price_ticks)
        assert (mine.quantity_lots, mine.filled_lots) == (order.quantity_lots, order.filled_lots)
        assert mine.filled_tick_lots == order.filled_tick_lots
        assert order.venue_id in (0, mine.venue_id)
    for i, holding in enumerate(ledger.holdings.values()):
        expected = {name: int(desk.positions[i][name]) for name in KEPT}
        assert {name: getattr(holding, name) for name in KEPT} == expected
    assert ledger.day.fills_n == sum(int(p.fills_n) for p in desk.positions)


@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(0, 2**32), st.sampled_from([HOSTILE, DISORDERLY]))
def test_a_replay_is_the_table(seed: int, names: str) -> None:
    desk = journalled()
    waiting: list[Any] = []
    for n, step in enumerate(steps_of(Random(seed), names)):
        act(desk, waiting, step)
        if n % 20 == 19:
            compare(desk)
    compare(desk)


def test_a_long_day_trades_and_ends_orders_in_every_way() -> None:
    desk = journalled()
    waiting: list[Any] = []
    met = set()
    for seed in range(8):
        for step in steps_of(Random(seed), HOSTILE):
            act(desk, waiting, step)
    compare(desk)
    describer = Describer()
    for record in told(desk):
        met.add(describer.describe(record)["kind"])
    assert {"INTENT", "ACKNOWLEDGED", "FILL", "CANCELED", "REFUSED", "EXPIRED"} <= met
    assert {"UNKNOWN", "CANCEL_SENT", "CANCEL_REFUSED"} <= met
    shown = ledger_of(replay(told(desk)))
    assert any(p["position"] != "0" for p in shown["positions"])
    slots = {key & ORDER_SLOT_MASK for _, key in replay(told(desk)).orders}
    assert len(slots) == len(shown["open_orders"])


@pytest.mark.parametrize("names", [HOSTILE, DISORDERLY])
def test_a_later_start_goes_on_with_what_was(names: str) -> None:
    """Two sessions in one journal: only the second one's start and what follows count."""
    desk = journalled()
    waiting: list[Any] = []
    for step in steps_of(Random(1), names):
        act(desk, waiting, step)
    before = replay(told(desk))
    start(desk.gateway.journal, epoch=EPOCH + 1)
    after = replay(told(desk))
    assert before.orders and not after.orders
    assert after.epoch == EPOCH + 1
    assert all(holding.position_lots == 0 for holding in after.holdings.values())
