"""CRC32C (Castagnoli; RFC 3720, B.4), reflected, of whole records at once, in NumPy alone."""

from typing import Final

import numpy as np

_POLYNOMIAL: Final = 0x82F63B78  # reflected
_ALL: Final = 0xFFFFFFFF


def _table() -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    rows = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return np.array(rows, np.uint32)


TABLE: Final = _table()


def crc32c(data: bytes) -> int:
    """Of one text."""
    rows = np.frombuffer(data, np.uint8).reshape(1, -1)
    return int(_fold(np.full(1, _ALL, np.uint32), rows)[0]) ^ _ALL


def checks_of(
    words: "np.ndarray[tuple[int, int], np.dtype[np.int64]]", salt: int
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The check of each row: of the word ``salt`` and the words of the row behind one another."""
    first = np.array([[salt]], np.int64).view(np.uint8)
    start = _fold(np.full(1, _ALL, np.uint32), first)[0]
    content = np.ascontiguousarray(words).view(np.uint8)
    folded = _fold(np.full(len(words), start, np.uint32), content)
    return (folded ^ np.uint32(_ALL)).astype(np.int64)


def _fold(
    crc: "np.ndarray[tuple[int], np.dtype[np.uint32]]",
    rows: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]",
) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    for column in rows.T:
        crc = TABLE[(crc ^ column) & 0xFF] ^ (crc >> np.uint32(8))
    return crc
