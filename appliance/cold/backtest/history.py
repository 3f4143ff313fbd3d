"""History in memory: arrays of HISTORY rows, and where the engine gets them from."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from appliance.abi.history import AT_LOCAL, HISTORY, LAST, WHAT_MASK, What

Rows = np.ndarray[Any, np.dtype[np.void]]


class Source(Protocol):
    """Rows of one instrument, in the order that HISTORY asks for."""

    def blocks(self) -> Iterator[Rows]:
        """From the first to the last, in pieces of any length."""


class InMemory:
    """A Source of rows that are there already."""

    def __init__(self, rows: Rows) -> None:
        self.rows = np.ascontiguousarray(rows)

    def blocks(self) -> Iterator[Rows]:
        yield self.rows


def whole_messages(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Blocks that no message reaches across, with LAST set where each ends."""
    waiting = empty_rows()
    for block in blocks:
        rows = np.concatenate((waiting, block))
        here = np.flatnonzero(rows["kind"] & AT_LOCAL)
        times = rows["local_ns"][here]
        cut = int(here[np.searchsorted(times, times[-1])]) if len(here) else 0
        waiting, rows = rows[cut:], rows[:cut]
        mark_messages(rows)
        yield rows
    mark_messages(waiting)
    yield waiting


def empty_rows(count: int = 0) -> Rows:
    return np.zeros(count, HISTORY)


def mark_messages(rows: Rows) -> None:
    """Sets LAST where a message ends: at a trade, and where the next row is of another time."""
    at = np.flatnonzero(rows["kind"] & AT_LOCAL)
    if not len(at):
        return
    here = rows[at]
    is_trade = here["kind"] & WHAT_MASK == What.TRADE
    ends = is_trade.copy()
    ends[:-1] |= is_trade[1:]
    for name in ("local_ns", "exchange_ns"):
        ends[:-1] |= here[name][1:] != here[name][:-1]
    ends[-1] = True
    rows["kind"][at[ends]] |= LAST


class Kept:
    """A history whose rows are in memory, for another run over them."""

    def __init__(self, sources: list[InMemory], notes: list[str]) -> None:
        self._sources, self._notes = sources, notes

    def sources(self, _instruments: Any) -> list[InMemory]:
        return self._sources

    def notes(self) -> list[str]:
        return self._notes


def kept(history: Any, instruments: Any, bytes_max: int) -> Any:
    """``history``, or its rows in memory if they are no more than ``bytes_max``."""
    made, used = [], 0
    for source in history.sources(instruments):
        blocks = []
        for block in source.blocks():
            used += block.nbytes
            if used > bytes_max:
                return history
            blocks.append(block)
        made.append(InMemory(np.concatenate(blocks) if blocks else empty_rows()))
    return Kept(made, history.notes())
