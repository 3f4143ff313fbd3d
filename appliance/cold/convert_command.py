"""``appliance convert``: recordings and Tardis' CSV to hftbacktest's .npz."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from appliance.cold.backtest.request import MARKETS
from appliance.cold.errors import EXIT_OK, ApplianceError
from appliance.cold.replay_command import Screen

_EPILOG = """\
examples:
  appliance convert btcusdt_20240808.gz btcusdt_20240808.npz
  appliance convert mon.gz tue.gz two_days.npz --symbols ETHUSDT
  appliance convert book.csv.gz trades.csv.gz day.npz --market spot

The last name is the file to write, of one symbol, for appliance backtest and for hftbacktest.
Depth, snapshots and trades go there; a touch that was told apart from the book has no event there.

exit codes: 0 fine, 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "convert",
        help="recordings and Tardis' CSV to hftbacktest's .npz",
        description="History from one form to hftbacktest's.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="recordings, or .csv, or .npz")
    add("out", metavar="OUT.npz", help="the file to write")
    add("--symbols", metavar="A", help="whose events (default: the only symbol there is)")
    add("--snapshot", action="append", default=[], metavar="[SYMBOL=]FILE", help="REST snapshots")
    add("--market", choices=MARKETS, default="usdm", help="of files that do not say (usdm)")
    add("--force", action="store_true", help="write over a file that is there")
    add("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance convert``; returns the exit code."""
    out = Path(args.out)
    if out.suffix != ".npz":
        raise ApplianceError(f"{out}: the last name is the file to write, and ends in .npz")
    if out.exists() and not args.force:
        raise ApplianceError(f"{out} is there already: give --force to write over it")
    screen = Screen(quiet=args.json)
    with screen.progress:
        told = convert(args, out, screen)
    if args.json:
        json.dump(told, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return EXIT_OK
    console = Console()
    console.print(f"{told['symbol']}: {told['events']:,} events in {out}", highlight=False)
    for note in told["notes"]:
        console.print(f"[dim]{escape(note)}[/]")
    return EXIT_OK


def convert(args: argparse.Namespace, out: Path, screen: Screen) -> dict[str, Any]:
    """Writes the file whole or not at all."""
    from appliance.cold import compile_cache, strategy_loader

    compile_cache.prepare(strategy_loader.source_of("idle"), compile_cache.HISTORY)
    import numpy as np

    from appliance.cold.backtest.inputs import History
    from appliance.cold.backtest.npz import EVENT, events_of
    from appliance.cold.backtest.wanted import Wanted

    symbols = tuple(name for name in (args.symbols or "").split(",") if name)
    files = tuple(Path(name) for name in args.files)
    wanted = Wanted(files, symbols, tuple(args.snapshot), None, MARKETS[args.market])
    history = History(wanted)
    with screen.task("reading", None) as progress:
        instruments = history.learn(progress)
    if len(instruments.symbols) != 1:
        names = ", ".join(instruments.symbols)
        raise ApplianceError(f"an .npz is of one symbol: choose one with --symbols, of {names}")
    (source,) = history.sources(instruments)
    record = instruments.records[0]
    grids = int(record["price_grid_e8"]), int(record["quantity_grid_e8"])
    count = 0
    folder = out.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as raw, screen.task("converting") as progress:
            for rows in source.blocks():
                events = events_of(rows, *grids)
                raw.write(events.tobytes())
                count += len(events)
                progress(count, 0)
            raw.flush()
            data: Any = np.zeros(0, EVENT)
            if count:
                data = np.memmap(raw, EVENT, "r", shape=(count,))
            partly = out.with_name(f".{out.name}.part")
            try:
                with partly.open("wb") as file:
                    np.savez_compressed(file, data=data)
                    os.fsync(file.fileno())
                partly.replace(out)
            finally:
                partly.unlink(missing_ok=True)
    except OSError as error:
        raise ApplianceError(f"{out}: {error.strerror}") from None
    notes = [*instruments.notes, *history.notes()]
    return {"symbol": instruments.symbols[0], "events": count, "file": str(out), "notes": notes}
