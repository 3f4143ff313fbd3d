"""What the gate says of the day, the guardian and the venue's clock (hot/gate_account.py)."""

import pytest

from appliance.abi.gate import CLOCK_AGE_MAX_NS
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import OFF
from tests.oracle.healthy_gate import (
    BUY,
    DAY_NS,
    NOW_NS,
    SELL,
    healthy_gate,
    passes,
    put,
    reducing,
    refused,
)

EACH_SIDE = pytest.mark.parametrize("side", [BUY, SELL])


@pytest.mark.parametrize(
    ("name", "ends_ns"),
    [("day_ends_ns", NOW_NS + DAY_NS // 2), ("venue_day_ends_ns", NOW_NS + DAY_NS // 3)],
)
def test_the_day_must_be_known_and_not_over(name: str, ends_ns: int) -> None:
    gate = healthy_gate()
    put(gate, "account", **{name: NOW_NS + 1})
    passes(gate)
    for end_ns in (NOW_NS, NOW_NS - 1, 0, -1, -(2**63)):
        put(gate, "account", **{name: end_ns})
        refused(gate, Reject.DAY_OVER, NOW_NS, end_ns)
    assert healthy_gate().account[0][name] == ends_ns


@EACH_SIDE
def test_the_guardians_heart(side: int) -> None:
    gate = healthy_gate()
    for age_ns in (0, 5_000, -5_000):
        gate.beats[0] = NOW_NS - age_ns
        passes(gate)
    for age_ns in (5_001, -5_001):
        gate.beats[0] = NOW_NS - age_ns
        refused(gate, Reject.GUARDIAN, age_ns, 5_000)
    for missing in (0, -1, -(2**63)):
        gate.beats[0] = missing
        refused(gate, Reject.GUARDIAN, NOW_NS, 5_000)
    put(gate, "account_limits", guardian_age_max_ns=OFF)
    passes(gate)
    gate, order = reducing(side)
    gate.beats[0] = 0
    passes(gate, **order)


@EACH_SIDE
def test_the_venues_clock(side: int) -> None:
    gate = healthy_gate()
    for age_ns in (CLOCK_AGE_MAX_NS, -CLOCK_AGE_MAX_NS):
        put(gate, "account", clock_seen_ns=NOW_NS - age_ns)
        passes(gate)
    for age_ns in (CLOCK_AGE_MAX_NS + 1, -CLOCK_AGE_MAX_NS - 1):
        put(gate, "account", clock_seen_ns=NOW_NS - age_ns)
        refused(gate, Reject.CLOCK_UNKNOWN, age_ns, CLOCK_AGE_MAX_NS)
    for missing in (0, -1, -(2**63)):
        put(gate, "account", clock_seen_ns=missing)
        refused(gate, Reject.CLOCK_UNKNOWN, NOW_NS, CLOCK_AGE_MAX_NS)
    put(gate, "account", clock_seen_ns=NOW_NS, clock_offset_most_ns=2_000)
    passes(gate)
    for offset_ns in (2_001, 2**63 - 1, -1, -(2**63)):
        put(gate, "account", clock_offset_most_ns=offset_ns)
        refused(gate, Reject.CLOCK_OFFSET, offset_ns, 2_000)
    put(gate, "account_limits", clock_offset_max_ns=OFF)
    passes(gate)
    gate, order = reducing(side)
    put(gate, "account", clock_seen_ns=0, clock_offset_most_ns=-1)
    passes(gate, **order)
