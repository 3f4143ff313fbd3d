"""Line protocol (sidecar.line): names and values that would break it."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.line import TEXT_BYTES_MAX, LineError, head, line

SERIES = rb"[a-z][a-z0-9_]*(?:,[a-z]+=(?:[^\s,=\\]|\\[ ,=])+)*"
FIELD = rb'[a-z]+=(?:-?\d+i|-?\d[-+.e\d]*|true|false|"(?:[^"\\\x00-\x1f]|\\")*")'
WHOLE = re.compile(rb"%b %b(?:,%b)* \d+\n" % (SERIES, FIELD, FIELD))


def test_a_line() -> None:
    series = head("lc_orders", {"proc": "live", "kind": "new", "host": "a"})
    assert series == b"lc_orders,host=a,kind=new,proc=live"
    fields = {"total": 5, "share": 0.5, "whole": 2.0, "ok": True, "text": 'say "so"', "bad": -1}
    made = line(series, fields, 1_700_000_000_000_000_000)
    assert made == (
        b"lc_orders,host=a,kind=new,proc=live total=5i,share=0.5,whole=2.0,ok=true,"
        b'text="say \\"so\\"",bad=-1i 1700000000000000000\n'
    )


def test_what_is_no_number_is_left_out() -> None:
    fields = {"a": math.nan, "b": math.inf, "c": 1}
    assert line(b"m", fields, 1) == b"m c=1i 1\n"
    assert line(b"m", {"a": math.nan}, 1) is None


def test_empty_tags_are_left_out() -> None:
    assert head("m", {"a": "", "b": " ", "c": "x y,z=1"}) == rb"m,c=x\ y\,z\=1"


@pytest.mark.parametrize("name", ["", "Lc", "1a", "a b", "a,b", "a=b", "a\n"])
def test_measurements_that_are_none(name: str) -> None:
    with pytest.raises(LineError):
        head(name, {})


@pytest.mark.parametrize("time_ns", [0, -1, 2**63])
def test_times_that_are_none(time_ns: int) -> None:
    with pytest.raises(LineError):
        line(b"m", {"a": 1}, time_ns)


def test_whole_numbers_that_do_not_fit() -> None:
    assert line(b"m", {"a": 2**63 - 1}, 1) == b"m a=9223372036854775807i 1\n"
    for value in (2**63, -(2**63)):
        with pytest.raises(LineError):
            line(b"m", {"a": value}, 1)


def test_a_long_text_is_cut_at_a_character() -> None:
    made = line(b"m", {"a": "é" * TEXT_BYTES_MAX}, 1)
    assert made is not None and made.decode() == f'm a="{"é" * (TEXT_BYTES_MAX // 2)}" 1\n'


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=20)),
    st.dictionaries(
        st.sampled_from("xyz"),
        st.integers(-(2**63) + 1, 2**63 - 1) | st.floats() | st.booleans() | st.text(max_size=20),
        min_size=1,
    ),
    st.integers(1, 2**63 - 1),
)
def test_any_names_and_values_are_one_line(tags, fields, time_ns) -> None:
    made = line(head("m", tags), fields, time_ns)
    if made is not None:
        assert WHOLE.fullmatch(made), made
