"""What a strategy may ask for, and the steps that its prices and quantities are put on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.layout import records
from appliance.abi.limits import INTENTS_MAX
from appliance.abi.strategy import NO_ORDER, OWN
from appliance.abi.trading import Action, TimeInForce
from appliance.hot.strategy.api import (
    BUY,
    COUNT,
    DROPPED,
    IOC,
    SELL,
    cancel,
    cancel_all,
    least_lots,
    make_intents,
    on_step,
    place,
    quote,
)


def nobody():
    own = records(1, OWN)
    own[0].buy_order = own[0].sell_order = NO_ORDER
    own[0].price_step_ticks = own[0].quantity_step_lots = 1
    return own


def asked(orders) -> list[tuple[int, int, int]]:
    taken = orders.records[: orders.words[COUNT]]
    return [(int(r.action), int(r.side), int(r.price_ticks)) for r in taken]


def test_place_and_cancel_are_kept_in_order():
    orders = make_intents()
    place(orders, BUY, 100, 5, IOC)
    cancel(orders, 7)
    first, second = orders.records[0], orders.records[1]
    assert (first.action, first.side, first.quantity_lots) == (Action.PLACE, BUY, 5)
    assert first.time_in_force == TimeInForce.IOC
    assert (second.action, second.order) == (Action.CANCEL, 7)


def test_what_is_too_much_is_counted():
    orders = make_intents()
    for k in range(INTENTS_MAX + 3):
        place(orders, BUY, 100 + k, 1, IOC)
    cancel(orders, 1)
    assert orders.words[COUNT] == INTENTS_MAX
    assert orders.words[DROPPED] == 4
    cancel(orders, NO_ORDER)
    assert orders.words[DROPPED] == 4


def test_a_quote_is_placed_kept_moved_and_taken_back():
    own, orders = nobody(), make_intents()
    quote(orders, own[0], SELL, 200, 3, 1)
    assert asked(orders) == [(Action.PLACE, SELL, 200)]
    own[0].sell_order, own[0].sell_ticks = 4, 200
    for price_ticks, lots, wanted in ((201, 3, 0), (202, 3, 1), (200, 0, 1)):
        orders = make_intents()
        quote(orders, own[0], SELL, price_ticks, lots, 1)
        assert orders.words[COUNT] == wanted
        assert not wanted or orders.records[0].order == 4
    own[0].sell_cancelling = 1
    orders = make_intents()
    quote(orders, own[0], SELL, 300, 3, 1)
    cancel_all(orders, own[0])
    assert orders.words[COUNT] == 0


def test_cancel_all_takes_both_sides():
    own, orders = nobody(), make_intents()
    own[0].buy_order, own[0].sell_order = 3, 9
    cancel_all(orders, own[0])
    assert [int(r.order) for r in orders.records[:2]] == [3, 9]


@given(st.integers(1, 10**9), st.sampled_from([1, 2, 5, 10, 25, 1000]))
def test_prices_go_to_the_step_away_from_the_other_side(price_ticks, step):
    own = nobody()
    own[0].price_step_ticks = step
    bid, ask = on_step(own[0], BUY, price_ticks), on_step(own[0], SELL, price_ticks)
    assert bid % step == ask % step == 0
    assert price_ticks - step < bid <= price_ticks <= ask < price_ticks + step


@given(
    st.integers(1, 10**6),
    st.sampled_from([-1, 1, 7, 100]),
    st.sampled_from([-1, 1, 999, 10**7]),
    st.sampled_from([1, 10]),
)
def test_the_least_order(price_ticks, least, notional, step):
    own = nobody()
    own[0].quantity_min_lots = least
    own[0].notional_min_tick_lots = notional
    own[0].quantity_step_lots = step
    lots = int(least_lots(own[0], price_ticks))

    def taken(n: int) -> bool:
        return n > 0 and n % step == 0 and n >= least and n * price_ticks >= notional

    assert taken(lots)
    assert not taken(lots - step)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_quote_goes_to_the_step(side):
    own, orders = nobody(), make_intents()
    own[0].price_step_ticks = 10
    quote(orders, own[0], side, 1234, 1, 0)
    assert asked(orders) == [(Action.PLACE, side, 1230 if side == BUY else 1240)]
