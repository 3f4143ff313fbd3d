"""``appliance backtest``: a strategy on history, with the gate, queues and latencies it meets."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from appliance.cold.backtest import request
from appliance.cold.backtest.request import number
from appliance.cold.certificate_check import Thresholds
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.replay_command import Screen

_THRESHOLDS: Final = {
    "sharpe": "of a certificate (1.5)",
    "days": "likewise: of history (5)",
    "fills": "likewise (100)",
    "capacity": "likewise: the capital that the market has room for (--capital)",
}

_EPILOG = """\
examples:
  appliance backtest btcusdt.gz                         the market maker, 5 ms each way
  appliance backtest mon.gz tue.gz --strategy mine.py --params half_ticks=8 --limits risk.toml
  appliance backtest day.npz --symbols BTCUSDT --queue power_3:2 --latency 2.5,4
  appliance backtest day.gz --latency orders.npz        along the latencies of recorded orders
  appliance backtest day.gz --latency drawn:orders.npz  one of them at random, each time
  appliance backtest day.gz --json > result.json
  appliance backtest day.gz --out out                   report.html, series, risk.toml in out/
  appliance backtest *.gz --strategy mine.py --out out --certify    and live may run it

With --certify the limits are derived in a first run; a second one, under them, is what counts.

Orders meet the book that the venue had when they came there, in the queue of their price. What is
assumed about the venue stands in the result. Recordings are lines of "<receive time> <frame>"; an
.npz is hftbacktest's. A file of recorded orders holds request, venue and response times (ns).

exit codes: 0 fine, 1 not profitable enough for a certificate, 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "backtest",
        help="a strategy on history: what would it have earned?",
        description="The live loop's strategy, gate and orders against a simulated venue.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    request.add_options(parser)
    add = parser.add_argument
    add("--out", metavar="FOLDER", help="report.html, result.json, series.npz, risk.toml")
    add("--parquet", action="store_true", help="the series as Parquet too")
    add("--safe-loss", default="1", metavar="PCT", help="what a safe holding may lose (1)")
    add("--certify", action="store_true", help="certificate.json, if it is good enough")
    add("--key", metavar="FILE", help="to sign with (PEM; default: the user's own)")
    add("--valid-days", default="30", metavar="N", help="of the certificate (30)")
    for name, what in _THRESHOLDS.items():
        add(f"--min-{name}", metavar="X", help=what)
    add("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance backtest``; returns the exit code."""
    screen = Screen(quiet=args.json)
    with screen.progress:
        result = backtest(args, screen)
    if args.json:
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        from appliance.cold.backtest.summary import show

        show(result, Console())
    return EXIT_NO if args.certify and result["certificate"]["refused"] else EXIT_OK


def thresholds_of(args: argparse.Namespace) -> Thresholds:
    """Those of a certificate, the usual ones where none is given."""
    given = {
        name: float(number(text, f"--min-{name}", 0, 1e15))
        for name in _THRESHOLDS
        if (text := getattr(args, f"min_{name}")) is not None
    }
    usual = Thresholds()
    return Thresholds(
        given.get("sharpe", usual.sharpe_ratio),
        given.get("days", usual.days),
        int(given.get("fills", usual.fills)),
        given.get("capacity", usual.capacity),
    )


def out_folder(text: str) -> Path:
    """Made if it is not there."""
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ApplianceError(f"--out {text}: {error.strerror}") from None
    return folder


def backtest(args: argparse.Namespace, screen: Screen) -> dict[str, Any]:
    """All of it; the result as plain values."""
    if args.out is None and (args.certify or args.parquet):
        raise ApplianceError("--certify and --parquet need --out, a folder for what they write")
    asked = request.request_of(args)
    safe_loss = number(args.safe_loss, "--safe-loss", 0.0001, 100) / 100
    thresholds = thresholds_of(args)
    valid_days = float(number(args.valid_days, "--valid-days", 0, 366))
    folder = out_folder(args.out) if args.out else None
    from appliance.cold import compile_cache, strategy_loader

    cache = compile_cache.prepare(strategy_loader.source_of(args.strategy), compile_cache.HISTORY)
    from appliance.cold.backtest import outputs, run_backtest

    strategy = strategy_loader.load_strategy(args.strategy, asked.params)
    plan = run_backtest.plan_of(asked, strategy)
    wants = outputs.Asked(
        folder, safe_loss, args.parquet, args.certify, args.key, valid_days, thresholds
    )
    instruments = run_backtest.learn(plan, screen)
    outcome = run_backtest.run(plan, instruments, screen, warm=cache.warm)
    cache.complete()
    return outputs.write(wants, plan, outcome, screen)
