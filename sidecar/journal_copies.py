"""Copies journals (journal_copy.py), on a thread of its own: the folder may be on a slow disk."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from sidecar.journal_copy import JournalCopy

PERIOD_S: Final = 1.0
STEPS_MAX: Final = 256  # of one journal, before the next one has its turn


class JournalCopies:
    """``start``, and ``stop`` at the end: everything that was archived by then is copied."""

    def __init__(self, journals: Iterable[Path], folder: Path) -> None:
        self.copies = [JournalCopy(path, folder) for path in journals]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal copies", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def told(self) -> dict[str, Any]:
        """For the status, by any thread."""
        copies = [one.told() for one in self.copies]
        return {
            "journals": copies,
            "behind": max((one["behind"] for one in copies), default=0),
            "faults": sum(bool(one["complaint"]) for one in copies),
            "said": "; ".join(one["complaint"] for one in copies if one["complaint"]),
        }

    def _run(self) -> None:
        while True:
            is_last = self._over.wait(PERIOD_S)
            for copy in self.copies:
                for _ in range(STEPS_MAX):
                    if not copy.step():
                        break
            if is_last:
                return
