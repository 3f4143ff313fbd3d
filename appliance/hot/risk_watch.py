"""Watches the account after every event, and does what a refusal or a loss calls for.

It belongs to the one agent that owns the gate's account.
"""

from typing import Final

import numpy as np

from appliance.abi.refusal import RISK_ACTIONS, Reject, RiskAction
from appliance.abi.trading import OrderState, Report
from appliance.abi.trading_state import Cause, TradingState
from appliance.hot.gate_account import check_conduct
from appliance.hot.jit import hot_inline
from appliance.hot.order_reports import FOREIGN_FILL, LATE_FILL
from appliance.hot.risk_day import begin_day
from appliance.hot.runaway import note_accepted, note_reject
from appliance.hot.trading_state import lower
from appliance.hot.valuation import revalue

CAUSE: Final = int(Cause.LIMIT)


@hot_inline
def watch(gate, i, now_ns):
    """The market moved instrument ``i``, or a report of it came: what is it worth now?"""
    account = gate.account[0]
    if now_ns >= account.day_ends_ns or now_ns >= account.venue_day_ends_ns:
        begin_day(gate, now_ns)
    revalue(gate, i, now_ns)
    reason, observed, limit = check_conduct(gate, i, now_ns)
    if reason != Reject.NONE:
        act(gate, reason, observed, limit, now_ns)


@hot_inline
def act(gate, reason, observed, limit, now_ns):
    """What follows from a breach: REDUCE_ONLY, HALTED with everything cancelled, or nothing."""
    action = RISK_ACTIONS[np.int64(reason)]
    if action == RiskAction.HALT:
        gate.account[0].cancel_all = 1
        lower(gate.account, TradingState.HALTED.value, CAUSE, reason, observed, limit, now_ns)
    elif action == RiskAction.BLOCK:
        lower(gate.account, TradingState.REDUCE_ONLY.value, CAUSE, reason, observed, limit, now_ns)


@hot_inline
def follow_up(gate, reason, now_ns):
    """The gate refused an order for ``reason``; ``refusal`` says what it saw."""
    refusal = gate.refusal[0]
    act(gate, reason, refusal.observed, refusal.limit, now_ns)


@hot_inline
def note_report(gate, report, outcome, now_ns):
    """The order table has taken a report, with this outcome (order_reports.apply_report)."""
    if outcome == OrderState.REJECTED:
        note_reject(gate, now_ns)
    elif outcome >= 0 and (report.report == Report.ACCEPTED or report.report == Report.FILL):
        note_accepted(gate)
    if outcome >= 0 or outcome == LATE_FILL or outcome == FOREIGN_FILL:
        if 0 <= report.instrument < gate.positions.shape[0]:
            watch(gate, report.instrument, now_ns)
