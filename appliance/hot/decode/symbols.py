"""Which instrument a symbol is: open addressing over its bytes."""

from typing import Final, NamedTuple

import numpy as np

from appliance.abi.limits import SYMBOL_BYTES_MAX, SYMBOL_SLOTS, SYMBOL_WORDS
from appliance.abi.market import symbol_words
from appliance.hot.decode.scan import hex_word
from appliance.hot.decode.vector import BACKSLASH, byte_at, word_at
from appliance.hot.jit import hot, hot_inline, out_of_line

NOBODY: Final = -1

EXACT: Final = 0  # the symbol itself, as in ``s``
LOWER: Final = 1  # its lower-case form, as in stream names


class Symbols(NamedTuple):
    names: np.ndarray  # int64[SYMBOL_SLOTS, SYMBOL_WORDS]
    owners: np.ndarray  # int64[SYMBOL_SLOTS]: instrument * 2 + form, or NOBODY
    scratch: np.ndarray  # uint8: a symbol whose escapes are resolved


def make_symbols() -> Symbols:
    return Symbols(
        np.zeros((SYMBOL_SLOTS, SYMBOL_WORDS), np.int64),
        np.full(SYMBOL_SLOTS, NOBODY, np.int64),
        np.zeros(SYMBOL_BYTES_MAX + 64, np.uint8),
    )


def add_symbol(symbols: Symbols, symbol: str, instrument: int) -> None:
    """Cold: make ``symbol`` known in both its forms. ValueError if it is there already."""
    forms = {symbol: EXACT} if symbol.lower() == symbol else {symbol: EXACT, symbol.lower(): LOWER}
    for text, form in forms.items():
        words = symbol_words(text)
        slot = int(_hash(*words))
        while symbols.owners[slot] != NOBODY:
            if np.array_equal(symbols.names[slot], words):
                raise ValueError(f"symbol {symbol!r} is given twice")
            slot = (slot + 1) % SYMBOL_SLOTS
        symbols.names[slot] = words
        symbols.owners[slot] = instrument * 2 + form


@hot_inline
def _hash(w0, w1, w2, w3):
    mixed = w0 ^ (w0 >> 7) ^ (w0 >> 17) ^ (w0 >> 33) ^ w1 ^ (w1 >> 9) ^ (w1 >> 23) ^ w2 ^ w3
    return (mixed ^ (mixed >> 11)) & (SYMBOL_SLOTS - 1)


@hot_inline
def masked_word(text, at, length):
    """The word at ``at`` with what lies behind ``length`` bytes zeroed."""
    if length >= 8:
        return word_at(text, at)
    if length <= 0:
        return np.int64(0)
    return word_at(text, at) & ((np.int64(1) << (length * 8)) - 1)


@hot_inline
def find_symbol(symbols, text, at, length):
    """instrument * 2 + form of the ``length`` bytes at ``at``, or NOBODY."""
    if length <= 0 or length > SYMBOL_BYTES_MAX:
        return np.int64(NOBODY)
    w0 = masked_word(text, at, length)
    w1 = masked_word(text, at + 8, length - 8)
    w2 = masked_word(text, at + 16, length - 16)
    w3 = masked_word(text, at + 24, length - 24)
    slot = _hash(w0, w1, w2, w3)
    for _ in range(SYMBOL_SLOTS):
        owner = symbols.owners[slot]
        if owner == NOBODY:
            break
        name = symbols.names[slot]
        if name[0] == w0 and name[1] == w1 and name[2] == w2 and name[3] == w3:
            return owner
        slot = (slot + 1) & (SYMBOL_SLOTS - 1)
    return np.int64(NOBODY)


@hot
def resolve_escapes(symbols, text, at, length):
    r"""Writes the text with its ``\uXXXX`` as UTF-8 to symbols.scratch; its length, or -1.

    Other escapes, and what does not fit a symbol, are for the clerk.
    """
    out_of_line()
    end = at + length
    out = np.int64(0)
    scratch = symbols.scratch
    while at < end:
        if out > SYMBOL_BYTES_MAX:
            return np.int64(-1)
        c = byte_at(text, at)
        if c != BACKSLASH:
            scratch[out] = c
            out += 1
            at += 1
            continue
        if byte_at(text, at + 1) != 0x75:
            return np.int64(-1)
        code = hex_word(text, at + 2)
        if code <= 0:
            return np.int64(-1)
        at += 6
        if code < 0x80:
            scratch[out] = code
            out += 1
        elif code < 0x800:
            scratch[out] = 0xC0 | (code >> 6)
            scratch[out + 1] = 0x80 | (code & 0x3F)
            out += 2
        else:
            scratch[out] = 0xE0 | (code >> 12)
            scratch[out + 1] = 0x80 | ((code >> 6) & 0x3F)
            scratch[out + 2] = 0x80 | (code & 0x3F)
            out += 3
    return out


@hot_inline
def named_instrument(symbols, text, at, length, escaped, lower_too):
    """Instrument of a symbol's text, or NOBODY; -2 if its escapes are for the clerk."""
    if escaped:
        length = resolve_escapes(symbols, text, at, length)
        if length < 0:
            return np.int64(-2)
        owner = find_symbol(symbols, symbols.scratch, np.int64(0), length)
    else:
        owner = find_symbol(symbols, text, at, length)
    if owner == NOBODY or (owner & 1 == LOWER and not lower_too):
        return np.int64(NOBODY)
    return owner >> 1
