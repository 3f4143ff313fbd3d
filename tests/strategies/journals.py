"""Journals for tests: started, filled, spoilt."""

from pathlib import Path
from typing import Any

import numpy as np

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.journal import (
    CAPACITY,
    HEADER_WORDS,
    JOURNAL,
    RECORD_WORDS,
    Journal,
    JournalKind,
)
from appliance.abi.layout import records
from appliance.cold.journal_file import JournalFile
from appliance.cold.journal_start import put, write_symbol
from appliance.cold.ledger import Symbol
from appliance.hot.journal import append, write_day

NOW_NS = 1_766_000_000_000_000_000  # within a day
EPOCH = 0xABC
COINS = tuple(Symbol(f"COIN{i}USDT", 0, 1_000_000, 1_000_000) for i in range(2))


def start(journal: Journal, epoch: int = EPOCH, now_ns: int = NOW_NS) -> None:
    """What stands at the beginning of a session of two coins without a position."""
    put(journal, now_ns, JournalKind.SESSION, -1, epoch=epoch, venue_id=7, observed=1, limit=2)
    for i, coin in enumerate(COINS):
        write_symbol(journal, now_ns, i, coin)
    write_day(journal.words, records(1, GATE_ACCOUNT), now_ns)


def write(journal: Journal, kind: int = JournalKind.INTENT, **fields: int) -> int:
    """One record; what is not given is zero."""
    names = ("side", "instrument", "reason", "order_key", "price_ticks", "quantity_lots")
    more = ("filled_lots", "filled_tick_lots", "venue_id", "observed", "limit", "tag")
    values = [fields.get(name, 0) for name in (*names, *more)]
    return int(append(journal.words, fields.get("time_ns", NOW_NS), int(kind), *values))


def ring(words: Any) -> Any:
    """Its records, slot by slot."""
    return words[HEADER_WORDS:].reshape(-1, RECORD_WORDS)


def row_of(words: Any, sequence: int) -> Any:
    return ring(words)[sequence % int(words[CAPACITY])]


def in_order(words: Any, count: int) -> Any:
    """Records 1 to ``count``, JOURNAL; the ring has not gone round."""
    return np.ascontiguousarray(ring(words)[1 : count + 1]).view(JOURNAL)[:, 0]


def filled(path: Path, count: int, records_n: int = 64) -> JournalFile:
    """A journal file with a start (4 records) and orders up to record ``count``."""
    file = JournalFile(path, records_n)
    start(file.journal)
    for n in range(5, count + 1):
        write(file.journal, order_key=n, side=1, price_ticks=100, quantity_lots=n)
    return file
