"""Agent: market records in, orders out. Market ring -> strategy -> risk gate -> gateway.

Before the strategy sees a record, the paper venue (if that is who matches our orders) and the
venue's reports have their turn: it always decides on the position that it really has.
"""

import numpy as np

from appliance.abi.control import (
    EVENTS_WANTED,
    FILLS_DIGEST,
    NOW_NS,
    ORDERS_DIGEST,
    PAPER,
    Matching,
)
from appliance.abi.counters import REJECT_BASE, Counter
from appliance.abi.event import EventKind
from appliance.abi.limits import JOURNAL_RESERVE
from appliance.abi.market import BookState, Event
from appliance.abi.refusal import Reject
from appliance.abi.strategy import NO_ORDER
from appliance.abi.telemetry import Stage
from appliance.abi.trading import Action, OrderState, Report, Side
from appliance.hot.broadcast import read
from appliance.hot.cpu import cycles
from appliance.hot.digest import fold_number
from appliance.hot.gate import check, note_sent
from appliance.hot.gateway import cancel, discard_egress, has_reports, poll_reports, send
from appliance.hot.jit import hot_part
from appliance.hot.journal import room_n, write_refusal
from appliance.hot.notes import note_order, note_span, stage_begins, stage_over
from appliance.hot.order_reports import ILLEGAL, REPEATED, STRAY
from appliance.hot.orders import key_of, leaves_lots, open_orders_n
from appliance.hot.own_orders import own_order
from appliance.hot.paper import on_market, poll_requests
from appliance.hot.position import mark, pnl_tick_lots
from appliance.hot.ring import peek
from appliance.hot.risk_watch import follow_up, note_report, watch
from appliance.hot.runaway import note_message
from appliance.hot.strategy import slot as strategy
from appliance.hot.strategy.api import COUNT, DROPPED
from appliance.hot.telemetry import event_begin, event_commit
from appliance.hot.valuation import revalue


@hot_part
def poll_trader(core):
    """Takes one market record to the strategy and its orders to the gateway. Work done, 0 or 1."""
    counters = core.telemetry.counters
    if read(core.market, core.cursor, core.seen) == 0:
        return 0
    view = core.seen[0]
    i = view.instrument
    if core.control[PAPER] == Matching.PAPER and view.event != Event.TIMER:
        on_market(core.paper, core.seen, 0, core.gateway.reports, view.receive_ns)
        poll_venue(core)
    if view.event != Event.TIMER:
        value_market(core, view, i, view.receive_ns)
    if core.control[EVENTS_WANTED] >> view.event & 1 != 0:
        ask_strategy(core, view, i, view.receive_ns)
    counters[Counter.MARKET_MISSED, 0] = core.cursor[1]
    return 1


@hot_part
def value_market(core, view, i, now_ns):
    """The market of instrument ``i`` moved: what is everything worth, and is that allowed?"""
    if view.book_state == BookState.LIVE and view.bid_ticks > 0 and view.ask_ticks > 0:
        mark(core.gate.positions, i, (view.bid_ticks + view.ask_ticks) // 2)
    watch(core.gate, i, now_ns)


@hot_part
def ask_strategy(core, view, i, now_ns):
    """The strategy looks at a view, and what it wants is carried out."""
    counters = core.telemetry.counters
    _look_at_ourselves(core, i, now_ns)
    core.intents.words[COUNT] = 0
    began = stage_begins(core.notes)
    strategy.on_market(view, core.own[0], core.params[0], core.state[i], core.intents)
    stage_over(core.notes, Stage.STRATEGY, began)
    wanted = core.intents.words[COUNT]
    if wanted != 0 or core.intents.words[DROPPED] != 0:
        for k in range(wanted):
            _carry_out(core, k, i, view)
        counters[Counter.INTENTS, 0] += wanted
        counters[Counter.INTENTS_DROPPED, 0] += core.intents.words[DROPPED]
        core.intents.words[DROPPED] = 0
    counters[Counter.STRATEGY_CALLS, 0] += 1


@hot_part
def _look_at_ourselves(core, i, now_ns):
    """OWN: what the strategy is told of its position and orders."""
    own = core.own[0]
    position = core.gate.positions[i]
    own.position_lots = position.position_lots
    own.position_max_lots = core.gate.limits[i].position_max_lots
    instrument = core.gate.instruments[i]
    own.price_step_ticks = instrument.price_step_ticks
    own.quantity_step_lots = instrument.quantity_step_lots
    own.quantity_min_lots = instrument.quantity_min_lots
    own.notional_min_tick_lots = instrument.notional_min_tick_lots
    own.open_buy_lots = position.open_buy_lots
    own.open_sell_lots = position.open_sell_lots
    own.open_orders_n = open_orders_n(position)
    own.pnl_tick_lots = pnl_tick_lots(core.gate.positions, i)
    own.now_ns = now_ns
    orders = core.gateway.orders
    own.buy_order = own_order(orders, i, Side.BUY)
    if own.buy_order != NO_ORDER:
        order = orders.table[own.buy_order]
        own.buy_ticks = order.price_ticks
        own.buy_lots = leaves_lots(order)
        own.buy_cancelling = order.cancel_sent
        own.buy_acknowledged = np.int64(order.state != OrderState.SENT)
    own.sell_order = own_order(orders, i, Side.SELL)
    if own.sell_order != NO_ORDER:
        order = orders.table[own.sell_order]
        own.sell_ticks = order.price_ticks
        own.sell_lots = leaves_lots(order)
        own.sell_cancelling = order.cancel_sent
        own.sell_acknowledged = np.int64(order.state != OrderState.SENT)


@hot_part
def _carry_out(core, k, i, view):
    """One intent: a cancel goes straight out, an order through the gate."""
    intent = core.intents.records[k]
    counters = core.telemetry.counters
    now_ns = view.receive_ns
    if intent.action == Action.CANCEL:
        if cancel(core.gateway, intent.order, now_ns, counters) != 0:
            note_message(core.gate, now_ns)
            _tell_cancel(core, intent.order, i, now_ns)
        return
    began = stage_begins(core.notes)
    reason = np.int64(
        check(
            core.gate,
            i,
            intent.side,
            intent.price_ticks,
            intent.quantity_lots,
            intent.time_in_force,
            now_ns,
        )
    )
    began = stage_over(core.notes, Stage.GATE, began)
    slot = np.int64(-1)
    if reason == Reject.NONE:
        slot = np.int64(
            send(
                core.gateway,
                i,
                intent.side,
                intent.price_ticks,
                intent.quantity_lots,
                intent.time_in_force,
                intent.tag,
                now_ns,
                counters,
            )
        )
        counters[Counter.GATE_PASSED, 0] += 1
        if slot < 0:
            reason = -slot
            _note_refusal(core, reason, intent, i, now_ns)
    if reason != Reject.NONE:
        counters[Counter.GATE_REFUSED, 0] += 1
        counters[REJECT_BASE + reason, 0] += 1
        write_refusal(core.gateway.journal, core.gate.refusal[0])
        _tell_refusal(core, i, now_ns)
        follow_up(core.gate, reason, now_ns)
        return
    note_sent(core.gate, i, intent.side, intent.price_ticks, intent.quantity_lots, now_ns)
    revalue(core.gate, i, now_ns)
    sent = cycles()
    stage_over(core.notes, Stage.GATEWAY, began)
    note_span(core.notes, Stage.TICK_TO_TRADE, sent - view.start_cycles)
    note_order(core.notes, slot, sent - view.start_cycles)


@hot_part
def _note_refusal(core, reason, intent, i, now_ns):
    """The gateway had no room: recorded like a refusal of the gate."""
    refusal = core.gate.refusal[0]
    refusal.reason = reason
    refusal.observed = 0
    refusal.limit = 0
    if reason == Reject.JOURNAL_FULL:
        refusal.observed = room_n(core.gateway.journal.words)
        refusal.limit = JOURNAL_RESERVE
    refusal.instrument = i
    refusal.side = intent.side
    refusal.price_ticks = intent.price_ticks
    refusal.quantity_lots = intent.quantity_lots
    refusal.time_ns = now_ns


@hot_part
def _event(core, kind, i, receive_ns):
    core.telemetry.counters[Counter.EVENTS, 0] += 1
    event = core.telemetry.events.slots[event_begin(core.telemetry, kind, i)]
    event.receive_ns = receive_ns
    return event


@hot_part
def _tell_cancel(core, slot, i, now_ns):
    event = _event(core, EventKind.CANCEL_SENT, i, now_ns)
    event.order_key = key_of(core.gateway.orders, slot)
    event_commit(core.telemetry)


@hot_part
def _tell_refusal(core, i, now_ns):
    event = _event(core, EventKind.REFUSED, i, now_ns)
    refusal = core.gate.refusal[0]
    event.price_ticks = refusal.price_ticks
    event.quantity_lots = refusal.quantity_lots
    event.side = refusal.side
    event.reason = refusal.reason
    event.observed = refusal.observed
    event.limit = refusal.limit
    event_commit(core.telemetry)


@hot_part
def poll_venue(core):
    """Agent: requests to the paper venue, reports of the venue to the order table."""
    work = np.int64(0)
    gateway = core.gateway
    if core.control[PAPER] == Matching.PAPER and peek(gateway.requests) >= 0:
        now_ns = core.seen[0].receive_ns
        work += poll_requests(core.paper, gateway.requests, gateway.reports, now_ns)
        control = core.control
        control[ORDERS_DIGEST] = discard_egress(gateway, control[ORDERS_DIGEST])
    if has_reports(gateway):
        work += _take_reports(core)
    return work


@hot_part
def _take_reports(core):
    gateway = core.gateway
    taken = poll_reports(gateway, core.control[NOW_NS], core.telemetry.counters)
    for k in range(taken):
        report = gateway.applied[k]
        outcome = gateway.outcomes[k]
        note_report(core.gate, report, outcome, core.control[NOW_NS])
        kind = np.int64(EventKind.ORDER_ENDED)
        if report.report == Report.FILL:
            if outcome == STRAY or outcome == ILLEGAL or outcome == REPEATED:
                continue  # nothing was booked; the counters tell
            kind = np.int64(EventKind.FILL)
            digest = fold_number(core.control[FILLS_DIGEST], report.order_key)
            digest = fold_number(digest, report.price_ticks)
            core.control[FILLS_DIGEST] = fold_number(digest, report.quantity_lots)
        elif (
            outcome != OrderState.CANCELED
            and outcome != OrderState.REJECTED
            and outcome != OrderState.EXPIRED
        ):
            continue
        event = _event(core, kind, report.instrument, report.venue_ns)
        event.price_ticks = report.price_ticks
        event.quantity_lots = report.quantity_lots
        event.side = report.side
        event.order_key = report.order_key
        event.reason = report.report
        event_commit(core.telemetry)
    return taken
