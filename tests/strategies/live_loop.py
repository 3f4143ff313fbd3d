"""A loop over socket pairs, pass by pass, with ``websockets`` as the venue."""

import socket

import numpy as np
from websockets.frames import Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.limits import FRAME_HEADER_BYTES
from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import FrameSource, Market
from appliance.abi.trading import Side
from appliance.abi.trading_state import TradingState
from appliance.cold.limits import demo_limits, give_paper_funds
from appliance.cold.synthetic import generate
from appliance.hot.duty_cycle import live_cycle
from appliance.hot.frame_ring import length_at, peek, push, release, source_at
from appliance.hot.gateway import send
from appliance.hot.jit import hot
from appliance.hot.rings import make_rings
from appliance.hot.session import poll_timers
from appliance.hot.wire.links import make_links
from tests.strategies.cores import small_core

PASSES = 40
NOW_NS = 1_700_000_000_000_000_000


@hot
def turn(core, links, passes):
    work = 0
    for _ in range(passes):
        work += live_cycle(core, links)
    return work


@hot
def timers(core, links, times):
    for _ in range(times):
        poll_timers(core, links)


class Venue:
    """The other end of one link."""

    def __init__(self, ours: socket.socket) -> None:
        self.socket = ours
        ours.settimeout(5)
        self.protocol = Protocol(SERVER, state=OPEN)
        self.frames: list[tuple[int, bytes]] = []

    def say(self, data: bytes, *, split: int = 0) -> None:
        if split:
            self.protocol.send_text(data[:split], fin=False)
            self.protocol.send_continuation(data[split:], fin=True)
        else:
            self.protocol.send_text(data)
        self.deliver()

    def deliver(self) -> None:
        self.socket.sendall(b"".join(self.protocol.data_to_send()))

    def heard(self) -> list[tuple[int, bytes]]:
        """Every frame that has come so far, once."""
        self.socket.setblocking(False)
        try:
            while data := self.socket.recv(65536):
                self.protocol.receive_data(data)
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(5)
        assert self.protocol.parser_exc is None
        return [(int(f.opcode), bytes(f.data)) for f in self.protocol.events_received()]

    def texts(self) -> list[bytes]:
        return [data for opcode, data in self.heard() if opcode == Opcode.TEXT]


class Live:
    def __init__(self, *, paper: bool = False) -> None:
        self.core = small_core()
        self.core.control[c.PAPER] = int(paper)
        self.core.control[c.SILENCE_MAX_NS] = 1 << 60  # the clock is real, and machines are slow
        self.rings = make_rings(1 << 20)
        self.links = make_links(7, self.rings.to_desk)
        core = self.core
        demo_limits(core.gate.instruments, [6_000_000]).write(core.gate)
        give_paper_funds(core.gate)
        core.gate.account[0].trading_state = TradingState.ACTIVE
        self.sockets: list[socket.socket] = []

    def offer(self, role: LinkRole, *, user_data: bool = False, opened: bool = True) -> tuple:
        """(link, the venue's end of it)."""
        k = int(np.flatnonzero(self.links.states == LinkState.FREE)[0])
        near, far = socket.socketpair()
        self.sockets += [near, far]
        record = self.links.records[k]
        record.role, record.socket, record.has_user_data = role, near.fileno(), int(user_data)
        self.links.states[k] = LinkState.OFFERED
        if opened:
            self.turn()
            assert self.links.states[k] == LinkState.OPEN
        return k, Venue(far)

    def turn(self, passes: int = PASSES) -> int:
        return int(turn(self.core, self.links, passes))

    def count(self, counter: Counter) -> int:
        return int(self.core.telemetry.counters[counter, 0])

    def place(self, side: int = Side.BUY, lots: int = 1000) -> int:
        return int(
            send(
                self.core.gateway,
                0,
                side,
                6_000_000,
                lots,
                0,
                0,
                NOW_NS,
                self.core.telemetry.counters,
            )
        )

    def state(self, slot: int) -> int:
        return int(self.core.gateway.orders.table[slot].state)

    def desk(self) -> list[tuple[int, bytes]]:
        """(source, message) of everything that waits for the cold side."""
        ring, found = self.links.to_desk, []
        while (offset := int(peek(ring))) >= 0:
            start = offset + FRAME_HEADER_BYTES
            end = start + int(length_at(ring, offset))
            found.append((int(source_at(ring, offset)), ring.data[start:end].tobytes()))
            release(ring)
        return found

    def close(self) -> None:
        for one in self.sockets:
            one.close()


def session(seconds: float = 1.0) -> list:
    return list(generate(3, seconds, symbols=("BTCUSDT",), market=Market.SPOT))


def hear(live: Live, venue: Venue, lines: list, split: int = 0) -> None:
    """The lines of a session: streams by the link, snapshots by the ring of the cold side."""
    for line in lines:
        if line.is_rest:
            data = np.frombuffer(line.frame, np.uint8)
            assert push(live.core.ingress, data, 0, len(data), NOW_NS, 0, FrameSource.REST, 0)
        else:
            venue.say(line.frame, split=split and min(split, len(line.frame) - 1))
        live.turn(8)


def key(live: Live, slot: int) -> int:
    return int(live.core.gateway.orders.table[slot].generation) << 16 | slot
