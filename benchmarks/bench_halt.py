"""From a halt in the mailbox to the last cancel with the kernel: one pass over the sockets."""

import time

import numpy as np

from appliance.abi.limits import OPERATIONS_N
from appliance.abi.link import LinkRole
from appliance.abi.operator import POSTED, TAKEN, Operation, Result
from appliance.abi.trading import Report
from appliance.abi.trading_state import Cause, Phase, TradingState
from appliance.hot.egress import tell
from appliance.hot.trading_state import rearm, set_phase
from tests.strategies.live_loop import NOW_NS, Live, key

ORDERS_N = 50  # more than a desk quotes at once


def test_halt(benchmark, judge, measuring):
    live = Live()
    account = live.core.gate.account
    account[0].trading_state = 0
    rearm(account, TradingState.ACTIVE, Cause.START, 1)
    set_phase(account, Phase.READY, Cause.START, 1)
    _, venue = live.offer(LinkRole.ORDERS, user_data=True)
    spans_ns: list[int] = []

    def quote() -> tuple[tuple[()], dict[str, object]]:
        post(Operation.RESUME)
        slots = [live.place(lots=1) for _ in range(ORDERS_N)]
        live.turn(2)
        for slot in slots:
            tell(live.core.gateway, Report.ACCEPTED, key(live, slot), 0, NOW_NS)
        while venue.texts():
            live.turn(4)
        return (), {}

    def post(operation: Operation) -> None:
        mailbox = live.core.mailbox
        number = int(mailbox.words[POSTED])
        record = mailbox.operations[number % OPERATIONS_N]
        record.operation, record.result = operation, Result.NONE
        began_ns = time.perf_counter_ns()
        mailbox.words[POSTED] = number + 1
        live.turn(1)
        spans_ns.append(time.perf_counter_ns() - began_ns)
        assert mailbox.words[TAKEN] == number + 1

    def halt() -> None:
        post(Operation.HALT_AND_CANCEL)
        cancels_n = sum(b'"order.cancel"' in text for text in venue.texts())
        assert cancels_n == ORDERS_N
        for slot in range(len(live.core.gateway.orders.table)):
            if live.core.gateway.orders.table[slot].cancel_sent:
                tell(live.core.gateway, Report.CANCELED, key(live, slot), 0, NOW_NS)
        live.turn(ORDERS_N)

    benchmark.pedantic(halt, setup=quote, rounds=300 if measuring else 1)
    p50, p99 = np.percentile(spans_ns[1::2], [50, 99])
    benchmark.extra_info["p50_us"], benchmark.extra_info["p99_us"] = p50 / 1000, p99 / 1000
    judge(f"halt to the last of {ORDERS_N} cancels, p99 ms", float(p99) / 1e6, at_most=1.0)
    live.close()
