"""Under overload: how old is the market that the last order of a burst was decided on?

A burst of bookTickers in one piece, an order to each that the strategy sees. Without conflation the
orders of the old ones go first; with it the freshest one has its order when the burst was read.
"""

import socket

import numpy as np

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import BookState, FrameSource, Market
from appliance.cold import boot
from appliance.cold.clock import calibrate_cycles
from appliance.cold.warm_up import warm_core
from appliance.hot.cpu import cycles
from appliance.hot.duty_cycle import live_cycle
from appliance.hot.frame_ring import push
from appliance.hot.jit import hot
from appliance.hot.wire.links import make_links
from benchmarks import frames, spine
from benchmarks.bench_spine import ALWAYS
from benchmarks.wire_load import Frames

BURST_N = 400  # 60 kB: one receive
ROUNDS = 40
SOCKET_BYTES = 1 << 20
PASSES_MAX = 100_000
MOST = 0.5


@hot
def until_read(core, links, k, wanted):
    """Passes of the loop until link ``k`` has read ``wanted`` messages and decided: cycles."""
    began = cycles()
    for _ in range(PASSES_MAX):
        live_cycle(core, links)
        if links.records[k].messages_n >= wanted and core.control[c.UNSHOWN_N] == 0:
            break
    return cycles() - began


def ticker(n):
    """Each with another price: the same order again would be refused."""
    return frames.ticker_after(n).replace(b"61837.64", b"%.2f" % (61837.64 + n / 100))


class Overload:
    def __init__(self):
        strategy = spine.loaded(ALWAYS)
        self.core, rings = warm_core(strategy, boot.calibrated(), Market.SPOT)
        boot.compile_loop(self.core, strategy)
        self.links = make_links(1, rings.to_desk)
        spine.let_everything_pass(self.core)
        gate = self.core.gate  # a burst has one moment, so that the shortest window holds it all
        for limits in (gate.limits, gate.account_limits):
            limits["order_rate_max"] = 2 * BURST_N
        gate.account_limits["message_rate_max"] = 2 * BURST_N
        self.core.control[c.PAPER] = 0
        self.near = []
        self.ends = [
            self._offer(k, role) for k, role in enumerate((LinkRole.BOOKS, LinkRole.ORDERS))
        ]
        snapshot = np.frombuffer(frames.snapshot_before_depth(), np.uint8)
        push(self.core.ingress, snapshot, 0, len(snapshot), 1, 0, int(FrameSource.REST), 0)
        self.ends[0].sendall(Frames(frames.depth_after, 1).data.tobytes())
        until_read(self.core, self.links, 0, 2)  # there is one: all passes, so the book is live
        assert self.core.books.heads[0].state == BookState.LIVE
        boot.prefault((self.core, self.links))
        self.checkpoint = boot.Checkpoint(self.core)
        self.burst = Frames(ticker, BURST_N).data.tobytes()

    def _offer(self, k, role):
        near, far = socket.socketpair()
        for end in (near, far):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
            end.setblocking(False)
        record = self.links.records[k]
        record.role, record.socket, record.has_user_data = int(role), near.fileno(), 1
        self.near.append(near)
        self.links.states[k] = int(LinkState.OFFERED)
        return far

    def round(self, behind_ns):
        """Cycles until the last order of a burst is with the kernel, and how many there were."""
        self.checkpoint.restore()
        self.core.control[c.BEHIND_NS] = behind_ns
        market, orders = self.ends
        record, counters = self.links.records[0], self.core.telemetry.counters
        before = int(counters[Counter.ORDERS_SENT, 0])
        market.sendall(self.burst)
        span = until_read(self.core, self.links, 0, int(record.messages_n) + BURST_N)
        while True:
            try:
                orders.recv(SOCKET_BYTES)
            except BlockingIOError:
                break
        return span, int(counters[Counter.ORDERS_SENT, 0]) - before


def test_the_last_order_of_a_burst(benchmark, judge, measuring):
    overload = Overload()
    spans = {boot.BEHIND_NS: [], spine.FOREVER_NS: []}
    orders = dict.fromkeys(spans, 0)
    for _ in range(ROUNDS if measuring else 1):
        for behind_ns, found in spans.items():
            span, orders[behind_ns] = overload.round(behind_ns)
            found.append(span)
    assert orders[spine.FOREVER_NS] == BURST_N > orders[boot.BEHIND_NS] > 0
    mult, shift = calibrate_cycles()
    with_us, without_us = (
        float(np.median(found)) * mult / 2**shift / 1e3 for found in spans.values()
    )
    benchmark.extra_info.update(
        with_us=with_us, without_us=without_us, orders=list(orders.values())
    )
    for end in (*overload.ends, *overload.near):
        end.close()
    benchmark.pedantic(lambda: None)
    judge("burst of 400, last order with conflation / without", with_us / without_us, at_most=MOST)
