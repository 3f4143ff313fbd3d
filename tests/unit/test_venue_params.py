"""Parameters of a request: what is read, and how the venue refuses the rest."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cold.venue.params import Params
from appliance.cold.venue.refusal import (
    Refused,
    failed_filter,
    illegal,
    missing,
    not_required,
    rejected,
)


@given(st.decimals(0, 10**9, places=8, allow_nan=False), st.integers(0, 6))
def test_decimals_are_exact(value: Decimal, zeros: int) -> None:
    params = Params({"price": f"{value:f}" + "0" * zeros})
    assert params.decimal_e8("price") == int(value * 10**8)


@given(st.integers(0, 10**20 - 1))
def test_integers_are_exact(value: int) -> None:
    assert Params({"n": str(value)}).integer("n") == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", -1102),
        ("1e3", -1100),
        ("-1", -1100),
        ("+1", -1100),
        (".5", -1100),
        ("5.", -1100),
        ("1,5", -1100),
        (" 1", -1100),
        ("१", -1100),
        ("0.000000001", -1111),
    ],
)
def test_what_is_no_decimal(text: str, code: int) -> None:
    with pytest.raises(Refused) as refused:
        Params({"price": text}).decimal_e8("price")
    assert refused.value.code == code
    assert "price" in refused.value.message


@pytest.mark.parametrize("text", ["1.0", "-1", "x", "1 ", "9" * 21])
def test_what_is_no_integer(text: str) -> None:
    with pytest.raises(Refused) as refused:
        Params({"n": text}).integer("n")
    assert refused.value.code == -1100


def test_an_empty_text_counts_as_not_sent() -> None:
    params = Params({"a": "", "b": "x"})
    assert not params.has("a") and params.has("b") and not params.has("c")
    assert params.text("a", "else") == "else"
    assert params.integer("a", 7) == 7
    assert params.flag("a", True) is True
    for ask in (params.text, params.integer, params.decimal_e8):
        with pytest.raises(Refused) as refused:
            ask("a")
        assert refused.value.code == -1102


def test_choices_flags_and_names() -> None:
    params = Params(
        {"side": "buy", "yes": "TRUE", "no": "false", "odd": "1", "quoted": '["A","B"]', "l": "[A]"}
    )
    with pytest.raises(Refused) as refused:
        params.choice("side", ("BUY", "SELL"), (-1117, "Invalid side."))
    assert refused.value.code == -1117  # capitals matter
    assert params.flag("yes") and not params.flag("no")
    with pytest.raises(Refused):
        params.flag("odd")
    assert params.names("quoted") == ["A", "B"]
    assert params.names("l") == ["A"]


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (missing, -1102, "Mandatory parameter 'LOT_SIZE' was not sent"),
        (lambda name: illegal(name, "^x$"), -1100, "legal range is '^x$'"),
        (not_required, -1106, "Parameter 'LOT_SIZE' sent when not required."),
        (failed_filter, -1013, "Filter failure: LOT_SIZE"),
        (rejected, -2010, "LOT_SIZE"),
    ],
)
def test_refusals_are_spelt_as_the_venue_does(
    make: Callable[[str], Refused], code: int, words: str
) -> None:
    refused = make("LOT_SIZE")
    assert (refused.code, refused.status) == (code, 400)
    assert words in refused.message
    assert str(refused) == f"{code} {refused.message}"
