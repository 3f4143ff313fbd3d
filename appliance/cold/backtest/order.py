"""Puts rows into an order that the venue's side and ours can both follow (abi/history.py).

Messages come in here in one order and happened at the venue in another. A row that was overtaken is
split: its half for us stays where it is, its half for the venue goes before those that happened
later. This is done in a window of the latest messages; what was overtaken by more is taken to have
happened at the window's start, and counted.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from appliance.abi.history import AT_EXCHANGE, AT_LOCAL
from appliance.abi.units import NS_PER_S
from appliance.cold.backtest.history import Rows

WINDOW_NS: Final = 2 * NS_PER_S


@dataclass
class Sorter:
    """Rows of one instrument in the order in which they came in; the same rows in HISTORY's."""

    shift_ns: int = 0  # that our clock was behind the venue's: added to every local time
    split_n: int = 0  # rows that stand there twice
    late_n: int = 0  # that happened before the window
    early_n: int = 0  # that came in before they had happened, by the two clocks
    _known_ns: int = 0  # the venue's time of what has gone out
    _waiting: Rows | None = None

    def take(self, rows: Rows, *, is_last: bool = False) -> Rows:
        """The rows that are in order now; the rest waits, unless ``is_last``."""
        if self._waiting is None and len(rows):
            both = rows["kind"] & AT_EXCHANGE != 0
            if both.any():
                self.shift_ns = max(0, -int((rows["local_ns"] - rows["exchange_ns"])[both].min()))
        rows = rows.copy()
        rows["local_ns"] += self.shift_ns
        early = rows["local_ns"] < rows["exchange_ns"]
        self.early_n += int(early.sum())
        rows["local_ns"][early] = rows["exchange_ns"][early]
        # What came in later is later, whatever the stamps say.
        rows["local_ns"] = np.maximum.accumulate(rows["local_ns"])
        if self._waiting is not None:
            rows = np.concatenate((self._waiting, rows))
            rows["local_ns"] = np.maximum.accumulate(rows["local_ns"])
        count = len(rows)
        if not is_last and count:
            count = int(np.searchsorted(rows["local_ns"], rows["local_ns"][-1] - WINDOW_NS))
        ordered, self._waiting = self._ordered(rows, count)
        return ordered

    def _ordered(self, rows: Rows, count: int) -> tuple[Rows, Rows]:
        """``rows[:count]`` in order, with halves of those behind that belong among them."""
        at_exchange = rows["kind"] & AT_EXCHANGE != 0
        times = np.where(at_exchange, rows["exchange_ns"], self._known_ns)
        late = times < self._known_ns
        self.late_n += int(late.sum())
        times = np.maximum(times, self._known_ns)
        rows["exchange_ns"] = np.where(at_exchange, times, rows["exchange_ns"])
        highest = np.maximum.accumulate(times) if len(times) else times
        before = np.concatenate(([self._known_ns], highest[:-1]))
        overtaken = at_exchange & (times < before)
        halves_at = np.flatnonzero(overtaken)
        places = np.searchsorted(highest, times[halves_at], side="right")
        fits = places < count
        halves_at, places = halves_at[fits], places[fits]
        halves = rows[halves_at].copy()
        halves["kind"] &= ~np.int64(AT_LOCAL)
        rows["kind"][halves_at] &= ~np.int64(AT_EXCHANGE)
        by_time = np.lexsort((halves["exchange_ns"], places))
        ordered = np.insert(rows[:count], places[by_time], halves[by_time])
        self.split_n += len(halves)
        if count:
            self._known_ns = max(self._known_ns, int(highest[count - 1]))
        return ordered, rows[count:]


def remarks(sorter: Sorter) -> list[str]:
    """What was odd about the times, a line each."""
    told = []
    if sorter.shift_ns:
        told.append(
            f"the recorder's clock was behind the venue's: {sorter.shift_ns / 1e6:.3f} ms were"
            " added to every receive time"
        )
    for count, what in (
        (sorter.early_n, "came in before they had happened, by the two clocks: set to then"),
        (sorter.late_n, "happened more than two seconds before their neighbours: set to then"),
    ):
        if count:
            told.append(f"{count} rows {what}")
    return told
