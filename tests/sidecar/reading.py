"""Lines back into points, for tests: a parser that shares nothing with the one that writes them."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from sidecar.point import Class
from sidecar.segment import Record
from sidecar.spool import Spool


class Read(NamedTuple):
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Any]
    time_ns: int

    @property
    def series(self) -> tuple[str, ...]:
        return (self.measurement, *(f"{k}={v}" for k, v in sorted(self.tags.items())))


_PARTS = re.compile(r'((?:[^ \\"]|\\.|"(?:[^"\\]|\\.)*")+)')


def parse(line: str) -> Read:
    series, fields, time_ns = _PARTS.findall(line)
    measurement, *tags = re.split(r"(?<!\\),", series)
    found = {}
    for part in re.findall(r'[^=,]+=(?:"(?:[^"\\]|\\.)*"|[^,]*)', fields):
        key, _, value = part.partition("=")
        found[key] = _value(value)
    told = dict(tag.split("=", 1) for tag in tags)
    return Read(
        measurement,
        {k: re.sub(r"\\(.)", r"\1", v) for k, v in told.items()},
        found,
        int(time_ns),
    )


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"'):
        return text[1:-1].replace('\\"', '"')
    return int(text[:-1]) if text.endswith("i") else float(text)


def points_of(spool: Spool) -> list[Read]:
    """Everything that a spool holds."""
    found = []
    for kind in Class:
        stream = spool.streams[kind]
        for piece in stream.pieces(stream.begin, stream.end):
            if isinstance(piece.found, Record):
                found += [parse(line) for line in piece.found.lines.decode().splitlines()]
    return found


def points_in(folder: Path) -> list[Read]:
    spool = Spool(folder, 1 << 30)
    try:
        return points_of(spool)
    finally:
        spool.close()
