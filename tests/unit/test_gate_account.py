"""What the gate says of the account (appliance.hot.gate_account): each check at its limit, one
past it, and without its inputs.

Every number is worked out by hand; the reference gate is not used. A tick of a lot is worth 100
(times 10**-8), so a plain order of 10 lots at 10,000 is worth 10,000,000.
"""

import pytest

from appliance.abi.gate import EXPOSURE_LOTS_MAX
from appliance.abi.market import Market
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import OFF
from appliance.abi.trading_state import TradingState
from appliance.hot.gate import Gate
from tests.oracle.healthy_gate import (
    BUY,
    NOW_NS,
    SELL,
    healthy_gate,
    passes,
    put,
    reducing,
    refused,
)

EACH_SIDE = pytest.mark.parametrize("side", [BUY, SELL])
ORDER_E8 = 10_000_000


@pytest.mark.parametrize(
    ("since", "reason", "most_e8"),
    [
        ("profit_peak_e8", Reject.DRAWDOWN, 2 * 10**9),
        ("day_profit_e8", Reject.DAY_LOSS, 10**9),
    ],
)
def test_losses_halt_also_what_reduces(since: str, reason: Reject, most_e8: int) -> None:
    gate = healthy_gate()
    put(gate, "account", profit_e8=-500, **{since: most_e8 - 500})
    passes(gate)
    put(gate, "account", **{since: most_e8 - 499})
    refused(gate, reason, most_e8 + 1, most_e8)
    put(gate, "positions", position_lots=50)
    refused(gate, reason, most_e8 + 1, most_e8, side=SELL)
    put(gate, "account_limits", day_loss_max_e8=OFF, drawdown_max_e8=OFF)
    passes(gate)


def conduct(gate: Gate, name: str) -> tuple[Reject, int, int]:
    """One past a limit of how we behave: (reason, observed, limit)."""
    if name == "rejects":
        put(gate, "account", rejects_in_row_n=4)
        return Reject.REJECTS, 4, 3
    if name == "losses":
        put(gate, "positions", losses_in_row_n=3)
        return Reject.LOSSES, 3, 2
    if name == "ratio":
        put(gate, "account", messages_n=600, day_messages_n=99, fills_n=70, day_fills_n=20)
        put(gate, "account_limits", message_rate_max=OFF)
        return Reject.ORDER_TO_TRADE, 501, 500
    put(gate, "account", runaway_n=5)
    gate.runaway_ns[:5] = [NOW_NS - 999, NOW_NS - 4, NOW_NS - 3, NOW_NS - 2, NOW_NS - 1]
    return Reject.RUNAWAY, 999, 1_000


CONDUCT = pytest.mark.parametrize("name", ["rejects", "losses", "ratio", "runaway"])


@CONDUCT
@EACH_SIDE
def test_conduct_stops_what_adds_and_lets_reduce(name: str, side: int) -> None:
    gate = healthy_gate()
    reason, observed, limit = conduct(gate, name)
    refused(gate, reason, observed, limit, side=side)
    gate, order = reducing(side)
    conduct(gate, name)
    passes(gate, **order)


def test_conduct_at_its_limits() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", message_rate_max=OFF)
    put(gate, "account", rejects_in_row_n=3, runaway_n=5)
    put(gate, "positions", losses_in_row_n=2)
    gate.runaway_ns[:5] = NOW_NS - 1_000
    passes(gate)
    put(gate, "account", messages_n=599, day_messages_n=99, fills_n=20, day_fills_n=20)
    passes(gate)
    # Once there were more than 500 messages, without a fill ten are allowed.
    put(gate, "account", messages_n=600, fills_n=20)
    refused(gate, Reject.ORDER_TO_TRADE, 501, 10)
    put(gate, "account", fills_n=71)
    passes(gate)
    put(gate, "account", messages_n=99 + 510)
    passes(gate)
    put(gate, "account", messages_n=99 + 511)
    refused(gate, Reject.ORDER_TO_TRADE, 511, 510)


def test_more_fills_than_can_be_multiplied() -> None:
    """Found by ten million random orders: the product was cut, and cut too low."""
    gate = healthy_gate()
    put(gate, "account_limits", messages_per_fill_max=2**30, message_rate_max=OFF)
    put(gate, "account", messages_n=2**60, fills_n=2**60)
    passes(gate)
    put(gate, "account", fills_n=2**30 - 1)
    refused(gate, Reject.ORDER_TO_TRADE, 2**60, (2**30 - 1) * 2**30)
    put(gate, "account", fills_n=2**30)
    passes(gate)


def test_as_many_executions_as_allowed_say_nothing_of_what_was_before_them() -> None:
    """A person re-armed: the count began anew, and the ring still holds the times of before."""
    gate = healthy_gate()
    gate.runaway_ns[:] = NOW_NS
    put(gate, "account", runaway_n=4)
    passes(gate)
    put(gate, "account", runaway_n=5)
    refused(gate, Reject.RUNAWAY, 0, 1_000)


def test_conduct_that_is_off() -> None:
    gate = healthy_gate()
    for name in ("rejects", "losses", "ratio", "runaway"):
        conduct(gate, name)
    put(gate, "account_limits", rejects_in_row_max=OFF, runaway_max=OFF, messages_per_fill_max=OFF)
    put(gate, "limits", losses_in_row_max=OFF)
    passes(gate)


@EACH_SIDE
def test_a_position_that_cannot_be_valued(side: int) -> None:
    gate = healthy_gate()
    put(gate, "account", unvalued_n=1)
    refused(gate, Reject.VALUE_UNKNOWN, 1, 0, side=side)
    gate, order = reducing(side)
    put(gate, "account", unvalued_n=1)
    passes(gate, **order)
    for mark in (0, -1, -(2**63)):
        put(gate, "positions", mark_ticks=mark)
        refused(gate, Reject.VALUE_UNKNOWN, mark, 0, **order)


def test_what_is_beyond_arithmetic_has_no_value() -> None:
    gate = healthy_gate()
    put(gate, "valuations", most_tick_lots=100_000)
    passes(gate)
    put(gate, "valuations", most_tick_lots=99_999)
    refused(gate, Reject.VALUE_UNKNOWN, -1, 0)
    put(gate, "valuations", most_tick_lots=0)
    refused(gate, Reject.VALUE_UNKNOWN, -1, 0)


@pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])
def test_funds_that_nobody_told(market: Market) -> None:
    gate = healthy_gate()
    put(gate, "instruments", market=market)
    for unknown in (0, 2, -1):
        put(gate, "account", funds_known=unknown)
        refused(gate, Reject.FUNDS_UNKNOWN, unknown, 1)


def test_what_is_bought_must_be_paid() -> None:
    gate = healthy_gate()
    put(gate, "account", funds_e8=ORDER_E8 + 700, cash_e8=-300, open_buy_e8=400)
    passes(gate)
    put(gate, "account", open_buy_e8=401)
    refused(gate, Reject.FUNDS, ORDER_E8 + 401, ORDER_E8 + 400)
    passes(gate, side=SELL)
    put(gate, "account", funds_e8=0, cash_e8=0, open_buy_e8=0)
    refused(gate, Reject.FUNDS, ORDER_E8, 0)


def test_what_is_sold_must_be_owned() -> None:
    gate = healthy_gate()
    put(gate, "valuations", base_owned_lots=40)
    put(gate, "positions", position_lots=-10, open_sell_lots=20)
    passes(gate, side=SELL)
    refused(gate, Reject.FUNDS, 31, 30, side=SELL, quantity_lots=11)
    passes(gate, quantity_lots=11)


def test_margin_carries_so_much() -> None:
    """Three times an equity of 40,000,000 carries 120,000,000: the worst position is 12 times one
    order of 10 lots."""
    gate = healthy_gate()
    put(gate, "instruments", market=Market.USDM)
    put(gate, "account", funds_e8=50_000_000, profit_e8=-10_000_000, gross_e8=110_000_000)
    passes(gate)
    refused(gate, Reject.LEVERAGE, 121_000_000, 120_000_000, quantity_lots=11)
    put(gate, "account", funds_e8=0)
    refused(gate, Reject.LEVERAGE, 120_000_000, 0)
    put(gate, "positions", position_lots=-50)
    passes(gate)  # it reduces
    put(gate, "positions", position_lots=0)
    put(gate, "account_limits", leverage_max_pct=OFF)
    passes(gate)


@EACH_SIDE
def test_gross_of_all_instruments(side: int) -> None:
    gate = healthy_gate()
    put(gate, "account_limits", gross_max_e8=500 + ORDER_E8)
    put(gate, "account", gross_e8=500)
    passes(gate, side=side)
    put(gate, "account", gross_e8=501)
    refused(gate, Reject.GROSS, ORDER_E8 + 501, ORDER_E8 + 500, side=side)
    # What the instrument had before is not counted twice, and its greater side counts.
    put(gate, "account", gross_e8=501 + 7 * ORDER_E8)
    other = "short_e8" if side == BUY else "long_e8"
    put(gate, "valuations", gross_e8=7 * ORDER_E8, **{other: ORDER_E8})
    refused(gate, Reject.GROSS, ORDER_E8 + 501, ORDER_E8 + 500, side=side)
    put(gate, "valuations", **{other: ORDER_E8 + 3})
    refused(gate, Reject.GROSS, ORDER_E8 + 504, ORDER_E8 + 500, side=side)


@EACH_SIDE
def test_net_of_all_instruments(side: int) -> None:
    gate = healthy_gate()
    own, other = ("long_e8", "short_e8") if side == BUY else ("short_e8", "long_e8")
    put(gate, "account_limits", net_max_e8=500 + ORDER_E8)
    put(gate, "account", **{own: 600, other: 10**15})
    put(gate, "valuations", **{own: 100})
    passes(gate, side=side)
    put(gate, "account", **{own: 601})
    refused(gate, Reject.NET, ORDER_E8 + 501, ORDER_E8 + 500, side=side)


def test_value_of_the_day() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", day_value_max_e8=1_000 + ORDER_E8)
    put(gate, "account", turnover_e8=5_000, day_turnover_e8=4_200, open_e8=200)
    passes(gate)
    put(gate, "account", open_e8=201)
    refused(gate, Reject.DAY_VALUE, 1_001 + ORDER_E8, 1_000 + ORDER_E8)
    put(gate, "positions", position_lots=-50)
    passes(gate)


def test_quantity_of_the_day() -> None:
    gate = healthy_gate()
    put(gate, "limits", day_quantity_max_lots=100)
    put(gate, "positions", bought_lots=30, sold_lots=40, open_buy_lots=20, open_sell_lots=15)
    put(gate, "valuations", day_traded_lots=15)
    passes(gate)
    refused(gate, Reject.DAY_QUANTITY, 101, 100, quantity_lots=11)
    put(gate, "positions", bought_lots=2**62)
    refused(gate, Reject.DAY_QUANTITY, 2**62 + 25, 100)
    put(gate, "limits", day_quantity_max_lots=OFF)
    put(gate, "positions", bought_lots=EXPOSURE_LOTS_MAX - 25)
    passes(gate)
    put(gate, "positions", bought_lots=EXPOSURE_LOTS_MAX - 24)
    refused(gate, Reject.DAY_QUANTITY, EXPOSURE_LOTS_MAX + 1, OFF)
    put(gate, "account", trading_state=TradingState.REDUCE_ONLY)
    put(gate, "positions", position_lots=-50)
    passes(gate)
