"""The venue's engine with several clients and a crowd, against the plainest exchange there is.

And what holds whatever happens: nothing is made or lost but fees, the book is never crossed, and
user data adds up to what became of each order.

What is behind it: ``appliance.cold.venue.exchange``.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.cold.synthetic.matching import Prevention
from appliance.cold.venue.order import ClientOrder
from appliance.cold.venue.refusal import Refused
from tests.oracle.reference_exchange import BUY, SELL, PlainExchange, PlainOrder
from tests.venue.bench import BASE_FUNDS_E8, FUNDS_E8, Bench

CLIENTS = 3
PRICE = 6_000_000  # ticks; about where BTCUSDT starts on both markets' grids
LOTS_E8 = {Market.SPOT: 1_000, Market.USDM: 100_000}  # of base, a lot
TICK_LOT_E8 = {Market.SPOT: 10, Market.USDM: 10_000}  # of quote, a tick times a lot
Action = tuple[Any, ...]

PLACE = st.tuples(
    st.just("place"),
    st.integers(0, CLIENTS),
    st.sampled_from([BUY, SELL]),
    st.one_of(st.just(0), st.integers(PRICE - 4, PRICE + 4), st.integers(PRICE - 4, PRICE + 4)),
    st.integers(1, 9),
    st.sampled_from(["GTC", "GTC", "IOC", "FOK", "POST"]),
    st.sampled_from([mode.value for mode in Prevention]),
)
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 40))
ACTIONS = st.lists(st.one_of(PLACE, PLACE, PLACE, CANCEL), max_size=40)
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


@dataclass
class Pair:
    """One order in both exchanges."""

    plain: PlainOrder
    real: ClientOrder


@dataclass
class Twins:
    """Both exchanges. The crowd is owner 0; clients are 1 to CLIENTS."""

    market: Market
    plain: PlainExchange = field(default_factory=PlainExchange)
    pairs: list[Pair] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bench = Bench(self.market)
        self.accounts = [self.bench.account]
        self.accounts += [self.bench.open_account() for _ in range(CLIENTS - 1)]
        self.told: list[dict[str, Any]] = []
        self.bench.exchange.settlement.deliver = lambda _account, form: self.told.append(form)
        self._names = 0

    def act(self, action: Action) -> None:
        if action[0] == "cancel":
            pairs = [pair for pair in self.pairs if pair.plain.is_open]
            if pairs:
                pair = pairs[action[1] % len(pairs)]
                self.plain.cancel(pair.plain)
                self.bench.exchange.cancel(pair.real, self.bench.now_ns)
            return
        _, owner, side, price, lots, kind, mode = action
        self._names += 1
        order = PlainOrder(f"c{self._names}", owner, side, price, lots)
        if not owner:
            if price:
                rests = kind in ("GTC", "POST")
                self.plain.place(order, "GTC" if rests else "IOC", "NONE")
                self.bench.crowd(side, price, lots, rests=rests)
            return
        self._place(order, kind, mode)

    def _place(self, order: PlainOrder, kind: str, mode: str) -> None:
        """A client's order: both take it, or both refuse it."""
        post_only = kind == "POST" and order.price > 0
        time_in_force = "GTC" if kind == "POST" or not order.price else kind
        refused = post_only and self.plain.takes(order)
        if time_in_force == "FOK" and self.market == Market.USDM:
            refused = not self.plain.fills_whole(order, mode)
        asked: dict[str, Any] = {
            "account": self.accounts[order.owner - 1],
            "time_in_force": time_in_force,
            "prevention": Prevention(mode),
            "post_only": post_only,
            "client_id": order.name,
        }
        if refused:
            with pytest.raises(Refused):
                self.bench.place(order.side, order.price, order.left, **asked)
            return
        real = self.bench.place(order.side, order.price, order.left, **asked)
        self.plain.place(order, time_in_force, mode)
        self.pairs.append(Pair(order, real))

    def check_books(self) -> None:
        engine = self.bench.engine
        bids, asks = engine.bids.depth(99), engine.asks.depth(99)
        assert (bids, asks) == (self.plain.depth(BUY), self.plain.depth(SELL))
        assert not bids or not asks or bids[0][0] < asks[0][0]

    def check_orders(self) -> None:
        names = {pair.plain.name: pair.real.order_id for pair in self.pairs}
        for plain, real in ((pair.plain, pair.real) for pair in self.pairs):
            assert (real.status, real.filled_lots, real.prevented_lots, real.open_lots) == (
                plain.status,
                plain.filled,
                plain.prevented,
                plain.left,
            )
            assert [(t.price_ticks, t.lots, t.is_maker) for t in real.trades] == [
                (trade.price, trade.lots, trade.maker is plain)
                for trade in self.plain.trades
                for side in (trade.taker, trade.maker)
                if side is plain
            ]
            listed = real.account.open if plain.is_open else real.account.closed
            assert listed[names[plain.name]] is real

    def crowd_flow(self) -> tuple[int, int]:
        """Lots and ticks times lots that the crowd got (less than 0: gave)."""
        lots = value = 0
        for trade in self.plain.trades:
            for order in (trade.maker, trade.taker):
                if not order.owner:
                    lots += order.side * trade.lots
                    value -= order.side * trade.lots * trade.price
        return lots, value

    def fees(self, asset: str) -> int:
        trades = [trade for account in self.accounts for trade in account.trades]
        return sum(t.commission_e8 for t in trades if t.commission_asset == asset)


@BOTH
@settings(max_examples=150)
@given(ACTIONS)
def test_same_as_the_plain_one(market: Market, actions: list[Action]) -> None:
    twins = Twins(market)
    for action in actions:
        twins.act(action)
        twins.check_books()
    twins.check_orders()


@settings(max_examples=100)
@given(ACTIONS)
def test_spot_makes_and_loses_nothing(actions: list[Action]) -> None:
    twins = Twins(Market.SPOT)
    for action in actions:
        twins.act(action)
    lots, value = twins.crowd_flow()
    owned = {
        asset: sum(
            balance.free_e8 + balance.locked_e8
            for account in twins.accounts
            for balance in [account.balance(asset)]
        )
        for asset in ("BTC", "USDT")
    }
    base = owned["BTC"] + twins.fees("BTC") + lots * LOTS_E8[Market.SPOT]
    quote = owned["USDT"] + twins.fees("USDT") + value * TICK_LOT_E8[Market.SPOT]
    assert (base, quote) == (CLIENTS * BASE_FUNDS_E8, CLIENTS * FUNDS_E8)
    for account in twins.accounts:
        locked = {"BTC": 0, "USDT": 0}
        for plain in (pair.plain for pair in twins.pairs if pair.real.account is account):
            if plain.is_open and plain.side == SELL:
                locked["BTC"] += plain.left * LOTS_E8[Market.SPOT]
            elif plain.is_open:
                locked["USDT"] += plain.left * plain.price * TICK_LOT_E8[Market.SPOT]
        assert {asset: account.balance(asset).locked_e8 for asset in locked} == locked


@settings(max_examples=100)
@given(ACTIONS, st.integers(PRICE - 50, PRICE + 50))
def test_usdm_is_a_game_of_zero_sum(actions: list[Action], mark: int) -> None:
    """At whatever price positions are valued."""
    twins = Twins(Market.USDM)
    for action in actions:
        twins.act(action)
    lots, value = twins.crowd_flow()
    worth = (value + lots * mark) * TICK_LOT_E8[Market.USDM] + twins.fees("USDT")
    for account in twins.accounts:
        position = account.position(twins.bench.instrument)
        lots += position.lots
        at_mark = position.lots * mark * TICK_LOT_E8[Market.USDM]
        worth += account.wallet_e8 + at_mark - position.sign * position.cost_e8
    assert lots == 0
    assert worth == CLIENTS * FUNDS_E8


@BOTH
@settings(max_examples=100)
@given(ACTIONS)
def test_user_data_adds_up(market: Market, actions: list[Action]) -> None:
    """Cumulative quantities are the sums of the fills; the last status is what became of it."""
    twins = Twins(market)
    for action in actions:
        twins.act(action)
    reports = [form.get("o") if market == Market.USDM else form for form in twins.told]
    for real in (pair.real for pair in twins.pairs):
        mine = [r for r in reports if isinstance(r, dict) and r.get("i") == real.order_id]
        mine = [report for report in mine if "X" in report]
        assert (mine[0]["x"], mine[0]["X"]) == ("NEW", "NEW")
        assert mine[-1]["X"] == real.status
        filled = 0.0
        for report in mine:
            filled += float(report["l"])
            assert float(report["z"]) == pytest.approx(filled, abs=1e-9)
        fills = [report["t"] for report in mine if report["x"] == "TRADE"]
        assert fills == [trade.trade_id for trade in real.trades]
        assert sorted(set(fills)) == fills


def own_before_crowd(market: Market) -> Bench:
    """Five lots of the client's stand before five of the crowd's, which are dearer."""
    bench = Bench(market)
    bench.place(SELL, PRICE, 5)
    bench.crowd(SELL, PRICE + 4, 5)
    return bench


@pytest.mark.parametrize("mode", [*Prevention])
def test_fill_or_kill_is_all_or_nothing_whoever_stands_in_the_way(mode: Prevention) -> None:
    bench = own_before_crowd(Market.SPOT)
    order = bench.place(BUY, PRICE + 4, 5, time_in_force="FOK", prevention=mode)
    expected = {
        Prevention.NONE: [(PRICE, 5)],  # with itself
        Prevention.EXPIRE_MAKER: [(PRICE + 4, 5)],
    }.get(mode, [])
    assert [(trade.price_ticks, trade.lots) for trade in order.trades] == expected
    assert order.status == ("FILLED" if expected else "EXPIRED")


def test_what_gives_way_is_not_what_an_order_costs() -> None:
    """Enough for the own order that will not be met, not enough for the crowd's behind it."""
    bench = own_before_crowd(Market.SPOT)
    balance = bench.account.balance("USDT")
    balance.free_e8 = bench.instrument.quote_e8(PRICE, 5)
    with pytest.raises(Refused) as refused:
        bench.place(BUY, 0, 5)
    assert refused.value.code == -2010
    balance.free_e8 = bench.instrument.quote_e8(PRICE + 4, 5)
    assert bench.place(BUY, 0, 5).status == "FILLED"
    assert balance.free_e8 == 0
