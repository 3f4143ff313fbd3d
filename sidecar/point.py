"""A point of the data model, and how dear it is to us."""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import NamedTuple

from sidecar.line import Value


@unique
class Class(StrEnum):
    """When room runs out, the last goes first. Each has files of its own in the spool."""

    MUST = "a"  # orders, refusals, positions, states, events: what happened
    SHOULD = "b"  # latency, feed, rings, process: how it went
    DETAIL = "c"  # heat maps

    @property
    def label(self) -> str:
        return self.name.lower()


class Point(NamedTuple):
    kind: Class
    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Value]
    time_ns: int
