"""The compiled gate against tests/oracle/reference_gate.py: decision, reason, observed, limit.

LONECORE_GATE_N sets the number of random orders (200,000 unless compiled code is off).
"""

import os

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.abi import market, trading
from appliance.abi.layout import records
from appliance.abi.limits import ORDER_RATE_MAX, RECENT_ORDERS_N
from appliance.abi.trading import Limit, Reject
from appliance.hot.gate import check, make_gate, note_sent
from appliance.hot.gate_exposure import RATE_MASK, RECENT_MASK
from appliance.hot.jit import JIT_DISABLED, hot
from tests.oracle import reference_gate as oracle
from tests.oracle.gate_meaning import meaning
from tests.oracle.gate_scenarios import (
    AT,
    COLUMNS,
    HEALTHY,
    INSTRUMENTS_N,
    RECENT,
    REFERENCE,
    SESSION,
    SPECIAL,
    Rows,
)

ROWS_N = int(os.environ.get("LONECORE_GATE_N", "4000" if JIT_DISABLED else "200000"))
ROWS_PER_SEED = 50_000
EXPECTED_REASONS = {r.name for r in Reject} - {"ORDER_TABLE_FULL", "RING_FULL"}


def new_gate():
    instruments = records(INSTRUMENTS_N, market.INSTRUMENT)
    return make_gate(instruments, records(INSTRUMENTS_N, trading.POSITION), INSTRUMENTS_N)


@hot
def write_account(gate, r):
    account = gate.account[0]
    account.trading_state = r[6]
    account.order_rate_max = r[7]
    account.order_rate_window_ns = r[8]
    account.open_orders_max = r[9]
    account.open_orders_n = r[10]
    account.orders_sent_n = r[11]
    account.last_order_ns = r[12]
    account.session_blocks = r[44]
    account.link_blocks = r[45]
    times_n = min(max(r[11], 0), ORDER_RATE_MAX)
    for k in range(times_n):
        gate.rate_ns[(r[11] - 1 - k) & RATE_MASK] = max(1, r[12] - k * r[13])


@hot
def write_instrument(gate, i, r):
    record = gate.instruments[i]
    record.symbol[0] = r[14]
    record.market = r[15]
    record.tradable = r[16]
    record.price_grid_e8 = r[17]
    record.quantity_grid_e8 = r[18]
    record.price_min_ticks = r[19]
    record.price_max_ticks = r[20]
    record.quantity_min_lots = r[21]
    record.quantity_max_lots = r[22]
    record.notional_min_tick_lots = r[23]
    record.price_step_ticks = r[24]
    record.quantity_step_lots = r[25]
    limits = gate.limits[i]
    limits.position_max_lots = r[26]
    limits.quantity_max_lots = r[27]
    limits.notional_max_tick_lots = r[28]
    limits.collar_ppm = r[29]
    limits.open_orders_max = r[30]
    limits.order_rate_max = r[31]
    limits.order_rate_window_ns = r[32]
    limits.book_age_max_ns = r[33]
    limits.reference_age_max_ns = r[34]
    limits.order_types = r[46]
    limits.open_orders_side_max = r[47]
    limits.open_notional_max_tick_lots = r[48]
    limits.repeat_window_ns = r[49]


@hot
def write_state(gate, i, r):
    position = gate.positions[i]
    position.position_lots = r[35]
    position.open_buy_lots = r[36]
    position.open_sell_lots = r[37]
    position.open_buy_orders_n = r[38]
    position.open_sell_orders_n = r[50]
    position.open_notional_tick_lots = r[51]
    position.own_bid_ticks = r[52]
    position.own_ask_ticks = r[53]
    recent = gate.recent[i]
    for k in range(RECENT_ORDERS_N):
        recent.quantity_lots[k] = 0
    recent.signed_ticks[r[57] & RECENT_MASK] = r[54]
    recent.quantity_lots[r[57] & RECENT_MASK] = r[55]
    recent.sent_ns[r[57] & RECENT_MASK] = r[56]
    reference = gate.references[i]
    reference.book_state = r[39]
    reference.book_ns = r[40]
    reference.touch_ns = r[41]
    reference.bid_ticks = r[42]
    reference.ask_ticks = r[43]


@hot
def run(gate, table, out):
    """Write each row into the records, check its order, keep (reason, observed, limit)."""
    for n in range(table.shape[0]):
        r = table[n]
        i = min(max(r[0], 0), len(gate.limits) - 1)
        write_account(gate, r)
        write_instrument(gate, i, r)
        write_state(gate, i, r)
        reason = check(gate, r[0], r[1], r[2], r[3], r[4], r[5])
        out[n, 0] = reason
        if reason != Reject.NONE:
            refusal = gate.refusal[0]
            out[n, 1] = refusal.observed
            out[n, 2] = refusal.limit


def test_the_driver_writes_the_columns_it_means() -> None:
    """The numbers above are places in COLUMNS: a row of distinct values must come back by name."""
    gate = new_gate()
    row = np.arange(100, 100 + len(COLUMNS), dtype=np.int64)
    recent, at = gate.recent[1], int(row[AT["recent_at"]]) % RECENT_ORDERS_N
    write_account(gate, row)
    write_instrument(gate, 1, row)
    write_state(gate, 1, row)
    account, record = gate.account[0], gate.instruments[1]
    kept = (recent.signed_ticks[at], recent.quantity_lots[at], recent.sent_ns[at])
    assert kept == tuple(row[AT[name]] for name in RECENT[:3])
    assert np.count_nonzero(recent.quantity_lots) == 1
    for name in AT:
        value = row[AT[name]]
        if name in oracle.INSTRUMENT_LIMITS + oracle.LATER_LIMITS:
            assert gate.limits[1][name] == value
        elif name.startswith("account_"):
            assert account[name.removeprefix("account_")] == value
        elif name in ("trading_state", "orders_sent_n", "last_order_ns", *SESSION):
            assert account[name] == value
        elif name == "venue_quantity_max_lots":
            assert record.quantity_max_lots == value
        elif name == "symbol_word":
            assert record.symbol[0] == value
        elif name in market.INSTRUMENT.names:
            assert record[name] == value
        elif name in trading.POSITION.names:
            assert gate.positions[1][name] == value
        elif name in REFERENCE:
            assert gate.references[1][name] == value


def expected(row: list[int]) -> tuple[int, int, int]:
    """The oracle's verdict in raw numbers: where it says None, what the record holds."""
    reason, observed, limit = oracle.judge(*meaning(row))
    raw = dict(zip(COLUMNS, row, strict=True))
    if reason == "LIMIT_UNSET":
        column = {"PRICE_GRID": "price_grid_e8", "QUANTITY_GRID": "quantity_grid_e8"}
        value = raw[column.get(observed, observed.lower())]
        return Reject.LIMIT_UNSET, Limit[observed], value
    if reason == "REFERENCE_MISSING":
        return Reject.REFERENCE_MISSING, raw["bid_ticks"], raw["ask_ticks"]
    if observed is None and reason == "CLOCK":
        stamp = "book_ns" if raw["book_ns"] <= 0 else "touch_ns"
        return Reject.CLOCK, raw[stamp], limit
    if reason == "SELF_CROSS" and limit is None:
        limit = raw["own_ask_ticks" if raw["side"] == 1 else "own_bid_ticks"]
    held = {
        "HALTED": "trading_state",
        "NOT_TRADABLE": "tradable",
        "BAD_SIDE": "side",
        "BAD_TYPE": "time_in_force",
        "BOOK_NOT_LIVE": "book_state",
    }
    if reason in held:
        observed = raw[held[reason]]
    limit = {"ACTIVE": 2, "LIVE": 2}.get(limit, limit)
    return Reject[reason], observed, limit


def compare(gate, table: np.ndarray) -> dict[str, int]:
    """Run both; AssertionError with the row on the first difference. Counts by reason."""
    out = np.zeros((len(table), 3), np.int64)
    run(gate, table, out)
    seen = np.bincount(out[:, 0], minlength=max(Reject) + 1)
    for n, (row, got) in enumerate(zip(table.tolist(), out.tolist(), strict=True)):
        want = expected(row)
        if tuple(got) != want:
            unusual = {c: v for c, v in zip(COLUMNS, row, strict=True) if HEALTHY[c] != v}
            raise AssertionError(f"row {n}: gate {got}, reference {want}: {unusual}")
    return {reason.name: int(seen[reason]) for reason in Reject}


def test_random_orders_against_the_reference() -> None:
    gate = new_gate()
    seen: dict[str, int] = {}
    for seed, start in enumerate(range(0, ROWS_N, ROWS_PER_SEED)):
        table = Rows(min(ROWS_PER_SEED, ROWS_N - start), seed).table
        for name, count in compare(gate, table).items():
            seen[name] = seen.get(name, 0) + count
    # A campaign that never meets a reason proves nothing about it.
    assert {name for name, count in seen.items() if count} == EXPECTED_REASONS, seen
    assert min(seen[name] for name in EXPECTED_REASONS) >= ROWS_N // 4000, seen


int64s = st.one_of(
    st.sampled_from(SPECIAL.tolist()), st.integers(-(2**63), 2**63 - 1), st.integers(-3, 30)
)


@settings(max_examples=40 if JIT_DISABLED else 400)
@given(st.dictionaries(st.sampled_from(COLUMNS), int64s, max_size=6))
@example({})
def test_any_fields_against_the_reference(change: dict[str, int]) -> None:
    row = {**HEALTHY, **change}
    if row["orders_sent_n"] > 0:  # an order that was sent has a time, and a gap to the one before
        row["last_order_ns"] = max(1, row["last_order_ns"])
        row["gap_ns"] = min(max(row["gap_ns"], 0), 10**9)
    compare(GATE, np.array([[row[c] for c in COLUMNS]], np.int64))


GATE = new_gate()


@hot
def stream(gate, orders, out):
    """Orders one after another, each passed one counted: the rate ring and the clock at work."""
    for n in range(orders.shape[0]):
        r = orders[n]
        gate.references[r[0]].book_ns = r[5]
        gate.references[r[0]].touch_ns = r[5]
        reason = check(gate, r[0], r[1], r[2], r[3], r[4], r[5])
        out[n, 0] = reason
        if reason == Reject.NONE:
            note_sent(gate, r[0], r[1], r[2], r[3], r[5])
        else:
            out[n, 1] = gate.refusal[0].observed
            out[n, 2] = gate.refusal[0].limit


@pytest.mark.parametrize("rate_max", [1, 2, 7, 100, ORDER_RATE_MAX - 1, ORDER_RATE_MAX])
def test_the_rate_over_a_stream_of_orders(rate_max: int) -> None:
    """A sliding window over every order ever sent, counted afresh for each order."""
    orders_n = 300 if JIT_DISABLED else 3 * ORDER_RATE_MAX + 500
    window_ns = 1_000
    rng = np.random.default_rng(rate_max)
    mean_ns = max(1, window_ns // (2 * rate_max))
    steps = rng.integers(0, 2 * mean_ns + 1, orders_n) * (rng.random(orders_n) < 0.9)
    steps[rng.random(orders_n) < 0.01] = -1
    healthy = np.array([HEALTHY[c] for c in COLUMNS], np.int64)
    gate = new_gate()
    for i in range(INSTRUMENTS_N):
        write_instrument(gate, i, healthy)
        write_state(gate, i, healthy)
        gate.limits[i].order_rate_max = ORDER_RATE_MAX
        gate.limits[i].order_rate_window_ns = 1
    write_account(gate, healthy)
    gate.account[0].order_rate_max = rate_max
    gate.account[0].order_rate_window_ns = window_ns
    orders = np.tile(healthy[:6], (orders_n, 1))
    orders[:, 0] = rng.integers(0, INSTRUMENTS_N, orders_n)
    orders[:, 3] = 100 + np.arange(orders_n)  # no order is another's duplicate
    orders[:, 5] = 10**9 + np.cumsum(steps)
    out = np.zeros((orders_n, 3), np.int64)
    stream(gate, orders, out)

    sent: list[int] = []
    for now_ns, got in zip(orders[:, 5].tolist(), out.tolist(), strict=True):
        within = sum(1 for t in sent[-2 * ORDER_RATE_MAX :] if now_ns - t < window_ns)
        if sent and now_ns < sent[-1]:
            assert got == [Reject.CLOCK, now_ns, sent[-1]]
        elif within >= rate_max:
            assert got == [Reject.ORDER_RATE, now_ns - sent[-rate_max], window_ns]
        else:
            assert got == [Reject.NONE, 0, 0]
            sent.append(now_ns)
    assert gate.account[0].orders_sent_n == len(sent)
    assert JIT_DISABLED or {row[0] for row in out.tolist()} >= {Reject.NONE, Reject.ORDER_RATE}
