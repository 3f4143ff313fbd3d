"""What the loop captures (appliance.hot.sockets, appliance.hot.capture): all that a venue
says of the market, byte by byte, and each with a stamp of its own."""

from itertools import pairwise

import numpy as np
import pytest

from appliance.abi.capture_reader import CaptureReader
from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.link import LinkRole
from appliance.abi.market import FrameSource
from appliance.hot.capture import Capture, capture_in, capture_ring_bytes
from appliance.hot.frame_ring import push
from tests.strategies.live_loop import Live, hear, session

pytestmark = pytest.mark.hot
CAPACITY = 1 << 22


@pytest.fixture
def live(tmp_path):
    made = Live()
    path = tmp_path / "ring"
    path.write_bytes(bytes(capture_ring_bytes(CAPACITY)))
    made.links = made.links._replace(capture=mapped(path))
    made.reader = CaptureReader(path)
    yield made
    made.close()


def mapped(path) -> Capture:
    return capture_in(np.memmap(path, np.uint8, "r+"), CAPACITY, 5)


def test_the_market_as_it_came(live: Live) -> None:
    _, venue = live.offer(LinkRole.BOOKS)
    _, orders = live.offer(LinkRole.ORDERS, user_data=True)
    lines = session()
    hear(live, venue, lines)
    orders.say(b'{"status": 200, "id": "none"}')
    for strange in (b'{"stream":"other@trade","data":{"e":"trade","s":"OTHER"}}', b"no JSON", b""):
        venue.say(strange)
    live.turn(200)
    taken = live.reader.poll()
    assert taken.missed_n == 0
    market = taken.frames[: len(lines)]
    assert [one.frame for one in market] == [line.frame for line in lines]
    assert [one.source == FrameSource.REST for one in market] == [line.is_rest for line in lines]
    assert {one.instrument for one in market} == {0}
    assert [one.frame for one in taken.frames[len(lines) :]][1:] == [b"no JSON", b""]
    assert {one.instrument for one in taken.frames[len(lines) :]} == {-1}


def test_a_burst_keeps_its_order(live: Live) -> None:
    """Messages that came with one receive have stamps of their own."""
    _, venue = live.offer(LinkRole.BOOKS)
    frame = session()[0].frame
    for _ in range(200):
        venue.protocol.send_text(frame)
    venue.deliver()
    live.turn(400)
    stamps = [one.receive_ns for one in live.reader.poll().frames]
    assert len(stamps) == 200
    assert all(later > earlier for earlier, later in pairwise(stamps))


def test_what_the_clerk_wrote_is_not_of_the_venue(live: Live) -> None:
    data = np.frombuffer(b'{"u":1}' + bytes(FRAME_HEADER_BYTES), np.uint8)
    for source in (FrameSource.CLERK, FrameSource.REST):
        push(live.core.from_clerk, data, 0, 7, 10**9, 0, int(source), 0)
    live.turn()
    assert [one.source for one in live.reader.poll().frames] == [FrameSource.REST]
