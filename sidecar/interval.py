"""One interval of one run: everything that the telemetry says of it, before it is text."""

from dataclasses import dataclass
from typing import NamedTuple

from appliance.abi.region_report import Health, Identity, LimitUse, RingUse
from appliance.abi.region_view import Records
from sidecar.process_figures import ProcessFigures
from sidecar.totals import Totals


class Began(NamedTuple):
    """What ran, as its version and strategy; and before it, under the same name."""

    build: str
    before: str  # empty: nobody knows


@dataclass(frozen=True)
class Interval:
    """From ``start_ns`` to ``end_ns`` (Unix epoch); what was counted in between, what is at its
    end."""

    run: Identity
    start_ns: int
    end_ns: int
    health: Health
    totals: Totals
    added: Totals
    beats_n: int
    heartbeat_age_ns: int | None
    restarts_n: int  # of the run that were seen, this one included
    began: Began | None  # in the first interval of a run
    statuses: dict[str, Records]  # by symbol
    rings: list[RingUse]
    limits: list[LimitUse]
    process: dict[str, int]
    events: Records
    events_from_n: int  # how many events of the run came before them
    events_missed_n: int
    torn_retries_n: int
    figures: ProcessFigures | None = None  # None: the process is gone
