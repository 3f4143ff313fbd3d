"""Runs the loop over sockets before there are any: a made-up venue on socket pairs of our own.

Code is paged in and branches are met before they matter, as in cold/warm_up.py for the frames.
"""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from websockets.frames import Frame, Opcode

from appliance.abi import control as c
from appliance.abi.counters import Counter
from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import FrameSource, Market
from appliance.abi.trading import Report
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.line import Line
from appliance.cold.live.link_table import LinkTable
from appliance.cold.live.message_desk import MessageDesk
from appliance.cold.live.opening import Opened
from appliance.cold.live.order_messages import OrderMessages, Said
from appliance.cold.live.rehearsal_tls import Pairs
from appliance.cold.live.report_sink import ReportSink
from appliance.cold.quarantine import Quarantine
from appliance.cold.strategy_loader import Strategy
from appliance.cold.synthetic import generate
from appliance.cold.warm_up import SYMBOL, WarmUpError, warm_core
from appliance.hot import duty_cycle
from appliance.hot.atomics import store_release
from appliance.hot.core import Core
from appliance.hot.frame_ring import push
from appliance.hot.order_reports import FOREIGN_KEY
from appliance.hot.order_text import client_id
from appliance.hot.ring import size
from appliance.hot.wire.links import Links, make_links

SECONDS: Final = 1
SNAPSHOTS_S: Final = (0.25, 0.5)
TOGETHER_N: Final = 16  # messages at once: each wait is two threads taking turns
_PATIENCE_S: Final = 20.0


def rehearse(strategy: Strategy, cycles: tuple[int, int]) -> None:
    """On the thread that will run the loop. Raises WarmUpError."""
    loop: Callable[[Core, Links], int] = duty_cycle.run_live
    pairs = Pairs()
    for market in (Market.SPOT, Market.USDM):
        made = generate(1, SECONDS, symbols=(SYMBOL,), market=market, snapshot_at_s=SNAPSHOTS_S)
        lines = list(made)
        for paper in (0, 1):
            core, rings = warm_core(strategy, cycles, market)
            core.control[c.PAPER] = paper
            core.control[c.ANSWER_MAX_NS] = 1
            links = make_links(1, rings.to_desk)
            with contextlib.ExitStack() as stack:
                tls = pairs if paper == 0 else None
                ours = [_offer(stack, links, k, role, tls) for k, role in enumerate(LinkRole)]
                venue = threading.Thread(target=_play, args=(core, ours, lines), daemon=True)
                core.control[c.COMMAND] = c.Command.RUN
                venue.start()
                loop(core, links)
                venue.join()
            told_n = core.telemetry.counters[Counter.ACKS, 0]
            told_all = told_n >= len(_acknowledgements(core))
            if core.telemetry.counters[Counter.MARKET_RECORDS, 0] == 0 or not told_all:
                raise WarmUpError(f"rehearsal on {market.name}: the loop made nothing of it")


def _offer(
    stack: contextlib.ExitStack, links: Links, k: int, role: LinkRole, tls: Pairs | None
) -> socket.socket:
    """Give the loop one end of a connection; the venue's end."""
    record = links.records[k]
    far: socket.socket
    if tls is None:
        near, far = socket.socketpair()
    else:
        near, connection, far = tls.make()
        stack.callback(connection.close)
        links.tls[k] = connection.tls.words
        record.is_tls = 1
    stack.enter_context(near)
    stack.enter_context(far)
    near.setblocking(False)
    far.settimeout(_PATIENCE_S)
    record.role, record.socket, record.has_user_data = int(role), near.fileno(), 1
    store_release(links.states, k, int(LinkState.OFFERED))
    return far


def _play(core: Core, ends: list[socket.socket], lines: list[Line]) -> None:
    """The venue's side; whatever happens, the loop is stopped."""
    try:
        books, orders = ends[LinkRole.BOOKS], ends[LinkRole.ORDERS]
        for message in (b'{"id":"rehearsal"}', *_acknowledgements(core)):
            orders.sendall(_frame(Opcode.TEXT, message))
        books.sendall(_frame(Opcode.PING, b"1"))
        orders.setblocking(False)
        for n, line in enumerate(lines):
            if line.is_rest:
                if not _is_taken(core, n):  # what came before it over the socket
                    return
                data = np.frombuffer(line.frame, np.uint8)
                push(core.ingress, data, 0, len(data), time.time_ns(), 0, int(FrameSource.REST), n)
            else:
                books.sendall(_frame(Opcode.TEXT, line.frame))
            if (line.is_rest or n % TOGETHER_N == 0) and not _is_taken(core, n + 1):
                return
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                orders.recv(65_536)
        if not _is_taken(core, n + 1):
            return
        books.sendall(_frame(Opcode.CLOSE, b"\x03\xe8"))
        orders.close()
        time.sleep(0.01)  # so that the loop meets both ends
    finally:
        core.control[c.COMMAND] = c.Command.STOP


def _acknowledgements(core: Core) -> list[bytes]:
    """What the venue says of an order, of one that there never was."""
    epoch = int(core.gateway.templates.epoch[0])
    one, cancel = client_id(epoch, 0), client_id(epoch, 0, "x")
    order = {"s": SYMBOL, "c": one, "C": "", "S": "BUY", "x": "TRADE", "i": 1, "t": 1, "m": False}
    order |= {"z": "1", "l": "1", "L": "1", "Z": "1"}
    result = {"symbol": SYMBOL, "orderId": 1, "side": "BUY", "status": "CANCELED"}
    result |= {"executedQty": "1", "cummulativeQuoteQty": "1", "cumQuote": "1"}
    documents = (
        {"subscriptionId": 0, "event": {"e": "executionReport", "E": 1, **order}},
        {"e": "ORDER_TRADE_UPDATE", "E": 1, "o": order},
        {"id": one, "status": 200, "result": result},
        {"id": cancel, "status": 200, "result": result},
    )
    return [json.dumps(document).encode() for document in documents]


def _is_taken(core: Core, count: int) -> bool:
    deadline_s = time.monotonic() + _PATIENCE_S
    while core.control[c.FRAMES_DONE] < count:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0)
    return True


def _frame(opcode: Opcode, data: bytes) -> Any:
    return Frame(opcode, data).serialize(mask=False)


async def rehearse_cold(core: Core, links: Links) -> None:
    """What the cold side calls of the compiled code, once each: later nothing is compiled."""
    table = LinkTable(links)
    sink = ReportSink(core.gateway.from_desk)
    messages = OrderMessages(Market.SPOT, 0, {})
    heard: list[LinkRole] = []
    desk = MessageDesk(links.to_desk, messages, sink, heard.append, _ignore, _ignore)
    near, far = socket.socketpair()
    near.setblocking(False)
    with far:
        link = table.take(LinkRole.BOOKS, Opened(near, None, _frame(Opcode.PING, b"1")))
        table.say(link, b"{}")
        far.sendall(_frame(Opcode.TEXT, b"{}"))
        await table.hear(link, _PATIENCE_S)
        with contextlib.suppress(TimeoutError):
            await table.hear(link, 0.0)
        table.state(link)
        table.free(link)
    sink.push(Said(Report.UNKNOWN, FOREIGN_KEY, 0))
    size(core.gateway.from_desk)
    text = np.frombuffer(b'{"e":"serverShutdown"}', np.uint8)
    for ring in (links.to_desk, core.ingress, core.to_clerk):
        source = int(FrameSource.LINK)
        push(ring, text, 0, len(text), time.time_ns(), 0, source, 0)
    desk.serve()
    clerk = ClerkDesk(core, Clerk([]), Quarantine())
    clerk.serve()
    clerk.send_back(b"{}", time.time_ns(), 0, 0)
    if not heard:
        raise WarmUpError("rehearsal: the message desk did not hear what the loop told it")


def _ignore(*_: object) -> None:
    pass
