"""Reduce-only orders under random trading: whatever happens, they only ever reduce."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.cold.venue.refusal import Refused
from tests.venue.bench import Bench

BUY, SELL = 1, -1
PRICE = 6_180_000 // 10  # ticks; about where BTCUSDT starts
Action = tuple[str, int, int, int, str]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["crowd", "plain", "reduce", "cancel"]),
        st.sampled_from([BUY, SELL]),
        st.integers(PRICE - 3, PRICE + 3),
        st.integers(1, 9),
        st.sampled_from(["GTC", "IOC"]),
    ),
    max_size=40,
)


def check(bench: Bench) -> None:
    """What rests is on the side that closes, and together no more than there is to close."""
    position = bench.account.position(bench.instrument).lots
    orders = [o for o in bench.account.open_of(None) if o.draft.reduce_only]
    assert all(order.draft.side * position < 0 for order in orders)
    assert sum(order.open_lots for order in orders) <= abs(position)


def check_trades(bench: Bench) -> None:
    """Trade by trade: none of a reduce-only order opens anything."""
    account = bench.account
    orders = account.open | account.closed
    lots = 0
    for trade in account.trades:
        after = lots + trade.side * trade.lots
        if orders[trade.order_id].draft.reduce_only:
            assert abs(after) < abs(lots) and after * lots >= 0
        lots = after
    assert lots == account.position(bench.instrument).lots


def act(bench: Bench, action: Action) -> None:
    kind, side, price, lots, time_in_force = action
    if kind == "crowd":
        bench.crowd(side, price, lots)
    elif kind == "cancel":
        for order in bench.account.open_of(None)[:1]:
            bench.exchange.cancel(order, bench.now_ns)
    else:
        reduces = kind == "reduce"
        with suppress(Refused):
            bench.place(side, price, lots, time_in_force=time_in_force, reduce_only=reduces)


@settings(max_examples=200)
@given(ACTIONS)
def test_what_rests_could_only_reduce(actions: list[Action]) -> None:
    bench = Bench(Market.USDM)
    position = bench.account.position(bench.instrument)
    for action in actions:
        before = position.lots
        act(bench, action)
        if action[0] == "reduce":
            assert abs(position.lots) <= abs(before) and position.lots * before >= 0
        check(bench)
    check_trades(bench)


@settings(max_examples=200)
@given(ACTIONS)
def test_an_account_that_only_reduces_never_goes_through_zero(actions: list[Action]) -> None:
    bench = Bench(Market.USDM)
    bench.crowd(SELL, PRICE, 9)
    bench.place(BUY, PRICE, 9)
    position = bench.account.position(bench.instrument)
    assert position.lots == 9
    for action in actions:
        before = position.lots
        act(bench, action if action[0] != "plain" else ("reduce", *action[1:]))
        assert 0 <= position.lots <= before
        check(bench)
    check_trades(bench)


def test_what_is_closed_otherwise_in_the_same_sweep_is_not_closed_twice() -> None:
    """A plain order before it takes all that there was; it ends without a trade."""
    bench = Bench(Market.USDM)
    bench.crowd(SELL, PRICE, 5)
    bench.place(BUY, PRICE, 5)
    bench.place(SELL, PRICE + 1, 4)
    reducing = bench.place(SELL, PRICE + 2, 5, reduce_only=True)
    bench.crowd(SELL, PRICE + 3, 10)
    bench.crowd(BUY, PRICE + 3, 12)
    assert (reducing.status, reducing.filled_lots) == ("EXPIRED", 1)
    assert bench.account.position(bench.instrument).lots == 0
    assert bench.engine.asks.depth(9) == [(PRICE + 3, 3)]  # 4 and 1 by us, 7 by the crowd
