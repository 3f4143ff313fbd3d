"""The present view of an instrument: what the strategy is shown, and what the gate is told."""

from appliance.abi.counters import Counter
from appliance.abi.event import EventKind
from appliance.abi.limits import VIEW_LEVELS
from appliance.abi.market import BookState, Event
from appliance.hot.book.levels import copy_view
from appliance.hot.broadcast import write
from appliance.hot.jit import hot, hot_part, out_of_line
from appliance.hot.price_window import note_middle
from appliance.hot.telemetry import event_begin, event_commit


@hot_part
def take_ticker(view, message):
    """The venue's own top of book, unless the book is fresher already."""
    if message.last_id >= view.touch_id:
        view.touch_id = message.last_id
        view.bid_ticks = message.bid_ticks
        view.bid_lots = message.bid_lots
        view.ask_ticks = message.ask_ticks
        view.ask_lots = message.ask_lots


@hot_part
def take_book(core, view, i):
    """The levels of the book and its state; none if it is not LIVE."""
    head = core.books.heads[i]
    view.book_state = head.state
    view.book_id = head.last_id
    if head.state == BookState.LIVE:
        copy_view(core.books, i, view)
        if head.last_id >= view.touch_id:
            view.touch_id = head.last_id
            view.bid_ticks = head.bid_ticks
            view.bid_lots = head.bid_lots
            view.ask_ticks = head.ask_ticks
            view.ask_lots = head.ask_lots
    else:
        _blank(view)


@hot
def _blank(view):
    out_of_line()
    view.bid_n = 0
    view.ask_n = 0
    for k in range(VIEW_LEVELS):
        view.bids_ticks[k] = 0
        view.bids_lots[k] = 0
        view.asks_ticks[k] = 0
        view.asks_lots[k] = 0


@hot_part
def tell_state(core, i, receive_ns):
    telemetry = core.telemetry
    head = core.books.heads[i]
    core.latest[i].book_state = head.state
    event = telemetry.events.slots[event_begin(telemetry, EventKind.BOOK_STATE, i)]
    event.receive_ns = receive_ns
    event.reason = head.reason
    event.observed = head.state
    event_commit(telemetry)
    telemetry.counters[Counter.EVENTS, 0] += 1


@hot_part
def tell_gate(core, i):
    """What the gate needs of the view."""
    view = core.latest[i]
    head = core.books.heads[i]
    reference = core.gate.references[i]
    reference.book_state = head.state
    reference.book_ns = head.last_event_ns
    reference.bid_ticks = view.bid_ticks
    reference.ask_ticks = view.ask_ticks
    if view.event != Event.TRADE:
        reference.touch_ns = view.receive_ns
        if view.bid_ticks > 0 and view.ask_ticks > 0:
            middle2_ticks = view.bid_ticks + view.ask_ticks
            window_ns = core.gate.limits[i].collar_window_ns
            window = core.gate.windows[i]
            note_middle(window, reference, middle2_ticks, view.receive_ns, window_ns)
    if view.exchange_ns > 0:
        reference.event_ns = view.exchange_ns


@hot_part
def show(core, i):
    """The view to the market ring, for the strategy."""
    core.unshown[i] = 0
    write(core.market, core.latest[i : i + 1])
    core.telemetry.counters[Counter.MARKET_RECORDS, 0] += 1
