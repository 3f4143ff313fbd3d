"""The gate alone: many different orders over 64 instruments, inlined into a compiled loop."""

import time

import numpy as np

from appliance.abi.layout import records
from appliance.abi.market import INSTRUMENT, BookState, Market
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import ACCOUNT_LIMITS
from appliance.abi.trading import POSITION
from appliance.abi.trading_state import TradingState
from appliance.abi.units import UNSET
from appliance.hot.cpu import cycles
from appliance.hot.gate import check, make_gate
from appliance.hot.jit import hot

INSTRUMENTS_N = 64
ORDERS_N = 4096
NOW_NS = 1_700_000_000_000_000_000
BATCH = 16


def healthy_gate():
    """Every limit set and every book fresh."""
    instruments = records(INSTRUMENTS_N, INSTRUMENT)
    gate = make_gate(instruments, records(INSTRUMENTS_N, POSITION), INSTRUMENTS_N)
    instruments.symbol[:, 0] = 1
    for name in INSTRUMENT.names or ():
        if "_min_" in name or "_max_" in name:
            instruments[name] = UNSET
        elif "_step_" in name:
            instruments[name] = 1
    instruments.market = Market.SPOT
    instruments.tradable = 1
    instruments.price_grid_e8 = 10**6
    instruments.quantity_grid_e8 = 1000
    limits = gate.limits
    limits.position_max_lots = 10**8
    limits.quantity_max_lots = 10**6
    limits.notional_max_tick_lots = 10**14
    limits.collar_ppm = 10_000
    limits.open_orders_max = 50
    limits.order_rate_max = 100
    limits.order_rate_window_ns = 10**9
    limits.book_age_max_ns = limits.reference_age_max_ns = 1_500_000_000
    limits.order_types = 0b111
    limits.open_orders_side_max = 50
    limits.open_notional_max_tick_lots = 10**16
    limits.repeat_window_ns = 10**6
    limits.window_collar_ppm = 50_000
    limits.collar_window_ns = 10**9
    limits.event_age_max_ns = 2 * 10**9
    limits.day_quantity_max_lots = 10**12
    limits.losses_in_row_max = 5
    limits.fee_ppm = 1000
    positions = gate.positions
    positions.mark_ticks = 9_700_000
    positions.open_buy_orders_n = positions.open_sell_orders_n = 3
    positions.own_bid_ticks, positions.own_ask_ticks = 9_690_000, 9_710_000
    account = gate.account[0]
    account.trading_state = TradingState.ACTIVE
    for name in ACCOUNT_LIMITS.names or ():
        gate.account_limits[name] = 10**18 if "_e8" in name else 100
        if "_ns" in name:
            gate.account_limits[name] = 10**9
    account.day_ends_ns = account.venue_day_ends_ns = NOW_NS + 10**12
    account.funds_known = 1
    account.funds_e8 = 10**17
    gate.beats[0] = account.clock_seen_ns = NOW_NS - 10**6
    account.clock_offset_most_ns = 10**6
    gate.valuations.value_multiple = gate.valuations.value_divisor = 1
    gate.valuations.most_tick_lots = 10**16
    gate.valuations.base_owned_lots = 10**12
    references = gate.references
    references.book_state = BookState.LIVE
    references.book_ns = NOW_NS - 10**6
    references.touch_ns = NOW_NS - 1000
    references.bid_ticks = 9_700_000
    references.ask_ticks = 9_700_001
    references.event_ns = NOW_NS - 10**6
    references.window_low2_ticks = 2 * 9_690_000
    references.window_high2_ticks = 2 * 9_710_000
    return gate


def passing_orders():
    """instrument, side, price, quantity, time in force, time."""
    rng = np.random.default_rng(1)
    orders = np.zeros((ORDERS_N, 6), np.int64)
    orders[:, 0] = rng.integers(0, INSTRUMENTS_N, ORDERS_N)
    orders[:, 1] = rng.choice([1, -1], ORDERS_N)
    orders[:, 2] = 9_700_000 + rng.integers(-1000, 1000, ORDERS_N)
    orders[:, 3] = rng.integers(1, 10_000, ORDERS_N)
    orders[:, 4] = rng.integers(0, 3, ORDERS_N)
    orders[:, 5] = NOW_NS + np.arange(ORDERS_N)
    return orders


@hot
def check_all(gate, orders, spans):
    """Refusals; ``spans[k]`` becomes the cycles of batch k of BATCH orders."""
    refused = 0
    for batch in range(len(spans)):
        start = cycles()
        for i in range(batch * BATCH, batch * BATCH + BATCH):
            order = orders[i]
            reason = check(gate, order[0], order[1], order[2], order[3], order[4], order[5])
            refused += reason != Reject.NONE
        spans[batch] = cycles() - start
    return refused


def test_gate(benchmark, judge, measuring):
    gate = healthy_gate()
    orders = passing_orders()
    spans = np.zeros(ORDERS_N // BATCH, np.int64)
    assert check_all(gate, orders, spans) == 0
    totals = []
    all_spans = []
    for _ in range(200 if measuring else 1):
        started = time.perf_counter_ns()
        check_all(gate, orders, spans)
        totals.append((time.perf_counter_ns() - started) / spans.sum())
        all_spans.append(spans / BATCH)
    ns_per_cycle = float(np.median(totals))
    p50, p99 = np.percentile(np.concatenate(all_spans), [50, 99]) * ns_per_cycle
    benchmark.extra_info["p50_ns"] = float(p50)
    benchmark.extra_info["p99_ns"] = float(p99)
    benchmark.pedantic(check_all, args=(gate, orders, spans), rounds=20 if measuring else 1)
    judge(f"gate, every check on, p50 ns (batches of {BATCH})", float(p50), at_most=50)
    judge(f"gate, every check on, p99 ns (batches of {BATCH})", float(p99), at_most=150)
