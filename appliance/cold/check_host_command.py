"""``appliance check-host``: is this host what the loop needs?"""

import argparse
import json
import sys
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.cold.errors import EXIT_NO, EXIT_OK
from appliance.cold.host import check
from appliance.cold.host.knobs import Finding, Verdict

_EPILOG: Final = """\
examples:
  appliance check-host --isolated 3                      against the whole tuning
  appliance check-host --profile low-latency-runtime     the isolated cores as they are now
  appliance check-host --profile stock                   is nothing of a tuning left?
  appliance check-host --isolated 2-3 --root /mnt/image  another tree, by its files alone
  appliance check-host --json                            for a script

Each knob: what is wanted, what is found, and how to mend it. What this machine does not have is
not applicable, which is never a pass. A process spins on each isolated core for --seconds, to see
that no tick and no interrupt comes to it. Why each knob is there: kernel-tuning/README.md.

exit codes: 0 all that applies is right, 1 something is not, 2 a wrong request"""
_COLOURS: Final = {
    Verdict.OK: "green",
    Verdict.WRONG: "red",
    Verdict.MISSING: "red",
    Verdict.UNREADABLE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "check-host",
        help="this host against a profile of kernel-tuning/, knob by knob",
        description="Audits a host, by value and by what it does.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance check-host``; returns the exit code."""
    told, found = check.look(args)
    if args.json:
        json.dump(told, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(told, found, Console())
    return EXIT_OK if told["ok"] else EXIT_NO


def show(told: dict[str, Any], found: list[Finding], console: Console) -> None:
    """A table, how to mend what is not right, and the sum."""
    table = Table(box=None, pad_edge=False)
    for name in ("knob", "verdict", "wanted", "found"):
        table.add_column(name, overflow="fold")
    for one in found:
        verdict = f"[{_COLOURS[one.verdict]}]{one.verdict.value}[/]"
        table.add_row(escape(one.knob), verdict, escape(one.wanted), escape(one.found))
    console.print(table)
    bad = [one for one in found if one.verdict.is_bad]
    for one in bad:
        again = " (reboot)" if one.reboot else ""
        console.print(f"[bold]{escape(one.knob)}[/]{again}: {escape(one.mend)}", soft_wrap=True)
    counts = ", ".join(f"{count} {name}" for name, count in told["verdicts"].items() if count)
    console.print(f"{told['profile']} on cores {told['isolated'] or 'none'}: {counts}")
