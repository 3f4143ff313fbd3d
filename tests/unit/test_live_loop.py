"""The loop over sockets, pass by pass: real socket pairs, with ``websockets`` as the venue."""

import errno

import pytest
from websockets.frames import Opcode

from appliance.abi.counters import Counter
from appliance.abi.limits import FRAME_BYTES_MAX
from appliance.abi.link import LinkEnd, LinkRole, LinkState
from appliance.abi.market import BookReason, BookState, FrameSource
from appliance.abi.trading import OrderState
from appliance.hot import sockets
from appliance.hot.wire.links import ENDED_ROLES, NONE, ORDER_LINK
from appliance.hot.wire.websocket_reader import (
    MASKED,
    MESSAGE_TOO_LONG,
    RESERVED_BITS,
)
from tests.strategies.live_loop import Live, hear, session


@pytest.fixture
def live():
    made = Live()
    yield made
    made.close()


@pytest.mark.parametrize(
    "roles",
    [
        [LinkRole.BOOKS, LinkRole.ORDERS],
        [LinkRole.BOOKS, LinkRole.TRADES, LinkRole.ORDERS, LinkRole.USER],
        [LinkRole.BOOKS, LinkRole.TRADES, LinkRole.ORDERS, LinkRole.USER] * 2,  # with successors
        [LinkRole.ORDERS, LinkRole.BOOKS, LinkRole.BOOKS],
    ],
)
def test_every_link_has_its_turn(live: Live, roles: list[LinkRole]) -> None:
    links = [live.offer(role, opened=False) for role in roles]
    live.turn(sockets.OTHERS_EVERY * len(links))
    assert [live.links.states[k] for k, _ in links] == [LinkState.OPEN] * len(links)
    for _, venue in links:
        venue.say(b'{"what": "no market data"}')
    live.turn(sockets.STREAK_MAX * len(links))
    assert [live.links.records[k].messages_n for k, _ in links] == [1] * len(links)


@pytest.mark.parametrize("split", [0, 5])
def test_the_book_is_the_one_that_the_rings_make(live: Live, split: int) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    hear(live, venue, session(), split)
    live.turn()
    head = live.core.books.heads[0]
    assert head.state == BookState.LIVE and head.gaps_n == 0
    assert live.count(Counter.PARITY_COMPARED) > 0
    assert live.count(Counter.PARITY_MISMATCHED) == 0


def test_a_lost_link_takes_its_books_at_once_but_not_while_another_feeds_them(live: Live) -> None:
    first, venue = live.offer(LinkRole.BOOKS)
    hear(live, venue, session())
    second, _ = live.offer(LinkRole.BOOKS)
    head = live.core.books.heads[0]
    venue.socket.close()
    live.turn()
    assert live.links.states[first] == LinkState.ENDED
    assert live.links.records[first].end == LinkEnd.CLOSED
    assert head.state == BookState.LIVE
    live.links.wishes[second] = 1
    live.turn()
    assert live.links.records[second].end == LinkEnd.RETIRED
    assert (head.state, head.reason) == (BookState.STALE, BookReason.RESET)
    assert live.core.latest[0].book_state == BookState.STALE
    assert live.core.gate.references[0].book_state == BookState.STALE


def test_pings_are_answered_with_their_payload_amid_a_fragmented_message(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    frame = session()[0].frame
    venue.protocol.send_text(frame[:9], fin=False)
    venue.protocol.send_ping(b"1723161255208")
    venue.deliver()
    live.turn()
    assert venue.heard() == [(Opcode.PONG, b"1723161255208")]
    venue.protocol.send_continuation(frame[9:], fin=True)
    venue.deliver()
    live.turn()
    assert live.count(Counter.FRAMES) == 1


@pytest.mark.parametrize(
    ("data", "detail", "code"),
    [
        (b"\x81\x81\0\0\0\0a", MASKED, 1002),
        (b"\xc1\x01a", RESERVED_BITS, 1002),
        (b"\x81\x7f" + (FRAME_BYTES_MAX + 1).to_bytes(8, "big"), MESSAGE_TOO_LONG, 1009),
    ],
)
def test_an_illegal_frame_ends_the_link_with_a_close_code(live, data, detail, code) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    venue.socket.sendall(data)
    live.turn()
    record = live.links.records[k]
    assert (record.end, record.detail) == (LinkEnd.PROTOCOL, detail)
    assert venue.heard() == [(Opcode.CLOSE, code.to_bytes(2, "big"))]


def test_a_close_frame_is_answered_and_its_code_is_kept(live: Live) -> None:
    k, venue = live.offer(LinkRole.BOOKS)
    venue.protocol.send_close(1001, "going away")
    venue.deliver()
    live.turn()
    record = live.links.records[k]
    assert (record.end, record.detail) == (LinkEnd.CLOSE_FRAME, 1001)
    assert venue.heard() == [(Opcode.CLOSE, (1001).to_bytes(2, "big"))]


def test_what_is_not_market_data_goes_to_the_cold_side(live: Live) -> None:
    _, orders = live.offer(LinkRole.ORDERS, user_data=True)
    _, books = live.offer(LinkRole.BOOKS)
    orders.say(b'{"id":1}')
    books.say(b'{"e":"serverShutdown","E":1723161255208}')
    live.turn()
    assert sorted(live.desk()) == [
        (FrameSource.LINK + LinkRole.BOOKS, b'{"e":"serverShutdown","E":1723161255208}'),
        (FrameSource.LINK + LinkRole.ORDERS, b'{"id":1}'),
    ]


def test_user_data_that_nobody_takes_ends_the_link(live: Live) -> None:
    k, orders = live.offer(LinkRole.ORDERS, user_data=True)
    message = b'{"event":"' + b"x" * 200_000 + b'"}'
    for _ in range(40):
        orders.say(message)
        live.turn(8)
        if live.links.states[k] == LinkState.ENDED:
            break
    assert live.links.records[k].end == LinkEnd.DESK_FULL
    assert len(live.desk()) < 40


def test_paper_needs_no_order_link_and_sends_nothing() -> None:
    live = Live(paper=True)
    try:
        _, venue = live.offer(LinkRole.BOOKS)
        hear(live, venue, session())
        assert live.core.gate.account[0].link_blocks == 0
        slot = live.place()
        live.turn()
        assert live.state(slot) == OrderState.OPEN  # the paper venue has accepted it
        assert venue.texts() == []
    finally:
        live.close()


def test_a_socket_that_fails_tells_its_errno(live: Live) -> None:
    k, _ = live.offer(LinkRole.BOOKS, opened=False)
    live.links.records[k].socket = 999_999
    live.turn()
    record = live.links.records[k]
    assert (record.end, record.detail) == (LinkEnd.SOCKET, errno.EBADF)
    assert live.links.words[ENDED_ROLES] == 0 and live.links.words[ORDER_LINK] == NONE


def test_a_busy_link_does_not_starve_another(live: Live) -> None:
    _, books = live.offer(LinkRole.BOOKS)
    _, orders = live.offer(LinkRole.ORDERS, user_data=True)
    (ticker,) = [line.frame for line in session() if b"@bookTicker" in line.frame][:1]
    for _ in range(4 * sockets.STREAK_MAX):
        books.protocol.send_text(ticker)
    books.deliver()
    orders.say(b'{"id":2}')
    live.turn(2 * sockets.OTHERS_EVERY)
    assert len(live.desk()) == 1
    assert live.count(Counter.FRAMES) < 4 * sockets.STREAK_MAX
