"""Wire to wire over loopback: a frame is due, the bytes of its order have arrived.

The loop is a process of its own on its core; the generator runs here, on another. Its schedule is
open: frames go out when they are due, whatever has come back, and latency counts from when a frame
was due. The process stands still but for the rounds of the wire: what else is measured has the core
to itself.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from appliance.abi.limits import ORDERS_MAX
from appliance.cold.bench import setting
from appliance.cold.bench.series import Series, counts_of
from appliance.cold.clock import calibrate_cycles
from appliance.cold.errors import ApplianceError
from appliance.cold.placement import Placement
from appliance.hot.bench.load import ANSWERED, FAILED, ROOM, SENT, WORDS_N, offer
from appliance.hot.cpu import cycles_now

RATE: Final = 1_000  # frames a second at 1 x
FRAMES: Final = {"wire_1x": 300, "wire_10x": 900}  # a round: fewer than orders may be open
BURST: Final = 200  # frames due at once
BURSTS: Final = 4
BURST_EVERY_S: Final = 0.05
PATIENCE_S: Final = 0.05
ANSWER_S: Final = 60.0
START_S: Final = 240.0  # a machine that compiles

LOADS: Final = {
    "wire_1x": f"{RATE:,} frames a second",
    "wire_10x": f"{10 * RATE:,} frames a second",
    "wire_burst": f"{BURST} frames at once, every {BURST_EVERY_S * 1000:.0f} ms",
}
_FAILURES: Final = {
    1: "the loop closed a connection",
    2: "the kernel took a part of a frame",
    3: "an order came back that is not of this round",
}


def due_s(load: str) -> list[float]:
    """When each frame of a round is due, from its start."""
    if load == "wire_burst":
        return [n * BURST_EVERY_S for n in range(BURSTS) for _ in range(BURST)]
    rate = RATE * (10 if load == "wire_10x" else 1)
    return [n / rate for n in range(FRAMES[load])]


class Wire:
    """The device and its two connections; ``with`` ends it. It runs while it is ``awake``."""

    def __init__(self, core: int, load_core: int | None, fifo_priority: int) -> None:
        self._load_core = load_core
        self.series = {name: Series(name, title) for name, title in LOADS.items()}
        self._first = 0
        self._room = np.zeros(ROOM, np.uint8)
        self._words = np.zeros(WORDS_N, np.int64)
        self._mult, self._shift = calibrate_cycles()
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            words = ["-m", "appliance.cold.bench.device", port, core, fifo_priority]
            self._device = subprocess.Popen(
                [sys.executable, *map(str, words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            server.settimeout(START_S)
            try:
                self._connections = [self._accept(server) for _ in range(2)]
                told = self._line()
                if told != "ready":
                    raise ApplianceError(told.removeprefix("failed "))
                self._begin()
                self._device.send_signal(signal.SIGSTOP)
            except BaseException:
                self._device.kill()
                raise

    def _accept(self, server: socket.socket) -> socket.socket:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            raise ApplianceError("the loop did not start: see what it said above") from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        return connection

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._device.send_signal(signal.SIGCONT)
        for connection in self._connections:
            connection.close()
        assert self._device.stdin is not None and self._device.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._device.stdin.close()
        try:
            self._device.wait(20)
        except subprocess.TimeoutExpired:
            self._device.kill()
        self._device.stdout.close()

    def _begin(self) -> None:
        """The book goes live, and a round of each load is thrown away."""
        head = setting.difference()
        market = self._connections[0]
        market.send(_frame(head))
        time.sleep(PATIENCE_S)
        for load in LOADS:
            self.round(load, keep=False)

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """For rounds of every load; one is thrown away first, for the caches."""
        self._device.send_signal(signal.SIGCONT)
        try:
            self.round(next(iter(LOADS)), keep=False)
            yield
        finally:
            self._device.send_signal(signal.SIGSTOP)

    def round(self, load: str, *, keep: bool = True) -> None:
        """One round of a load. ApplianceError: the connections do not hold."""
        at_s = due_s(load)
        frames = [_frame(text) for text in setting.tickers(len(at_s), self._first)]
        self._first += len(at_s)
        data, starts, lengths = setting.packed(frames)
        per_s = (1 << self._shift) / self._mult * 1e9
        answered_at = np.zeros(len(at_s), np.int64)
        self._drain()
        before = os.sched_getaffinity(0)
        try:
            Placement(self._load_core).take()
            start = cycles_now() + int(0.002 * per_s)
            due = start + (np.array(at_s) * per_s).astype(np.int64)
            market, orders = (one.fileno() for one in self._connections)
            send: Any = offer
            send(
                *(market, orders, data, starts, lengths, due, setting.FIRST_TICKS),
                *(answered_at, self._room, self._words, int(PATIENCE_S * per_s)),
            )
        finally:
            os.sched_setaffinity(0, before)
        if failed := int(self._words[FAILED]):
            raise ApplianceError(f"{load}: {_FAILURES[failed]}")
        assert self._words[SENT] == len(at_s)
        self._tell()
        if keep:
            there = answered_at > 0
            spans = (answered_at[there] - due[there]) * self._mult >> self._shift
            unanswered = len(at_s) - int(self._words[ANSWERED])
            counts = counts_of(spans.tolist())
            self.series[load].add(counts, int(spans.max(initial=0)), unanswered)

    def _drain(self) -> None:
        """Answers that came too late for their round."""
        with contextlib.suppress(BlockingIOError):
            while self._connections[1].recv(ROOM):
                pass

    def _tell(self) -> None:
        """The orders that wait are ended."""
        assert self._device.stdin is not None
        self._device.stdin.write("\n")
        self._device.stdin.flush()
        self._line()

    def _line(self) -> str:
        assert self._device.stdout is not None
        ready, _, _ = select.select([self._device.stdout], [], [], ANSWER_S)
        if not ready:
            raise ApplianceError("the loop does not answer any more")
        line = self._device.stdout.readline()
        if not line:
            raise ApplianceError("the loop ended: see what it said above")
        return line.strip()


def _frame(text: bytes) -> bytes:
    """As a server sends it (RFC 6455, 5.2): whole, unmasked."""
    count = len(text)
    head = bytes([0x81, count]) if count < 126 else bytes([0x81, 126]) + count.to_bytes(2, "big")
    return head + text


assert max(*FRAMES.values(), BURST * BURSTS) < ORDERS_MAX
