"""InfluxDB's line protocol: ``measurement,tag=value field=1i,other=2.5 1700000000000000000``.

A line is built once and kept as bytes: what was spooled is what is sent, also the second time.
Integers are signed (`i`): the unsigned kind is refused by servers of 1.x. A field never changes its
type, so a whole float is still written as a float. Source: the protocol's public reference.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

from appliance.abi.units import INT64_MAX

Value = int | float | str | bool
TEXT_BYTES_MAX: Final = 1024  # of a text field; longer is cut
_NAME_ESCAPES: Final = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
_MEASUREMENT: Final = re.compile(r"[a-z][a-z0-9_]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
_NO_TAG: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\\"]")


class LineError(ValueError):
    """This cannot be a line; a defect of whoever asked for it."""


def head(measurement: str, tags: Mapping[str, str]) -> bytes:
    """What all points of one series begin with. Empty tags are left out: servers refuse them.

    Line breaks, other control characters, quotes and backslashes become "_": they are no part of a
    name that anybody wants, and each server escapes them its own way.
    """
    if not _MEASUREMENT.fullmatch(measurement):
        raise LineError(f"{measurement!r} is no name of a measurement")
    parts = [measurement]
    for key in sorted(tags):
        if text := _NO_TAG.sub("_", tags[key]).strip():
            parts.append(f"{key}={text.translate(_NAME_ESCAPES)}")
    return ",".join(parts).encode()


def line(series: bytes, fields: Mapping[str, Value], time_ns: int) -> bytes | None:
    """One point of a series that ``head`` made, with its line break; None if no field has a value.

    A float that is no number is left out: the database knows none.
    """
    if not 0 < time_ns <= INT64_MAX:
        raise LineError(f"{time_ns} is no time")
    parts = [
        f"{key}={text}" for key, value in fields.items() if (text := _value(value)) is not None
    ]
    if not parts:
        return None
    return b"%b %b %d\n" % (series, ",".join(parts).encode(), time_ns)


def _value(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -INT64_MAX <= value <= INT64_MAX:
            raise LineError(f"{value} does not fit an int64")
        return f"{value}i"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    text = _CONTROL.sub("_", value).encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
    return '"' + text.replace('"', r"\"") + '"'
