"""A process as the kernel sees it: /proc/PID. Reads only."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from appliance.abi.process_identity import PROC

_TICK_NS: Final = 10**9 // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat, counted from 1 (proc(5)), behind the name in brackets (field 2).
_STATE: Final = 3
_MINFLT, _MAJFLT, _UTIME, _STIME, _THREADS, _RSS = 10, 12, 14, 15, 20, 24


class ProcessFigures(NamedTuple):
    """Cumulative since the process began, but threads and memory."""

    minflt: int
    majflt: int
    utime_ns: int
    stime_ns: int
    vol_cs: int  # gave the core up
    invol_cs: int  # had it taken away
    runq_wait_ns: int  # of the main thread: ready, and not running
    threads: int
    rss_bytes: int


def process_figures(pid: int) -> ProcessFigures | None:
    """None if there is no such process, or it does not let itself be looked at."""
    folder = PROC / str(pid)
    try:
        stat = (folder / "stat").read_text()
        status = (folder / "status").read_text()
    except OSError:
        return None
    fields = stat[stat.rfind(")") + 2 :].split()

    def field(number: int) -> int:
        return int(fields[number - _STATE])

    switches = dict(line.split(":", 1) for line in status.splitlines() if "ctxt_switches" in line)
    return ProcessFigures(
        minflt=field(_MINFLT),
        majflt=field(_MAJFLT),
        utime_ns=field(_UTIME) * _TICK_NS,
        stime_ns=field(_STIME) * _TICK_NS,
        vol_cs=int(switches.get("voluntary_ctxt_switches", 0)),
        invol_cs=int(switches.get("nonvoluntary_ctxt_switches", 0)),
        runq_wait_ns=_run_queue_wait_ns(folder),
        threads=field(_THREADS),
        rss_bytes=field(_RSS) * _PAGE_BYTES,
    )


def _run_queue_wait_ns(folder: Path) -> int:
    """Second number of schedstat (sched-stats.rst); 0 where the kernel does not count it."""
    try:
        return int((folder / "schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
