"""Agent: what a person, or another process, tells the loop through the control region.

One load a pass while nobody says anything.
"""

import numpy as np

from appliance.abi.control import NOW_NS
from appliance.abi.event import EventKind
from appliance.abi.journal import OVERFLOWED, OVERFLOWED_TOLD
from appliance.abi.limits import OPERATIONS_N
from appliance.abi.operator import POSTED, TAKEN, Operation, Result
from appliance.abi.risk_limits import (
    ACCOUNT_CODE,
    ACCOUNT_MOST,
    ACCOUNT_OFF,
    LIMITS_CODE,
    LIMITS_MOST,
    LIMITS_OFF,
)
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.gate_limits import LIMITS_WORDS
from appliance.hot.jit import hot, hot_part
from appliance.hot.journal import write_command, write_day, write_state
from appliance.hot.telemetry import event_begin, event_commit
from appliance.hot.trading_state import lower, rearm, set_phase


@hot_part
def poll_operator(core):
    """Carries out the oldest operation that waits, and tells of each move of the state. Work."""
    work = 0
    mailbox = core.mailbox
    taken = mailbox.words[TAKEN]
    account = core.gate.account[0]
    if load_acquire(mailbox.words, POSTED) != taken:
        now_ns = core.control[NOW_NS]
        record = mailbox.operations[taken & (OPERATIONS_N - 1)]
        if record.operation == Operation.LIMIT_SHOW or record.operation == Operation.LIMIT_SET:
            carry_out_limit(core.gate.limit_words, core.gate.account_words, record, now_ns)
        else:
            carry_out(core.gate.account, core.gate.positions, record, now_ns)
        write_command(core.gateway.journal.words, record, now_ns)
        store_release(mailbox.words, TAKEN, taken + 1)
        work = 1
    _tell_account(core, account)
    return work


@hot_part
def _tell_account(core, account):
    """Event and journal: that the state moved, or a day began; and that the journal is full."""
    words = core.gateway.journal.words
    if words[OVERFLOWED] != words[OVERFLOWED_TOLD]:
        lost_n, halted, cause = words[OVERFLOWED], TradingState.HALTED.value, Cause.JOURNAL.value
        lower(core.gate.account, halted, cause, 0, lost_n, 0, core.control[NOW_NS])
    if account.days_told_n != account.days_n:
        account.days_told_n = account.days_n
        write_day(words, core.gate.account, core.control[NOW_NS])
    if account.states_told_n != account.states_n:
        account.states_told_n = account.states_n
        write_state(words, core.gate.account, account.state_ns)
        event = core.telemetry.events.slots[
            event_begin(core.telemetry, EventKind.TRADING_STATE, np.int64(-1))
        ]
        event.receive_ns = account.state_ns
        event.reason = account.state_cause
        event.observed = account.trading_state
        event.limit = account.state_reason
        event_commit(core.telemetry)
    if account.allowed_state == TradingState.HALTED:
        words[OVERFLOWED_TOLD] = words[OVERFLOWED]


@hot
def carry_out(account, positions, record, now_ns):
    """One OPERATION, and its answer in the same record."""
    state = account[0]
    record.before_state = state.trading_state
    result = Result.UNKNOWN.value
    if record.operation == Operation.RESUME:
        begin_anew(account, positions)
        result = rearm(account, TradingState.ACTIVE.value, Cause.OPERATOR.value, now_ns)
    elif record.operation == Operation.REDUCE:
        reduce_only = TradingState.REDUCE_ONLY.value
        result = lower(account, reduce_only, Cause.OPERATOR.value, 0, 0, 0, now_ns)
    elif record.operation == Operation.GUARD or record.operation == Operation.MISMATCH:
        state.cancel_all = 1
        cause = Cause.GUARDIAN.value
        if record.operation == Operation.MISMATCH:
            cause = Cause.MISMATCH.value
        result = lower(account, TradingState.HALTED.value, cause, 0, 0, 0, now_ns)
    elif record.operation == Operation.LOWER:
        result = _lower(account, record, now_ns)
    elif record.operation == Operation.READY:
        result = set_phase(account, Phase.READY.value, Cause.RECONCILED.value, now_ns)
    elif record.operation == Operation.STOP:
        result = lower(account, TradingState.HALTED.value, Cause.STOP.value, 0, 0, 0, now_ns)
    elif record.operation == Operation.HALT or record.operation == Operation.HALT_AND_CANCEL:
        result = lower(account, TradingState.HALTED.value, Cause.OPERATOR.value, 0, 0, 0, now_ns)
        if record.operation == Operation.HALT_AND_CANCEL and state.cancel_all == 0:
            state.cancel_all = 1
            result = Result.DONE.value
    if result == 0:
        result = Result.UNCHANGED.value
    record.result = result
    record.after_state = state.trading_state
    record.open_orders_n = state.open_orders_n
    record.answered_ns = now_ns


@hot
def _lower(account, record, now_ns):
    """What the session saw is beyond its bound: an Operation.LOWER."""
    state, cause = record.value, record.limit
    is_state = state == TradingState.HALTED or state == TradingState.REDUCE_ONLY
    if not is_state or cause < Cause.OVERLOAD or cause > Cause.FEED:
        return np.int64(Result.UNKNOWN.value)
    if state == TradingState.HALTED:
        account[0].cancel_all = 1
    return np.int64(lower(account, state, cause, 0, record.observed, record.bound, now_ns))


@hot
def carry_out_limit(limit_words, account_words, record, now_ns):
    """Show or set one limit: an instrument's, or with instrument -1 the account's."""
    record.answered_ns = now_ns
    record.result = Result.UNKNOWN.value
    i = record.instrument
    if i == -1:
        k = _place_of(record.limit, ACCOUNT_CODE)
        if k >= 0:
            _show_or_set(account_words, k, ACCOUNT_MOST[k], ACCOUNT_OFF[k], record)
    elif 0 <= i < limit_words.shape[0] // LIMITS_WORDS:
        k = _place_of(record.limit, LIMITS_CODE)
        if k >= 0:
            at = i * LIMITS_WORDS + k
            _show_or_set(limit_words, at, LIMITS_MOST[k], LIMITS_OFF[k], record)


@hot
def _place_of(code, codes):
    for k in range(codes.shape[0]):
        if codes[k] == code:
            return k
    return -1


@hot
def _show_or_set(words, at, most, off, record):
    value = record.value
    record.result = Result.DONE.value
    if record.operation == Operation.LIMIT_SET:
        if 0 < value <= most or (value == off and off != 0):
            words[at] = value
        else:
            record.result = Result.REFUSED.value
    record.value = words[at]


@hot
def begin_anew(account, positions):
    """A person has looked: what is counted in a row or since a peak begins anew.

    The loss of the day stays: it is the day's, and only the limit can make room for more.
    """
    account[0].rejects_in_row_n = 0
    account[0].runaway_n = 0
    account[0].profit_peak_e8 = account[0].profit_e8
    for i in range(positions.shape[0]):
        positions[i].losses_in_row_n = 0
