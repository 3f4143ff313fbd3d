"""The loop as the device under test: ``python -m appliance.cold.bench.device PORT CORE FIFO``.

Connects twice to 127.0.0.1:PORT (market data, then orders) and answers each bookTicker with an
order. A line on standard input: the orders that wait are ended, and a line says how many were
sent in all.
"""

import signal
import socket
import sys
import threading
import time
from typing import Any, Final

import numpy as np

from appliance.cold import compile_cache
from appliance.cold.bench.strategy import STRATEGY

END_S: Final = 50.0


def main(port: int, core_number: int, fifo_priority: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its input does
    cache = compile_cache.prepare(STRATEGY, compile_cache.LIVE)
    from appliance.abi import control as c
    from appliance.abi.link import LinkRole
    from appliance.abi.market import FrameSource
    from appliance.cold.bench import setting
    from appliance.cold.live.link_table import LinkTable
    from appliance.cold.live.opening import Opened
    from appliance.cold.live.report_sink import ReportSink
    from appliance.cold.mapping import lock_all
    from appliance.cold.placement import Placement
    from appliance.hot.frame_ring import push

    core, links, run = _built()
    cache.complete()
    table = LinkTable(links)
    for role in (LinkRole.BOOKS, LinkRole.ORDERS):
        connection = socket.create_connection(("127.0.0.1", port), 10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        link = table.take(role, Opened(connection, None, b""))
        link.has_user_data = role == LinkRole.ORDERS
        table.offer(link)
    snapshot = np.frombuffer(setting.snapshot(), np.uint8)
    push(core.ingress, snapshot, 0, len(snapshot), 1, 0, int(FrameSource.REST), 0)
    lock_all()
    placement = Placement(core_number if core_number >= 0 else None, fifo_priority)
    failed: list[BaseException] = []
    placed = threading.Event()

    def loop() -> None:
        try:
            placement.take()
        except BaseException as failure:
            failed.append(failure)
            return
        finally:
            placed.set()
        run(core)

    core.control[c.COMMAND] = c.Command.RUN
    thread = threading.Thread(target=loop, name="hot")
    thread.start()
    placed.wait()
    print(f"failed {failed[0]}" if failed else "ready", flush=True)
    sink = ReportSink(core.gateway.from_desk)
    try:
        for _ in sys.stdin:
            print(_end_orders(core, sink), flush=True)
    finally:
        core.control[c.COMMAND] = c.Command.STOP
        thread.join()


def _built() -> tuple[Any, Any, Any]:
    """(core, links, compiled loop)."""
    from appliance.abi import control as c
    from appliance.abi.market import Market
    from appliance.cold import boot
    from appliance.cold.bench import setting
    from appliance.cold.live.rehearsal import rehearse
    from appliance.cold.warm_up import warm_core
    from appliance.hot.strategy import slot
    from appliance.hot.wire.links import make_links

    strategy = setting.strategy()
    slot.bind(strategy.on_market)
    cycles = boot.calibrated()
    core, rings = warm_core(strategy, cycles, Market.SPOT)
    links = make_links(1, rings.to_desk)
    run = boot.compile_loop(core, strategy, links)
    rehearse(strategy, cycles)
    setting.open_gate(core)
    core.control[c.PAPER] = 0
    boot.prefault((core, links))
    return core, links, run


def _end_orders(core: Any, sink: Any) -> int:
    """The venue's word on every order that waits, until the loop has applied it; among them those
    that it sends meanwhile, where it was late."""
    from appliance.abi.counters import Counter
    from appliance.abi.trading import ORDER_SLOT_BITS, OrderState, Report
    from appliance.cold.live.order_messages import Said

    table = core.gateway.orders.table
    told: set[int] = set()
    end_s = time.monotonic() + END_S
    while sink.waiting_n or (table["state"] != OrderState.FREE).any():
        for slot in np.flatnonzero(table["state"] == OrderState.SENT).tolist():
            key = int(table[slot].generation) << ORDER_SLOT_BITS | slot
            if key not in told:
                told.add(key)
                sink.push(Said(Report.EXPIRED, key, 0))
        sink.flush()
        if time.monotonic() > end_s:
            raise SystemExit(f"the loop has not ended its orders within {END_S:.0f} s")
        time.sleep(0)
    return int(core.telemetry.counters[Counter.ORDERS_SENT, 0])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
