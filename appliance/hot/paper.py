"""The paper venue inside the loop: takes requests, gives reports, against the recorded market.

What it does, and what it does not claim:

* An order is accepted at once. POST_ONLY that would cross is rejected instead.
* A crossing order trades at the opposite touch, up to the lots displayed there; what we took at a
  touch_id is not there again at the same touch_id. Deeper levels are not touched. The rest of an
  IOC expires, the rest of a GTC rests.
* A resting order is filled completely, at its own price, when the market goes through it: a trade
  strictly beyond its price, or the opposite touch at or beyond it. A trade exactly at its price
  fills nothing: there is no queue model.
* No live book, or nothing on the other side: nothing crosses.
* Fills come buys first, best price first, then in order of arrival. Own orders do not meet.

The market comes first: ``on_market`` of a record, then the strategy, then ``poll_requests``.

Resting orders of an instrument and side form a list, best price first and oldest first within a
price. Its best price stands beside the touch, so a record that fills nothing costs two compares.

Every resting order keeps room for one report reserved in the ring, so no fill is ever lost to a
full ring: ``poll_requests`` waits instead.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.layout import records, slot_dtype
from appliance.abi.limits import INSTRUMENTS_MAX, INTENTS_MAX, ORDERS_MAX
from appliance.abi.market import BookState, Event
from appliance.abi.trading import ORDER_SLOT_MASK, Action, Report, Side, TimeInForce
from appliance.abi.units import INT64_MAX, NO_ID, NO_PRICE
from appliance.hot.jit import hot, hot_inline
from appliance.hot.ring import claim, peek, publish, release, size

REQUESTS_PER_POLL: Final = INTENTS_MAX
REPORTS_PER_REQUEST: Final = 3  # accepted, fill, expired
NONE: Final = -1

# Words of Paper.words
RESTING_N: Final = 0
LAST_ID: Final = 1  # of an order, counted from 1
WORDS_N: Final = 8

# An order that rests, at the slot that its key names.
RESTING: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("order_key", "<i8"),  # 0: nobody rests here (generations begin at 1)
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("price_ticks", "<i8"),
        ("leaves_lots", "<i8"),
        ("venue_id", "<i8"),
        ("better", "<i8"),  # slot of the neighbour towards the best price
        ("worse", "<i8"),
    ]
)

# What the paper venue knows of an instrument.
VENUE_BOOK: Final[np.dtype[np.void]] = slot_dtype(
    [
        ("touch_id", "<i8"),
        ("bid_ticks", "<i8"),  # the touch; NO_PRICE: empty, or the book is not live
        ("ask_ticks", "<i8"),
        ("bid_left_lots", "<i8"),  # displayed, less what we took at this touch_id
        ("ask_left_lots", "<i8"),
        ("bid_taken_lots", "<i8"),
        ("ask_taken_lots", "<i8"),
        ("best_buy_ticks", "<i8"),  # of our resting orders; 0: none
        ("best_sell_ticks", "<i8"),  # INT64_MAX: none
        ("best_buy", "<i8"),  # slot, or NONE
        ("best_sell", "<i8"),
    ]
)


class Paper(NamedTuple):
    books: Any  # VENUE_BOOK[n]
    resting: Any  # RESTING[ORDERS_MAX]
    words: np.ndarray  # int64[WORDS_N]


def make_paper(n: int) -> Paper:
    """A paper venue of ``n`` instruments with nothing in it. ValueError: n out of range."""
    if not 1 <= n <= INSTRUMENTS_MAX:
        raise ValueError(f"{n} instruments: 1 to {INSTRUMENTS_MAX} are possible")
    books = records(n, VENUE_BOOK)
    books["touch_id"] = NO_ID
    books["best_sell_ticks"] = INT64_MAX
    books["best_buy"] = NONE
    books["best_sell"] = NONE
    return Paper(books, records(ORDERS_MAX, RESTING), np.zeros(WORDS_N, np.int64))


@hot
def poll_requests(paper, requests, reports, now_ns):
    """Answer up to REQUESTS_PER_POLL requests; their number is the work done.

    ``requests``: consumer of the Ring of REQUEST; ``reports``: producer of the Ring of REPORT.
    A request waits while its answers, and one report of each resting order, would not fit.
    """
    for n in range(REQUESTS_PER_POLL):
        index = peek(requests)
        if index < 0:
            return n
        room_n = reports.slots.shape[0] - size(reports) - paper.words[RESTING_N]
        if room_n < REPORTS_PER_REQUEST:
            return n
        request = requests.slots[index]
        if request.action == Action.CANCEL:
            _cancel(paper, request, reports, now_ns)
        else:
            _place(paper, request, reports, now_ns)
        release(requests)
    return REQUESTS_PER_POLL


@hot
def on_market(paper, market, index, reports, now_ns):
    """Take in the MARKET record ``market[index]``; the number of resting orders it filled."""
    record = market[index]
    if record.instrument < 0 or record.instrument >= paper.books.shape[0]:
        return 0
    book = paper.books[record.instrument]
    is_new = record.touch_id != book.touch_id or record.touch_id == NO_ID
    _take_touch(book, record, is_new)
    # Buys at or above, sells at or below these prices are filled.
    buy_ticks = INT64_MAX
    sell_ticks = NO_PRICE
    if is_new:  # else what we left of this touch would fill our own rest again
        if book.ask_ticks != NO_PRICE:
            buy_ticks = book.ask_ticks
        sell_ticks = book.bid_ticks
    if record.event == Event.TRADE and record.trade_ticks > NO_PRICE:
        buy_ticks = min(buy_ticks, record.trade_ticks + 1)
        sell_ticks = max(sell_ticks, record.trade_ticks - 1)
    if book.best_buy_ticks < buy_ticks and book.best_sell_ticks > sell_ticks:
        return 0
    return _fill_resting(paper, book, buy_ticks, sell_ticks, reports, now_ns)


@hot_inline
def _take_touch(book, record, is_new):
    if is_new:
        book.touch_id = record.touch_id
        book.bid_taken_lots = 0
        book.ask_taken_lots = 0
    if record.book_state == BookState.LIVE:
        book.bid_ticks = record.bid_ticks
        book.ask_ticks = record.ask_ticks
        book.bid_left_lots = record.bid_lots - book.bid_taken_lots
        book.ask_left_lots = record.ask_lots - book.ask_taken_lots
    else:
        book.bid_ticks = NO_PRICE
        book.ask_ticks = NO_PRICE


@hot
def _fill_resting(paper, book, buy_ticks, sell_ticks, reports, now_ns):
    """Fill our buys at or above ``buy_ticks`` and our sells at or below ``sell_ticks``."""
    filled_n = 0
    for _ in range(ORDERS_MAX):
        if book.best_buy_ticks >= buy_ticks:
            slot = book.best_buy
        elif book.best_sell_ticks <= sell_ticks:
            slot = book.best_sell
        else:
            break
        if claim(reports) < 0:  # cannot be, see above; an order must not vanish if it is
            break
        order = paper.resting[slot]
        key, venue_id = order.order_key, order.venue_id
        price, lots = order.price_ticks, order.leaves_lots
        instrument, side = order.instrument, order.side
        _remove(paper, slot)
        index = _begin_report(reports, Report.FILL, key, instrument, side, venue_id, now_ns)
        _end_report(reports, index, price, lots, 1)
        filled_n += 1
    return filled_n


@hot
def _begin_report(reports, kind, key, instrument, side, venue_id, now_ns):
    """Claim a report and fill in who and what. There is room: see poll_requests."""
    index = claim(reports)
    if index >= 0:
        report = reports.slots[index]
        report.report = kind
        report.order_key = key
        report.instrument = instrument
        report.side = side
        report.venue_id = venue_id
        report.venue_ns = now_ns
    return index


@hot
def _end_report(reports, index, price_ticks, quantity_lots, maker):
    """Fill in what was traded (zeros: nothing was) and publish."""
    if index >= 0:
        report = reports.slots[index]
        report.price_ticks = price_ticks
        report.quantity_lots = quantity_lots
        report.maker = maker
        publish(reports)


@hot
def _answer(reports, kind, request, venue_id, price_ticks, quantity_lots, now_ns):
    """A report on a request; a fill of it took liquidity."""
    key, instrument, side = request.order_key, request.instrument, request.side
    index = _begin_report(reports, kind, key, instrument, side, venue_id, now_ns)
    _end_report(reports, index, price_ticks, quantity_lots, 0)


@hot
def _is_sound(paper, request):
    """Whether a request to place can be taken: all its values possible, its slot not in use."""
    slot = request.order_key & ORDER_SLOT_MASK
    return (
        request.action == Action.PLACE
        and request.order_key > 0
        and slot < ORDERS_MAX
        and 0 <= request.instrument < paper.books.shape[0]
        and (request.side == Side.BUY or request.side == Side.SELL)
        and request.price_ticks > 0
        and request.quantity_lots > 0
        and paper.resting[slot].order_key == 0
    )


@hot
def _place(paper, request, reports, now_ns):
    if not _is_sound(paper, request):
        _answer(reports, Report.REJECTED, request, NO_ID, 0, 0, now_ns)
        return
    paper.words[LAST_ID] += 1
    venue_id = paper.words[LAST_ID]
    book = paper.books[request.instrument]
    is_buy = request.side == Side.BUY
    if is_buy:
        touch_ticks = book.ask_ticks
        crosses = touch_ticks != NO_PRICE and request.price_ticks >= touch_ticks
    else:
        touch_ticks = book.bid_ticks
        crosses = touch_ticks != NO_PRICE and request.price_ticks <= touch_ticks
    if crosses and request.time_in_force == TimeInForce.POST_ONLY:
        _answer(reports, Report.REJECTED, request, venue_id, 0, 0, now_ns)
        return
    _answer(reports, Report.ACCEPTED, request, venue_id, 0, 0, now_ns)
    leaves_lots = request.quantity_lots
    if crosses:
        lots = _take_lots(book, is_buy, leaves_lots)
        leaves_lots -= lots
        if lots > 0:
            _answer(reports, Report.FILL, request, venue_id, touch_ticks, lots, now_ns)
    if leaves_lots == 0:
        return
    if request.time_in_force == TimeInForce.IOC:
        _answer(reports, Report.EXPIRED, request, venue_id, 0, 0, now_ns)
        return
    _rest(paper, request, leaves_lots, venue_id)


@hot_inline
def _take_lots(book, is_buy, wanted_lots):
    """Take up to ``wanted_lots`` of what the opposite touch still displays."""
    if is_buy:
        lots = min(wanted_lots, max(book.ask_left_lots, 0))
        book.ask_left_lots -= lots
        book.ask_taken_lots += lots
    else:
        lots = min(wanted_lots, max(book.bid_left_lots, 0))
        book.bid_left_lots -= lots
        book.bid_taken_lots += lots
    return lots


@hot
def _cancel(paper, request, reports, now_ns):
    """CANCELED if the order rests here, else CANCEL_REJECTED: it is over, or never came."""
    slot = request.order_key & ORDER_SLOT_MASK
    if request.order_key <= 0 or slot >= ORDERS_MAX:
        _answer(reports, Report.CANCEL_REJECTED, request, NO_ID, 0, 0, now_ns)
        return
    order = paper.resting[slot]
    if order.order_key != request.order_key:
        _answer(reports, Report.CANCEL_REJECTED, request, NO_ID, 0, 0, now_ns)
        return
    venue_id = order.venue_id
    _remove(paper, slot)
    _answer(reports, Report.CANCELED, request, venue_id, 0, 0, now_ns)


@hot
def _rest(paper, request, leaves_lots, venue_id):
    """Put an order into its list: behind every order of a better or the same price."""
    slot = request.order_key & ORDER_SLOT_MASK
    side, price = request.side, request.price_ticks
    order = paper.resting[slot]
    order.order_key = request.order_key
    order.instrument = request.instrument
    order.side = side
    order.price_ticks = price
    order.leaves_lots = leaves_lots
    order.venue_id = venue_id
    book = paper.books[request.instrument]
    better = NONE
    worse = book.best_buy if side == Side.BUY else book.best_sell
    for _ in range(ORDERS_MAX):
        # times the side: the smaller, the worse
        if worse == NONE or side * paper.resting[worse].price_ticks < side * price:
            break
        better = worse
        worse = paper.resting[worse].worse
    order.better = better
    order.worse = worse
    if worse != NONE:
        paper.resting[worse].better = slot
    if better != NONE:
        paper.resting[better].worse = slot
    else:
        _set_best(paper, book, side, slot)
    paper.words[RESTING_N] += 1


@hot
def _remove(paper, slot):
    order = paper.resting[slot]
    if order.worse != NONE:
        paper.resting[order.worse].better = order.better
    if order.better != NONE:
        paper.resting[order.better].worse = order.worse
    else:
        _set_best(paper, paper.books[order.instrument], order.side, order.worse)
    order.order_key = 0
    paper.words[RESTING_N] -= 1


@hot
def _set_best(paper, book, side, slot):
    """``slot`` (or NONE) is now our best order of that side."""
    if side == Side.BUY:
        book.best_buy = slot
        book.best_buy_ticks = 0 if slot == NONE else paper.resting[slot].price_ticks
    else:
        book.best_sell = slot
        book.best_sell_ticks = INT64_MAX if slot == NONE else paper.resting[slot].price_ticks
