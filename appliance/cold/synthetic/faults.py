"""Spoils a session on purpose, for tests of whatever reads it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from appliance.cold.line import Line

_DEPTH: Final = b'@depth@100ms","data":'
_STREAM: Final = re.compile(rb'\{"stream":"([^"@]+)@')
_ASK: Final = re.compile(rb'"a":"([0-9.]+)","A":"([0-9.]+)"')


@dataclass(frozen=True, slots=True)
class Faults:
    """Which differences to spoil: by their number among the session's differences, from 0.

    dropped      left out
    duplicated   sent twice
    reordered    changes places with the next difference of the session
    crossed      gets a bid at the best ask that the last bookTicker of its symbol showed
    cut          loses its tail
    garbage      comes after a frame of rubbish
    """

    dropped: Sequence[int] = ()
    duplicated: Sequence[int] = ()
    reordered: Sequence[int] = ()
    crossed: Sequence[int] = ()
    cut: Sequence[int] = ()
    garbage: Sequence[int] = ()
    seed: int = 1


def inject(lines: Iterator[Line], faults: Faults) -> Iterator[Line]:
    """The session with its faults. The receive times stay in order.

    A late snapshot is no fault of the wire: ask ``generate`` for it with ``snapshot_at_s``.
    """
    rng = Random(faults.seed)
    asks: dict[bytes, tuple[bytes, bytes]] = {}  # by symbol, as the last bookTicker had it
    number = -1
    waiting: list[Line] = []  # a difference that is to follow the next, and what came since
    for line in lines:
        frame = line.frame
        if _DEPTH not in frame[:96]:
            found = _ASK.search(frame) if b'@bookTicker"' in frame[:96] else None
            symbol = _STREAM.match(frame)
            if found and symbol:
                asks[symbol[1]] = found[1], found[2]
            if waiting:
                waiting.append(line)
            else:
                yield line
            continue
        number += 1
        if waiting:
            early, *between = waiting
            yield early._replace(frame=frame)
            yield from between
            yield line._replace(frame=early.frame)
            waiting = []
            continue
        if number in faults.dropped:
            continue
        if number in faults.reordered:
            waiting = [line]
            continue
        yield from _spoiled(line, number, faults, asks, rng)
    yield from waiting


def _spoiled(
    line: Line,
    number: int,
    faults: Faults,
    asks: dict[bytes, tuple[bytes, bytes]],
    rng: Random,
) -> Iterator[Line]:
    frame = line.frame
    if number in faults.garbage:
        rubbish = bytes(1 + int(rng.random() * 255) for _ in range(32))
        yield line._replace(frame=b"#" + rubbish.replace(b"\n", b"#").replace(b"\r", b"#") + b"#")
    if number in faults.cut:
        frame = frame[: len(frame) // 2]
    elif number in faults.crossed:
        symbol = _STREAM.match(frame)
        if symbol and symbol[1] in asks:
            price, quantity = asks[symbol[1]]
            empty = b'"b":[],' in frame
            level = b'["%s","%s"]%s' % (price, quantity, b"" if empty else b",")
            frame = frame.replace(b'"b":[', b'"b":[' + level, 1)
    yield line._replace(frame=frame)
    if number in faults.duplicated:
        yield line._replace(frame=frame)
