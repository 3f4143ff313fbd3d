"""Where an object's values stand: as a strict JSON parser finds them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.limits import FRAME_PADDING_BYTES
from appliance.hot.decode.scan import GIVE_UP
from appliance.hot.decode.spans import (
    BEHIND,
    KEYS_N,
    NO_INTEGER,
    START,
    find_name,
    find_values,
    has_value,
    integer_at,
    key_row,
    make_spans,
    name_at,
    name_table,
    text_at,
    truth_at,
)

KEYS = ["a", "Z", "e", "id", "status", "cummulativeQuoteQty", "unknown", "_", "é", "statuses"]
OURS = {key: key_row(key) for key in ("a", "Z", "e", "id", "status", "cummulativeQuoteQty")}
SPANS = make_spans()


def as_text(message: bytes) -> np.ndarray:
    return np.frombuffer(message + b'"' * FRAME_PADDING_BYTES, np.uint8).copy()


def values_of(message: bytes) -> dict[str, bytes] | None:
    """The text of each of our keys, or None: given up."""
    behind = int(find_values(as_text(message), 0, len(message), SPANS))
    if behind == GIVE_UP:
        return None
    assert behind <= len(message)
    rows = {row for row in range(KEYS_N) if SPANS[row, BEHIND] != 0}
    assert rows <= set(OURS.values()) | {key_row("event"), key_row("data")}
    return {
        key: message[SPANS[row, START] : SPANS[row, BEHIND]]
        for key, row in OURS.items()
        if has_value(SPANS, row)
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.sampled_from([None, 1]))
def test_every_value_stands_where_the_parser_finds_it(document, indent) -> None:
    found = values_of(json.dumps(document, indent=indent, ensure_ascii=False).encode())
    if found is not None:  # a surrogate, or too deep
        expected = {key: value for key, value in document.items() if key in OURS}
        assert {key: json.loads(text) for key, text in found.items()} == expected


@given(st.binary(max_size=40) | st.text('{}[]":,\\ab0 ', max_size=40).map(str.encode))
def test_what_is_accepted_is_json(message: bytes) -> None:
    text = as_text(b"{" + message)
    behind = int(find_values(text, 0, len(message) + 1, SPANS))
    if behind >= 0:
        json.loads(bytes(text[:behind]).decode(errors="replace"))


@pytest.mark.parametrize(
    "message",
    [
        *[b"", b"[]", b"1", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1,}'],
        *[b'{"a":1 "b":2}', b'{"a" 1}', b"{a:1}", b'{"a":1]', b'{"a":01}', b'{"a":nul}'],
        *[b'{"a":1,"a":2}', b'{"\\u0061":1}', b'{"a":"\n"}', b'{"a":1e5}'],
    ],
)
def test_given_up(message: bytes) -> None:
    assert values_of(message) is None


def test_the_end_is_the_end_whatever_stands_behind_it() -> None:
    whole = b'{"a":1}'
    for cut in range(len(whole)):
        assert int(find_values(as_text(whole), 0, cut, SPANS)) == GIVE_UP
    assert values_of(b"{}") == {}
    assert values_of(b'{"a":1} rest') == {"a": b"1"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("0", 0), ("-0", 0), ("12", 12), ("-7", -7), ("9" * 18, 10**18 - 1), ("1.0", None)],
        *[('"1"', None), ("null", None), ("true", None), ("[1]", None)],
    ],
)
def test_integers(text: str, value: int | None) -> None:
    message = as_text(f'{{"e":{text}}}'.encode())
    assert find_values(message, 0, len(text) + 6, SPANS) >= 0
    assert integer_at(message, SPANS, OURS["e"]) == (NO_INTEGER if value is None else value)
    assert integer_at(message, SPANS, OURS["a"]) == NO_INTEGER  # absent


@pytest.mark.parametrize(
    ("text", "value"), [("true", 1), ("false", 0), ("null", -1), ("1", -1), ('"true"', -1)]
)
def test_truths(text: str, value: int) -> None:
    message = as_text(f'{{"e":{text}}}'.encode())
    assert find_values(message, 0, len(text) + 6, SPANS) >= 0
    assert truth_at(message, SPANS, OURS["e"]) == value
    assert truth_at(message, SPANS, OURS["a"]) == -1


NAMES = ["BUY", "SELL", "EXPIRED_IN_MATCH", "ORDER_TRADE_UPDATE", "é", ""]
TABLE = name_table(*NAMES)


@pytest.mark.parametrize("name", [*NAMES, "BU", "BUYS", "buy", "EXPIRED_IN_MATCHX", "X" * 30])
def test_names(name: str) -> None:
    text = as_text(name.encode())
    expected = NAMES.index(name) if name in NAMES else -1
    assert find_name(TABLE, text, 0, len(name.encode())) == expected
    message = as_text(json.dumps({"e": name}, ensure_ascii=False).encode())
    assert find_values(message, 0, len(message) - FRAME_PADDING_BYTES, SPANS) >= 0
    assert name_at(message, SPANS, OURS["e"], TABLE) == expected
    at, length = text_at(message, SPANS, OURS["e"])
    assert bytes(message[at : at + length]) == name.encode()
    assert text_at(message, SPANS, OURS["a"])[1] == -1


def test_a_name_that_no_row_holds() -> None:
    with pytest.raises(ValueError, match="more than 24 bytes"):
        name_table("x" * 25)
