"""``sidecar query``: reads a metric back from the spool, whether or not there is a database."""

import argparse
import csv
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sidecar.line import Value
from sidecar.line_reader import Sample, read_line
from sidecar.point import Class
from sidecar.run_config import ConfigError, default_spool_folder, load
from sidecar.sparkline import sparkline
from sidecar.stream import records_in

ROWS_MAX: Final = 50  # of a table for people, unless told otherwise
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MEASUREMENT: Final = re.compile(rb"[a-z0-9_]+")

_EPILOG: Final = """examples:
  sidecar query                                   what there is
  sidecar query lc_latency --tag stage=gate --field p99 --plot
  sidecar query lc_orders --tag kind=fill --last 1h
  sidecar query lc_event --last 10m --csv > events.csv
  sidecar query lc_hb --json | jq .points[-1]

Reads the spool of `sidecar run`, while it runs or afterwards, and changes nothing.

exit codes: 0 found, 1 nothing of the kind, 2 wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``query`` to the sidecar's command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "query",
        help="read a metric back from the spool",
        description="Show what was recorded: as a table, CSV, JSON or a small plot.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("measurement", nargs="?", metavar="METRIC", help="lc_...; none: a list")
    parser.add_argument("--field", action="append", metavar="NAME", help="only this; again")
    parser.add_argument("--tag", action="append", default=[], type=_tag, metavar="NAME=VALUE")
    parser.add_argument("--last", type=_span_s, metavar="SPAN", help="30s, 10m, 2h, 7d")
    parser.add_argument("--rows", type=int, default=ROWS_MAX, metavar="N", help="of the table")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true")
    form.add_argument("--json", action="store_true")
    form.add_argument("--plot", action="store_true", help="one line a series")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--spool", type=Path, metavar="DIR")
    where.add_argument("--config", type=Path, metavar="FILE", help="of `sidecar run`")
    parser.set_defaults(run=run)
    return parser


def _tag(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _span_s(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span: 30s, 10m, 2h, 7d")
    return float(match[1]) * _UNITS_S[match[2]]


def run(args: argparse.Namespace) -> int:
    """Serve ``sidecar query``; returns the exit code."""
    try:
        folder = args.spool or (
            load(args.config).spool_folder if args.config else default_spool_folder()
        )
    except ConfigError as error:
        return _wrong(str(error))
    if not folder.is_dir():
        return _wrong(f"{folder}: there is no spool; `sidecar run` makes one")
    since_ns = 0 if args.last is None else time.time_ns() - int(args.last * 1e9)
    if args.measurement is None:
        return _list(folder, since_ns, as_json=args.json)
    found = sorted(
        _samples(folder, args.measurement, dict(args.tag), since_ns), key=lambda s: s.time_ns
    )
    names = args.field or sorted({name for sample in found for name in sample.fields})
    rows = [(s, [s.fields.get(name) for name in names]) for s in found]
    rows = [(s, values) for s, values in rows if any(value is not None for value in values)]
    if args.json:
        _show_json(args.measurement, rows, names)
    elif not rows:
        sys.stderr.write(f"sidecar query: nothing of {args.measurement} in {folder}\n")
    elif args.csv:
        _show_csv(rows, names)
    elif args.plot:
        _show_plot(rows, names)
    else:
        _show_table(rows, names, args.rows)
    return 0 if rows else 1


def _wrong(said: str) -> int:
    sys.stderr.write(f"sidecar query: {said}\n")
    return 2


def _samples(
    folder: Path, measurement: str, tags: dict[str, str], since_ns: int
) -> Iterator[Sample]:
    starts = (f"{measurement},".encode(), f"{measurement} ".encode())
    for kind in Class:
        for record in records_in(folder, kind, since_ns):
            for raw in record.lines.splitlines():
                if raw.startswith(starts):
                    sample = read_line(raw.decode())
                    if sample.time_ns >= since_ns and tags.items() <= sample.tags.items():
                        yield sample


Rows = list[tuple[Sample, list[Value | None]]]


def _list(folder: Path, since_ns: int, *, as_json: bool) -> int:
    """Every measurement: how many points, which tags and fields."""
    told: dict[str, dict[str, Any]] = {}
    for kind in Class:
        for record in records_in(folder, kind, since_ns):
            for raw in record.lines.splitlines():
                match = _MEASUREMENT.match(raw)
                name = match[0].decode() if match else "?"
                one = told.setdefault(name, {"points": 0, "tags": set(), "fields": set()})
                one["points"] += 1
                if one["points"] <= 200 or one["points"] % 100 == 0:  # names repeat
                    sample = read_line(raw.decode())
                    one["tags"] |= set(sample.tags)
                    one["fields"] |= set(sample.fields)
    rows = {
        name: {
            "points": one["points"],
            "tags": sorted(one["tags"]),
            "fields": sorted(one["fields"]),
        }
        for name, one in sorted(told.items())
    }
    if as_json:
        sys.stdout.write(json.dumps({"measurements": rows}, indent=2) + "\n")
    elif not rows:
        sys.stderr.write(f"sidecar query: nothing in {folder}\n")
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("metric", "points", "tags", "fields", box=None, pad_edge=False)
        table.columns[1].justify = "right"
        for name, one in rows.items():
            table.add_row(
                name, f"{one['points']:,}", *(" ".join(one[k]) for k in ("tags", "fields"))
            )
        Console(highlight=False).print(table)
    return 0 if rows else 1


# ---- ways to show rows ---------------------------------------------------------------------------


def _show_json(measurement: str, rows: Rows, names: list[str]) -> None:
    points = [
        {
            "time_ns": sample.time_ns,
            "tags": sample.tags,
            "fields": {n: v for n, v in zip(names, values, strict=True) if v is not None},
        }
        for sample, values in rows
    ]
    document = {"measurement": measurement, "points": points}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _tag_names(rows: Rows) -> list[str]:
    """Those that tell points apart; a tag that is the same everywhere says nothing."""
    names = sorted({name for sample, _ in rows for name in sample.tags})
    return [name for name in names if len({sample.tags.get(name) for sample, _ in rows}) > 1]


def _show_csv(rows: Rows, names: list[str]) -> None:
    tags = sorted({name for sample, _ in rows for name in sample.tags})
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["time_ns", *tags, *names])
    for sample, values in rows:
        told = ["" if value is None else value for value in values]
        writer.writerow([sample.time_ns, *(sample.tags.get(tag, "") for tag in tags), *told])


def _show_table(rows: Rows, names: list[str], rows_max: int) -> None:
    from rich.console import Console
    from rich.table import Table

    tags = _tag_names(rows)
    table = Table("time UTC", *tags, *names, box=None, pad_edge=False)
    for column in table.columns[1 + len(tags) :]:
        column.justify = "right"
    for sample, values in rows[-rows_max:]:
        told = ["" if value is None else _shown(value) for value in values]
        table.add_row(_time(sample.time_ns), *(sample.tags.get(t, "") for t in tags), *told)
    console = Console(highlight=False)
    if len(rows) > rows_max:
        console.print(f"the last {rows_max} of {len(rows):,}; --rows shows more")
    console.print(table)


def _show_plot(rows: Rows, names: list[str]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    tags = _tag_names(rows)
    series: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    for sample, values in rows:
        for name, value in zip(names, values, strict=True):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                key = (*(sample.tags.get(tag, "") for tag in tags), name)
                series.setdefault(key, []).append((sample.time_ns, float(value)))
    label_n = max((len(" ".join(key)) for key in series), default=0)
    span = (rows[0][0].time_ns, rows[-1][0].time_ns)
    for key, points in sorted(series.items()):
        numbers = [value for _, value in points]
        drawn = sparkline(points, span, max(console.width - label_n - 40, 10))
        least, most = _shown(min(numbers)), _shown(max(numbers))
        label = " ".join(key).ljust(label_n)
        console.print(f"{label}  {drawn}  {least} .. {most}, last {_shown(numbers[-1])}")
    console.print(f"from {_time(span[0])} to {_time(span[1])} UTC")


def _time(time_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time_ns / 1e9))


def _shown(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
