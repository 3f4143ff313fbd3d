"""``appliance diff``: did live decide what the backtest of its recording decides?"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from appliance.abi.units import NS_PER_MS
from appliance.cold.backtest import request
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.figures import time_of_day
from appliance.cold.replay_command import Screen
from appliance.cold.run_config import RunConfig, load

_SHOWN: Final = 40

_EPILOG: Final = """\
examples:
  appliance diff spot.toml recordings/spot-1/spot/*.gz           the last session of the journal
  appliance diff spot.toml day.gz --session -2                   the one before it
  appliance diff spot.toml day.gz --free                         how well fills are simulated
  appliance diff spot.toml day.gz --journal copy/spot-1.journal --json > diff.json

CONFIG is that of the run: strategy, parameters, risk file and journal stand in it. The recording is
the sidecar's, of the time of the session. The backtest begins with live's first order, holds what
live held, and is told what the venue told live; with --free the simulated venue answers, at the
latencies of live's own orders. An order or a cancel is the same on both sides if everything but the
time is, and the times are no further apart than --within.

causes of a difference: refused, market, position, orders, earlier, strategy

exit codes: 0 every decision is the same, 1 some are not, 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "diff",
        help="a live session against the backtest of its recording, order by order",
        description="What live decided beside what the backtest decides, and why they differ.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("config", metavar="CONFIG", help="the configuration of the run (TOML)")
    add("files", nargs="+", metavar="FILE", help="the recording of the session")
    add("--snapshot", action="append", default=[], metavar="[SYMBOL=]FILE", help="REST snapshots")
    add("--exchange-info", metavar="FILE", help="saved exchangeInfo: grid, filters")
    add("--journal", metavar="FILE", help="default: of the configuration")
    add("--session", type=int, default=-1, metavar="N", help="-1: the last (default), 0: the first")
    add("--within", default="1", metavar="MS", help="how far apart two may be (1 ms)")
    add("--free", action="store_true", help="answers of the simulated venue, not those live got")
    add("--queue", default="risk_averse", metavar="NAME[:N]", help=", ".join(request.QUEUES))
    add("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance diff``; returns the exit code."""
    within_ns = int(request.number(args.within, "--within", 0, 60_000) * NS_PER_MS)
    config = load(Path(args.config), trades=False)
    screen = Screen(quiet=args.json)
    with screen.progress:
        told = diff(args, config, within_ns, screen)
    if args.json:
        json.dump(told, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(told, Console())
    return EXIT_NO if told["different"] else EXIT_OK


def diff(
    args: argparse.Namespace, config: RunConfig, within_ns: int, screen: Screen
) -> dict[str, Any]:
    """All of it; the result as plain values."""
    asked = _request(args, config)
    from appliance.cold.diff.live_course import read_session

    session = read_session(_journal(args, config), args.session)
    from appliance.cold import compile_cache, strategy_loader

    cache = compile_cache.prepare(strategy_loader.source_of(asked.strategy), compile_cache.HISTORY)
    screen.say(
        "loading the engine" if cache.warm else "compiling the engine (once for this version)"
    )
    from appliance.cold.backtest.run_backtest import plan_of
    from appliance.cold.diff.compare import compare
    from appliance.cold.diff.replayed import replayed

    plan = plan_of(asked, strategy_loader.load_strategy(asked.strategy, asked.params))
    other = replayed(plan, session, screen, within_ns=within_ns, is_free=args.free)
    cache.complete()
    comparison = compare(session.course, other.course, other.heard, within_ns)
    return {
        "session": {
            "epoch": f"{session.epoch:08x}",
            "first_ns": session.first_ns,
            "last_ns": session.last_ns,
            "symbols": [symbol.name for symbol in session.symbols],
        },
        "live": _counted(session.course),
        "backtest": _counted(other.course),
        **comparison.as_dict(),
        "notes": other.notes,
    }


def _counted(course: Any) -> dict[str, int]:
    return {
        "decisions": len(course.decisions),
        "fills": sum(map(len, course.fills.values())),
    }


def _journal(args: argparse.Namespace, config: RunConfig) -> Path:
    if args.journal is not None:
        return Path(args.journal)
    folder = config.file("journal.folder")
    if folder is None:
        raise ApplianceError(f"{config.path}: it names no journal.folder: give --journal")
    from appliance.cold.journal_file import journal_path

    return journal_path(folder, config.name)


def _request(args: argparse.Namespace, config: RunConfig) -> request.Request:
    """A backtest of what the configuration runs."""
    from appliance.cold.backtest.wanted import Wanted

    request.queue_of(args.queue)
    file = config.values["strategy.file"]
    local = config.path.parent / file
    limits = config.file("risk.file")
    return request.Request(
        wanted=Wanted(
            tuple(Path(name) for name in args.files),
            config.symbols,
            tuple(args.snapshot),
            args.exchange_info,
            config.market,
        ),
        strategy=str(local) if local.is_file() else file,
        params={name: str(value) for name, value in config.values["strategy.params"].items()},
        limits=None if limits is None else str(limits),
        latency="1,1",  # where no order of live's was answered
        queue=args.queue,
        partial_fills=False,
        maker=request.number("0", "", 0, 0),
        taker=request.number("0", "", 0, 0),
        capital_e8=10**12,
        sample_ns=60 * 1000 * NS_PER_MS,
    )


def show(told: dict[str, Any], console: Console) -> None:
    """How many are the same, and each one that is not."""
    console.print(
        f"live took {told['live']['decisions']:,} decisions and had {told['live']['fills']:,}"
        f" fills, the backtest {told['backtest']['decisions']:,} and"
        f" {told['backtest']['fills']:,}",
        highlight=False,
    )
    apart = f", {told['apart_most_us']:,.0f} us apart at most" if told["at_other_times"] else ""
    colour = "yellow" if told["different"] else "green"
    console.print(
        f"[{colour}]{told['same']:,} are the same{apart}; {told['different']:,} are not[/]"
    )
    for cause, count in sorted(told["causes"].items(), key=lambda one: -one[1]):
        console.print(f"  {count:,} {cause}", highlight=False)
    for one in told["differences"][:_SHOWN]:
        side = "buy" if one["side"] > 0 else "sell"
        console.print(
            f"{time_of_day(one['time_ns'])} {one['by']:<8} {one['symbol']} {one['what']} {side}"
            f" {one['quantity_lots']:,} at {one['price_ticks']:,}:"
            f" [bold]{one['cause']}[/], {escape(one['why'])}",
            highlight=False,
            soft_wrap=True,
        )
    if told["different"] > _SHOWN:
        console.print(f"[dim]and {told['different'] - _SHOWN:,} more: --json has them all[/]")
    for note in told["notes"]:
        console.print(f"[dim]{escape(note)}[/]")
