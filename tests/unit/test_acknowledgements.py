"""Messages about our orders, read in the loop: the same report as the cold side's, or none.

The oracle is the session's own reader (json, fractions): what the loop takes, it must have said in
just those words. What it does not take is the cold side's, so only what is common is asked for.
"""

import json

import numpy as np
import pytest
from hypothesis import given

from appliance.abi.layout import records
from appliance.abi.limits import FRAME_PADDING_BYTES
from appliance.abi.link import LinkRole
from appliance.abi.market import INSTRUMENT, Market
from appliance.abi.trading import REPORT, Report
from appliance.cold.live.message_desk import MessageDesk
from appliance.cold.live.order_messages import Grid, OrderMessages
from appliance.cold.live.report_sink import ReportSink
from appliance.hot.acknowledgements import acknowledge
from appliance.hot.decode.spans import make_spans
from appliance.hot.decode.symbols import add_symbol, make_symbols
from appliance.hot.ring import make_ring, peek, release, size
from appliance.hot.rings import make_rings
from tests.strategies.order_changes import EXECUTIONS, cancelled, changed_messages, compact
from tests.strategies.order_forms import (
    CANCEL_ID,
    E_MS,
    EPOCH,
    KEY,
    ORDER_ID,
    execution_report,
    refusal,
    reply,
    trade_lite,
    trade_update,
)

NOW_NS = 1_700_000_000_123_456_789
# Each with another kind of tick-lot: 10**-8, 10**-4, 10**-9 (finer than a quote amount), 3 x 10**-9
GRIDS = {
    "ETHBTC": (1, Grid(10, 10_000_000)),
    "BTCUSDT": (2, Grid(10_000_000, 100_000)),
    "FINEBTC": (3, Grid(1, 10_000_000)),
    "ODDUSDT": (4, Grid(3, 10_000_000)),
    "币安USDT": (5, Grid(1_000_000, 100_000_000)),
}
NAMES = [name for name in REPORT.names or () if name not in ("sequence", "pad")]


class Both:
    """The loop's reader and the cold side's."""

    def __init__(self, market: Market) -> None:
        self.reports = make_ring(4, REPORT)
        self.cold = make_ring(1024, REPORT)
        self.spans = make_spans()
        self.symbols = make_symbols()
        self.instruments = records(len(GRIDS) + 1, INSTRUMENT)
        for name, (i, grid) in GRIDS.items():
            add_symbol(self.symbols, name, i)
            self.instruments[i].price_grid_e8 = grid.price_e8
            self.instruments[i].quantity_grid_e8 = grid.quantity_e8
            self.instruments[i].market = market
        self.lost: list[str] = []
        self.desk = MessageDesk(
            ring=make_rings(1 << 16).to_desk,
            messages=OrderMessages(market, EPOCH, GRIDS),
            sink=ReportSink(self.cold),
            on_shutdown=lambda role: self.lost.append("shutdown"),
            on_user_data_lost=lambda role, k, why: self.lost.append(why),
            on_clock=lambda: self.lost.append("clock"),
        )

    def hot_says(self, message: bytes, before: int = 3) -> list[dict[str, int]]:
        text = np.full(before + len(message) + FRAME_PADDING_BYTES, 0x22, np.uint8)
        text[before : before + len(message)] = np.frombuffer(message, np.uint8)
        taken = acknowledge(
            self.reports,
            text,
            before,
            len(message),
            NOW_NS,
            self.spans,
            self.symbols,
            self.instruments,
            EPOCH,
        )
        said = _emptied(self.reports)
        assert len(said) == int(taken)
        return said

    def cold_says(self, message: bytes) -> list[dict[str, int]]:
        self.lost.clear()
        self.desk.hear(LinkRole.ORDERS, message)
        return _emptied(self.cold)

    def agree(self, message: bytes) -> bool:
        """Whether the loop took it; then it must have said what the cold side says."""
        hot = self.hot_says(message)
        if not hot:
            return False
        cold = self.cold_says(message)
        assert not self.lost
        for said in cold:
            if hot[0]["venue_ns"] == NOW_NS:  # a reply: the present, each by its own clock
                said["venue_ns"] = NOW_NS
        assert hot == cold
        return True


def _emptied(ring) -> list[dict[str, int]]:
    found = []
    while (index := int(peek(ring))) >= 0:
        found.append({name: int(ring.slots[index][name]) for name in NAMES})
        release(ring)
    return found


SPOT, USDM = Both(Market.SPOT), Both(Market.USDM)


@pytest.mark.parametrize("changed", EXECUTIONS)
@pytest.mark.parametrize("wrap", ["bare", "subscription", "stream"])
def test_every_execution_of_spot_is_read_in_the_loop(changed, wrap) -> None:
    event = execution_report(**changed)
    whole = {
        "bare": event,
        "subscription": {"subscriptionId": 0, "event": event},
        "stream": {"stream": "abc", "data": event},
    }[wrap]
    assert SPOT.agree(compact(whole))
    assert SPOT.agree(json.dumps(whole, indent=1, ensure_ascii=False).encode())


@pytest.mark.parametrize("changed", [one for one in EXECUTIONS if "s" not in one])
def test_every_execution_of_usdm_is_read_in_the_loop(changed) -> None:
    changed = {"L": "64000.1", **changed, "s": "BTCUSDT", "c": ORDER_ID}
    if changed["L"] in ("0.1026441", "0.0000001"):
        changed["L"] = "64000.1"
    taken = USDM.agree(compact(trade_update(**changed)))
    assert taken == (changed.get("x") != "TRADE_PREVENTION")
    assert taken == USDM.agree(compact({"stream": "k", "data": trade_update(**changed)}))


def test_a_fill_in_all_its_fields() -> None:
    event = execution_report(**EXECUTIONS[1])
    (said,) = SPOT.hot_says(compact({"subscriptionId": 0, "event": event}))
    assert said == {
        "report": Report.FILL,
        "order_key": KEY,
        "instrument": 1,
        "side": 1,
        "price_ticks": 1_026_441,
        "quantity_lots": 3,
        "tells_total": 1,
        "filled_lots": 5,
        "filled_tick_lots": 5_132_205,
        "venue_ns": E_MS * 1_000_000,
        "venue_id": 4293153,
        "maker": 0,
    }


@pytest.mark.parametrize("both", [SPOT, USDM])
def test_replies_to_orders_and_cancels(both) -> None:
    placed = {"symbol": "BTCUSDT", "orderId": 12, "clientOrderId": ORDER_ID, "transactTime": 5}
    assert both.agree(compact(reply(ORDER_ID, **placed)))
    for status in ("CANCELED", "FILLED", "PARTIALLY_FILLED", "NEW", "EXPIRED", "REJECTED"):
        done = {"executedQty": "0.3", "cummulativeQuoteQty": "0.03", "cumQuote": "0.06"}
        assert both.agree(compact(reply(CANCEL_ID, **cancelled(status=status))))
        assert both.agree(compact(reply(CANCEL_ID, **cancelled(status=status, **done))))


@pytest.mark.parametrize(
    "message",
    [
        compact(refusal(ORDER_ID, 400, -2010, "Account has insufficient balance")),
        compact(refusal(CANCEL_ID, 400, -2011, "Unknown order sent.")),
        compact(refusal(ORDER_ID, 429, -1003, "", data={"retryAfter": 1})),
        compact(reply("another", symbol="ETHBTC", orderId=1)),
        compact(reply(ORDER_ID, symbol="UNKNOWN", orderId=1)),
        compact(reply(ORDER_ID.replace("2a", "2b"), symbol="ETHBTC", orderId=1)),
        compact(execution_report(c="web_abc")),
        compact(execution_report(s="UNKNOWN")),
        compact(execution_report(s="ethbtc")),
        compact(execution_report(x="REPLACED")),
        compact(execution_report(x="TRADE", l="0.05", z="0.1", L="0.1")),  # half a lot
        compact(trade_lite()),
        compact(trade_update(x="CALCULATED")),
        compact({"e": "outboundAccountPosition", "E": 1}),
        compact({"event": {"e": "serverShutdown", "E": 1}}),
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"{",
    ],
)
def test_what_is_left_to_the_cold_side(message) -> None:
    assert SPOT.hot_says(message) == []


def test_no_room_for_a_report_leaves_the_message() -> None:
    both = Both(Market.SPOT)
    message = compact(execution_report())
    text = np.zeros(len(message) + FRAME_PADDING_BYTES, np.uint8)
    text[: len(message)] = np.frombuffer(message, np.uint8)
    lot = (both.spans, both.symbols, both.instruments, EPOCH)
    taken = [acknowledge(both.reports, text, 0, len(message), NOW_NS, *lot) for _ in range(6)]
    assert [bool(one) for one in taken] == [True] * 4 + [False] * 2
    assert size(both.reports) == 4


def test_bytes_behind_the_message_do_not_matter() -> None:
    both = Both(Market.SPOT)
    message = compact(execution_report())
    text = np.full(len(message) + FRAME_PADDING_BYTES, 0xFF, np.uint8)
    text[: len(message)] = np.frombuffer(message, np.uint8)
    for less in (0, 1, 2, 17):
        lot = (both.spans, both.symbols, both.instruments, EPOCH)
        taken = acknowledge(both.reports, text, 0, len(message) - less, NOW_NS, *lot)
        assert bool(taken) == (less == 0)


@given(changed_messages())
def test_what_the_loop_takes_the_cold_side_takes_alike(message: bytes) -> None:
    SPOT.agree(message)
    USDM.agree(message)
