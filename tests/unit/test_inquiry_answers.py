"""What answers about an order are made of: certain, doubtful, none. The venue is a script."""

import asyncio
import time
from typing import Any

import numpy as np
import pytest

from appliance.abi.market import Market
from appliance.abi.trading import OrderState
from appliance.cold.live import inquiry
from appliance.cold.live.inquiry import ASK_AGAIN_S, CERTAIN_S, LOOK_AGAIN_S, LOOKS_APART_S, Doubt
from appliance.cold.live.rest_client import MustWait, Refused, RestError, Unclear
from appliance.hot.order_reports import apply_report
from tests.live.parts import Parts, client_id

NO_SUCH_ORDER = Refused("/order: HTTP 400: -2013 Order does not exist.", 400, -2013)


class Script:
    """Stands in for the REST client: answers in turn, errors are raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    async def signed(self, method: str, path: str, params: dict[str, Any]) -> Any:
        self.asked.append((method, path, params))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(*answers: Any) -> tuple[Parts, Script]:
    script = Script(*answers)
    return Parts(None, Market.SPOT, script), script  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])
        time_ns = staticmethod(time.time_ns)

    monkeypatch.setattr(inquiry, "time", Time)
    return now


def test_a_question_names_one_order(clock: list[float]) -> None:
    parts, script = scripted(Unclear("no"))
    key = parts.order(5, i=1)
    asyncio.run(parts.inquiry.settle(parts.inquiry.due()[0]))
    named = {"symbol": "ETHUSDT", "origClientOrderId": client_id(key)}
    assert script.asked == [("GET", "/order", named)]


def test_only_unknown_orders_are_asked_for(clock: list[float]) -> None:
    parts, _ = scripted()
    for state in (OrderState.SENT, OrderState.OPEN, OrderState.PARTIAL):
        parts.order(5, state)
    unknown = parts.order(7, i=1)
    assert parts.inquiry.due() == [Doubt(unknown, 1, clock[0])]
    assert len(parts.inquiry.live(unknown_only=False)) == 4


def test_an_order_that_nobody_heard_of_for_long_is_looked_at(clock: list[float]) -> None:
    """A message about it may be lost: each in its turn, the one unseen for longest first."""
    parts, _ = scripted()
    first = parts.order(5, OrderState.OPEN)
    assert parts.inquiry.due() == []
    clock[0] += LOOK_AGAIN_S / 2
    second = parts.order(6, OrderState.PARTIAL, i=1)
    assert parts.inquiry.due() == []
    clock[0] += LOOK_AGAIN_S / 2
    assert [doubt.key for doubt in parts.inquiry.due()] == [first]
    assert parts.inquiry.due() == []
    clock[0] += LOOK_AGAIN_S / 2
    assert [doubt.key for doubt in parts.inquiry.due()] == [second]
    clock[0] += LOOKS_APART_S
    assert parts.inquiry.due() == [], "long enough ago"
    clock[0] += LOOK_AGAIN_S
    assert [doubt.key for doubt in parts.inquiry.due()] == [first]
    assert parts.inquiry.due() == [], "not all at once"
    clock[0] += LOOKS_APART_S
    assert [doubt.key for doubt in parts.inquiry.due()] == [second]


ANSWERS: list[Any] = [
    Unclear("/order: HTTP 502"),
    Refused("/order: HTTP 400: -1021", 400, -1021),
    Refused("/order: HTTP 401: -2015", 401, -2015),
    Refused("/order: HTTP 400: -2013", 400, -2013),  # it may still come
    {},
    [],
    None,
    "text",
    {"status": "NEW"},
    {"symbol": "LTCUSDT", "status": "NEW", "side": "BUY", "orderId": 1},
    {"symbol": "BTCUSDT", "status": "PENDING_CANCEL", "side": "BUY", "orderId": 1},
    {"symbol": "BTCUSDT", "status": "NEW", "side": "BUY", "orderId": "x"},
    {"symbol": "BTCUSDT", "status": "NEW", "side": "BUY", "orderId": 1 << 70},
    {"symbol": "BTCUSDT", "status": "NEW", "side": "BUY", "orderId": float("inf")},
    {"symbol": "BTCUSDT", "status": "FILLED", "side": "BUY", "orderId": 1, "executedQty": "1/2"},
    {"symbol": "BTCUSDT", "status": ["NEW"], "side": "BUY", "orderId": 1},
]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_an_answer_that_says_nothing_for_certain_is_asked_for_again(clock, answer: Any) -> None:
    parts, script = scripted(answer, answer)
    parts.order(time.time_ns())
    for _ in range(2):
        (doubt,) = parts.inquiry.due()
        asyncio.run(parts.inquiry.settle(doubt))
        assert parts.inquiry.due() == [], "not at once"
        clock[0] += ASK_AGAIN_S + 0.01
    assert parts.told() == [] and {method for method, *_ in script.asked} == {"GET"}
    assert int(parts.account[0].open_orders_n) == 1, "still exposure"


@pytest.mark.parametrize("answer", ANSWERS[4:], ids=str)
def test_a_misunderstood_answer_is_an_error_of_the_request(clock, answer: Any) -> None:
    """So that whoever reconciles tries again, and is not stopped by it."""
    parts, _ = scripted(answer)
    key = parts.order(5)
    with pytest.raises(RestError, match="/order"):
        asyncio.run(parts.inquiry.ask(Doubt(key, 0, 5)))


def test_the_venue_is_left_in_peace_for_as_long_as_it_asks(clock: list[float]) -> None:
    parts, _ = scripted(MustWait("/order: HTTP 429", 30.0))
    parts.order(5)
    asyncio.run(parts.inquiry.settle(parts.inquiry.due()[0]))
    clock[0] += 29.0
    assert parts.inquiry.due() == [] and parts.inquiry.failed == "/order: HTTP 429"
    clock[0] += 1.1
    assert len(parts.inquiry.due()) == 1


def test_a_question_whose_answer_was_lost_is_asked_again_in_the_end(clock: list[float]) -> None:
    parts, _ = scripted()
    parts.order(5)
    assert len(parts.inquiry.due()) == 1
    clock[0] += 30.0
    assert parts.inquiry.due() == []
    clock[0] += 31.0
    assert len(parts.inquiry.due()) == 1


def test_no_step_of_the_clock_makes_an_order_old(clock: list[float]) -> None:
    """Its age counts from when it was first seen here, by a clock that nobody sets."""
    parts, _ = scripted(NO_SUCH_ORDER, NO_SUCH_ORDER)
    parts.order(time.time_ns() - 3600 * 10**9)  # as if the wall clock had gone back an hour
    (doubt,) = parts.inquiry.live(unknown_only=False)
    clock[0] += CERTAIN_S - 0.01
    assert not asyncio.run(parts.inquiry.ask(doubt)) and parts.told() == []
    clock[0] += 0.01
    assert asyncio.run(parts.inquiry.ask(parts.inquiry.live(unknown_only=False)[0]))


@pytest.mark.parametrize("code", [-1021, -1121, -2015])
def test_a_refusal_says_nothing_of_the_order(code: int) -> None:
    """So that whoever reconciles learns that it was not answered."""
    parts, _ = scripted(Refused(f"/order: HTTP 400: {code}", 400, code))
    with pytest.raises(Refused):
        asyncio.run(parts.inquiry.ask(Doubt(parts.order(5), 0, 5)))
    assert parts.told() == []


def test_how_old_an_order_is_counts_from_the_question(clock: list[float]) -> None:
    """An answer that takes long does not make the question a later one."""
    parts, script = scripted()

    async def slowly(*_: Any) -> Any:
        clock[0] += 2 * CERTAIN_S
        raise NO_SUCH_ORDER

    script.signed = slowly  # type: ignore[method-assign]
    young = Doubt(parts.order(5), 0, clock[0])
    assert not asyncio.run(parts.inquiry.ask(young)) and parts.told() == []
    assert asyncio.run(parts.inquiry.ask(young)), "now it is old when it is asked for"


@pytest.mark.parametrize(
    "state", [OrderState.SENT, OrderState.OPEN, OrderState.PARTIAL, OrderState.UNKNOWN]
)
def test_an_order_that_the_venue_does_not_have_is_exposure_no_more(state: OrderState) -> None:
    """Also one that it had accepted, which no venue can reject."""
    parts, _ = scripted(NO_SUCH_ORDER)
    key = parts.order(5, state)
    assert asyncio.run(parts.inquiry.ask(Doubt(key, 0, 5)))
    counters = np.zeros((256, 16), np.int64)
    for report in parts.told():
        apply_report(parts.orders, parts.positions, parts.account, report, counters)
    assert parts.inquiry.live(unknown_only=False) == []
    assert int(parts.account[0].open_orders_n) == int(parts.positions[0].open_buy_lots) == 0
