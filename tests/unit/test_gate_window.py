"""The price collar over a window, and the age of the book by the venue's clock.

Every number is worked out by hand; the reference gate is not used.
"""

import pytest

from appliance.abi.gate import GATE_PRICE_TICKS_MAX
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import OFF, Limit
from tests.oracle.healthy_gate import BUY, NOW_NS, SELL, healthy_gate, passes, put, refused

EACH_SIDE = pytest.mark.parametrize("side", [BUY, SELL])


@EACH_SIDE
def test_too_far_from_where_the_market_was(side: int) -> None:
    """5 % around every middle between 9,524 and 10,526: from 9,999.7 to 10,000.2."""
    gate = healthy_gate()
    put(gate, "references", window_low2_ticks=2 * 9_524, window_high2_ticks=2 * 10_526)
    passes(gate, side=side, price_ticks=10_000)
    # 10,001 is 477 above 9,524: 50,084 ppm; 9,999 is 527 below 10,526: 50,066.5
    refused(gate, Reject.PRICE_WINDOW, 50_084, 50_000, side=side, price_ticks=10_001)
    refused(gate, Reject.PRICE_WINDOW, 50_067, 50_000, side=side, price_ticks=9_999)
    put(gate, "limits", window_collar_ppm=OFF)
    passes(gate, side=side, price_ticks=10_001)


@EACH_SIDE
def test_the_farthest_that_is_near_enough(side: int) -> None:
    """20 % below a middle of 12,500 is 10,000 exactly."""
    gate = healthy_gate()
    put(gate, "limits", window_collar_ppm=200_000)
    put(gate, "references", window_low2_ticks=20_000, window_high2_ticks=25_000)
    passes(gate, side=side, price_ticks=10_000)
    put(gate, "references", window_high2_ticks=25_001)
    refused(gate, Reject.PRICE_WINDOW, 200_032, 200_000, side=side, price_ticks=10_000)


@EACH_SIDE
def test_a_window_that_is_missing_or_impossible(side: int) -> None:
    gate = healthy_gate()
    for low, high in ((0, 20_000), (-1, 20_000), (20_001, 20_000), (0, 0)):
        put(gate, "references", window_low2_ticks=low, window_high2_ticks=high)
        refused(gate, Reject.REFERENCE_MISSING, low, high, side=side)
    most = 2 * GATE_PRICE_TICKS_MAX
    put(gate, "references", window_low2_ticks=20_000, window_high2_ticks=most + 1)
    refused(gate, Reject.OVERFLOW, most + 1, most, side=side)
    put(gate, "references", window_high2_ticks=most)
    refused(gate, Reject.PRICE_WINDOW, 1_000_000, 50_000, side=side)
    put(gate, "references", window_high2_ticks=most + 1)
    put(gate, "positions", position_lots=-side * 50)
    passes(gate, side=side)  # it reduces


def test_the_book_by_the_venues_clock() -> None:
    gate = healthy_gate()
    put(gate, "account", clock_offset_ns=700)
    for age_ns in (3_000, 0, -3_000):
        put(gate, "references", event_ns=NOW_NS + 700 - age_ns)
        passes(gate)
    for age_ns in (3_001, -3_001):
        put(gate, "references", event_ns=NOW_NS + 700 - age_ns)
        refused(gate, Reject.EVENT_OLD, age_ns, 3_000)
    for missing in (0, -1, -(2**63)):
        put(gate, "references", event_ns=missing)
        refused(gate, Reject.EVENT_OLD, NOW_NS + 700, 3_000)
    put(gate, "limits", event_age_max_ns=OFF)
    passes(gate)


@pytest.mark.parametrize(
    ("group", "name", "most", "code"),
    [
        ("limits", "window_collar_ppm", 1_000_000, Limit.WINDOW_COLLAR_PPM),
        ("account_limits", "message_rate_max", 1024, Limit.ACCOUNT_MESSAGE_RATE_MAX),
        ("account_limits", "venue_rate_max", 1024, Limit.ACCOUNT_VENUE_RATE_MAX),
        ("account_limits", "runaway_max", 1023, Limit.ACCOUNT_RUNAWAY_MAX),
        ("account_limits", "leverage_max_pct", 100_000, Limit.ACCOUNT_LEVERAGE_MAX_PCT),
        ("account_limits", "messages_per_fill_max", 2**30, Limit.ACCOUNT_MESSAGES_PER_FILL_MAX),
    ],
)
def test_a_limit_that_limits_nothing_must_say_that_it_is_off(
    group: str, name: str, most: int, code: Limit
) -> None:
    gate = healthy_gate()
    for good in (most, OFF):
        put(gate, group, **{name: good})
        passes(gate)
    for bad in (most + 1, OFF - 1):
        put(gate, group, **{name: bad})
        refused(gate, Reject.LIMIT_UNSET, code, bad)


@pytest.mark.parametrize(
    ("group", "name", "code"),
    [
        ("limits", "fee_ppm", Limit.FEE_PPM),
        ("limits", "collar_ppm", Limit.COLLAR_PPM),
        ("limits", "order_types", Limit.ORDER_TYPES),
        ("limits", "order_rate_max", Limit.ORDER_RATE_MAX),
        ("account_limits", "order_rate_max", Limit.ACCOUNT_ORDER_RATE_MAX),
    ],
)
def test_what_can_never_be_off(group: str, name: str, code: Limit) -> None:
    gate = healthy_gate()
    put(gate, group, **{name: OFF})
    refused(gate, Reject.LIMIT_UNSET, code, OFF)
