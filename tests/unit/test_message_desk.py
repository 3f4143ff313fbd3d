"""Messages from the loop's ring: each to where it belongs, and none that stops the desk."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.link import LinkRole
from appliance.abi.market import Market
from appliance.abi.trading import Report
from appliance.cold.live.message_desk import MESSAGES_PER_LOOK
from appliance.hot.frame_ring import peek as peek_frame
from tests.strategies.message_bench import Desk
from tests.strategies.order_forms import (
    CANCEL_ID,
    ORDER_ID,
    execution_report,
    refusal,
    reply,
    trade_lite,
    trade_update,
)


def in_event(event: object) -> dict[str, object]:
    return {"subscriptionId": 0, "event": event}


def in_stream(event: object) -> dict[str, object]:
    return {"stream": "k", "data": event}


def bare(event: object) -> object:
    return event


@pytest.mark.parametrize("wrap", [in_event, bare])
def test_spot_user_data(wrap) -> None:
    desk = Desk()
    assert desk.hear(wrap(execution_report())) == [Report.ACCEPTED]
    cancel = execution_report(x="CANCELED", X="CANCELED", c=CANCEL_ID, C=ORDER_ID)
    assert desk.hear(wrap(cancel)) == [Report.CANCELED]
    assert desk.is_quiet()


@pytest.mark.parametrize("wrap", [in_stream, bare])
def test_usdm_user_data(wrap) -> None:
    desk = Desk(Market.USDM)
    update = trade_update(x="TRADE", X="FILLED", l="0.010", L="64000.2", z="0.010", t=1)
    assert desk.hear(wrap(trade_lite()), LinkRole.USER) == []
    assert desk.hear(wrap(update), LinkRole.USER) == [Report.FILL]
    assert desk.is_quiet()


@pytest.mark.parametrize(
    "event",
    [
        {"e": "outboundAccountPosition", "E": 1, "u": 1, "B": []},
        {"e": "balanceUpdate", "E": 1, "a": "BTC", "d": "1.0", "T": 1},
        {"e": "listStatus", "E": 1},
        {"e": "externalLockUpdate", "E": 1},
        {"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": {"m": "ORDER", "B": [], "P": []}},
        {"e": "MARGIN_CALL", "E": 1},
        {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1},
        {"e": "ALGO_UPDATE", "E": 1, "o": {}},
        {"e": "somethingNew", "E": 1},
        {"e": None},
        {"e": 5},
        {"result": None, "id": 1},
        {"id": 1},
        {},
    ],
)
def test_what_tells_of_no_order_is_passed_over(event: dict[str, object]) -> None:
    desk = Desk()
    assert desk.hear(event) == [] and desk.hear(in_event(event)) == []
    assert desk.is_quiet() and desk.desk.unreadable_n == 0


@pytest.mark.parametrize("kind", ["eventStreamTerminated", "listenKeyExpired"])
@pytest.mark.parametrize("wrap", [in_event, bare])
def test_the_end_of_user_data_is_told_at_once(kind: str, wrap) -> None:
    desk = Desk()
    desk.hear(wrap({"e": kind, "E": 1_736_996_475_556, "listenKey": "k"}), LinkRole.USER)
    assert desk.lost == [(LinkRole.USER, kind)]


@pytest.mark.parametrize(
    "message",
    [
        {"e": "serverShutdown", "E": 1_770_123_456_789},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1_770_123_456_789}},
        {"event": {"e": "serverShutdown", "E": 1_770_123_456_789}},
    ],
)
@pytest.mark.parametrize("role", list(LinkRole))
def test_a_shutdown_in_each_of_its_forms(message: dict[str, object], role: LinkRole) -> None:
    desk = Desk()
    assert desk.hear(message, role) == []
    assert desk.shutdowns == [role] and desk.lost == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(ORDER_ID, symbol="ETHBTC", orderId=1), [Report.ACCEPTED]),
        (refusal(ORDER_ID, 400, -2010, "insufficient balance"), [Report.REJECTED]),
        (refusal(ORDER_ID, 400, -1007), [Report.UNKNOWN]),
        (refusal(ORDER_ID, 503, -1008), [Report.UNKNOWN]),
        (refusal(CANCEL_ID, 400, -2011, "Unknown order sent."), [Report.UNKNOWN]),
        (refusal("logon", 401, -2015), []),
        (reply("userDataStream.subscribe", subscriptionId=0), []),
    ],
)
def test_replies(answer: dict[str, object], expected: list[Report]) -> None:
    desk = Desk()
    assert desk.hear(answer) == expected
    assert desk.lost == [] and desk.desk.unreadable_n == 0


def test_refusals_are_counted_by_what_was_said() -> None:
    desk = Desk()
    for code, text in ((-2010, "a"), (-2010, "a"), (-2010, "b"), (-1013, "a")):
        desk.hear(refusal(ORDER_ID, 400, code, text))
    assert desk.desk.refusals == {"-2010 a": 2, "-2010 b": 1, "-1013 a": 1}


@pytest.mark.parametrize(("status", "code"), [(401, -2015), (400, -2015), (401, -1002)])
@pytest.mark.parametrize("role", list(LinkRole))
def test_a_connection_that_the_venue_does_not_trust_any_more(role, status, code) -> None:
    desk = Desk()
    assert desk.hear(refusal(None, status, code, "Invalid API-key"), role) == []
    expected = [(role, f"{code} Invalid API-key")] if role >= LinkRole.ORDERS else []
    assert desk.lost == expected
    desk.hear(refusal(None, 400, -1003, "Too many requests"), role)
    assert desk.lost == expected, "of something else"


def test_a_wrong_clock_is_told() -> None:
    desk = Desk()
    desk.hear(refusal(ORDER_ID, 400, -1021, "outside of the recvWindow"))
    assert desk.clocks == [True] and not desk.desk.must_wait


@pytest.mark.parametrize(
    ("status", "code"), [(429, -1003), (418, -1003), (429, -1015), (400, -1015), (429, 0)]
)
def test_over_a_limit_there_is_a_pause(status: int, code: int) -> None:
    desk = Desk()
    assert not desk.desk.must_wait
    desk.hear(refusal(ORDER_ID, status, code or -1034, "slower"))
    assert desk.desk.must_wait


def test_the_pause_is_as_long_as_the_venue_says(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    until_ms = int((time.time() + 4.0) * 1000)
    data = {"serverTime": 1, "retryAfter": until_ms}
    desk.hear(refusal(ORDER_ID, 429, -1003, "slower", data=data))
    now_s = time.monotonic()
    for later_s, waits in ((3.0, True), (4.5, False)):
        monkeypatch.setattr(time, "monotonic", lambda s=now_s + later_s: s)
        assert desk.desk.must_wait == waits


def test_a_pause_that_is_over_already_is_none() -> None:
    desk = Desk()
    desk.hear(refusal(ORDER_ID, 429, -1003, "slower", data={"retryAfter": 1_700_000_000_000}))
    assert not desk.desk.must_wait


UNREADABLE = [
    b"",
    b"not JSON",
    b'{"e":"executionReport"',
    b"\xff\xfe",
    b"[1,2]",
    b'"text"',
    b"null",
    b'{"event":"text"}',
    b'{"event":[1]}',
    b'{"e":"executionReport"}',
    b'{"e":"ORDER_TRADE_UPDATE"}',
    b'{"e":"ORDER_TRADE_UPDATE","o":5}',
    b"[" * 100_000,
    b'{"id":"' + ORDER_ID.encode() + b'","status":1e999}',
    b'{"id":"' + ORDER_ID.encode() + b'","status":"x"}',
    b'{"id":"' + ORDER_ID.encode() + b'","status":200}',
    json.dumps(execution_report(x="TRADE", z="0.05")).encode(),
    json.dumps(execution_report(z="1e999999999")).encode(),
    json.dumps(execution_report(i=1 << 64)).encode(),
    json.dumps(execution_report(E=float("inf"))).encode(),
]


@pytest.mark.parametrize("message", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_may_have_told_of_a_fill(message: bytes) -> None:
    desk = Desk()
    desk.desk.hear(LinkRole.ORDERS, message)
    assert desk.lost == [(LinkRole.ORDERS, "a message that cannot be read")]
    assert desk.desk.unreadable_n == 1 and desk.desk.last_unreadable.startswith("orders: ")
    assert desk.hear(execution_report()) == [Report.ACCEPTED], "the next one is read"


@pytest.mark.parametrize("message", UNREADABLE[:4])
@pytest.mark.parametrize("role", [LinkRole.BOOKS, LinkRole.TRADES])
def test_of_market_data_it_is_only_counted(message: bytes, role: LinkRole) -> None:
    desk = Desk()
    desk.desk.hear(role, message)
    assert desk.lost == [] and desk.desk.unreadable_n == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
SHAPES = st.sampled_from(
    [execution_report(), trade_update()["o"], reply(ORDER_ID), refusal(ORDER_ID, 429, -1003)]
)


@given(st.binary(max_size=60) | JSON.map(lambda j: json.dumps(j).encode()))
def test_no_message_stops_the_desk(message: bytes) -> None:
    desk = Desk()
    desk.desk.hear(LinkRole.USER, message)
    assert len(desk.lost) == desk.desk.unreadable_n


@given(SHAPES, st.data())
def test_no_message_with_spoilt_values_stops_the_desk(shape: dict, data: st.DataObject) -> None:
    """Read or not: what could not be read is told of, and the loop hears at most one report."""
    spoilt = data.draw(st.dictionaries(st.sampled_from(sorted(shape)), JSON, max_size=3))
    wrap = data.draw(st.sampled_from([in_event, bare, in_stream]))
    desk = Desk()
    told = desk.hear(wrap(shape | spoilt))
    assert len(desk.lost) == desk.desk.unreadable_n
    assert len(told) <= 1


def test_what_waits_in_the_ring_is_served_in_order_and_by_role() -> None:
    desk = Desk()
    desk.put(execution_report())
    desk.put({"e": "serverShutdown", "E": 1}, LinkRole.BOOKS)
    desk.put({"e": "listenKeyExpired", "E": 1}, LinkRole.USER, k=5)
    desk.put(refusal(ORDER_ID, 503, -1007))
    desk.desk.serve()
    assert desk.told() == [Report.ACCEPTED, Report.UNKNOWN]
    assert desk.shutdowns == [LinkRole.BOOKS]
    assert desk.lost == [(LinkRole.USER, "listenKeyExpired")] and desk.lost_rows == [5]
    assert int(peek_frame(desk.to_desk)) < 0


def test_one_look_takes_so_many_and_the_next_the_others() -> None:
    desk = Desk()
    for _ in range(MESSAGES_PER_LOOK + 3):
        desk.put(execution_report())
    desk.desk.serve()
    assert len(desk.told()) == MESSAGES_PER_LOOK
    desk.desk.serve()
    assert len(desk.told()) == 3
