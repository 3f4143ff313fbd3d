"""The loop as the device under test: ``python -m benchmarks.wire_loop PORT CORE [CA_FILE HOST]``.

Connects twice to 127.0.0.1:PORT (market data, then orders), trades with benchmarks/always.py, and
on each line of standard input ends the orders that wait, answering with a line.
"""

import os
import socket
import sys
import threading
from pathlib import Path

import numpy as np

from appliance.cold import compile_cache
from appliance.cold.strategy_loader import source_of

ALWAYS = str(Path(__file__).with_name("always.py"))
compile_cache.prepare(source_of(ALWAYS), compile_cache.LIVE)

from appliance.abi import control as c  # noqa: E402
from appliance.abi.counters import Counter  # noqa: E402
from appliance.abi.link import LinkRole  # noqa: E402
from appliance.abi.market import BookState, FrameSource, Market  # noqa: E402
from appliance.abi.trading import OrderState, Report  # noqa: E402
from appliance.abi.trading_state import TradingState  # noqa: E402
from appliance.cold import boot  # noqa: E402
from appliance.cold.live.link_table import LinkTable  # noqa: E402
from appliance.cold.live.opening import Opened  # noqa: E402
from appliance.cold.live.order_messages import Said  # noqa: E402
from appliance.cold.live.report_sink import ReportSink  # noqa: E402
from appliance.cold.purity import PurityMeter  # noqa: E402
from appliance.cold.strategy_loader import load_strategy  # noqa: E402
from appliance.cold.tls_client import TlsContext, handshake  # noqa: E402
from appliance.cold.warm_up import warm_core  # noqa: E402
from appliance.hot.frame_ring import push  # noqa: E402
from appliance.hot.wire.links import make_links  # noqa: E402
from benchmarks import frames, spine  # noqa: E402


def build():
    """(core, links, compiled loop): every order passes the gate."""
    strategy = load_strategy(ALWAYS, {})
    core, rings = warm_core(strategy, boot.calibrated(), Market.SPOT)
    links = make_links(1, rings.to_desk)
    run = boot.compile_loop(core, strategy, links)
    spine.let_everything_pass(core)
    core.gate.account[0].trading_state = TradingState.ACTIVE
    core.control[c.PAPER] = 0
    boot.prefault((core, links))
    return core, links, run


def connect(port, ca_file, host):
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = None
    if ca_file:
        tls = handshake(TlsContext(Path(ca_file)), connection, host)
    connection.setblocking(False)
    return Opened(connection, tls, b"")


def end_orders(core, sink):
    """The venue's word on every order that waits; until the loop has applied it."""
    table = core.gateway.orders.table
    for slot in np.flatnonzero(table["state"] == OrderState.SENT).tolist():
        key = int(table[slot].generation) << 16 | slot
        sink.push(Said(Report.EXPIRED, key, 0))
    while sink.waiting_n or (table["state"] != OrderState.FREE).any():
        sink.flush()


def main(port, core_number, ca_file="", host=""):
    core, links, run = build()
    table = LinkTable(links)
    for role in (LinkRole.BOOKS, LinkRole.ORDERS):
        link = table.take(role, connect(port, ca_file, host))
        link.has_user_data = role == LinkRole.ORDERS
        table.offer(link)
    snapshot = np.frombuffer(frames.snapshot_before_depth(), np.uint8)
    push(core.ingress, snapshot, 0, len(snapshot), 1, 0, int(FrameSource.REST), 0)
    purity = PurityMeter()

    def loop():
        os.sched_setaffinity(0, {core_number})  # this thread alone
        purity.begin()
        run(core)
        purity.end()

    core.control[c.COMMAND] = c.Command.RUN
    thread = threading.Thread(target=loop)
    thread.start()
    sink = ReportSink(core.gateway.from_desk)
    print("ready", flush=True)
    for _ in sys.stdin:
        end_orders(core, sink)
        print(int(core.telemetry.counters[Counter.ORDERS_SENT, 0]), flush=True)
    core.control[c.COMMAND] = c.Command.STOP
    thread.join()
    head = core.books.heads[0]
    live = int(head.state == BookState.LIVE)
    print(live, int(head.gaps_n), purity.total.as_dict(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
