"""Proof that the loop only loops: what it allocated, compiled and faulted in while it ran."""

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba.core.event as numba_event
from numba.core.runtime import _nrt_python, rtsys

_PAGE_BYTES = resource.getpagesize()


@dataclass
class Purity:
    """Sums over the calls of the loop; all zero is what we promise."""

    nrt_allocations: int = 0
    compilations: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    rss_growth_bytes: int = 0

    def as_dict(self) -> dict[str, int]:
        return dict(vars(self))


class _Compilations(numba_event.Listener):  # type: ignore[misc]
    def __init__(self) -> None:
        self.started_n = 0

    def on_start(self, event: Any) -> None:  # noqa: ARG002
        self.started_n += 1

    def on_end(self, event: Any) -> None:
        pass


def rss_bytes() -> int:
    """Resident memory of the process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def _nrt_allocations() -> int:
    """Allocations of Numba's heap since it counts them: from the first call on."""
    if not rtsys._init:
        return 0
    if not _nrt_python.memsys_stats_enabled():
        _nrt_python.memsys_enable_stats()
    return int(rtsys.get_allocation_stats().alloc)


class PurityMeter:
    """``begin`` and ``end`` around each call of the compiled loop, on the thread that makes it."""

    def __init__(self) -> None:
        self.total = Purity()
        self._compilations = _Compilations()
        numba_event.register("numba:compile", self._compilations)

    def begin(self) -> None:
        self._rss_bytes = rss_bytes()
        self._allocations = _nrt_allocations()
        self._compiled = self._compilations.started_n
        self._usage = resource.getrusage(resource.RUSAGE_THREAD)

    def end(self) -> None:
        usage = resource.getrusage(resource.RUSAGE_THREAD)
        total = self.total
        total.minor_faults += usage.ru_minflt - self._usage.ru_minflt
        total.major_faults += usage.ru_majflt - self._usage.ru_majflt
        total.nrt_allocations += _nrt_allocations() - self._allocations
        total.compilations += self._compilations.started_n - self._compiled
        total.rss_growth_bytes += rss_bytes() - self._rss_bytes

    def close(self) -> None:
        numba_event.unregister("numba:compile", self._compilations)
