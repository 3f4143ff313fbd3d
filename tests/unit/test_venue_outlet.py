"""What leaves a connection, read back by another WebSocket implementation; faults included."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from appliance.cold.errors import ApplianceError
from appliance.cold.venue.faults import FaultBox, Faults
from appliance.cold.venue.outlet import PING, PONG, TEXT, Outlet, frame_of
from appliance.cold.venue.refusal import Refused

PATIENCE_S = 20.0


class Wire:
    """Stands for a transport: keeps what is written to it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.aborted = False
        self.unread_bytes = 0

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def abort(self) -> None:
        self.aborted = True


def parsed(data: bytes) -> list[Frame]:
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames = []
    while reader.buffer:
        parsing = Frame.parse(reader.read_exact, mask=False)
        try:
            next(parsing)
        except StopIteration as done:
            frames.append(done.value)
    return frames


def messages(data: bytes) -> list[bytes]:
    """Texts, fragments put together; control frames left out."""
    whole: list[bytes] = []
    part = b""
    for frame in parsed(data):
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            continue
        assert frame.opcode is (Opcode.CONT if part else Opcode.TEXT)
        part += frame.data
        if frame.fin:
            whole.append(part)
            part = b""
    assert not part
    return whole


def sent(faults: Faults, texts: list[bytes], *, late: bool = False, api: bool = False) -> Wire:
    """All that leaves at once; or, if some leave ``late``, as much as there is in ``texts``."""
    whole = sum(len(frame_of(TEXT, text)) for text in texts)

    async def run() -> Wire:
        wire: Any = Wire()
        outlet = Outlet(wire, FaultBox(faults), api)
        for text in texts:
            outlet.send(text)
        async with asyncio.timeout(PATIENCE_S):
            while late and len(b"".join(wire.writes)) < whole:
                await asyncio.sleep(0)
        outlet.close()
        return wire

    return asyncio.run(run())


TEXTS = [b'{"n":%d}' % n for n in range(20)]


@given(st.binary(max_size=300) | st.integers(60_000, 70_000).map(bytes), st.booleans())
def test_frames_are_as_the_standard_has_them(payload: bytes, last: bool) -> None:
    (frame,) = parsed(frame_of(TEXT, payload, last=last))
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.TEXT, payload, last)


def test_without_faults_all_leaves_at_once_and_in_order() -> None:
    assert messages(b"".join(sent(Faults(), TEXTS).writes)) == TEXTS


def test_drop_and_silence() -> None:
    assert sent(Faults(drop=1.0), TEXTS).writes == []
    assert sent(Faults(silent=True), TEXTS).writes == []
    some = messages(b"".join(sent(Faults(drop=0.5), TEXTS).writes))
    assert 0 < len(some) < len(TEXTS)
    assert some == [text for text in TEXTS if text in some]


def test_the_same_seed_spoils_the_same() -> None:
    first, again = (sent(Faults(drop=0.5, seed=7), TEXTS).writes for _ in range(2))
    assert first == again != sent(Faults(drop=0.5, seed=8), TEXTS).writes


def test_duplicates_follow_each_other() -> None:
    found = messages(b"".join(sent(Faults(duplicate=1.0), TEXTS).writes))
    assert found == [text for text in TEXTS for _ in range(2)]


def test_reordered_pairs() -> None:
    found = messages(b"".join(sent(Faults(reorder=1.0), TEXTS).writes))
    assert found == [text for n in range(0, 20, 2) for text in (TEXTS[n + 1], TEXTS[n])]


def test_the_last_message_is_not_held_for_ever() -> None:
    found = messages(b"".join(sent(Faults(reorder=1.0), TEXTS[:1], late=True).writes))
    assert found == TEXTS[:1]


def test_what_follows_a_late_message_is_late_too() -> None:
    found = sent(Faults(delay=0.3, delay_ms=5), TEXTS, late=True)
    assert messages(b"".join(found.writes)) == TEXTS


def test_fragments_and_pieces_make_the_same_messages() -> None:
    fragments = sent(Faults(fragment=1.0), TEXTS)
    assert len(parsed(b"".join(fragments.writes))) > len(TEXTS)
    assert messages(b"".join(fragments.writes)) == TEXTS
    pieces = sent(Faults(split=1.0), TEXTS, late=True)
    assert len(pieces.writes) >= 3 * len(TEXTS)
    assert messages(b"".join(pieces.writes)) == TEXTS


def test_no_pong_lands_inside_a_split_frame() -> None:
    async def run() -> list[Frame]:
        wire: Any = Wire()
        outlet = Outlet(wire, FaultBox(Faults(split=1.0)))
        outlet.send(TEXTS[0])
        outlet.control(PONG, b"seven")
        async with asyncio.timeout(PATIENCE_S):
            while not wire.writes[-1:] or not wire.writes[-1].endswith(b"seven"):
                await asyncio.sleep(0)
        return parsed(b"".join(wire.writes))

    text, pong = asyncio.run(run())
    assert (text.opcode, text.data) == (Opcode.TEXT, TEXTS[0])
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"seven")


def test_a_connection_that_breaks_off_says_no_more() -> None:
    wire = sent(Faults(disconnect=1.0), TEXTS)
    assert wire.aborted and wire.writes == []


def test_a_reader_that_does_not_read_is_cut_off() -> None:
    async def run() -> Wire:
        wire: Any = Wire()
        outlet = Outlet(wire, FaultBox(Faults()))
        outlet.send(TEXTS[0])
        wire.unread_bytes = 17 << 20
        outlet.send(TEXTS[1])
        outlet.send(TEXTS[2])
        return wire

    wire = asyncio.run(run())
    assert wire.aborted and len(wire.writes) == 2


@pytest.mark.parametrize(
    ("target", "api", "spoilt"),
    [
        ("streams", False, True),
        ("streams", True, False),
        ("api", False, False),
        ("api", True, True),
        ("all", False, True),
        ("all", True, True),
    ],
)
def test_whose_messages_are_spoilt(target: str, api: bool, spoilt: bool) -> None:
    assert (sent(Faults(drop=1.0, on=target), TEXTS, api=api).writes == []) is spoilt


def test_a_fault_may_hit_so_many_times_and_one_kind_of_event() -> None:
    texts = [b'{"e":"trade","t":%d}' % n if n % 2 else b'{"e":"depthUpdate"}' for n in range(20)]
    left = messages(b"".join(sent(Faults(drop=1.0, event="trade", times=3), texts).writes))
    assert left == [text for text in texts if text not in (texts[1], texts[3], texts[5])]
    left = messages(b"".join(sent(Faults(drop=1.0, event="depthUpdate"), texts).writes))
    assert left == texts[1::2]
    assert messages(b"".join(sent(Faults(drop=1.0, event="kline"), texts).writes)) == texts
    box = FaultBox(Faults(drop=1.0, times=2))
    assert [box.hits(1.0) for _ in range(4)] == [True, True, False, False]
    assert box.hits_n == 2
    box.set(box.faults)
    assert box.hits(1.0), "counted from the last change on"


def test_pings_are_never_spoilt() -> None:
    async def run() -> list[bytes]:
        wire: Any = Wire()
        Outlet(wire, FaultBox(Faults(silent=True, drop=1.0))).control(PING, b"now")
        writes: list[bytes] = wire.writes
        return writes

    (ping,) = parsed(b"".join(asyncio.run(run())))
    assert (ping.opcode, ping.data) == (Opcode.PING, b"now")


def test_faults_are_read_from_words() -> None:
    faults = Faults.parse(["drop=0.25", "silent=true", "clock_ms=-1500", "on=all", "seed=3"])
    assert faults == Faults(drop=0.25, silent=True, clock_ms=-1500, on="all", seed=3)
    assert FaultBox(faults).skew_ns == -1_500_000_000
    assert faults.changed({"silent": False, "delay_ms": 7}) == Faults(
        drop=0.25, delay_ms=7, clock_ms=-1500, on="all", seed=3
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("drop", "NAME=VALUE"),
        ("dorp=0.1", "no fault is called 'dorp'"),
        ("drop=often", "no float"),
        ("drop=1.5", "no probability"),
        ("drop=nan", "no probability"),
        ("silent=maybe", "no bool"),
        ("delay_ms=-1", "less than 0"),
        ("delay_ms=1.5", "no int"),
        ("on=everything", "none of streams, api, all"),
    ],
)
def test_words_that_are_no_fault(text: str, word: str) -> None:
    with pytest.raises(ApplianceError, match=word):
        Faults.parse([text])


def test_requests_fail_before_or_after_they_are_carried_out() -> None:
    before, after = FaultBox(Faults(error_before=1.0)), FaultBox(Faults(error_after=1.0))
    with pytest.raises(Refused) as refused:
        before.spoil_request("order.place", False)
    assert (refused.value.code, refused.value.status) == (-1008, 503)
    before.spoil_request("order.place", True)
    after.spoil_request("order.place", False)
    with pytest.raises(Refused) as refused:
        after.spoil_request("order.place", True)
    assert (refused.value.code, refused.value.status) == (-1007, 504)
    for name in ("ping", "time"):
        before.spoil_request(name, False)
