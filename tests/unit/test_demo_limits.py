"""Limits where no file gives any: enough for the venue's smallest order, never for live trading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.limits import ORDERS_MAX
from appliance.abi.risk_limits import OFF
from appliance.abi.units import INT64_MAX
from appliance.cold.limits import demo_limits
from tests.strategies.instruments import BTCUSDT, instruments


def test_demo_limits_of_a_common_instrument() -> None:
    limits = demo_limits(BTCUSDT, [6_000_000])  # 60,000.00
    assert {k: v for k, v in limits.account.items() if v != OFF} == {
        "order_rate_max": 100,
        "order_rate_window_ns": 10**9,
        "open_orders_max": 50,
        "message_rate_max": 1024,
        "message_rate_window_ns": 10**9,
        "venue_rate_window_ns": 10**9,
        "runaway_window_ns": 10**9,
    }
    assert limits.instruments == (
        {
            "position_max_lots": 83_330,  # 0.8333 BTC: 49,998
            "quantity_max_lots": 16_666,  # 9,999.60
            "notional_max_tick_lots": 100_000_000_000,
            "collar_ppm": 10_000,
            "open_orders_max": 50,
            "book_age_max_ns": 1_500_000_000,
            "reference_age_max_ns": 1_500_000_000,
            "order_types": 0b111,
            "open_orders_side_max": 50,
            "open_notional_max_tick_lots": 1_000_000_000_000,
            "repeat_window_ns": 1_000_000,
            "window_collar_ppm": 100_000,
            "collar_window_ns": 60_000_000_000,
            "event_age_max_ns": OFF,
            "day_quantity_max_lots": OFF,
            "losses_in_row_max": OFF,
            "fee_ppm": 1_000,
        },
    )


@given(
    price=st.integers(1, 10**13),
    price_grid=st.integers(1, 10**10),
    quantity_grid=st.integers(1, 10**10),
    mins=st.tuples(st.integers(-1, 10**6), st.integers(-1, 10**12)),
    step=st.integers(1, 10**6),
)
def test_demo_limits_let_the_venues_smallest_order_pass(
    price: int, price_grid: int, quantity_grid: int, mins: tuple[int, int], step: int
) -> None:
    one = (made := instruments(("ANY", price_grid, quantity_grid)))[0]
    one.quantity_min_lots, one.notional_min_tick_lots, one.quantity_step_lots = *mins, step
    got = demo_limits(made, [price]).instruments[0]
    assert all(0 < value <= INT64_MAX for value in got.values())
    least = -(-max(1, mins[0], -(-mins[1] // price)) // step) * step
    assert least <= got["quantity_max_lots"] <= got["position_max_lots"]
    assert least * price <= got["notional_max_tick_lots"] or least * price > INT64_MAX


def test_demo_limits_need_a_price_and_a_grid() -> None:
    with pytest.raises(ValueError, match="no limits"):
        demo_limits(BTCUSDT, [0])
    with pytest.raises(ValueError, match="no limits"):
        demo_limits(instruments(("BTCUSDT", 0, 1)), [1])
    with pytest.raises(ValueError, match="argument 2"):
        demo_limits(BTCUSDT, [])


def test_demo_limits_of_many_instruments_stay_within_the_order_table() -> None:
    made = instruments(*((f"S{n}USDT", 1_000_000, 1_000) for n in range(64)))
    assert demo_limits(made, [100] * 64).account["open_orders_max"] == ORDERS_MAX
