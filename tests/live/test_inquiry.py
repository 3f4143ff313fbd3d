"""What became of an order: asked of a running venue until it says so, and never sent again."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import OrderState, Report, Side
from appliance.cold.live import inquiry
from appliance.cold.live.inquiry import ASK_AGAIN_S, CERTAIN_MS, Doubt
from appliance.cold.live.rest_client import MustWait, Refused, RestError, Unclear
from appliance.cold.venue.server import VenueSettings
from tests.live.parts import Parts, client_id, with_parts
from tests.venue.running_venue import Keys, RunningVenue
from tests.venue.signed import ORDER_PATHS, ask, limit_order

BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    folder = tmp_path_factory.mktemp("keys")
    with RunningVenue(VenueSettings(keys_dir=folder, actions_per_s=50)) as running:
        yield running
        assert running.get("/venue/faults")["error_before"] == 0


def place(venue: RunningVenue, market: Market, keys: Keys, key: int, **changed: Any) -> Any:
    order = limit_order(venue, market, **changed) | {"newClientOrderId": client_id(key)}
    reply = ask(venue, "POST", ORDER_PATHS[market], keys=keys, **order)
    assert reply.status == 200, reply.form
    return reply.form


def all_orders(venue: RunningVenue, market: Market, keys: Keys) -> list[Any]:
    """Everything that was ever placed."""
    path = ORDER_PATHS[market].replace("order", "allOrders")
    return list(ask(venue, "GET", path, keys=keys, symbol="BTCUSDT").form)


@BOTH
def test_an_order_that_rests(venue: RunningVenue, market: Market) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        placed = place(venue, market, keys, key)
        (doubt,) = parts.inquiry.due()
        await parts.inquiry.settle(doubt)
        (report,) = parts.told()
        assert (report.report, report.order_key) == (Report.ACCEPTED, key)
        assert (report.instrument, report.side) == (0, Side.BUY)
        assert (report.tells_total, report.filled_lots) == (1, 0)
        assert report.venue_id == placed["orderId"]

    with_parts(venue, market, keys, work)
    assert len(all_orders(venue, market, keys)) == 1


@BOTH
def test_an_order_that_was_filled_is_booked_at_what_it_cost(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        (bid, _), *_ = venue.get("/venue/state?depth=1")[market.name.lower()]["books"]["BTCUSDT"][
            "bids"
        ]
        price = f"{float(bid) * 1.02:.0f}.0"
        place(venue, market, keys, key, price=price, timeInForce="IOC")
        await parts.inquiry.settle(Doubt(key, 0, time.time_ns()))
        (report,) = parts.told()
        name = "cummulativeQuoteQty" if market == Market.SPOT else "cumQuote"
        (order,) = all_orders(venue, market, keys)
        assert order["status"] == "FILLED"
        grid = parts.messages._grids["BTCUSDT"][1]
        assert (report.report, report.tells_total) == (Report.FILL, 1)
        assert report.filled_lots == grid.lots("0.010") == report.quantity_lots
        assert report.filled_tick_lots == grid.value(order[name]) > 0

    with_parts(venue, market, keys, work)


@BOTH
@pytest.mark.parametrize("way", ["cancel", "expire"])
def test_an_order_that_ended(venue: RunningVenue, market: Market, way: str) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        if way == "cancel":
            place(venue, market, keys, key)
            named = {"symbol": "BTCUSDT", "origClientOrderId": client_id(key)}
            assert ask(venue, "DELETE", ORDER_PATHS[market], keys=keys, **named).status == 200
        else:
            place(venue, market, keys, key, timeInForce="IOC")
        (doubt,) = parts.inquiry.due()
        await parts.inquiry.settle(doubt)
        expected = Report.CANCELED if way == "cancel" else Report.EXPIRED
        assert parts.kinds() == [expected]

    with_parts(venue, market, keys, work)


@BOTH
def test_an_order_that_never_came_is_refused_only_when_it_can_come_no_more(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        young_ns = time.time_ns() - (CERTAIN_MS - 1000) * 1_000_000
        young, old = parts.order(young_ns), parts.order(young_ns - 1_100 * 1_000_000)
        for doubt in parts.inquiry.due():
            await parts.inquiry.settle(doubt)
        (report,) = parts.told()
        assert (report.order_key, report.report) == (old, Report.REJECTED)
        assert report.tells_total == 0
        assert not await parts.inquiry.ask(Doubt(young, 0, young_ns))

    with_parts(venue, market, keys, work)
    assert all_orders(venue, market, keys) == []


def test_certain_is_later_than_the_venue_could_still_take_it() -> None:
    assert CERTAIN_MS >= 5000 + 1000


@BOTH
def test_asks_until_there_is_an_answer_and_sends_nothing_again(
    venue: RunningVenue, market: Market
) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns())
        place(venue, market, keys, key)
        venue.post("/venue/faults", {"error_before": 1.0, "times": 3})
        try:
            for n in range(4):
                while not (due := parts.inquiry.due()):
                    await asyncio.sleep(0.01)
                assert len(due) == 1 and parts.inquiry.due() == [], "asked one at a time"
                await parts.inquiry.settle(due[0])
                assert parts.inquiry.asked_n == n + 1
                assert parts.kinds() == ([] if n < 3 else [Report.ACCEPTED])
            assert "-1008" in parts.inquiry.failed
        finally:
            venue.post("/venue/faults", {"error_before": 0.0, "times": 0})

    with_parts(venue, market, keys, work)
    (order,) = all_orders(venue, market, keys)
    assert order["status"] == "NEW"


@BOTH
def test_every_live_order_is_cancelled(venue: RunningVenue, market: Market) -> None:
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> int:
        for state in (OrderState.OPEN, OrderState.UNKNOWN):
            place(venue, market, keys, parts.order(time.time_ns(), state))
        parts.order(time.time_ns())  # the venue does not know this one
        return await parts.inquiry.cancel_all()

    assert with_parts(venue, market, keys, work) == 3
    assert [o["status"] for o in all_orders(venue, market, keys)] == ["CANCELED"] * 2


@BOTH
def test_one_that_cannot_be_cancelled_is_asked_for(venue: RunningVenue, market: Market) -> None:
    """Its end was told, and nobody heard."""
    keys = venue.new_keys(market)

    async def work(parts: Parts) -> None:
        key = parts.order(time.time_ns(), OrderState.OPEN)
        place(venue, market, keys, key, timeInForce="IOC")
        await parts.inquiry.cancel_all()
        (report,) = parts.told()
        assert (report.order_key, report.report) == (key, Report.EXPIRED)

    with_parts(venue, market, keys, work)


# ---- against answers that are written here -----------------------------------------------------


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
    assert parts.inquiry.due() == [Doubt(unknown, 1, 7)]
    assert len(list(parts.inquiry.live(unknown_only=False))) == 4


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


@pytest.mark.parametrize("answer", [a for a in ANSWERS[4:] if a != ANSWERS[9]], ids=str)
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
