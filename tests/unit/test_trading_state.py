"""The states of the appliance: down by itself, up by a person, through the start in between."""

import itertools

import pytest

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.layout import records
from appliance.abi.refusal import Reject
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.hot.trading_state import lower, rearm, set_phase

HALTED, REDUCE_ONLY, ACTIVE = TradingState.HALTED, TradingState.REDUCE_ONLY, TradingState.ACTIVE


def started():
    account = records(1, GATE_ACCOUNT)
    assert rearm(account, ACTIVE, Cause.START, 1) == 1
    assert set_phase(account, Phase.READY, Cause.RECONCILED, 2) == 1
    return account


def told(account) -> tuple[int, ...]:
    names = ("trading_state", "state_cause", "state_reason", "state_observed", "state_limit")
    return tuple(int(account[0][name]) for name in (*names, "state_ns"))


def test_a_record_of_zeros_is_halted_whatever_the_phase() -> None:
    account = records(1, GATE_ACCOUNT)
    for phase in Phase:
        assert set_phase(account, phase, Cause.START, 5) == 0
        assert account[0].trading_state == HALTED


def test_the_way_of_a_start() -> None:
    account = records(1, GATE_ACCOUNT)
    rearm(account, ACTIVE, Cause.START, 10)
    assert told(account) == (TradingState.STARTING, Cause.START, 0, 0, 0, 10)
    set_phase(account, Phase.RECONCILING, Cause.START, 20)
    assert told(account) == (TradingState.RECONCILING, Cause.START, 0, 0, 0, 20)
    set_phase(account, Phase.READY, Cause.RECONCILED, 30)
    assert told(account) == (ACTIVE, Cause.RECONCILED, 0, 0, 0, 30)
    assert account[0].states_n == 3


def test_the_first_reason_stays() -> None:
    account = started()
    assert lower(account, REDUCE_ONLY, Cause.LIMIT, Reject.POSITION, 11, 10, 40) == 1
    assert lower(account, REDUCE_ONLY, Cause.OPERATOR, 0, 0, 0, 50) == 0
    assert told(account) == (REDUCE_ONLY, Cause.LIMIT, Reject.POSITION, 11, 10, 40)
    assert lower(account, HALTED, Cause.OPERATOR, 0, 0, 0, 60) == 1
    assert told(account) == (HALTED, Cause.OPERATOR, 0, 0, 0, 60)


def test_what_was_taken_away_stays_taken_through_a_reconciliation() -> None:
    account = started()
    set_phase(account, Phase.RECONCILING, Cause.START, 40)
    assert lower(account, REDUCE_ONLY, Cause.LIMIT, Reject.POSITION, 11, 10, 50) == 1
    assert account[0].trading_state == TradingState.RECONCILING
    set_phase(account, Phase.READY, Cause.RECONCILED, 60)
    assert account[0].trading_state == REDUCE_ONLY
    set_phase(account, Phase.RECONCILING, Cause.START, 70)
    lower(account, HALTED, Cause.OPERATOR, 0, 0, 0, 80)
    assert account[0].trading_state == HALTED
    set_phase(account, Phase.READY, Cause.RECONCILED, 90)
    assert account[0].trading_state == HALTED


@pytest.mark.parametrize(
    ("before", "after"), list(itertools.product((HALTED, REDUCE_ONLY, ACTIVE), repeat=2))
)
def test_every_pair(before: TradingState, after: TradingState) -> None:
    account = started()
    lower(account, before, Cause.OPERATOR, 0, 0, 0, 3)
    assert lower(account, after, Cause.OPERATOR, 0, 0, 0, 4) == int(after < before)
    account = started()
    lower(account, before, Cause.OPERATOR, 0, 0, 0, 3)
    assert rearm(account, after, Cause.OPERATOR, 4) == int(after > before)
    assert account[0].trading_state == max(before, after)


@pytest.mark.parametrize("state", [3, 4, 99])
def test_no_one_can_arm_what_is_no_allowance(state: int) -> None:
    account = started()
    lower(account, HALTED, Cause.OPERATOR, 0, 0, 0, 3)
    assert rearm(account, state, Cause.OPERATOR, 4) == 0
    assert account[0].trading_state == HALTED
