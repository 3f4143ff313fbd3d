"""The moves of the recorded crowd in the matching engine, one by one, among clients' orders."""

import pytest

from appliance.abi.trading import Side
from appliance.cold.synthetic.matching import CROWD, Fill
from appliance.cold.venue.recorded_crowd import RecordedCrowd

BUY, SELL = int(Side.BUY), int(Side.SELL)
CLIENT = 1


def queue(engine: RecordedCrowd, side: int, ticks: int) -> list[tuple[int, int]]:
    """(owner, lots) from the front."""
    half = engine.half(side)
    level = half.levels.get(ticks * half.sign)
    return [(o.owner, o.lots) for o in level.queue.values()] if level else []


def test_growing_joins_the_end_of_the_queue() -> None:
    engine = RecordedCrowd()
    engine.grow(BUY, 100, 5)
    engine.grow(BUY, 100, 2)
    assert queue(engine, BUY, 100) == [(CROWD, 7)], "one order: it trades as one"
    engine.place(BUY, 100, 3, owner=CLIENT)
    engine.grow(BUY, 100, 4)
    engine.grow(BUY, 100, 1)
    assert queue(engine, BUY, 100) == [(CROWD, 7), (CLIENT, 3), (CROWD, 5)]
    assert engine.crowd_lots(BUY, 100) == 12
    assert engine.bids.best() == (100, 15)


def test_shrinking_begins_at_the_end() -> None:
    engine = RecordedCrowd()
    engine.grow(SELL, 100, 5)
    engine.place(SELL, 100, 3, owner=CLIENT)
    engine.grow(SELL, 100, 4)
    engine.shrink(SELL, 100, 9)
    assert queue(engine, SELL, 100) == [(CROWD, 5), (CLIENT, 3), (CROWD, 4)]
    engine.shrink(SELL, 100, 6)
    assert queue(engine, SELL, 100) == [(CROWD, 5), (CLIENT, 3), (CROWD, 1)]
    engine.shrink(SELL, 100, 2)
    assert queue(engine, SELL, 100) == [(CROWD, 2), (CLIENT, 3)]
    engine.shrink(SELL, 100, 0)
    assert queue(engine, SELL, 100) == [(CLIENT, 3)]
    engine.shrink(SELL, 101, 0)
    assert engine.asks.depth(9) == [(100, 3)]


def test_growing_into_a_client_trades() -> None:
    engine = RecordedCrowd()
    mine = engine.place(BUY, 100, 3, owner=CLIENT)
    engine.grow(BUY, 99, 6)
    engine.grow(SELL, 98, 5)
    assert engine.fills == [Fill(mine, 100, 3)]
    assert (queue(engine, SELL, 98), queue(engine, BUY, 99)) == ([(CROWD, 2)], [])
    assert engine.astray == {(BUY, 99)}, "the crowd's bid was in the way, and may come back"


def test_a_trade_makes_its_way() -> None:
    engine = RecordedCrowd()
    for ticks in (100, 101, 102):
        engine.grow(SELL, ticks, 5)
    engine.grow(BUY, 99, 4)
    engine.place(SELL, 101, 2, owner=CLIENT)
    assert engine.missing(BUY, 102, 9) == 2, "5 at the price, 2 of the client"
    assert engine.asks.depth(9) == [(101, 2), (102, 5)]
    assert engine.bids.depth(9) == [(99, 4)]
    assert engine.astray == {(SELL, 100), (SELL, 101), (SELL, 102)}, "the last by the trade"
    assert engine.missing(BUY, 99, 2) == 2
    assert engine.bids.depth(9) == [], "who buys at 99 does not meet a bid there"


def test_only_the_last_of_a_queue_can_grow_in_place() -> None:
    engine = RecordedCrowd()
    first = engine.place(BUY, 100, 5)
    last = engine.place(BUY, 100, 1, owner=CLIENT)
    engine.enlarge(last, 3)
    assert queue(engine, BUY, 100) == [(CROWD, 5), (CLIENT, 4)]
    for number, lots in ((first, 1), (last, 0)):
        with pytest.raises(ValueError, match="cannot grow"):
            engine.enlarge(number, lots)
    assert engine.bids.best() == (100, 9)
