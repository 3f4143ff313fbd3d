"""``appliance top``: the telemetry region, live in a terminal.

Reads only; what it watches never notices. When the run ends or another takes its place, it says so
and goes on with the new one.
"""

import argparse
import contextlib
import json
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from appliance.abi import region
from appliance.abi.region_report import Health
from appliance.abi.region_view import RegionView
from appliance.cold.errors import EXIT_NO, EXIT_OK, EXIT_USAGE
from appliance.cold.snapshot import rates_per_s, snapshot
from appliance.cold.top_view import render

__all__ = ["add_parser", "render", "run", "snapshot"]

INTERVAL_S: Final = 0.5
INTERVAL_MIN_S: Final = 0.05
INTERVAL_MAX_S: Final = 3600.0
_RATE_SPAN_S: Final = 0.25  # between the two looks of --once, for the rates
_NOTE_S: Final = 5.0  # how long "restarted" stays on the screen

_EPILOG: Final = """examples:
  appliance top                       the run that was started last
  appliance top demo                  the run named demo (lonecore-demo.telemetry in /dev/shm)
  appliance top /dev/shm/x.telemetry  the region at a path
  appliance top --once | less         one picture as plain text
  appliance top --json                one JSON document

keys: q or Ctrl-C ends
exit codes: 0 shown, 1 nothing runs there, 2 not a region or a wrong option"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``top`` to the command line; the lead's parser calls ``run`` with what was parsed."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "top",
        help="live terminal view of a running appliance",
        description="Show a run's telemetry: latency, rates, books, positions, refusals, rings.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "region", nargs="?", metavar="NAME|PATH", help="which run (default: the one started last)"
    )
    parser.add_argument(
        "--interval",
        type=_interval,
        default=INTERVAL_S,
        metavar="S",
        help=f"seconds between two pictures (default {INTERVAL_S})",
    )
    parser.add_argument("--once", action="store_true", help="one picture, then end")
    parser.add_argument("--json", action="store_true", help="one JSON document, then end")
    parser.set_defaults(run=run)
    return parser


def _interval(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not INTERVAL_MIN_S <= value <= INTERVAL_MAX_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no interval: {INTERVAL_MIN_S} to {INTERVAL_MAX_S:.0f} seconds"
        )
    return value


def run(args: argparse.Namespace, console: Console | None = None) -> int:
    """Serve ``appliance top``; returns the exit code."""
    console = console or Console()
    try:
        view = region.attach(region.find(args.region))
    except region.RegionError as error:
        print(f"appliance top: {error}", file=sys.stderr)
        return EXIT_NO if isinstance(error, region.RegionMissing) else EXIT_USAGE
    watch = _Watch(view)
    try:
        if args.json or args.once:
            _one(watch, console, as_json=args.json)
        elif console.is_terminal:
            _live(watch, console, args.interval)
        else:
            _plain(watch, console, args.interval)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        watch.view.close()
    return EXIT_OK


class _Watch:
    """The run that is looked at, the last two snapshots, and what to tell about a change."""

    def __init__(self, view: RegionView) -> None:
        self.view = view
        self.previous: dict[str, Any] | None = None
        self.now = snapshot(view)
        self._note = ""
        self._note_until_s = 0.0

    def look(self) -> None:
        """Take the next snapshot, of the new run if another one has taken the place."""
        if self.view.health() is Health.REPLACED:
            # Not ready yet, or refused: the old run's last figures stay until it can be read.
            with contextlib.suppress(region.RegionError):
                fresh = region.attach(self.view.path)
                self.view.close()
                self.view = fresh
                self._note = f"restarted: now process {fresh.identity.process.pid}"
                self._note_until_s = time.monotonic() + _NOTE_S
                self.previous = None
                self.now = snapshot(fresh)
                return
        self.previous, self.now = self.now, snapshot(self.view)

    @property
    def note(self) -> str:
        return self._note if time.monotonic() < self._note_until_s else ""


def _one(watch: _Watch, console: Console, *, as_json: bool) -> None:
    time.sleep(_RATE_SPAN_S)
    watch.look()
    if as_json:
        document = watch.now | {"rates_per_s": rates_per_s(watch.now, watch.previous)}
        print(json.dumps(document, indent=2))
    else:
        console.print(render(watch.now, watch.previous, console.width))


def _plain(watch: _Watch, console: Console, interval_s: float) -> None:
    """One picture after another, for a pipe or a log."""
    while True:
        time.sleep(interval_s)
        watch.look()
        console.print(render(watch.now, watch.previous, console.width, note=watch.note))
        console.print()


def _live(watch: _Watch, console: Console, interval_s: float) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live, _keys() as key_pressed:
        while True:
            live.update(
                render(watch.now, watch.previous, console.width, console.height, note=watch.note),
                refresh=True,
            )
            if key_pressed(interval_s) in ("q", "Q"):
                break
            watch.look()
    # The other screen is gone now; leave the last picture where the prompt comes back.
    console.print(render(watch.now, watch.previous, console.width))


@contextlib.contextmanager
def _keys() -> Iterator[Any]:
    """A function that waits up to so many seconds for a key and returns it, or ''."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)

    def key_pressed(timeout_s: float) -> str:
        ready, _, _ = select.select([handle], [], [], timeout_s)
        return sys.stdin.read(1) if ready else ""

    try:
        tty.setcbreak(handle)  # Ctrl-C stays a signal
        yield key_pressed
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _no_key(timeout_s: float) -> str:
    time.sleep(timeout_s)
    return ""
