"""CRC32C of words, one after the other: an instruction where the processor has it, else a table.

Reflected, polynomial 0x1EDC6F41 (RFC 3720, B.4). abi/crc32c.py is the same for whole files.
"""

from typing import Any, Final

import numpy as np
from numba import types
from numba.extending import intrinsic

from appliance.abi.crc32c import TABLE
from appliance.hot.decode.vector_ir import I64, call
from appliance.hot.jit import JIT_DISABLED, hot, hot_inline, target_has

HAS_SSE42: Final = target_has("sse4.2")
ALL: Final = 0xFFFFFFFF
_TABLE: Final = TABLE.astype(np.int64)


@hot
def crc_word_by_table(crc, word):
    """``crc`` (an int64 of 32 bits, not inverted) after the eight bytes of ``word``."""
    for k in range(8):
        crc = _TABLE[(crc ^ (word >> (8 * k))) & 0xFF] ^ (crc >> 8)
    return crc


@intrinsic
def _crc_word(_typing, crc, word):  # type: ignore[no-untyped-def]
    def codegen(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return call(builder, "llvm.x86.sse42.crc32.64.64", I64, list(arguments))

    return types.int64(types.int64, types.int64), codegen


crc_word: Any = _crc_word if HAS_SSE42 and not JIT_DISABLED else crc_word_by_table


@hot_inline
def check_of(words, at, count, salt):
    """CRC32C of the word ``salt`` and of ``count`` words at ``at`` behind it."""
    crc = crc_word(ALL, salt)
    for k in range(count):
        crc = crc_word(crc, words[at + k])
    return crc ^ ALL
