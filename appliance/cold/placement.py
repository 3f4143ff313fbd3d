"""Where the hot thread runs: a core of its own, and its turn before everybody else's there.

The thread places itself: what a unit sets for its process would hold for every cold thread too.
"""

import os
from dataclasses import dataclass
from typing import Final

from appliance.cold.errors import ApplianceError


@dataclass(frozen=True)
class Placement:
    """``core``: None: wherever. ``fifo_priority``: 1 to 99 of SCHED_FIFO; 0: an ordinary thread."""

    core: int | None = None
    fifo_priority: int = 0

    def take(self) -> None:
        """Of the calling thread. ApplianceError: it may not."""
        if self.core is not None:
            try:
                os.sched_setaffinity(0, {self.core})
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or "no such core"
                raise ApplianceError(f"host.core = {self.core}: {reason}") from None
        if self.fifo_priority:
            try:
                parameters = os.sched_param(self.fifo_priority)
                os.sched_setscheduler(0, os.SCHED_FIFO, parameters)
            except OSError as error:
                raise ApplianceError(
                    f"host.fifo_priority = {self.fifo_priority}: {error.strerror}: raise the limit"
                    " on real-time priorities (rtprio)"
                ) from None


ANYWHERE: Final = Placement()
