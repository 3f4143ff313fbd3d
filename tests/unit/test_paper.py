"""The paper venue, rule by rule."""

from typing import Any

import pytest

from appliance.abi.layout import records
from appliance.abi.limits import INSTRUMENTS_MAX, ORDERS_MAX
from appliance.abi.market import MARKET, BookState, Event
from appliance.abi.trading import (
    ORDER_SLOT_BITS,
    REPORT,
    REQUEST,
    Action,
    Report,
    Side,
    TimeInForce,
)
from appliance.hot.paper import (
    REPORTS_PER_REQUEST,
    REQUESTS_PER_POLL,
    RESTING_N,
    make_paper,
    on_market,
    poll_requests,
)
from appliance.hot.ring import claim, make_ring, peek, publish, release, size

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, POST_ONLY = TimeInForce
ACCEPTED, FILL, CANCELED, REJECTED, EXPIRED, CANCEL_REJECTED, _ = Report
Said = tuple[int, int, int, int, int]  # report, slot, price, lots, maker


class Venue:
    """A paper venue with its rings; orders are named by slot, generation 1."""

    def __init__(self, n: int = 2, reports_n: int = 4096) -> None:
        self.paper = make_paper(n)
        self.requests = make_ring(1024, REQUEST)
        self.reports = make_ring(reports_n, REPORT)
        self.record = records(1, MARKET)
        self.touch_id = 0
        self.now_ns = 100

    def put(self, slot: int, action: int = Action.PLACE, **more: int) -> None:
        request = self.requests.slots[claim(self.requests)]
        request.action = action
        request.order_key = more.get("key", more.get("generation", 1) << ORDER_SLOT_BITS | slot)
        request.instrument = more.get("instrument", 0)
        request.side = more.get("side", BUY)
        request.price_ticks = more.get("price", 0)
        request.quantity_lots = more.get("lots", 0)
        request.time_in_force = more.get("tif", GTC)
        publish(self.requests)

    def poll(self) -> int:
        return int(poll_requests(self.paper, self.requests, self.reports, self.now_ns))

    def place(
        self, slot: int, side: int, price: int, lots: int, tif: int = GTC, **more: int
    ) -> list[Said]:
        self.put(slot, side=side, price=price, lots=lots, tif=tif, **more)
        assert self.poll() == 1
        return self.said()

    def cancel(self, slot: int, **more: int) -> list[Said]:
        self.put(slot, Action.CANCEL, **more)
        assert self.poll() == 1
        return self.said()

    def said(self) -> list[Said]:
        found = []
        while (index := peek(self.reports)) >= 0:
            r = self.reports.slots[index]
            assert r.venue_ns == self.now_ns
            slot = int(r.order_key) & ((1 << ORDER_SLOT_BITS) - 1)
            found.append(
                (int(r.report), slot, int(r.price_ticks), int(r.quantity_lots), int(r.maker))
            )
            release(self.reports)
        return found

    def market(self, bid: Any = (0, 0), ask: Any = (0, 0), **more: int) -> list[Said]:
        """A record with a new touch, unless ``same`` says that it is the old one."""
        self.touch_id += not more.get("same", 0)
        record = self.record[0]
        record.instrument = more.get("instrument", 0)
        record.touch_id = self.touch_id
        record.event = Event.TRADE if "trade" in more else Event.DEPTH
        record.trade_ticks = more.get("trade", 0)
        record.book_state = more.get("state", BookState.LIVE)
        record.bid_ticks, record.bid_lots = bid
        record.ask_ticks, record.ask_lots = ask
        waiting_n = size(self.reports)
        work = on_market(self.paper, self.record, 0, self.reports, self.now_ns)
        assert work == size(self.reports) - waiting_n
        return self.said()


@pytest.fixture
def venue() -> Venue:
    made = Venue()
    assert made.market((99, 5), (101, 5)) == []
    return made


def accepted(slot: int) -> Said:
    return (ACCEPTED, slot, 0, 0, 0)


def test_an_order_away_from_the_touch_rests_and_is_canceled(venue: Venue) -> None:
    assert venue.place(3, BUY, 100, 7) == [accepted(3)]
    assert venue.paper.words[RESTING_N] == 1
    assert venue.cancel(3) == [(CANCELED, 3, 0, 0, 0)]
    assert venue.cancel(3) == [(CANCEL_REJECTED, 3, 0, 0, 0)]
    assert venue.paper.words[RESTING_N] == 0


@pytest.mark.parametrize(("side", "price"), [(BUY, 101), (BUY, 150), (SELL, 99), (SELL, 50)])
def test_post_only_never_takes(venue: Venue, side: int, price: int) -> None:
    assert venue.place(0, side, price, 1, POST_ONLY) == [(REJECTED, 0, 0, 0, 0)]
    assert venue.place(0, side, 100, 1, POST_ONLY) == [accepted(0)]


@pytest.mark.parametrize(("side", "limit", "touch"), [(BUY, 105, 101), (SELL, 90, 99)])
def test_a_crossing_order_trades_at_the_touch(
    venue: Venue, side: int, limit: int, touch: int
) -> None:
    assert venue.place(0, side, limit, 5) == [accepted(0), (FILL, 0, touch, 5, 0)]
    assert venue.paper.words[RESTING_N] == 0


def test_only_the_displayed_lots_trade_and_only_once_a_touch(venue: Venue) -> None:
    assert venue.place(0, BUY, 101, 3, IOC) == [accepted(0), (FILL, 0, 101, 3, 0)]
    assert venue.place(1, BUY, 101, 9, IOC) == [
        accepted(1),
        (FILL, 1, 101, 2, 0),
        (EXPIRED, 1, 0, 0, 0),
    ]
    assert venue.market((99, 5), (101, 5), same=1, trade=101) == []
    assert venue.place(2, BUY, 101, 1, IOC) == [accepted(2), (EXPIRED, 2, 0, 0, 0)]
    assert venue.place(3, SELL, 99, 1, IOC) == [accepted(3), (FILL, 3, 99, 1, 0)]
    venue.market((99, 5), (101, 5))
    assert venue.place(4, BUY, 101, 1, IOC) == [accepted(4), (FILL, 4, 101, 1, 0)]


def test_the_rest_of_a_crossing_order_waits_for_the_next_touch(venue: Venue) -> None:
    assert venue.place(0, BUY, 102, 8) == [accepted(0), (FILL, 0, 101, 5, 0)]
    assert venue.market((99, 5), (101, 5), same=1) == []
    assert venue.market((102, 1), (103, 5)) == []
    assert venue.market((99, 5), (102, 1)) == [(FILL, 0, 102, 3, 1)]


def test_an_ioc_that_does_not_cross_expires(venue: Venue) -> None:
    assert venue.place(0, BUY, 100, 1, IOC) == [accepted(0), (EXPIRED, 0, 0, 0, 0)]


@pytest.mark.parametrize(
    "touch", [{"bid": (0, 0), "ask": (0, 0)}, {"bid": (99, 5), "ask": (101, 5), "state": 3}]
)
def test_nothing_trades_without_a_live_touch(venue: Venue, touch: dict[str, Any]) -> None:
    assert venue.market(**touch) == []
    assert venue.place(0, BUY, 500, 1) == [accepted(0)]
    assert venue.place(1, SELL, 1, 1, POST_ONLY) == [accepted(1)]
    assert venue.place(2, SELL, 1, 1, IOC) == [accepted(2), (EXPIRED, 2, 0, 0, 0)]


def test_a_book_of_another_instrument_does_not_matter(venue: Venue) -> None:
    assert venue.place(0, BUY, 500, 1, instrument=1) == [accepted(0)]
    assert venue.market((1, 1), (2, 1)) == []
    assert venue.market((1, 1), (500, 1), instrument=1) == [(FILL, 0, 500, 1, 1)]


def test_the_touch_comes_back_when_the_book_is_live_again(venue: Venue) -> None:
    venue.place(0, BUY, 101, 4, IOC)
    venue.market((99, 5), (101, 5), same=1, state=BookState.STALE)
    assert venue.place(1, BUY, 101, 1, IOC) == [accepted(1), (EXPIRED, 1, 0, 0, 0)]
    venue.market((99, 5), (101, 5), same=1)
    assert venue.place(2, BUY, 101, 4, IOC)[1] == (FILL, 2, 101, 1, 0)


@pytest.mark.parametrize(("side", "at", "through"), [(BUY, 100, 99), (SELL, 100, 101)])
def test_a_trade_fills_beyond_the_price_only(
    venue: Venue, side: int, at: int, through: int
) -> None:
    venue.place(0, side, 100, 4)
    touch = {"bid": (99, 5), "ask": (101, 5), "same": 1}
    assert venue.market(**touch, trade=at) == []
    assert venue.market(**touch, trade=at + side) == []
    assert venue.market(**touch, trade=through) == [(FILL, 0, 100, 4, 1)]
    assert venue.market(**touch, trade=through) == []


@pytest.mark.parametrize("state", [BookState.STALE, BookState.EMPTY])
def test_a_trade_counts_whatever_the_book_is(venue: Venue, state: int) -> None:
    venue.place(0, BUY, 100, 4)
    assert venue.market(trade=99, state=state) == [(FILL, 0, 100, 4, 1)]


@pytest.mark.parametrize(
    ("side", "bid", "ask"),
    [(BUY, 98, 100), (BUY, 90, 95), (SELL, 100, 102), (SELL, 110, 111)],
)
def test_the_opposite_touch_fills_at_the_order_s_price(
    venue: Venue, side: int, bid: int, ask: int
) -> None:
    venue.place(0, side, 100, 400)
    assert venue.market((bid, 1), (ask, 1)) == [(FILL, 0, 100, 400, 1)]


def test_fills_come_by_price_then_arrival_buys_first(venue: Venue) -> None:
    venue.market()
    for slot, (side, price) in enumerate(
        [(BUY, 100), (BUY, 102), (BUY, 101), (BUY, 102), (SELL, 95), (SELL, 94), (SELL, 95)]
    ):
        venue.place(slot, side, price, slot + 1)
    assert [r[1] for r in venue.market((96, 1), (101, 1))] == [1, 3, 2, 5, 4, 6]
    assert [r[1] for r in venue.market((0, 0), (100, 1))] == [0]


def test_a_cancel_out_of_the_middle_keeps_the_order_of_the_rest(venue: Venue) -> None:
    venue.market()
    for slot, price in enumerate([100, 101, 102, 101]):
        venue.place(slot, BUY, price, 1)
    assert venue.cancel(1)[0][0] == CANCELED
    assert venue.cancel(2)[0][0] == CANCELED  # the best
    assert [r[1] for r in venue.market((0, 0), (100, 1))] == [3, 0]


@pytest.mark.parametrize(
    "change",
    [
        {"side": 0},
        {"price": 0},
        {"price": -1},
        {"lots": 0},
        {"instrument": -1},
        {"instrument": 2},
        {"key": -1},
        {"key": 1 << ORDER_SLOT_BITS | ORDERS_MAX},
        {"action": 9},
    ],
)
def test_a_request_that_makes_no_sense_is_rejected(venue: Venue, change: dict[str, int]) -> None:
    venue.put(**{"slot": 0, "side": BUY, "price": 100, "lots": 1, **change})
    venue.poll()
    assert [said[0] for said in venue.said()] == [REJECTED]
    assert venue.paper.words[RESTING_N] == 0


def test_a_slot_in_use_and_a_cancel_of_another_generation(venue: Venue) -> None:
    venue.place(0, BUY, 100, 1)
    assert venue.place(0, BUY, 100, 1, generation=2) == [(REJECTED, 0, 0, 0, 0)]
    assert venue.cancel(0, generation=2) == [(CANCEL_REJECTED, 0, 0, 0, 0)]
    assert venue.cancel(0, key=-1)[0][0] == CANCEL_REJECTED
    assert venue.cancel(0) == [(CANCELED, 0, 0, 0, 0)]


def test_a_record_of_no_instrument_is_ignored(venue: Venue) -> None:
    assert venue.market((1, 1), (2, 1), instrument=2) == []
    assert venue.market((1, 1), (2, 1), instrument=-1) == []


def test_polls_are_bounded(venue: Venue) -> None:
    for slot in range(REQUESTS_PER_POLL + 2):
        venue.put(slot, side=BUY, price=100, lots=1)
    assert [venue.poll() for _ in range(3)] == [REQUESTS_PER_POLL, 2, 0]


def test_a_full_report_ring_makes_requests_wait_and_loses_no_fill() -> None:
    venue = Venue(reports_n=8)
    for slot in range(8):
        venue.put(slot, side=BUY, price=100, lots=1)
    assert venue.poll() == 3  # 3 accepted, 3 fills to come, less than 3 left
    assert size(venue.reports) == 3
    assert venue.poll() == 0
    assert len(venue.said()) == 3
    assert venue.poll() == 2
    assert size(venue.reports) + venue.paper.words[RESTING_N] <= 8 - REPORTS_PER_REQUEST + 2
    assert [r[0] for r in venue.market((0, 0), (99, 1))] == [ACCEPTED] * 2 + [FILL] * 5


def test_every_slot_may_rest() -> None:
    venue = Venue(INSTRUMENTS_MAX)
    for slot in range(ORDERS_MAX):
        venue.put(slot, side=BUY, price=1 + slot % 7, lots=1, instrument=INSTRUMENTS_MAX - 1)
        if slot % REQUESTS_PER_POLL == REQUESTS_PER_POLL - 1:
            venue.poll()
            venue.said()
    assert venue.paper.words[RESTING_N] == ORDERS_MAX
    filled = venue.market((0, 0), (1, 1), instrument=INSTRUMENTS_MAX - 1)
    expected = sorted(range(ORDERS_MAX), key=lambda slot: (-(slot % 7), slot))
    assert [said[1] for said in filled] == expected
    assert venue.paper.words[RESTING_N] == 0


@pytest.mark.parametrize("n", [0, INSTRUMENTS_MAX + 1])
def test_too_many_instruments(n: int) -> None:
    with pytest.raises(ValueError, match="instruments"):
        make_paper(n)
