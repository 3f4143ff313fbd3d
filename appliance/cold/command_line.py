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
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import Final

from appliance.cold import (
    backtest_command,
    bench_command,
    check_host_command,
    convert_command,
    demo_command,
    diff_command,
    guard_command,
    journal_command,
    limits_command,
    operator_commands,
    replay_command,
    run_command,
    sweep_command,
    venue_command,
)
from appliance.cold.errors import EXIT_NO, EXIT_USAGE, ApplianceError

EXIT_INTERRUPTED: Final = 130  # as a shell says for Ctrl-C
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)

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


def _version() -> str:
    try:
        return version("lonecore")
    except PackageNotFoundError:
        return "unknown (not installed)"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="appliance",
        description="A trading appliance: one compiled loop on one core.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lonecore {_version()}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    demo_command.add_parser(subparsers)
    replay_command.add_parser(subparsers)
    backtest_command.add_parser(subparsers)
    convert_command.add_parser(subparsers)
    sweep_command.add_parser(subparsers)
    diff_command.add_parser(subparsers)
    run_command.add_parser(subparsers)
    check_host_command.add_parser(subparsers)
    bench_command.add_parser(subparsers)
    venue_command.add_parser(subparsers)
    operator_commands.add_parsers(subparsers)
    limits_command.add_parser(subparsers)
    journal_command.add_parser(subparsers)
    guard_command.add_parser(subparsers)
    from appliance.cold import top

    top.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code. No traceback for a user's mistake; a defect of ours shows its own."""
    if sys.flags.optimize:
        print(
            "appliance: python -O removes the checks at start-up; run without it", file=sys.stderr
        )
        return EXIT_USAGE
    os.environ.setdefault("NUMBA_NRT_STATS", "1")  # the purity figures need it
    args = build_parser().parse_args(argv)
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
