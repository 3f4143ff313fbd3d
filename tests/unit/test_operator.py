"""What the loop makes of operations (appliance.hot.operator), pass by pass."""

import json

import pytest

from appliance.abi.event import EventKind
from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    HEAD,
    KEEPING,
    OVERFLOWED,
    JournalKind,
    Keeping,
)
from appliance.abi.limits import OPERATIONS_N
from appliance.abi.link import LinkRole
from appliance.abi.operator import OPERATION, POSTED, TAKEN, Operation, Result
from appliance.abi.refusal import Reject
from appliance.abi.risk_limits import ACCOUNT_CODE, LIMITS_CODE, OFF, Limit
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.cold.journal_check import examine
from appliance.hot.gate import check
from appliance.hot.trading_state import lower, rearm, set_phase
from tests.strategies.live_loop import NOW_NS, Live

ACTIVE, REDUCE_ONLY, HALTED = TradingState.ACTIVE, TradingState.REDUCE_ONLY, TradingState.HALTED


@pytest.fixture
def live():
    made = Live()
    account = made.core.gate.account
    account[0].trading_state = 0
    rearm(account, ACTIVE, Cause.START, 1)
    set_phase(account, Phase.READY, Cause.START, 1)
    yield made
    made.close()


def post(live: Live, operation: int) -> "OPERATION":
    """Into the mailbox, and one pass of the loop: the answered record."""
    mailbox = live.core.mailbox
    number = int(mailbox.words[POSTED])
    record = mailbox.operations[number % OPERATIONS_N]
    record.operation, record.result = operation, Result.NONE
    mailbox.words[POSTED] = number + 1
    live.turn(1)
    assert mailbox.words[TAKEN] == number + 1
    return record


def answer(live: Live, operation: int) -> tuple[int, int, int]:
    record = post(live, operation)
    return int(record.result), int(record.before_state), int(record.after_state)


def test_each_operation_from_each_state(live: Live) -> None:
    done, same = Result.DONE, Result.UNCHANGED
    assert answer(live, Operation.RESUME) == (same, ACTIVE, ACTIVE)
    assert answer(live, Operation.REDUCE) == (done, ACTIVE, REDUCE_ONLY)
    assert answer(live, Operation.REDUCE) == (same, REDUCE_ONLY, REDUCE_ONLY)
    assert answer(live, Operation.HALT) == (done, REDUCE_ONLY, HALTED)
    assert answer(live, Operation.REDUCE) == (same, HALTED, HALTED), "that would be more"
    assert answer(live, Operation.HALT) == (same, HALTED, HALTED)
    assert answer(live, Operation.HALT_AND_CANCEL) == (done, HALTED, HALTED)
    assert live.core.gate.account[0].cancel_all == 1
    assert answer(live, Operation.HALT_AND_CANCEL) == (same, HALTED, HALTED)
    assert answer(live, Operation.RESUME) == (done, HALTED, ACTIVE)
    assert live.core.gate.account[0].cancel_all == 0
    account = live.core.gate.account[0]
    assert (account.state_cause, account.state_reason) == (Cause.OPERATOR, Reject.NONE)
    assert answer(live, Operation.GUARD) == (done, ACTIVE, HALTED)
    assert (account.state_cause, account.cancel_all) == (Cause.GUARDIAN, 1)
    assert answer(live, Operation.RESUME) == (done, HALTED, ACTIVE)
    assert answer(live, Operation.MISMATCH) == (done, ACTIVE, HALTED)
    assert (account.state_cause, account.cancel_all) == (Cause.MISMATCH, 1)
    assert answer(live, Operation.RESUME) == (done, HALTED, ACTIVE)
    assert answer(live, Operation.STOP) == (done, ACTIVE, HALTED)
    assert (account.state_cause, account.cancel_all) == (Cause.STOP, 0)


def lowered(live: Live, state: int, cause: int) -> tuple[int, int]:
    number = int(live.core.mailbox.words[POSTED])
    record = live.core.mailbox.operations[number % OPERATIONS_N]
    record.value, record.limit, record.observed, record.bound = state, cause, 11, 10
    post(live, Operation.LOWER)
    return int(record.result), int(record.after_state)


def test_what_the_session_saw_takes_away(live: Live) -> None:
    account = live.core.gate.account
    assert lowered(live, REDUCE_ONLY, Cause.FEED) == (Result.DONE, REDUCE_ONLY)
    told = account[0]
    assert (told.state_cause, told.state_observed, told.state_limit) == (Cause.FEED, 11, 10)
    assert told.cancel_all == 0
    assert lowered(live, HALTED, Cause.OVERLOAD) == (Result.DONE, HALTED)
    assert (told.state_cause, told.cancel_all) == (Cause.OVERLOAD, 1)
    assert lowered(live, REDUCE_ONLY, Cause.CLOCK) == (Result.UNCHANGED, HALTED)


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        *((ACTIVE, Cause.FEED), (3, Cause.FEED), (-1, Cause.FEED), (HALTED, Cause.LIMIT)),
        *((HALTED, Cause.MISMATCH), (HALTED, Cause.JOURNAL), (HALTED, -(2**63))),
    ],
)
def test_what_is_no_bound_changes_nothing(live: Live, state: int, cause: int) -> None:
    assert lowered(live, state, cause) == (Result.UNKNOWN, ACTIVE)


def test_the_loop_begins_when_it_is_told_that_everything_is_known(live: Live) -> None:
    account = live.core.gate.account
    set_phase(account, Phase.RECONCILING, Cause.START, 2)
    reconciling = TradingState.RECONCILING
    assert account[0].trading_state == reconciling
    assert answer(live, Operation.RESUME)[2] == reconciling, "a person cannot know it either"
    assert answer(live, Operation.READY) == (Result.DONE, reconciling, ACTIVE)
    assert account[0].state_cause == Cause.RECONCILED
    assert answer(live, Operation.READY) == (Result.UNCHANGED, ACTIVE, ACTIVE)
    set_phase(account, Phase.RECONCILING, Cause.START, 2)
    answer(live, Operation.HALT)
    assert answer(live, Operation.READY) == (Result.UNCHANGED, HALTED, HALTED)
    assert answer(live, Operation.RESUME)[2] == ACTIVE


def test_operations_and_states_stand_in_the_journal(live: Live) -> None:
    words = live.core.gateway.journal.words
    before = int(words[HEAD])
    answer(live, Operation.REDUCE)
    answer(live, Operation.REDUCE)
    told = examine(words).records[before:]
    kinds = [JournalKind.COMMAND, JournalKind.STATE, JournalKind.COMMAND]
    assert told["kind"].tolist() == kinds
    assert told["reason"].tolist() == [Operation.REDUCE, Cause.OPERATOR, Operation.REDUCE]
    assert told["observed"].tolist() == [Result.DONE, REDUCE_ONLY, Result.UNCHANGED]


def test_a_journal_that_lost_a_record_halts(live: Live) -> None:
    words = live.core.gateway.journal.words
    words[KEEPING], words[ARCHIVED] = Keeping.ARCHIVE, words[HEAD] - words[CAPACITY]
    assert answer(live, Operation.REDUCE)[2] == REDUCE_ONLY
    assert words[OVERFLOWED] >= 1, "of the operation itself"
    account = live.core.gate.account[0]
    assert (account.trading_state, account.state_cause) == (HALTED, Cause.JOURNAL)
    assert account.state_observed >= 1
    words[ARCHIVED] = words[HEAD]
    assert answer(live, Operation.RESUME)[2] == ACTIVE
    live.turn(1)
    assert account.trading_state == ACTIVE


def limit(live: Live, operation: int, code: int, instrument: int, value: int) -> tuple[int, int]:
    number = int(live.core.mailbox.words[POSTED])
    record = live.core.mailbox.operations[number % OPERATIONS_N]
    record.limit, record.instrument, record.value = code, instrument, value
    post(live, operation)
    return int(record.result), int(record.value)


def test_a_limit_is_shown_and_set(live: Live) -> None:
    gate = live.core.gate
    own, all_limits = gate.limits[0], gate.account_limits[0]
    show, change = Operation.LIMIT_SHOW, Operation.LIMIT_SET
    code = Limit.POSITION_MAX_LOTS
    assert limit(live, show, code, 0, 77) == (Result.DONE, own.position_max_lots)
    assert limit(live, change, code, 0, 77) == (Result.DONE, 77) and own.position_max_lots == 77
    code = Limit.ACCOUNT_DAY_LOSS_MAX_E8
    assert limit(live, change, code, -1, 5) == (Result.DONE, 5) and all_limits.day_loss_max_e8 == 5
    assert limit(live, change, code, -1, OFF) == (Result.DONE, OFF)


@pytest.mark.parametrize("value", [0, -1, -(2**63), 1_000_001, OFF])
def test_a_value_that_limits_nothing_is_refused(live: Live, value: int) -> None:
    before = int(live.core.gate.limits[0].collar_ppm)
    got = limit(live, Operation.LIMIT_SET, Limit.COLLAR_PPM, 0, value)
    assert got == (Result.REFUSED, before) and live.core.gate.limits[0].collar_ppm == before


@pytest.mark.parametrize(
    ("code", "instrument"),
    [
        (Limit.COLLAR_PPM, 1),
        (Limit.COLLAR_PPM, -2),
        (Limit.COLLAR_PPM, 2**63 - 1),
        (Limit.COLLAR_PPM, -1),
        (Limit.ACCOUNT_GROSS_MAX_E8, 0),
        (Limit.PRICE_GRID, 0),
        (0, 0),
        (-1, -1),
    ],
)
def test_a_limit_that_is_none(live: Live, code: int, instrument: int) -> None:
    words = live.core.gate.limit_words.copy(), live.core.gate.account_words.copy()
    got = limit(live, Operation.LIMIT_SET, code, instrument, 5)
    assert got == (Result.UNKNOWN, 5)
    assert (live.core.gate.limit_words == words[0]).all()
    assert (live.core.gate.account_words == words[1]).all()


def test_every_limit_can_be_set(live: Live) -> None:
    """Each by its own code, and no other with it."""
    gate = live.core.gate
    for array, codes, instrument in (
        (gate.limit_words, LIMITS_CODE, 0),
        (gate.account_words, ACCOUNT_CODE, -1),
    ):
        for k, code in enumerate(codes.tolist()):
            before = array.copy()
            assert limit(live, Operation.LIMIT_SET, code, instrument, 1) == (Result.DONE, 1)
            before[k] = 1
            assert (array == before).all()


@pytest.mark.parametrize("nonsense", [0, -1, 12, 2**63 - 1])
def test_what_is_no_operation_is_answered_and_does_nothing(live: Live, nonsense: int) -> None:
    assert answer(live, nonsense) == (Result.UNKNOWN, ACTIVE, ACTIVE)


def test_the_ring_of_operations_goes_round(live: Live) -> None:
    for n in range(3 * OPERATIONS_N):
        operation = Operation.RESUME if n % 2 else Operation.REDUCE
        assert answer(live, operation)[0] == Result.DONE


def test_operations_are_carried_out_one_a_pass_in_order(live: Live) -> None:
    mailbox = live.core.mailbox
    for n, operation in enumerate((Operation.HALT, Operation.RESUME, Operation.REDUCE)):
        mailbox.operations[n].operation = operation
    mailbox.words[POSTED] = 3
    states = []
    for _ in range(3):
        live.turn(1)
        states.append(int(live.core.gate.account[0].trading_state))
    assert states == [HALTED, ACTIVE, REDUCE_ONLY]


def test_a_halt_cancels_in_the_pass_that_hears_of_it(live: Live) -> None:
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    slots = [live.place(lots=1) for _ in range(3)]
    live.turn(1)
    venue.texts()
    record = post(live, Operation.HALT_AND_CANCEL)
    assert record.open_orders_n == 3
    methods = [json.loads(text)["method"] for text in venue.texts()]
    assert methods == ["order.cancel"] * 3
    assert all(live.core.gateway.orders.table[slot].cancel_sent for slot in slots)
    assert check(live.core.gate, 0, 1, 6_000_000, 1, 0, NOW_NS) == Reject.HALTED


def test_to_resume_begins_anew_what_was_counted(live: Live) -> None:
    account = live.core.gate.account
    account[0].rejects_in_row_n, account[0].runaway_n = 9, 8
    account[0].profit_peak_e8, account[0].profit_e8 = 500, -100
    account[0].day_profit_e8 = 70
    live.core.gate.positions[0].losses_in_row_n = 7
    lower(account, REDUCE_ONLY, Cause.LIMIT, Reject.LOSSES, 7, 6, 5)
    assert answer(live, Operation.RESUME) == (Result.DONE, REDUCE_ONLY, ACTIVE)
    assert account[0].rejects_in_row_n == account[0].runaway_n == 0
    assert account[0].profit_peak_e8 == -100
    assert live.core.gate.positions[0].losses_in_row_n == 0
    assert account[0].day_profit_e8 == 70, "the day's loss is the day's"


def test_each_move_is_told(live: Live) -> None:
    live.turn(1)
    for operation in (Operation.REDUCE, Operation.HALT, Operation.HALT, Operation.RESUME):
        post(live, operation)
    slots = live.core.telemetry.events.slots
    told = [
        (int(event.reason), int(event.observed))
        for event in slots
        if event.kind == EventKind.TRADING_STATE
    ]
    assert told[-3:] == [
        (Cause.OPERATOR, REDUCE_ONLY),
        (Cause.OPERATOR, HALTED),
        (Cause.OPERATOR, ACTIVE),
    ]


def test_the_gate_looks_at_the_beats_of_the_region(live: Live) -> None:
    assert live.core.gate.beats.base is live.core.mailbox.words or (
        live.core.gate.beats.ctypes.data == live.core.mailbox.words.ctypes.data + 8 * 48
    )
