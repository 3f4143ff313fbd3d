"""The strategy's own clock: it may ask to look at its books at every multiple of a period."""

from appliance.abi.control import NOW_NS, TIMER_DUE_NS, TIMER_NS
from appliance.abi.market import BookState, Event
from appliance.hot.cpu import cycles
from appliance.hot.jit import hot_part
from appliance.hot.view import show


@hot_part
def fire_timer(core, now_ns, is_live):
    """Asks the strategy to look at every live book if its timer was due before ``now_ns``. If so.

    Due is each multiple of its period. Live, a loop that was held up makes up for none of them.
    """
    control = core.control
    period_ns = control[TIMER_NS]
    due_ns = control[TIMER_DUE_NS]
    if period_ns == 0 or due_ns >= now_ns:
        return False
    if due_ns == 0 or is_live:
        control[TIMER_DUE_NS] = now_ns - now_ns % period_ns + period_ns
    else:
        control[TIMER_DUE_NS] = due_ns + period_ns
    if due_ns == 0:
        return False
    due_ns = control[TIMER_DUE_NS] - period_ns
    control[NOW_NS] = max(control[NOW_NS], due_ns)
    for i in range(core.latest.shape[0]):
        view = core.latest[i]
        if view.book_state == BookState.LIVE:
            view.event = Event.TIMER
            view.receive_ns = due_ns
            view.start_cycles = cycles()
            view.trade_ticks = 0
            view.trade_lots = 0
            show(core, i)
    return True
