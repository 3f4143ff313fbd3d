"""What a reader of the telemetry region is told, as plain values."""

from enum import StrEnum, unique
from typing import Any, NamedTuple

import numpy as np

from appliance.abi.process_identity import ProcessIdentity


@unique
class Health(StrEnum):
    """What a reader can say of the writer."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINED = "drained"  # everything processed, the process still stands
    STALE = "stale"  # the process lives, its loop gives no sign
    DEAD = "dead"  # the process is gone and did not say good-bye
    ENDED = "ended"
    FAILED = "failed"  # ended by an error
    REPLACED = "replaced"  # the path now leads to another run
    GONE = "gone"  # the file was removed, the process lives

    @property
    def is_good(self) -> bool:
        return self in (Health.STARTING, Health.RUNNING, Health.DRAINED)


class Identity(NamedTuple):
    """What the header says of the run; never changes within one."""

    name: str
    version: str
    abi: str
    mode: str
    strategy: str
    process: ProcessIdentity
    epoch: int
    created_ns: int


class StageSummary(NamedTuple):
    """One latency histogram, in ns."""

    n: int
    p50_ns: int
    p99_ns: int
    p999_ns: int
    max_ns: int
    min_ns: int
    mean_ns: int


class RingUse(NamedTuple):
    name: str
    capacity: int
    used: int
    high_water: int
    missed: int


class LimitUse(NamedTuple):
    """Of a limit that accumulates, in its own unit."""

    name: str  # as in the risk file; with the symbol before it, where it is an instrument's
    used: int
    limit: int


def read_identity(header: np.void) -> Identity:
    """The HEADER record as plain values."""
    return Identity(
        name=_text(header["name"]),
        version=_text(header["version"]),
        abi=f"{header['major']}.{header['minor']}",
        mode=_text(header["mode"]),
        strategy=_text(header["strategy"]),
        process=ProcessIdentity(
            int(header["pid"]), int(header["start_clock_ticks"]), _text(header["boot_id"])
        ),
        epoch=int(header["epoch"]),
        created_ns=int(header["created_ns"]),
    )


def _text(value: Any) -> str:
    return bytes(value).rstrip(b"\0").decode(errors="replace")
