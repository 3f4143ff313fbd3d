"""Rows of words in vector instructions (appliance.hot.rows), against their scalar twins."""

import numpy as np
import pytest

from appliance.abi.units import INT64_MAX
from appliance.hot.jit import hot
from appliance.hot.rows import (
    EQUAL_WORDS,
    ROW_WORDS_MAX,
    ROW_WORDS_MIN,
    equal_words,
    least_of_rows,
    twin_equal_words,
    twin_least_of_rows,
)

EXTREMES = np.array([-INT64_MAX - 1, -INT64_MAX, -1, 0, 1, 2**31, 2**32, INT64_MAX], np.int64)


@hot
def least(words, at, n, others, others_at, others_n):
    return least_of_rows(words, at, n, others, others_at, others_n)


@hot
def equal(words, at, value):
    return equal_words(words, at, value)


@pytest.mark.parametrize("n", range(ROW_WORDS_MIN, ROW_WORDS_MAX + 1))
@pytest.mark.parametrize("others_n", range(ROW_WORDS_MIN, ROW_WORDS_MAX + 1))
def test_each_place_of_each_row_counts(n: int, others_n: int) -> None:
    words, others = np.full(64, 9, np.int64), np.full(64, 8, np.int64)
    assert least(words, 3, n, others, 5, others_n) == 8
    for array, first, count in ((words, 3, n), (others, 5, others_n)):
        for k in range(first, first + count):
            before, array[k] = array[k], -7
            assert least(words, 3, n, others, 5, others_n) == -7, k
            array[k] = before
        for k in (first - 1, first + count):  # beside it: another's
            before, array[k] = array[k], -7
            assert least(words, 3, n, others, 5, others_n) == 8
            array[k] = before


def test_any_words_as_the_twins_say() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        words = rng.choice(EXTREMES, 48)
        others = rng.integers(-(2**63), 2**63 - 1, 48)
        at, others_at = (int(v) for v in rng.integers(0, 25, 2))
        n, others_n = (int(v) for v in rng.integers(ROW_WORDS_MIN, ROW_WORDS_MAX + 1, 2))
        row = (words, at, n, others, others_at, others_n)
        assert least(*row) == twin_least_of_rows(*row)
        value = int(rng.choice(EXTREMES))
        assert equal(words, at, value) == twin_equal_words(words, at, value)


def test_each_word_has_its_bit() -> None:
    words = np.zeros(40, np.int64)
    for k in range(EQUAL_WORDS):
        words[7 + k] = 1
        assert equal(words, 7, 1) == 1 << k
        words[7 + k] = 0
    words[6] = words[7 + EQUAL_WORDS] = 1
    assert equal(words, 7, 1) == 0
