"""``sidecar status``: is the appliance alive, and what does its telemetry say. Reads only."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from appliance.abi import region
from appliance.abi.region_view import HEARTBEAT_AGE_MAX_NS, RegionView
from appliance.abi.version import ABI_MAJOR, ABI_MINOR
from sidecar.run_config import STATUS_NAME, default_spool_folder

EXIT_OK: Final = 0
EXIT_NO: Final = 1
EXIT_USAGE: Final = 2
OWN_AGE_MAX_S: Final = 10.0

_EPILOG: Final = """examples:
  sidecar status                     the run that was started last
  sidecar status demo                the run named demo
  sidecar status /dev/shm/x.telemetry --json | jq .heartbeat_age_ns
  sidecar status live --age 0.5 || page-somebody

exit codes: 0 healthy, 1 not (nothing runs, dead, stale, ended), 2 wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``status`` to the sidecar's command line."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "status",
        help="health of a running appliance",
        description="Show whether a run is alive: version, epoch, heartbeat, counters, stages.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "region", nargs="?", metavar="NAME|PATH", help="which run (default: the one started last)"
    )
    parser.add_argument(
        "--age",
        type=_seconds,
        default=HEARTBEAT_AGE_MAX_NS / 1e9,
        metavar="S",
        help="a heartbeat older than this is stale (default %(default)s s)",
    )
    parser.add_argument(
        "--spool", type=Path, metavar="DIR", help="of the sidecar whose own state is shown"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: more than 0, up to 86400 seconds")
    return value


def run(args: argparse.Namespace) -> int:
    """Serve ``sidecar status``; returns the exit code."""
    try:
        view = region.attach(region.find(args.region))
    except region.RegionError as error:
        missing = isinstance(error, region.RegionMissing)
        if args.json:
            sys.stdout.write(json.dumps({"healthy": False, "error": str(error)}) + "\n")
        else:
            sys.stderr.write(f"sidecar status: {error}\n")
        return EXIT_NO if missing else EXIT_USAGE
    with view:
        told = status(view, age_max_ns=int(args.age * 1e9))
    told["sidecar"] = own_status(args.spool or default_spool_folder())
    if args.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        _show(told)
    return EXIT_OK if told["healthy"] else EXIT_NO


def status(view: RegionView, *, age_max_ns: int = HEARTBEAT_AGE_MAX_NS) -> dict[str, Any]:
    """What ``sidecar status --json`` prints of ``view``; counters are totals since the start."""
    identity, health = view.identity, view.health(age_max_ns)
    return {
        "healthy": health.is_good,
        "health": str(health),
        "region": str(view.path),
        "name": identity.name,
        "version": identity.version,
        "abi": identity.abi,
        "reader_abi": f"{ABI_MAJOR}.{ABI_MINOR}",
        "mode": identity.mode,
        "strategy": identity.strategy,
        "pid": identity.process.pid,
        "epoch": identity.epoch,
        "created_ns": identity.created_ns,
        "lifecycle": view.lifecycle.name.lower(),
        "heartbeat_age_ns": view.heartbeat_age_ns(),
        "beats": view.beats_n,
        "counters": view.counters(),
        "stages": {
            name: {
                "n": s.n,
                "p50_ns": s.p50_ns,
                "p99_ns": s.p99_ns,
                "p999_ns": s.p999_ns,
                "max_ns": s.max_ns,
            }
            for name, s in view.stages().items()
        },
        "rings": [use._asdict() for use in view.rings()],
        "torn_retries": view.torn_retries_n,
    }


def own_status(folder: Path) -> dict[str, Any] | None:
    """What the sidecar that keeps ``folder`` last said of itself; None if there never was one."""
    try:
        told: dict[str, Any] = json.loads((folder / STATUS_NAME).read_text())
    except (OSError, ValueError):
        return None
    told["age_s"] = max(time.time_ns() - told["time_ns"], 0) / 1e9
    return told


def _own_line(told: dict[str, Any] | None) -> str:
    if told is None:
        return "none keeps a record (sidecar run)"
    if not told["running"]:
        return f"ended {told['age_s']:,.0f} s ago; its record is in {told['spool']['folder']}"
    if told["age_s"] > OWN_AGE_MAX_S:
        return f"NO WORD of process {told['pid']} for {told['age_s']:,.0f} s"
    sender = told["sender"]
    where = "no server is configured" if sender is None else f"{sender['state']}"
    if sender is not None and sender["state"] != "sending":
        where += f" ({sender['said']})"
    recorder = told.get("recorder")
    if recorder is not None and recorder["frames"]:
        where += f"; {recorder['frames']:,} frames in {recorder['folder']}"
        if recorder["lost_frames"]:
            where += f" ({recorder['lost_frames']:,} LOST)"
    if journal := told.get("journal"):
        where += f"; journal copied, {journal['behind']} records behind"
    said = "; ".join(
        one["said"] for one in (told["sampler"], recorder, journal) if one and one["said"]
    )
    return f"recording, {told['spool']['bytes']:,} bytes; {where}" + (f"; {said}" if said else "")


def _show(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    age_ns = told["heartbeat_age_ns"]
    colour = "green" if told["healthy"] else "bold red"
    console.print(f"[{colour}]{told['health']}[/]  {told['name']}  {told['mode']}", soft_wrap=True)
    facts = Table.grid(padding=(0, 2))
    for label, value in (
        ("region", told["region"]),
        ("version", f"{told['version']} (layout {told['abi']})"),
        ("strategy", told["strategy"] or "-"),
        ("process", str(told["pid"])),
        ("epoch", f"{told['epoch']:016x}"),
        ("lifecycle", told["lifecycle"]),
        ("sidecar", _own_line(told["sidecar"])),
        ("heartbeat", "none yet" if age_ns is None else f"{age_ns / 1e6:,.1f} ms ago"),
    ):
        facts.add_row(label, value)
    console.print(facts)
    stages = Table("stage", "n", "p50 ns", "p99 ns", "p99.9 ns", "max ns", box=None, pad_edge=False)
    for column in stages.columns[1:]:
        column.justify = "right"
    for name, s in told["stages"].items():
        if s["n"]:
            stages.add_row(name, *(f"{v:,}" for v in s.values()))
    if stages.row_count:
        console.print(stages)
    counters = Table("counter", "total", box=None, pad_edge=False)
    counters.columns[1].justify = "right"
    for label, n in told["counters"].items():
        if n:
            counters.add_row(label, f"{n:,}")
    if counters.row_count:
        console.print(counters)
