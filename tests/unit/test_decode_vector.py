"""appliance.hot.decode.vector: each primitive against its twin, or the rule it states."""

import random

import numpy as np
import pytest

from appliance.hot.decode import vector
from appliance.hot.jit import hot
from tests.conftest import JIT_DISABLED

ROUNDS = 200 if JIT_DISABLED else 3000


@hot
def _byte_at(text, at):
    return vector.byte_at(text, at)


@hot
def _word_at(text, at):
    return vector.word_at(text, at)


@hot
def _match(text, at, byte):
    return vector.match(text, at, byte)


@hot
def _non_ascii(text, at):
    return vector.non_ascii(text, at)


@hot
def _string_stops(text, at):
    return vector.string_stops(text, at)


@hot
def _first_bit(mask):
    return vector.first_bit(mask)


@hot
def _drop_first(mask):
    return vector.drop_first(mask)


@hot
def _bits(mask):
    return vector.bits(mask)


@hot
def _move_item(array, source, target):
    vector.set_item(array, target, vector.item_at(array, source))


def _text(rng: random.Random, alphabet: bytes | None = None) -> np.ndarray:
    data = rng.randbytes(160) if alphabet is None else bytes(rng.choices(alphabet, k=160))
    return np.frombuffer(data, np.uint8).copy()


def test_bytes_words_and_masks_are_as_their_twins_say() -> None:
    rng = random.Random(1)
    for n in range(ROUNDS // 4):
        text = _text(rng, None if n % 2 else b'"\\\x00\x1f\x20\x7f\x80\xff]}x0')
        at = rng.randrange(len(text) - 64)
        byte = rng.choice((int(text[at]), rng.randrange(256)))
        assert _byte_at(text, at) == text[at]
        assert _word_at(text, at) == vector.twin_word_at(text, at)
        assert _match(text, at, byte) == vector.twin_match(text, at, byte)
        assert _non_ascii(text, at) == vector.twin_non_ascii(text, at)
        assert _string_stops(text, at) == vector.twin_string_stops(text, at)


def test_every_byte_value_stops_a_string_or_does_not() -> None:
    for value in range(256):
        text = np.full(128, ord("x"), np.uint8)
        for place in (0, 31, 63):
            text[place] = value
            stops = value in b'"\\' or value < 0x20
            assert _first_bit(_string_stops(text, 0)) == (place if stops else 64)
            assert _first_bit(_non_ascii(text, 0)) == (place if value >= 0x80 else 64)
            text[place] = ord("x")


@pytest.mark.parametrize(
    "mask", [0, 1, 2, -1, 1 << 62, -(1 << 63), (1 << 63) - 1, 0x5555_5555_5555_5555, 3 << 40]
)
def test_bits_of_a_mask(mask: int) -> None:
    unsigned = mask & (1 << 64) - 1
    lowest = next((n for n in range(64) if unsigned >> n & 1), 64)
    assert _first_bit(np.int64(mask)) == vector.twin_first_bit(mask) == lowest
    rest = _drop_first(np.int64(mask))
    assert int(rest) & (1 << 64) - 1 == unsigned & ~(1 << lowest)
    assert _bits(np.int64(mask)) == vector.twin_bits(mask) == bin(unsigned).count("1")


def test_items() -> None:
    array = np.arange(5, dtype=np.int64) * 10**17
    _move_item(array, 4, 1)
    assert array.tolist() == [0, 4 * 10**17, 2 * 10**17, 3 * 10**17, 4 * 10**17]
