"""The moves of the appliance's state (abi/trading_state.py): downwards by itself, up by a person.

Everything here belongs to the one agent that owns GATE_ACCOUNT.
"""

from typing import Any

from appliance.abi.trading_state import Phase, TradingState
from appliance.hot.jit import hot


@hot
def _settle(account, cause, reason, observed, limit, now_ns):
    """The state that follows from phase and allowance; 1 if it is another one now."""
    record = account[0]
    state = record.allowed_state
    if state == TradingState.HALTED or record.phase == Phase.READY:
        pass
    elif record.phase == Phase.RECONCILING:
        state = TradingState.RECONCILING
    else:
        state = TradingState.STARTING
    if state == record.trading_state:
        return 0
    record.trading_state = state
    record.state_cause = cause
    record.state_reason = reason
    record.state_observed = observed
    record.state_limit = limit
    record.state_ns = now_ns
    record.states_n += 1
    return 1


@hot
def lower(
    account: Any, state: int, cause: int, reason: int, observed: int, limit: int, now_ns: int
) -> int:
    """Allow no more than ``state`` from now on (HALTED or REDUCE_ONLY). 1 if that is less.

    What is as low already keeps its cause: the first reason is the one to look into.
    """
    record = account[0]
    if state >= record.allowed_state:
        return 0
    record.allowed_state = state
    _settle(account, cause, reason, observed, limit, now_ns)
    return 1


@hot
def rearm(account: Any, state: int, cause: int, now_ns: int) -> int:
    """Allow ``state`` again: a person has said so. 1 if that is more than before."""
    record = account[0]
    if state <= record.allowed_state or state > TradingState.ACTIVE:
        return 0
    record.allowed_state = state
    record.cancel_all = 0
    _settle(account, cause, 0, 0, 0, now_ns)
    return 1


@hot
def set_phase(account: Any, phase: int, cause: int, now_ns: int) -> int:
    """The start has come so far (Phase), or has to be gone through again."""
    account[0].phase = phase
    return _settle(account, cause, 0, 0, 0, now_ns)
