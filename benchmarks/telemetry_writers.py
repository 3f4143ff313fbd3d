"""What one telemetry event costs the loop that writes it, by the way it is written.

    python -m benchmarks.telemetry_writers                 the table
    python -m benchmarks.telemetry_writers --json          the same as one document
    python -m benchmarks.telemetry_writers --folder /data  files on another disk

A compiled loop on one core writes events of 128 bytes at 10^2 to 10^6 a second and times each. The
ways: a ring in shared memory that somebody else reads (ours); a buffer that is written out when it
is full; a write(2) an event; a ring that a thread of the same process writes out; io_uring with a
system call an event, and with a kernel thread that polls. Each file is checked afterwards: every
event is in it.
"""

import argparse
import json
import mmap
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from appliance.abi.broadcast_reader import BroadcastReader
from appliance.abi.event import EVENT
from appliance.abi.ring_layout import RING_HEADER_BYTES
from appliance.cold.clock import calibrate_cycles
from appliance.hot.broadcast import broadcast_in
from benchmarks.event_writers import (
    BUFFER_WORDS,
    Ways,
    by_buffer,
    by_ring,
    by_uring,
    by_write,
    paced,
)
from benchmarks.io_uring import Uring

RATES: Final = (100, 1_000, 10_000, 100_000, 1_000_000)
RING_SLOTS: Final = 1 << 16
SHARE_MAX: Final = 0.01  # of the loop's time: what telemetry may cost


class Measured(NamedTuple):
    writer: str
    rate: int
    n: int
    written: int  # events that are in the file, or were read
    mean_ns: float
    p50_ns: float
    p99_ns: float
    max_ns: float

    @property
    def share(self) -> float:
        """Of the loop's time, at this rate."""
        return self.mean_ns * self.rate / 1e9


def _ways(fd: int, uring: Uring | None) -> tuple[Ways, Any]:
    memory = mmap.mmap(-1, RING_HEADER_BYTES + RING_SLOTS * EVENT.itemsize)
    ring = broadcast_in(memory, 0, RING_SLOTS, EVENT, initialise=True)
    words = np.zeros(BUFFER_WORDS + 8, np.int64)
    if uring is None:
        parts = (np.zeros(8, np.int64), np.zeros(8, np.int32), np.zeros((1, 8), np.int64))
    else:
        parts = (uring.words, uring.sq, uring.entries)
    where, sq, entries = parts
    return Ways(ring, words, words.ctypes.data, fd, where, sq, sq, entries), memory


class _Reader(threading.Thread):
    """Takes events out of the ring; writes them to a file, if there is one."""

    def __init__(self, memory: Any, fd: int | None) -> None:
        super().__init__()
        self._reader = BroadcastReader(memory, 0, EVENT)
        self._fd = fd
        self.over = threading.Event()
        self.read_n = 0

    def run(self) -> None:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # not the loop's core, if there is one
        while True:
            last = self.over.is_set()
            records, missed = self._reader.poll(4096)
            self.read_n += len(records) + missed
            if self._fd is not None and len(records):
                os.write(self._fd, records.tobytes())
            if not len(records):
                if last:
                    return
                time.sleep(0.001)


def measure(writer: str, rate: int, n: int, folder: Path) -> Measured:
    """``n`` events at ``rate``; OSError where the kernel has no io_uring."""
    path = folder / f"{writer.replace(' ', '-')}.events"
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    uring = Uring(polled=writer == "io_uring polled") if writer.startswith("io_uring") else None
    ways, memory = _ways(fd, uring)
    emit = {"ring": by_ring, "thread": by_ring, "buffer": by_buffer, "write": by_write}
    loop = _loops.setdefault(writer, paced(emit.get(writer, by_uring)))
    mult, shift = calibrate_cycles()
    gap = int(1e9 / rate) * 2**shift // mult
    loop(ways, 0, np.zeros(0, np.int64))  # compiled
    reader = _Reader(memory, fd if writer == "thread" else None)
    if writer in ("ring", "thread"):
        reader.start()
    costs = np.zeros(n, np.int64)
    try:
        loop(ways, gap, costs)
    finally:
        reader.over.set()
        if reader.is_alive():
            reader.join()
        if uring is not None:
            uring.drain()
            uring.close()
    if writer == "buffer":
        os.write(fd, ways.words[: ways.words[BUFFER_WORDS]].tobytes())
    os.close(fd)
    written = reader.read_n if writer == "ring" else path.stat().st_size // EVENT.itemsize
    path.unlink()
    nanoseconds = costs * mult / 2**shift
    p50, p99 = np.percentile(nanoseconds, [50, 99])
    mean, most = float(nanoseconds.mean()), float(nanoseconds.max())
    return Measured(writer, rate, n, written, mean, float(p50), float(p99), most)


_loops: dict[str, Any] = {}
WRITERS: Final = ("ring", "buffer", "write", "thread", "io_uring", "io_uring polled")


def table(rates: tuple[int, ...], seconds: float, folder: Path) -> list[Measured]:
    found = []
    for rate in rates:
        n = int(min(max(rate * seconds, 100), 100_000))
        for writer in WRITERS:
            try:
                found.append(measure(writer, rate, n, folder))
            except OSError as error:
                sys.stderr.write(f"{writer}: {error.strerror}: left out\n")
    return found


def verdicts(found: list[Measured]) -> list[str]:
    """Up to which rate each way costs the loop less than SHARE_MAX of its time."""
    lines = []
    for writer in WRITERS:
        fits = [m.rate for m in found if m.writer == writer and m.share <= SHARE_MAX]
        until = f"up to {max(fits):,} events/s" if fits else "at no rate that was tried"
        lines.append(f"{writer:<16} costs at most {SHARE_MAX:.0%} of the loop's time {until}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="at each rate and way")
    parser.add_argument("--folder", type=Path, help="for the files (default: a temporary one)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        found = table(RATES, options.seconds, Path(name))
    if options.json:
        print(json.dumps({"measured": [m._asdict() for m in found]}, indent=2))
        return 0
    heads = ("mean ns", "p50 ns", "p99 ns", "max ns", "of the loop")
    print(f"{'events/s':>10}  {'way':<16}" + "".join(f"{head:>12}" for head in heads))
    for m in found:
        spans = "".join(f"{span:>12,.0f}" for span in (m.mean_ns, m.p50_ns, m.p99_ns, m.max_ns))
        print(f"{m.rate:>10,}  {m.writer:<16}{spans}{m.share:>12.3%}")
    print("\n".join(["", *verdicts(found)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
