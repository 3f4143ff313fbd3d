"""The simulated venue against rules written down anew: any history, any orders, the same fills.

appliance.hot.backtest.venue, appliance.hot.backtest.lines, appliance.hot.backtest.answers,
appliance.hot.backtest.queue, appliance.hot.backtest.depth, appliance.hot.backtest.venue_state
"""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.history import AT_EXCHANGE, BUY, HISTORY, SELL, Happened, Queue, What
from appliance.abi.layout import records
from appliance.abi.trading import REQUEST, Action, Report, TimeInForce
from appliance.hot.backtest.depth import NOBODY, make_depth
from appliance.hot.backtest.flights import flying_n, landed, next_arrival
from appliance.hot.backtest.latency import make_latency
from appliance.hot.backtest.venue import on_request, on_row
from appliance.hot.backtest.venue_state import (
    FILLS,
    LOG_N,
    POST_ONLY_REPORT,
    QUEUE,
    make_venue,
)
from appliance.hot.jit import JIT_DISABLED, hot
from tests.oracle.reference_venue import ReferenceVenue

# Uncompiled, NumPy says so when nobody can tell who stood behind whom.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

EXAMPLES = 15 if JIT_DISABLED else 120
SEEDS = 6 if JIT_DISABLED else 60
EVENTS = 400
RESPONSE_NS = 70

ticks = st.integers(95, 105)
lots = st.integers(0, 6)
side = st.sampled_from([1, -1])
level = st.tuples(st.just("level"), side, ticks, lots)
trade = st.tuples(st.just("trade"), side, ticks, st.integers(1, 9))
place = st.tuples(
    st.just("place"), side, ticks, st.integers(1, 5), st.sampled_from(list(TimeInForce))
)
cancel = st.tuples(st.just("cancel"), st.integers(1, 12))
history = st.lists(st.one_of(level, level, trade, place, place, cancel), max_size=60)


@hot
def apply_row(venue, rows):
    on_row(venue, 0, rows[0])


class Both:
    """Our venue and the reference, told the same."""

    def __init__(self, *, partial: bool, power: float) -> None:
        latency = make_latency(np.array([[1, 11, 11 + RESPONSE_NS]]))
        self.venue = make_venue(make_depth((8,)), latency, np.array([0.001]))
        self.venue.words[FILLS] = partial
        self.venue.words[QUEUE] = Queue.POWER if power else Queue.RISK_AVERSE
        self.venue.words[POST_ONLY_REPORT] = Report.EXPIRED
        self.venue.power[0] = power
        self.reference = ReferenceVenue(partial, power)
        self.row, self.request = records(1, HISTORY), records(1, REQUEST)
        self.now_ns, self.key = 1_000, 0
        self.slots: dict[int, int] = {}

    def tell(self, what: str, *words: int) -> None:
        self.now_ns += 10
        getattr(self, what)(*words)

    def _row(self, kind: int, which: int, at: int, count: int) -> None:
        row = self.row[0]
        row.kind = kind | AT_EXCHANGE | (BUY if which > 0 else SELL)
        row.exchange_ns, row.ticks, row.lots = self.now_ns, at, count
        apply_row(self.venue, self.row)

    def level(self, which: int, at: int, count: int) -> None:
        self._row(What.DEPTH, which, at, count)
        self.reference.level(which, at, count)

    def trade(self, taker: int, at: int, count: int) -> None:
        self._row(What.TRADE, taker, at, count)
        self.reference.trade(taker, at, count)

    def place(self, which: int, at: int, count: int, tif: TimeInForce) -> None:
        self.key += 1
        self._send(Action.PLACE, self.key, which, at, count, tif)
        self.reference.place(self.key, which, at, count, tif.name)

    def cancel(self, key: int) -> None:
        self._send(Action.CANCEL, key, 1, 0, 0, TimeInForce.GTC)
        self.reference.cancel(key)

    def _send(self, action: int, key: int, which: int, at: int, count: int, tif: int) -> None:
        request = self.request[0]
        request.action, request.order_key = action, key << 16 | key
        request.instrument, request.side = 0, which
        request.price_ticks, request.quantity_lots, request.time_in_force = at, count, tif
        request.sent_ns = self.now_ns - 10
        on_request(self.venue, request, self.now_ns)

    def done(self) -> list[tuple[str, int, int, int]]:
        found = []
        for entry in self.venue.log[: self.venue.words[LOG_N]]:
            what, key = Happened(entry.event).name, int(entry.order_key) & 0xFFFF
            at, count = int(entry.price_ticks), int(entry.quantity_lots)
            if what == "CANCEL_REJECTED":
                at = count = 0
            elif what == "CANCELED":
                at = next(o[2] for o in found if o[1] == key and o[0] == "PLACED")
                count = 0
            elif what == "EXPIRED":
                count = 0
            found.append((what, key, at, count))
        return found


def expected(done: list[tuple[str, int, int, int]]) -> list[tuple[str, int, int, int]]:
    return [(w, k, t, 0 if w == "EXPIRED" else n) for w, k, t, n in done]


@settings(max_examples=EXAMPLES)
@given(history, st.booleans(), st.sampled_from([0.0, 1.0, 3.0]))
def test_the_same_as_the_rules(events: list[tuple], partial: bool, power: float) -> None:
    both = Both(partial=partial, power=power)
    for event in events:
        both.tell(*event)
        for which, k in ((1, 0), (-1, 1)):
            best = both.reference.best[which]
            ours = int(both.venue.depth.sides[k].best)
            assert ours == (NOBODY if best is None else which * best)
    assert both.done() == expected(both.reference.done)
    _check_reports(both)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_same_as_the_rules_by_seed(seed: int) -> None:
    """Histories that are full of everything, which a search for the simplest seldom looks at."""
    rng = random.Random(seed)
    both = Both(partial=seed % 2 == 1, power=(0.0, 1.0, 3.0)[seed % 3])
    which, where = (lambda: rng.choice((1, -1))), (lambda: rng.randint(95, 105))
    for _ in range(EVENTS):
        what = rng.choice(("level", "level", "trade", "place", "place", "cancel"))
        if what == "level":
            both.tell(what, which(), where(), rng.randint(0, 6))
        elif what == "trade":
            both.tell(what, which(), where(), rng.randint(1, 9))
        elif what == "place":
            tif = rng.choice(list(TimeInForce))
            both.tell(what, which(), where(), rng.randint(1, 5), tif)
        else:
            both.tell(what, rng.randint(max(1, both.key - 12), both.key + 1))
    told = {what for what, *_ in both.reference.done}
    assert told >= {"PLACED", "FILL", "REFUSED", "CANCEL_REJECTED"}
    assert both.done() == expected(both.reference.done)
    _check_reports(both)


def _check_reports(both: Both) -> None:
    """One report an entry, in its order, RESPONSE_NS after it happened."""
    reports = both.venue.reports
    entries = both.venue.log[: both.venue.words[LOG_N]]
    assert int(flying_n(reports)) == len(entries)
    for entry in entries:
        at = int(next_arrival(reports, 1 << 62))
        report = reports.messages[at]
        assert int(reports.arrivals_ns[at]) == entry.local_ns == entry.exchange_ns + RESPONSE_NS
        assert (report.order_key, report.venue_ns) == (entry.order_key, entry.exchange_ns)
        assert report.maker == entry.maker
        landed(reports)
