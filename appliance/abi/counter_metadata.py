"""The counters' own description, as it stands in the telemetry region: id, unit, label, meaning.

A reader takes names from here and not from its own table, so it can show counters that are newer
than itself.
"""

from enum import IntEnum, unique
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.abi.counters import COUNTER_TABLE, FAULT_BASE, REJECT_BASE, Counter
from appliance.abi.layout import slot_dtype
from appliance.abi.limits import METADATA_BYTES
from appliance.abi.market import Fault
from appliance.abi.refusal import Reject

USED: Final = 1  # state of a METADATA record that means something


@unique
class CounterKind(IntEnum):
    COUNTER = 0
    REJECT = 1
    FAULT = 2


# One a counter; ``state`` is stored last. A reader stops at nothing: ids may have holes.
METADATA: Final = slot_dtype(
    [
        ("state", "<i8"),  # USED, or 0
        ("id", "<i8"),
        ("kind", "<i8"),  # CounterKind
        ("unit", "S32"),
        ("label", "S64"),
        ("meaning", "S256"),
    ],
    itemsize=METADATA_BYTES,
)


class CounterInfo(NamedTuple):
    """What a METADATA record says."""

    id: int
    kind: CounterKind
    unit: str
    label: str
    meaning: str


def counter_infos() -> list[CounterInfo]:
    """Every counter with its label: ``frames``, ``reject.position``, ``fault.not_json``."""
    infos = [
        CounterInfo(int(c), CounterKind.COUNTER, *_unit_label_meaning(c)) for c in COUNTER_TABLE
    ]
    infos += [
        CounterInfo(
            REJECT_BASE + r,
            CounterKind.REJECT,
            "orders",
            f"reject.{r.name.lower()}",
            f"refused by the gate: {r.name}",
        )
        for r in Reject
        if r is not Reject.NONE
    ]
    infos += [
        CounterInfo(
            FAULT_BASE + f,
            CounterKind.FAULT,
            "frames",
            f"fault.{f.name.lower()}",
            f"quarantined: {f.name}",
        )
        for f in Fault
        if f is not Fault.NONE
    ]
    return infos


def _unit_label_meaning(counter: Counter) -> tuple[str, str, str]:
    unit, meaning = COUNTER_TABLE[counter]
    return unit, counter.name.lower(), meaning


def read_counter_infos(rows: "npt.NDArray[np.void]") -> list[CounterInfo]:
    """The METADATA records of a region that are in use, in the order of their ids."""
    return [
        CounterInfo(
            int(row["id"]),
            CounterKind(int(row["kind"])),
            *(bytes(row[field]).decode(errors="replace") for field in ("unit", "label", "meaning")),
        )
        for row in rows
        if int(row["state"]) == USED
    ]


assert METADATA.itemsize == METADATA_BYTES
