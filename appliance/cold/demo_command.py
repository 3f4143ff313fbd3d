"""``appliance demo``: a venue, the trading process and a console on one machine, unconfigured."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from appliance.cold.console import LiveConsole
from appliance.cold.demo_sidecar import DemoSidecar
from appliance.cold.demo_venue import DemoVenue
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.replay_command import (
    Screen,
    add_trading_options,
    parse_params,
    rings_folder,
)

SECONDS: Final = 30.0
SEED: Final = 1
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
REPORT: Final = "lonecore-demo.json"

# Without --limits. What a desk would choose stands in a file of its own.
_LIMITS: Final = """
[account]
currency = "USDT"
day_starts_at_utc = "00:00"
order_rate_max = 50
order_rate_window_ms = 1000
open_orders_max = 20
message_rate_max = 200
message_rate_window_ms = 1000
venue_rate_max = 45
venue_rate_window_ms = 10000
venue_day_max = 150000
gross_max = "200000"
net_max = "200000"
leverage_max = 3
day_value_max = "off"
runaway_max = 500
runaway_window_ms = 1000
messages_per_fill_max = "off"
messages_per_fill_after = 1000
rejects_in_row_max = 20
day_loss_max = "10000"
drawdown_max = "10000"
guardian_age_max_ms = "off"
clock_offset_max_ms = 250
[default]
position_max = "1"
quantity_max = "0.5"
notional_max = "50000"
collar_pct = 1
open_orders_max = 10
book_age_max_ms = 1500
reference_age_max_ms = 1500
order_types = ["GTC", "IOC", "POST_ONLY"]
open_orders_side_max = 10
open_notional_max = "1000000"
repeat_window_ms = 1
window_collar_pct = 10
collar_window_ms = 60000
event_age_max_ms = 2000
day_quantity_max = "off"
losses_in_row_max = "off"
fee_pct = "0.1"
"""

_EPILOG = """\
examples:
  appliance demo                        a made-up market, half a minute, live console
  appliance demo --seconds 10 --seed 7  another market; the same seed gives the same flow
  appliance demo recording.gz           the venue replays a recording, in recorded time
  appliance demo --json                 no console, one JSON document at the end

The same by hand: appliance venue in one terminal, appliance run in another, appliance top in
a third, sidecar run in a fourth.

exit codes: 0 fine, 1 the venue and we do not agree in the end, 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo",
        help="see it work: a venue, real orders over real sockets, a live console",
        description="Starts a simulated venue, trades on it over loopback, and shows it live.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="a recording as the market")
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="S", help="how long")
    parser.add_argument("--seed", type=int, default=SEED, help="of the made-up market")
    parser.add_argument("--market", choices=("spot", "usdm"), default="spot", help="its protocol")
    add_trading_options(parser)
    parser.add_argument(
        "--report", default=REPORT, metavar="FILE", help=f"what it leaves (default {REPORT})"
    )
    parser.add_argument(
        "--name", default="demo", metavar="NAME", help="of the telemetry region (default demo)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance demo``; returns the exit code."""
    started_s = time.time()
    if not 1 <= args.seconds <= 3600:
        raise ApplianceError(f"--seconds {args.seconds:g}: give 1 to 3600")
    parse_params(args.params)
    report = Path(args.report)
    if not report.resolve().parent.is_dir():
        raise ApplianceError(f"--report {report}: there is no such folder")
    screen = Screen(quiet=args.json)
    result = _demo(args, screen, started_s)
    try:
        report.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ApplianceError(f"--report {report}: {error.strerror}") from None
    if args.json:
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        _show(result, report)
    return EXIT_OK if result["venue"]["agrees"] else EXIT_NO


def _show(result: dict[str, Any], report: Path) -> None:
    from appliance.cold import run_report

    console = Console()
    run_report.show(result, console)
    venue = result["venue"]
    agrees = "agrees" if venue["agrees"] else "[red]does not agree[/]"
    console.print(f"the venue {agrees}: {venue['positions']}, {venue['open_orders']} open orders")
    record = result["record"]
    if "error" in record:
        console.print(f"[yellow]no record: {record['error']}[/]")
    else:
        console.print(
            f"recorded: {record['points']:,} points of {record['intervals']} seconds,"
            f" {record['orders']} orders and {record['fills']} fills among them"
        )
        console.print(f"          sidecar query --spool {record['folder']}", soft_wrap=True)
        lost = f", [red]{record['lost_frames']:,} lost[/]" if record["lost_frames"] else ""
        console.print(f"          and {record['frames']:,} frames of the venue{lost}")
        again = f"appliance replay {record['recordings']}/*/*/*.gz"
        console.print(f"          {again}", soft_wrap=True)
    console.print(f"report: {report}")


def _demo(args: argparse.Namespace, screen: Screen, started_s: float) -> dict[str, Any]:
    from appliance.cold import compile_cache, strategy_loader

    try:
        cache = compile_cache.prepare(strategy_loader.source_of(args.strategy), compile_cache.LIVE)
    except OSError as error:  # a name that is too long, a file that must not be read
        raise ApplianceError(f"--strategy: {error.strerror}") from None
    from appliance.cold.live import key_file
    from appliance.cold.live.trading_run import TradingRun

    strategy = strategy_loader.load_strategy(args.strategy, parse_params(args.params))
    with tempfile.TemporaryDirectory(prefix="lonecore-demo-") as name, screen.progress:
        folder = Path(name)
        screen.say("starting the venue")
        with DemoVenue(folder, _venue_options(args)) as venue:
            market = next(name for name in ("spot", "usdm") if name in venue.ready)
            config = _config(args, folder, market, venue.ready)
            trading = TradingRun(
                config=config,
                key=key_file.load(Path(config.values["keys.file"])),
                strategy=strategy,
                certified=None,
                cache=cache,
                rings_folder=rings_folder(args.rings),
                say=screen.say,
                process_started_s=started_s,
            )
            record = DemoSidecar(args.name, Path(args.report).with_suffix(".record"))
            with record, LiveConsole(screen) as console:

                def watch() -> None:
                    assert trading.made is not None
                    console.look(trading.made.region.path)

                result: dict[str, Any] = asyncio.run(trading.run(args.seconds, watch))
            result["venue"] = _agreement(result, *venue.truth(market))
            result["record"] = record.told
            return result


def _venue_options(args: argparse.Namespace) -> list[str]:
    if args.file is not None:
        return ["--recording", args.file, "--repeat"]
    return ["--market", args.market, "--seed", str(args.seed), "--symbols", ",".join(SYMBOLS)]


def _config(args: argparse.Namespace, folder: Path, market: str, ready: dict[str, Any]) -> Any:
    """What ``appliance run`` would read from a file."""
    from appliance.cold import run_config

    limits = Path(args.limits).resolve() if args.limits else folder / "risk.toml"
    if not args.limits:
        limits.write_text(_LIMITS)
    urls = ready[market]
    document = {
        "mode": "live",
        "testnet": True,
        "market": market,
        "symbols": urls["symbols"],
        "name": args.name,
        "strategy": {"file": args.strategy},
        "risk": {"file": str(limits)},
        "degrade": {"pass_ms": [10_000, 20_000]},  # a laptop has other things to do
        "journal": {"folder": str(folder / "journal")},
        "keys": {"file": str(Path(urls["keys"]["ed25519"]).resolve())},
        "venue": {"rest": urls["rest"], "streams": urls["streams"], "orders": urls["ws_api"]},
    }
    return run_config.check(document, folder / "demo.toml")


def _agreement(
    result: dict[str, Any], positions: dict[str, Decimal], open_n: int
) -> dict[str, Any]:
    """Our positions beside the venue's."""
    ours = {symbol: Decimal(one["quantity"]) for symbol, one in result["position"].items()}
    agrees = open_n == 0 and all(q == positions.get(symbol, 0) for symbol, q in ours.items())
    shown = {symbol: f"{quantity.normalize():f}" for symbol, quantity in positions.items()}
    return {"positions": shown, "open_orders": open_n, "agrees": agrees}
