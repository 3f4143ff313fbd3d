"""The end of a live run, against a venue that is written here: nothing stays on its book."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from appliance.abi.counters import Counter
from appliance.abi.market import Market
from appliance.abi.trading import OrderState, Report
from appliance.cold.live import inquiry, last_orders
from appliance.cold.live.inquiry import SIDE_BY_SIDE
from appliance.cold.live.last_orders import LastOrders
from appliance.cold.live.order_messages import Said
from appliance.cold.live.rest_client import MustWait, Refused, RestError, Unclear
from appliance.hot.order_reports import apply_report
from tests.live.parts import EPOCH, Parts, client_id


class Book:
    """Stands in for the REST client. ``faults``: errors of the first requests, None for none."""

    def __init__(self) -> None:
        self.open: dict[str, str] = {}  # client order id -> status
        self.faults: list[RestError | None] = []
        self.stuck: set[str] = set()  # no answer to a cancel of these, once
        self.now_n = self.most_n = 0
        self.asked: list[tuple[str, str]] = []

    async def signed(self, method: str, _path: str, params: dict[str, Any]) -> Any:
        name = params["origClientOrderId"]
        self.asked.append((method, name))
        self.now_n += 1
        self.most_n = max(self.most_n, self.now_n)
        try:
            if name in self.stuck:
                self.stuck.remove(name)
                await asyncio.sleep(60)
            await asyncio.sleep(0.001)
            return self._answer(method, name, params["symbol"])
        finally:
            self.now_n -= 1

    def _answer(self, method: str, name: str, symbol: str) -> Any:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        status = self.open.get(name)
        if method == "DELETE":
            if status != "NEW":
                raise Refused("/order: HTTP 400: -2011", 400, -2011)
            status = self.open[name] = "CANCELED"
        elif status is None:
            raise Refused("/order: HTTP 400: -2013", 400, -2013)
        return {"symbol": symbol, "status": status, "side": "BUY", "orderId": 1}


class Run:
    """A session at its end: an order table, and a loop that hears reports, or is dead."""

    def __init__(self, *, loop_lives: bool = True) -> None:
        self.book = Book()
        self.parts = Parts(None, Market.SPOT, self.book)  # type: ignore[arg-type]
        self.loop_lives = loop_lives
        session: Any = SimpleNamespace(
            inquiry=self.parts.inquiry,
            messages=SimpleNamespace(serve=self.serve),
            sink=self.parts.sink,
            live_orders_n=lambda: len(self.parts.inquiry.live(unknown_only=False)),
        )
        self.session = session
        self.last = LastOrders(session, EPOCH)

    def order(self, *, at_venue: str | None = "NEW", state: OrderState = OrderState.OPEN) -> str:
        name = client_id(self.parts.order(time.time_ns(), state))
        if at_venue is not None:
            self.book.open[name] = at_venue
        return name

    def serve(self) -> None:
        counters = np.zeros((len(Counter), 1), np.int64)
        for report in self.parts.told() if self.loop_lives else ():
            parts = self.parts
            apply_report(parts.orders, parts.positions, parts.account, report, counters)

    def cancel(self) -> float:
        """How long it took."""
        started_s = time.monotonic()
        asyncio.run(asyncio.wait_for(self.last.cancel(), 10))
        return time.monotonic() - started_s


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    run.parts.sink.push(Said(Report.UNKNOWN, 0, 0))
    run.serve()  # compiled before time counts
    monkeypatch.setattr(last_orders, "AGAIN_S", 0.02)
    monkeypatch.setattr(last_orders, "HEARD_S", 0.1)
    monkeypatch.setattr(last_orders, "CANCEL_S", 2.0)
    monkeypatch.setattr(inquiry, "CANCEL_ONE_S", 0.2)


def test_nothing_to_cancel_asks_nothing() -> None:
    run = Run()
    run.cancel()
    assert run.book.asked == [] and run.last.left() == []


def test_the_reply_to_a_cancel_ends_the_order() -> None:
    """Also where no connection tells of it any more."""
    run = Run()
    run.order()
    assert run.cancel() < 1.0
    assert run.session.live_orders_n() == 0 and len(run.book.asked) == 1
    assert run.last.cancelled_n == 1


@pytest.mark.parametrize(
    "fault",
    [Unclear("/order: HTTP 502"), MustWait("/order: HTTP 429", 0.1), Refused("/order", 400, -1021)],
    ids=repr,
)
def test_a_cancel_that_fails_is_tried_again(fault: RestError) -> None:
    run = Run()
    names = [run.order(), run.order()]
    run.book.faults = [fault] * 6
    run.cancel()
    assert run.last.left() == []
    assert [run.book.open[name] for name in names] == ["CANCELED"] * 2


def test_an_order_that_the_venue_does_not_know_yet_is_tried_again() -> None:
    """It overtook us on another connection, or we it."""
    run = Run()
    name = run.order(at_venue=None, state=OrderState.SENT)

    async def work() -> None:
        ending = asyncio.ensure_future(run.last.cancel())
        await asyncio.sleep(0.1)
        assert not ending.done() and run.last.left() == [name]
        run.book.open[name] = "NEW"  # now it has come
        await ending

    asyncio.run(work())
    assert run.book.open[name] == "CANCELED" and run.last.left() == []


def test_what_is_left_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_orders, "CANCEL_S", 0.3)
    run = Run()
    run.order()
    run.book.faults = [None] + [Unclear("/order: HTTP 503")] * 10_000
    name = run.order()
    assert 0.25 < run.cancel() < 1.0
    assert run.last.left() == [name] and run.last.cancelled_n == 1 and not run.last.hurried


def test_side_by_side_but_not_all_at_once() -> None:
    run = Run()
    for _ in range(40):
        run.order()
    run.cancel()
    assert run.last.left() == [] and len(run.book.asked) == 40
    assert run.book.most_n == SIDE_BY_SIDE


def test_one_without_an_answer_does_not_keep_the_others() -> None:
    run = Run()
    run.book.stuck = {run.order()}
    names = [run.order() for _ in range(2 * SIDE_BY_SIDE)]
    assert run.cancel() < 1.5, "and it is tried again itself"
    assert run.last.left() == [] and all(run.book.open[name] == "CANCELED" for name in names)


def test_in_a_hurry_it_ends_at_once() -> None:
    run = Run()
    name = run.order()
    run.book.stuck = {name}

    async def work() -> None:
        ending = asyncio.ensure_future(run.last.cancel())
        await asyncio.sleep(0.05)
        run.last.hurry()
        await asyncio.wait_for(ending, 0.05)

    asyncio.run(work())
    assert run.last.hurried and run.last.left() == [name]


def test_the_venue_s_word_counts_where_the_loop_is_dead() -> None:
    run = Run(loop_lives=False)
    run.order()
    assert run.cancel() < 1.0
    assert run.last.left() == [] and len(run.book.asked) == 1


def test_what_is_broken_in_the_session_does_not_keep_it_from_cancelling() -> None:
    run = Run()
    run.session.messages.serve = lambda: 1 // 0
    name = run.order()
    run.book.faults = [Unclear("/order: HTTP 503")] * 2
    run.cancel()
    assert run.book.open[name] == "CANCELED" and run.last.left() == []


@pytest.mark.parametrize("reply", [None, [], {"status": "CANCELED"}, {"symbol": "x", "status": 5}])
def test_a_cancel_whose_reply_cannot_be_read_is_a_cancel(reply: Any) -> None:
    run = Run(loop_lives=False)
    run.order()
    run.book._answer = lambda *_: reply  # type: ignore[method-assign]
    run.cancel()
    assert run.last.left() == []
