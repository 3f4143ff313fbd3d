"""Where the hot thread runs: a core of its own, and its turn before everybody else's there.

The thread places itself: what a unit sets for its process would hold for every cold thread too.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.cold.errors import ApplianceError


@dataclass(frozen=True)
class Placement:
    """``core``: None: wherever. ``fifo_priority``: 1 to 99 of SCHED_FIFO; 0: an ordinary thread."""

    core: int | None = None
    fifo_priority: int = 0

    def leave(self) -> str:
        """Of the main thread, before it makes others: they keep off the loop's core. What the user
        should hear: nothing, or that there is no other core."""
        if self.core is None:
            return ""
        if others := os.sched_getaffinity(0) - {self.core}:
            os.sched_setaffinity(0, others)
            return ""
        return (
            f"host.core = {self.core}: it is the only one that this process may use: the threads"
            " beside the loop run there, too"
        )

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
IDLE_STATES: Final = Path("/dev/cpu_dma_latency")


def hold_idle_states_off(device: Path = IDLE_STATES) -> str:
    """No core of this machine sleeps deeper than it can wake up at once, while this process lives
    (kernel: power/pm_qos_interface): a packet wakes a housekeeping core first. What the user should
    hear; a machine without idle states has nothing to hold."""
    try:
        handle = os.open(device, os.O_WRONLY)  # the kernel forgets us when it is closed
        os.write(handle, struct.pack("i", 0))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{device}: {error.strerror}: this machine's cores may sleep deeply"
    return ""
