"""A recorded market with clients in it: who is filled by what, and what the book shows.

The source under test is appliance.cold.venue.recording_source.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.cold.venue.instrument import NEVER_NS
from tests.venue.tale import FAR, Played, Tale

BUY, SELL = int(Side.BUY), int(Side.SELL)
BOTH = pytest.mark.parametrize("market", [Market.SPOT, Market.USDM])


@BOTH
def test_the_book_is_the_recorded_one_at_the_recorded_time(tmp_path: Path, market: Market) -> None:
    tale = Tale(market).begin({100: 5, 99: 7}, {101: 4})
    tale.change(50, {100: 0}, {102: 9}).change(80, {98: 3})
    played = Played(tale, tmp_path)
    assert (played.bids, played.asks) == (FAR | {100: 5, 99: 7}, {101: 4})
    assert played.until(49.9).bids == FAR | {100: 5, 99: 7}
    assert (played.until(50).bids, played.asks) == (FAR | {99: 7}, {101: 4, 102: 9})
    assert played.until(80).bids == FAR | {99: 7, 98: 3}
    assert played.prints == []


@BOTH
def test_trades_are_printed_as_they_were_recorded(tmp_path: Path, market: Market) -> None:
    tale = Tale(market).begin({100: 5}, {101: 4})
    tale.trade(10, BUY, 101, 3).trade(11, SELL, 100, 9).trade(12, BUY, 103, 2)
    tale.change(20, {100: 0}, {101: 0, 103: 8})
    played = Played(tale, tmp_path).until(12)
    assert played.prints == [(BUY, 101, 3), (SELL, 100, 9), (BUY, 103, 2)]
    assert (played.bids, played.asks) == (FAR, {})
    assert played.until(20).asks == {103: 8}


def test_trades_of_other_kinds_are_not_the_markets(tmp_path: Path) -> None:
    tale = Tale(Market.USDM).begin({100: 5}, {101: 4})
    tale.trade(10, SELL, 100, 3, kind="INSURANCE_FUND").change(20)
    played = Played(tale, tmp_path).until(20)
    assert (played.prints, played.bids) == ([], FAR | {100: 5})


@BOTH
def test_a_client_waits_for_what_was_there_before(tmp_path: Path, market: Market) -> None:
    tale = Tale(market).begin({100: 5}, {101: 4})
    for at_ms in (10, 20, 30):
        tale.trade(at_ms, SELL, 100, 3)
    played = Played(tale, tmp_path)
    order = played.place(BUY, 100, 2)
    assert played.bids[100] == 7
    assert played.until(10).bids[100] == 4 and order.filled_lots == 0
    assert played.until(20).bids[100] == 1 and order.filled_lots == 1
    played.until(30)
    assert order.status == "FILLED"
    assert sum(lots for _, _, lots in played.prints) == 9, "the recorded volume, no more"


def test_what_no_trade_explains_leaves_from_behind(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4})
    tale.change(10, {100: 9}).change(20, {100: 6}).change(30, {100: 2}).trade(40, SELL, 100, 3)
    played = Played(tale, tmp_path)
    order = played.place(BUY, 100, 4)
    assert played.until(10).bids[100] == 13  # 5 before the client, 4 behind
    assert played.until(20).bids[100] == 10  # 5 before, 1 behind
    assert played.until(30).bids[100] == 6  # 2 before
    played.until(40)
    assert order.filled_lots == 1


@BOTH
def test_a_trade_through_the_price_fills(tmp_path: Path, market: Market) -> None:
    tale = Tale(market).begin({100: 5, 99: 9}, {101: 4}).trade(10, SELL, 99, 6)
    played = Played(tale, tmp_path)
    order = played.place(BUY, 100, 4)
    played.until(10)
    assert (order.status, [t.price_ticks for t in order.trades]) == ("FILLED", [100])
    assert played.prints == [(SELL, 100, 4), (SELL, 99, 2)]


def test_a_recorded_quote_through_the_price_fills(tmp_path: Path) -> None:
    """The seller at 100 would have met the client's bid inside the spread."""
    tale = Tale(Market.SPOT).begin({98: 5}, {103: 4}).change(10, {}, {103: 0, 100: 3, 101: 7})
    played = Played(tale, tmp_path)
    order = played.place(BUY, 100, 4)
    played.until(10)
    assert (order.filled_lots, played.prints) == (3, [(SELL, 100, 3)])
    assert (played.bids, played.asks) == (FAR | {98: 5, 100: 1}, {101: 7})


def test_two_sides_meet_clients_in_one_difference(tmp_path: Path) -> None:
    """Recorded bids that meet a client's offer, then recorded offers that meet a client's bid."""
    tale = Tale(Market.SPOT).begin({97: 5}, {104: 4}).change(10, {102: 2}, {104: 0, 103: 6})
    tale.change(20, {102: 0}, {99: 8})
    played = Played(tale, tmp_path)
    sold, bought = played.place(SELL, 102, 1), played.place(BUY, 99, 3)
    played.until(10)
    assert (sold.status, bought.status) == ("FILLED", "NEW")
    played.until(20)
    assert bought.status == "FILLED"
    assert played.prints == [(BUY, 102, 1), (SELL, 99, 3)]
    assert (played.bids, played.asks) == (FAR | {97: 5}, {99: 5, 103: 6})


def test_a_marketable_order_takes_what_was_recorded(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4, 102: 6})
    tale.change(10, {99: 1}).change(20, {}, {101: 3})
    played = Played(tale, tmp_path)
    order = played.place(BUY, 102, 7, time_in_force="IOC")
    assert [(t.price_ticks, t.lots) for t in order.trades] == [(101, 4), (102, 3)]
    assert played.asks == {102: 3}
    assert played.until(10).asks == {102: 3}, "taken until the recorded size there changes"
    assert played.until(20).asks == {101: 3, 102: 3}


def test_a_trade_that_the_book_does_not_know_yet(tmp_path: Path) -> None:
    """What stands in its way is out of date; if it is still recorded, it comes back."""
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4}).trade(10, SELL, 103, 2).change(20)
    played = Played(tale, tmp_path).until(10)
    assert (played.prints, played.asks, played.bids) == ([(SELL, 103, 2)], {}, FAR | {100: 5})
    assert played.until(20).asks == {101: 4}


def test_exchange_time_counts_not_the_order_of_receipt(tmp_path: Path) -> None:
    """A difference that overtook the trade in it: the trade still takes from the front."""
    tale = Tale(Market.USDM).begin({100: 5}, {101: 4})
    tale.change(10, {100: 2}).trade(10, SELL, 100, 3).trade(20, SELL, 100, 3)
    played = Played(tale, tmp_path)
    order = played.place(BUY, 100, 4)
    assert played.until(10).bids[100] == 6
    played.until(20)
    assert order.filled_lots == 1


@given(
    mine=st.integers(1, 30),
    steps=st.lists(
        st.tuples(st.sampled_from(["size", "trade", "through", "else"]), st.integers(1, 20)),
        max_size=25,
    ),
)
def test_the_queue_as_three_numbers(
    tmp_path_factory: pytest.TempPathFactory, mine: int, steps: list[tuple[str, int]]
) -> None:
    """Any course of events, against a model that knows nothing but before, mine and behind."""
    tale = Tale(Market.SPOT).begin({100: 10}, {101: 4})
    before, left, behind, recorded = 10, mine, 0, 10
    wanted = []
    for at_ms, (what, lots) in enumerate(steps, 1):
        if what in ("size", "else"):
            if what == "size":
                recorded = lots
                tale.change(at_ms, {100: lots})
            else:
                tale.change(at_ms, {50: lots})
            surplus = before + behind - recorded
            behind -= (cut := max(-(2**60), min(behind, surplus)))
            before -= max(0, surplus - cut)
        elif what == "trade":
            tale.trade(at_ms, SELL, 100, lots)
            behind += max(0, lots - before - left - behind)
            lots -= (eaten := min(lots, before))
            before -= eaten
            lots -= (eaten := min(lots, left))
            left -= eaten
            behind -= lots
        else:
            tale.trade(at_ms, SELL, 99, lots)
            before = behind = 0
            left -= min(left, lots)
        wanted.append((left, before + left + behind))
    played = Played(tale, tmp_path_factory.mktemp("tale"))
    order = played.place(BUY, 100, mine)
    seen = []
    for at_ms in range(1, len(steps) + 1):
        played.until(at_ms)
        seen.append((order.open_lots, played.bids.get(100, 0)))
    assert seen == wanted


def test_speed_and_repeat(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4}).change(1000, {100: 2}, {104: 1})
    played = Played(tale, tmp_path, speed=4, repeats=True)
    order = played.place(BUY, 90, 1)
    assert played.until(249).bids[100] == 5
    assert played.until(250).bids[100] == 2
    assert played.until(499).asks == {101: 4, 104: 1}
    again = played.until(500)  # a second of recorded time between two rounds
    assert (again.bids, again.asks) == (FAR | {100: 5, 90: 1}, {101: 4})
    assert order.status == "NEW" and not played.floor.has_ended


def test_the_end(tmp_path: Path) -> None:
    played = Played(Tale(Market.SPOT).begin({100: 5}, {101: 4}).change(10), tmp_path)
    assert not played.floor.has_ended
    played.until(10)
    assert played.floor.has_ended and played.instrument.source.next_ns == NEVER_NS
    assert played.bids == FAR | {100: 5}, "the book stays"


def test_after_a_sleep_it_goes_on_where_it_was(tmp_path: Path) -> None:
    tale = Tale(Market.SPOT).begin({100: 5}, {101: 4}).change(10, {100: 1}).change(20, {100: 2})
    tale.change(30, {100: 3})
    played = Played(tale, tmp_path)
    hour_ms = 3_600_000
    played.until(hour_ms)
    assert played.bids[100] == 2, "found late, and from then on in step"
    assert played.until(hour_ms + 9).bids[100] == 2
    assert played.until(hour_ms + 10).bids[100] == 3
