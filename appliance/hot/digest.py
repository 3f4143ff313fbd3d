"""A running fingerprint of bytes: two runs that give the same one sent the same.

Not cryptographic. Stays below 2**58, so that nothing overflows, compiled or not.
"""

from typing import Final

from appliance.hot.decode.vector import byte_at, word_at
from appliance.hot.jit import hot

_BITS: Final = 58
_MASK: Final = (1 << _BITS) - 1


@hot
def fold(digest, text, length):
    """``digest`` with ``length`` bytes of ``text`` folded in."""
    at = 0
    while at + 8 <= length:
        word = word_at(text, at)
        digest = ((digest << 5) ^ (digest >> 7) ^ (word & _MASK) ^ ((word >> _BITS) & 63)) & _MASK
        at += 8
    while at < length:
        digest = ((digest << 5) ^ (digest >> 7) ^ byte_at(text, at)) & _MASK
        at += 1
    return digest


@hot
def fold_number(digest, number):
    """``digest`` with an int64 folded in."""
    return ((digest << 5) ^ (digest >> 7) ^ (number & _MASK) ^ ((number >> _BITS) & 63)) & _MASK
