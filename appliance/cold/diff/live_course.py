"""A session of the journal as a Course, and what its backtest needs to know of it."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.journal import JOURNAL_POSITION, JOURNAL_SYMBOL, JournalKind
from appliance.abi.refusal import Reject
from appliance.abi.trading import OrderState
from appliance.abi.trading_state import Cause, TradingState
from appliance.abi.units import NS_PER_S
from appliance.cold.diff.course import CANCEL, PLACE, Course, Decision, Fill, OpenOrder, Refusal
from appliance.cold.errors import ApplianceError
from appliance.cold.journal_reader import JournalReader
from appliance.cold.ledger import Symbol

_REPORTS: Final = range(JournalKind.ACKNOWLEDGED, JournalKind.UNKNOWN + 1)
_ENDS: Final = (
    *(OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED),
    OrderState.FREE,
)
# What the loop does by itself; all other moves are done to it.
_OWN: Final = (Cause.NONE, Cause.START, Cause.RECONCILED, Cause.LIMIT)


class Told(NamedTuple):
    """A report of the venue that changed something; totals are of the order in all."""

    time_ns: int
    report: int  # Report
    order_key: int
    price_ticks: int
    quantity_lots: int
    filled_lots: int
    filled_tick_lots: int
    venue_id: int
    is_end: bool  # of the order


@dataclass(frozen=True)
class LiveSession:
    """``positions``: JOURNAL_POSITION by symbol. ``latencies``: int64[m, 2], sent and answered.
    ``states``: (time, TradingState) that were not the loop's own doing. ``intents``: by order_key,
    in the order in which they left."""

    epoch: int
    symbols: tuple[Symbol, ...]
    positions: dict[str, Any]
    course: Course
    intents: dict[int, Decision]
    reports: tuple[Told, ...]
    latencies: Any
    states: tuple[tuple[int, int], ...]
    first_ns: int
    last_ns: int


def read_session(path: Path, number: int = -1) -> LiveSession:
    """The last session of a journal, or another (0: the first). ApplianceError."""
    reader = JournalReader(path)
    try:
        records = reader.read().records
    finally:
        reader.close()
    starts = np.flatnonzero(records["kind"] == JournalKind.SESSION)
    if not -len(starts) <= number < len(starts):
        raise ApplianceError(f"{path}: session {number}: there are {len(starts)}")
    at = int(starts[number])
    following = starts[starts > at]
    mine = records[at : int(following[0]) if len(following) else len(records)]
    return _Reader(path).read(mine)


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._symbols: dict[int, Symbol] = {}
        self._positions: dict[str, Any] = {}
        self._course = Course()
        self._intents: dict[int, Any] = {}  # by order_key
        self._decided_by: dict[int, Decision] = {}
        self._reports: list[Told] = []
        self._open: dict[int, int] = {}  # order_key -> when it left
        self._answered: list[tuple[int, int]] = []
        self._states: list[tuple[int, int]] = []
        self._has_begun = False

    def read(self, records: Any) -> LiveSession:
        for record in records:
            self._take(record)
        if not self._has_begun:
            raise ApplianceError(f"{self._path}: the session ended while it was starting")
        for key, start_ns in self._open.items():
            self._close(key, start_ns, 0)
        self._end_refusals()
        for orders in self._course.orders.values():
            orders.sort()
        latencies = np.array(sorted(self._answered), np.int64).reshape(-1, 2)
        return LiveSession(
            int(records[0]["epoch"]),
            tuple(self._symbols[i] for i in sorted(self._symbols)),
            self._positions,
            self._course,
            self._decided_by,
            tuple(self._reports),
            latencies,
            tuple(self._states),
            int(records[0]["time_ns"]),
            int(records[-1]["time_ns"]),
        )

    def _take(self, record: Any) -> None:
        kind = int(record["kind"])
        if kind == JournalKind.SYMBOL:
            kept = record.reshape(1).view(JOURNAL_SYMBOL)[0]
            name = bytes(kept["symbol"]).rstrip(b"\0").decode(errors="replace")
            self._symbols[int(record["instrument"])] = Symbol(
                name, int(kept["market"]), int(kept["price_grid_e8"]), int(kept["quantity_grid_e8"])
            )
        elif kind == JournalKind.POSITION:
            kept = record.reshape(1).view(JOURNAL_POSITION)[0].copy()
            name = self._name(record)
            self._positions[name] = kept
            self._course.begun_with_lots[name] = int(kept["position_lots"])
        elif kind == JournalKind.DAY:
            self._has_begun = True
        elif self._has_begun and not record["epoch"]:
            self._happened(kind, record)

    def _name(self, record: Any) -> str:
        return self._symbols[int(record["instrument"])].name

    def _happened(self, kind: int, record: Any) -> None:
        time_ns, key = int(record["time_ns"]), int(record["order_key"])
        if kind == JournalKind.INTENT:
            self._intents[key], self._open[key] = record.copy(), time_ns
            self._decided(PLACE, time_ns, record)
            self._decided_by[key] = self._course.decisions[-1]
        elif kind == JournalKind.CANCEL_SENT and key in self._intents:
            self._decided(CANCEL, time_ns, self._intents[key])
        elif kind in _REPORTS and key in self._intents:
            self._reported(kind, record, time_ns, key)
        elif kind == JournalKind.GATE_REFUSAL:
            self._refused(time_ns, record)
        elif kind == JournalKind.STATE and int(record["reason"]) not in _OWN:
            self._states.append((time_ns, int(TradingState(int(record["observed"])))))

    def _decided(self, what: str, time_ns: int, intent: Any) -> None:
        side, ticks, lots = (int(intent[n]) for n in ("side", "price_ticks", "quantity_lots"))
        self._course.decisions.append(
            Decision(time_ns, self._name(intent), what, side, ticks, lots)
        )

    def _refused(self, time_ns: int, record: Any) -> None:
        """Those of a kind are written once a second: others like it may have come until a second
        later, or the next order that passed."""
        symbol, reason = self._name(record), Reject(int(record["reason"])).name.lower()
        why = f"{reason}, observed {int(record['observed'])}, limit {int(record['limit'])}"
        self._course.refusals.append(Refusal(symbol, time_ns, time_ns + NS_PER_S, why))

    def _end_refusals(self) -> None:
        sent: dict[str, list[int]] = defaultdict(list)
        for one in self._decided_by.values():
            sent[one.symbol].append(one.time_ns)
        for k, refusal in enumerate(self._course.refusals):
            times = sent[refusal.symbol]
            at = bisect_right(times, refusal.since_ns)
            passed_ns = times[at] - 1 if at < len(times) else refusal.until_ns
            until_ns = min(refusal.until_ns, passed_ns)
            self._course.refusals[k] = refusal._replace(until_ns=until_ns)

    def _reported(self, kind: int, record: Any, time_ns: int, key: int) -> None:
        intent = self._intents[key]
        is_end = int(record["reason"]) in _ENDS
        if kind != JournalKind.UNKNOWN:
            self._reports.append(_told(kind - JournalKind.ACKNOWLEDGED, record, is_end=is_end))
        if key in self._open and kind != JournalKind.UNKNOWN and not intent["venue_id"]:
            self._answered.append((self._open[key], max(time_ns, self._open[key])))
            intent["venue_id"] = 1  # of the first answer only
        more = int(record["filled_lots"]) - int(intent["filled_lots"])
        if more > 0:
            value = int(record["filled_tick_lots"]) - int(intent["filled_tick_lots"])
            intent["filled_lots"] = record["filled_lots"]
            intent["filled_tick_lots"] = record["filled_tick_lots"]
            fill = Fill(time_ns, int(intent["side"]) * more, value // more)
            self._course.fills[self._name(intent)].append(fill)
        if is_end and key in self._open:
            self._close(key, self._open.pop(key), time_ns)

    def _close(self, key: int, start_ns: int, end_ns: int) -> None:
        intent = self._intents[key]
        order = OpenOrder(start_ns, end_ns, int(intent["side"]), int(intent["price_ticks"]))
        self._course.orders[self._name(intent)].append(order)


def _told(report: int, record: Any, *, is_end: bool) -> Told:
    return Told(
        time_ns=int(record["time_ns"]),
        report=report,
        order_key=int(record["order_key"]),
        price_ticks=int(record["price_ticks"]),
        quantity_lots=int(record["quantity_lots"]),
        filled_lots=int(record["filled_lots"]),
        filled_tick_lots=int(record["filled_tick_lots"]),
        venue_id=int(record["venue_id"]),
        is_end=is_end,
    )
