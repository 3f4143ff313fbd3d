"""``appliance replay``: recorded frames through the whole pipeline."""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError

EPOCH: Final = 0  # of the client order ids: a replay's are the same each time
CHUNK_BYTES: Final = 256 << 20

_EPILOG = """\
examples:
  appliance replay btcusdt.gz                               as fast as possible
  appliance replay mon.gz tue.gz --verify-book              two files, one after the other
  appliance replay ws.log --snapshot NKNUSDT=depth.json     snapshots from elsewhere
  appliance replay day.gz --speed 1                         in recorded time; watch: appliance top
  appliance replay day.gz --strategy imbalance_taker --params take_lots=5,levels=3
  appliance replay day.gz --strategy mine.py --json

A line of a recording is "<receive time> <frame>", the time in ns, us or ms since 1970; snapshots
may stand among the frames. Without --exchange-info the grids are learnt in a first pass.

exit codes: 0 fine, 1 the book differs from the venue's own (--verify-book), 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "replay",
        help="recorded frames through the whole pipeline",
        description="Recorded frames through decode, book, strategy, gate and paper fills.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings, plain or gzip")
    parser.add_argument(
        "--snapshot",
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="REST depth snapshots that are not in the recording (repeatable)",
    )
    parser.add_argument("--exchange-info", metavar="FILE", help="saved exchangeInfo: grid, filters")
    parser.add_argument("--symbols", metavar="A,B", help="only these symbols (default: all)")
    parser.add_argument(
        "--speed", default="max", metavar="X", help="max (default), or times the recorded pace"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="N times, each from a fresh start"
    )
    parser.add_argument(
        "--verify-book", action="store_true", help="exit 1 unless every book matched the venue's"
    )
    add_trading_options(parser)
    parser.add_argument(
        "--name", metavar="NAME", help="of the telemetry region (for appliance top)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def add_trading_options(parser: argparse.ArgumentParser) -> None:
    """Options that replay and demo share."""
    parser.add_argument(
        "--strategy",
        default="market_maker",
        metavar="NAME|FILE",
        help="market_maker (default), imbalance_taker, idle, or your module",
    )
    parser.add_argument("--params", default="", metavar="K=V,..", help="the strategy's parameters")
    parser.add_argument("--limits", metavar="FILE", help="risk limits (TOML; default: for demos)")
    parser.add_argument(
        "--rings",
        metavar="FOLDER",
        help="where the loop's rings lie: /dev/shm (default), or a hugetlbfs mount",
    )


def parse_speed(text: str) -> float | None:
    """None: as fast as possible."""
    if text == "max":
        return None
    with contextlib.suppress(ValueError):
        if 0.001 <= (speed := float(text)) <= 1000:
            return speed
    raise ApplianceError(f"--speed {text}: give max, or a number from 0.001 to 1000")


def parse_params(text: str) -> dict[str, str]:
    assignments = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise ApplianceError(f"--params {part}: give NAME=VALUE, separated by commas")
        assignments[key.strip()] = value.strip()
    return assignments


def rings_folder(text: str | None) -> Path | None:
    """None: beside the telemetry region."""
    if text is None:
        return None
    try:
        found = Path(text).is_dir()
    except OSError as error:  # a name that is too long
        raise ApplianceError(f"--rings: {error.strerror}") from None
    if not found:
        raise ApplianceError(f"--rings {text}: there is no such folder")
    return Path(text)


class Screen:
    """Progress for people on standard error; nothing when it is no terminal."""

    def __init__(self, quiet: bool) -> None:
        self.console = Console(stderr=True)
        shown = self.console.is_terminal and not quiet
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not shown,
        )

    @contextlib.contextmanager
    def task(self, what: str, total: float | None = None) -> Iterator[Callable[[int, int], None]]:
        task = self.progress.add_task(what, total=total)
        yield lambda done, of: self.progress.update(task, completed=done, total=of)
        self.progress.remove_task(task)

    def say(self, what: str) -> None:
        if not self.progress.disable:
            self.progress.console.print(f"[dim]{escape(what)} ..[/]")


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance replay``; returns the exit code."""
    started_s = time.time()
    speed = parse_speed(args.speed)
    if args.repeat < 1 or (args.repeat > 1 and speed is not None):
        raise ApplianceError("--repeat N is for --speed max, and N is 1 or more")
    params = parse_params(args.params)
    screen = Screen(quiet=args.json)
    with screen.progress:
        result = replay(args, speed, params, screen, started_s)
    if args.json:
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        from appliance.cold import run_report

        run_report.show(result, Console())
    if not args.verify_book:
        return EXIT_OK
    wrong = sum(book["mismatched"] + book["crossed"] for book in result["book"].values())
    compared = sum(book["compared"] for book in result["book"].values())
    if wrong or not compared:
        told = f"{wrong} wrong" if wrong else "nothing could be compared: no book came to life"
        print(f"appliance replay: --verify-book: {told}", file=sys.stderr)
        return EXIT_NO
    return EXIT_OK


class _Recording:
    """The files of a replay: read twice, unless all of it fits into one chunk."""

    def __init__(self, args: argparse.Namespace) -> None:
        from appliance.cold.recording import Arena, ReadReport

        self._args = args
        self._kept: list[Arena] = []
        self._chunks_n = 0
        self.report = ReadReport()

    def first_pass(self, progress: Callable[[int, int], None]) -> Iterator[Any]:
        from appliance.cold.recording import load_chunks

        args = self._args
        for arena in load_chunks(
            args.files, args.snapshot, CHUNK_BYTES, progress, report=self.report
        ):
            self._chunks_n += 1
            self._kept[:] = [arena]
            yield arena

    @property
    def whole(self) -> Any | None:
        """The only chunk, or None."""
        return self._kept[0] if self._chunks_n == 1 else None

    def second_pass(self) -> Iterator[Any]:
        from appliance.cold.recording import load_chunks

        if self.whole is not None:
            yield self.whole
        else:
            yield from load_chunks(self._args.files, self._args.snapshot, CHUNK_BYTES)


def replay(
    args: argparse.Namespace,
    speed: float | None,
    params: dict[str, str],
    screen: Screen,
    started_s: float,
) -> dict[str, Any]:
    """All of it; the report as a dictionary."""
    from appliance.cold import compile_cache, strategy_loader

    cache = compile_cache.prepare(strategy_loader.source_of(args.strategy))
    from appliance.cold import grid, run_report, session

    strategy = strategy_loader.load_strategy(args.strategy, params)
    wanted = [name for name in (args.symbols or "").split(",") if name] or None
    recording = _Recording(args)
    with screen.task("reading", None) as progress:
        learnt = grid.learn(recording.first_pass(progress), wanted)
    instruments = build_instruments(learnt, args.exchange_info, wanted)
    made = session.start(
        session.Plan(
            name=args.name or f"replay-{os.getpid()}",
            mode="replay",
            instruments=instruments,
            strategy=strategy,
            limits_file=Path(args.limits) if args.limits else None,
            cache=cache,
            speed=speed,
            frames_total_n=recording.report.frames * args.repeat,
            process_started_s=started_s,
            say=screen.say,
            rings_folder=rings_folder(args.rings),
        )
    )
    try:
        made.notes += recording.report.remarks()
        _run(made, recording, speed, args.repeat, screen)
        result = run_report.as_dict(made)
        result["recording"] = recording.report.as_dict()
        return result
    finally:
        made.close()


def _run(
    made: Any, recording: _Recording, speed: float | None, repeat: int, screen: Screen
) -> None:
    from appliance.abi.counters import Counter
    from appliance.cold import boot, loop

    total = recording.report.frames * repeat
    with screen.task("replaying", total) as progress:

        def watch() -> None:
            made.region.update_clock()
            progress(int(made.core.telemetry.counters[Counter.FRAMES, 0]), total)

        feeds: Iterator[Any] = (made.feed(arena) for arena in recording.second_pass())
        if repeat > 1:
            if recording.whole is None:
                raise ApplianceError("--repeat: the recording is too large to be kept in memory")
            restore = boot.Checkpoint(made.core).restore
            feeds = loop.repeated(made.feed(recording.whole), repeat, restore)
        if speed is None:
            loop.run_flat_out(made.loop, feeds, watch)
        else:
            loop.run_in_time(made.loop, feeds, speed, watch)


def build_instruments(
    learnt: Sequence[Any], exchange_info: str | None, wanted: Sequence[str] | None
) -> Any:
    """The instruments, from what the first pass saw and what the venue says."""
    from appliance.cold import instrument_table
    from appliance.cold.exchange_info import load_exchange_info

    rules = load_exchange_info(exchange_info) if exchange_info else None
    return instrument_table.build(learnt, rules, wanted)
