"""Orders keep to the venue's tick and step where books are kept on a finer grid."""

import pytest

from appliance.abi.refusal import Reject
from appliance.abi.units import INT64_MAX, UNSET
from tests.oracle.healthy_gate import BUY, INT64_MIN, SELL, healthy_gate, passes, put, refused


@pytest.mark.parametrize("side", [BUY, SELL])
def test_prices_on_the_venues_step(side: int) -> None:
    """A book on a finer grid than the venue takes in orders."""
    gate = healthy_gate()
    put(gate, "instruments", price_step_ticks=10)
    for price in (9_990, 10_000, 10_010):
        passes(gate, side=side, price_ticks=price)
    for price in (9_991, 9_999, 10_001, 10_005):
        refused(gate, Reject.PRICE_STEP, price, 10, side=side, price_ticks=price)
    put(gate, "instruments", price_step_ticks=INT64_MAX)
    refused(gate, Reject.PRICE_STEP, 10_000, INT64_MAX)
    put(gate, "instruments", price_step_ticks=1)
    passes(gate, side=side, price_ticks=9_991)


def test_quantities_on_the_venues_step() -> None:
    gate = healthy_gate()
    put(gate, "instruments", quantity_step_lots=7)
    for quantity in (7, 14, 399):
        passes(gate, quantity_lots=quantity)
    for quantity in (1, 6, 8, 398):
        refused(gate, Reject.QUANTITY_STEP, quantity, 7, quantity_lots=quantity)
    put(gate, "instruments", quantity_step_lots=1)
    passes(gate, quantity_lots=8)


@pytest.mark.parametrize("step", [UNSET, 0, -10, INT64_MIN])
def test_a_step_that_nobody_set(step: int) -> None:
    gate = healthy_gate()
    put(gate, "instruments", price_step_ticks=step)
    refused(gate, Reject.PRICE_STEP, 10_000, step)
    put(gate, "instruments", price_step_ticks=1, quantity_step_lots=step)
    refused(gate, Reject.QUANTITY_STEP, 10, step)
