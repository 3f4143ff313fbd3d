"""The gate as a whole: missing limits (appliance.hot.gate_limits), the order rate, the order of the
checks.

Every number is worked out by hand; the reference gate is not used.
"""

import numpy as np
import pytest

from appliance.abi.gate import REFERENCE, REFUSAL
from appliance.abi.layout import records
from appliance.abi.limits import INSTRUMENTS_MAX, ORDER_RATE_MAX
from appliance.abi.market import INSTRUMENT, BookState
from appliance.abi.refusal import Block, Reject
from appliance.abi.risk_limits import ACCOUNT_LIMITS, LIMITS, OFF, Limit
from appliance.abi.trading import POSITION, TimeInForce
from appliance.abi.trading_state import TradingState
from appliance.abi.units import UNSET
from appliance.hot import gate as gate_module
from appliance.hot.gate import make_gate
from tests.oracle.healthy_gate import (
    BUY,
    INT64_MIN,
    NOW_NS,
    SELL,
    ask,
    healthy_gate,
    passes,
    put,
    refused,
)


def note_sent(gate, instrument: int, now_ns: int, quantity_lots: int = 1) -> None:
    gate_module.note_sent(gate, instrument, BUY, 10_000, quantity_lots, now_ns)


def test_a_new_gate_refuses_everything() -> None:
    gate = make_gate(records(1, INSTRUMENT), records(1, POSITION), 1)
    refused(gate, Reject.HALTED, TradingState.HALTED, TradingState.ACTIVE, instrument=0)
    assert all((gate.limits[name] == UNSET).all() for name in LIMITS.names)
    assert all((gate.account_limits[name] == UNSET).all() for name in ACCOUNT_LIMITS.names)
    assert not gate.references.view(np.int64).any()


@pytest.mark.parametrize("n", [0, -1, 3, INSTRUMENTS_MAX + 1])
def test_a_gate_needs_a_record_for_each_instrument(n: int) -> None:
    with pytest.raises(ValueError, match="records"):
        make_gate(records(2, INSTRUMENT), records(2, POSITION), n)


def test_zeroed_records_are_never_permission() -> None:
    for group in ("account", "account_limits", "instruments", "limits", "references", "valuations"):
        gate = healthy_gate()
        passes(gate)
        getattr(gate, group).view(np.uint8)[:] = 0
        assert ask(gate)[0] != Reject.NONE, group


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("time_in_force", list(TimeInForce))
def test_a_healthy_order_passes(side: int, time_in_force: int) -> None:
    passes(healthy_gate(), side=side, time_in_force=time_in_force)


def test_the_first_index() -> None:
    gate = healthy_gate()
    for group in ("instruments", "limits", "positions", "references", "valuations"):
        array = getattr(gate, group)
        array[0] = array[1]
    passes(gate, instrument=0)


def limit_cases() -> list[tuple[str, str, Limit]]:
    cases = [("limits", name, Limit[name.upper()]) for name in LIMITS.names]
    cases += [
        ("account_limits", name, Limit[f"ACCOUNT_{name.upper()}"]) for name in ACCOUNT_LIMITS.names
    ]
    cases += [("valuations", "value_multiple", Limit.VALUE_MULTIPLE)]
    cases += [("valuations", "value_divisor", Limit.VALUE_DIVISOR)]
    cases += [("instruments", "price_grid_e8", Limit.PRICE_GRID)]
    cases += [("instruments", "quantity_grid_e8", Limit.QUANTITY_GRID)]
    return cases


@pytest.mark.parametrize("value", [UNSET, 0, -2, INT64_MIN])
@pytest.mark.parametrize(("group", "name", "limit"), limit_cases())
def test_each_limit_unset(group: str, name: str, limit: Limit, value: int) -> None:
    """At any time, not only at start: the gate had passed the order before."""
    gate = healthy_gate()
    passes(gate)
    put(gate, group, **{name: value})
    refused(gate, Reject.LIMIT_UNSET, limit, value)


def test_every_limit_has_a_case() -> None:
    assert {limit for _, _, limit in limit_cases()} == set(Limit)


@pytest.mark.parametrize(
    ("group", "name", "limit", "most"),
    [
        ("limits", "order_rate_max", Limit.ORDER_RATE_MAX, ORDER_RATE_MAX),
        ("account_limits", "order_rate_max", Limit.ACCOUNT_ORDER_RATE_MAX, ORDER_RATE_MAX),
        ("limits", "collar_ppm", Limit.COLLAR_PPM, 1_000_000),
        ("limits", "order_types", Limit.ORDER_TYPES, 0b111),
    ],
)
def test_a_limit_that_limits_nothing(group: str, name: str, limit: Limit, most: int) -> None:
    gate = healthy_gate()
    put(gate, group, **{name: most})
    passes(gate)
    put(gate, group, **{name: most + 1})
    refused(gate, Reject.LIMIT_UNSET, limit, most + 1)


@pytest.mark.parametrize("group", ["account_limits", "limits"])
def test_order_rate(group: str) -> None:
    """Three within any 1,000 ns; the limit of the account, or of the instrument."""
    gate = healthy_gate()
    put(gate, "account_limits", order_rate_max=100)
    put(gate, group, order_rate_max=3)
    put(gate, "references", book_ns=NOW_NS, touch_ns=NOW_NS)
    for sent_ns in (0, 300, 300):
        passes(gate, now_ns=NOW_NS + sent_ns)
        note_sent(gate, 1, NOW_NS + sent_ns)
    refused(gate, Reject.ORDER_RATE, 999, 1_000, now_ns=NOW_NS + 999)
    passes(gate, now_ns=NOW_NS + 1_000)
    note_sent(gate, 0, NOW_NS + 1_000)  # another instrument's order counts as well
    refused(gate, Reject.ORDER_RATE, 800, 1_000, now_ns=NOW_NS + 1_100)


def test_a_limit_at_its_greatest_is_not_the_one_that_is_named() -> None:
    gate = healthy_gate()
    put(gate, "limits", order_rate_max=ORDER_RATE_MAX, collar_ppm=1_000_000)
    put(gate, "account_limits", order_rate_max=ORDER_RATE_MAX, order_rate_window_ns=UNSET)
    refused(gate, Reject.LIMIT_UNSET, Limit.ACCOUNT_ORDER_RATE_WINDOW_NS, UNSET)
    put(gate, "limits", order_rate_window_ns=UNSET)
    refused(gate, Reject.LIMIT_UNSET, Limit.ORDER_RATE_WINDOW_NS, UNSET)
    put(gate, "limits", open_orders_max=0)
    refused(gate, Reject.LIMIT_UNSET, Limit.OPEN_ORDERS_MAX, 0)


def test_check_counts_nothing_by_itself() -> None:
    gate = healthy_gate()
    before = [array.tobytes() for array in gate[:-1]]
    for _ in range(10):
        passes(gate)
        ask(gate, price_ticks=1)
    assert [array.tobytes() for array in gate[:-1]] == before


def test_an_order_noted_with_an_early_time_does_not_leave_the_window_early() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", order_rate_max=2)
    put(gate, "references", book_ns=NOW_NS, touch_ns=NOW_NS)
    note_sent(gate, 1, NOW_NS)
    note_sent(gate, 1, 0)
    assert gate.account[0].last_order_ns == NOW_NS
    refused(gate, Reject.ORDER_RATE, 999, 1_000, now_ns=NOW_NS + 999)


def test_the_ring_wraps() -> None:
    gate = healthy_gate()
    put(gate, "account_limits", order_rate_max=ORDER_RATE_MAX, order_rate_window_ns=10**6)
    put(gate, "limits", order_rate_max=ORDER_RATE_MAX, order_rate_window_ns=1)
    put(gate, "limits", book_age_max_ns=10**9, reference_age_max_ns=10**9, event_age_max_ns=OFF)
    put(gate, "account_limits", messages_per_fill_max=OFF, message_rate_max=OFF, venue_rate_max=OFF)
    put(gate, "account_limits", venue_day_max=OFF, guardian_age_max_ns=OFF)
    for n in range(ORDER_RATE_MAX + 10):
        note_sent(gate, 1, NOW_NS + n)
    # The order sent ORDER_RATE_MAX orders ago is the eleventh, at + 10.
    refused(gate, Reject.ORDER_RATE, 10**6 - 1, 10**6, now_ns=NOW_NS + 10**6 + 9)
    passes(gate, now_ns=NOW_NS + 10**6 + 10)


def test_the_first_objection_is_the_reason() -> None:
    """Everything wrong at once, mended one by one: the documented order."""
    gate = healthy_gate()
    put(gate, "account", trading_state=0, open_orders_n=8)
    put(gate, "instruments", tradable=0, notional_min_tick_lots=10**9)
    put(gate, "instruments", price_step_ticks=7, quantity_step_lots=3)
    put(gate, "references", book_state=BookState.STALE, bid_ticks=0)
    put(gate, "limits", collar_ppm=UNSET, order_types=0b110)
    put(gate, "positions", position_lots=1_000, open_buy_lots=-1, open_buy_orders_n=4)
    put(gate, "positions", open_sell_orders_n=1, open_notional_tick_lots=9_000_000)
    for _ in range(3):
        note_sent(gate, 1, NOW_NS, quantity_lots=10)
    put(gate, "account", open_orders_n=8)
    order = {"side": 0, "time_in_force": 9, "now_ns": 0, "price_ticks": 0, "quantity_lots": 0}
    mend = [
        (Reject.HALTED, lambda: put(gate, "account", trading_state=1)),
        (Reject.NOT_TRADABLE, lambda: put(gate, "instruments", tradable=1)),
        (Reject.BAD_SIDE, lambda: order.update(side=BUY)),
        (Reject.BAD_TYPE, lambda: order.update(time_in_force=0)),
        (Reject.LIMIT_UNSET, lambda: put(gate, "limits", collar_ppm=10_000)),
        (Reject.ORDER_TYPE, lambda: put(gate, "limits", order_types=0b111)),
        (Reject.OVERFLOW, lambda: put(gate, "positions", open_buy_lots=0)),
        (Reject.CLOCK, lambda: order.update(now_ns=NOW_NS)),
        (Reject.BOOK_NOT_LIVE, lambda: put(gate, "references", book_state=2)),
        (Reject.REFERENCE_MISSING, lambda: put(gate, "references", bid_ticks=9_999)),
        (Reject.PRICE_RANGE, lambda: order.update(price_ticks=20_000)),
        (Reject.PRICE_STEP, lambda: put(gate, "instruments", price_step_ticks=1)),
        (Reject.QUANTITY_MIN, lambda: order.update(quantity_lots=10)),
        (Reject.QUANTITY_STEP, lambda: put(gate, "instruments", quantity_step_lots=1)),
        (Reject.NOTIONAL_MIN, lambda: put(gate, "instruments", notional_min_tick_lots=UNSET)),
        (Reject.PRICE_COLLAR, lambda: order.update(price_ticks=10_000)),
        (Reject.REDUCE_ONLY, lambda: put(gate, "account", trading_state=2)),
        (Reject.POSITION, lambda: put(gate, "positions", position_lots=0)),
        (Reject.OPEN_ORDERS_SIDE, lambda: put(gate, "positions", open_buy_orders_n=0)),
        (Reject.OPEN_ORDERS, lambda: put(gate, "account", open_orders_n=0)),
        (Reject.OPEN_NOTIONAL, lambda: put(gate, "positions", open_notional_tick_lots=0)),
        (Reject.SELF_CROSS, lambda: put(gate, "positions", own_ask_ticks=10_001)),
        (Reject.ORDER_RATE, lambda: put(gate, "account_limits", order_rate_max=4)),
        (Reject.DUPLICATE, lambda: order.update(quantity_lots=11)),
    ]
    for reason, repair in mend:
        assert ask(gate, **order)[0] == reason, reason
        repair()
    passes(gate, **order)


def test_one_cache_line_each() -> None:
    assert REFERENCE.itemsize == 64
    assert REFUSAL.itemsize == 64


def test_time_that_runs_back() -> None:
    gate = healthy_gate()
    note_sent(gate, 1, NOW_NS)
    passes(gate)
    refused(gate, Reject.CLOCK, NOW_NS - 1, NOW_NS, now_ns=NOW_NS - 1)


@pytest.mark.parametrize("blocks", [Block.LINK, Block.CLOCK | Block.RATE, -1])
@pytest.mark.parametrize("field", ["session_blocks", "link_blocks"])
def test_a_session_that_is_blocked(field: str, blocks: int) -> None:
    gate = healthy_gate()
    put(gate, "account", **{field: blocks})
    refused(gate, Reject.BLOCKED, blocks, 0)
