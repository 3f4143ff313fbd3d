"""appliance.hot.decode.grid: decimal texts to grid units, against the clerk's exact arithmetic."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.cold.frame_event import Unusable
from appliance.cold.frame_event import units_of as exact_units
from appliance.hot.decode.grid import OFF, units_at, units_of
from appliance.hot.jit import hot

E8 = 10**8
GRIDS_E8 = [1, 250, 1_000_000, 5_000_000, 30_000_000, E8, 250_000_000, 10 * E8, 1000 * E8]
EXAMPLES = settings().max_examples


@hot
def _units_at(text, at, grid_e8):
    return units_at(text, at, grid_e8)


def read(text: str, grid_e8: int, behind: bytes = b'"') -> tuple[int, int]:
    data = np.frombuffer(b'"' + text.encode() + behind + b'12.5"' * 20, np.uint8)
    units, length = _units_at(data, 1, grid_e8)
    return int(units), int(length)


def exact(text: str, grid_e8: int) -> int:
    try:
        return exact_units(text, grid_e8, "x")
    except Unusable:
        return OFF


def check(text: str, grid_e8: int) -> int:
    units, length = read(text, grid_e8)
    if units != OFF:
        assert (units, length) == (exact(text, grid_e8), len(text.encode())), (text, grid_e8)
    return units


@pytest.mark.parametrize("grid_e8", GRIDS_E8)
def test_numbers_of_every_length(grid_e8: int) -> None:
    """Around 7 and 8 digits before the point, 8 behind it, 15 and 16 characters, 18 digits."""
    for whole_n in range(1, 20):
        for part_n in range(12):
            for first in "019":
                whole = first + "0" * (whole_n - 1)
                for part in ("0" * part_n, "5" + "0" * part_n, "0" * part_n + "3"):
                    text = f"{whole}.{part}" if part_n else whole
                    units = check(text, grid_e8)
                    plain = whole_n <= 10 and exact(text, grid_e8) != OFF
                    assert units != OFF or not plain, (text, grid_e8)


@pytest.mark.parametrize(
    ("text", "grid_e8", "units"),
    [
        *[("0", 1, 0), ("0.00000000", 1, 0), ("0.00000001", 1, 1), ("0.01", 1_000_000, 1)],
        *[
            ("9999999.99999999", 1, 999_999_999_999_999),
            ("9999999.9999999", 1, 999_999_999_999_990),
        ],
        *[("99999999.99999999", 1, 9_999_999_999_999_999), ("12345678", E8, 12_345_678)],
        *[("61837.63", 1_000_000, 6_183_763), ("61837.635", 1_000_000, OFF)],
        *[("0.05", 5_000_000, 1), ("0.35", 5_000_000, 7), ("0.36", 5_000_000, OFF)],
        *[("0.3", 30_000_000, 1), ("0.9", 30_000_000, 3), ("1", 30_000_000, OFF)],
        *[("3.0", 30_000_000, 10), ("2.5", 250_000_000, 1), ("7.50", 250_000_000, 3)],
        *[("10", 10 * E8, 1), ("15", 10 * E8, OFF), ("10.00000001", 10 * E8, OFF)],
        *[("5000", 1000 * E8, 5), ("5000.0", 1000 * E8, 5), ("999", 1000 * E8, OFF)],
        *[("007.10", 10_000_000, 71), ("0001", E8, 1), ("1.000000000", E8, 1)],
        *[("1.0000000001", 1, OFF), ("1.00000000000", 1, E8)],
        *[("999999999999999999", E8, 999_999_999_999_999_999), ("46116860184.27387904", 1, 2**62)],
        *[("46116860184.27387905", 1, OFF), ("46116860184.27387903", 1, 2**62 - 1)],
        *[("", 1, OFF), (".5", 1, OFF), ("5.", 1, OFF), ("-1", E8, OFF), ("+1", E8, OFF)],
        *[("1e5", E8, OFF), (" 1", E8, OFF), ("1 ", E8, OFF), ("1,5", 1, OFF), ("1.2.3", 1, OFF)],
        *[("0x1", 1, OFF), ("１", E8, OFF), ("٣", E8, OFF), ("1_0", E8, OFF), ("/", E8, OFF)],
        *[(":", E8, OFF), ("1" * 19, E8, OFF), ("NaN", 1, OFF)],
    ],
)
def test_borders(text: str, grid_e8: int, units: int) -> None:
    assert check(text, grid_e8) == units
    assert exact(text, grid_e8) == units or units == OFF


@settings(max_examples=4 * EXAMPLES)
@given(st.integers(0, 2**62 + 2), st.sampled_from(GRIDS_E8), st.integers(-2, 2))
@example(2**62, 1, 0)
@example(2**62, 1, 1)
@example(2**62 - 1, 5_000_000, 0)
def test_multiples_of_a_grid_and_their_neighbours(units: int, grid_e8: int, off: int) -> None:
    value_e8 = max(units * grid_e8 + off, 0)
    text = f"{value_e8 // E8}.{value_e8 % E8:08}"
    check(text, grid_e8)
    check(text.rstrip("0").rstrip("."), grid_e8)


@settings(max_examples=4 * EXAMPLES)
@given(st.integers(0, 10**6), st.sampled_from(GRIDS_E8))
def test_what_a_venue_sends_is_taken(units: int, grid_e8: int) -> None:
    value_e8 = units * grid_e8
    for text in (f"{value_e8 // E8}.{value_e8 % E8:08}", f"{value_e8 // E8}.{value_e8 % E8:08}00"):
        assert check(text, grid_e8) == units


@settings(max_examples=4 * EXAMPLES)
@given(st.text("0123456789.", max_size=24), st.sampled_from(GRIDS_E8))
def test_any_text_of_digits_and_points(text: str, grid_e8: int) -> None:
    check(text, grid_e8)


@settings(max_examples=2 * EXAMPLES)
@given(st.text("0123456789.", max_size=20), st.sampled_from([b"", b"x", b"\0", b"\\", b"]"]))
def test_a_number_ends_at_its_quote(text: str, behind: bytes) -> None:
    """What runs on behind the digits is no number, unless it runs on into another one."""
    units, length = read(text, 1, behind)
    if units != OFF:
        whole = text + '12.5"' if behind == b"" else text
        assert whole[length : length + 1] == '"'
        assert units == exact(whole[:length], 1)


@pytest.mark.parametrize("grid_e8", [0, -1, -(10**8)])
def test_without_a_grid_nothing_is_on_it(grid_e8: int) -> None:
    """Fail closed: an instrument that was never set up."""
    for text in ("1", "123456789", "0.00000001"):
        assert read(text, grid_e8)[0] == OFF
    assert units_of(np.int64(1), np.int64(0), np.int64(grid_e8)) == OFF


def test_no_step_overflows() -> None:
    for whole in (0, 1, 2**31, 90_000_000_000, 90_000_000_001, 10**17, 10**18 - 1):
        for fraction_e8 in (0, 1, 50_000_000, 99_999_999):
            for grid_e8 in (*GRIDS_E8, 7, 3 * E8, 2**40, 2**62, 2**63 - 1):
                units = int(units_of(np.int64(whole), np.int64(fraction_e8), np.int64(grid_e8)))
                quotient, rest = divmod(whole * E8 + fraction_e8, grid_e8)
                assert units == OFF or (units == quotient <= 2**62 and rest == 0)
