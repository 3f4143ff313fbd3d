"""Each operation against its twin, or the rule it states.

Under test: appliance.hot.decode.digits, built of appliance.hot.decode.vector_ir.
"""

import random
import re

import numpy as np
import pytest

from appliance.hot.decode import digits, vector
from appliance.hot.jit import hot
from tests.conftest import JIT_DISABLED

ROUNDS = 200 if JIT_DISABLED else 3000
SHORT = re.compile(rb'([0-9]{1,7})(?:\.([0-9]{1,8}))?"')


@hot
def _digits(text, at):
    return digits.digits(text, at)


@hot
def _scalar_digits(text, at):
    return digits.scalar_digits(text, at)


@hot
def _decimal(text, at):
    return digits.decimal(text, at)


@hot
def _scalar_decimal(text, at):
    return digits.scalar_decimal(text, at)


@hot
def _level(text, at, templates, row):
    return digits.level(text, at, templates, row)


def _text(rng: random.Random, alphabet: bytes | None = None) -> np.ndarray:
    data = rng.randbytes(160) if alphabet is None else bytes(rng.choices(alphabet, k=160))
    return np.frombuffer(data, np.uint8).copy()


def _expected_digits(text: bytes) -> tuple[int, int]:
    found = re.match(rb"[0-9]{0,16}", text)
    assert found is not None
    return int(found[0] or b"0"), len(found[0])


def test_digits() -> None:
    rng = random.Random(2)
    for n in range(ROUNDS):
        text = _text(rng, b"0123456789" * 4 + b'/:.,"\xb0\xff\x00')
        if n < 64:  # every length, at once behind it each kind of byte
            text[: n % 20] = ord("9")
            text[n % 20] = b'"/:\xff'[n // 20]
        expected = _expected_digits(text.tobytes())
        assert _digits(text, 0) == _scalar_digits(text, 0) == expected
        assert _digits(text, 3) == _scalar_digits(text, 3) == _expected_digits(text.tobytes()[3:])


def _expected_decimal(text: bytes) -> tuple[int, int]:
    """The short form: at most 15 characters before the quote."""
    found = SHORT.match(text)
    if found is None or found.end() > 16:
        return 0, 0
    whole, part = found[1], found[2] or b""
    return int(whole + part.ljust(8, b"0")), found.end() - 1


def test_decimals_of_every_short_length() -> None:
    rng = random.Random(3)
    for whole_n in range(10):
        for part_n in range(-1, 11):  # -1: no point
            for behind in (b'"', b"", b".", b"5", b",", b'\\"'):
                whole = bytes(rng.choices(b"0123456789", k=whole_n))
                part = bytes(rng.choices(b"0123456789", k=max(part_n, 0)))
                data = whole + (b"." if part_n >= 0 else b"") + part + behind + b'7."5' * 16
                text = np.frombuffer(b"#" + data, np.uint8)
                expected = _expected_decimal(data)
                assert _decimal(text, 1) == expected, data
                assert _scalar_decimal(text, 1) == expected, data


def test_decimals_of_random_bytes() -> None:
    rng = random.Random(4)
    taken = 0
    for _ in range(ROUNDS):
        text = _text(rng, b"0123456789" * 3 + b'...""""-e\x00\x80\xb1')
        expected = _expected_decimal(text.tobytes())
        assert _decimal(text, 0) == _scalar_decimal(text, 0) == expected, text.tobytes()
        taken += expected[1] > 0
    assert taken > 0


# --- a template ----------------------------------------------------------------------------------

LEVEL = b'["61837.63000000","3.78826000"]'
ROW = 2


def _template() -> np.ndarray:
    """Row 2 fits levels of this shape on grids of 0.01 and 0.00001; written out by hand."""
    templates = np.zeros(4 * digits.TEMPLATE_BYTES, np.uint8)
    row = templates[ROW * digits.TEMPLATE_BYTES :]
    subtrahend = b'["00000.00000000","0.00000000"]'
    maximum = "009999909900000000090999990000" + "0"
    row[: len(LEVEL)] = np.frombuffer(subtrahend, np.uint8)
    row[digits.TEMPLATE_MAXIMUM : digits.TEMPLATE_MAXIMUM + 64] = 255
    for k, digit in enumerate(maximum):
        row[digits.TEMPLATE_MAXIMUM + k] = int(digit)
    price = [2, 3, 4, 5, 6, 8, 9]  # seen from the bracket on
    quantity = [0, 2, 3, 4, 5, 6]  # seen from its first digit on
    for lane, places in ((0, price), (16, quantity)):
        sources = [0x80] * (16 - len(places)) + places
        row[digits.TEMPLATE_SHUFFLE + lane : digits.TEMPLATE_SHUFFLE + lane + 16] = sources
    row[digits.TEMPLATE_QUANTITY_AT] = LEVEL.index(b"3.78826000")
    return templates


def _fits(level: bytes) -> tuple[int, int] | None:
    """(ticks, lots) if ``level`` is of the shape and on the grid."""
    found = re.match(rb'\["([0-9]{5})\.([0-9]{2})000000","([0-9])\.([0-9]{5})000"\]', level)
    return None if found is None else (int(found[1] + found[2]), int(found[3] + found[4]))


@pytest.mark.compiled
@pytest.mark.skipif(not vector.HAS_AVX2, reason="templates need AVX2")
def test_a_level_fits_its_template_or_not_whatever_byte_is_changed() -> None:
    rng = random.Random(5)
    templates = _template()
    fitting = 0
    for n in range(ROUNDS):
        level = bytearray(LEVEL)
        for _ in range(n % 3):
            place = rng.randrange(len(level))
            level[place] = rng.choice((rng.randrange(256), *b"0123456789"))
        text = np.frombuffer(bytes(level) + rng.randbytes(64), np.uint8)
        expected = _fits(bytes(level))
        fits, ticks, lots = _level(text, 0, templates, ROW)
        assert fits == (expected is not None), bytes(level)
        if expected is not None:
            fitting += 1
            assert (ticks, lots) == expected, bytes(level)
    assert fitting > ROUNDS // 4


@pytest.mark.compiled
@pytest.mark.skipif(not vector.HAS_AVX2, reason="templates need AVX2")
def test_sixteen_digits_are_weighed_exactly() -> None:
    templates = _template()
    row = templates[ROW * digits.TEMPLATE_BYTES :]
    row[digits.TEMPLATE_MAXIMUM : digits.TEMPLATE_MAXIMUM + 64] = 255
    row[digits.TEMPLATE_QUANTITY_AT] = 16
    for lane in (0, 16):
        row[digits.TEMPLATE_SHUFFLE + lane : digits.TEMPLATE_SHUFFLE + lane + 16] = range(16)
    rng = random.Random(6)
    pairs = [("9" * 16, "0" * 16), ("1234567890123456", "9876543210987654")]
    pairs += [tuple(f"{rng.randrange(10**16):016}" for _ in range(2)) for _ in range(50)]
    for one, other in pairs:
        text = np.frombuffer((one + other).encode() + bytes(64), np.uint8)
        assert _level(text, 0, templates, ROW) == (1, int(one), int(other))


@pytest.mark.compiled
def test_an_empty_template_fits_nothing() -> None:
    templates = np.zeros(digits.TEMPLATE_BYTES, np.uint8)
    text = np.frombuffer(LEVEL + bytes(64), np.uint8)
    assert _level(text, 0, templates, 0)[0] == 0
