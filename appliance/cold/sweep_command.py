"""``appliance sweep``: parameters and days, all at once, and whether the best was only lucky."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.cold.backtest import request
from appliance.cold.errors import EXIT_OK, ApplianceError
from appliance.cold.replay_command import Screen

RESULTS: Final = "lonecore-sweep.jsonl"
_SHOWN: Final = 20
_METRICS: Final = ("sharpe_ratio", "total_return", "sortino_ratio", "calmar_ratio")

_EPILOG = """\
examples:
  appliance sweep day.gz --vary half_ticks=1:9:2 --vary quote_lots=5,10
  appliance sweep btcusdt_2026*.gz --vary half_ticks=1:50 --random 40 --walk-forward 3:1
  appliance sweep *.gz --vary half_ticks=2,4,8 --dask tcp://10.0.0.5:8786
  appliance sweep day.gz --strategy mine.py --vary edge=0.1:0.9:0.1 --json > sweep.json

Files with the same date in their names are one period, others each by itself; every period begins
flat. What is done is kept in --results: the same command goes on where it was ended. Workers of a
cluster need this package and the files under the same names; each result is the same everywhere.

exit codes: 0 fine, 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "sweep",
        help="a strategy's parameters on many days, on all cores",
        description="Backtests over a grid of parameters, or some at random, and over periods.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    request.add_options(parser)
    add = parser.add_argument
    add("--vary", action="append", required=True, metavar="K=V,V|A:B:STEP", help="repeatable")
    add("--random", type=int, metavar="N", help="N of them at random, instead of all")
    add("--seed", type=int, default=1, help="of --random (1)")
    add("--metric", choices=_METRICS, default="sharpe_ratio", help="what is best (sharpe_ratio)")
    add("--walk-forward", metavar="N:M", help="the best of N periods, proved on the next M")
    add("--workers", type=int, metavar="N", help="processes here (default: one a core)")
    add("--dask", metavar="ADDRESS", help="of a Dask scheduler, instead")
    add("--results", default=RESULTS, metavar="FILE", help=f"what is done ({RESULTS})")
    add("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance sweep``; returns the exit code."""
    screen = Screen(quiet=args.json)
    with screen.progress:
        told = sweep(args, screen)
    if args.json:
        json.dump(told, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(told, Console())
    return EXIT_OK


def sweep(args: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """All of it; the result as plain values."""
    asked = request.request_of(args)
    walk = _walk_of(args.walk_forward)
    workers = os.cpu_count() or 1 if args.workers is None else args.workers
    if not 1 <= workers <= 1024:
        raise ApplianceError(f"--workers {args.workers}: give 1 to 1024")
    if args.random is not None and not 1 <= args.random <= 100_000:
        raise ApplianceError(f"--random {args.random}: give 1 to 100000")
    from appliance.cold import strategy_loader
    from appliance.cold.sweep.space import combinations

    varied = combinations(args.vary, args.random, args.seed)
    source = strategy_loader.source_of(args.strategy)
    from appliance.cold.sweep import search

    made = search.sweep_of(asked, source, varied, args.metric, walk)
    kept = search.Results(Path(args.results))
    done_n, all_n = 0, len(made.tasks)
    try:
        missing = [task for task in made.tasks if task.key not in kept.found]
        done_n = all_n - len(missing)
        if done_n:
            screen.say(f"{done_n} of {all_n} are done already, in {args.results}")
        with screen.task(f"{all_n} backtests", all_n) as progress:
            progress(done_n, all_n)
            for task, result in _results(missing, workers, args.dask):
                kept.add(task, result)
                done_n += 1
                progress(done_n, all_n)
        results = [kept.found[task.key] for task in made.tasks]
    except KeyboardInterrupt:
        print(
            f"\n{done_n} of {all_n} are kept in {args.results}: the same command goes on there",
            file=sys.stderr,
        )
        raise
    finally:
        kept.close()
    return search.summary(made, results)


def _results(missing: list[Any], workers: int, address: str | None) -> Iterator[tuple[Any, Any]]:
    from appliance.cold.sweep import workers as where

    if address is None:
        return where.run_here(missing, min(workers, max(1, len(missing))))
    return where.run_on_dask(missing, address)


def _walk_of(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    train, _, test = text.partition(":")
    if not (train.isdecimal() and test.isdecimal() and int(train) > 0 and int(test) > 0):
        raise ApplianceError(f"--walk-forward {text}: give two counts of periods, as 3:1")
    return int(train), int(test)


def _cell(value: float | None) -> str:
    return "not defined" if value is None else f"{value:,.4g}"


def _params(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in params.items())


def show(told: dict[str, Any], console: Console) -> None:
    """The best ones, the walk forward, and what to think of it."""
    table = Table(box=None, pad_edge=False)
    for name in ("parameters", "Sharpe", "return", "drawdown", "profit", "fills"):
        table.add_column(name, justify="left" if name == "parameters" else "right")
    for row in told["runs"][:_SHOWN]:
        cells = [_cell(row[name]) for name in ("sharpe_ratio", "total_return", "max_drawdown")]
        profit, fills = f"{row['profit']:,.2f}", f"{row['fills']:,}"
        table.add_row(escape(_params(row["params"])), *cells, profit, fills)
    console.print(table)
    if len(told["runs"]) > _SHOWN:
        console.print(f"[dim]and {len(told['runs']) - _SHOWN} more: --json has them all[/]")
    console.print(
        f"best by {told['metric']} over {len(told['periods'])} periods;"
        f" deflated Sharpe ratio {_cell(told['deflated_sharpe'])}"
    )
    if walk := told.get("walk_forward"):
        for step in walk["steps"]:
            console.print(
                f"learnt from {', '.join(step['train'])}: {_params(step['params'])},"
                f" {_cell(step['trained'])}; then {_cell(step['tested'])}",
                highlight=False,
            )
        outside = walk["outside"]
        console.print(
            f"outside of what it was learnt from: Sharpe ratio {_cell(outside['sharpe_ratio'])},"
            f" return {_cell(outside['total_return'])}"
        )
    for warning in told["warnings"]:
        console.print(f"[yellow]{escape(warning)}[/]")
