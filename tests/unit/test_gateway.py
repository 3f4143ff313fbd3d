"""The gateway: both rings or neither, one cancel an order, bounded polls of reports."""

import json
from typing import Any

import numpy as np
import pytest

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.counters import Counter
from appliance.abi.journal import make_journal
from appliance.abi.layout import records
from appliance.abi.limits import ORDERS_MAX
from appliance.abi.market import INSTRUMENT, Market, symbol_words
from appliance.abi.refusal import Reject
from appliance.abi.trading import (
    EGRESS,
    POSITION,
    REPORT,
    REQUEST,
    Action,
    OrderState,
    Report,
    Side,
    TimeInForce,
)
from appliance.hot.gateway import (
    RECANCEL_NS,
    REPORTS_PER_POLL,
    Gateway,
    cancel,
    discard_egress,
    make_gateway,
    poll_reports,
    send,
)
from appliance.hot.order_reports import STRAY
from appliance.hot.order_text import client_id, make_templates
from appliance.hot.orders import LIVE_N, key_of, make_orders
from appliance.hot.ring import claim, make_ring, peek, publish, release, size

EPOCH = 7
NOW_NS = 1_723_161_255_208_000_000


def desk(requests_n: int = 16, egress_n: int = 16) -> Gateway:
    instruments = records(2, INSTRUMENT)
    for i in range(2):
        instruments[i].symbol[:] = symbol_words(("BTCUSDT", "ETHUSDT")[i])
        instruments[i].market = Market.SPOT
        instruments[i].price_grid_e8 = 1_000_000
        instruments[i].price_decimals = 2
        instruments[i].quantity_grid_e8 = 10_000
        instruments[i].quantity_decimals = 4
        instruments[i].price_step_ticks = instruments[i].quantity_step_lots = 1
    return make_gateway(
        make_orders(),
        records(2, POSITION),
        records(1, GATE_ACCOUNT),
        make_templates(instruments, EPOCH),
        make_ring(requests_n, REQUEST),
        make_ring(egress_n, EGRESS),
        make_ring(64, REPORT),
        make_ring(64, REPORT),
        make_journal(1024),
    )


def new_counters() -> np.ndarray:
    return np.zeros((256, 16), np.int64)


def place(gateway: Gateway, counters: np.ndarray, **change: int) -> int:
    order = {
        "instrument": 1,
        "side": Side.SELL,
        "price": 250_025,
        "lots": 30,
        "tif": TimeInForce.GTC,
        **change,
    }
    return int(send(gateway, *order.values(), 9, NOW_NS, counters))


def report(gateway: Gateway, kind: int, key: int, lots: int = 0) -> None:
    slot = gateway.reports.slots[claim(gateway.reports)]
    slot.report = kind
    slot.order_key = key
    slot.instrument = 1
    slot.side = Side.SELL
    slot.price_ticks = 250_025
    slot.quantity_lots = lots
    slot.venue_ns = NOW_NS + 1
    publish(gateway.reports)


def everything(gateway: Gateway) -> list[bytes]:
    arrays: list[Any] = [gateway.positions, gateway.account, *gateway.orders]
    for ring in (gateway.requests, gateway.egress):
        arrays.extend(ring)
    return [array.tobytes() for array in arrays]


def test_an_order_goes_out_twice_as_a_record_and_as_text() -> None:
    gateway, counters = desk(), new_counters()
    slot = place(gateway, counters)
    assert slot >= 0
    key = int(key_of(gateway.orders, slot))
    request = gateway.requests.slots[peek(gateway.requests)]
    assert (request.action, request.order_key, request.instrument) == (Action.PLACE, key, 1)
    assert (request.side, request.price_ticks, request.quantity_lots) == (Side.SELL, 250_025, 30)
    assert (request.time_in_force, request.sent_ns) == (TimeInForce.GTC, NOW_NS)
    out = gateway.egress.slots[peek(gateway.egress)]
    assert (out.order_key, out.instrument, out.sent_ns) == (key, 1, NOW_NS)
    params = json.loads(bytes(out.text[: out.length_bytes]))["params"]
    assert (params["symbol"], params["price"], params["quantity"]) == (
        "ETHUSDT",
        "2500.25",
        "0.0030",
    )
    assert params["newClientOrderId"] == client_id(EPOCH, key)
    assert gateway.positions[1].open_sell_lots == 30
    assert gateway.account[0].open_orders_n == 1
    assert counters[Counter.ORDERS_SENT, 0] == 1
    assert counters[Counter.ORDER_BYTES, 0] == out.length_bytes


@pytest.mark.parametrize(("requests_n", "egress_n"), [(2, 16), (16, 2)])
def test_a_full_ring_refuses_before_anything_changes(requests_n: int, egress_n: int) -> None:
    gateway, counters = desk(requests_n, egress_n), new_counters()
    slots = [place(gateway, counters) for _ in range(2)]
    before = everything(gateway)
    assert place(gateway, counters) == -Reject.RING_FULL
    assert cancel(gateway, slots[0], NOW_NS, counters) == 0
    assert everything(gateway) == before
    assert counters[Counter.EGRESS_FULL, 0] == 2
    assert counters[Counter.ORDERS_SENT, 0] == 2
    full = gateway.requests if requests_n == 2 else gateway.egress
    peek(full)
    release(full)
    assert cancel(gateway, slots[0], NOW_NS, counters) == 1


def test_a_full_table_refuses_before_anything_changes() -> None:
    gateway, counters = desk(2 * ORDERS_MAX, 2 * ORDERS_MAX), new_counters()
    for _ in range(ORDERS_MAX):
        assert place(gateway, counters) >= 0
    before = everything(gateway)
    assert place(gateway, counters) == -Reject.ORDER_TABLE_FULL
    assert everything(gateway) == before
    assert gateway.orders.words[LIVE_N] == ORDERS_MAX


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"instrument": -1}, Reject.UNKNOWN_INSTRUMENT),
        ({"instrument": 2}, Reject.UNKNOWN_INSTRUMENT),
        ({"side": 0}, Reject.BAD_SIDE),
        ({"tif": 3}, Reject.BAD_TYPE),
        ({"tif": -1}, Reject.BAD_TYPE),
        ({"price": 0}, Reject.OVERFLOW),
        ({"lots": -1}, Reject.OVERFLOW),
    ],
)
def test_what_would_write_nonsense_is_refused(change: dict[str, int], reason: Reject) -> None:
    gateway, counters = desk(), new_counters()
    before = everything(gateway)
    assert place(gateway, counters, **change) == -reason
    assert everything(gateway) == before
    assert not counters.any()


def test_a_cancel_goes_out_once_until_it_has_failed() -> None:
    gateway, counters = desk(), new_counters()
    slot = place(gateway, counters)
    key = int(key_of(gateway.orders, slot))
    assert cancel(gateway, slot, NOW_NS, counters) == 1
    assert cancel(gateway, slot, NOW_NS, counters) == 0
    assert size(gateway.requests) == size(gateway.egress) == 2
    request = gateway.requests.slots[1]
    assert (request.action, request.order_key, request.instrument) == (Action.CANCEL, key, 1)
    out = gateway.egress.slots[1]
    text = json.loads(bytes(out.text[: out.length_bytes]))
    assert text["params"]["origClientOrderId"] == client_id(EPOCH, key)
    assert gateway.positions[1].open_sell_lots == 30  # exposure until the venue has answered
    report(gateway, Report.CANCEL_REJECTED, key)
    poll_reports(gateway, NOW_NS, counters)
    assert cancel(gateway, slot, NOW_NS + RECANCEL_NS - 1, counters) == 0  # not at its pace
    assert cancel(gateway, slot, NOW_NS + RECANCEL_NS, counters) == 1
    report(gateway, Report.CANCELED, key)
    poll_reports(gateway, NOW_NS, counters)
    assert cancel(gateway, slot, NOW_NS + 9 * RECANCEL_NS, counters) == 0
    assert counters[Counter.CANCELS_SENT, 0] == 2


@pytest.mark.parametrize("slot", [-1, 0, ORDERS_MAX - 1, ORDERS_MAX])
def test_a_cancel_of_nothing(slot: int) -> None:
    gateway, counters = desk(), new_counters()
    assert cancel(gateway, slot, NOW_NS, counters) == 0
    assert size(gateway.requests) == 0


def test_reports_are_applied_a_bounded_number_at_a_time() -> None:
    gateway, counters = desk(), new_counters()
    key = int(key_of(gateway.orders, place(gateway, counters)))
    assert poll_reports(gateway, NOW_NS, counters) == 0
    report(gateway, Report.ACCEPTED, key)
    for _ in range(REPORTS_PER_POLL):
        report(gateway, Report.FILL, key, lots=1)
    report(gateway, Report.CANCELED, key)
    report(gateway, Report.CANCELED, key)

    assert poll_reports(gateway, NOW_NS, counters) == REPORTS_PER_POLL
    assert gateway.outcomes[0] == OrderState.OPEN
    assert (gateway.outcomes[1:] == OrderState.PARTIAL).all()
    assert (gateway.applied["report"][1:] == Report.FILL).all()
    assert (gateway.applied["quantity_lots"][1:] == 1).all()
    assert poll_reports(gateway, NOW_NS, counters) == 3
    assert list(gateway.outcomes[:3]) == [OrderState.PARTIAL, OrderState.CANCELED, STRAY]
    assert poll_reports(gateway, NOW_NS, counters) == 0
    assert gateway.positions[1].position_lots == -REPORTS_PER_POLL
    assert gateway.positions[1].open_sell_lots == 0
    assert counters[Counter.REPORTS, 0] == REPORTS_PER_POLL + 3


def test_the_applied_reports_are_copies() -> None:
    gateway, counters = desk(), new_counters()
    key = int(key_of(gateway.orders, place(gateway, counters)))
    report(gateway, Report.FILL, key, lots=4)
    taken = peek(gateway.reports)
    poll_reports(gateway, NOW_NS, counters)
    assert gateway.applied[0].tobytes() == gateway.reports.slots[taken].tobytes()
    gateway.reports.slots[taken].quantity_lots = 99
    assert gateway.applied[0].quantity_lots == 4


def test_bytes_nobody_sends_can_be_thrown_away() -> None:
    gateway, counters = desk(), new_counters()
    for _ in range(16):
        assert place(gateway, counters) >= 0
    digest = discard_egress(gateway, 0)
    assert digest != 0
    assert size(gateway.egress) == 0
    assert discard_egress(gateway, digest) == digest  # nothing more was there


def test_an_instrument_needs_a_position() -> None:
    gateway = desk()
    with pytest.raises(ValueError, match="position"):
        make_gateway(
            gateway.orders,
            records(1, POSITION),
            gateway.account,
            gateway.templates,
            gateway.requests,
            gateway.egress,
            gateway.reports,
            gateway.from_desk,
            gateway.journal,
        )
