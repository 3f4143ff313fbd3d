"""appliance.hot.decode.symbols: names to instruments, and nothing else to any."""

import numpy as np
import pytest

from appliance.abi.limits import INSTRUMENTS_MAX, SYMBOL_BYTES_MAX
from appliance.hot.decode.symbols import (
    EXACT,
    LOWER,
    NOBODY,
    Symbols,
    add_symbol,
    find_symbol,
    make_symbols,
    resolve_escapes,
)
from appliance.hot.jit import hot


@hot
def _find(symbols, text, at, length):
    return find_symbol(symbols, text, at, length)


def find(symbols: Symbols, name: str | bytes, behind: bytes = b"") -> int:
    data = name.encode() if isinstance(name, str) else name
    text = np.frombuffer(b"##" + data + behind + b"T" * 64, np.uint8)
    return int(_find(symbols, text, 2, len(data)))


def test_a_symbol_is_found_in_both_its_forms_and_no_other() -> None:
    symbols = make_symbols()
    add_symbol(symbols, "BTCUSDT", 3)
    assert find(symbols, "BTCUSDT") == 3 * 2 + EXACT
    assert find(symbols, "btcusdt") == 3 * 2 + LOWER
    for other in ("BtcUSDT", "BTCUSD", "BTCUSDTT", "", "T", "\0BTCUSDT", "BTCUSDÄ"):
        assert find(symbols, other) == NOBODY, other


def test_as_many_as_there_can_be_of_every_length() -> None:
    symbols = make_symbols()
    names = [chr(65 + n % 26) * (n % SYMBOL_BYTES_MAX + 1) + str(n) for n in range(INSTRUMENTS_MAX)]
    names = [name[-SYMBOL_BYTES_MAX:] for name in names]
    assert find(symbols, names[0]) == NOBODY
    for n, name in enumerate(names):
        add_symbol(symbols, name, n)
    for n, name in enumerate(names):
        assert find(symbols, name, b"behind") == n * 2 + EXACT
        assert find(symbols, name.lower()) == n * 2 + LOWER
        assert find(symbols, name[:-1]) == NOBODY or name[:-1] in names
        assert find(symbols, name + "9") == NOBODY or name + "9" in names


def test_symbols_that_have_but_one_form() -> None:
    symbols = make_symbols()
    for n, name in enumerate(("123", "这是测试币456", "ÄÖÜUSDT", "low")):
        add_symbol(symbols, name, n)
    assert find(symbols, "123") == EXACT
    assert find(symbols, "这是测试币456") == 2 + EXACT
    assert (find(symbols, "ÄÖÜUSDT"), find(symbols, "äöüusdt")) == (4 + EXACT, 4 + LOWER)
    assert (find(symbols, "low"), find(symbols, "LOW")) == (6 + EXACT, NOBODY)


def test_bounds_and_doubles() -> None:
    symbols = make_symbols()
    add_symbol(symbols, "A" * SYMBOL_BYTES_MAX, 0)
    assert find(symbols, "A" * SYMBOL_BYTES_MAX) == EXACT
    assert find(symbols, "A" * (SYMBOL_BYTES_MAX + 1)) == NOBODY
    assert find(symbols, "A" * (SYMBOL_BYTES_MAX - 1)) == NOBODY
    for name in ("A" * SYMBOL_BYTES_MAX, "a" * SYMBOL_BYTES_MAX, "", "B" * 33, "这" * 11):
        with pytest.raises(ValueError):
            add_symbol(symbols, name, 1)


def resolve(text: str) -> str | None:
    symbols = make_symbols()
    data = text.encode()
    buffer = np.frombuffer(b"##" + data + b'u0041"' * 20, np.uint8)
    length = int(resolve_escapes(symbols, buffer, 2, len(data)))
    return None if length < 0 else symbols.scratch[:length].tobytes().decode()


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("", ""),
        ("BTC", "BTC"),
        ("\\u8fd9\\u662F测", "这是测"),
        ("x\\u00e9\\u07FF\\u0800\\uFFFF", "xé\u07ff\u0800\uffff"),
        ("\\n", None),
        ("\\u0000", None),
        ("\\ud83d\\ude00", None),
        ("A" * 40, None),
        ("\\u8fd9" * 12, None),
    ],
)
def test_escapes(text: str, resolved: str | None) -> None:
    assert resolve(text) == resolved


def test_an_escaped_letter_is_that_letter_or_for_the_clerk() -> None:
    for text, plain in (("\\u0042TC", "BTC"), ("BT\\u0043", "BTC"), ("a\\u0040b", "a@b")):
        assert resolve(text) in (plain, None)
