"""What the loop writes into the journal (appliance.hot.journal), read back as a file would be."""

from typing import Any

import numpy as np
import pytest

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.gate import REFUSAL
from appliance.abi.journal import (
    ARCHIVED,
    CAPACITY,
    HEAD,
    JOURNAL,
    JOURNAL_DAY,
    KEEPING,
    OVERFLOWED,
    Journal,
    JournalKind,
    Keeping,
    make_journal,
)
from appliance.abi.layout import records
from appliance.abi.operator import OPERATION, Operation, Result
from appliance.abi.refusal import Reject
from appliance.abi.trading_state import Cause, TradingState
from appliance.cold.journal_check import examine
from appliance.hot import journal as hot_journal
from tests.strategies.journals import NOW_NS, in_order, ring, write

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def one(journal: Journal) -> Any:
    """The last record."""
    return in_order(journal.words, int(journal.words[HEAD]))[-1]


def kept(records_n: int = 16) -> Journal:
    """A ring that must be archived."""
    journal = make_journal(records_n)
    journal.words[KEEPING] = Keeping.ARCHIVE
    return journal


def test_every_field_is_where_the_layout_says() -> None:
    journal = make_journal(16)
    fields = {
        "time_ns": INT64_MAX,
        "side": -1,
        "instrument": 63,
        "reason": -(2**31),
        "order_key": INT64_MIN,
        "price_ticks": 5,
        "quantity_lots": -6,
        "filled_lots": 7,
        "filled_tick_lots": INT64_MAX - 1,
        "venue_id": -9,
        "observed": 10,
        "limit": -11,
        "tag": 12,
    }
    assert write(journal, JournalKind.LOST, **fields) == 1
    record = one(journal)
    assert {name: int(record[name]) for name in fields} == fields
    assert (record["sequence"], record["kind"], record["epoch"]) == (1, JournalKind.LOST, 0)
    assert examine(journal.words).last == 1


@pytest.mark.parametrize(
    ("side", "instrument", "reason"), [(1, -1, 0), (-1, 0, 2**31 - 1), (0, -1, -1)]
)
def test_halves_of_a_word_do_not_touch_each_other(side: int, instrument: int, reason: int) -> None:
    journal = make_journal(16)
    write(journal, JournalKind.FILL, side=side, instrument=instrument, reason=reason)
    record = one(journal)
    assert (record["kind"], record["side"]) == (JournalKind.FILL, side)
    assert (record["instrument"], record["reason"]) == (instrument, reason)


def test_a_ring_that_nobody_archives_is_full_and_says_so() -> None:
    journal = kept()
    assert [write(journal) for _ in range(16)] == [1] * 16
    before = ring(journal.words).copy()
    assert write(journal) == 0 and write(journal) == 0
    assert (ring(journal.words) == before).all()
    assert (journal.words[HEAD], journal.words[OVERFLOWED]) == (16, 2)
    journal.words[ARCHIVED] = 3
    assert [write(journal) for _ in range(4)] == [1, 1, 1, 0]
    assert hot_journal.append_row(journal.words, np.zeros(14, np.int64)) == 0
    assert journal.words[OVERFLOWED] == 4


def test_zeros_take_no_record() -> None:
    words = np.zeros_like(make_journal(16).words)
    words[CAPACITY] = 16
    assert write(Journal(words, np.zeros((64, 3), np.int64))) == 0
    assert words[HEAD] == 0


def test_a_ring_that_overwrites_goes_round() -> None:
    journal = make_journal(16)
    for n in range(100):
        assert write(journal, order_key=n) == 1
    found = examine(journal.words)
    assert found.records["sequence"].tolist() == list(range(85, 101))
    assert found.records["order_key"].tolist() == list(range(84, 100))


def test_refusals_of_a_kind_are_told_once_a_second() -> None:
    journal = make_journal(64)
    refusal = records(1, REFUSAL)[0]

    def refuse(reason: int, time_ns: int, instrument: int = 1) -> None:
        refusal.reason, refusal.time_ns, refusal.instrument = reason, time_ns, instrument
        refusal.observed, refusal.limit, refusal.quantity_lots = 11, 10, time_ns % 97
        hot_journal.write_refusal(journal, refusal)

    for n in range(1_000):
        refuse(Reject.POSITION, NOW_NS + n)
    assert journal.words[HEAD] == 1
    refuse(Reject.POSITION, NOW_NS + 1_000, instrument=0)
    refuse(Reject.POSITION, NOW_NS + 10**9)
    refuse(Reject.GROSS, NOW_NS + 10**9 + 1)
    refuse(Reject.GROSS, NOW_NS + 10**9)  # the clock ran back
    refuse(-5, NOW_NS, instrument=-3)
    refuse(-5, NOW_NS, instrument=2**40)
    told = in_order(journal.words, int(journal.words[HEAD]))
    reasons = [Reject.POSITION, Reject.POSITION, Reject.POSITION, Reject.GROSS, Reject.GROSS]
    assert told["reason"].tolist()[:5] == reasons
    assert told["filled_lots"].tolist()[:5] == [0, 0, 999, 0, 0]
    assert (told["observed"][0], told["limit"][0]) == (11, 10)
    assert told["filled_lots"].sum() + len(told) == 1_006


def test_state_command_and_day() -> None:
    journal = make_journal(16)
    account = records(1, GATE_ACCOUNT)
    state = account[0]
    state.trading_state, state.state_cause = TradingState.HALTED, Cause.LIMIT
    state.state_reason, state.state_observed, state.state_limit = Reject.DAY_LOSS, 101, 100
    state.profit_e8, state.profit_peak_e8 = -101, 7
    hot_journal.write_state(journal.words, account, NOW_NS)
    record = one(journal)
    assert (record["observed"], record["reason"]) == (TradingState.HALTED, Cause.LIMIT)
    assert (record["limit"], record["price_ticks"], record["quantity_lots"]) == (50, 101, 100)
    assert (record["filled_lots"], record["filled_tick_lots"]) == (-101, 7)
    command = records(1, OPERATION)[0]
    command.operation, command.result = Operation.HALT, Result.DONE
    command.uid, command.pid, command.after_state = 1000, 77, TradingState.HALTED
    hot_journal.write_command(journal.words, command, NOW_NS)
    record = one(journal)
    assert (record["reason"], record["observed"]) == (Operation.HALT, Result.DONE)
    assert (record["order_key"], record["venue_id"]) == (1000, 77)
    for n, name in enumerate(("messages_n", "fills_n", "day_messages_n", "day_fills_n")):
        state[name] = (100, 50, 30, 20)[n]
    state.day_ends_ns, state.venue_day_ends_ns, state.venue_day_orders_n = 1, 2, 3
    state.day_turnover_e8, state.day_profit_e8 = 4, -5
    hot_journal.write_day(journal.words, account, NOW_NS)
    day = np.array([one(journal)]).view(JOURNAL_DAY)[0]
    assert day["kind"] == JournalKind.DAY
    assert tuple(int(day[name]) for name in JOURNAL_DAY.names[6:]) == (
        *(1, 0, 2, 70, 30, 3, 4, -5, 7),
    )


def test_layouts_are_one_size() -> None:
    assert JOURNAL.itemsize == JOURNAL_DAY.itemsize == 128
