"""What accounts own, against books kept with decimals."""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import E8
from appliance.cold.venue.account import TRADES_MAX
from appliance.cold.venue.order import Trade
from appliance.cold.venue.refusal import Refused
from appliance.cold.venue.spot_account import SpotAccount
from appliance.cold.venue.usdm_account import Position, UsdmAccount
from tests.venue.bench import BASE_FUNDS_E8, FUNDS_E8, Bench

BUY, SELL = int(Side.BUY), int(Side.SELL)
TICK, LOT = Decimal("0.01"), Decimal("0.00001")  # BTCUSDT on spot
USDM_TICK, USDM_LOT = Decimal("0.1"), Decimal("0.001")
PRICE = 6_000_000


def e8(value: Decimal) -> int:
    return int(value * E8)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([BUY, SELL]),
            st.integers(PRICE - 3, PRICE + 3),
            st.integers(1, 100_000),
            st.booleans(),  # the crowd's, or the client's
            st.sampled_from(["GTC", "IOC"]),
        ),
        max_size=25,
    ),
    st.booleans(),
)
def test_spot_balances(moves: list[tuple[int, int, int, bool, str]], cancels: bool) -> None:
    """Free and locked follow from the fills and the open orders, whatever happened before."""
    bench = Bench(Market.SPOT)
    account = bench.account
    for side, price, lots, crowd, time_in_force in moves:
        if crowd:
            bench.crowd(side, price, lots)
            continue
        with suppress(Refused):  # no funds left
            bench.place(side, price, lots, time_in_force=time_in_force)
    if cancels:
        for order in account.open_of(None):
            bench.exchange.cancel(order, bench.now_ns)
    base, quote = Decimal(BASE_FUNDS_E8) / E8, Decimal(FUNDS_E8) / E8
    for trade in account.trades:
        size, value = trade.lots * LOT, trade.price_ticks * TICK * trade.lots * LOT
        fee = Decimal(trade.commission_e8) / E8
        if trade.side == BUY:
            base, quote = base + size - fee, quote - value
            assert (fee, trade.commission_asset) == (Decimal(e8(size / 1000)) / E8, "BTC")
        else:
            base, quote = base - size, quote + value - fee
            assert (fee, trade.commission_asset) == (Decimal(e8(value / 1000)) / E8, "USDT")
    locked = {"BTC": Decimal(0), "USDT": Decimal(0)}
    for order in account.open.values():
        if order.draft.side == BUY:
            locked["USDT"] += order.open_lots * LOT * order.draft.price_ticks * TICK
        else:
            locked["BTC"] += order.open_lots * LOT
    for asset, total in (("BTC", base), ("USDT", quote)):
        balance = account.balance(asset)
        assert balance.locked_e8 == e8(locked[asset])
        assert balance.free_e8 + balance.locked_e8 == e8(total)
        assert balance.free_e8 >= 0


def test_nobody_spends_twice() -> None:
    bench = Bench(Market.SPOT)
    lots = int(Decimal(FUNDS_E8) / E8 / (PRICE * TICK) / LOT)
    bench.place(BUY, PRICE, lots)
    with pytest.raises(Refused, match="insufficient balance"):
        bench.place(BUY, PRICE, 1000)
    bench.place(SELL, PRICE + 1, 10_000_000)  # all of the base asset
    with pytest.raises(Refused, match="insufficient balance"):
        bench.place(SELL, PRICE + 1, 1)


def test_a_bound_on_the_position() -> None:
    """MAX_POSITION counts what is owned and what open buys would bring [filters.md]."""
    bench = Bench(Market.SPOT, "BNBUSDT")
    instrument, account = bench.instrument, bench.account
    assert isinstance(account, SpotAccount)
    bound = instrument.filters.position_max_e8 // instrument.contract.quantity_grid_e8
    have = BASE_FUNDS_E8 // instrument.contract.quantity_grid_e8
    bench.place(BUY, 100, bound - have - 5)
    bench.place(BUY, 99, 5)
    with pytest.raises(Refused, match="MAX_POSITION"):
        bench.place(BUY, 98, 1)
    bench.place(SELL, 1000, 5)  # sells are free to


@given(
    st.lists(
        st.tuples(
            st.integers(-50, 50).filter(bool),
            st.integers(PRICE // 10 - 99, PRICE // 10 + 99),
        ),
        max_size=30,
    )
)
def test_positions(trades: list[tuple[int, int]]) -> None:
    """Average cost, as accountants work it out with fractions."""
    bench = Bench(Market.USDM)
    position = Position(bench.instrument)
    size, cost, realised, rounded = Fraction(0), Fraction(0), Fraction(0), 0
    for lots, price_ticks in trades:
        change, price = Fraction(lots * USDM_LOT), Fraction(price_ticks * USDM_TICK)
        gained = position.trade(lots, price_ticks)
        if size * change < 0:
            closed = min(abs(size), abs(change))
            sign = 1 if size > 0 else -1
            entry = cost / abs(size)
            wanted = sign * (price - entry) * closed
            rounded += 1
            assert abs(Fraction(gained, E8) - wanted) <= Fraction(rounded, E8)
            realised += wanted
            cost -= entry * closed
            opened = abs(change) - closed
        else:
            assert gained == 0
            opened = abs(change)
        cost += opened * price
        size += change
        if not size:
            cost = Fraction(0)
        assert Fraction(position.lots * USDM_LOT) == size
        assert abs(Fraction(position.cost_e8, E8) - cost) <= Fraction(rounded, E8)
        if size:
            assert abs(Fraction(position.entry_e8, E8) - cost / abs(size)) <= Fraction(1, 10**3)
        else:
            assert position.entry_e8 == 0 == position.break_even_e8
    assert abs(Fraction(position.realised_e8, E8) - realised) <= Fraction(rounded, E8)


def usdm() -> tuple[Bench, UsdmAccount]:
    bench = Bench(Market.USDM)
    assert isinstance(bench.account, UsdmAccount)
    return bench, bench.account


def test_wallet_margin_and_what_is_left() -> None:
    bench, account = usdm()
    price = 600_000  # 60,000.0
    bench.crowd(SELL, price, 1000)
    bench.crowd(BUY, price - 10, 1000)
    bench.place(BUY, price, 1000)  # one coin
    paid = Decimal(60_000) * Decimal("0.0005")
    assert account.wallet_e8 == FUNDS_E8 - e8(paid)
    bench.crowd(SELL, price + 10, 1000)  # the middle is 60,000.0 again
    assert account.unrealised_e8 == 0
    assert account.position_margin_e8 == e8(Decimal(60_000) / 20)
    assert account.positions["BTCUSDT"].break_even_e8 == e8(Decimal(60_000) + paid)
    assert account.available_e8 == account.wallet_e8 - e8(Decimal(60_000) / 20)
    bench.place(SELL, price + 20, 1000)  # only closes: no margin
    assert account.order_margin_e8 == 0
    bench.place(SELL, price + 20, 500)  # opens half a coin the other way
    assert account.order_margin_e8 == e8(Decimal("60002.0") / 2 / 20)
    bench.place(BUY, price - 20, 1000)  # the dearer side counts
    assert account.order_margin_e8 == e8(Decimal("59998.0") / 20)
    assert account.open_values_e8(bench.instrument) == (
        e8(Decimal("59998.0")),
        e8(Decimal("60002.0") * Decimal("1.5")),
    )
    bench.crowd(BUY, price + 20, 2000, rests=False)  # half of it from the crowd
    assert account.trades[-1].realised_e8 == e8(Decimal("2.0"))
    assert account.positions["BTCUSDT"].lots == 0
    fee = Decimal("60002.0") * Decimal("0.0002")
    assert account.wallet_e8 == FUNDS_E8 + e8(Decimal("2.0") - paid - fee)


def test_margin_runs_out() -> None:
    bench, account = usdm()
    lots = int(Decimal(FUNDS_E8) / E8 * 20 / 60_000 / USDM_LOT)
    with pytest.raises(Refused) as refused:
        bench.place(BUY, 600_000, lots + 1)
    assert refused.value.code == -2019
    bench.place(BUY, 600_000, lots)
    with pytest.raises(Refused):
        bench.place(BUY, 600_000, 10)
    assert 0 <= account.available_e8 < 600 * E8


def test_trades_are_kept_up_to_a_bound() -> None:
    _, account = usdm()
    for number in range(TRADES_MAX + 1):
        account.record(Trade(number, 1, "BTCUSDT", BUY, 1, 1, 1, 0, "USDT", 0, True, 0))
    assert TRADES_MAX // 2 <= len(account.trades) <= TRADES_MAX
    assert account.trades[-1].trade_id == TRADES_MAX
    assert account.trades_n == TRADES_MAX + 1


def test_what_was_traded_counts_every_trade_there_was() -> None:
    _, account = usdm()
    for number in range(TRADES_MAX + 1):
        side = BUY if number % 3 else -BUY
        account.record(Trade(number, 1, "BTCUSDT", side, 1, 2, 1, 0, "USDT", 0, True, 0))
    sold_n = -(-(TRADES_MAX + 1) // 3)
    assert account.traded_lots == {"BTCUSDT": 2 * (TRADES_MAX + 1 - 2 * sold_n)}
