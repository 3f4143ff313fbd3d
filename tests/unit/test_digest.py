"""The fingerprint: equal for equal bytes, another for any other byte, length or order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appliance.hot.digest import fold, fold_number

MASK = (1 << 58) - 1


def text_of(data: bytes) -> np.ndarray:
    return np.frombuffer(data + bytes(64), np.uint8).copy()


def slow(digest: int, data: bytes) -> int:
    """The same by unbounded integers."""
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        word = int.from_bytes(data[at : at + 8], "little", signed=True)
        mixed = (word & MASK) ^ ((word >> 58) & 63)
        digest = ((digest << 5) ^ (digest >> 7) ^ mixed) & MASK
    for byte in data[whole:]:
        digest = ((digest << 5) ^ (digest >> 7) ^ byte) & MASK
    return digest


@given(st.binary(max_size=100), st.integers(0, MASK))
def test_is_what_it_says(data, digest):
    assert fold(np.int64(digest), text_of(data), len(data)) == slow(digest, data)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_every_bit_matters(data, draw):
    at = draw.draw(st.integers(0, len(data) - 1))
    other = bytearray(data)
    other[at] ^= 1 << draw.draw(st.integers(0, 7))
    start = np.int64(12345)
    changed = fold(start, text_of(bytes(other)), len(data))
    assert changed != fold(start, text_of(data), len(data))


def test_numbers_count_in_order():
    one = fold_number(fold_number(np.int64(0), 1), 2)
    assert one != fold_number(fold_number(np.int64(0), 2), 1)
    assert fold_number(np.int64(0), -(2**63)) != fold_number(np.int64(0), 0)
