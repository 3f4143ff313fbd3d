"""appliance.hot.decode.scan: what is stepped over is JSON, and ends where JSON ends."""

import random

import numpy as np
import pytest
import simdjson
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.abi.limits import JSON_DEPTH_MAX
from appliance.hot.decode import scan
from tests.conftest import JIT_DISABLED
from tests.strategies.hot_decoder import HOSTILE
from tests.strategies.spelling import Message, Style, spell, styles
from tests.strategies.spoilt import BAD_TOKENS
from tests.strategies.values import ANYTHING, TAME_THINGS

EXAMPLES = settings().max_examples


def skip(value: bytes, behind: bytes = b",1]") -> int:
    """Length of the value at the start of ``value``, or -1."""
    text = np.frombuffer(b"##" + value + behind + bytes(128), np.uint8)
    after = int(scan.skip_value(text, 2, 2 + len(value)))
    return -1 if after < 0 or after > 2 + len(value) else after - 2


def is_json(text: bytes) -> bool:
    try:
        simdjson.Parser().parse(text)
    except (ValueError, RuntimeError):
        return False
    return True


def _spelled(value: object, style: Style) -> bytes:
    return spell(Message(None, value, -1), style).data.strip(b" \t\r\n")


@settings(max_examples=4 * EXAMPLES)
@given(ANYTHING, styles(), st.sampled_from(HOSTILE))
def test_sound_values(value: object, style: Style, behind: bytes) -> None:
    data = _spelled(value, style)
    assert skip(data, b" " + behind) in (-1, len(data))


@settings(max_examples=4 * EXAMPLES)
@given(TAME_THINGS, styles(), st.sampled_from(HOSTILE))
def test_tame_values_are_taken(value: object, style: Style, behind: bytes) -> None:
    data = _spelled(value, style._replace(escape=0.0))
    assert skip(data, b" " + behind) == len(data)


@settings(max_examples=6 * EXAMPLES)
@given(st.text('[]{}:,"\\019.-eEtruefalsn \n\té', max_size=12), st.sampled_from(HOSTILE))
def test_whatever_is_skipped_to_its_end_is_json(text: str, behind: bytes) -> None:
    data = text.encode()
    length = skip(data, behind)
    if length >= 0:
        # In a list, because a bare value at the end of a document is a case of its own.
        value = b"[" + data[:length] + b"]"
        assert is_json(value), data


def test_bad_tokens() -> None:
    for token in BAD_TOKENS:
        data = token.encode()
        if skip(data) == len(data):
            assert is_json(b"[" + data + b"]"), data


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_depth(opened: str) -> None:
    for depth in (1, JSON_DEPTH_MAX, JSON_DEPTH_MAX + 1, 62, 63, 64, 65, 1000):
        closed = "]" if opened == "[" else "}"
        data = (opened * depth + "1" + closed * depth).encode()
        assert skip(data) == (len(data) if depth <= JSON_DEPTH_MAX else -1)


def test_containers_close_as_they_opened() -> None:
    for text in ("[}", "{]", '{"a":[}', '[{"a":1]', '{"a":1]}', "[1}", "[[1]}", '{"a":{"b":1]}'):
        assert skip(text.encode()) == -1, text
    for text in ("[]", "{}", "[[],{}]", '{"a":[],"b":{}}', " [ ] ".strip(), '[{"a":[{"b":[]}]}]'):
        assert skip(text.encode()) == len(text), text


@pytest.mark.parametrize(
    "text",
    [
        *["[1,]", "[,1]", "[1 2]", '{"a":1,}', '{"a"}', '{"a":}', "{:1}", "{1:2}", '{"a":1 "b":2}'],
        *["tru", "nulL", "truee"[:4] + "x", "-", "01", "1.", ".5", "1e5", "--1", "- 1", "+1"],
        *['"', '"a', '"\\"', '"\\x41"', '"\\u12g4"', '"\\ud800"', '"\\udfff"', '"a\nb"', '"\0"'],
        *["1" * 19, "1." + "0" * 18, "", ",", ":", "]", "}"],
    ],
)
def test_no_values(text: str) -> None:
    length = skip(text.encode(), b'"]}')
    assert length == -1 or (length < len(text) and text[:length] in ("true", "nul")), length


def test_strings_of_every_length_and_every_escape() -> None:
    for n in range(140):
        for end in ("", "\\n", '\\"', "\\\\", "\\/", "\\u00e9", "\\uD7FF", "\\ue000", "é", "这"):
            data = f'"{"x" * n}{end}"'.encode()
            assert skip(data, b'"') == len(data)
            assert skip(data[:-1], b'"') == -1  # the quote behind the end is not ours
    for c in range(0x80):
        data = b'"' + bytes([c]) + b'"'
        assert skip(data) == (
            len(data) if c >= 0x20 and c not in b'"\\' else 2 if c == 0x22 else -1
        )
        escape = b'"\\' + bytes([c]) + b'"'
        assert (skip(escape) == len(escape)) == (c in b'"\\/bfnrt')


@pytest.mark.parametrize("text", ["0", "-0", "7", "-12", "1.5", "0.001", "9" * 18, "-" + "9" * 18])
def test_numbers(text: str) -> None:
    for behind in (b",", b"]", b" ", b"}"):
        assert skip(text.encode(), behind) == len(text)
    for behind in (b"1", b".", b"e"):  # behind the end, so it is never read as part of the number
        assert skip(text.encode(), behind) in (-1, len(text))


# --- UTF-8 ---------------------------------------------------------------------------------------


def utf8(data: bytes, behind: bytes = b"\x80\x80\x80") -> bool:
    text = np.frombuffer(b"\xe2" + data + behind + bytes(64), np.uint8)
    return bool(scan.is_utf8(text, 1, 1 + len(data)))


def is_python_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_every_sequence_of_two_bytes_and_borders_of_longer_ones() -> None:
    step = 37 if JIT_DISABLED else 1
    for pair in range(0, 1 << 16, step):
        data = pair.to_bytes(2, "big")
        assert utf8(data) == is_python_utf8(data), data
    edges = [0x00, 0x22, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xED, 0xF4, 0xFF]
    for lead in (0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF):
        for second in edges:
            for third in edges:
                for tail in (b"", b"\x80", b"\xbf", b"a", b"\xc0"):
                    data = bytes([lead, second, third]) + tail
                    assert utf8(data) == is_python_utf8(data), data


def test_random_text_and_its_cuts() -> None:
    rng = random.Random(1)
    for _ in range(50):
        text = "".join(rng.choice('a"é这🚀\U0010ffff\ud7ff\ue000') for _ in range(12)).encode()
        for end in range(len(text) + 1):
            assert utf8(text[:end], text[end:] or b"\x80") == is_python_utf8(text[:end])


def test_words() -> None:
    assert scan.text_word(b"") == 0
    assert scan.text_word(b"true") == int.from_bytes(b"true", "little")
    assert scan.text_word(b"\xff" * 8) == -1
