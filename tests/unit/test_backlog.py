"""What the strategy is shown, and what not, while the loop is behind."""

import json

import numpy as np
import pytest

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.link import Lag, LinkRole
from appliance.abi.market import BookState, Event
from appliance.hot import backlog
from appliance.hot.jit import hot
from tests.strategies.live_loop import Live, hear, session

FOREVER_NS = 1 << 60
NS = (1, 0)  # a cycle is one


@pytest.fixture
def live():
    made = Live(paper=True)
    yield made
    made.close()


def ticker(n: int) -> bytes:
    data = {"u": n, "s": "BTCUSDT", "b": "60000.00", "B": "1.00000", "a": "60000.01"}
    data["A"] = f"{n}.00000"
    return json.dumps({"stream": "btcusdt@bookTicker", "data": data}).encode()


def trade(n: int) -> bytes:
    data = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": n, "p": "60000.00", "q": "1.00000"}
    data |= {"T": 1, "m": False, "M": True}
    return json.dumps({"stream": "btcusdt@trade", "data": data}).encode()


def depth(first: int, last: int) -> bytes:
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": [], "a": []}
    return json.dumps({"stream": "btcusdt@depth", "data": data}).encode()


def burst(live: Live, venue, messages: list[bytes]) -> None:
    """All of them in one receive."""
    for message in messages:
        venue.protocol.send_text(message)
    venue.deliver()
    live.turn(2 * len(messages) + 8)


def shown(live: Live) -> int:
    return live.count(Counter.STRATEGY_CALLS)


def test_a_loop_that_keeps_up_shows_everything(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = FOREVER_NS
    burst(live, venue, [ticker(n) for n in range(1, 20)])
    assert shown(live) == 19 and live.count(Counter.CONFLATED) == 0


def test_one_that_is_behind_shows_the_freshest(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = 0
    burst(live, venue, [ticker(n) for n in range(1, 20)])
    assert shown(live) == 1 and live.count(Counter.CONFLATED) == 18
    assert live.count(Counter.FRAMES) == 19  # every one was read
    assert live.core.seen[0].ask_lots == 19 * 100_000
    assert live.core.control[c.UNSHOWN_N] == 0 and not live.core.unshown.any()


def test_however_long_it_lasts_the_strategy_has_its_turn(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = 0
    messages = [ticker(n) for n in range(1, 1001)]
    burst(live, venue, messages)
    assert shown(live) + live.count(Counter.CONFLATED) == 1000
    assert 1000 // (backlog.UNSHOWN_MAX + 1) <= shown(live) <= 1000 // backlog.UNSHOWN_MAX + 1


def test_a_message_with_nothing_behind_it_is_shown_however_late(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = 0
    for n in range(1, 6):
        burst(live, venue, [ticker(n)])
    assert shown(live) == 5 and live.count(Counter.CONFLATED) == 0


def test_what_was_held_back_is_shown_when_only_a_ping_follows(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = 0
    venue.protocol.send_text(ticker(1))
    venue.protocol.send_ping(b"x")
    venue.deliver()
    live.turn()
    assert live.count(Counter.CONFLATED) == 1 and shown(live) == 1
    assert live.core.seen[0].ask_lots == 100_000


def test_the_gate_knows_the_market_that_the_strategy_did_not_see(live: Live) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = 0
    for n in (1, 2):
        venue.protocol.send_text(ticker(n))
    venue.deliver()
    while live.links.records[k].messages_n < 1:
        live.turn(1)
    assert live.core.unshown[0] == 1 and shown(live) == 0
    assert live.core.gate.references[0].ask_ticks == 6_000_001
    assert live.core.gate.references[0].touch_ns == live.links.records[k].received_ns


def test_trades_are_shown_until_the_loop_is_far_behind(live: Live) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.CYCLES_MULT], live.core.control[c.CYCLES_SHIFT] = NS
    live.core.control[c.BEHIND_NS] = FOREVER_NS >> 8  # and ten times that is beyond reach
    for n in range(1, 6):
        venue.protocol.send_text(trade(n))
    venue.deliver()
    while live.links.records[k].messages_n < 1:
        live.turn(1)
    live.links.records[k].received_cycles -= FOREVER_NS >> 7
    live.turn()
    assert shown(live) == 5 and live.count(Counter.TRADES_SHED) == 0
    live.core.control[c.BEHIND_NS] = 0
    live.core.control[c.CYCLES_MULT] = 0
    burst(live, venue, [ticker(1), *(trade(n) for n in range(6, 11)), ticker(2), trade(11)])
    assert live.count(Counter.TRADES_SHED) == 5 and live.count(Counter.CONFLATED) == 2
    assert live.core.seen[0].event == Event.TRADE  # the last one: nothing waited behind it
    assert shown(live) == 6 and live.core.seen[0].ask_lots == 200_000


def test_a_trade_shows_the_book_as_well(live: Live) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.BEHIND_NS] = FOREVER_NS
    live.core.unshown[0] = 1
    burst(live, venue, [trade(1)])
    assert not live.core.unshown.any() and live.links.records[k].messages_n == 1


def test_a_book_that_is_no_longer_one_is_told_at_once(live: Live) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    lines = session(1.0)
    hear(live, venue, lines)
    head = live.core.books.heads[0]
    assert head.state == BookState.LIVE
    live.core.control[c.BEHIND_NS] = 0
    before, seen_n = shown(live), live.links.records[k].messages_n
    gap = int(head.last_id) + 1000
    for message in (depth(gap, gap + 1), *(ticker(gap + n) for n in range(9))):
        venue.protocol.send_text(message)
    venue.deliver()
    while live.links.records[k].messages_n == seen_n:
        live.turn(1)
    assert shown(live) == before + 1 and live.core.seen[0].book_state != BookState.LIVE


@hot
def lag(core, links, k, now_cycles):
    return backlog.lag_of(core, links, k, now_cycles)


@pytest.mark.parametrize(
    ("waited_ns", "has_more", "unshown_n", "expected"),
    [
        (99, 0, 0, Lag.NONE),
        (100, 0, 0, Lag.BEHIND),
        (999, 0, 0, Lag.BEHIND),
        (1000, 0, 0, Lag.FAR_BEHIND),
        (0, 1, 0, Lag.FAR_BEHIND),
        (1000, 1, backlog.UNSHOWN_MAX - 1, Lag.FAR_BEHIND),
        (1000, 1, backlog.UNSHOWN_MAX, Lag.NONE),
    ],
)
def test_lag(live: Live, waited_ns: int, has_more: int, unshown_n: int, expected: Lag) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    live.core.control[c.CYCLES_MULT], live.core.control[c.CYCLES_SHIFT] = NS
    live.core.control[c.BEHIND_NS] = 100
    for n in (1, 2):
        venue.protocol.send_text(ticker(n))
    venue.deliver()
    while live.links.records[k].messages_n < 1:
        live.turn(1)
    record = live.links.records[k]
    record.received_cycles, record.has_more = 5000, has_more
    live.core.control[c.UNSHOWN_N] = unshown_n
    assert lag(live.core, live.links, np.int64(k), np.int64(5000 + waited_ns)) == expected
    live.turn()  # the second one: nothing waits behind it
    record.received_cycles = 5000
    live.core.control[c.UNSHOWN_N] = unshown_n
    assert lag(live.core, live.links, np.int64(k), np.int64(1 << 40)) == Lag.NONE


def test_a_link_knows_nothing_of_the_one_that_had_its_row_before(live: Live) -> None:
    k, _ = live.offer(LinkRole.BOOKS, opened=False)
    live.links.records[k].has_more, live.links.records[k].received_cycles = 1, -1
    live.turn()
    assert live.links.records[k].has_more == 0 and live.links.records[k].received_cycles > 0


def test_a_receive_that_leaves_something_says_so(live: Live) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    assert live.links.records[k].has_more == 0
    messages = [ticker(n) for n in range(1, 701)]  # more than 64 KiB
    burst(live, venue, messages)
    assert live.count(Counter.RECEIVES_FULL) >= 1 and live.links.records[k].has_more == 0
    assert live.core.seen[0].ask_lots == 700 * 100_000
