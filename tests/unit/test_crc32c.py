"""CRC32C, both ways (appliance.abi.crc32c, appliance.hot.crc32c), against RFC 3720's values."""

import numpy as np
import pytest

from appliance.abi.crc32c import checks_of, crc32c
from appliance.hot.crc32c import check_of, crc_word, crc_word_by_table
from appliance.hot.jit import hot

# RFC 3720, B.4
VECTORS = [
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
]


@hot
def check(words, at, count, salt):
    return check_of(words, at, count, salt)


@hot
def word(crc, value):
    return crc_word(crc, value)


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_published_values(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
    words = np.frombuffer(data, np.int64)
    assert check(words, 1, 3, int(words[0])) == expected
    assert checks_of(words[None, 1:], int(words[0])).tolist() == [expected]


def test_the_digits() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_instruction_and_table_agree() -> None:
    rng = np.random.default_rng(1)
    for value in rng.integers(-(2**63), 2**63 - 1, 500).tolist():
        crc = int(rng.integers(0, 2**32))
        assert word(crc, value) == crc_word_by_table(crc, value)


def test_rows_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    rows = rng.integers(-(2**63), 2**63 - 1, (50, 16))
    found = checks_of(rows[:, :14], 5)
    assert found.tolist() == [check(row, 0, 14, 5) for row in rows]
    assert len(set(found.tolist())) == 50
