"""``appliance venue``: a simulated venue that other people's clients can trade on."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.abi.market import Market
from appliance.cold.errors import EXIT_OK, ApplianceError

if TYPE_CHECKING:
    from appliance.cold.venue.server import VenueSettings

_MARKETS: Final = {
    "spot": (Market.SPOT,),
    "usdm": (Market.USDM,),
    "both": (Market.SPOT, Market.USDM),
}
_SYMBOLS: Final = "BTCUSDT,ETHUSDT"
_SPEED_MAX: Final = 100.0
_SECONDS_MAX: Final = 1e9
_PORT_MAX: Final = 65_535

_EPILOG = """\
examples:
  appliance venue                                        spot and USD-M on any free port
  appliance venue --market spot --port 8080 --symbols BTCUSDT,ETHUSDT
  appliance venue --recording day.gz --speed 2           a recording is the market
  appliance venue --json --keys-dir /run/venue-keys      one line of JSON when it is ready
  appliance venue --tls-dir /tmp/venue-tls               TLS; clients trust ca.pem in there
  appliance venue --fault drop=0.01 --fault delay=0.1 --fault delay_ms=250

While it runs, on loopback: GET /venue/state?depth=20, POST /venue/faults {"silent": true}.
The demo account's keys are files in --keys-dir which only you can read.

exit codes: 0 stopped, 2 a wrong request"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "venue",
        help="a simulated venue on a local port",
        description="Binance spot and USD-M as of 2026: REST, streams, WebSocket API, user data.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--market", choices=tuple(_MARKETS), help="default: both")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--symbols", metavar="A,B", help=f"default: {_SYMBOLS}, or all that are recorded"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the flow and the faults")
    parser.add_argument(
        "--rate", type=int, default=400, metavar="N", help="market actions a second and symbol"
    )
    parser.add_argument(
        "--recording",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="whose market to play",
    )
    parser.add_argument(
        "--snapshot",
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="REST depth snapshots that are not in the recording (repeatable)",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="times the recorded pace")
    parser.add_argument("--repeat", action="store_true", help="play the recording over and over")
    parser.add_argument("--keys-dir", type=Path, default=Path("venue-keys"), metavar="DIR")
    parser.add_argument("--tls-dir", type=Path, metavar="DIR", help="serve TLS, certificates here")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    parser.add_argument("--ping-s", type=float, default=0.0, help="0: as the market does")
    parser.add_argument("--life-s", type=float, default=86_400.0, help="of a connection")
    parser.add_argument("--notice-s", type=float, default=10.0, help="from serverShutdown to it")
    parser.add_argument("--limits-factor", type=int, default=1, help="times the real rate limits")
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted. Raises ApplianceError."""
    if not 0 <= args.port <= _PORT_MAX:
        raise ApplianceError(f"--port {args.port}: a port is 0 to {_PORT_MAX}")
    for name in ("rate", "limits_factor"):
        if getattr(args, name) < 1:
            raise ApplianceError(f"--{name.replace('_', '-')}: at least 1")
    seconds = args.life_s, args.notice_s, args.ping_s
    if args.life_s <= 0 or not all(0 <= value < _SECONDS_MAX for value in seconds):
        raise ApplianceError("--life-s, --notice-s and --ping-s are seconds, not less than 0")
    if not 0.01 <= args.speed <= _SPEED_MAX:
        raise ApplianceError(f"--speed {args.speed:g}: a number from 0.01 to {_SPEED_MAX:g}")
    _check_recording(args)
    asyncio.run(_serve(args))
    return EXIT_OK


def _check_recording(args: argparse.Namespace) -> None:
    if args.recording is None and (args.snapshot or args.repeat or args.speed != 1):
        raise ApplianceError("--snapshot, --speed and --repeat are for a --recording")
    if args.recording is not None and args.market is not None:
        raise ApplianceError("--market: a recording has the market that it has")


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not names:
        raise ApplianceError(f"--symbols {text}: names like {_SYMBOLS}")
    return names


def _settings(args: argparse.Namespace) -> "VenueSettings":
    from appliance.cold.recording import SnapshotFile
    from appliance.cold.venue.connection import Times
    from appliance.cold.venue.faults import Faults
    from appliance.cold.venue.listed import Recording
    from appliance.cold.venue.server import VenueSettings

    symbols = None if args.symbols is None else _names(args.symbols)
    recording = None
    if args.recording is not None:
        snapshots = [SnapshotFile.parse(text) for text in args.snapshot]
        recording = Recording(args.recording, snapshots, symbols, args.speed, args.repeat)
    return VenueSettings(
        markets=_MARKETS[args.market or "both"],
        symbols=symbols or _names(_SYMBOLS),
        seed=args.seed,
        host=args.host,
        port=args.port,
        keys_dir=args.keys_dir,
        tls_dir=args.tls_dir,
        faults=Faults.parse([f"seed={args.seed}", *args.fault]),
        times=Times(ping_s=args.ping_s, life_s=args.life_s, notice_s=args.notice_s),
        limits_factor=args.limits_factor,
        actions_per_s=args.rate,
        recording=recording,
    )


async def _serve(args: argparse.Namespace) -> None:
    from appliance.cold.venue.server import VenueServer

    server = VenueServer(_settings(args))
    for remark in server.remarks():
        print(f"appliance venue: {remark}", file=sys.stderr)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await server.start()
    try:
        _announce(server.ready(), args.json)
        waiting = [asyncio.create_task(event.wait()) for event in (stopped, server.ended)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if server.ended.is_set():
            print("appliance venue: the recording has ended", file=sys.stderr)
    finally:
        await server.stop()


def _announce(ready: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(ready), flush=True)
        return
    for market in ("spot", "usdm"):
        if market in ready:
            urls = ready[market]
            print(f"{market}: REST {urls['rest']}, streams {urls['streams']}")
            print(f"      WebSocket API {urls['ws_api']}, keys {urls['keys']['ed25519']}")
    print(f"faults and state: {ready['admin']}; Ctrl-C stops the venue", flush=True)
