"""Orders through the engine: what becomes of them, and what their owners hear, in which order."""

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import NS_PER_MS
from appliance.cold.synthetic.matching import Prevention
from appliance.cold.venue.account import CLOSED_MAX
from appliance.cold.venue.execution import Execution
from appliance.cold.venue.refusal import Refused
from appliance.cold.venue.settlement import Settlement
from tests.venue.bench import NOW_NS, Bench, Script

BUY, SELL = int(Side.BUY), int(Side.SELL)
PRICE = 6_000_000  # ticks; about where BTCUSDT starts on both markets' grids
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
NEW, TRADE = ("NEW", "NEW"), "TRADE"


@pytest.fixture
def spot() -> Bench:
    return Bench(Market.SPOT)


@pytest.fixture
def usdm() -> Bench:
    return Bench(Market.USDM)


@BOTH
def test_a_resting_order_waits_behind_whoever_came_first(market: Market) -> None:
    bench = Bench(market)
    bench.crowd(BUY, PRICE, 50)
    order = bench.place(BUY, PRICE, 20)
    assert (order.status, order.open_lots, order.number > 0) == ("NEW", 20, True)
    bench.crowd(SELL, PRICE, 50, rests=False)
    assert order.status == "NEW"
    bench.crowd(SELL, PRICE, 5, rests=False)
    assert (order.status, order.filled_lots) == ("PARTIALLY_FILLED", 5)
    bench.crowd(SELL, PRICE - 1, 40)
    assert (order.status, order.filled_lots, order.open_lots) == ("FILLED", 20, 0)
    assert bench.kinds() == [NEW, (TRADE, "PARTIALLY_FILLED"), (TRADE, "FILLED")]
    assert bench.account.open == {} and list(bench.account.closed.values()) == [order]
    assert bench.instrument.resting == {}
    assert [t.is_maker for t in order.trades] == [True, True]
    assert order.filled_quote_e8 == bench.instrument.quote_e8(PRICE, 20)


@BOTH
def test_a_marketable_order_takes_level_by_level(market: Market) -> None:
    bench = Bench(market)
    for step in range(3):
        bench.crowd(SELL, PRICE + step, 10)
    bench.printed.clear()
    order = bench.place(BUY, PRICE + 1, 25)
    assert [(t.price_ticks, t.lots, t.is_maker) for t in order.trades] == [
        (PRICE, 10, False),
        (PRICE + 1, 10, False),
    ]
    assert (order.status, order.open_lots) == ("PARTIALLY_FILLED", 5)  # and rests at its limit
    assert bench.engine.bids.best() == (PRICE + 1, 5)
    (printed,) = bench.printed
    assert [p.trade_id for p in printed.prints] == [t.trade_id for t in order.trades]
    assert printed.touch is not None
    assert printed.touch[2:] == ((PRICE + 1, 5), (PRICE + 2, 10))


def test_what_does_not_rest_expires(spot: Bench) -> None:
    spot.crowd(SELL, PRICE, 10)
    order = spot.place(BUY, PRICE, 15, time_in_force="IOC")
    assert (order.status, order.filled_lots, order.expiry_reason) == (
        "EXPIRED",
        10,
        "UNFILLED_IOC_QUANTITY_EXPIRED",
    )
    assert spot.kinds() == [NEW, (TRADE, "PARTIALLY_FILLED"), ("EXPIRED", "EXPIRED")]
    market = spot.place(BUY, 0, 15)
    assert (market.status, market.expiry_reason) == ("EXPIRED", "INSUFFICIENT_LIQUIDITY")


def test_fill_or_kill(spot: Bench, usdm: Bench) -> None:
    for bench in (spot, usdm):
        bench.crowd(SELL, PRICE, 10)
        assert bench.place(BUY, PRICE, 10, time_in_force="FOK").status == "FILLED"
        bench.crowd(SELL, PRICE, 10)
    killed = spot.place(BUY, PRICE, 11, time_in_force="FOK")
    assert (killed.status, killed.filled_lots) == ("EXPIRED", 0)
    assert killed.expiry_reason == "UNFILLED_FOK_ORDER_EXPIRED"
    with pytest.raises(Refused) as refused:
        usdm.place(BUY, PRICE, 11, time_in_force="FOK")
    assert refused.value.code == -5021


def test_post_only_never_takes(spot: Bench, usdm: Bench) -> None:
    for bench, code, words in (
        (spot, -2010, "Order would immediately match and take."),
        (usdm, -5022, "Post Only order will be"),
    ):
        bench.crowd(SELL, PRICE, 10)
        with pytest.raises(Refused, match=words) as refused:
            bench.place(BUY, PRICE, 1, post_only=True)
        assert refused.value.code == code
        assert bench.place(BUY, PRICE - 1, 1, post_only=True).is_open


def test_a_client_id_is_unique_among_open_orders_only(spot: Bench, usdm: Bench) -> None:
    for bench, code in ((spot, -2010), (usdm, -4116)):
        order = bench.place(BUY, PRICE, 1, client_id="mine")
        with pytest.raises(Refused) as refused:
            bench.place(BUY, PRICE, 1, client_id="mine")
        assert refused.value.code == code
        bench.exchange.cancel(order, NOW_NS)
        again = bench.place(BUY, PRICE, 1, client_id="mine")
        assert bench.account.find("BTCUSDT", 0, "mine") is again  # the open one comes first
        assert bench.account.find("BTCUSDT", order.order_id, "") is order
        assert bench.account.find("ETHUSDT", order.order_id, "") is None


@BOTH
def test_a_cancel_takes_the_order_out_of_the_book(market: Market) -> None:
    bench = Bench(market)
    order = bench.place(BUY, PRICE, 7)
    bench.printed.clear()
    bench.exchange.cancel(order, NOW_NS + 5, "cancel-1")
    assert (order.status, order.canceled_by, order.updated_ns) == (
        "CANCELED",
        "cancel-1",
        NOW_NS + 5,
    )
    assert bench.engine.bids.keys == []
    assert bench.printed[0].touch is not None
    with pytest.raises(Refused) as refused:
        bench.exchange.cancel(order, NOW_NS)
    assert refused.value.code == -2011


@pytest.mark.parametrize(
    ("mode", "maker", "taker", "open_lots"),
    [
        (Prevention.EXPIRE_MAKER, "EXPIRED_IN_MATCH", "NEW", (0, 6)),
        (Prevention.EXPIRE_TAKER, "NEW", "EXPIRED_IN_MATCH", (4, 0)),
        (Prevention.EXPIRE_BOTH, "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH", (0, 0)),
        (Prevention.DECREMENT, "EXPIRED_IN_MATCH", "NEW", (0, 2)),
        (Prevention.NONE, "FILLED", "PARTIALLY_FILLED", (0, 2)),
    ],
)
def test_orders_of_one_owner_that_meet(
    spot: Bench, mode: Prevention, maker: str, taker: str, open_lots: tuple[int, int]
) -> None:
    resting = spot.place(SELL, PRICE, 4)
    coming = spot.place(BUY, PRICE, 6, prevention=mode)
    assert (resting.status, coming.status) == (maker, taker)
    assert (resting.open_lots, coming.open_lots) == open_lots
    traded = mode is Prevention.NONE
    assert (resting.filled_lots, coming.filled_lots) == ((4, 4) if traded else (0, 0))


def test_other_owners_trade_with_each_other(spot: Bench) -> None:
    other = spot.open_account()
    maker = spot.place(SELL, PRICE, 4, account=other)
    taker = spot.place(BUY, PRICE, 4, prevention=Prevention.EXPIRE_BOTH)
    assert (maker.status, taker.status) == ("FILLED", "FILLED")
    assert maker.trades[0].trade_id == taker.trades[0].trade_id
    assert [a.name for a, form in spot.said if form.get("x") == "TRADE"] == ["a1", "a2"]


def test_good_till_a_time(usdm: Bench) -> None:
    until_ms = NOW_NS // NS_PER_MS + 700_000
    order = usdm.place(BUY, PRICE, 5, time_in_force="GTD", good_till_ms=until_ms)
    usdm.exchange.advance(until_ms * NS_PER_MS - 1)
    assert order.is_open
    usdm.exchange.advance(until_ms * NS_PER_MS)
    assert order.status == "EXPIRED" and usdm.engine.bids.keys == []


def test_the_dead_mans_switch(usdm: Bench) -> None:
    orders = [usdm.place(BUY, PRICE - n, 5) for n in range(3)]
    exchange = usdm.exchange
    exchange.count_down(usdm.account, "BTCUSDT", NOW_NS + 100)
    exchange.count_down(usdm.account, "BTCUSDT", NOW_NS + 200)  # set again: later
    exchange.advance(NOW_NS + 199)
    assert all(order.is_open for order in orders)
    exchange.advance(NOW_NS + 200)
    assert {order.status for order in orders} == {"CANCELED"}
    left = usdm.place(BUY, PRICE, 5)
    exchange.count_down(usdm.account, "BTCUSDT", NOW_NS + 300)
    exchange.count_down(usdm.account, "BTCUSDT", 0)  # off
    exchange.advance(NOW_NS + 400)
    assert left.is_open


def test_reduce_only_orders_never_do_more(usdm: Bench) -> None:
    with pytest.raises(Refused) as refused:
        usdm.place(SELL, PRICE, 1, reduce_only=True)  # there is nothing to reduce
    assert refused.value.code == -2022
    usdm.crowd(SELL, PRICE, 10)
    usdm.place(BUY, PRICE, 10)
    first = usdm.place(SELL, PRICE + 5, 6, reduce_only=True)
    second = usdm.place(SELL, PRICE + 6, 4, reduce_only=True)
    with pytest.raises(Refused):
        usdm.place(SELL, PRICE + 7, 1, reduce_only=True)
    usdm.crowd(BUY, PRICE, 3)
    usdm.place(SELL, PRICE, 3)  # closes 3 of the 10: the newest must go
    assert (first.status, second.status) == ("NEW", "EXPIRED")
    usdm.crowd(BUY, PRICE + 5, 6)
    assert first.status == "FILLED"
    assert usdm.account.positions["BTCUSDT"].lots == 1


def test_a_market_order_by_value(spot: Bench) -> None:
    spot.crowd(SELL, PRICE, 10)
    spot.crowd(SELL, PRICE * 2, 10)
    lot_e8 = spot.instrument.quote_e8(PRICE, 1)
    order = spot.place(BUY, 0, 0, quote_e8=14 * lot_e8)
    assert (order.status, order.lots) == ("FILLED", 12)  # ten, and two at twice the price
    with pytest.raises(Refused) as refused:
        spot.place(BUY, 0, 0, quote_e8=lot_e8)  # less than a lot
    assert "LOT_SIZE" in refused.value.message


def test_first_fills_are_told(spot: Bench) -> None:
    told: list[str] = []
    spot.exchange.on_first_fill = lambda account: told.append(account.name)
    spot.place(BUY, PRICE, 10)
    spot.crowd(SELL, PRICE, 3, rests=False)
    spot.crowd(SELL, PRICE, 3, rests=False)
    assert told == ["a1"]


def test_the_market_moves_at_its_own_times(spot: Bench) -> None:
    acted: list[int] = []
    source = spot.instrument.source
    assert isinstance(source, Script)
    for n in (10, 20, 30):
        source.moves.append((NOW_NS + n, lambda n=n: acted.append(n) or 0))
    spot.exchange._due[0] = (NOW_NS + 10, 0, spot.instrument)
    spot.exchange.advance(NOW_NS + 9)
    assert acted == [] and spot.exchange.next_ns == NOW_NS + 10
    spot.exchange.advance(NOW_NS + 20)
    assert acted == [10, 20] and spot.exchange.next_ns == NOW_NS + 30


def test_closed_orders_are_kept_up_to_a_bound(spot: Bench) -> None:
    for _ in range(CLOSED_MAX + 5):
        spot.exchange.cancel(spot.place(BUY, PRICE, 1), NOW_NS)
        spot.said.clear()
    assert len(spot.account.closed) == CLOSED_MAX


def test_every_step_has_its_own_execution_id(spot: Bench) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.ids: list[int] = []

        def executed(self, _instrument: object, execution: Execution) -> list[dict[str, object]]:
            self.ids.append(execution.execution_id)
            return [{"e": "one"}, {"e": "two"}]

    recorder = Recorder()
    said: list[object] = []
    settlement = spot.exchange.settlement = Settlement(recorder)
    settlement.deliver = lambda _account, form: said.append(form)
    spot.exchange.cancel(spot.place(BUY, PRICE, 1), NOW_NS)
    assert recorder.ids == sorted(set(recorder.ids)) and len(recorder.ids) == 2
    assert said == [{"e": "one"}, {"e": "two"}] * 2
