"""The journal of one run: the file, what it held, its archive, from before the loop to after it."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.abi.crc32c import crc32c
from appliance.abi.journal import OVERFLOWED, OVERFLOWED_TOLD, Journal, JournalKind
from appliance.abi.limits import JOURNAL_RECORDS
from appliance.abi.trading import OrderState
from appliance.cold.errors import ApplianceError
from appliance.cold.instrument_table import Instruments
from appliance.cold.journal_archive import Archive, ArchiveThread
from appliance.cold.journal_file import JournalFile, journal_path
from appliance.cold.journal_reader import JournalReader
from appliance.cold.journal_start import begin_session, put
from appliance.cold.journal_state import JournalError, LedgerReader
from appliance.cold.ledger import Ledger, Symbol
from appliance.hot.core import Core


class RunJournal:
    """Open it before anything else of the run, ``begin`` when the loop is made, ``close`` last."""

    def __init__(
        self,
        folder: Path,
        name: str,
        say: Callable[[str], None],
        venue: str = "",
        records_n: int = JOURNAL_RECORDS,
    ) -> None:
        """``venue``: the address of who has the orders; "": the paper venue of the loop.

        ApplianceError: it is in use, damaged, of another version or venue, or contradicts itself.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ApplianceError(f"journal.folder: {folder}: {error.strerror}") from None
        self.path = journal_path(folder, name)
        self._say = say
        self._file = JournalFile(self.path, records_n)
        self._thread: ArchiveThread | None = None
        try:
            self.notes = self._file.notes
            self._file.words[OVERFLOWED] = self._file.words[OVERFLOWED_TOLD] = 0
            self._archive = Archive(self.path, self._file.words, self.notes)
            self._reader = LedgerReader()
            self._read()
            self._claim(venue)
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> None:
        reader = JournalReader(self.path)
        try:
            reading = reader.read(since_start_only=True)
        finally:
            reader.close()
        if reading.faults:
            raise ApplianceError(f"{self.path}: {'; '.join(reading.faults)}")
        try:
            for record in reading.records:
                self._reader.take(record)
        except JournalError as error:
            raise ApplianceError(f"{self.path}: {error}") from None

    def _claim(self, venue: str) -> None:
        """Positions of one venue are none of another, and those of paper are none at all."""
        number = crc32c(venue.encode()) if venue else 0
        if self.ledger.epoch and self.ledger.venue != number:
            was = "a venue at another address" if self.ledger.venue else "fills on paper"
            raise ApplianceError(
                f"{self.path} is the journal of {was}: give this run another name, or another"
                " journal.folder"
            )
        self.ledger.venue = number

    @property
    def ledger(self) -> Ledger:
        """What holds, as far as the journal knows."""
        return self._reader.ledger

    def write(self, kind: JournalKind, instrument: int, **fields: int) -> None:
        """A record about an earlier session, before this one begins; the ledger follows."""
        time_ns = fields.pop("time_ns", 0) or time.time_ns()
        self._reader.take(put(self.journal, time_ns, kind, instrument, **fields))

    def index_of(self, symbol: Symbol) -> int:
        """Its index in the records of the last session; -1: it had none."""
        indices = {known.name: i for i, known in self.ledger.symbols.items()}
        return indices.get(symbol.name, -1)

    @property
    def journal(self) -> Journal:
        """For the loop, or for whoever writes before it starts."""
        return self._file.journal

    def begin(self, core: Core, instruments: Instruments, epoch: int, *, live: bool) -> list[str]:
        """The start of this session; what the user should hear. The archive runs from here on."""
        if not live:
            self._end_paper_orders()
        told = begin_session(
            core, self.ledger, instruments, epoch, os.getpid(), time.time_ns(), live=live
        )
        self._thread = ArchiveThread(self._archive, self._say)
        return [*self.notes, *told]

    def _end_paper_orders(self) -> None:
        """The paper venue went with the process, and its orders with it."""
        for order in list(self.ledger.orders.values()):
            self.write(
                JournalKind.CANCELED,
                self.index_of(order.symbol),
                side=order.side,
                reason=OrderState.CANCELED,
                order_key=order.key,
                epoch=order.epoch,
                price_ticks=order.price_ticks,
                quantity_lots=order.quantity_lots,
                filled_lots=order.filled_lots,
                filled_tick_lots=order.filled_tick_lots,
            )

    def facts(self) -> dict[str, Any]:
        """For the report of the run."""
        return {
            "file": str(self.path),
            "waiting": self._archive.waiting_n,
            "archive_faults": self._archive.faults_n,
            "lost": int(self._file.words[OVERFLOWED]),
        }

    def close(self) -> None:
        """When the loop has ended: archive the rest, let go of the file."""
        if self._thread is not None:
            self._thread.stop()
        self._file.close()
