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
