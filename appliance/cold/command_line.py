"""Parses the command line, calls the command, turns errors into one line and an exit code.

Numba is not imported here: a command first names the strategy, so that compile_cache can choose the
directory of compiled code, and only then imports what is hot.
"""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Final

from appliance.cold.errors import EXIT_NO, EXIT_USAGE, ApplianceError

EXIT_INTERRUPTED: Final = 130  # as a shell says for Ctrl-C
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
# A command -> its module. Only what is asked for is imported: halt and status are there at once.
COMMANDS: Final = {
    "demo": "demo_command",
    "replay": "replay_command",
    "backtest": "backtest_command",
    "convert": "convert_command",
    "sweep": "sweep_command",
    "diff": "diff_command",
    "run": "run_command",
    "check-host": "check_host_command",
    "bench": "bench_command",
    "venue": "venue_command",
    "halt": "operator_commands",
    "reduce": "operator_commands",
    "resume": "operator_commands",
    "status": "operator_commands",
    "limits": "limits_command",
    "journal": "journal_command",
    "guard": "guard_command",
    "top": "top",
}

_EPILOG = """\
examples:
  appliance demo                                  one minute of a made-up market, live
  appliance replay recording.gz                   a recording through the whole pipeline
  appliance replay day.gz --verify-book --json    only the facts, for a script
  appliance venue                                 a simulated venue on a local port
  appliance top                                   watch a running one from another terminal
  appliance halt --cancel-all                     stop it trading, at once

exit codes: 0 fine, 1 the answer is no, 2 the request was wrong"""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: ends as Ctrl-C does, so that nothing stays behind."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise Terminated(number)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            text = version("lonecore")
        except PackageNotFoundError:
            text = "unknown (not installed)"
        print(f"lonecore {text}")
        parser.exit()


def build_parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Of all commands, or of the one that ``argv`` begins with."""
    parser = argparse.ArgumentParser(
        prog="appliance",
        description="A trading appliance: one compiled loop on one core.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which one this is")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = COMMANDS.get(argv[0]) if argv else None
    for name in dict.fromkeys([asked] if asked else COMMANDS.values()):
        import_module(f"appliance.cold.{name}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. No traceback for a user's mistake; a defect of ours shows its own."""
    if sys.flags.optimize:
        print(
            "appliance: python -O removes the checks at start-up; run without it", file=sys.stderr
        )
        return EXIT_USAGE
    os.environ.setdefault("NUMBA_NRT_STATS", "1")  # the purity figures need it
    words = sys.argv[1:] if argv is None else argv
    args = build_parser(words).parse_args(words)
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _terminate)
    try:
        return int(args.run(args))
    except ApplianceError as error:
        for line in str(error).splitlines():  # a configuration may have several faults
            print(f"appliance {args.command}: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as stop:
        print(f"\nappliance {args.command}: stopped", file=sys.stderr)
        return stop.exit_code if isinstance(stop, Terminated) else EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone
        return EXIT_NO
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        name = str(error.filename)
        print(f"appliance {args.command}: {name[:40]}..: no file has such a name", file=sys.stderr)
        return EXIT_USAGE
