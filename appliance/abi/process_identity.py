"""Which process is it: a pid with its start time, on which boot. Standard library only."""

import os
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
_START_TIME_FIELD: Final = 22  # of /proc/PID/stat, counted from 1 (proc(5))


class ProcessIdentity(NamedTuple):
    """A pid is used again one day; together with start time and boot it is not."""

    pid: int
    start_clock_ticks: int  # since boot; 0: unknown
    boot_id: str


def start_clock_ticks(pid: int) -> int:
    """Start time of process ``pid`` in clock ticks since boot; 0 if there is no such process.

    A zombie counts as gone: it will never write again.
    """
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0
    # The command (field 2) stands in brackets and may itself hold spaces and brackets.
    fields = text[text.rfind(")") + 2 :].split()
    return 0 if fields[0] in ("Z", "X") else int(fields[_START_TIME_FIELD - 3])


def boot_id() -> str:
    """Random id of this boot; empty if the kernel does not tell."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def own_identity() -> ProcessIdentity:
    """Identity of the calling process."""
    return ProcessIdentity(os.getpid(), start_clock_ticks(os.getpid()), boot_id())


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether exactly this process still runs on this boot."""
    if identity.boot_id != boot_id():
        return False
    return identity.start_clock_ticks == start_clock_ticks(identity.pid) != 0
