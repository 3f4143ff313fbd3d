"""The compiled gate against tests/oracle/reference_gate.py: decision, reason, observed, limit.

LONECORE_GATE_N sets the number of random orders (200,000 unless compiled code is off).
"""

import os
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.abi import market, trading
from appliance.abi.layout import records
from appliance.abi.limits import ORDER_RATE_MAX, RECENT_ORDERS_N
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import OFF, Limit
from appliance.hot.gate import check, make_gate, note_sent
from appliance.hot.gate_exposure import RATE_MASK, RECENT_MASK
from appliance.hot.jit import JIT_DISABLED, hot
from tests.oracle import reference_gate as oracle
from tests.oracle.gate_columns import AT, COLUMNS, GROUPS, RECENT, offsets
from tests.oracle.gate_healthy_row import HEALTHY, SPECIAL
from tests.oracle.gate_meaning import meaning
from tests.oracle.gate_scenarios import INSTRUMENTS_N, Rows

ROWS_N = int(os.environ.get("LONECORE_GATE_N", "4000" if JIT_DISABLED else "200000"))
ROWS_PER_SEED = 50_000
EXPECTED_REASONS = {r.name for r in Reject} - {"ORDER_TABLE_FULL", "RING_FULL", "JOURNAL_FULL"}

GAPS, KEPT, BEAT = AT["order_gap_ns"], AT["recent_signed_ticks"], AT["guardian_ns"]


def new_gate():
    instruments = records(INSTRUMENTS_N, market.INSTRUMENT)
    return make_gate(instruments, records(INSTRUMENTS_N, trading.POSITION), INSTRUMENTS_N)


# (word of the record, column) of the fields of each group.
ACCOUNT, ACCOUNT_LIMITS = offsets("account"), offsets("account_limits")
INSTRUMENTS, LIMITS = offsets("instruments"), offsets("limits")
POSITIONS, REFERENCES = offsets("positions"), offsets("references")
VALUATIONS = offsets("valuations")


class Words(NamedTuple):
    """The gate's records as the words that they are: int64[records, words]."""

    account: np.ndarray
    account_limits: np.ndarray
    instruments: np.ndarray
    limits: np.ndarray
    positions: np.ndarray
    references: np.ndarray
    valuations: np.ndarray


def words_of(gate) -> Words:
    arrays = (getattr(gate, group) for group in Words._fields)
    return Words(*(array.view(np.int64).reshape(len(array), -1) for array in arrays))


@hot
def put(words, i, places, r):
    for k in range(places.shape[0]):
        words[i, places[k, 0]] = r[places[k, 1]]


@hot
def put_times(ring, count, last_ns, gap_ns):
    for k in range(min(max(count, 0), ORDER_RATE_MAX)):
        ring[(count - 1 - k) & RATE_MASK] = max(1, last_ns - k * gap_ns)


@hot
def write_row(gate, words, i, r):
    """All that a row says, with instrument ``i`` as the one that it is about."""
    put(words.account, 0, ACCOUNT, r)
    put(words.account_limits, 0, ACCOUNT_LIMITS, r)
    put(words.instruments, i, INSTRUMENTS, r)
    put(words.limits, i, LIMITS, r)
    put(words.positions, i, POSITIONS, r)
    put(words.references, i, REFERENCES, r)
    put(words.valuations, i, VALUATIONS, r)
    account = gate.account[0]
    put_times(gate.rate_ns, account.orders_sent_n, account.last_order_ns, r[GAPS])
    put_times(gate.message_ns, account.messages_n, r[GAPS + 2], r[GAPS + 1])
    put_times(gate.runaway_ns, account.runaway_n, r[GAPS + 4], r[GAPS + 3])
    recent = gate.recent[i]
    for k in range(RECENT_ORDERS_N):
        recent.quantity_lots[k] = 0
        recent.signed_ticks[k] = 0
    k = r[KEPT + 3] & RECENT_MASK
    recent.signed_ticks[k] = r[KEPT]
    recent.quantity_lots[k] = r[KEPT + 1]
    recent.sent_ns[k] = r[KEPT + 2]
    gate.beats[0] = r[BEAT]


@hot
def run(gate, words, table, out):
    """Write each row into the records, check its order, keep (reason, observed, limit)."""
    for n in range(table.shape[0]):
        r = table[n]
        i = min(max(r[0], 0), len(gate.limits) - 1)
        write_row(gate, words, i, r)
        reason = check(gate, r[0], r[1], r[2], r[3], r[4], r[5])
        out[n, 0] = reason
        if reason != Reject.NONE:
            refusal = gate.refusal[0]
            out[n, 1] = refusal.observed
            out[n, 2] = refusal.limit


def test_the_driver_writes_the_columns_it_means() -> None:
    """A row of distinct values must come back by name."""
    gate = new_gate()
    row = np.arange(100, 100 + len(COLUMNS), dtype=np.int64)
    write_row(gate, words_of(gate), 1, row)
    for group, (_, names) in GROUPS.items():
        record = getattr(gate, group)[0 if group.startswith("account") else 1]
        for name in names:
            assert np.asarray(record[name]).flat[0] == row[AT[f"{group}.{name}"]], (group, name)
    recent, at = gate.recent[1], int(row[AT["recent_at"]]) % RECENT_ORDERS_N
    kept = (recent.signed_ticks[at], recent.quantity_lots[at], recent.sent_ns[at])
    assert kept == tuple(row[AT[name]] for name in RECENT[:3])
    assert np.count_nonzero(recent.quantity_lots) == 1
    account = gate.account[0]
    for ring, count, last, gap in (
        (gate.rate_ns, account.orders_sent_n, "account.last_order_ns", "order_gap_ns"),
        (gate.message_ns, account.messages_n, "last_message_ns", "message_gap_ns"),
        (gate.runaway_ns, account.runaway_n, "last_runaway_ns", "runaway_gap_ns"),
    ):
        assert ring[(count - 1) % ORDER_RATE_MAX] == row[AT[last]]
        assert ring[(count - 2) % ORDER_RATE_MAX] == max(1, row[AT[last]] - row[AT[gap]])
    assert gate.beats[0] == row[AT["guardian_ns"]]


TOUCH = ("bid_ticks", "ask_ticks")
WINDOW = ("window_low2_ticks", "window_high2_ticks")


def column_of(limit: str) -> str:
    """Where the value of a Limit stands, by its name."""
    name = limit.lower()
    if name in ("price_grid", "quantity_grid"):
        return f"instruments.{name}_e8"
    if name.startswith("value_"):
        return f"valuations.{name}"
    if name.startswith("account_"):
        return f"account_limits.{name.removeprefix('account_')}"
    return f"limits.{name}"


def expected(row: list[int]) -> tuple[int, int, int]:
    """The oracle's verdict in raw numbers: where it says None, what the record holds."""
    reason, observed, limit = oracle.judge(*meaning(row))
    raw = dict(zip(COLUMNS, row, strict=True))
    if reason == "LIMIT_UNSET":
        return Reject.LIMIT_UNSET, Limit[observed], raw[column_of(observed)]
    if reason == "REFERENCE_MISSING":
        bid, ask = WINDOW if observed == "window_low2" else TOUCH
        return Reject.REFERENCE_MISSING, raw[f"references.{bid}"], raw[f"references.{ask}"]
    if observed is None and reason == "CLOCK":
        stamp = "book_ns" if raw["references.book_ns"] <= 0 else "touch_ns"
        return Reject.CLOCK, raw[f"references.{stamp}"], limit
    if reason == "SELF_CROSS" and limit is None:
        limit = raw[f"positions.own_{'ask' if raw['side'] == 1 else 'bid'}_ticks"]
    held = {
        "HALTED": "account.trading_state",
        "FUNDS_UNKNOWN": "account.funds_known",
        "NOT_TRADABLE": "instruments.tradable",
        "BAD_SIDE": "side",
        "BAD_TYPE": "time_in_force",
        "BOOK_NOT_LIVE": "references.book_state",
    }
    if reason == "VALUE_UNKNOWN" and observed is None:
        observed = raw["positions.mark_ticks"]
    if reason in held:
        observed = raw[held[reason]]
    limit = {"ACTIVE": 2, "LIVE": 2}.get(limit, limit)
    return Reject[reason], observed, limit


def compare(gate, table: np.ndarray) -> dict[str, int]:
    """Run both; AssertionError with the row on the first difference. Counts by reason."""
    out = np.zeros((len(table), 3), np.int64)
    run(gate, words_of(gate), table, out)
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
    rows = Rows(1, 0)
    rows.table[0] = [row[c] for c in COLUMNS]
    rows.keep_to_what_can_be()
    compare(GATE, rows.table)


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
        write_row(gate, words_of(gate), i, healthy)
        gate.limits[i].order_rate_max = ORDER_RATE_MAX
        gate.limits[i].order_rate_window_ns = 1
    for name in ("message_rate_max", "venue_rate_max", "venue_day_max", "messages_per_fill_max"):
        gate.account_limits[name] = OFF
    gate.account_limits[0].order_rate_max = rate_max
    gate.account_limits[0].order_rate_window_ns = window_ns
    gate.account_limits[0].guardian_age_max_ns = OFF
    gate.account_limits[0].clock_offset_max_ns = OFF
    gate.limits["event_age_max_ns"] = OFF
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
