"""Which instrument a snapshot belongs to; a session as a whole runs in tests/e2e."""

import pytest

from appliance.cold.line import Line
from appliance.cold.recording import Arena, arena_of
from appliance.cold.session import hints_of


def arena(*symbols: str | None) -> Arena:
    """A stream frame, then a snapshot of each."""
    lines = [Line(1, b"{}")]
    lines += [Line(2, b'{"lastUpdateId":1}', True, symbol) for symbol in symbols]
    return arena_of(lines)


@pytest.mark.parametrize("alone", [False, True])
def test_by_its_name(alone: bool) -> None:
    given = arena("ETHUSDT", "BTCUSDT", "ETHUSDT")
    assert hints_of(given, ["BTCUSDT", "ETHUSDT"], alone=alone).tolist() == [-1, 1, 0, 1]
    assert hints_of(given, ["ETHUSDT"], alone=alone).tolist() == [-1, 0, -1, 0]


def test_without_a_name_it_is_of_the_only_symbol() -> None:
    assert hints_of(arena(None), ["BTCUSDT"], alone=True).tolist() == [-1, 0]


def test_without_a_name_it_is_nobodys_among_several() -> None:
    assert hints_of(arena(None), ["BTCUSDT", "ETHUSDT"], alone=False).tolist() == [-1, -1]
    # chosen among others: it may be any other's
    assert hints_of(arena(None), ["BTCUSDT"], alone=False).tolist() == [-1, -1]
