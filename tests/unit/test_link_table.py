"""Rows of the link table over real socket pairs, with ``websockets`` as the venue."""

import asyncio
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from websockets.frames import Frame, Opcode

from appliance.abi.limits import LINKS_MAX
from appliance.abi.link import LinkEnd, LinkRole, LinkState
from appliance.cold.live.link_table import Link, LinkLost, LinkTable
from appliance.cold.live.opening import Opened
from appliance.hot.rings import make_rings
from appliance.hot.wire.links import Links, end_link, make_links
from tests.strategies.live_loop import Venue

SOON_S = 20.0


class Pairs:
    """A table, and the venue's ends of its connections."""

    def __init__(self) -> None:
        self.links: Links = make_links(11, make_rings(1 << 16).to_desk)
        self.table = LinkTable(self.links)
        self.opened: list[Opened] = []
        self.far: list[socket.socket] = []

    def take(self, role: LinkRole = LinkRole.ORDERS, early: bytes = b"") -> tuple[Link, Venue]:
        near, far = socket.socketpair()
        near.setblocking(False)
        self.far.append(far)
        self.opened.append(Opened(near, None, early))
        return self.table.take(role, self.opened[-1]), Venue(far)

    def hear(self, link: Link, timeout_s: float = SOON_S) -> bytes:
        return asyncio.run(self.table.hear(link, timeout_s))

    def adopt(self, link: Link) -> None:
        """What the loop does with an offer."""
        assert self.table.state(link) == LinkState.OFFERED
        self.links.states[link.k] = LinkState.OPEN

    def close(self) -> None:
        for one in self.far:
            one.close()
        for opened in self.opened:
            opened.close()


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    made = Pairs()
    yield made
    made.close()


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return bytes(Frame(opcode, data, fin=fin).serialize(mask=False))


def test_a_link_is_ours_until_it_is_offered(pairs: Pairs) -> None:
    link, _ = pairs.take(LinkRole.BOOKS)
    record = pairs.links.records[link.k]
    assert pairs.table.state(link) == LinkState.FREE
    assert (record.role, record.is_tls) == (LinkRole.BOOKS, 0)
    assert record.socket == pairs.opened[0].socket.fileno()
    link.has_user_data = True
    pairs.table.offer(link)
    assert pairs.table.state(link) == LinkState.OFFERED and record.has_user_data == 1


def test_what_is_said_arrives(pairs: Pairs) -> None:
    link, venue = pairs.take()
    for text in (b"{}", b"x" * 200, b"y" * 40_000):
        pairs.table.say(link, text)
        assert venue.texts() == [text]


def test_what_comes_is_heard_message_by_message(pairs: Pairs) -> None:
    link, venue = pairs.take()
    venue.say(b"first")
    venue.say(b"second, in parts", split=6)
    venue.protocol.send_binary(b"third")
    venue.deliver()
    assert [pairs.hear(link) for _ in range(3)] == [b"first", b"second, in parts", b"third"]


def test_what_came_with_the_handshake_is_heard_first(pairs: Pairs) -> None:
    later = frame(Opcode.TEXT, b"two")
    link, venue = pairs.take(early=frame(Opcode.TEXT, b"one") + later[:3])
    venue.socket.sendall(later[3:] + frame(Opcode.TEXT, b"three"))
    assert [pairs.hear(link) for _ in range(3)] == [b"one", b"two", b"three"]


def test_pings_are_answered_while_a_reply_is_waited_for(pairs: Pairs) -> None:
    pings = frame(Opcode.PING, b"1723161255208") + frame(Opcode.PONG, b"nobody asked")
    link, venue = pairs.take(early=pings + frame(Opcode.TEXT, b"reply"))
    assert pairs.hear(link) == b"reply"
    assert venue.heard() == [(Opcode.PONG, b"1723161255208")]


def test_nothing_came_in_time(pairs: Pairs) -> None:
    link, venue = pairs.take()
    venue.socket.sendall(frame(Opcode.TEXT, b"half of it")[:5])
    with pytest.raises(TimeoutError):
        pairs.hear(link, 0.02)
    venue.socket.sendall(frame(Opcode.TEXT, b"half of it")[5:])
    assert pairs.hear(link) == b"half of it", "and nothing of it was lost"


def test_others_go_on_while_one_waits(pairs: Pairs) -> None:
    link, venue = pairs.take()

    async def both() -> bytes:
        waiting = asyncio.ensure_future(pairs.table.hear(link, SOON_S))
        for _ in range(3):
            await asyncio.sleep(0.005)
            assert not waiting.done()
        venue.say(b"now")
        return await waiting

    assert asyncio.run(both()) == b"now"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "closed"),
        (frame(Opcode.CLOSE, b"\x03\xe8"), "closed"),
        (b"\xc1\x01a", "illegal"),
        (b"\x81\x81\0\0\0\0a", "illegal"),
    ],
)
def test_a_connection_that_ends_before_the_loop_has_it(pairs: Pairs, data: bytes, why: str) -> None:
    link, venue = pairs.take()
    venue.socket.sendall(data)
    venue.socket.close()
    with pytest.raises(LinkLost, match=why):
        pairs.hear(link)
    assert pairs.table.state(link) == LinkState.FREE


def test_nobody_takes_what_is_said(pairs: Pairs) -> None:
    link, venue = pairs.take()
    venue.socket.close()
    with pytest.raises(LinkLost):
        for _ in range(3):
            pairs.table.say(link, b"{}")


def test_no_room_for_what_is_said(pairs: Pairs) -> None:
    link, _ = pairs.take()
    with pytest.raises(LinkLost, match="no more"):
        for _ in range(200):
            pairs.table.say(link, b"x" * 30_000)


def test_every_row_can_be_used_and_no_more(pairs: Pairs) -> None:
    links = [pairs.take()[0] for _ in range(LINKS_MAX)]
    assert sorted(link.k for link in links) == list(range(LINKS_MAX))
    with pytest.raises(RuntimeError, match="no link is free"):
        pairs.take()
    assert pairs.opened[-1].socket.fileno() == -1, "closed, not forgotten"
    pairs.table.free(links[3])
    assert pairs.take()[0].k == 3


def test_a_row_forgets_the_link_before(pairs: Pairs) -> None:
    link, venue = pairs.take(LinkRole.USER)
    venue.say(b"a message that nobody read")
    venue.socket.sendall(frame(Opcode.TEXT, b"and half of one")[:4])
    assert pairs.hear(link) == b"a message that nobody read"
    with pytest.raises(TimeoutError):
        pairs.hear(link, 0.01)
    link.has_user_data = True
    pairs.table.offer(link)
    pairs.adopt(link)
    pairs.table.retire(link)
    assert pairs.links.wishes[link.k] == 1
    end_link(pairs.links, np.int64(link.k), np.int64(LinkEnd.CLOSE_FRAME), np.int64(1001))
    assert pairs.table.state(link) == LinkState.ENDED
    assert pairs.table.end(link) == (LinkEnd.CLOSE_FRAME, 1001)
    pairs.table.free(link)
    again, other = pairs.take(LinkRole.BOOKS, frame(Opcode.TEXT, b"new"))
    assert again.k == link.k and pairs.links.wishes[again.k] == 0
    record = pairs.links.records[again.k]
    assert (record.end, record.detail, record.has_user_data, record.received_bytes) == (0, 0, 0, 0)
    assert pairs.hear(again) == b"new"
    pairs.table.say(again, b"said anew")
    assert other.texts() == [b"said anew"]


def test_free_closes_and_may_be_called_again(pairs: Pairs) -> None:
    link, venue = pairs.take()
    other, _ = pairs.take(LinkRole.BOOKS)
    pairs.table.free(link)
    assert pairs.opened[0].socket.fileno() == -1 and venue.socket.recv(1) == b""
    third, _ = pairs.take(LinkRole.USER)
    assert third.k == link.k
    pairs.table.free(third)
    pairs.table.free(third)
    assert pairs.table.of_role(LinkRole.BOOKS) == [other]


def test_links_by_role_and_an_end_of_all(pairs: Pairs) -> None:
    links = [pairs.take(role)[0] for role in (LinkRole.BOOKS, LinkRole.ORDERS, LinkRole.BOOKS)]
    assert pairs.table.of_role(LinkRole.BOOKS) == [links[0], links[2]]
    assert pairs.table.of_role(LinkRole.USER) == []
    pairs.table.free_all()
    assert pairs.table.of_role(LinkRole.BOOKS) == []
    assert all(opened.socket.fileno() == -1 for opened in pairs.opened)
    assert not pairs.links.states.any()


@pytest.mark.parametrize("role", list(LinkRole))
def test_a_ping_is_a_sign_of_life_where_no_market_data_are_due(pairs: Pairs, role) -> None:
    link, _ = pairs.take(role)
    assert pairs.table.heard_n(link) == 0
    pairs.links.records[link.k].received_bytes += 6
    assert (pairs.table.heard_n(link) > 0) == (role >= LinkRole.ORDERS)
    pairs.links.records[link.k].received_bytes += 100
    pairs.links.records[link.k].messages_n += 1
    assert pairs.table.heard_n(link) > 0
