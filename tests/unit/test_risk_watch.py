"""What follows from a breach, and the day of the limits.

appliance.hot.risk_watch, risk_day and runaway, by hand.
"""

import pytest

from appliance.abi.layout import records
from appliance.abi.refusal import ACTIONS, Reject, RiskAction
from appliance.abi.risk_limits import OFF
from appliance.abi.trading import REPORT, OrderState, Report
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.hot import risk_day, risk_watch, runaway
from appliance.hot.gate import Gate
from appliance.hot.jit import hot
from appliance.hot.order_reports import FOREIGN_FILL, LATE_FILL, STRAY
from appliance.hot.trading_state import lower, rearm, set_phase
from tests.oracle.healthy_gate import DAY_NS, NOW_NS, ask, healthy_gate, passes, put


@hot
def watch(gate, i, now_ns):
    risk_watch.watch(gate, i, now_ns)


@hot
def follow_up(gate, reason, now_ns):
    risk_watch.follow_up(gate, reason, now_ns)


@hot
def note_report(gate, reports, outcome, now_ns):
    risk_watch.note_report(gate, reports[0], outcome, now_ns)


def armed() -> Gate:
    gate = healthy_gate()
    gate.account[0].trading_state = 0
    rearm(gate.account, TradingState.ACTIVE, Cause.START, 1)
    set_phase(gate.account, Phase.READY, Cause.START, 1)
    return gate


@pytest.mark.parametrize("reason", list(Reject))
def test_each_refusal_has_its_consequence(reason: Reject) -> None:
    gate = armed()
    put(gate, "refusal", observed=0)
    gate.refusal[0].observed, gate.refusal[0].limit = 11, 10
    follow_up(gate, int(reason), NOW_NS)
    account = gate.account[0]
    action = ACTIONS.get(reason, RiskAction.REFUSE)
    state = {
        RiskAction.REFUSE: TradingState.ACTIVE,
        RiskAction.BLOCK: TradingState.REDUCE_ONLY,
        RiskAction.HALT: TradingState.HALTED,
    }[action]
    assert account.trading_state == state
    assert account.cancel_all == int(action == RiskAction.HALT)
    if action != RiskAction.REFUSE:
        told = (account.state_cause, account.state_reason, account.state_observed)
        assert told == (Cause.LIMIT, reason, 11)
        assert (account.state_limit, account.state_ns) == (10, NOW_NS)


def test_a_loss_halts_without_an_order_and_stays() -> None:
    gate = armed()
    put(gate, "account", day_profit_e8=10**9 + 1)
    watch(gate, 1, NOW_NS)
    account = gate.account[0]
    assert account.trading_state == TradingState.HALTED and account.cancel_all == 1
    assert account.state_reason == Reject.DAY_LOSS
    put(gate, "account", day_profit_e8=0)
    watch(gate, 1, NOW_NS + 10 * DAY_NS)
    assert account.trading_state == TradingState.HALTED, "nothing re-arms by itself"


def test_a_block_does_not_hide_a_later_halt() -> None:
    gate = armed()
    put(gate, "account", rejects_in_row_n=4)
    watch(gate, 1, NOW_NS)
    assert gate.account[0].trading_state == TradingState.REDUCE_ONLY
    put(gate, "account", profit_peak_e8=3 * 10**9)
    watch(gate, 1, NOW_NS)
    assert gate.account[0].trading_state == TradingState.HALTED
    assert lower(gate.account, TradingState.REDUCE_ONLY, Cause.LIMIT, 1, 2, 3, 4) == 0


def test_rejects_in_a_row() -> None:
    gate, reports = armed(), records(1, REPORT)
    reports[0].instrument = 1
    for n in range(1, 5):
        reports[0].report = Report.REJECTED
        note_report(gate, reports, int(OrderState.REJECTED), NOW_NS)
        assert gate.account[0].rejects_in_row_n == gate.account[0].runaway_n == n
    assert gate.account[0].trading_state == TradingState.REDUCE_ONLY
    for report, outcome, left_n in (
        (Report.ACCEPTED, STRAY, 4),
        (Report.CANCELED, OrderState.CANCELED, 4),
        (Report.ACCEPTED, OrderState.OPEN, 0),
    ):
        reports[0].report = report
        note_report(gate, reports, int(outcome), NOW_NS)
        assert gate.account[0].rejects_in_row_n == left_n


@pytest.mark.parametrize("instrument", [-1, 2, 64])
def test_a_report_of_no_instrument_is_looked_at_by_nobody(instrument: int) -> None:
    gate, reports = armed(), records(1, REPORT)
    reports[0].instrument = instrument
    note_report(gate, reports, FOREIGN_FILL, NOW_NS)
    assert gate.account[0].trading_state == TradingState.ACTIVE


@pytest.mark.parametrize(
    ("now_ns", "starts_ns", "ends_ns"),
    [
        (0, 0, DAY_NS),
        (DAY_NS - 1, 0, DAY_NS),
        (DAY_NS, 0, 2 * DAY_NS),
        (5, 10, 10),
        (10, 10, DAY_NS + 10),
        (7 * DAY_NS + 9, 10, 7 * DAY_NS + 10),
    ],
)
def test_when_a_day_ends(now_ns: int, starts_ns: int, ends_ns: int) -> None:
    assert risk_day.end_of_day(now_ns, starts_ns) == ends_ns


def test_a_new_day_begins_its_figures_anew() -> None:
    gate = armed()
    figures = {"messages_n": 40, "fills_n": 7, "turnover_e8": 900, "profit_e8": -80}
    put(gate, "account", day_starts_ns=3_600 * 10**9, venue_day_orders_n=12, **figures)
    put(gate, "positions", bought_lots=30, sold_lots=20)
    before_ns = int(gate.account[0].day_ends_ns)
    risk_day.begin_day(gate, before_ns - 1)
    assert gate.account[0].day_messages_n == 0
    risk_day.begin_day(gate, before_ns + 5 * DAY_NS)
    account = gate.account[0]
    assert account.day_ends_ns > before_ns + 5 * DAY_NS
    assert (account.day_ends_ns - 3_600 * 10**9) % DAY_NS == 0
    assert (account.day_messages_n, account.day_fills_n) == (40, 7)
    assert (account.day_turnover_e8, account.day_profit_e8) == (900, -80)
    assert gate.valuations[1].day_traded_lots == 50
    assert account.venue_day_orders_n == 0 and account.venue_day_ends_ns % DAY_NS == 0


@pytest.mark.parametrize("unset", [0, -1, -(2**63)])
def test_a_limit_that_went_missing_blocks(unset: int) -> None:
    gate = armed()
    put(gate, "account", messages_n=501)
    put(gate, "account_limits", messages_per_fill_max=unset)
    watch(gate, 1, NOW_NS)
    account = gate.account[0]
    assert account.trading_state == TradingState.REDUCE_ONLY
    assert (account.state_reason, account.state_limit) == (Reject.ORDER_TO_TRADE, 0)


def test_a_day_ends_with_its_last_moment() -> None:
    for field in ("day_ends_ns", "venue_day_ends_ns"):
        gate = armed()
        ends_ns = NOW_NS + 1_000
        put(gate, "account", day_ends_ns=2 * NOW_NS, venue_day_ends_ns=2 * NOW_NS)
        put(gate, "account", **{field: ends_ns})
        watch(gate, 1, ends_ns - 1)
        assert gate.account[0][field] == ends_ns
        watch(gate, 1, ends_ns)
        assert ends_ns < gate.account[0][field] <= ends_ns + DAY_NS
        assert gate.account[0].days_n == 1


def test_the_first_day_begins_with_the_first_event() -> None:
    gate = armed()
    put(gate, "account", day_ends_ns=0, venue_day_ends_ns=0)
    assert ask(gate)[0] == Reject.DAY_OVER
    watch(gate, 1, NOW_NS)
    passes(gate)


def test_messages_count_in_their_window() -> None:
    """200 within any 1,000 ns, cancels with them."""
    gate = healthy_gate()
    put(gate, "account_limits", messages_per_fill_max=OFF)
    for n in range(199):
        runaway.note_message(gate, NOW_NS - 1_000 + n)
    passes(gate)
    runaway.note_message(gate, 0)  # a step back leaves no window early
    assert gate.account[0].last_message_ns == NOW_NS - 802
    passes(gate)
    runaway.note_message(gate, NOW_NS)
    assert ask(gate) == (Reject.MESSAGE_RATE, 999, 1_000)
    put(gate, "account_limits", message_rate_max=OFF)
    passes(gate)


def test_the_venues_own_limits() -> None:
    gate = healthy_gate()
    put(gate, "account", venue_day_orders_n=999)
    passes(gate)
    put(gate, "account", venue_day_orders_n=1_000)
    assert ask(gate) == (Reject.VENUE_DAY, 1_001, 1_000)
    put(gate, "account", venue_day_orders_n=0, orders_sent_n=300, last_order_ns=NOW_NS - 9_000)
    gate.rate_ns[:300] = NOW_NS - 9_999
    put(gate, "limits", order_rate_window_ns=1)
    assert ask(gate) == (Reject.VENUE_RATE, 9_999, 10_000)
    gate.rate_ns[0] = NOW_NS - 10_000
    passes(gate)


@pytest.mark.parametrize("outcome", [OrderState.OPEN, LATE_FILL, FOREIGN_FILL])
def test_a_report_that_changed_something_is_looked_at(outcome: int) -> None:
    """Also a fill that nobody of ours asked for, and one that came after the order's end."""
    gate = armed()
    put(gate, "account", day_profit_e8=10**9 + 1)
    reports = records(1, REPORT)
    reports[0].report, reports[0].instrument = Report.FILL, 1
    note_report(gate, reports, STRAY, NOW_NS)
    assert gate.account[0].trading_state == TradingState.ACTIVE
    note_report(gate, reports, int(outcome), NOW_NS)
    assert gate.account[0].trading_state == TradingState.HALTED
