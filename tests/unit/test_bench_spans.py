"""What is compiled for a measurement: appliance.hot.bench.spans, appliance.hot.bench.load,
appliance.hot.bench.cpuid."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from appliance.abi.journal import JOURNAL
from appliance.abi.limits import HISTOGRAM_BUCKETS
from appliance.hot.bench import load, spans
from appliance.hot.bench.cpuid import HYPERVISOR_LEAF, register_of
from appliance.hot.cpu import cycles_now
from appliance.hot.jit import JIT_DISABLED
from appliance.hot.ring import make_ring

BASE = 6_100_000
NS = (1, 0)  # mult, shift: a cycle counts as a nanosecond


@pytest.fixture
def rows() -> np.ndarray:
    return np.zeros((1, HISTOGRAM_BUCKETS), np.int64)


def test_gaps_of_a_core(rows: np.ndarray) -> None:
    lost = np.zeros(2, np.int64)
    longest = spans.gaps(rows, 0, 2_000_000, lost, *NS)
    n = int(rows.sum())
    assert n > 10 and longest > 0
    assert (lost[0] > 0) == (longest > spans.LOST_FROM_NS)
    assert lost[0] <= 10 * 2_000_000 + longest


def test_clocks_and_a_ring(rows: np.ndarray) -> None:
    scratch = np.zeros(2, np.int64)
    for is_wall in (False, True):
        rows[:] = 0
        spans.clock_cost(rows, 0, 5, is_wall, scratch, *NS)
        assert rows.sum() == 5
    rows[:] = 0
    ring = make_ring(4, JOURNAL)
    total = spans.ring_hop(rows, 0, 3, ring, *NS)
    assert rows.sum() == 3 and total == 3 * sum(range(spans.BATCH))


def test_whose_processor_it_is() -> None:
    words = [int(register_of(HYPERVISOR_LEAF, n)) for n in range(4)]
    assert all(0 <= word < 1 << 32 for word in words)
    assert int(register_of(0, 0)) > 0 or JIT_DISABLED or words == [0] * 4


def masked(text: bytes, mask: bytes = b"\x12\x34\x56\x78") -> bytes:
    """As a client sends it (RFC 6455, 5.2 and 5.3)."""
    body = bytes(byte ^ mask[n & 3] for n, byte in enumerate(text))
    return b"\x81\xfe" + len(text).to_bytes(2, "big") + mask + body


def order(ticks: int) -> bytes:
    text = f'"side":"BUY","newClientOrderId":"lc-1","price":"{ticks // 100}.{ticks % 100:02d}"'
    return masked(f'{{"id":"{"x" * 80}",{text},"quantity":"0.00100"}}'.encode())


class Ends:
    """Two connections, the generator's ends and the other's."""

    def __init__(self) -> None:
        self.market, self.far_market = socket.socketpair()
        self.orders, self.far_orders = socket.socketpair()
        self.words = np.zeros(load.WORDS_N, np.int64)

    def offer(self, frames: list[bytes], patience: int = 3_000_000) -> list[bool]:
        """Which frames have an answer; all are due at once."""
        lengths = np.array([len(frame) for frame in frames], np.int64)
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
        due = np.full(len(frames), int(cycles_now()), np.int64)
        answered = np.zeros(len(frames), np.int64)
        data = np.frombuffer(b"".join(frames), np.uint8).copy()
        room = np.zeros(load.ROOM, np.uint8)
        load.offer(
            *(self.market.fileno(), self.orders.fileno(), data, starts, lengths, due, BASE),
            *(answered, room, self.words, patience),
        )
        assert ((answered == 0) | (answered >= due)).all()
        return [bool(one) for one in answered]

    def close(self) -> None:
        for one in (self.market, self.far_market, self.orders, self.far_orders):
            one.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_each_answer_is_of_its_frame(ends: Ends) -> None:
    """In any order, together and in pieces; what was not answered is known."""
    ends.far_orders.sendall(order(BASE + 2) + order(BASE) + order(BASE + 2))
    assert ends.offer([b"zero", b"one", b"two"]) == [True, False, True]
    assert ends.words[: load.FAILED + 1].tolist() == [3, 2, 0]
    assert ends.far_market.recv(100) == b"zeroonetwo"


def test_it_ends_when_all_have_answered(ends: Ends) -> None:
    ends.far_orders.sendall(order(BASE) + order(BASE + 1))
    forever = 1 << 60
    assert ends.offer([b"zero", b"one"], forever) == [True, True]


@pytest.mark.parametrize(
    ("sent", "failed"),
    [
        (order(BASE + 9), 3),
        (order(BASE - 1), 3),
        (masked(b"x" * 200), 3),
        (b"\x81\x05hello", 3),
    ],
)
def test_an_answer_that_makes_no_sense(ends: Ends, sent: bytes, failed: int) -> None:
    ends.far_orders.sendall(sent)
    ends.offer([b"zero", b"one"])
    assert ends.words[load.FAILED] == failed


def test_connections_that_end(ends: Ends) -> None:
    ends.far_orders.close()
    ends.offer([b"zero"])
    assert ends.words[load.FAILED] == 1
