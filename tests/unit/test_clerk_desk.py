"""What the clerk decides: back to the loop, into the quarantine, or away."""

import json

import numpy as np

from appliance.abi.counters import FAULT_BASE, Counter
from appliance.abi.limits import FRAME_BYTES_MAX, FRAME_HEADER_BYTES
from appliance.abi.market import Fault, FrameSource, Market
from appliance.cold.clerk import Clerk
from appliance.cold.clerk_desk import ClerkDesk
from appliance.cold.quarantine import Quarantine
from appliance.hot.core import Core
from appliance.hot.frame_ring import (
    instrument_at,
    length_at,
    number_at,
    peek,
    push,
    receive_ns_at,
    source_at,
)
from tests.strategies.cores import small_core

TICKER = (
    b'{ "data": {"u":7,"s":"BTCUSDT","b":"100.00","B":"1.00000","a":"100.01","A":"2.00000"},'
    b' "stream":"btcusdt@bookTicker"}'
)


def desk() -> tuple[Core, ClerkDesk, Quarantine]:
    core, quarantine = small_core(), Quarantine()
    clerk = Clerk([("BTCUSDT", Market.SPOT, 10**6, 10**3)])
    return core, ClerkDesk(core, clerk, quarantine), quarantine


def hand_over(core: Core, frame: bytes, source: FrameSource = FrameSource.STREAM) -> None:
    data = np.frombuffer(frame + bytes(64), np.uint8)
    assert push(core.to_clerk, data, 0, len(frame), 123, -1, int(source), 9)


def count(core: Core, counter: int) -> int:
    return int(core.telemetry.counters[counter, 0])


def test_what_can_be_read_goes_back_in_its_place() -> None:
    core, made, quarantine = desk()
    hand_over(core, TICKER)
    assert made.serve() == 1 and made.sent_back_n == 1
    ring = core.from_clerk
    offset = int(peek(ring))
    assert offset >= 0
    start = offset + FRAME_HEADER_BYTES
    event = json.loads(ring.data[start : start + int(length_at(ring, offset))].tobytes())
    assert event.get("data", event)["b"] in ("100", "100.0", "100.00")
    assert (int(instrument_at(ring, offset)), int(number_at(ring, offset))) == (0, 9)
    assert (int(receive_ns_at(ring, offset)), int(source_at(ring, offset))) == (
        123,
        FrameSource.CLERK,
    )
    assert quarantine.admitted_n == 0 == made.serve()


def test_a_frame_comes_back_only_once() -> None:
    core, made, quarantine = desk()
    hand_over(core, TICKER, FrameSource.CLERK)
    made.serve()
    assert made.sent_back_n == 0 and peek(core.from_clerk) < 0
    assert quarantine.counts() == {"OUT_OF_RANGE": 1}


def test_what_nobody_can_read_is_kept_with_its_reason() -> None:
    core, made, quarantine = desk()
    hand_over(core, b"{rubbish")
    hand_over(core, TICKER.replace(b"100.01", b"-1"))
    assert made.serve() == 2
    assert quarantine.counts() == {"NOT_JSON": 1, "BAD_DECIMAL": 1}
    assert [(p.number, p.receive_ns) for p in quarantine.patients] == [(9, 123)] * 2
    assert count(core, Counter.QUARANTINED) == 2
    assert count(core, FAULT_BASE + Fault.NOT_JSON) == count(core, FAULT_BASE + Fault.BAD_DECIMAL)


def test_a_frame_that_is_too_long_is_not_read() -> None:
    core, made, quarantine = desk()
    hand_over(core, b'{"stream":"' + b"x" * FRAME_BYTES_MAX + b'"}')
    made.serve()
    patient = quarantine.patients[0]
    assert patient.fault == Fault.TOO_LONG
    assert patient.length_bytes == FRAME_BYTES_MAX
    assert str(FRAME_BYTES_MAX + 13) in patient.detail


def test_what_is_sound_and_of_no_use_is_counted() -> None:
    core, made, quarantine = desk()
    hand_over(core, b'{"stream":"btcusdt@kline_1m","data":{"e":"kline"}}')
    hand_over(core, TICKER.replace(b"BTCUSDT", b"XRPUSDT").replace(b"btcusdt", b"xrpusdt"))
    made.serve()
    assert count(core, Counter.DECODED_OTHER) == count(core, Counter.STRANGERS) == 1
    assert quarantine.admitted_n == made.sent_back_n == 0


def test_no_room_is_counted() -> None:
    core, made, _ = desk()
    room = len(core.from_clerk.words) * 8 // (FRAME_HEADER_BYTES + 64)
    for _ in range(room):
        hand_over(core, TICKER)
        made.serve()
        if count(core, Counter.CLERK_FULL):
            break
    assert count(core, Counter.CLERK_FULL) == 1
