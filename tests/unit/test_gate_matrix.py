"""The full matrix: for each check each of its inputs missing, zero, negative, stale or absurd.

One table; a gate that passes is spoilt in one place at a time, and must refuse.
"""

from collections.abc import Iterator

import pytest

from appliance.abi.account import GATE_ACCOUNT, VALUATION
from appliance.abi.gate import CLOCK_AGE_MAX_NS, REFERENCE
from appliance.abi.market import INSTRUMENT
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import ACCOUNT_LIMITS, LIMITS, OFF
from appliance.abi.trading import POSITION
from tests.oracle.healthy_gate import BUY, INT64_MIN, NOW_NS, SELL, ask, healthy_gate, put

INT64_MAX = 2**63 - 1
NONE = (0, -1, INT64_MIN)
PAST_AND_FUTURE = (*NONE, NOW_NS - 10**9, NOW_NS + 10**9, INT64_MAX)
IMPOSSIBLE = (-1, INT64_MIN, INT64_MAX)

# Field of each record that ``check`` reads -> values with which nothing may pass.
SPOILT: dict[str, dict[str, tuple[int, ...]]] = {
    "account": {
        "trading_state": (0, 3, 4, -1, INT64_MAX),
        "session_blocks": (1, -1),
        "link_blocks": (1, -1),
        "clock_offset_ns": (10**9, -(10**9)),
        "clock_offset_most_ns": (2_001, *IMPOSSIBLE),
        "clock_seen_ns": (
            *NONE,
            NOW_NS - CLOCK_AGE_MAX_NS - 1,
            NOW_NS + CLOCK_AGE_MAX_NS + 1,
            INT64_MAX,
        ),
        "open_orders_n": (8, *IMPOSSIBLE),
        "orders_sent_n": IMPOSSIBLE,
        "last_order_ns": (NOW_NS + 1, INT64_MAX),
        "messages_n": (501, *IMPOSSIBLE),
        "runaway_n": IMPOSSIBLE,
        "rejects_in_row_n": (4, *IMPOSSIBLE),
        "gross_e8": (10**11,),
        "long_e8": (10**11,),
        "open_e8": (10**12,),
        "open_buy_e8": (10**13,),
        "cash_e8": (-(10**13),),
        "profit_e8": (-(10**10),),
        "profit_peak_e8": (10**10,),
        "day_profit_e8": (10**10,),
        "turnover_e8": (10**12,),
        "day_turnover_e8": (-(10**12),),
        "unvalued_n": (1, -1),
        "funds_known": (0, -1, 2),
        "funds_e8": NONE,
        "day_ends_ns": (*NONE, NOW_NS),
        "venue_day_ends_ns": (*NONE, NOW_NS),
        "venue_day_orders_n": (1_000, *IMPOSSIBLE),
    },
    "account_limits": dict.fromkeys(ACCOUNT_LIMITS.names or (), NONE),
    "instruments": {
        "symbol": (0,),
        "market": (*NONE, 3),
        "tradable": (*NONE, 2),
        "price_grid_e8": NONE,
        "quantity_grid_e8": NONE,
        "price_min_ticks": (INT64_MAX,),
        "price_max_ticks": (0, 1),
        "quantity_min_lots": (INT64_MAX,),
        "quantity_max_lots": (0, 1),
        "notional_min_tick_lots": (INT64_MAX,),
        "price_step_ticks": (*NONE, 7, INT64_MAX),
        "quantity_step_lots": (*NONE, 3, INT64_MAX),
    },
    "limits": dict.fromkeys(LIMITS.names or (), NONE),
    "positions": {
        "position_lots": (991, INT64_MIN, INT64_MAX),
        "mark_ticks": NONE,
        "open_buy_lots": (991, *IMPOSSIBLE),
        "open_sell_lots": IMPOSSIBLE,
        "open_buy_orders_n": (4, *IMPOSSIBLE),
        "open_sell_orders_n": (1, 5, *IMPOSSIBLE),
        "open_notional_tick_lots": (9_000_000, *IMPOSSIBLE),
        "bought_lots": (100_000, INT64_MAX),
        "sold_lots": (100_000, INT64_MAX),
        "losses_in_row_n": (3, *IMPOSSIBLE),
    },
    "references": {
        "book_state": (*NONE, 1, 3),
        "book_ns": PAST_AND_FUTURE,
        "touch_ns": PAST_AND_FUTURE,
        "event_ns": PAST_AND_FUTURE,
        "bid_ticks": (*NONE, 10_001, INT64_MAX),
        "ask_ticks": (*NONE, 9_999, INT64_MAX),
        "window_low2_ticks": (*NONE, 1, INT64_MAX),
        "window_high2_ticks": (*NONE, INT64_MAX),
    },
    "valuations": {
        "value_multiple": NONE,
        "value_divisor": NONE,
        "most_tick_lots": NONE,
        "gross_e8": (-(10**11),),
        "long_e8": (-(10**11),),
        "short_e8": (10**11,),
        "day_traded_lots": (-100_000,),
    },
}
# What ``check`` reads only for a sale, or that cannot refuse a buy by itself.
OF_A_SALE = {
    ("account", "short_e8"): (10**11,),
    ("valuations", "base_owned_lots"): (*NONE, 9),
}
ORDER = {
    "instrument": (-1, 2, INT64_MAX, INT64_MIN),
    "side": (0, 2, -2, INT64_MAX, INT64_MIN),
    "price_ticks": (*NONE, 9_000, 11_000, INT64_MAX),
    "quantity_lots": (*NONE, 501, INT64_MAX),
    "time_in_force": (-1, 3, INT64_MAX, INT64_MIN),
    "now_ns": (*NONE, NOW_NS - 10**9, NOW_NS + 10**9, INT64_MAX),
}
# Not inputs of a check: told elsewhere, written by the check's follow-up, or a base of another.
NO_INPUT = {
    "account": {
        *("allowed_state", "phase", "state_cause", "state_reason", "state_observed"),
        *(
            "state_limit",
            "state_ns",
            "states_n",
            "states_told_n",
            "days_n",
            "days_told_n",
            "cancel_all",
            "last_message_ns",
        ),
        *("last_runaway_ns", "fills_n", "day_starts_ns", "day_messages_n", "day_fills_n"),
    },
    "instruments": {"price_decimals", "quantity_decimals"},
    "positions": {
        *("cost_tick_lots", "realised_tick_lots", "cash_tick_lots", "open_buy_tick_lots"),
        *("own_bid_ticks", "own_ask_ticks", "fills_n", "turnover_tick_lots"),
        "trip_start_tick_lots",
    },
    "valuations": {
        *("open_e8", "open_buy_e8", "cash_e8", "profit_e8", "turnover_e8", "unvalued", "fills_n"),
    },
}
RECORDS = {
    "account": GATE_ACCOUNT,
    "account_limits": ACCOUNT_LIMITS,
    "instruments": INSTRUMENT,
    "limits": LIMITS,
    "positions": POSITION,
    "references": REFERENCE,
    "valuations": VALUATION,
}


def cases() -> Iterator[tuple[str, str, int, int]]:
    for group, fields in SPOILT.items():
        for name, values in fields.items():
            yield from ((group, name, value, BUY) for value in values)
    for (group, name), values in OF_A_SALE.items():
        yield from ((group, name, value, SELL) for value in values)


@pytest.mark.parametrize(("group", "name", "value", "side"), list(cases()))
def test_one_input_spoilt(group: str, name: str, value: int, side: int) -> None:
    gate = healthy_gate()
    assert ask(gate, side=side)[0] == Reject.NONE
    if name == "symbol":
        gate.instruments[1].symbol[:] = value
    else:
        put(gate, group, **{name: value})
    assert ask(gate, side=side)[0] != Reject.NONE


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in ORDER.items() for v in vs])
def test_an_order_that_is_none(name: str, value: int) -> None:
    assert ask(healthy_gate(), **{name: value})[0] != Reject.NONE


@pytest.mark.parametrize("value", [*NONE, NOW_NS - 10**9, NOW_NS + 10**9])
def test_no_guardian(value: int) -> None:
    gate = healthy_gate()
    gate.beats[0] = value
    assert ask(gate)[0] == Reject.GUARDIAN


def test_no_field_is_left_out() -> None:
    for group, record in RECORDS.items():
        named = set(SPOILT[group]) | {name for g, name in OF_A_SALE if g == group}
        assert named | NO_INPUT.get(group, set()) == set(record.names or ()), group
        assert not named & NO_INPUT.get(group, set()), group


def test_every_reason_is_met() -> None:
    """With the other tests of the gate, which spoil two things at once."""
    met = set()
    for group, name, value, side in cases():
        gate = healthy_gate()
        if name == "symbol":
            gate.instruments[1].symbol[:] = value
        else:
            put(gate, group, **{name: value})
        met.add(Reject(ask(gate, side=side)[0]))
    for name, values in ORDER.items():
        met |= {Reject(ask(healthy_gate(), **{name: value})[0]) for value in values}
    gate = healthy_gate()
    gate.beats[0] = 0
    met.add(Reject(ask(gate)[0]))
    elsewhere = {
        *(Reject.NONE, Reject.REDUCE_ONLY, Reject.DUPLICATE, Reject.ORDER_TYPE, Reject.RUNAWAY),
        *(Reject.LEVERAGE, Reject.NOTIONAL_MAX, Reject.PRICE_WINDOW, Reject.QUANTITY_MIN),
        *(Reject.MESSAGE_RATE, Reject.ORDER_RATE, Reject.VENUE_RATE, Reject.DAY_VALUE),
        *(Reject.ORDER_TABLE_FULL, Reject.RING_FULL, Reject.JOURNAL_FULL),
    }
    assert met | elsewhere == set(Reject)
    assert OFF == INT64_MAX
