"""Ten times the worst burst that was recorded, over TCP: nothing is lost and nobody disconnects."""

import json
import socket
import threading
import time

import pytest

from appliance.abi.book import ASKS, BIDS
from appliance.abi.counters import Counter
from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import BookState
from appliance.cold.synthetic import generate
from tests.strategies.books import held
from tests.strategies.live_loop import Live, Venue, hear, turn

BURST_FRAMES = 5_930  # the recorded 593 in 100 ms, times ten
BURST_S = 0.1
PIECES = 100
PATIENCE_S = 60.0

pytestmark = pytest.mark.compiled  # uncompiled it would take minutes

Sides = dict[str, dict[int, int]]


def e8(text: str) -> int:
    units, _, decimals = text.partition(".")
    return int(units + decimals.ljust(8, "0"))


def plain_book(frames: list[bytes]) -> tuple[int, Sides]:
    """Two dicts: a snapshot, and every difference after it. (last id, levels by side)"""
    bodies = [json.loads(frame) for frame in frames]
    bodies = [body.get("data", body) for body in bodies]
    (snapshot,) = (body for body in bodies if "lastUpdateId" in body)
    last_id = snapshot["lastUpdateId"]
    sides = {
        ours: {e8(price): e8(quantity) for price, quantity in snapshot[theirs]}
        for ours, theirs in (("b", "bids"), ("a", "asks"))
    }
    for body in bodies:
        if body.get("e") == "depthUpdate" and body["u"] > last_id:
            last_id = body["u"]
            for ours, levels in sides.items():
                levels.update({e8(price): e8(quantity) for price, quantity in body[ours]})
    return last_id, {o: {p: q for p, q in levels.items() if q} for o, levels in sides.items()}


@pytest.fixture
def live():
    made = Live(paper=True)
    yield made
    made.close()


def tcp_link(live: Live) -> tuple[int, Venue]:
    k = 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    near.setblocking(False)
    live.sockets += [near, far]
    record = live.links.records[k]
    record.role, record.socket = LinkRole.BOOKS, near.fileno()
    live.links.states[k] = LinkState.OFFERED
    live.turn()
    return k, Venue(far)


def send_in_time(venue: Venue, frames: list[bytes]) -> None:
    """All of them, evenly over BURST_S."""
    step = -(-len(frames) // PIECES)
    parts = []
    for at in range(0, len(frames), step):
        for frame in frames[at : at + step]:
            venue.protocol.send_text(frame)
        parts.append(b"".join(venue.protocol.data_to_send()))
    began_s = time.monotonic()
    for n, part in enumerate(parts):
        time.sleep(max(began_s + n * BURST_S / len(parts) - time.monotonic(), 0))
        venue.socket.sendall(part)


def test_a_burst(live: Live) -> None:
    k, venue = tcp_link(live)
    lines = list(generate(3, 10.0, frames_per_s=800))
    begin = lines[:1000]
    burst = [line.frame for line in lines[1000:] if not line.is_rest][:BURST_FRAMES]
    assert len(burst) == BURST_FRAMES and any(line.is_rest for line in begin)
    hear(live, venue, begin)
    live.turn()
    stopped = threading.Event()

    def loop() -> None:
        while not stopped.is_set():
            turn(live.core, live.links, 2000)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        venue.socket.settimeout(PATIENCE_S)
        send_in_time(venue, burst)
        until_s = time.monotonic() + PATIENCE_S
        wanted = len([line for line in begin if not line.is_rest]) + len(burst)
        while live.links.records[k].messages_n < wanted and time.monotonic() < until_s:
            time.sleep(0.01)
    finally:
        stopped.set()
        thread.join()
    assert live.links.states[k] == LinkState.OPEN
    assert live.links.records[k].messages_n == wanted
    head = live.core.books.heads[0]
    last_id, sides = plain_book([line.frame for line in begin] + burst)
    assert (head.state, int(head.last_id), head.gaps_n) == (BookState.LIVE, last_id, 0)
    record = live.core.gate.instruments[0]
    for side, name in ((BIDS, "b"), (ASKS, "a")):
        ours = held(live.core.books, 0, side)
        price, quantity = int(record.price_grid_e8), int(record.quantity_grid_e8)
        assert {p * price: q * quantity for p, q in ours.items()} == sides[name]
    assert live.count(Counter.PARITY_MISMATCHED) == 0
    # Back-pressure is seen: of what came in one piece, all but the first message waited.
    assert live.count(Counter.BACKLOG) > len(burst) / 2
