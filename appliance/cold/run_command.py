"""``appliance run``: the trading process, on live market data; paper fills or real orders."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from appliance.cold import service_manager
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.placement import hold_idle_states_off
from appliance.cold.replay_command import Screen, rings_folder
from appliance.cold.run_config import BadConfig, RunConfig, load

if TYPE_CHECKING:
    from appliance.cold.compile_cache import Cache

_EPILOG = """\
examples:
  appliance run spot.toml                  until Ctrl-C, which cancels what is open
  appliance run spot.toml --seconds 60     for a minute
  appliance run spot.toml --check          only check the configuration
  appliance run spot.toml --compile        check, and compile: the next start takes seconds
  appliance run spot.toml --reconcile      after a crash: cancel, count, compare; no trading
  appliance top spot-1                     watch it from another terminal

A configuration (all keys: appliance/cold/run_config.py):
  mode = "paper"
  market = "spot"
  symbols = ["BTCUSDT"]

exit codes: 0 fine, 1 the venue does not let us trade or orders of ours may still be open,
2 a wrong request or configuration"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run",
        help="trade: live market data, paper fills or real orders",
        description="The trading process. mode, market, symbols and the rest stand in CONFIG.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", help="a TOML file")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop by itself after S seconds")
    parser.add_argument(
        "--reconcile",
        action="store_true",
        help="settle with the venue what earlier runs left, and end without trading",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="check the configuration, compile the loop for the next start, and end",
    )
    parser.add_argument("--check", action="store_true", help="check the configuration and end")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance run``; returns the exit code."""
    started_s = time.time()
    if args.seconds is not None and not 0 < args.seconds <= 10_000_000:
        raise ApplianceError(f"--seconds {args.seconds:g}: give a number above zero")
    if args.check + args.compile + args.reconcile > 1:
        raise ApplianceError("--check, --compile and --reconcile: one of them")
    # Resolved: compiled code of a strategy is found again by its path, and a link may be another
    # one's tomorrow.
    config = load(Path(args.config).resolve(), trades=not args.reconcile)
    screen = Screen(quiet=args.json)
    key = _key(config)
    _check_limits(config)
    for line in _host(config):
        print(f"appliance run: {line}", file=sys.stderr)
    if args.check or args.compile:
        return _check(config, screen, compiles=args.compile, as_json=args.json)
    if args.reconcile:
        return _reconcile(config, key, screen, as_json=args.json)
    result = _trade(config, key, args.seconds, screen, started_s)
    if args.json:
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        from appliance.cold import run_report

        run_report.show(result, Console())
    if fatal := result["session"]["fatal"]:
        print(f"appliance run: {fatal}", file=sys.stderr)
    return EXIT_NO if fatal or result["session"]["left_open"] else EXIT_OK


def _check(config: RunConfig, screen: Screen, *, compiles: bool, as_json: bool) -> int:
    """Would it start? And with ``compiles``: without having to compile."""
    if compiles or _needs_certificate(config):
        from appliance.cold import strategy_loader

        name, cache = _prepare(config)
        strategy = strategy_loader.load_strategy(name, _params(config))
        _certified(config, strategy)
        if compiles and not cache.warm:
            from appliance.cold.live import compiling

            asyncio.run(compiling.compile_alone(strategy, cache, _sayer(screen)))
    if as_json:
        more = {"compiled": True} if compiles else {}
        sys.stdout.write(json.dumps({"config": "fine", "mode": config.mode} | more) + "\n")
    else:
        done = ", compiled" if compiles else ""
        print(f"{config.path}: fine ({config.mode}, {', '.join(config.symbols)}){done}")
    return EXIT_OK


def _reconcile(config: RunConfig, key: Any, screen: Screen, *, as_json: bool) -> int:
    """What the journal adds up to when it agrees with the venue."""
    if key is None:
        raise BadConfig(f"{config.path}: mode is {config.mode!r}: it has no order at a venue")
    _prepare(config)
    from appliance.cold import journal_command
    from appliance.cold.live import recovery

    told = asyncio.run(recovery.reconcile(config, key, _sayer(screen)))
    if as_json:
        print(json.dumps(told))
    else:
        journal_command.show(told)
        print("\n".join(["journal and venue agree", *told["notes"]]))
    return EXIT_OK


def _check_limits(config: RunConfig) -> None:
    """A limit that nobody gave refuses every order; it is told before, not after."""
    from appliance.cold.risk_file import RiskFile

    if (path := config.file("risk.file")) is not None:
        missing = RiskFile.read(path).missing(config.symbols)
        if missing:
            raise BadConfig("\n".join(missing))


def _host(config: RunConfig) -> list[str]:
    """What is amiss with the host, if the loop has a core of its own. NotTuned."""
    core = config.values.get("host.core")
    if core is None:
        return []
    from appliance.cold.host import at_start

    return at_start.check(core, config.values["host.profile"], config.values["host.check"])


def _sayer(screen: Screen) -> Callable[[str], None]:
    """What the session tells: in a terminal, else plain lines that a journal keeps."""
    if not screen.progress.disable:
        return screen.say

    def say(text: str) -> None:
        print(f"appliance run: {text}", file=sys.stderr, flush=True)
        service_manager.status(text)

    return say


def _key(config: RunConfig) -> Any:
    from appliance.cold.live import key_file

    return key_file.of(config)


def _prepare(config: RunConfig) -> tuple[str, "Cache"]:
    """The strategy's name or file, and where compiled code is kept."""
    from appliance.cold import compile_cache, strategy_loader

    file = config.values["strategy.file"]
    local = config.path.parent / file
    try:
        name = str(local) if local.is_file() else file
        return name, compile_cache.prepare(strategy_loader.source_of(name), compile_cache.LIVE)
    except OSError as error:  # a name that is too long, a file that must not be read
        raise BadConfig(f"{config.path}: strategy.file: {error.strerror}") from None


def _params(config: RunConfig) -> dict[str, str]:
    return {k: str(v) for k, v in config.values["strategy.params"].items()}


def _needs_certificate(config: RunConfig) -> bool:
    return config.mode == "live" and not config.values["testnet"]


def _certified(config: RunConfig, strategy: Any) -> Any:
    """The certificate of what is about to run; None: it needs none. NotCertified."""
    if not _needs_certificate(config):
        return None
    from appliance.cold import certificate, certificate_check, certificate_key

    path, risk = config.file("certificate.file"), config.file("risk.file")
    assert path is not None and risk is not None
    trusted = config.file("certificate.key") or certificate_key.folder() / certificate_key.PUBLIC
    document = certificate.read(path, certificate_key.trusted_key(trusted))
    market = config.market.name.lower()
    subject = certificate.subject_of(strategy.source, strategy.values, market, risk)
    certificate_check.check(document, subject, config.symbols)
    for line in certificate_check.lowered(document):
        print(f"appliance run: {line}", file=sys.stderr)
    return certificate_check.Certified(document, risk)


def _trade(
    config: RunConfig, key: Any, seconds: float | None, screen: Screen, started_s: float
) -> dict[str, Any]:
    from appliance.cold import strategy_loader

    if config.placement.core is not None:
        for note in filter(None, (config.placement.leave(), hold_idle_states_off())):
            print(f"appliance run: {note}", file=sys.stderr)
    name, cache = _prepare(config)
    from appliance.cold.live import trading_run

    strategy = strategy_loader.load_strategy(name, _params(config))
    certified = _certified(config, strategy)
    with screen.progress:
        trading = trading_run.TradingRun(
            config=config,
            key=key,
            strategy=strategy,
            certified=certified,
            cache=cache,
            rings_folder=rings_folder(config.text("rings")),
            say=_sayer(screen),
            process_started_s=started_s,
        )
        return asyncio.run(trading.run(seconds))
