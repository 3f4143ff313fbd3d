"""``appliance bench``: latency on this host, and whether a change to it changed anything."""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.cold.bench.strategy import STRATEGY
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.figures import duration
from appliance.cold.host import machine, profile
from appliance.cold.host.knobs import Tree, audit
from appliance.cold.replay_command import Screen

_EPILOG: Final = """\
examples:
  appliance bench                                  a minute; the last isolated core, or the last
  appliance bench --core 3 --load-core 2 --out before
  appliance bench --compare before/result.json after/result.json
  appliance bench --report before/result.json      its report.html, where plotly is installed
  appliance bench --json > result.json

Measured: a core that does nothing else (hiccups: the floor), its clocks, a ring; the loop over
frames in memory; and wire to wire over loopback, where a generator on another core sends frames
when they are due, whatever came back, and latency counts from then. In ns, as p50, p99, p99.9 and
max. A comparison calls a change only what is one beyond the noise of both. Figures of an emulated
machine are not shown.

exit codes: 0 fine, 1 something got worse (--compare), 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench",
        help="measure latency on this host; compare two such results",
        description="Latency, jitter and throughput on this host, with a verdict on its tuning.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--core", type=int, metavar="N", help="of the loop")
    add("--load-core", type=int, metavar="N", help="of the generator")
    add("--fifo", type=int, default=0, metavar="P", help="the loop's real-time priority (0: none)")
    add("--rounds", type=int, default=15, metavar="N", help="of everything, in turns (15)")
    add("--profile", default=profile.USUAL, metavar="NAME", help="the host is held against it")
    add("--out", metavar="FOLDER", help="result.json, .hgrm, .hlog, report.html")
    add("--compare", nargs=2, metavar=("BEFORE", "AFTER"), help="two result.json")
    add("--report", metavar="RESULT", help="report.html beside this result.json")
    add("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance bench``; returns the exit code."""
    if args.compare:
        return _compare(args)
    if args.report:
        return _report(Path(args.report))
    if not 1 <= args.rounds <= 10_000:
        raise ApplianceError(f"--rounds {args.rounds}: give 1 to 10000")
    if not 0 <= args.fifo <= 99:
        raise ApplianceError(f"--fifo {args.fifo}: give 0 to 99")
    screen = Screen(quiet=args.json)
    core, load_core = _cores(args)
    with screen.progress:
        result = _measure(args, core, load_core, screen)
    if args.json:
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(result, Console())
    return EXIT_OK


def _cores(args: argparse.Namespace) -> tuple[int, int]:
    """The loop's, the generator's."""
    may = os.sched_getaffinity(0)
    online = machine.online(Tree())
    isolated = machine.isolated_now(Tree())
    core = max(isolated or may) if args.core is None else args.core
    others = sorted(may - {core} - isolated) or sorted(may - {core})
    for name, number in (("--core", core), ("--load-core", args.load_core)):
        if number is not None and number not in online:
            raise ApplianceError(f"{name} {number}: there is no such core")
    if args.load_core is None and not others:
        raise ApplianceError("the generator needs a core of its own: this host has one only")
    load_core = others[-1] if args.load_core is None else args.load_core
    if load_core == core:
        raise ApplianceError("--load-core: the loop and its generator need two cores")
    return core, load_core


def _measure(args: argparse.Namespace, core: int, load_core: int, screen: Screen) -> dict[str, Any]:
    from appliance.cold import compile_cache

    cache = compile_cache.prepare(STRATEGY, compile_cache.REPLAY)
    from appliance.cold.bench.facts import facts
    from appliance.cold.bench.inside import Inside
    from appliance.cold.bench.wire import LOADS, Wire
    from appliance.cold.placement import Placement

    made_ns, began_s = time.time_ns(), time.monotonic()
    told = facts(core, load_core)
    inside = Inside(Placement(core, args.fifo), screen.say)
    cache.complete()
    screen.say("starting the loop over sockets")
    with Wire(core, load_core, args.fifo) as wire, screen.task("rounds", args.rounds) as progress:
        for n in range(args.rounds):
            inside.round()
            with wire.awake():
                for load in LOADS:
                    wire.round(load)
            progress(n + 1, args.rounds)
        series = [*inside.series.values(), *wire.series.values()]
    result = {
        "format": 1,
        "made_ns": made_ns,
        "rounds": args.rounds,
        "facts": told,
        "host": _host(args.profile, core),
        "series": {one.name: _plain(one, emulated=told["emulated"]) for one in series},
    }
    if args.out:
        round_s = (time.monotonic() - began_s) / args.rounds
        _write(Path(args.out), result, series, round_s)
    return result


def _plain(one: Any, *, emulated: bool) -> dict[str, Any]:
    """Of an emulated machine only that it ran."""
    figures = one.figures()
    unanswered = sum(one.unanswered)
    if emulated:
        return {"title": one.title, "withheld": "an emulated machine", "n": figures["n"]}
    return {
        "title": one.title,
        **figures,
        "unanswered": unanswered,
        "buckets": one.buckets(),
        "by_round": one.by_round(),
        "longest_ns": one.longest_ns,
    }


def _host(name: str, core: int) -> list[dict[str, str]]:
    """The knobs of the profile, by value."""
    try:
        cores = machine.cores_of(frozenset({core}) | machine.isolated_now(Tree()), Tree())
    except ApplianceError as error:
        return [{"knob": "cores", "verdict": "wrong", "wanted": "isolated", "found": str(error)}]
    return [
        {
            "knob": one.knob,
            "verdict": one.verdict.value,
            "wanted": one.wanted,
            "found": one.found,
        }
        for one in audit(profile.load(name), cores, Tree())
    ]


def _write(folder: Path, result: dict[str, Any], series: list[Any], round_s: float) -> None:
    from appliance.cold.bench.hdr_files import hgrm, hlog
    from appliance.cold.bench.report import NoPlotly, write_report

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        if not result["facts"]["emulated"]:
            (folder / "bench.hlog").write_text(hlog(series, result["made_ns"], round_s))
            for one in series:
                (folder / f"{one.name}.hgrm").write_text(hgrm(one.counts))
    except OSError as error:
        raise ApplianceError(f"--out {folder}: {error.strerror}") from None
    try:
        write_report(folder / "report.html", result)
    except NoPlotly:
        again = f"appliance bench --report {folder / 'result.json'}"
        print(f"no report.html without plotly. Where it is installed: {again}", file=sys.stderr)


def show(result: dict[str, Any], console: Console) -> None:
    """A table, and what the host is like."""
    facts = result["facts"]
    console.print(f"{facts['processor']}, kernel {facts['kernel']}", highlight=False)
    if facts["core_taken"]:
        console.print(f"[red]core {facts['core']} was taken: something else spins there[/]")
    if facts["emulated"]:
        console.print("[red]an emulated machine: no figure of it means anything[/]")
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("", "p50", "p99", "p99.9", "max", "how many"):
            table.add_column(name, justify="left" if not name else "right")
        for one in result["series"].values():
            names = ("p50_ns", "p99_ns", "p999_ns", "max_ns")
            table.add_row(one["title"], *(duration(one[n]) for n in names), f"{one['n']:,}")
        console.print(table)
        lost = sum(one["unanswered"] for one in result["series"].values())
        if lost:
            console.print(f"{lost:,} frames were not shown to the strategy: a fresher one waited")
    bad = [one for one in result["host"] if one["verdict"] not in ("ok", "n/a")]
    core = facts["core"]
    if bad:
        again = f"appliance check-host --isolated {core}"
        console.print(f"[yellow]{len(bad)} knobs of this host are not tuned[/]: {again}")
    else:
        console.print("[green]the host is tuned[/]")


# ---- results that are there ----------------------------------------------------------------------


def _report(path: Path) -> int:
    from appliance.cold.bench.report import write_report

    report = path.with_name("report.html")
    try:
        write_report(report, _read(path))
    except OSError as error:
        raise ApplianceError(f"{report}: {error.strerror}") from None
    except (KeyError, TypeError, IndexError):
        raise ApplianceError(f"{path}: not all of a report is in it: measure again") from None
    print(report)
    return EXIT_OK


def _compare(args: argparse.Namespace) -> int:
    from appliance.cold.bench.comparison import BETTER, WORSE, compare

    changes = compare(*(_read(Path(name)) for name in args.compare))
    worse = [one for one in changes if one.verdict == WORSE]
    if args.json:
        rows = [
            {**{k: getattr(one, k) for k in one.__dataclass_fields__}, "verdict": one.verdict}
            for one in changes
        ]
        json.dump({"changes": rows, "worse": len(worse)}, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return EXIT_NO if worse else EXIT_OK
    table = Table(box=None, pad_edge=False)
    for name in ("", "figure", "before", "after", "ratio", "99 % interval", ""):
        table.add_column(name, justify="right" if name not in ("", "figure") else "left")
    colours = {WORSE: "red", BETTER: "green"}
    for one in changes:
        span = f"{one.low:.2f} to {one.high:.2f}"
        verdict = f"[{colours.get(one.verdict, 'dim')}]{one.verdict}[/]"
        figure = {"p50_ns": "p50", "p99_ns": "p99", "p999_ns": "p99.9"}[one.figure]
        spans = duration(one.before_ns), duration(one.after_ns)
        table.add_row(escape(one.series), figure, *spans, f"{one.ratio:.2f}", span, verdict)
    console = Console()
    console.print(table)
    better = sum(one.verdict == BETTER for one in changes)
    console.print(f"{len(worse)} worse, {better} better, of {len(changes)} figures")
    return EXIT_NO if worse else EXIT_OK


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["format"] != 1 or not result["series"] or "facts" not in result:
            raise ValueError
    except OSError as error:
        raise ApplianceError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ApplianceError(f"{path}: not the result.json of appliance bench") from None
    checked: dict[str, Any] = result
    return checked
