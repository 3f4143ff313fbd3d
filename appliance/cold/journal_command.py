"""``appliance journal``: prints, filters, checks, adds up and repairs the order journal."""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from appliance.abi.journal import ARCHIVE_SUFFIX, JOURNAL_SUFFIX, JournalKind
from appliance.abi.units import NS_PER_S
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.journal_file import JournalFile
from appliance.cold.journal_reader import JournalReader, Reading, read_archive_alone
from appliance.cold.journal_state import JournalError, replay
from appliance.cold.journal_text import Describer, ledger_of, line_of

_EPILOG: Final = """examples:
  appliance journal spot-1.journal                      everything, archive included, oldest first
  appliance journal spot-1.journal --kind FILL --symbol BTCUSDT --since 2026-01-31
  appliance journal spot-1.journal --order lc-5e0a11c3-000000000001-0003
  appliance journal spot-1.journal --follow             what comes, until Ctrl-C
  appliance journal spot-1.journal --verify             is every record whole, and none missing?
  appliance journal spot-1.journal --replay --json      positions, open orders, the day's figures
  appliance journal copy/spot-1-20260131.archive --verify   a day of the archive, without the rest
  appliance journal spot-1.journal --repair             after damage; keeps the file as it is now

exit codes: 0 fine, 1 the journal is damaged, 2 a wrong request or no journal"""
_LOOK_S: Final = 0.1


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "journal",
        help="print, check, add up or repair the order journal",
        description="The order journal of a run, also while it runs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="NAME.journal, its archive lies beside it; or one file of an archive or of a copy",
    )
    kinds = [kind.name for kind in JournalKind]
    parser.add_argument("--kind", metavar="K", action="append", help=", ".join(kinds))
    parser.add_argument("--symbol", metavar="S", help="only of this one")
    parser.add_argument("--order", metavar="ID", help="only of this client order id")
    parser.add_argument("--since", metavar="TIME", help="UTC: 2026-01-31, or 2026-01-31T12:30:00")
    parser.add_argument("--until", metavar="TIME", help="likewise, and not this moment itself")
    whats = parser.add_mutually_exclusive_group()
    whats.add_argument("--verify", action="store_true", help="check every record")
    whats.add_argument("--replay", action="store_true", help="what the records add up to")
    whats.add_argument("--repair", action="store_true", help="mark damaged records as lost")
    whats.add_argument("--follow", action="store_true", help="go on with what is written")
    parser.add_argument(
        "--json", action="store_true", help="one JSON document (a line each with --follow)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance journal``; returns the exit code."""
    path = Path(args.file)
    wanted = _filter(args)
    if path.name.endswith(ARCHIVE_SUFFIX):
        if args.repair or args.follow:
            raise ApplianceError(f"{path}: --repair and --follow are for a {JOURNAL_SUFFIX}")
        reading = read_archive_alone(path)
    elif not path.name.endswith(JOURNAL_SUFFIX):
        raise ApplianceError(
            f"{path}: a journal's name ends with {JOURNAL_SUFFIX}, its archive's with"
            f" {ARCHIVE_SUFFIX}"
        )
    elif args.repair:
        return _repair(path, as_json=args.json)
    else:
        with contextlib.closing(JournalReader(path)) as reader:
            if args.follow:
                return _follow(reader, wanted, as_json=args.json)
            reading = reader.read()
    if args.verify:
        return _verify(path, reading, as_json=args.json)
    if args.replay:
        return _replay(path, reading, as_json=args.json)
    told = _described(reading.records, wanted)
    if args.json:
        print(json.dumps({"records": list(told), "faults": reading.faults}))
    else:
        for one in told:
            print(line_of(one))
        _tell_faults(path, reading)
    return EXIT_NO if reading.faults else EXIT_OK


def _described(
    records: Iterable[Any], wanted: Callable[[Any, dict[str, Any]], bool]
) -> Iterable[dict[str, Any]]:
    describer = Describer()
    for record in records:
        told = describer.describe(record)
        if wanted(record, told):
            yield told


def _filter(args: argparse.Namespace) -> Callable[[Any, dict[str, Any]], bool]:
    kinds = {name.upper() for name in args.kind or ()}
    if unknown := kinds - {kind.name for kind in JournalKind}:
        raise ApplianceError(f"--kind {min(unknown)}: there is none; see --help")
    since_ns = _time_ns("--since", args.since)
    until_ns = _time_ns("--until", args.until)

    def wanted(record: Any, told: dict[str, Any]) -> bool:
        return (
            (not kinds or told["kind"] in kinds)
            and (args.symbol is None or told.get("symbol") == args.symbol)
            and (args.order is None or told.get("order") == args.order)
            and (since_ns is None or record["time_ns"] >= since_ns)
            and (until_ns is None or record["time_ns"] < until_ns)
        )

    return wanted


def _time_ns(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApplianceError(f"{option} {text}: no time like 2026-01-31T12:30:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * NS_PER_S + moment.microsecond * 1000


def _follow(reader: JournalReader, wanted: Any, *, as_json: bool) -> int:
    """From the records that are there now; earlier ones only teach what symbols mean."""
    describer = Describer()
    records = reader.read(since_start_only=True).records
    last = 0
    for record in records:
        describer.describe(record)
        last = int(record["sequence"])
    while True:
        for record in reader.follow(last):
            told = describer.describe(record)
            last = int(record["sequence"])
            if wanted(record, told):
                print(json.dumps(told) if as_json else line_of(told), flush=True)
        time.sleep(_LOOK_S)


def _verify(path: Path, reading: Reading, *, as_json: bool) -> int:
    sequences = reading.records["sequence"]
    told = {
        "records": len(reading.records),
        "first": int(sequences[0]) if len(sequences) else 0,
        "last": int(sequences[-1]) if len(sequences) else 0,
        "archive_files": reading.files_n,
        "unfinished_record": reading.torn,
        "in_use_by": reading.owner_pid if reading.running else None,
        "faults": list(reading.faults),
    }
    if as_json:
        print(json.dumps(told))
    else:
        in_use = f", in use by process {reading.owner_pid}" if reading.running else ""
        print(
            f"{path}: {told['records']} records, {told['first']} to {told['last']},"
            f" {reading.files_n} files of the archive{in_use}"
        )
        if reading.torn:
            print("an unfinished record stands behind the last: the next start drops it")
        _tell_faults(path, reading)
        if not reading.faults:
            print("every record is whole, and none is missing")
    return EXIT_NO if reading.faults else EXIT_OK


def _tell_faults(path: Path, reading: Reading) -> None:
    for fault in reading.faults:
        print(f"{path}: {fault}", file=sys.stderr)


def _replay(path: Path, reading: Reading, *, as_json: bool) -> int:
    try:
        told = ledger_of(replay(reading.records))
    except JournalError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return EXIT_NO
    if as_json:
        print(json.dumps(told))
    else:
        show(told)
        _tell_faults(path, reading)
    return EXIT_NO if reading.faults else EXIT_OK


def show(told: dict[str, Any]) -> None:
    """What a journal adds up to, for people."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title, rows in (("positions", told["positions"]), ("open orders", told["open_orders"])):
        if not rows:
            console.print(f"no {title}")
            continue
        table = Table(*rows[0], title=title)
        for row in rows:
            table.add_row(*map(str, row.values()))
        console.print(table)
    day = told["day"]
    console.print(
        f"state {told['state']}, profit {told['profit']} (at most {told['profit_peak']}); today"
        f" {day['messages']} messages, {day['fills']} fills; {told['refusals']} orders refused"
    )
    if told["lost_records"]:
        console.print(f"{told['lost_records']} records were lost to damage")


def _repair(path: Path, *, as_json: bool) -> int:
    if not path.exists():
        raise ApplianceError(f"cannot open the journal {path}: no such file")
    file = JournalFile(path, repair=True)
    notes, last = file.notes, file.found.last
    file.close()
    if as_json:
        print(json.dumps({"last": last, "notes": notes}))
    else:
        print("\n".join(notes) or f"{path}: nothing to repair, {last} records")
    return EXIT_OK
