"""``appliance demo``: the whole spine on one machine, with nothing configured."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from appliance.cold.errors import EXIT_OK, ApplianceError
from appliance.cold.replay_command import (
    Screen,
    add_trading_options,
    build_instruments,
    parse_params,
    rings_folder,
)

SECONDS: Final = 30.0
SEED: Final = 1
FRAMES_PER_S: Final = 800
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
REPORT: Final = "lonecore-demo.json"
PICTURES_PER_S: Final = 4

_EPILOG = """\
examples:
  appliance demo                        a made-up market, half a minute, live console
  appliance demo --seconds 10 --seed 7  another session; the same seed gives the same session
  appliance demo recording.gz           a recording, in recorded time
  appliance demo --json                 no console, one JSON document at the end"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo",
        help="see it work: a made-up market through the whole spine, live",
        description="A seeded made-up market (or a recording) in real time, with a live console.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="recordings instead")
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
    params = parse_params(args.params)
    report = Path(args.report)
    if not report.resolve().parent.is_dir():
        raise ApplianceError(f"--report {report}: there is no such folder")
    screen = Screen(quiet=args.json)
    result = _demo(args, params, screen, started_s)
    try:
        report.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ApplianceError(f"--report {report}: {error.strerror}") from None
    if args.json:
        json.dump(result, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return EXIT_OK
    from appliance.cold import run_report

    console = Console()
    run_report.show(result, console)
    console.print(f"report: {report}")
    return EXIT_OK


def _demo(
    args: argparse.Namespace, params: dict[str, str], screen: Screen, started_s: float
) -> dict[str, Any]:
    from appliance.cold import compile_cache, strategy_loader

    cache = compile_cache.prepare(strategy_loader.source_of(args.strategy))
    from appliance.abi.market import Market
    from appliance.cold import grid, loop, recording, run_report, session

    strategy = strategy_loader.load_strategy(args.strategy, params)
    market = Market.SPOT if args.market == "spot" else Market.USDM
    with screen.progress, screen.task("preparing the market") as progress:
        if args.files:
            arena = recording.load(args.files, progress=progress)
        else:
            arena = _made_up(args.seed, args.seconds, market)
        learnt = grid.learn([arena])
        instruments = build_instruments(learnt, None, None)
        made = session.start(
            session.Plan(
                name=args.name,
                mode="demo",
                instruments=instruments,
                strategy=strategy,
                limits_file=Path(args.limits) if args.limits else None,
                cache=cache,
                speed=1.0,
                frames_total_n=len(arena),
                process_started_s=started_s,
                say=screen.say,
                rings_folder=rings_folder(args.rings),
            )
        )
    try:
        arena = _first_seconds(arena, args.seconds)
        try:
            with _console(made, screen) as watch:
                loop.run_in_time(made.loop, [made.feed(arena)], 1.0, watch, 1.0 / PICTURES_PER_S)
        except KeyboardInterrupt:
            made.notes.append("stopped by hand")
        result = run_report.as_dict(made)
        result["seed"] = args.seed
        return result
    finally:
        made.close()


def _made_up(seed: int, seconds: float, market: Any) -> Any:
    """A session as an arena, by way of the recorder's own format."""
    from appliance.cold.recording import arena_of
    from appliance.cold.synthetic import generate

    lines = generate(seed, seconds, symbols=SYMBOLS, market=market, frames_per_s=FRAMES_PER_S)
    return arena_of(lines)


def _first_seconds(arena: Any, seconds: float) -> Any:
    """A recording may be longer than the demo."""
    import dataclasses

    if not len(arena):
        raise ApplianceError("there is nothing to show: no frames")
    end_ns = int(arena.receive_ns[0]) + int(seconds * 1e9)
    count = int((arena.receive_ns <= end_ns).sum())
    names = ("starts", "lengths", "receive_ns", "is_rest", "hints")
    return dataclasses.replace(arena, **{name: getattr(arena, name)[:count] for name in names})


class _console:  # noqa: N801 - reads as a function
    """A live console over the telemetry region, the way another process would see it."""

    def __init__(self, made: Any, screen: Screen) -> None:
        from appliance.abi import region

        self._made = made
        self._view = region.attach(made.region.path)
        self._live: Live | None = None
        self._previous: dict[str, Any] | None = None
        if not screen.progress.disable:
            self._live = Live(
                console=screen.console, refresh_per_second=PICTURES_PER_S, screen=True
            )

    def __enter__(self) -> Any:
        if self._live is not None:
            self._live.start()
        return self._look

    def _look(self) -> None:
        self._made.region.update_clock()
        if self._live is None:
            return
        from appliance.cold import top_view
        from appliance.cold.snapshot import snapshot

        now = snapshot(self._view)
        size = self._live.console.size
        self._live.update(
            top_view.render(now, self._previous, size.width, size.height, note="Ctrl-C ends"),
            refresh=True,
        )
        self._previous = now

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        self._view.close()
