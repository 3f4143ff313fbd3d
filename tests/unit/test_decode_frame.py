"""Kinds, instruments, every cut.

Under test: appliance.hot.decode.frame, appliance.hot.decode.envelope,
appliance.hot.decode.interpret.
"""

import json
import random
from typing import Any

import numpy as np
import pytest

from appliance.abi.limits import FRAME_BYTES_MAX, FRAME_PADDING_BYTES
from appliance.abi.market import Kind
from appliance.hot.decode.frame import decode
from tests.conftest import JIT_DISABLED
from tests.fuzz.fuzz_decode import shapes
from tests.strategies.frames import INSTRUMENTS
from tests.strategies.hot_decoder import (
    HOSTILE,
    Reading,
    agree,
    new_decoder,
    placed,
    read,
    reading_of,
)
from tests.strategies.plain_events import (
    AGG_TRADE,
    BTCUSDT,
    CHINESE,
    CLERK,
    DEPTH,
    SNAPSHOT,
    TICKER,
    TRADE,
)

DECODER = new_decoder()
FRAMES = shapes()


def both(text: str | bytes, hint: int = -1, behind: bytes = b'"}]}') -> Reading:
    data = text if isinstance(text, bytes) else text.encode()
    reading = read(DECODER, data, hint, behind)
    agree(reading, CLERK, data, hint)
    return reading


def enveloped(event: Any, stream: str, *, ascii_only: bool = False) -> str:
    document = {"stream": stream, "data": event}
    return json.dumps(document, ensure_ascii=ascii_only, separators=(",", ":"))


# --- cuts, changes, surroundings -----------------------------------------------------------------


@pytest.mark.parametrize("n", range(len(FRAMES)))
def test_a_frame_cut_anywhere_is_undecided(n: int) -> None:
    """Also where its true continuation, or something like it, stands right behind the cut."""
    frame = FRAMES[n]
    assert read(DECODER, frame, 0).kind is not Kind.UNDECIDED
    for cut in range(0, len(frame), 7 if JIT_DISABLED else 1):
        rest = frame[cut:] + b" "
        for behind in (rest, rest.lstrip(b" \n"), HOSTILE[cut % len(HOSTILE)]):
            reading = read(DECODER, frame[:cut], 0, behind)
            assert reading.kind is Kind.UNDECIDED, (frame[:cut], behind)


@pytest.mark.parametrize("n", range(len(FRAMES)))
def test_one_byte_changed_at_every_place(n: int) -> None:
    frame = FRAMES[n]
    rng = random.Random(n)
    for place in range(0, len(frame), 7 if JIT_DISABLED else 1):
        some = {rng.randrange(256), 0, 0xFF, 0x80, *rng.sample(b'"\\,:[]{} 019.-', 4)}
        for c in some if not JIT_DISABLED else list(some)[:2]:
            changed = frame[:place] + bytes([c]) + frame[place + 1 :]
            both(changed, 0)


@pytest.mark.parametrize("n", range(0, len(FRAMES), 3))
def test_one_byte_more_or_less_at_every_place(n: int) -> None:
    frame = FRAMES[n]
    rng = random.Random(n)
    for place in range(0, len(frame) + 1, 7 if JIT_DISABLED else 1):
        for some in (b"", b" ", b"0", b'"', b",", b"]", bytes([rng.randrange(256)])):
            both(frame[:place] + some + frame[place + (some == b"") :], 0)


def test_frames_at_every_offset_among_all_kinds_of_bytes() -> None:
    for n, frame in enumerate(FRAMES):
        alone = read(DECODER, frame, 0)
        for behind in HOSTILE:
            for before in HOSTILE[n % 3 :: 3]:
                assert read(DECODER, frame, 0, behind, before) == alone
    ring = np.frombuffer(b"".join(FRAMES) + bytes(FRAME_PADDING_BYTES), np.uint8).copy()
    at = 0
    for frame in FRAMES:
        answer = int(decode(DECODER, ring, at, len(frame), 0))
        assert reading_of(DECODER, answer) == read(DECODER, frame, 0)
        at += len(frame)


def test_frames_are_read_alike_by_decoders_that_saw_others_before() -> None:
    alone = [read(new_decoder(), frame, 0) for frame in FRAMES]
    for shift in range(1, len(FRAMES), 1 if not JIT_DISABLED else 8):
        order = FRAMES[shift:] + FRAMES[:shift]
        decoder = new_decoder()
        assert [read(decoder, frame, 0) for frame in order] == alone[shift:] + alone[:shift]


@pytest.mark.parametrize("text", ["", " ", "\0", "{", "[", "}", "null", "1", '"x"', "{}}", "[]]"])
def test_what_is_no_frame(text: str) -> None:
    for behind in HOSTILE:
        assert both(text, 0, behind).kind is Kind.UNDECIDED


@pytest.mark.parametrize("trail", ["x", "{}", ",", "}", "]", "\0", "1", '"', "//", "\xa0", " {}"])
def test_trailing_bytes(trail: str) -> None:
    for frame in FRAMES:
        assert both(frame + trail.encode(), 0).kind is Kind.UNDECIDED
        assert both(frame + b" \t\r\n", 0) == both(b" \t\r\n" + frame, 0) == both(frame, 0)
    for lead in (b"\xef\xbb\xbf", b"\0", b",", b"\xff"):
        both(lead + FRAMES[0])


def test_invalid_utf8_at_every_place() -> None:
    for frame in (FRAMES[0], FRAMES[12], FRAMES[-1]):
        for place in range(0, len(frame), 5 if JIT_DISABLED else 1):
            for some in (
                b"\xff",
                b"\x80",
                b"\xc0\xaf",
                b"\xed\xa0\x80",
                b"\xe8\xbf",
                b"\xf5\x80\x80\x80",
            ):
                assert both(frame[:place] + some + frame[place:], 0).kind is Kind.UNDECIDED


def test_control_characters() -> None:
    frame = FRAMES[0].replace(b'"e":', b'"x":"<here>","e":')
    for c in range(0x20):
        assert both(frame.replace(b"<here>", bytes([c]))).kind is Kind.UNDECIDED
        assert both(frame.replace(b"<here>", b"\\u%04x" % c)).kind is Kind.DEPTH
    for name in (b"btcusdt@depth", b"depthUpdate", b"BTCUSDT"):
        assert both(frame.replace(name, name[:3] + b"\0" + name[3:])).kind is Kind.UNDECIDED


# --- envelope and stream -------------------------------------------------------------------------

DATA = json.dumps(DEPTH, separators=(",", ":"))
STREAM = '"stream":"btcusdt@depth"'


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f'{{{STREAM},"data":D}}', Kind.DEPTH),
        (f'{{"data":D,{STREAM}}}', Kind.DEPTH),
        (f'{{"x":[1],{STREAM},"y":{{}},"data":D,"z":"]"}}', Kind.DEPTH),
        (f'{{"x":[1],"data":D,"y":null,{STREAM},"z":1.5}}', Kind.DEPTH),
        (f'{{{STREAM},"data":D,"z":1,"y":[D]}}', Kind.DEPTH),
        (f'{{{STREAM},"data":[D,D]}}', Kind.OTHER),
        (f'{{"data":[],{STREAM}}}', Kind.OTHER),
        (f"{{{STREAM}}}", Kind.OTHER),
        ('{"data":D}', Kind.OTHER),
        ("[D,D]", Kind.OTHER),
        ("[]", Kind.OTHER),
        ("{}", Kind.OTHER),
        ("D", Kind.DEPTH),
        ('{"result":null,"id":7}', Kind.OTHER),
        (f'{{{STREAM},"data":D,{STREAM}}}', Kind.UNDECIDED),
        (f'{{{STREAM},{STREAM},"data":D}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":D,"data":D}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":1}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":"D"}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":null}}', Kind.UNDECIDED),
        ('{"stream":1,"data":D}', Kind.UNDECIDED),
        ('{"stream":null,"data":D}', Kind.UNDECIDED),
        (f'{{{STREAM} "data":D}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data" D}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":D,}}', Kind.UNDECIDED),
        (f'{{{STREAM},,"data":D}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":D "z":1}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":D,"z"}}', Kind.UNDECIDED),
        (f'{{{STREAM},"data":D]', Kind.UNDECIDED),
        (f'[{STREAM},"data":D]', Kind.UNDECIDED),
        (f'{{{STREAM},"data":DD}}', Kind.UNDECIDED),
    ],
)
def test_envelopes(text: str, kind: Kind) -> None:
    text = text.replace("DD", DATA + DATA).replace("D", DATA)
    reading = both(text)
    assert reading.kind is kind
    spaced = text.replace(":", " : ").replace('",', '" ,').replace("}", " }")
    assert both(spaced.replace("@ :", "@:")).kind is kind


def test_escapes_in_the_envelope() -> None:
    for text in (
        '{"str\\u0065am":"btcusdt@depth","data":D}',
        '{"stream":"btcusdt@depth","d\\u0061ta":D}',
        '{"stream":"btcusdt@depth","data":D,"\\u0064ata":1}',
        '{"stream":"btcusdt@depth","x\\u0064":1,"data":D}',
        '{"stream":"btcusdt@depth","data":D,"x\\n":1}',
    ):
        assert both(text.replace("D", DATA)).kind in (Kind.DEPTH, Kind.UNDECIDED)


@pytest.mark.parametrize("stream", ["btcusdt@depth@100ms", "btcusdt@depth20", "!x@depth", "!x"])
@pytest.mark.parametrize("event", [DEPTH, TRADE, TICKER, SNAPSHOT], ids=["d", "t", "k", "s"])
def test_each_letter_of_the_stream_escaped(stream: str, event: dict[str, Any]) -> None:
    """An escape may hide an @, a depth20, a symbol: then the frame is the clerk's."""
    text = enveloped(event, stream)
    for k, c in enumerate(stream):
        for form in (f"\\u{ord(c):04x}", f"\\u{ord(c):04X}"):
            both(text.replace(stream, stream[:k] + form + stream[k + 1 :]), 0)
    both(text.replace(stream, "".join(f"\\u{ord(c):04x}" for c in stream)), 0)
    for some in ("\\/", "\\n", '\\"', "\\\\", "\\u0000", "\\u0040", "\\u0021", "\\ud83d\\ude00"):
        for place in (0, 3, len("btcusdt"), len(stream)):
            both(text.replace(stream, stream[:place] + some + stream[place:]), 0)


def test_chinese_symbols_are_taken_spelled_out_and_escaped() -> None:
    for event in (DEPTH, TRADE, TICKER):
        named = event | {"s": INSTRUMENTS[CHINESE][0]}
        if "b" in named and isinstance(named["b"], list):
            named |= {"b": [["1.5", "2"]], "a": []}
        else:
            named |= {key: "2" for key in ("B", "A", "q") if key in named}
        for ascii_only in (False, True):
            text = enveloped(named, f"{named['s']}@depth", ascii_only=ascii_only)
            reading = both(text)
            assert (reading.kind, reading.instrument) == (
                both(enveloped(named, "!x@depth")).kind,
                CHINESE,
            )
            both(text.replace("\\u8fd9", "\\u8FD9").replace("\\u8fd9", "\\u8fda", 1))


@pytest.mark.parametrize("length", [*range(1, 10), 31, 32, 33, *range(56, 72), 127, 128, 129, 500])
def test_stream_names_of_every_length(length: int) -> None:
    name = "x" * length
    stranger = DEPTH | {"s": "ETHUSDT"}
    for stream in (
        name,
        f"{name}@depth",
        f"{name}@depth5",
        f"{name}depth",
        f"{name}@trade",
        f"!{name}@",
    ):
        for event in (DEPTH, stranger, TRADE, TRADE | {"s": "ETHUSDT"}, SNAPSHOT, TICKER):
            both(enveloped(event, stream), 0)
            both(enveloped(event, f"btcusdt@{stream}"), 0)


TOPICS = [
    "depth",
    "depth@",
    "depth@0ms",
    "depth5",
    "depth10@100ms",
    "depth20@",
    "depth50",
    "depth1",
]
TOPICS += [
    "depth2",
    "depth0",
    "depth200",
    "depth5x",
    "depth105",
    "depthX",
    "",
    "@",
    "Depth",
    "dept",
]
TOPICS += [
    "rpiDepth@500ms",
    "bookTicker",
    "trade",
    "kline_1m",
    "depth5@@",
    "depth@depth5",
    "depth55",
]


@pytest.mark.parametrize("topic", TOPICS)
def test_topics(topic: str) -> None:
    for name in (
        "btcusdt",
        "BTCUSDT",
        "BtcUSDT",
        "",
        "!x",
        "ethusdt",
        "btcusdc",
        "btcusdtt",
        "btcusd",
    ):
        for stream in (f"{name}@{topic}", f"{name}{topic}"):
            for event in (DEPTH, SNAPSHOT, SNAPSHOT | {"s": "BTCUSDT"}, TICKER, TRADE, AGG_TRADE):
                for symbol in ({}, {"s": "ETHUSDT"}) if "s" in event else ({},):
                    both(enveloped(event | symbol, stream), 0)
    expected = CLERK.decide(enveloped(DEPTH, f"btcusdt@{topic}").encode())
    assert both(enveloped(DEPTH, f"btcusdt@{topic}")).kind is expected.kind


def test_a_bare_partial_belongs_to_whom_its_stream_names_and_nobody_else() -> None:
    assert both(enveloped(SNAPSHOT, "btcusdt@depth5"), 1).instrument == BTCUSDT
    for symbol in ({}, {"s": "BTCUSDT"}, {"s": 1}, {"s": None}):
        for stream in ("!x@depth5", "ethusdt@depth5", "@depth5"):
            reading = both(enveloped(SNAPSHOT | symbol, stream), 0)
            assert reading.kind in (Kind.STRANGER, Kind.UNDECIDED), (symbol, stream)


def test_names_of_events() -> None:
    names = ["depthUpdate", "depthUpdat", "depthUpdateX", "depthupdate", "bookTicker", "bookTicke"]
    names += ["bookTickers", "trade", "trad", "trades", "aggTrade", "aggTrad", "aggTrades", "", "x"]
    names += ["kline", "depthUpd", "trade\\u0000", "tr\\u0061de", "depth\\u0055pdate", "aggTrade@"]
    everything = {**AGG_TRADE, **TICKER, **TRADE, "U": 1, "u": 2}
    for name in names:
        for event in (DEPTH, TICKER, TRADE, AGG_TRADE, SNAPSHOT, everything):
            text = json.dumps(event | {"e": "<name>"}).replace("<name>", name)
            both(text, 0)
            both(f'{{"stream":"!x@depth","data":{text}}}', 0)


def test_hints_count_for_snapshots_only() -> None:
    text = json.dumps(SNAPSHOT)
    for hint in range(len(INSTRUMENTS)):
        reading = both(text, hint)
        assert reading.kind is Kind.UNDECIDED or reading.instrument == hint
        for event in (DEPTH, TICKER, TRADE):
            assert both(json.dumps(event), hint).instrument == BTCUSDT
            without_symbol = {key: value for key, value in event.items() if key != "s"}
            assert both(json.dumps(without_symbol), hint).kind in (Kind.UNDECIDED, Kind.OTHER)
    assert both(text, -1).kind is Kind.STRANGER
    assert both(json.dumps(SNAPSHOT | {"s": "BTCUSDC"}), 0).kind in (Kind.UNDECIDED, Kind.SNAPSHOT)


# --- size ----------------------------------------------------------------------------------------


def test_the_longest_frame() -> None:
    text = enveloped(DEPTH, "btcusdt@depth")
    for size, kind in ((FRAME_BYTES_MAX, Kind.DEPTH), (FRAME_BYTES_MAX + 1, Kind.UNDECIDED)):
        for grown in (
            text.ljust(size),
            text.replace('"e":', '"x":"' + "y" * (size - len(text) - 7) + '","e":'),
        ):
            assert len(grown) == size
            assert both(grown).kind is kind


@pytest.mark.parametrize("length", [0, -1, -(2**40), FRAME_BYTES_MAX + 1, 2**31, 2**62])
def test_lengths_that_no_frame_has(length: int) -> None:
    text, at = placed(FRAMES[0])
    assert decode(DECODER, text, at, length, -1) == Kind.UNDECIDED


def test_a_megabyte() -> None:
    data = enveloped(DEPTH, "btcusdt@depth").ljust(1 << 20)
    assert both(data).kind is Kind.UNDECIDED
    assert both(b'"' * (1 << 20)).kind is Kind.UNDECIDED


@pytest.mark.parametrize("opened", ["[", "{", '{"a":', "[[[", '"', "[1,", "\\", "]", "}", ","])
def test_a_frame_of_nothing_else(opened: str) -> None:
    for length in (1, 64, 1000, 20_000 if JIT_DISABLED else FRAME_BYTES_MAX):
        both((opened * length)[:length])
        both((f'{{"stream":"btcusdt@depth","data":{{"x":{opened * length}')[:length])


def test_random_bytes() -> None:
    rng = random.Random(1)
    for n in range(50 if JIT_DISABLED else 2000):
        both(rng.randbytes(rng.randrange(200)))
        both(b"{" + bytes(rng.choices(b'{}[]:,"esbaU0123456789. ', k=n % 100)))
