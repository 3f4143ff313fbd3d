"""What the gate says of the position at its worst, and of an appliance that may only reduce it.

Every number is worked out by hand; the reference gate is not used.
"""

import pytest

from appliance.abi.refusal import Reject
from appliance.abi.trading_state import TradingState
from tests.oracle.healthy_gate import BUY, SELL, healthy_gate, passes, put, refused


@pytest.mark.parametrize("side", [BUY, SELL])
def test_reduce_only(side: int) -> None:
    gate = healthy_gate()
    put(gate, "account", trading_state=TradingState.REDUCE_ONLY)
    same = "open_buy_lots" if side == BUY else "open_sell_lots"
    put(gate, "positions", position_lots=-side * 50, **{same: 30})
    passes(gate, side=side, quantity_lots=20)
    refused(gate, Reject.REDUCE_ONLY, 51, 50, side=side, quantity_lots=21)
    refused(gate, Reject.REDUCE_ONLY, 1, 0, side=-side, quantity_lots=1)
    put(gate, "positions", position_lots=0)
    refused(gate, Reject.REDUCE_ONLY, 31, 0, side=side, quantity_lots=1)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_position_at_its_worst(side: int) -> None:
    gate = healthy_gate()
    same, other = "open_buy_lots", "open_sell_lots"
    if side == SELL:
        same, other = other, same
    put(gate, "positions", position_lots=side * 600, **{same: 350, other: 700})
    passes(gate, side=side, quantity_lots=50)
    refused(gate, Reject.POSITION, side * 1_001, 1_000, side=side, quantity_lots=51)


@pytest.mark.parametrize("side", [BUY, SELL])
def test_beyond_the_position_limit_the_way_back_is_open(side: int) -> None:
    gate = healthy_gate()
    put(gate, "positions", position_lots=-side * 5_000)
    passes(gate, side=side, quantity_lots=400)
    refused(gate, Reject.POSITION, -side * 5_001, 1_000, side=-side, quantity_lots=1)
