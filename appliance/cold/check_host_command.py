"""``appliance check-host``: is this host what the loop needs?"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.host import behaviour, machine, profile
from appliance.cold.host.cpus import list_text, parse_list
from appliance.cold.host.knobs import Finding, Tree, Verdict, audit
from appliance.cold.host.profile import Cores

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
    add = parser.add_argument
    add("--profile", default=profile.USUAL, metavar="NAME", help=f"default: {profile.USUAL}")
    add("--isolated", metavar="LIST", help="cores of the loop, as 2-3 (default: those that are)")
    add("--hugepages", type=int, default=0, metavar="N", help="of 2 MB, that there should be")
    add("--root", default="/", metavar="FOLDER", help="another tree")
    add("--seconds", type=float, default=2.0, metavar="S", help="of spinning, a core (2)")
    add("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serve ``appliance check-host``; returns the exit code."""
    if not 0.2 <= args.seconds <= 600:
        raise ApplianceError(f"--seconds {args.seconds:g}: give 0.2 to 600")
    if not 0 <= args.hugepages <= 1 << 20:
        raise ApplianceError(f"--hugepages {args.hugepages}: give 0 to {1 << 20}")
    wanted = profile.load(args.profile)
    tree = Tree(Path(args.root))
    cores = _cores(args, tree, wanted.name)
    found = audit(wanted, cores, tree)
    found += _observed(args, cores)
    told = as_dict(wanted.name, cores, found)
    if args.json:
        json.dump(told, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(told, found, Console())
    return EXIT_OK if told["ok"] else EXIT_NO


def _cores(args: argparse.Namespace, tree: Tree, name: str) -> Cores:
    if args.isolated is None:
        isolated = machine.isolated_now(tree)
        if not isolated and name != "stock":
            raise ApplianceError(
                "no core is isolated here: say which should be, as --isolated"
                f" {list_text([max(machine.online(tree))])}"
            )
    else:
        try:
            isolated = parse_list(args.isolated)
        except ValueError as error:
            raise ApplianceError(f"--isolated: {error}") from None
        if not isolated:
            raise ApplianceError("--isolated: no core")
    if name == "stock":
        there = machine.online(tree)
        return Cores(isolated, there - isolated, args.hugepages)
    return machine.cores_of(isolated, tree, args.hugepages)


def _observed(args: argparse.Namespace, cores: Cores) -> list[Finding]:
    if Path(args.root).resolve() != Path("/"):
        return behaviour.not_here("another tree: nothing runs in it")
    if not cores.isolated:
        return behaviour.not_here("no core is isolated")
    return behaviour.observe(cores, args.seconds)


def as_dict(name: str, cores: Cores, found: list[Finding]) -> dict[str, Any]:
    """Plain values."""
    counts = {verdict.value: 0 for verdict in Verdict}
    for one in found:
        counts[one.verdict.value] += 1
    return {
        "profile": name,
        "isolated": list_text(cores.isolated),
        "housekeeping": list_text(cores.housekeeping),
        "ok": not any(one.verdict.is_bad for one in found),
        "verdicts": counts,
        "reboot_needed": any(one.reboot and one.verdict.is_bad for one in found),
        "knobs": [
            {
                "knob": one.knob,
                "verdict": one.verdict.value,
                "wanted": one.wanted,
                "found": one.found,
                "mend": one.mend,
                "reboot": one.reboot,
            }
            for one in found
        ],
    }


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
