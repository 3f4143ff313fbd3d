"""What becomes of books and orders when a connection comes or goes, or does not answer."""

from typing import Final

import numpy as np

from appliance.abi.control import ANSWER_MAX_NS, NOW_NS, PAPER
from appliance.abi.counters import Counter
from appliance.abi.limits import LINKS_MAX, ORDERS_MAX
from appliance.abi.link import LinkRole, LinkState
from appliance.abi.market import BookReason
from appliance.abi.refusal import Block
from appliance.abi.trading import OrderState, Report
from appliance.abi.units import NO_ID
from appliance.hot.book.sync import reset
from appliance.hot.egress import tell
from appliance.hot.feed import tell_stale
from appliance.hot.jit import hot, hot_part
from appliance.hot.orders import key_of
from appliance.hot.wire.links import (
    ADOPTED_N,
    ENDED_ROLES,
    ENDED_ROWS,
    NONE,
    ORDER_LINK,
    TIMER_SLOT,
    waiting_bytes,
)

SLOTS_PER_LOOK: Final = 32  # of the order table, each time the timers are looked at

NEVER: Final = 1 << 62  # as a limit: nobody has waited too long

assert ORDERS_MAX % SLOTS_PER_LOOK == 0


@hot_part
def settle_links(core, links):
    """Deals with links that opened or ended since the last pass."""
    words = links.words
    if words[ENDED_ROLES] == 0 and words[ADOPTED_N] == 0:
        return
    ended = words[ENDED_ROLES]
    ended_rows = words[ENDED_ROWS]
    words[ENDED_ROLES] = 0
    words[ENDED_ROWS] = 0
    words[ADOPTED_N] = 0
    words[ORDER_LINK] = newest_link(links, LinkRole.ORDERS)
    if ended & (1 << LinkRole.BOOKS) and newest_link(links, LinkRole.BOOKS) == NONE:
        _lose_books(core)
    if ended & (1 << LinkRole.ORDERS) and core.control[PAPER] == 0:
        doubt_orders(core.gateway, 0, ORDERS_MAX, NEVER, ended_rows, core.control[NOW_NS])
    judge_links(core, links)


@hot
def newest_link(links, role):
    """The link of a role that opened last, or NONE."""
    newest = np.int64(NONE)
    for k in range(LINKS_MAX):
        record = links.records[k]
        if links.states[k] == LinkState.OPEN and record.role == role:
            if newest == NONE or record.opened_ns >= links.records[newest].opened_ns:
                newest = np.int64(k)
    return newest


@hot_part
def judge_links(core, links):
    """Whether the connections allow orders at present."""
    blocks = 0
    if core.control[PAPER] == 0:
        k = links.words[ORDER_LINK]
        # What is not OPEN is not ours: the cold side may have closed it.
        if k == NONE or links.states[k] != LinkState.OPEN or waiting_bytes(links, k) > 0:
            blocks |= Block.LINK
        if not _has_user_data(links):
            blocks |= Block.USER_DATA
    core.gate.account[0].link_blocks = blocks


@hot
def _has_user_data(links):
    for k in range(LINKS_MAX):
        if links.states[k] == LinkState.OPEN and links.records[k].has_user_data != 0:
            return True
    return False


@hot_part
def _lose_books(core):
    """No connection makes books any more: none is served until it is synchronised again."""
    now_ns = core.control[NOW_NS]
    for i in range(core.latest.shape[0]):
        core.trade_ids[i, 0] = NO_ID
        core.trade_ids[i, 1] = NO_ID
        if reset(core.books, i, BookReason.RESET, now_ns) != 0:
            tell_stale(core, i, now_ns)


@hot_part
def poll_timers(core, links):
    """Orders and cancels that nobody answered in time become UNKNOWN: some slots a turn."""
    if core.control[PAPER] != 0:
        return
    if core.gate.account[0].link_blocks & Block.LINK:
        judge_links(core, links)  # what was backed up may have gone out
    limit_ns = core.control[ANSWER_MAX_NS]
    if limit_ns <= 0:
        return
    first = links.words[TIMER_SLOT]
    links.words[TIMER_SLOT] = (first + SLOTS_PER_LOOK) % ORDERS_MAX
    late_n = doubt_orders(core.gateway, first, SLOTS_PER_LOOK, limit_ns, 0, core.control[NOW_NS])
    core.telemetry.counters[Counter.UNANSWERED, 0] += late_n


@hot
def doubt_orders(gateway, first, count, limit_ns, ended_rows, now_ns):
    """Call those orders of ``count`` slots UNKNOWN that wait in vain for an answer; how many.

    In vain: for ``limit_ns``, or their last message left on a link that has ended (bit k of
    ``ended_rows``). What still waits for a connection has not left, and is not in doubt.
    """
    doubted_n = 0
    for slot in range(first, first + count):
        order = gateway.orders.table[slot]
        is_new = order.state == OrderState.SENT
        is_cancelled = order.state != OrderState.FREE and order.cancel_sent != 0
        in_vain = is_new and now_ns - order.sent_ns >= limit_ns
        in_vain = in_vain or (is_cancelled and now_ns - order.cancel_ns >= limit_ns)
        if order.link >= 0 and ended_rows >> order.link & 1:
            in_vain = in_vain or is_new or is_cancelled
        if in_vain and tell(
            gateway, Report.UNKNOWN, key_of(gateway.orders, slot), order.instrument, now_ns
        ):
            doubted_n += 1
    return doubted_n
