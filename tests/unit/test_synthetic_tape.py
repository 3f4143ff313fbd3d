"""The tape against the engine it records: ids, differences, trades."""

from random import Random

from appliance.abi.trading import Side
from appliance.cold.synthetic.matching import MatchingEngine
from appliance.cold.synthetic.tape import Aggregate, Counter, Print, Tape

BUY, SELL = int(Side.BUY), int(Side.SELL)


def test_one_id_an_action_and_none_for_nothing() -> None:
    engine = MatchingEngine()
    tape = Tape(engine, Counter(None))
    first = tape.last_id
    assert tape.note(1, 0) == ([], [], None)
    assert tape.last_id == first
    engine.place(BUY, 10, 3)
    prints, aggregates, touch = tape.note(2, 0)
    assert (prints, aggregates) == ([], [])
    assert touch == (2, first + 1, (10, 3), (0, 0))
    engine.place(BUY, 9, 1)
    assert tape.note(3, 0) == ([], [], None)  # behind the touch
    assert tape.last_id == first + 2


def test_trades_are_numbered_and_aggregated_by_price() -> None:
    engine = MatchingEngine()
    tape = Tape(engine, Counter(None))
    for price, lots in ((10, 1), (10, 2), (11, 5)):
        engine.place(SELL, price, lots)
    engine.place(BUY, 11, 4)
    prints, aggregates, _ = tape.note(7, BUY)
    assert prints == [
        Print(7, 1_000_001, 10, 1, False),
        Print(7, 1_000_002, 10, 2, False),
        Print(7, 1_000_003, 11, 1, False),
    ]
    assert aggregates == [
        Aggregate(7, 500_001, 1_000_001, 1_000_002, 10, 3, False),
        Aggregate(7, 500_002, 1_000_003, 1_000_003, 11, 1, False),
    ]


def test_cadences_gather_apart_and_continue_each_other() -> None:
    engine = MatchingEngine()
    tape = Tape(engine, Counter(Random(1)), cadences=2)
    start = tape.last_id
    assert tape.flush(0) is None
    engine.place(BUY, 10, 3)
    tape.note(1, 0)
    one = tape.flush(0)
    engine.place(SELL, 12, 4)
    engine.cancel(1)
    tape.note(2, 0)
    two, both = tape.flush(0), tape.flush(1)
    assert one is not None and two is not None and both is not None
    assert one.ids == (one.ids[1], one.ids[1], start)
    assert two.ids[2] == one.ids[1]
    assert both.ids == (one.ids[0], two.ids[1], start)
    assert (one.bids, one.asks) == ([(10, 3)], [])
    assert (two.bids, two.asks) == ([(10, 0)], [(12, 4)])
    assert (both.bids, both.asks) == ([(10, 0)], [(12, 4)])
