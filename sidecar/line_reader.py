"""Lines of the spool back into points: what ``line`` wrote, nothing more general than that."""

import re
from typing import Final, NamedTuple

from sidecar.line import Value

_ESCAPED: Final = re.compile(r"\\(.)")
# measurement and tags, fields, time: a space that no backslash stands before parts them, and in
# the fields one outside of quotes.
_LINE: Final = re.compile(
    r'((?:[^ \\]|\\.)+) ((?:[^" \\]|"(?:[^"\\]|\\.)*")+) (\d+)',
)
_TAG: Final = re.compile(r",((?:[^,=\\]|\\.)+)=((?:[^,\\]|\\.)*)")
_FIELD: Final = re.compile(r'([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


class Sample(NamedTuple):
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Value]
    time_ns: int


def read_line(text: str) -> Sample:
    """One line. ValueError if it is none of ours."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise ValueError(f"no line: {text[:80]!r}")
    series, fields, time_ns = match.groups()
    measurement = series.partition(",")[0]
    tags = {_plain(key): _plain(value) for key, value in _TAG.findall(series[len(measurement) :])}
    told = {key: _value(value) for key, value in _FIELD.findall(fields)}
    return Sample(measurement, tags, told, int(time_ns))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _value(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"'):
        return _plain(text[1:-1])
    return int(text[:-1]) if text.endswith("i") else float(text)
