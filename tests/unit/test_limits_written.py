"""Limits in the gate's records, and what an instrument's money is worth in the account's."""

import pytest

from appliance.abi.layout import records
from appliance.abi.risk_limits import LIMITS
from appliance.abi.trading import POSITION
from appliance.abi.trading_state import TradingState
from appliance.abi.units import E8
from appliance.cold.limits import PAPER_FUNDS_E8, demo_limits, give_paper_funds, parse_limits
from appliance.hot.gate import make_gate
from tests.strategies.instruments import BTCUSDT, instruments
from tests.strategies.risk_text import ACCOUNT, DEFAULT, risk_text


def test_writing_fills_every_field_and_leaves_the_state() -> None:
    gate = make_gate(BTCUSDT, records(1, POSITION), 1)
    risk = parse_limits(ACCOUNT + DEFAULT, BTCUSDT)
    risk.write(gate)
    assert all(gate.limits[name][0] > 0 for name in LIMITS.names)
    for name, value in risk.account.items():
        assert gate.account_limits[name][0] == value
    for name, value in risk.instruments[0].items():
        assert gate.limits[name][0] == value
    assert gate.limits[0].order_rate_max == 100
    assert gate.limits[0].order_rate_window_ns == 10**9
    assert gate.account[0].trading_state == TradingState.HALTED
    assert gate.account[0].funds_known == 0
    # 0.01 x 0.00001 = 10**-7: ten times 10**-8
    assert (gate.valuations[0].value_multiple, gate.valuations[0].value_divisor) == (10, 1)


def test_a_replay_has_no_guardian_and_no_venue_with_a_clock() -> None:
    live = parse_limits(risk_text(guardian_age_max_ms=500, clock_offset_max_ms=5), BTCUSDT)
    assert live.account["guardian_age_max_ns"] == 500_000_000
    assert live.account["clock_offset_max_ns"] == 5_000_000
    assert live.for_history() == parse_limits(ACCOUNT + DEFAULT, BTCUSDT)


@pytest.mark.parametrize(
    ("price_grid_e8", "quantity_grid_e8", "multiple", "divisor"),
    [
        (1, 10**8, 1, 1),
        (1, 10**7, 1, 10),
        (25, 10**6, 1, 4),
        (10**8, 10**8, 10**8, 1),
        (3, 1, 3, E8),
    ],
)
def test_a_tick_of_a_lot_in_money(
    price_grid_e8: int, quantity_grid_e8: int, multiple: int, divisor: int
) -> None:
    made = instruments(("AUSDT", price_grid_e8, quantity_grid_e8), ("BUSDT", 1, 1))
    gate = make_gate(made, records(2, POSITION), 2)
    demo_limits(made, [1000, 1000]).write(gate)
    value = gate.valuations[0]
    assert (value.value_multiple, value.value_divisor) == (multiple, divisor)
    assert value.most_tick_lots == (2**60 - 1) // 2 // multiple


def test_paper_money_has_no_end() -> None:
    gate = make_gate(BTCUSDT, records(1, POSITION), 1)
    demo_limits(BTCUSDT, [6_000_000]).write(gate)
    give_paper_funds(gate)
    assert gate.account[0].funds_known == 1 and gate.account[0].funds_e8 == PAPER_FUNDS_E8
    assert gate.valuations[0].base_owned_lots == gate.limits[0].position_max_lots
