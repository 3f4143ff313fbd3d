"""Two courses side by side (appliance.cold.diff.compare, appliance.cold.diff.course): what is the
same, and the cause of what is not."""

import numpy as np
import pytest

from appliance.cold.diff.compare import compare
from appliance.cold.diff.course import (
    CANCEL,
    PLACE,
    Course,
    Decision,
    Fill,
    Heard,
    OpenOrder,
    Refusal,
)

MS = 10**6


def order(time_ms: float, side: int = 1, ticks: int = 100, what: str = PLACE) -> Decision:
    return Decision(int(time_ms * MS), "A", what, side, ticks, 5)


def courses(live: list[Decision], backtest: list[Decision]) -> tuple[Course, Course]:
    return Course(decisions=live), Course(decisions=backtest)


ALL = Heard({"A": np.arange(100) * MS})


def test_the_same_at_the_same_times() -> None:
    both = [order(1), order(2, -1), order(3, what=CANCEL), order(3)]
    found = compare(*courses(list(both), list(both)), ALL, MS)
    assert (found.same_n, found.differences) == (4, ())
    told = found.as_dict()
    assert (told["different"], told["at_other_times"], told["causes"]) == (0, 0, {})


def test_the_nearest_is_the_twin_and_each_has_one() -> None:
    live = [order(10), order(10.4), order(20)]
    backtest = [order(9.8), order(10.5), order(10.6), order(22)]
    found = compare(*courses(live, backtest), ALL, MS)
    assert found.same_n == 2 and sorted(found.apart_ns) == [-100_000, 200_000]
    assert [(one.by, one.decision.time_ns / MS) for one in found.differences] == [
        ("backtest", 10.6),
        ("live", 20),
        ("backtest", 22),
    ]
    assert found.as_dict()["apart_most_us"] == 200


@pytest.mark.parametrize("changed", [order(5, -1), order(5, 1, 101), order(5, 1, 100, CANCEL)])
def test_other_words_are_another_decision(changed: Decision) -> None:
    found = compare(*courses([order(5)], [changed]), ALL, MS)
    assert found.same_n == 0 and len(found.differences) == 2


def causes(live: Course, backtest: Course, heard: Heard = ALL) -> list[tuple[str, str]]:
    return [(one.by, one.cause) for one in compare(live, backtest, heard, MS).differences]


def test_a_refusal_of_the_other_side() -> None:
    live, backtest = courses([], [order(5)])
    live.refusals.append(Refusal("A", 4 * MS, 6 * MS, "position, observed 9, limit 8"))
    (one,) = compare(live, backtest, ALL, MS).differences
    assert one.cause == "refused" and "the gate of live refused about then: position" in one.why
    live.refusals[0] = Refusal("B", 4 * MS, 6 * MS, "of another symbol")
    assert causes(live, backtest) == [("backtest", "strategy")]
    live.refusals[0] = Refusal("", 7 * MS, 8 * MS, "later")
    assert causes(live, backtest) == [("backtest", "strategy")]


def test_what_the_recording_does_not_have() -> None:
    live, backtest = courses([order(50)], [])
    assert causes(live, backtest, Heard({"A": np.array([10 * MS, 60 * MS])})) == [
        ("live", "market")
    ]
    assert causes(live, backtest, Heard({})) == [("live", "market")]
    assert causes(live, backtest) == [("live", "strategy")]


def test_a_fill_that_one_had() -> None:
    live, backtest = courses([order(50)], [order(51.5, -1)])
    live.fills["A"] = [Fill(10 * MS, 5, 100), Fill(40 * MS, 5, 100)]
    backtest.fills["A"] = [Fill(11 * MS, 5, 100)]
    first, second = compare(live, backtest, ALL, MS).differences
    assert first.cause == second.cause == "position"
    assert first.why == "live held +10 lots, backtest +5, since 00:00:00.040"
    assert second.why.startswith("backtest held +5 lots, live +10")
    live.begun_with_lots["A"] = -5
    (again, _) = compare(live, backtest, ALL, MS).differences
    assert again.cause == "strategy", "they hold the same now"


def test_orders_that_one_had_open() -> None:
    live, backtest = courses([order(50)], [])
    live.orders["A"] = [OpenOrder(10 * MS, 0, 1, 99), OpenOrder(20 * MS, 30 * MS, -1, 105)]
    backtest.orders["A"] = [OpenOrder(10 * MS, 45 * MS, 1, 99), OpenOrder(12 * MS, 0, -1, 104)]
    (one,) = compare(live, backtest, ALL, MS).differences
    assert one.cause == "orders"
    assert "live only: buy at 99; with backtest only: sell at 104" in one.why


def test_only_the_first_is_the_strategys() -> None:
    live, backtest = courses([order(5), order(9), order(9)], [])
    assert [cause for _, cause in causes(live, backtest)] == ["strategy", "earlier", "earlier"]


def test_what_was_open_and_held() -> None:
    course = Course()
    course.orders["A"] = [OpenOrder(10, 20, 1, 99), OpenOrder(15, 0, -1, 101)]
    course.fills["A"] = [Fill(5, 3, 1), Fill(8, -1, 1)]
    course.begun_with_lots["A"] = 7
    assert [course.position_lots("A", t) for t in (5, 6, 9)] == [7, 10, 9]
    assert course.open_orders("A", 10) == [] and course.open_orders("A", 11) == [(1, 99)]
    assert course.open_orders("A", 20) == [(-1, 101), (1, 99)]
    assert course.open_orders("A", 21) == [(-1, 101)]
