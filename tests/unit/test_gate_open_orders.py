"""The gate's checks of an order beside the ones before it: each at its limit and one past it.

Every number is worked out by hand; the reference gate is not used.
"""

import pytest

from appliance.abi.limits import RECENT_ORDERS_N
from appliance.abi.refusal import Reject
from appliance.abi.trading import TimeInForce
from appliance.hot.gate import note_sent
from tests.oracle.healthy_gate import (
    BUY,
    NOW_NS,
    SELL,
    healthy_gate,
    passes,
    put,
    refused,
)

EACH_SIDE = pytest.mark.parametrize("side", [BUY, SELL])


@pytest.mark.parametrize("allowed", list(TimeInForce))
def test_types_of_order(allowed: TimeInForce) -> None:
    gate = healthy_gate()
    put(gate, "limits", order_types=1 << allowed)
    for kind in TimeInForce:
        if kind == allowed:
            passes(gate, time_in_force=kind)
        else:
            refused(gate, Reject.ORDER_TYPE, kind, 1 << allowed, time_in_force=kind)


@EACH_SIDE
def test_open_orders_of_a_side(side: int) -> None:
    gate = healthy_gate()
    same = "open_buy_orders_n" if side == BUY else "open_sell_orders_n"
    put(gate, "positions", own_bid_ticks=1, own_ask_ticks=20_000, **{same: 3})
    passes(gate, side=side)
    put(gate, "positions", **{same: 4})
    refused(gate, Reject.OPEN_ORDERS_SIDE, 5, 4, side=side)
    passes(gate, side=-side)


@pytest.mark.parametrize("buys_n", range(5))
def test_open_orders_of_both_sides(buys_n: int) -> None:
    gate = healthy_gate()
    put(gate, "limits", open_orders_side_max=10)
    put(gate, "positions", own_bid_ticks=1, own_ask_ticks=20_000)
    put(gate, "positions", open_buy_orders_n=buys_n, open_sell_orders_n=4 - buys_n)
    passes(gate)
    put(gate, "positions", open_sell_orders_n=5 - buys_n)
    refused(gate, Reject.OPEN_ORDERS, 6, 5)


def test_open_orders_of_the_account() -> None:
    gate = healthy_gate()
    put(gate, "account", open_orders_n=7)
    passes(gate)
    put(gate, "account", open_orders_n=8)
    refused(gate, Reject.OPEN_ORDERS, 9, 8)


@EACH_SIDE
def test_what_all_open_orders_are_worth(side: int) -> None:
    """9,000,000 at most; this one is worth 100,000."""
    gate = healthy_gate()
    put(gate, "positions", open_notional_tick_lots=8_900_000)
    passes(gate, side=side)
    put(gate, "positions", open_notional_tick_lots=8_900_001)
    refused(gate, Reject.OPEN_NOTIONAL, 9_000_001, 9_000_000, side=side)


@EACH_SIDE
def test_no_trade_with_ourselves(side: int) -> None:
    gate = healthy_gate()
    other_n, best = (
        ("open_sell_orders_n", "own_ask_ticks")
        if side == BUY
        else ("open_buy_orders_n", "own_bid_ticks")
    )
    put(gate, "positions", **{best: 10_000})
    passes(gate, side=side, price_ticks=10_000)  # a price without an order is an old one
    put(gate, "positions", **{other_n: 1})
    passes(gate, side=side, price_ticks=10_000 - side)
    for price in (10_000, 10_000 + side):
        refused(gate, Reject.SELF_CROSS, price, 10_000, side=side, price_ticks=price)
    passes(gate, side=-side, price_ticks=10_000)


@EACH_SIDE
@pytest.mark.parametrize("missing", [0, -1, -(2**63)])
def test_orders_whose_best_price_is_missing(side: int, missing: int) -> None:
    """Whatever the price of the new one."""
    gate = healthy_gate()
    other_n, best = (
        ("open_sell_orders_n", "own_ask_ticks")
        if side == BUY
        else ("open_buy_orders_n", "own_bid_ticks")
    )
    put(gate, "positions", **{other_n: 1, best: missing})
    refused(gate, Reject.SELF_CROSS, 9_950, missing, side=side, price_ticks=9_950)


@EACH_SIDE
def test_the_same_order_again(side: int) -> None:
    gate = healthy_gate()
    put(gate, "references", book_ns=NOW_NS, touch_ns=NOW_NS)
    note_sent(gate, 1, side, 10_000, 10, NOW_NS)
    for age_ns in (0, 1, 99):
        refused(gate, Reject.DUPLICATE, age_ns, 100, side=side, now_ns=NOW_NS + age_ns)
    passes(gate, side=side, now_ns=NOW_NS + 100)
    passes(gate, side=-side)
    passes(gate, side=side, price_ticks=10_001)
    passes(gate, side=side, quantity_lots=11)


def test_the_newest_of_several_equal_ones_counts() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", order_rate_max=100)
    put(gate, "references", book_ns=NOW_NS, touch_ns=NOW_NS)
    for sent_ns in (0, 40, 10):  # the last comes with an early time, and counts as the one before
        note_sent(gate, 1, BUY, 10_000, 10, NOW_NS + sent_ns)
    refused(gate, Reject.DUPLICATE, 99, 100, now_ns=NOW_NS + 139)
    passes(gate, now_ns=NOW_NS + 140)


def test_the_order_of_another_instrument_is_another_order() -> None:
    gate = healthy_gate()
    note_sent(gate, 0, BUY, 10_000, 10, NOW_NS)
    passes(gate)


def test_as_many_orders_are_remembered() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", order_rate_max=100)
    note_sent(gate, 1, BUY, 10_000, 10, NOW_NS)
    for lots in range(1, RECENT_ORDERS_N):
        note_sent(gate, 1, BUY, 10_000, 10 + lots, NOW_NS)
        refused(gate, Reject.DUPLICATE, 0, 100)
    note_sent(gate, 1, BUY, 10_000, 100, NOW_NS)
    passes(gate)
    refused(gate, Reject.DUPLICATE, 0, 100, quantity_lots=100)
