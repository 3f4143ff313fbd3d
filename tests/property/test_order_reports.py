"""Reports with totals in any order, repeated, and lost in between: the end is the venue's.

The venue is a list of fills. Whatever of its reports arrives, and however often: when the last
word has come (an end, or the answer to a query), order, position and exposure are what it says.
"""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.counters import Counter
from appliance.abi.trading import OrderState, Report, Side
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.order_reports import REPEATED
from tests.strategies.told_orders import SPOT, USDM, Table, Told, VenueOrder, disturbed, made

EXAMPLES = 60 if JIT_DISABLED else 200
ENDS = (Report.FILL, Report.CANCELED, Report.EXPIRED, Report.ACCEPTED)  # ACCEPTED: it still rests


def run(seed: int, end: int, tells_worth: bool) -> Table:
    rng = Random(seed)
    table = Table(made(rng, end, tells_worth))
    for told in disturbed(rng, table.truth.messages(), in_order=rng.random() < 0.3):
        table.hear(told)
        table.check_running()
        if rng.random() < 0.2:
            table.lose_sight()
            table.check_running()
    return table


SEEDS = st.integers(0, 2**32)


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.sampled_from(ENDS), st.booleans())
def test_lost_and_repeated_reports_are_harmless_once_the_last_word_has_come(
    seed: int, end: int, tells_worth: bool
) -> None:
    table = run(seed, end, tells_worth)
    table.hear(table.truth.last_word())
    table.check_end()


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.sampled_from(ENDS), st.booleans())
def test_nothing_that_comes_after_the_end_changes_anything(
    seed: int, end: int, tells_worth: bool
) -> None:
    """Two connections tell of everything while one replaces the other."""
    rng = Random(seed)
    table = Table(made(rng, end, tells_worth))
    for told in table.truth.messages():
        table.hear(told)
    table.hear(table.truth.last_word())
    for told in disturbed(rng, table.truth.messages() * 2, in_order=False):
        table.hear(told)
        table.check_end()


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.booleans())
def test_an_order_that_is_filled_in_the_end(seed: int, tells_worth: bool) -> None:
    table = run(seed, Report.FILL, tells_worth)
    table.hear(table.truth.last_word())
    table.check_end()
    for told in disturbed(Random(seed), table.truth.messages(), in_order=False):
        table.hear(told)
        table.check_end()


@settings(deadline=None, max_examples=EXAMPLES)
@given(SEEDS, st.sampled_from(ENDS))
def test_in_order_and_often_is_as_once(seed: int, end: int) -> None:
    table = Table(made(Random(seed), end, SPOT))
    messages = table.truth.messages()
    for told in messages:
        results = [table.hear(told) for _ in range(Random(seed).randint(2, 4))]
        if told.report == Report.FILL and table.truth.lots > told.total:
            assert results[1:] == [REPEATED] * (len(results) - 1)
        table.check_running()
    table.hear(table.truth.last_word())
    table.check_end()


def partial(side: int = Side.BUY, end: int = Report.CANCELED, tells_worth: bool = SPOT) -> Table:
    """An order of 10 of which 3 and 4 were filled."""
    return Table(VenueOrder(side, 10, [(3, 100), (4, 99)], end, tells_worth))


@pytest.mark.parametrize("tells_worth", [SPOT, USDM])
def test_usdm_fills_do_not_tell_what_was_lost_and_so_the_venue_is_asked(tells_worth: bool) -> None:
    table = partial(tells_worth=tells_worth)
    accepted, _, second, _ = table.truth.messages()
    table.hear(accepted)
    result = table.hear(second)
    record = table.orders.table[table.slot]
    if tells_worth:
        assert (result, record.filled_lots) == (OrderState.PARTIAL, 7)
        assert record.filled_tick_lots == 696
    else:
        assert (result, record.filled_lots) == (OrderState.UNKNOWN, 0)
        assert table.exposure == (10, 0, 1)
        assert table.counters[Counter.REPORTS_ILLEGAL, 0] == 1
    table.hear(table.truth.last_word())
    table.check_end()


@pytest.mark.parametrize("end", [Report.CANCELED, Report.EXPIRED])
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_an_end_tells_of_fills_that_nobody_heard_of(side: int, end: int) -> None:
    table = partial(side, end)
    table.hear(table.truth.messages()[-1])
    table.check_end()


def test_a_fill_that_comes_again_after_the_cancel() -> None:
    table = partial()
    for told in table.truth.messages():
        table.hear(told)
    table.check_end()
    assert table.hear(table.truth.messages()[1]) == REPEATED
    table.check_end()


def test_a_query_of_an_open_order_tells_of_fills_that_nobody_heard_of() -> None:
    table = partial(end=Report.ACCEPTED)
    assert table.hear(table.truth.messages()[0]) == OrderState.OPEN
    assert table.hear(table.truth.last_word()) == OrderState.PARTIAL
    table.check_end()


def test_an_end_that_overtakes_its_fills_is_an_end_when_they_have_come() -> None:
    """USD-M, where reports of one order pass each other: none of them alone tells the price."""
    table = partial(tells_worth=USDM)
    accepted, first, second, end = table.truth.messages()
    assert table.hear(accepted) == OrderState.OPEN
    assert table.hear(end) == OrderState.UNKNOWN and table.exposure == (10, 0, 1)
    assert table.hear(first) == OrderState.UNKNOWN and table.exposure == (7, 0, 1)
    assert table.hear(second) == OrderState.CANCELED
    table.check_end()


def test_an_order_that_misses_fills_is_in_doubt_whatever_is_said_of_it() -> None:
    table = partial(end=Report.ACCEPTED, tells_worth=USDM)
    accepted, first, second = table.truth.messages()
    assert table.hear(second) == OrderState.UNKNOWN
    assert table.hear(accepted) == OrderState.UNKNOWN
    table.hear(Told(Report.CANCEL_REJECTED, tells_total=0))
    assert table.orders.table[table.slot].state == OrderState.UNKNOWN
    assert table.hear(first) == OrderState.UNKNOWN and table.exposure == (7, 0, 1)
    table.check_running()
    assert table.hear(second) == OrderState.PARTIAL
    table.check_end()


@pytest.mark.parametrize("change", ["instrument", "side"])
def test_what_is_told_of_another_order_is_not_kept(change: str) -> None:
    """A report that contradicts the order is no reason to doubt its other reports for ever."""
    table = partial(tells_worth=USDM)
    accepted, first, second, end = table.truth.messages()
    table.hear(accepted)
    table.hear(Told(Report.FILL, 100, 9, 1, 9, 0), **{change: 1 if change == "instrument" else -1})
    assert table.orders.table[table.slot].told_lots == 0
    for told in (first, second, end):
        table.hear(told)
    table.check_end()


def test_more_than_was_asked_for_is_booked_and_counted() -> None:
    """The venue is right about what was traded."""
    table = partial()
    result = table.hear(Told(Report.FILL, 100, 12, 1, 12, 1200))
    assert result == OrderState.FILLED
    assert table.positions[0].position_lots == 12 and table.exposure == (0, 0, 0)
    assert table.counters[Counter.REPORTS_ILLEGAL, 0] == 1
